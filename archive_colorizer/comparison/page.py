"""The sheet of a comparison: one HTML file with its pictures inside, and the table as CSV.

The page loads nothing: its own policy forbids it. A blind one names no model and gives no figure
that could give one away.
"""

import base64
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from archive_colorizer.comparison.pictures import MAP_TOP, Compared, Result

STYLE: Final = """
body{margin:1.5rem;background:#faf9f6;color:#222;font:15px/1.4 sans-serif}
section{border-top:1px solid #ccc;padding:.6rem 0}
h2{font-size:1rem;margin:.2rem 0;overflow-wrap:anywhere}
.row{display:flex;gap:.6rem;overflow-x:auto}
figure{margin:0;flex:1 1 0;min-width:12rem}
img{width:100%;height:auto;display:block}
figcaption{font-size:.85rem;overflow-wrap:anywhere}
td,th{padding:.1rem .8rem .1rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
"""
POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
CSV_COLUMNS: Final = (
    "rank", "picture", "page", "position", "result", "status", "error_class", "difference",
    "colourfulness", "doubt_mean", "review_needed", "source_uri", "derivative_uri", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A picture of the page, its cells as JPEG."""

    picture: Compared
    grey: bytes
    results: tuple[bytes, ...]
    """In the order of the OUTPUTs."""
    difference_map: bytes


def titles(picture: Compared, names: Sequence[str], *, blind: bool) -> list[str]:
    """The titles of a picture's results, by their positions."""
    if blind:
        return [str(position) for position in range(1, len(names) + 1)]
    return [names[number] for number in picture.order]


def render_page(
    names: Sequence[str], ranked: Sequence[Compared], cards: Sequence[Card], *, blind: bool
) -> Iterator[str]:
    """Render the page, part by part.

    Args:
        names: of the OUTPUTs or models.
        ranked: every picture; those that differ most come first.
        cards: the pictures that are shown, in the same order.
        blind: whether it is hidden which result is whose.
    """
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Side by side</title><style>{STYLE}</style></head><body>\n<h1>Side by side</h1>\n"
    )
    yield _introduce(names, ranked, cards, blind=blind)
    for rank, card in enumerate(cards, 1):
        yield _render_card(rank, card, names, blind=blind)
    yield from _list_lacking(ranked)
    yield "</body></html>\n"


def _introduce(
    names: Sequence[str], ranked: Sequence[Compared], cards: Sequence[Card], *, blind: bool
) -> str:
    measured = sum(picture.difference is not None for picture in ranked)
    text = (
        f"<p>{measured:,} pictures, {len(cards):,} of them here; those on which the results differ "
        "most come first. Difference: mean CIE76 distance of the two results that are farthest "
        f"apart. The map is dark where they agree and brightest from {MAP_TOP:g} on.</p>\n"
    )
    if blind:
        return text + "<p>The order of the results is another one for each picture.</p>\n"
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{_mean(ranked, number, 'colourfulness', 1)}</td>"
        f"<td>{_mean(ranked, number, 'doubt_mean', 2)}</td></tr>\n"
        for number, name in enumerate(names)
    )
    head = "<tr><th>result</th><th>colourfulness, mean</th><th>doubt, mean</th></tr>"
    return f"{text}<table>\n{head}\n{rows}</table>\n"


def _mean(ranked: Sequence[Compared], number: int, figure: str, digits: int) -> str:
    rows = [picture.results[number] for picture in ranked if picture.difference is not None]
    values = [value for row in rows if (value := getattr(row, figure)) is not None]
    return f"{sum(values) / len(values):.{digits}f}" if values else ""


def _render_card(rank: int, card: Card, names: Sequence[str], *, blind: bool) -> str:
    picture = card.picture
    cells = [_cell(card.grey, "grey")]
    for title, number in zip(titles(picture, names, blind=blind), picture.order, strict=True):
        figures = "" if blind else _describe(picture.results[number])
        cells.append(_cell(card.results[number], title, figures))
    cells.append(_cell(card.difference_map, "where they differ"))
    return (
        f'<section id="n{rank}"><h2>{rank}. {escape(picture.name)} '
        f'&middot; difference {picture.difference:.1f}</h2>\n<div class="row">\n'
        f"{''.join(cells)}</div></section>\n"
    )


def _describe(result: Result) -> str:
    parts = []
    if result.colourfulness is not None:
        parts.append(f"colourfulness {result.colourfulness:.1f}")
    if result.doubt_mean is not None:
        parts.append(f"doubt {result.doubt_mean:.2f}")
    if result.review_needed:
        parts.append("to be reviewed")
    return ", ".join(parts)


def _cell(jpeg: bytes, title: str, figures: str = "") -> str:
    data = base64.b64encode(jpeg).decode("ascii")
    below = f"<br>{escape(figures)}" if figures else ""
    return (
        f'<figure><img alt="{escape(title)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{escape(title)}{below}</figcaption></figure>\n"
    )


def _list_lacking(ranked: Sequence[Compared]) -> Iterator[str]:
    lacking = [picture for picture in ranked if picture.difference is None]
    if not lacking:
        return
    yield f"<section><h2>{len(lacking):,} pictures cannot be compared</h2>\n<ul>\n"
    for picture in lacking:
        yield f"<li>{escape(picture.name)}: {escape(picture.reason)}</li>\n"
    yield "</ul></section>\n"


def render_csv(names: Sequence[str], ranked: Sequence[Compared]) -> str:
    """Render a row for each picture and result; `position` is its place on the page, from 1."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for rank, picture in enumerate(ranked, 1):
            for position, number in enumerate(picture.order, 1):
                one = picture.results[number]
                writer.writerow((
                    rank, picture.name, picture.page, position, names[number], one.status,
                    one.error_class, _number(picture.difference), _number(one.colourfulness),
                    _number(one.doubt_mean), "" if one.review_needed is None else one.review_needed,
                    picture.source_uri, one.derivative_uri, picture.reason,
                ))  # fmt: skip
        return file.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
