"""The commands by which an archive answers for its derivatives: withdraw, reproduce."""

import argparse
import getpass
import json
from typing import TYPE_CHECKING, Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.job import fill_store, read_s3_settings
from archive_colorizer.cli.options import add_command
from archive_colorizer.errors import ConfigError

if TYPE_CHECKING:
    from archive_colorizer.pipeline.reproduction import Reproduction


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


def add_reproduce(commands: Any) -> None:  # noqa: ANN401
    """Add the command `reproduce`."""
    add_command(
        commands, "reproduce", run_reproduce, _fill_reproduce,
        "make derivatives again from the kept weights and the recorded settings, and compare them",
        "archive-colorizer reproduce colour/ --sample 50 --seed 2026",
    )  # fmt: skip


def _fill_reproduce(parser: argparse.ArgumentParser) -> None:
    fill_store(parser)
    add = parser.add_argument
    add("--id", dest="ids", metavar="ROW", action="append", default=[],
        help="id of a row, which may be given again for another")  # fmt: skip
    add("--sample", type=int, metavar="N", default=0, help="so many derivatives, drawn at random")
    add("--seed", type=int, metavar="S", default=0, help="of the sample: another draws others (0)")
    add(
        "--watermark-key",
        metavar="FILE",
        default="",
        help="key of the imperceptible mark (default: the file that the last run named)",
    )
    add("--json", action="store_true", help="print what came out as JSON")


def run_reproduce(args: argparse.Namespace) -> int:
    """Run `archive-colorizer reproduce`."""
    from archive_colorizer.pipeline.reproduce import reproduce
    from archive_colorizer.storage import open_store

    if bool(args.ids) == bool(args.sample) or args.sample < 0:
        raise ConfigError("reproduce: give --id ROW, or --sample N of at least 1")
    s3 = read_s3_settings(args)

    def tell(one: "Reproduction") -> None:
        if not args.json:
            print("\n".join(one.lines()), flush=True)

    report = reproduce(
        open_store(args.output, s3), args.ids, sample=args.sample, seed=args.seed,
        watermark_key=args.watermark_key, s3=s3, tell=tell,
    )  # fmt: skip
    print(json.dumps(report.to_json(), ensure_ascii=False) if args.json else report.summary())
    return EXIT_OK if report.is_clean else EXIT_SOME_FAILED
