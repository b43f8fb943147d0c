"""Write the report: every page whole, the first page last, then pages of before are deleted."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from archive_colorizer.imaging.thumbnails import EDGE_PX
from archive_colorizer.pipeline.html_report import figures
from archive_colorizer.pipeline.html_report.words import WORDS
from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.pipeline.output.attention import (
    Entry,
    make_entries,
    read_list,
    select_rows,
)
from archive_colorizer.pipeline.output.layout import REPORT
from archive_colorizer.pipeline.output.status import check_job
from archive_colorizer.pipeline.reasons import (
    STATUSES,
    Reason,
    Words,
    reason_of,
    review_reasons,
)
from archive_colorizer.storage import Store

INDEX: Final = f"{REPORT}/index.html"
PAGES: Final = f"{REPORT}/pages"
PER_PAGE: Final = 200
"""Pictures or lines of one page."""
LISTS: Final = ("review", "failed", "skipped", "passed_over")


def write_report(store: Store) -> str:
    """Write OUTPUT/report from the manifest, the list of passed-over files and job.json.

    Returns:
        The key of its first page.

    Raises:
        LocationError: there is no job at that place, or its record cannot be read.
        OSError: a page cannot be written.
    """
    job = check_job(store)
    rows = figures.arrange(manifest.read(store, figures.COLUMNS), store)
    pictures = rows.filter(pc.equal(rows["status"], "ok"))
    written = set(_write_pictures(store, pictures))
    passed_over = read_list(store, "passed_over")
    for name in LISTS[:-1]:
        listed = select_rows(rows, name)
        written |= set(_write_list(store, name, listed.num_rows, _items_of(store, listed)))
    named = [_Item.of(one, {}) for one in passed_over]
    written |= set(_write_list(store, "passed_over", len(named), _slices(named)))
    _write_index(store, job, rows, pictures, len(passed_over))
    for entry in list(store.list(PAGES)):
        if entry.key not in written:
            store.delete(entry.key)
    return INDEX


@cache
def _environment() -> Environment:
    """The templates; whatever is put into them is escaped."""
    made = Environment(
        loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined
    )
    made.globals.update(t=_both, w=lambda key: _both(WORDS[key]))
    return made


def _both(words: Words) -> Markup:
    spans = Markup('<span class="t" lang="en">{}</span><span class="t" lang="ko">{}</span>')
    return spans.format(words.en, words.ko)


def _link(key: str, up: int) -> str:
    """A link to a file of OUTPUT, from a page that lies `up` folders below it."""
    return "../" * up + quote(key)


def _page_key(name: str, number: int) -> str:
    return f"{PAGES}/{name.replace('_', '-')}-{number:06d}.html"


def _count_pages(count: int) -> int:
    return max(1, -(-count // PER_PAGE))


def _render(store: Store, key: str, template: str, **values: object) -> str:
    """Render a page and write it; returns its key."""
    up = key.count("/")
    ends = [("overview", INDEX), ("pictures", _page_key("pictures", 1))]
    ends += [(name, _page_key(name, 1)) for name in LISTS]
    menu = [(name, _link(target, up)) for name, target in ends]
    title = f"{WORDS[str(values.get('list', 'title'))].en} - archive-colorizer"
    page = _environment().get_template(template).render(title=title, menu=menu, **values)
    store.write_atomic(key, page.encode(errors="replace"))
    return key


def _turns(name: str, number: int, pages: int) -> list[tuple[str, str]]:
    """Links from one page to its neighbours: (key of WORDS, target)."""
    wanted = {"first": 1, "previous": number - 1, "next": number + 1, "last": pages}
    return [
        (word, _link(_page_key(name, one), 2))
        for word, one in wanted.items()
        if 1 <= one <= pages and one != number
    ]


@dataclass(frozen=True, slots=True)
class _Item:
    """One picture on a page."""

    name: str
    target: str
    """Relative link to its derivative; empty for none."""
    thumbnail: str
    """Relative link to its sheet of thumbnails; empty for none."""
    offset: int
    """Of its place on the sheet, in pixels from the top."""
    object_id: str
    kind: str
    reasons: Sequence[Reason]
    message: str
    doubt_map: str
    """data: URI; empty for none."""
    flags: str = ""
    group: str = ""

    @classmethod
    def of(cls, entry: Entry, row: Mapping[str, Any], doubt_map: bytes | None = None) -> "_Item":
        """Lay out an entry and its row."""
        key, sheet = row.get("key"), row.get("thumbnail_key")
        data = base64.b64encode(doubt_map).decode() if doubt_map else ""
        return cls(
            name=entry.name,
            target=_link(key, 2) if key else "",
            thumbnail=_link(sheet, 2) if sheet else "",
            offset=EDGE_PX * (row.get("thumbnail_index") or 0),
            object_id=entry.object_id,
            kind=entry.kind,
            reasons=entry.reasons,
            message=entry.message,
            doubt_map=f"data:image/png;base64,{data}" if data else "",
            flags=", ".join(row.get("flags") or ()),
            group=row.get("collection") or "",
        )


def _slices(items: Sequence[_Item]) -> Callable[[int], list[_Item]]:
    return lambda start: list(items[start : start + PER_PAGE])


def _items_of(store: Store, rows: pa.Table) -> Callable[[int], list[_Item]]:
    """Give what makes the items of one page, so that few are Python objects at once."""
    maps = _read_doubt_maps(store, rows)
    return lambda start: _make_items(rows.slice(start, PER_PAGE), maps)


def _make_items(rows: pa.Table, maps: Mapping[str, bytes]) -> list[_Item]:
    pairs = zip(make_entries(rows), rows.to_pylist(), strict=True)
    return [_Item.of(entry, row, maps.get(entry.row_id)) for entry, row in pairs]


def _read_doubt_maps(store: Store, rows: pa.Table) -> dict[str, bytes]:
    """Read the doubt maps of delivered rows, part by part: those of all rows are too many."""
    wanted = rows.filter(pc.equal(rows["status"], "ok"))["row_id"].combine_chunks()
    found: dict[str, bytes] = {}
    if len(wanted):
        for part in manifest.read_parts(store, ("row_id", "doubt_map")):
            part = part.filter(pc.is_in(part["row_id"], value_set=wanted)).drop_null()
            ids, maps = part["row_id"].to_pylist(), part["doubt_map"].to_pylist()
            found.update(zip(ids, maps, strict=True))
    return found


def _write_pictures(store: Store, pictures: pa.Table) -> Iterator[str]:
    """Write the contact sheets."""
    pages = _count_pages(pictures.num_rows)
    for number in range(1, pages + 1):
        items = _make_items(pictures.slice((number - 1) * PER_PAGE, PER_PAGE), {})
        yield _render(
            store, _page_key("pictures", number), "pictures.html.j2", list="pictures",
            items=items, number=number, pages=pages,
            turns=_turns("pictures", number, pages),
        )  # fmt: skip


def _write_list(
    store: Store, name: str, count: int, make: Callable[[int], list[_Item]]
) -> Iterator[str]:
    """Write the pages of a list."""
    pages = _count_pages(count)
    for number in range(1, pages + 1):
        items = make((number - 1) * PER_PAGE)
        yield _render(
            store, _page_key(name, number), "list.html.j2", list=name, items=items,
            meaning=STATUSES[name], pictured=any(item.thumbnail for item in items),
            number=number, pages=pages, turns=_turns(name, number, pages),
        )  # fmt: skip


def _write_index(
    store: Store, job: Mapping[str, Any], rows: pa.Table, pictures: pa.Table, passed_over: int
) -> None:
    """Write the first page."""
    first = figures.find_first(pictures["group"])
    page_of = {
        name: _link(_page_key("pictures", at // PER_PAGE + 1), 1) for name, at in first.items()
    }
    groups = pc.count_distinct(rows["group"]).as_py()
    _render(
        store, INDEX, "index.html.j2",
        numbers=_count_numbers(job, rows, passed_over),
        classes=list(_count_classes(rows)),
        collections=list(figures.count_collections(rows, page_of)),
        further=max(0, groups - figures.MAX_COLLECTIONS),
        tables=[
            *figures.describe_reviews(reviews.count(store)),
            ("cost", figures.describe_cost(rows, job)),
            *figures.describe_models(job),
            ("job", figures.describe_job(job)),
        ],
        pilot=list(figures.describe_pilot(store)),
        recipe=list(figures.flatten(job.get("recipe") or {})),
        config=json.dumps(job.get("config") or {}, indent=2, ensure_ascii=False),
        statuses=list(STATUSES.items()),
    )  # fmt: skip


def _count_numbers(
    job: Mapping[str, Any], rows: pa.Table, passed_over: int
) -> list[tuple[str, str, str]]:
    """Count pages by what became of them: (key of WORDS, count, link)."""
    listed = int(job.get("listed", rows.num_rows))
    counts = {
        "listed": listed,
        "ok": select_rows(rows, "ok").num_rows,
        **{name: select_rows(rows, name).num_rows for name in LISTS[:-1]},
        "left": max(0, listed - rows.num_rows),
        "passed_over": max(passed_over, sum(job.get("passed_over", {}).values())),
        "other_recipe": pc.sum(
            pc.not_equal(rows["recipe_sha256"], job.get("recipe_sha256", ""))
        ).as_py()
        or 0,
    }
    targets = {"ok": "pictures"} | {name: name for name in LISTS}
    return [
        (name, f"{count:,}", _link(_page_key(targets[name], 1), 1) if name in targets else "")
        for name, count in counts.items()
    ]


def _count_classes(rows: pa.Table) -> Iterator[tuple[str, str, Reason]]:
    """Count by reason: error classes and flags, the most frequent first."""
    counts: Counter[tuple[str, Reason]] = Counter()
    missed = rows.filter(pc.not_equal(rows["status"], "ok"))
    pairs = zip(missed["error_class"].to_pylist(), missed["tone_class"].to_pylist(), strict=True)
    for (name, tone), count in Counter(pairs).items():
        counts[name or "", reason_of(name or "", tone or "")] += count
    for flags in select_rows(rows, "review")["flags"].to_pylist():
        counts.update(review_reasons(flags or ()).items())
    for (name, reason), count in counts.most_common():
        yield name, f"{count:,}", reason
