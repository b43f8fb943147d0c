"""Figures of the report: what the manifest and job.json say, counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.output.attention import COLUMNS as ATTENTION_COLUMNS
from archive_colorizer.pipeline.output.attention import add_paths
from archive_colorizer.pipeline.output.pilots import read_extrapolation
from archive_colorizer.pipeline.output.reviews import ReviewCounts
from archive_colorizer.pipeline.records import STEP_TIMES
from archive_colorizer.progress import duration, rate
from archive_colorizer.storage import Store

Facts = Sequence[tuple[str, Any]]
"""(key of WORDS, value)."""
TIMES: Final = tuple(f"ms_{name}" for name in STEP_TIMES)
COLUMNS: Final = (
    *ATTENTION_COLUMNS, "collection", "recipe_sha256", "source_bytes", "derivative_bytes",
    "derivative_key", "derivative_uri", "thumbnail_key", "thumbnail_index", *TIMES,
)  # fmt: skip
MAX_COLLECTIONS: Final = 1_000
"""Collections that the first page names."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Counts of one collection."""

    name: str
    ok: str
    review: str
    failed: str
    skipped: str
    doubt: str
    target: str
    """Relative link to the page of its first picture; empty for none."""


def arrange(rows: pa.Table, store: Store) -> pa.Table:
    """Sort rows by collection, path and page.

    Args:
        rows: of the manifest, with COLUMNS.
        store: OUTPUT.

    Returns:
        The rows, with `group` (the collection, or the first folder where there is none) and `key`
        (of the derivative, or null).
    """
    rows = add_paths(rows)
    pairs = zip(rows["collection"].to_pylist(), rows["source_path"].to_pylist(), strict=True)
    groups = [name or (path.split("/", 1)[0] if "/" in path else "") for name, path in pairs]
    keys = pc.coalesce(rows["derivative_key"], _keys_of(rows["derivative_uri"], store))
    keys = pc.if_else(pc.equal(rows["status"], "ok"), keys, None)
    table = rows.append_column("group", pa.array(groups, pa.string())).append_column("key", keys)
    order = [("group", "ascending"), ("source_path", "ascending"), ("page", "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=order)).combine_chunks()


def _keys_of(uris: pa.ChunkedArray, store: Store) -> pa.Array:
    """Find the keys of rows of 0.2.0, which have only a URI; null for one that is elsewhere."""
    keys = [store.key_of(uri) if uri and uri.startswith(store.uri) else None
            for uri in uris.to_pylist()]  # fmt: skip
    return pa.array(keys, pa.string())


def count_collections(rows: pa.Table, page_of: Mapping[str, str]) -> Iterator[Collection]:
    """Count by group, in their order.

    Args:
        rows: as `arrange` gives them.
        page_of: link of each group's first picture.
    """
    review = pc.and_(pc.equal(rows["status"], "ok"), pc.fill_null(rows["review_needed"], False))
    table = pa.table(
        {"group": rows["group"], "doubt": rows["doubt_mean"], "review": pc.cast(review, pa.int64())}
        | {one: pc.cast(pc.equal(rows["status"], one), pa.int64())
           for one in ("ok", "failed", "skipped")}
    )  # fmt: skip
    sums = [(one, "sum") for one in ("ok", "review", "failed", "skipped")]
    counted = table.group_by("group").aggregate([*sums, ("doubt", "mean")]).sort_by("group")
    for one in counted.slice(0, MAX_COLLECTIONS).to_pylist():
        doubt = one["doubt_mean"]
        yield Collection(
            name=one["group"],
            ok=f"{one['ok_sum']:,}",
            review=f"{one['review_sum']:,}",
            failed=f"{one['failed_sum']:,}",
            skipped=f"{one['skipped_sum']:,}",
            doubt="" if doubt is None else f"{doubt:.2f}",
            target=page_of.get(one["group"], ""),
        )


def find_first(groups: pa.ChunkedArray) -> dict[str, int]:
    """Find the index of the first row of each group of a sorted column."""
    if not len(groups):
        return {}
    codes = groups.combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    numbers, first = np.unique(codes.indices.to_numpy(), return_index=True)
    names = codes.dictionary.to_pylist()
    return {names[number]: int(at) for number, at in zip(numbers, first, strict=True)}


def describe_cost(rows: pa.Table, job: Mapping[str, Any]) -> Facts:
    """Add up the work and the bytes."""
    hours = sum(pc.sum(rows[name]).as_py() or 0.0 for name in TIMES) / 3.6e6
    work = job.get("work") or {"pictures": 0, "seconds": 0.0}
    return [
        ("hours", f"{hours:,.2f}"),
        ("last_run", duration(work["seconds"])),
        ("rate", f"{rate(work['pictures'], work['seconds']):.1f}"),
        ("master_bytes", f"{pc.sum(rows['source_bytes']).as_py() or 0:,}"),
        ("derivative_bytes", f"{pc.sum(rows['derivative_bytes']).as_py() or 0:,}"),
    ]


def describe_reviews(found: ReviewCounts) -> Iterator[tuple[str, Facts]]:
    """Describe what people said of the derivatives (key of the caption, facts), if anybody did."""
    if found.reviewers:
        yield (
            "reviews",
            [
                ("reviewers", f"{found.reviewers:,}"),
                ("approved", f"{found.approved:,}"),
                ("rejected", f"{found.rejected:,}"),
                ("disputed", f"{found.disputed:,}"),
                ("later", f"{found.later:,}"),
                ("unreviewed", f"{found.unreviewed:,}"),
                ("flagged_reviewed", f"{found.flagged_reviewed:,}"),
            ],
        )


def describe_pilot(store: Store) -> Iterator[tuple[str, str, str, str]]:
    """Describe what a sample says of the whole: (key of WORDS, estimate, low and high end)."""
    found = read_extrapolation(store)
    if found:
        whole = f"{found.pictures:,}"
        yield ("whole", whole, whole, whole)
        yield ("sample", f"{found.done:,}", "", "")
        yield from ((f"whole_{name}", *texts) for name, texts in found.figures())


def describe_models(job: Mapping[str, Any]) -> Iterator[tuple[str, Facts]]:
    """Describe the models that the last run used: (key of the caption, facts)."""
    others = (job.get("upscaler"), job.get("restorer"))
    found = [("model", job.get("model")), *(("second_model", one) for one in others)]
    for caption, model in found:
        if model:
            yield (
                caption,
                [
                    ("name", model.get("name", "")),
                    ("version", model.get("version", "")),
                    ("weights", model.get("weights_sha256", "")),
                    ("rights", model.get("data_rights", "")),
                ],
            )


def describe_job(job: Mapping[str, Any]) -> Facts:
    """Describe the last run that had something to do."""
    versions = job.get("versions") or {}
    return [
        ("job", job.get("job_id", "")),
        ("started", job.get("started_at", "")),
        ("finished", job.get("finished_at")),
        ("software", ", ".join(f"{name} {one}" for name, one in versions.items() if one)),
    ]


def flatten(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested settings by their dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
