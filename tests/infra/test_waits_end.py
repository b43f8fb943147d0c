"""Whoever copies a line from the documentation is never left waiting for ever."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "infra/*", ".ci/run", "Makefile")
    for path in ROOT.glob(pattern)
    if path.suffix in {".md", ".sh", ".yaml", ""} and path.is_file()
)
FENCE = re.compile(r"```(?:sh|bash|console)\n(.*?)```", re.DOTALL)
LOOP = re.compile(r"""(?:^|[;&|({"'])\s*(?:until|while)\s[^\n]*?(?:;\s*do\b|$)""", re.MULTILINE)
BOUND = re.compile(r"timeout \d+ ")


def unbounded(text: str, *, is_page: bool) -> list[str]:
    """Lines of shell with a loop that no `timeout` ends."""
    code = "\n".join(FENCE.findall(text)) if is_page else text
    lines = code.replace("\\\n", " ").splitlines()
    return [line for line in lines if LOOP.search(line) and not BOUND.search(line)]


def test_the_scan_sees_loops() -> None:
    page = "```sh\nuntil true; do sleep 1; done\ntimeout 9 bash -c 'until a; do b; done'\n```"
    assert unbounded(page, is_page=True) == ["until true; do sleep 1; done"]
    assert unbounded("a &&  while read x\ndo b\ndone", is_page=False) == ["a &&  while read x"]
    assert {path.name for path in PAGES} >= {"cluster.md", "promote.md", "README.md", "Dockerfile"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_wait_ends(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert unbounded(text, is_page=path.suffix == ".md") == []
