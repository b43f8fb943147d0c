"""The command `export`: what OUTPUT holds, in another form."""

import argparse
from typing import Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.job import fill_store, read_s3_settings
from archive_colorizer.cli.options import add_command


def add_export(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `export`."""
    add_command(
        commands, "export", run_export, _fill_export,
        "give what OUTPUT holds in another form: the grey pictures, colour taken off",
        "archive-colorizer export colour/ grey/ --as master",
    )  # fmt: skip


def _fill_export(parser: argparse.ArgumentParser) -> None:
    fill_store(parser)
    add = parser.add_argument
    add("destination", metavar="DEST", help="a folder or s3:// prefix outside of OUTPUT and SOURCE")
    add("--as", dest="form", required=True, choices=("master",),
        help="master: of derivatives made with --reversible, the grey picture: it decodes to its "
        "master's samples")  # fmt: skip


def run_export(args: argparse.Namespace) -> int:
    """Run `archive-colorizer export`."""
    from archive_colorizer.pipeline.output.export import export_masters
    from archive_colorizer.storage import open_store

    s3 = read_s3_settings(args)
    report = export_masters(open_store(args.output, s3), open_store(args.destination, s3))
    print(report.text())
    return EXIT_OK if report.is_clean else EXIT_SOME_FAILED
