"""A long run over damage: 20,000 files of every format, three quarters of them mutated, on Ray.

    python benchmarks/soak_damaged.py [FILES] [SEED]

Says what became of them by what was done to them, and ends with an error unless there is one row a
file, masters are as they were, and derivatives are what the record says. Takes half an hour or so
on two cores.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from common import save
from damaged_files import write_damaged
from soak import watch_job

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.storage import open_store

COLUMNS = ["source_uri", "status", "error_class", "error_message", "flags"]
RECORDED = 20_000
"""Shorter runs leave the record in benchmarks/results/ as it is."""
STATUSES = {"ok", "failed", "skipped"}


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file under a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def became(row: dict[str, Any]) -> str:
    """The fate of a row in a word: ok, damaged (ok and flagged so), or its error class."""
    if row["status"] == "ok":
        return "damaged" if "damaged" in (row["flags"] or ()) else "ok"
    return str(row["error_class"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", type=int, nargs="?", default=20_000)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    files, seed = vars(parser.parse_args()).values()
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "in", Path(scratch) / "out"
        done = write_damaged(source, files, seed)
        before = hashes(source)
        code, seconds, peaks = watch_job(source, output)
        store = open_store(str(output))
        rows = manifest.read(store, COLUMNS).to_pylist()
        findings = [str(found) for found in verify(store).findings]
        changed = [path for path, found in hashes(source).items() if before.get(path) != found]
    fates: dict[str, Counter[str]] = {
        mutation: Counter() for mutation in sorted(set(done.values()))
    }
    named = Counter(unquote(row["source_uri"]).partition(f"{source}/")[2] for row in rows)
    for row in rows:
        path = unquote(row["source_uri"]).partition(f"{source}/")[2]
        fates[done[path]][became(row)] += 1
    workers = [row for row in rows if row["error_message"] and "worker" in row["error_message"]]
    figures = {
        "what": f"{files:,} files of every layout and format, three quarters of them mutated; "
        f"builtin:default, proxy 128, seed {seed}",
        "exit_code": code, "rows": len(rows), "files_without_a_row": len(done.keys() - named),
        "files_with_two": sum(count > 1 for count in named.values()),
        "masters_changed": len(changed), "findings_of_verify": len(findings),
        "ended_a_worker": len(workers),
        "program_errors": sum(row["error_class"] == "program_error" for row in rows),
        "became": {mutation: dict(found.most_common()) for mutation, found in fates.items()},
        "seconds": round(seconds), "files_per_s": round(files / seconds, 1), **peaks,
    }  # fmt: skip
    for row in (*workers, *(row for row in rows if row["error_class"] == "program_error")):
        print(
            PurePosixPath(unquote(row["source_uri"])).name, row["error_class"], row["error_message"]
        )
    print(json.dumps(figures))
    if files >= RECORDED:
        save("soak_damaged", figures)
    wrong = (
        code != 3 or set(named) != set(done) or len(rows) != files or changed or findings
        or any(row["status"] not in STATUSES for row in rows) or figures["program_errors"]
    )  # fmt: skip
    if wrong:
        sys.exit(f"the run is not whole: exit code {code}, {len(rows)} rows\n{findings[:5]}")


if __name__ == "__main__":
    main()
