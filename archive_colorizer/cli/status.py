"""The commands that look into OUTPUT: status, report."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archive_colorizer.cli.exit_codes import EXIT_OK
from archive_colorizer.cli.job import fill_store, read_s3_settings
from archive_colorizer.cli.options import add_command
from archive_colorizer.errors import ConfigError

if TYPE_CHECKING:
    from archive_colorizer.pipeline.output.attention import Entry
    from archive_colorizer.storage import Store

WATCH_EVERY_S: Final = 2.0
CLEAR: Final = "\x1b[H\x1b[2J"
"""Moves a terminal's cursor to the top, and clears it."""


def add_status(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `status`."""
    add_command(
        commands, "status", run_status, _fill_status,
        "how far a job is, and which pictures failed, want review or were left out, and why",
        "archive-colorizer status colour/ --failed --csv failed.csv",
    )  # fmt: skip


def add_report(commands: Any) -> None:  # noqa: ANN401
    """Add the command `report`."""
    add_command(
        commands, "report", run_report, fill_store,
        "write OUTPUT/report: numbers, contact sheets and lists, to be read offline",
        "archive-colorizer report colour/",
    )  # fmt: skip


def _fill_status(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which pictures are listed").add_mutually_exclusive_group()
    for flag, name, text in (
        ("--failed", "failed", "pictures that failed: why, and what to do"),
        ("--review", "review", "pictures that a person should look at, and why"),
        ("--approved", "approved", "pictures whose derivative people have approved"),
        ("--rejected", "rejected", "pictures whose derivative people have rejected, and why"),
        ("--skipped", "skipped", "pictures left out: excluded, withdrawn, or in colour already"),
        ("--passed-over", "passed_over", "files of SOURCE that are no pictures to be coloured"),
        ("--duplicates", "duplicates", "scans of one print, and pages of one object id, by group"),
        ("--sums", "sums", "the derivatives' SHA-256, as sha256sum writes them"),
        ("--words", "words", "what failed, review, skipped, the flags and error classes mean"),
    ):
        group.add_argument(flag, dest="shown", action="store_const", const=name, help=text)
    parser.add_argument(
        "--distance", type=int, choices=range(16), metavar="BITS", default=6,
        help="of --duplicates: bits of 64 by which two scans' hashes may differ, 0 to 15 (6)",
    )  # fmt: skip
    parser.add_argument(
        "--csv", metavar="FILE", default="",
        help="write the list there, too: --failed, --review, --approved, --rejected, --skipped, "
        "--passed-over, --duplicates",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the numbers, or a list, as JSON")
    parser.add_argument(
        "--watch", action="store_true",
        help="show the numbers again and again until the run ends; Ctrl-C leaves it alone",
    )  # fmt: skip
    fill_store(parser)


def run_status(args: argparse.Namespace) -> int:
    """Run `archive-colorizer status`."""
    from archive_colorizer.pipeline.output import attention, reviewed
    from archive_colorizer.pipeline.output.status import list_sums
    from archive_colorizer.storage import open_store

    _check(args, (*attention.LISTS, *reviewed.LISTS))
    store = open_store(args.output, read_s3_settings(args))
    if args.shown == "words":
        print("\n".join(_explain()))
    elif args.shown == "sums":
        for line in list_sums(store):
            print(line)
    elif args.shown == "duplicates":
        _tell_duplicates(store, args.distance, args.csv)
    elif args.shown:
        _tell_list(store, args)
    elif args.watch:
        _watch(store, as_json=args.json)
    else:
        _tell_numbers(store, as_json=args.json)
    return EXIT_OK


def _check(args: argparse.Namespace, lists: Sequence[str]) -> None:
    """Refuse options that do not go together.

    Raises:
        ConfigError: they do not.
    """
    if args.csv and args.shown not in (*lists, "duplicates"):
        raise ConfigError(
            "--csv needs --failed, --review, --approved, --rejected, --skipped, --passed-over or "
            "--duplicates"
        )
    if args.json and args.shown and args.shown not in lists:
        raise ConfigError(f"--json does not go with --{args.shown}")
    if args.watch and args.shown:
        raise ConfigError(f"--watch does not go with --{args.shown.replace('_', '-')}")


def _tell_numbers(store: "Store", *, as_json: bool, before: str = "") -> bool:
    """Print the numbers; tell whether a run is at it."""
    from archive_colorizer.pipeline.output.status import summarize

    report = summarize(store)
    text = json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.text()
    print(before + text, flush=True)
    return report.is_running


def _watch(store: "Store", *, as_json: bool) -> None:
    """Print the numbers again and again until no run holds OUTPUT, or Ctrl-C."""
    before = CLEAR if sys.stdout.isatty() and not as_json else ""
    try:
        while _tell_numbers(store, as_json=as_json, before=before):
            time.sleep(WATCH_EVERY_S)
    except KeyboardInterrupt:
        return


def _tell_list(store: "Store", args: argparse.Namespace) -> None:
    """Print one list, and write it where that is asked for."""
    from archive_colorizer.pipeline.output import reviewed
    from archive_colorizer.pipeline.output.attention import read_list, to_csv, to_lines
    from archive_colorizer.pipeline.output.status import check_job

    check_job(store)
    read = reviewed.read_list if args.shown in reviewed.LISTS else read_list
    entries: Sequence[Entry] = read(store, args.shown)
    if args.csv:
        _write_csv(args.csv, to_csv(entries))
    if args.json:
        print(json.dumps({args.shown: [one.to_dict() for one in entries]}, ensure_ascii=False))
        return
    for line in to_lines(entries, args.shown):
        print(line)


def _explain() -> Iterator[str]:
    """Yield what the words of a status and of the manifest mean."""
    from archive_colorizer.pipeline.reasons import DOUBT, ERRORS, FLAGS, STATUSES

    for name, words in STATUSES.items():
        yield f"{name.replace('_', ' ')}: {words.en}"
    for title, reasons in (("error classes", ERRORS), ("flags", {**FLAGS, "doubt": DOUBT})):
        yield f"\n{title}:"
        for name, reason in reasons.items():
            yield f"  {name}: {reason.why.en}. What to do: {reason.todo.en}"


def _tell_duplicates(store: "Store", distance: int, csv_file: str) -> None:
    """Print the groups, and write them where that is asked for."""
    from archive_colorizer.pipeline.output.duplicates import find_duplicates

    found = find_duplicates(store, distance)
    for line in found.lines():
        print(line)
    if csv_file:
        _write_csv(csv_file, found.to_csv())


def _write_csv(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"--csv {name}: cannot be written: {error.strerror or error}") from error


def run_report(args: argparse.Namespace) -> int:
    """Run `archive-colorizer report`."""
    from archive_colorizer.errors import LocationError
    from archive_colorizer.pipeline.html_report import write_report
    from archive_colorizer.storage import open_store

    store = open_store(args.output, read_s3_settings(args))
    try:
        key = write_report(store)
    except OSError as error:
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: the report cannot be written: {reason}") from error
    print(f"report: {args.output.rstrip('/')}/{key}")
    return EXIT_OK
