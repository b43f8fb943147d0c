"""What changes while people look: a run writes rows, a master goes, another desk decides."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from desks import row_id
from rowsets import made_row, table

from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.review import catalog, decisions
from archive_colorizer.review.sides import PixelReader


def test_a_derivative_that_was_made_anew_is_looked_at_again(
    kim: Any, served: Any, store: Any
) -> None:
    item = kim.get("/api/pictures?q=a/00").json()["items"][0]
    (key,) = manifest.part_keys(store)
    row = pq.read_table(store.path_of(key)).to_pylist()[0]
    new = row | {"derivative_sha256": "d" * 64, "job_id": "k", "started_at": None,
                 "row_id": row_id("anew")}  # fmt: skip
    manifest.write_part(store, table([new]))
    served.desk.catalog.refresh()
    assert kim.say(item, "approved").status_code == 404  # that row is history
    now = kim.get("/api/pictures?q=a/00").json()["items"][0]
    assert now["id"] == row_id("anew")
    assert kim.say(now | {"sha256": item["sha256"]}, "approved").status_code == 409
    assert kim.say(now, "approved").status_code == 200


def test_rows_that_a_run_writes_are_seen(
    kim: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "CHECK_EVERY_S", 0.0)
    assert kim.get("/api/pictures").json()["total"] == 14
    rows = [made_row(f"new/{i}.jpg", derivative_sha256=f"{i:064x}") for i in range(3)]
    manifest.write_part(store, table(rows))
    for _ in range(100):
        if kim.get("/api/pictures?folder=new").json()["total"] == 3:
            return
    pytest.fail("the new rows were not seen")


def test_a_row_is_found_when_its_file_was_merged_meanwhile(kim: Any, store: Any) -> None:
    (key,) = manifest.part_keys(store)
    data = store.read(key)
    store.delete(key)
    store.write_atomic(f"{manifest.FOLDER}/rows-00000-moved.parquet", data)
    said = kim.get(f"/api/pictures/{row_id('b/05.tif')}")
    assert said.json()["row"]["object_id"] == "obj-005"
    assert kim.get(f"/api/pictures/{row_id('a/08.tif')}/doubt.png").status_code == 200


def test_a_master_that_is_gone_or_broken_is_one_line(
    open_desk: Callable[..., Any], store: Any, tmp_path: Path
) -> None:
    (key,) = manifest.part_keys(store)
    rows = pq.read_table(store.path_of(key)).to_pylist()
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no more than that")
    rows[0] |= {"source_uri": (tmp_path / "gone.jpg").as_uri(), "source_sha256": "0"}
    rows[1] |= {"source_uri": (tmp_path / "broken.tif").as_uri(), "source_sha256": "1"}
    store.write_atomic(key, manifest.to_parquet(table(rows)))
    kim = open_desk().person("kim")
    for name, code in (("a/00.jpg", 404), ("b/01.png", 422)):
        for tail in ("before.jpg", "before/9/0_0.jpg"):
            answer = kim.get(f"/api/pictures/{row_id(name)}/{tail}")
            assert answer.status_code == code
            assert "\n" not in answer.json()["error"]
        assert kim.get(f"/api/pictures/{row_id(name)}/after.jpg").status_code == 200
        assert kim.get(f"/thumb/before/{row_id(name)}.jpg").status_code == 200  # of the sheet


def test_twenty_tiles_at_once_are_one_decoding(kim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Any] = []
    read = PixelReader.read_whole

    def count(self: Any, side: Any) -> Any:
        counted.append(side)
        return read(self, side)

    monkeypatch.setattr(PixelReader, "read_whole", count)
    side = kim.get(f"/api/pictures/{row_id('b/05.tif')}").json()["images"]["before"]
    urls = [side["tiles"].format(level=11, x=x, y=y) for x in range(3) for y in range(2)] * 4
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda url=url: codes.append(kim.get(url).status_code))
        for url in urls
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert codes == [200] * 24
    assert len(counted) == 1


def test_a_pack_that_is_broken_is_made_again(kim: Any, served: Any, tmp_path: Path) -> None:
    side = kim.get(f"/api/pictures/{row_id('a/00.jpg')}").json()["images"]["after"]
    url = side["tiles"].format(level=9, x=0, y=0)
    first = kim.get(url).content
    (pack,) = [path for path in served.desk.pictures._disk.folder.glob("*/*") if path.is_file()]
    pack.write_bytes(pack.read_bytes()[:100])
    assert kim.get(url).content == first


def test_two_people_at_two_desks_lose_nothing(
    open_desk: Callable[..., Any], store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "CHECK_EVERY_S", 0.0)
    people = [open_desk().person("kim"), open_desk().person("lee")]
    items = people[0].get("/api/pictures?status=ok").json()["items"]

    def judge(person: Any, verdict: str) -> None:
        for item in items:
            assert person.say(item, verdict).status_code == 200

    threads = [
        threading.Thread(target=judge, args=pair)
        for pair in zip(people, ("approved", "rejected"), strict=True)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert reviews.read(store).num_rows == 24
    for _ in range(100):
        said = people[0].get(f"/api/pictures/{items[0]['id']}").json()["others"]
        if [one["reviewer"] for one in said] == ["lee"]:
            break
    assert [one["verdict"] for one in said] == ["rejected"]
    assert people[1].get("/api/agreement").json()["agreed"] == 0


def test_ctrl_c_ends_the_desk_and_keeps_every_verdict(store: Any, tmp_path: Path) -> None:
    words = ["review", str(store.root), "--port", "0", "--reviewer", "kim"]
    command = [sys.executable, "-m", "archive_colorizer", *words]
    command += ["--audit-log", str(tmp_path / "audit.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        url = line.removeprefix("review: ").strip()
        with httpx.Client(follow_redirects=True, trust_env=False) as kim:
            kim.get(url)
            base = url.partition("?")[0]
            token = {"X-CSRF-Token": kim.get(f"{base}api/session").json()["csrf"]}
            items = kim.get(f"{base}api/pictures?status=ok&limit=5").json()["items"]
            for item in items:
                said = {"id": item["id"], "sha256": item["sha256"], "verdict": "approved"}
                answer = kim.post(f"{base}api/verdicts", json=said, headers=token)
                assert answer.status_code == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert reviews.read(store).num_rows == 5


def test_an_output_without_rows_is_a_desk_without_pictures(
    open_desk: Callable[..., Any], store: Any
) -> None:
    for key in manifest.part_keys(store):
        store.delete(key)
    kim = open_desk().person("kim")
    assert kim.get("/api/session").json()["job"]["counts"] == {"listed": 0}
    assert kim.get("/api/pictures?queue=1").json() == {"total": 0, "offset": 0, "items": []}
    assert kim.get("/api/queue").json() == {"total": 0, "done": 0, "left": 0, "first": None}
    assert kim.post("/api/undo", json={}).status_code == 404
