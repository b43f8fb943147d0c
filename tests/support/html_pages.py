"""What a page of HTML says, read by the standard library's parser."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})


class Page(HTMLParser):
    """Elements, links and text of one page; an element that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a kind."""
        return [values for name, values in self.elements if name == tag]

    def links(self) -> list[str]:
        """Every place that the page names."""
        return [
            values[name]
            for _, values in self.elements
            for name in ("href", "src")
            if name in values
        ]


def target_of(page: Path, link: str) -> Path:
    """The file that a browser opens for a relative link."""
    path = link.partition("#")[0].partition("?")[0]
    return (page.parent / unquote(path)).resolve()
