"""The documentation's site: built strictly, whole, and it asks nobody else for anything."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


class Targets(HTMLParser):
    """What the pages of a site link to, and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.add(given.get("href") or "")
        else:
            self.loaded.add(given.get("src") or (given.get("href") if tag == "link" else "") or "")


def site(repository: Path) -> subprocess.CompletedProcess[str]:
    """`make docs`, in a copy of the repository."""
    words = [sys.executable, "infra/site.py", "build/docs"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        return done
    words = [str(BIN / "zensical"), "build", "--clean", "--strict"]
    return subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)


def copied(place: Path) -> Path:
    """What the site is made of."""
    repository = place / "repository"
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in ("archive_colorizer", "benchmarks", "docs", "infra", "jobs", "mlflow"):
        shutil.copytree(ROOT / name, repository / name, ignore=ignored)
    for file in (*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "mkdocs.yml"):
        shutil.copy(file, repository)
    return repository


def test_the_site_is_built_and_every_link_in_it_leads_somewhere(tmp_path: Path) -> None:
    repository = copied(tmp_path)
    done = site(repository)
    assert done.returncode == 0, done.stdout + done.stderr
    built = repository / "build" / "site"
    pages = [page for page in built.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    for page in pages:
        targets = Targets()
        targets.feed(page.read_text(encoding="utf-8"))
        assert not [name for name in targets.loaded if name.startswith(("http", "//"))], page
        for link in targets.links:
            if not link.startswith(("http", "#", "mailto:")):
                path = page.parent / unquote(link.partition("#")[0])
                assert path.exists(), f"{page.relative_to(built)}: {link}"


def test_a_link_to_nothing_stops_it(tmp_path: Path) -> None:
    repository = copied(tmp_path)
    page = repository / "docs" / "scale.md"
    page.write_text(page.read_text() + "\n[a record](../benchmarks/results/none.json)\n")
    done = site(repository)
    assert done.returncode == 1
    assert "docs/scale.md: no none.json" in done.stderr
    page.write_text("# Scale\n\n[a part](cluster.md#no-such-part)\n")
    done = site(repository)
    assert done.returncode != 0
    assert "anchor does not exist" in done.stdout + done.stderr


def test_pictures_load_nothing_from_elsewhere() -> None:
    drawn = sorted((ROOT / "docs" / "images").glob("*.svg"))
    assert "progress.svg" in {path.name for path in drawn}
    for path in drawn:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}
        assert "pictures/s" in text.replace("&#160;", " ")
