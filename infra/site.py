"""Lay out the documentation for `make docs`: the repository's Markdown, and what it links to.

    python infra/site.py build/docs

The copies keep their places beside each other, so that links work as they do in the repository.
A folder that is linked gets a page that lists it. A link to nothing ends it with exit code 1;
zensical then checks pages and anchors.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/**/*.md", "infra/*.md")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def links(page: Path) -> Iterator[Path]:
    """Files and folders that a page names, as paths of the repository."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        yield (page.parent / target).resolve()


def collect(root: Path) -> tuple[set[Path], set[Path], list[str]]:
    """Files to copy, folders to list, and links to nothing, from the pages on."""
    waiting = {path.resolve() for pattern in PAGES for path in root.glob(pattern)}
    files: set[Path] = set()
    folders: set[Path] = set()
    broken: list[str] = []
    while waiting:
        file = waiting.pop()
        files.add(file)
        for target in links(file) if file.suffix == ".md" else ():
            if not target.exists() or not target.is_relative_to(root):
                broken.append(f"{file.relative_to(root)}: no {target.name}")
            elif target.is_dir():
                folders.add(target)
                waiting |= {path for path in target.iterdir() if path.is_file()} - files
            elif target not in files:
                waiting.add(target)
    return files, folders, broken


def listing(folder: Path) -> str:
    """A page that links what lies in a folder."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return f"# {folder.name}\n\n" + "".join(f"- [{name}]({name})\n" for name in names)


def lay_out(root: Path, output: Path) -> list[str]:
    """Write the site's sources to `output`, anew; gives the links to nothing."""
    files, folders, broken = collect(root.resolve())
    shutil.rmtree(output, ignore_errors=True)
    for file in files:
        copy = output / file.relative_to(root.resolve())
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    for folder in folders:
        place = output / folder.relative_to(root.resolve())
        if not (place / "README.md").exists():
            (place / "index.md").write_text(listing(folder), encoding="utf-8")
    return broken


if __name__ == "__main__":
    found = lay_out(ROOT, Path(sys.argv[1]))
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)
