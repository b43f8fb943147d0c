"""Verify: re-hash masters and derivatives against the manifest."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import is_own_file, read_job
from archive_colorizer.storage import DEFAULT_S3, S3Settings, Store, open_uri
from archive_colorizer.storage.location import TEMPORARIES

COLUMNS: Final = (
    "row_id", "status", "source_uri", "page", "source_sha256", "derivative_uri", "derivative_sha256"
)  # fmt: skip
THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between the manifest and what is there."""

    what: str
    """missing_master, changed_master, missing_derivative, changed_derivative, double_row,
    missing_rows, unlisted_file, or temporary."""
    where: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Counts of compared files, and every difference."""

    masters: int
    derivatives: int
    findings: tuple[Finding, ...]

    def text(self) -> str:
        """Format the report for people."""
        lines = [f"{self.masters:,} masters and {self.derivatives:,} derivatives compared"]
        lines += [f"  {finding.what}: {finding.where}" for finding in self.findings]
        verdict = f"{len(self.findings):,} differences" if self.findings else "all as recorded"
        return "\n".join([*lines, verdict])


def verify(store: Store, s3: S3Settings = DEFAULT_S3) -> VerifyReport:
    """Compare OUTPUT and its masters with the manifest.

    A master is compared when its row has a hash: an excluded or unreadable one has none.

    Args:
        store: of OUTPUT.
        s3: the way to masters that are objects; OUTPUT may be a folder all the same.

    Raises:
        LocationError: there is no job at that place.
    """
    job = read_job(store)
    if not job:
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    rows = manifest.read(store, COLUMNS)
    work = [*_list_hashes(rows, "source"), *_list_hashes(rows, "derivative")]
    with ThreadPoolExecutor(THREADS) as pool:
        compared = [found for found in pool.map(lambda item: _compare(s3, *item), work) if found]
    masters = len(work) - len(list(_list_hashes(rows, "derivative")))
    findings = (*compared, *_check_rows(rows, job), *_check_files(store, rows))
    return VerifyReport(masters, len(work) - masters, findings)


def _list_hashes(rows: pa.Table, kind: str) -> Iterator[tuple[str, str, str]]:
    uris, hashes = rows[f"{kind}_uri"].to_pylist(), rows[f"{kind}_sha256"].to_pylist()
    name = "master" if kind == "source" else "derivative"
    return ((name, uri, sha) for uri, sha in zip(uris, hashes, strict=True) if uri and sha)


def _compare(s3: S3Settings, name: str, uri: str, sha256: str) -> Finding | None:
    try:
        with open_uri(uri, s3) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        return Finding(f"missing_{name}", f"{uri} ({error.strerror or error})")
    return None if found == sha256 else Finding(f"changed_{name}", uri)


def _check_rows(rows: pa.Table, job: dict[str, Any]) -> Iterator[Finding]:
    """Yield pages with more than one row, and pages without any once the job has finished."""
    pages = rows.group_by(["source_uri", "page"]).aggregate([("row_id", "count")])
    double = pages.filter(pc.greater(pages["row_id_count"], 1))
    yield from (Finding("double_row", uri) for uri in double["source_uri"].to_pylist())
    missing = int(job["listed"]) - pages.num_rows
    if missing > 0:
        yield Finding("missing_rows", f"{missing:,} listed pages have no row")


def _check_files(store: Store, rows: pa.Table) -> Iterator[Finding]:
    """Yield files in OUTPUT that no row names."""
    named = {store.key_of(uri) for uri in rows["derivative_uri"].to_pylist() if uri}
    for entry in store.list():
        if entry.key.startswith(f"{TEMPORARIES}/"):
            yield Finding("temporary", entry.uri)
        elif not is_own_file(entry.key) and entry.key not in named:
            yield Finding("unlisted_file", entry.uri)
