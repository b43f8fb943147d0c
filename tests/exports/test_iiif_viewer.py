"""OpenSeadragon, in a real browser, shows both choices of a static site with tiles."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from exported import Export
from validators import openseadragon

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><meta charset="utf-8"><title>viewer</title>
<div id="viewer" style="width:900px;height:900px"></div><script src="openseadragon.min.js"></script>
<script>
async function show(service) {
  const viewer = OpenSeadragon({id: "viewer", drawer: "canvas", tileSources: service + "/info.json",
    showNavigationControl: false, immediateRender: true, minZoomLevel: 0});
  const failed = [];
  viewer.addHandler("tile-load-failed", event => failed.push(event.tile.getUrl()));
  await new Promise((done, fail) => {
    viewer.addOnceHandler("open-failed", event => fail(new Error(event.message)));
    viewer.addOnceHandler("open", () => done());
  });
  const item = viewer.world.getItemAt(0);
  async function whole() {
    const wait = ms => new Promise(done => setTimeout(done, ms));
    for (let i = 0; i < 200 && !item.getFullyLoaded(); i++) await wait(50);
    await wait(300);
    const canvas = viewer.drawer.canvas, context = canvas.getContext("2d");
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let drawn = 0, chroma = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 255) continue;
      drawn += 1;
      const rgb = data.slice(i, i + 3);
      chroma = Math.max(chroma, Math.max(...rgb) - Math.min(...rgb));
    }
    return {loaded: item.getFullyLoaded(), drawn: drawn / (data.length / 4), chroma};
  }
  const fitted = await whole();
  viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1), null, true);
  const zoomed = await whole();
  const size = item.getContentSize();
  viewer.destroy();
  return {fitted, zoomed, failed, size: [size.y, size.x]};
}
</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """DEST, and where it is served."""
    dest = tmp_path / "dest"
    handler = partial(_Quiet, directory=str(dest))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield dest, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_both_choices_are_shown_whole_and_at_full_size(
    give: Export, site: tuple[Path, str], chromium: Any
) -> None:
    dest, url = site
    give("iiif", tiles=True, base_url=url)
    shutil.copy(openseadragon(), dest)
    (dest / "viewer.html").write_text(PAGE, encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1000, "height": 1000})
    page.goto(f"{url}viewer.html")
    top = page.evaluate("fetch('collection.json').then(one => one.json())")
    shown = [
        _show(page, canvas)
        for listed in top["items"]
        for reference in _get(page, listed["id"])["items"]
        for canvas in _get(page, reference["id"])["items"]
        if canvas["label"]["none"][0] in {"large.jpg", "recto.jpg"}
    ]
    page.close()
    assert len(shown) == 2
    for original, coloured in shown:
        for found in (original, coloured):
            assert found["failed"] == []
            assert found["fitted"]["loaded"]
            assert found["zoomed"]["loaded"]
            assert found["fitted"]["drawn"] > 0.2
        assert original["fitted"]["chroma"] <= 2
        assert coloured["fitted"]["chroma"] > 2
        assert coloured["zoomed"]["chroma"] > 2


def _get(page: Any, url: str) -> Any:
    return page.evaluate("url => fetch(url).then(one => one.json())", url)


def _show(page: Any, canvas: dict[str, Any]) -> list[dict[str, Any]]:
    choice = canvas["items"][0]["items"][0]["body"]
    assert choice["type"] == "Choice"
    found = [page.evaluate("show", one["service"][0]["id"]) for one in choice["items"]]
    assert all(one["size"] == [canvas["height"], canvas["width"]] for one in found)
    return found
