"""The commands by which an archive answers for its derivatives: withdraw, reproduce."""

import argparse
import getpass
from typing import Any

from archive_colorizer.cli.exit_codes import EXIT_OK
from archive_colorizer.cli.job import fill_store, read_s3_settings
from archive_colorizer.cli.options import add_command


def add_withdraw(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `withdraw`."""
    add_command(
        commands, "withdraw", run_withdraw, _fill_withdraw,
        "take derivatives back: their files go, and the record says who did it, when and why",
        "archive-colorizer withdraw colour/ --ids ids.txt --reason 'asked for by the family'",
    )  # fmt: skip


def _fill_withdraw(parser: argparse.ArgumentParser) -> None:
    fill_store(parser)
    add = parser.add_argument
    add(
        "--ids",
        metavar="FILE",
        required=True,
        help="the pictures, one a line: row ids, object ids, paths, or SHA-256 of derivatives",
    )
    add("--reason", metavar="TEXT", required=True, help="why, for the record")
    add("--by", metavar="NAME", default="", help="who asks for it (default: this user's name)")
    add("--dry-run", action="store_true", help="say how many would be withdrawn, and stop")


def run_withdraw(args: argparse.Namespace) -> int:
    """Run `archive-colorizer withdraw`."""
    from archive_colorizer.pipeline.withdraw import withdraw
    from archive_colorizer.storage import open_store

    store = open_store(args.output, read_s3_settings(args))
    by = args.by or getpass.getuser()
    print(withdraw(store, args.ids, args.reason, by, dry_run=args.dry_run).text())
    return EXIT_OK
