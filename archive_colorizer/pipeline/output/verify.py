"""Verify: re-hash masters and derivatives against the manifest, and read signatures again."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.coded_luma import same_luma
from archive_colorizer.pipeline.output import derivatives, manifest
from archive_colorizer.pipeline.output.derivatives import Present
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.signatures import check_signatures
from archive_colorizer.pipeline.output.withdrawal import find_remnants
from archive_colorizer.pipeline.records import RENDITIONS
from archive_colorizer.storage import (
    DEFAULT_S3,
    TEMPORARIES,
    S3Settings,
    Store,
    open_store,
    open_uri,
)

COLUMNS: Final = (
    "row_id", "status", "source_uri", "page", "source_sha256", "derivative_uri", "derivative_key",
    "derivative_sha256", "derivative_mime", "c2pa_state", "reversible",
    *derivatives.RENDITION_KEYS, *(f"{name}_sha256" for name in RENDITIONS),
)  # fmt: skip
THREADS: Final = 4
TOLD: Final = {"marked": "of them marked, too", "access": "with an access copy"}
"""Renditions, as the report counts them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between the manifest and what is there."""

    what: str
    """missing_ or changed_ and master, derivative, marked or access; changed_luminance (colour
    cannot be taken off), broken_signature, double_row, missing_rows, unlisted_file, temporary, or
    left_of_withdrawn (the same `withdraw` takes it away)."""
    where: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Counts of compared files, every difference, and what is absent for a reason."""

    masters: int
    derivatives: int
    findings: tuple[Finding, ...]
    expected: tuple[str, ...] = ()
    """Absences that are as they should be, and what became of signatures; one line each."""
    renditions: Mapping[str, int] = field(default_factory=dict)
    """Name -> number of the further files that were compared, of those that there are."""

    def text(self) -> str:
        """Format the report for people."""
        said = [f"{count:,} {TOLD[name]}" for name, count in self.renditions.items()]
        more = f" ({', '.join(said)})" if said else ""
        lines = [f"{self.masters:,} masters and {self.derivatives:,} derivatives{more} compared"]
        lines += [f"  {finding.what}: {finding.where}" for finding in self.findings]
        lines += [f"as expected: {line}" for line in self.expected]
        verdict = f"{len(self.findings):,} differences" if self.findings else "all as recorded"
        return "\n".join([*lines, verdict])


def verify(store: Store, s3: S3Settings = DEFAULT_S3, masters: str = "") -> VerifyReport:
    """Compare OUTPUT and its masters with the manifest, and look for what was withdrawn.

    A master is compared when its row has a hash: an excluded or unreadable one has none.

    Args:
        store: of OUTPUT.
        s3: the way to masters that are objects; OUTPUT may be a folder all the same.
        masters: folder or prefix where the masters are now; one that is not there was weeded.
            Empty takes the places that the rows name.

    Raises:
        LocationError: there is no job at that place, or no folder of masters.
    """
    job = read_job(store)
    if not job:
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    rows = manifest.read(store, COLUMNS)
    present = derivatives.find_present(store, rows)
    sources, weeded = _list_masters(rows), 0
    kept = _list_reversible(rows, present)
    if masters:
        places = _Places(open_store(masters, s3), masters)
        kept = [(places.find(uri), made) for uri, made in kept]
        found = [(places.find(uri), sha256) for uri, sha256 in sources]
        sources = [(uri, sha256) for uri, sha256 in found if uri]
        weeded = len(found) - len(sources)
    made = _list_files(store, present.keys_of(rows), rows["derivative_sha256"])
    further = {
        name: _list_files(store, rows[f"{name}_key"], rows[f"{name}_sha256"]) for name in RENDITIONS
    }
    signatures = check_signatures(_list_signed(rows, present), s3)
    findings = (
        *(Finding("broken_signature", line) for line in signatures.broken),
        *(_find("master", *one) for one in _compare_all(sources, s3)),
        *(_find("derivative", *one) for one in _compare_all(made, s3)),
        *(_find(name, *one) for name in further for one in _compare_all(further[name], s3)),
        *_compare_luminance(kept, s3),
        *_check_rows(manifest.read(store, ["source_uri", "page", "row_id"], every=True), job),
        *_check_files(store, present, rows),
        *_check_withdrawn(store),
    )
    kept_back = int(job.get("held_back", 0))
    expected = (
        *([f"{weeded:,} masters are not in {masters}: weeded"] if weeded else ()),
        *([f"{kept_back:,} pages were held back by --limit"] if kept_back else ()),
        *signatures.notes,
    )
    counts = {name: len(files) for name, files in further.items() if files}
    return VerifyReport(len(sources), len(made), findings, expected, counts)


def compare_masters(rows: pa.Table, s3: S3Settings) -> Iterator[tuple[str, str]]:
    """Hash the masters of some rows, with `source_uri` and `source_sha256`, once more.

    Yields the URI of each that is another or not there, and which of the two.
    """
    for uri, how in _compare_all(_list_masters(rows), s3):
        yield uri, how or "changed"


def _list_masters(rows: pa.Table) -> list[tuple[str, str]]:
    pairs = zip(rows["source_uri"].to_pylist(), rows["source_sha256"].to_pylist(), strict=True)
    return [(uri, sha256) for uri, sha256 in pairs if sha256]


def _list_files(
    store: Store, keys: pa.ChunkedArray, sums: pa.ChunkedArray
) -> list[tuple[str, str]]:
    """List URIs below OUTPUT where it is now; rows of one that moved name another place."""
    pairs = zip(keys.to_pylist(), sums.to_pylist(), strict=True)
    return [(store.uri_of(key), sha256) for key, sha256 in pairs if key and sha256]


def _list_signed(rows: pa.Table, present: Present) -> list[tuple[str, str]]:
    """List URIs and types of the derivatives that were signed."""
    keys = present.keys_of(rows).to_pylist()
    states, mimes = rows["c2pa_state"].to_pylist(), rows["derivative_mime"].to_pylist()
    return [
        (present.store.uri_of(key), mime)
        for key, state, mime in zip(keys, states, mimes, strict=True)
        if key and state == "signed"
    ]


def _list_reversible(rows: pa.Table, present: Present) -> list[tuple[str, str]]:
    """List the URIs of masters and of their derivatives whose colour can be taken off again."""
    rows = rows.filter(pc.fill_null(rows["reversible"], False))
    pairs = zip(rows["source_uri"].to_pylist(), present.keys_of(rows).to_pylist(), strict=True)
    return [(uri, present.store.uri_of(key)) for uri, key in pairs]


def _compare_luminance(pairs: Iterable[tuple[str, str]], s3: S3Settings) -> Iterator[Finding]:
    """Compare coded luminance, byte for byte; what is missing is told elsewhere."""

    def differs(pair: tuple[str, str]) -> bool:
        try:
            with open_uri(pair[0], s3) as master, open_uri(pair[1], s3) as derivative:
                return not same_luma(master.read(), derivative.read())
        except OSError:
            return False

    pairs = [pair for pair in pairs if pair[0]]
    with ThreadPoolExecutor(THREADS) as pool:
        for pair, found in zip(pairs, pool.map(differs, pairs), strict=True):
            if found:
                yield Finding("changed_luminance", pair[1])


class _Places:
    """Masters in another place than their rows say: found by as much of their path as fits."""

    def __init__(self, store: Store, text: str) -> None:
        try:
            self._uris: Mapping[str, str] = {entry.key: entry.uri for entry in store.list()}
        except OSError as error:
            raise LocationError(f"{text}: cannot be listed: {error.strerror or error}") from error
        self._store = store
        if not self._uris:
            raise LocationError(f"{text}: no masters there")

    def find(self, uri: str) -> str:
        """Find where a master is now; empty where it is not there."""
        parts = uri.partition("://")[2].split("/")
        for start in range(1, len(parts)):
            key = self._store.key_of(self._store.uri + "/".join(parts[start:]))
            if key in self._uris:
                return self._uris[key]
        return ""


def _find(name: str, uri: str, absent: str) -> Finding:
    if absent:
        return Finding(f"missing_{name}", f"{uri} ({absent})")
    return Finding(f"changed_{name}", uri)


def _compare_all(pairs: Iterable[tuple[str, str]], s3: S3Settings) -> Iterator[tuple[str, str]]:
    """Yield URIs of files that are not as they should be, and why they cannot be read, or empty."""
    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(lambda pair: _compare(s3, *pair), pairs):
            if found:
                yield found


def _compare(s3: S3Settings, uri: str, sha256: str) -> tuple[str, str] | None:
    try:
        with open_uri(uri, s3) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        return uri, error.strerror or str(error)
    return None if found == sha256 else (uri, "")


def _check_rows(rows: pa.Table, job: dict[str, Any]) -> Iterator[Finding]:
    """Yield pages with more than one row, and pages without any once the job has finished."""
    pages = rows.group_by(["source_uri", "page"]).aggregate([("row_id", "count")])
    double = pages.filter(pc.greater(pages["row_id_count"], 1))
    yield from (Finding("double_row", uri) for uri in double["source_uri"].to_pylist())
    missing = int(job["listed"]) - int(job.get("held_back", 0)) - pages.num_rows
    if missing > 0:
        yield Finding("missing_rows", f"{missing:,} listed pages have no row")


def _check_files(store: Store, present: Present, rows: pa.Table) -> Iterator[Finding]:
    """Yield files in OUTPUT that no row names, and temporaries.

    A derivative that history names stands for a page whose new try failed.
    """
    earlier = derivatives.earlier_keys(store, present, renditions=True)
    named = {*derivatives.named_keys(present, rows), *earlier}
    for entry in store.list(TEMPORARIES):
        yield Finding("temporary", entry.uri)
    for key in present.files["key"].to_pylist():
        if key not in named:
            yield Finding("unlisted_file", store.uri_of(key))


def _check_withdrawn(store: Store) -> Iterator[Finding]:
    """Yield what is left of withdrawn pictures."""
    left = find_remnants(store)
    for key in (*left.files, *left.cells):
        yield Finding("left_of_withdrawn", store.uri_of(key))
    if left.maps:
        yield Finding("left_of_withdrawn", f"{left.maps:,} maps in {manifest.HISTORY}")
