"""The command line as a whole: every command by its name, and what an exit code says."""

import argparse
import contextlib
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence

from archive_colorizer.cli.compare import add_compare
from archive_colorizer.cli.completion import add_completion
from archive_colorizer.cli.data import add_data
from archive_colorizer.cli.evaluate import add_evaluate
from archive_colorizer.cli.exit_codes import (
    EXIT_BROKEN,
    EXIT_CODES,
    EXIT_INTERRUPTED,
    EXIT_READER_LEFT,
    EXIT_USAGE,
)
from archive_colorizer.cli.export import add_export
from archive_colorizer.cli.job import add_colorize, add_relocate, add_verify
from archive_colorizer.cli.keeping import add_reproduce, add_withdraw
from archive_colorizer.cli.models import add_models
from archive_colorizer.cli.options import LazyParser
from archive_colorizer.cli.provenance import add_c2pa, add_inspect
from archive_colorizer.cli.review import add_review
from archive_colorizer.cli.status import add_report, add_status
from archive_colorizer.cli.train import add_train, run_train
from archive_colorizer.cli.video import add_video
from archive_colorizer.errors import BrokenProgramError, UsageError
from archive_colorizer.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # here, not at the interpreter's end, where nobody can catch it
    except BrokenPipeError:
        if not _reader_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_LEFT


def _reader_left() -> bool:
    """Whether it is standard output that broke, as by `| head`, and not a connection."""
    poll = select.poll()
    poll.register(sys.stdout, select.POLLOUT)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _run(argv: Sequence[str] | None) -> int:
    """Parse and call; what the user can mend is one line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("PIL", "tifffile", "matplotlib", "boto3", "botocore", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    args = build_parser().parse_args(argv)
    with contextlib.suppress(ValueError):  # not in the main thread: whoever calls has the signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except UsageError as error:
        print(f"archive-colorizer: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenProgramError as error:
        for note in getattr(error, "__notes__", ()):
            logging.getLogger("archive_colorizer").error("%s", note)
        print(f"archive-colorizer: {error}", file=sys.stderr)
        return EXIT_BROKEN
    except KeyboardInterrupt:
        how = "with --resume the same command" if command is run_train else "the same command"
        print(f"archive-colorizer: interrupted; {how} goes on later", file=sys.stderr)
        return EXIT_INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    parser = LazyParser(
        prog="archive-colorizer",
        description="Colours whole black-and-white photo archives, and writes down what it did.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        add_colorize, add_video, add_status, add_review, add_report, add_verify, add_reproduce,
        add_withdraw, add_export, add_relocate, add_inspect, add_c2pa, add_evaluate, add_compare,
        add_train, add_data, add_models, add_completion,
    ):  # fmt: skip
        add(commands)
    return parser
