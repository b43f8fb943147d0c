"""The commands about a picture's origin: inspect, c2pa."""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.options import LazyParser, add_command

if TYPE_CHECKING:
    from archive_colorizer.provenance.inspection import Inspection


def add_inspect(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `inspect`."""
    add_command(
        commands, "inspect", run_inspect, _fill_inspect,
        "what a picture says of its origin: labels, signature, and the mark in its colours",
        "archive-colorizer inspect colour/one.colorized.jpg found-on-the-web.jpg",
    )  # fmt: skip


def _fill_inspect(parser: LazyParser) -> None:
    add = parser.add_argument
    add("files", metavar="FILE", nargs="+", help="pictures of this machine, by anybody")
    add("--output", metavar="OUTPUT", default="",
        help="folder or s3:// prefix that may have the picture's row (default: the one that the "
        "file lies in)")  # fmt: skip
    add("--key", metavar="FILE", default="", help="key of the mark, where it has one of its own")
    add("--json", action="store_true", help="one JSON object a line and file: xmp, c2pa, watermark")


def run_inspect(args: argparse.Namespace) -> int:
    """Run `archive-colorizer inspect`."""
    from archive_colorizer.pipeline.output.named_row import find_output
    from archive_colorizer.provenance.inspection import inspect
    from archive_colorizer.provenance.watermark_code import read_key

    key = read_key(args.key)
    failed = False
    for name in args.files:
        found = inspect(Path(name), key)
        row = _find_row(found, args.output or find_output(Path(name)))
        if args.json:
            print(json.dumps(found.to_json() | {"row": row}, ensure_ascii=False), flush=True)
        else:
            print("\n".join([*found.lines(), *_tell_row(row)]), flush=True)
        failed |= bool(found.error)
    return EXIT_SOME_FAILED if failed else EXIT_OK


def _find_row(found: "Inspection", output: str | Path | None) -> Mapping[str, Any] | None:
    """Find the row that a picture names; None where it names none or OUTPUT is not at hand."""
    from archive_colorizer.pipeline.output.named_row import find_row
    from archive_colorizer.storage import open_store

    if not found.row_id or output is None:
        return None
    row = find_row(open_store(str(output)), found.row_id)
    return {"output": str(output), **row} if row else None


def _tell_row(row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None:
        return
    which = "" if row["is_current"] else " (an earlier one)"
    yield f"  row in {row['output']}{which}: {row['status']}, of {row['source_uri']}"
    if said := row["withdrawn"]:
        yield f"  WITHDRAWN on {said['at'][:10]} by {said['by']}: {said['reason']}"


def add_c2pa(commands: Any) -> None:  # noqa: ANN401
    """Add the command `c2pa`."""
    add_command(
        commands, "c2pa", run_test_certificate, _fill_c2pa,
        "make a certificate to try signing with (colorize --c2pa); nobody trusts it",
        "archive-colorizer c2pa test-certificate keys/",
    )  # fmt: skip


def _fill_c2pa(parser: LazyParser) -> None:
    add = parser.add_argument
    add("action", choices=["test-certificate"])
    add("folder", metavar="FOLDER", help="gets TEST-certificate.pem, TEST-key.pem, TEST-root.pem")
    add("--algorithm", choices=["es256", "ps256", "ed25519"], default="es256", help="of its key")


def run_test_certificate(args: argparse.Namespace) -> int:
    """Run `archive-colorizer c2pa test-certificate`."""
    from archive_colorizer.provenance.trial_certificates import write_test_certificate

    certificate, key = write_test_certificate(Path(args.folder), args.algorithm)
    print(f"a certificate for trying, which nobody trusts: --c2pa {certificate} --c2pa-key {key}")
    return EXIT_OK
