"""Lists of the pictures that people approved or rejected, with their reasons and notes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.pipeline.output.attention import COLUMNS, Entry, add_paths, make_entries
from archive_colorizer.pipeline.reasons import APPROVED, REJECTED, REVIEW_REASONS, Reason
from archive_colorizer.storage import Store

LISTS: Final = ("approved", "rejected")
_BY_PATH: Final = (("source_path", "ascending"), ("page", "ascending"))


def read_list(store: Store, name: str) -> list[Entry]:
    """Read one of LISTS, by path; a picture on which people differ stands on none.

    Raises:
        LocationError: the manifest or a file of decisions cannot be read.
    """
    rows = manifest.read(store, (*COLUMNS, "derivative_sha256"))
    rows = add_paths(rows.filter(pc.equal(rows["status"], "ok")))
    standing = reviews.standing(reviews.read(store))
    rows = rows.filter(pc.equal(reviews.verdicts_of(rows, standing), name))
    rows = rows.take(pc.sort_indices(rows, sort_keys=list(_BY_PATH)))
    said = _gather(standing, name)
    hashes = rows["derivative_sha256"].to_pylist()
    pairs = zip(make_entries(rows), hashes, strict=True)
    return [_describe(entry, said[sha256], name) for entry, sha256 in pairs]


def _gather(standing: pa.Table, name: str) -> Mapping[str, list[dict[str, Any]]]:
    """Gather the decisions of one verdict by derivative; honeypots are none."""
    counts = pc.not_equal(standing["purpose"], reviews.HONEYPOT)
    chosen = standing.filter(pc.and_(pc.equal(standing["verdict"], name), counts))
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in chosen.to_pylist():
        found[one["derivative_sha256"]].append(one)
    return found


def _describe(entry: Entry, decisions: Sequence[Mapping[str, Any]], name: str) -> Entry:
    """Give an entry the words of those who decided."""
    whole = APPROVED if name == "approved" else REJECTED
    names = list(dict.fromkeys(one["reason"] for one in decisions if one["reason"]))
    reasons = tuple(Reason(REVIEW_REASONS[one], whole.todo) for one in names) or (whole,)
    said = (f"{one['reviewer']}: {one['note']}".removesuffix(": ") for one in decisions)
    return replace(entry, kind=" ".join(names) or name, reasons=reasons, message="; ".join(said))
