"""The commands of a colouring job: colorize, verify, relocate; `status` has those that look."""

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.options import LazyParser, SettingOptions, add_command, group_given
from archive_colorizer.errors import ConfigError

if TYPE_CHECKING:
    from archive_colorizer.pipeline.config import JobConfig
    from archive_colorizer.pipeline.report import JobReport
    from archive_colorizer.storage import S3Settings


def add_colorize(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `colorize`."""
    add_command(
        commands, "colorize", run_colorize, _fill_colorize,
        "colour every photograph of a folder or an inventory",
        "archive-colorizer colorize scans/ colour/ --exclude 'drafts/*' --format jpeg",
    )  # fmt: skip


def _fill_colorize(parser: LazyParser) -> None:
    from archive_colorizer.pipeline.config import (
        ColorConfig,
        OutputConfig,
        RunConfig,
        SelectConfig,
    )

    parser.gathers = True
    add = parser.add_argument
    add("source", metavar="SOURCE", nargs="+",
        help="a folder, an s3:// prefix, a picture, an inventory (.csv, .xlsx, .parquet), a quoted "
        "glob, or - for paths on standard input; the last word is OUTPUT")  # fmt: skip
    add("output", metavar="OUTPUT",
        help="a folder or s3:// prefix of its own; for one picture also a .jpg, .png, .tif or "
        ".webp, beside which no record is kept")  # fmt: skip
    add_tables(parser)
    group = parser.add_argument_group("where OUTPUT is one file")
    group.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    group.add_argument("--json", action="store_true", help="print what would be its row, as JSON")
    group = parser.add_argument_group("which pictures")
    SettingOptions(group, "select", SelectConfig).add(
        "include", "exclude", "columns", "encoding", "sheet", "path_map", "exclude_list",
        "include_again", "include_withdrawn", "sensitive", "hints", "fixity", "allow_unmatched",
        "not_moved", "pages", "limit", "sample", "sample_by", "sample_seed", "retry_failed", "redo",
        "ids", "adopt", "adopt_new",
    )  # fmt: skip
    group = parser.add_argument_group("what they become")
    SettingOptions(group, "color", ColorConfig).add(
        "model", "vividness", "proxy_px", "back", "label", "restore", "sharpen", "upscale",
        "upscaler", "upsampling", "content_box", "projection", "homomorphic",
        "homomorphic_low", "homomorphic_high", "homomorphic_cutoff", "glare", "negatives",
        "on_colour",
    )  # fmt: skip
    SettingOptions(group, "output", OutputConfig).add(
        "format",
        "quality",
        "bits",
        "lossless",
        "tiles",
        "access_px",
        "reversible",
        "suffix",
        "name_by",
        "publish_paths",
        "mark",
        "mark_text",
        "watermark",
    )
    group = parser.add_argument_group("how it is run")
    group.add_argument("--dry-run", action="store_true", help="say what would be done, and stop")
    text = "with --dry-run: do 8 pictures elsewhere, and say how long all would take"
    group.add_argument("--estimate", action="store_true", help=text)
    SettingOptions(group, "run", RunConfig).add(
        "address", "s3_endpoint", "s3_anonymous", "engine", "workers", "batch_size",
        "max_megapixels", "max_program_errors", "keep_model", "recheck_masters",
        "require_cleared_weights", "report", "max_failed", "watermark_key", "audit", "verbose",
        "quiet",
    )  # fmt: skip
    group = parser.add_argument_group("how derivatives are signed (docs/marking.md)")
    SettingOptions(group, "run", RunConfig).add("c2pa", "c2pa_key", "c2pa_timestamp")
    group = parser.add_argument_group("a standing job")
    SettingOptions(group, "run", RunConfig).add(
        "follow", "follow_every_s", "settle_s", "until", "on_end"
    )  # fmt: skip


def add_tables(group: Any) -> None:  # noqa: ANN401
    """Add the options that name a configuration file and a parameter table."""
    add = group.add_argument
    add("--config", metavar="FILE", help="TOML; table and command line lie over it")
    add("--params", metavar="TABLE", help="parameter table, .csv or .parquet")
    add("--category", metavar="NAME", help="of the parameter table; its rows lie over COMMON")


def build_job_config(args: argparse.Namespace) -> "JobConfig":
    """Build the job's configuration: defaults, the file, the parameter table, the command line.

    Raises:
        ConfigError: a key or value that is not allowed.
    """
    from archive_colorizer.pipeline.config import JobConfig, overlay
    from archive_colorizer.settings.overlay import read_file

    source, *further = args.source
    config = JobConfig(source=source, further=tuple(further), output=args.output)
    if args.config:
        config = overlay(config, read_file(args.config), args.config)
    if args.params:
        from archive_colorizer.cli.parameters import read_for_colorizing

        table = read_for_colorizing(args.params, args.category or "")
        config = overlay(config, table, args.params)
        config = replace(config, table=f"{args.params} {args.category or 'COMMON'}")
    elif args.category:
        raise ConfigError("--category needs --params")
    return overlay(config, group_given(args), "command line")


def run_colorize(args: argparse.Namespace) -> int:
    """Run `archive-colorizer colorize`."""
    config = build_job_config(args)
    from archive_colorizer.pipeline.one_picture import is_one_file
    from archive_colorizer.pipeline.run import preview
    from archive_colorizer.pipeline.standing_job import run_job

    if args.estimate and not args.dry_run:
        raise ConfigError("--estimate needs --dry-run")
    if is_one_file(config.output):
        return _colorize_one(config, args)
    for name in ("overwrite", "json"):
        if getattr(args, name):
            raise ConfigError(f"--{name}: OUTPUT must be one file, as out.jpg")

    if args.dry_run:
        print(preview(config, measure=args.estimate).text())
        return EXIT_OK

    def show(report: "JobReport") -> None:
        if not (config.run.quiet and report.is_clean):
            to = sys.stderr if config.run.quiet else sys.stdout
            print(report.text(), file=to, flush=True)

    report = run_job(config, show=show)
    show(report)
    return EXIT_OK if report.is_clean else EXIT_SOME_FAILED


def _colorize_one(config: "JobConfig", args: argparse.Namespace) -> int:
    from archive_colorizer.pipeline.one_picture import colorize_one

    if args.dry_run:
        raise ConfigError("--dry-run: OUTPUT is one file: name a folder")
    if config.further:
        raise ConfigError(f"{config.output}: is one file, SOURCE is several: name a folder")
    report = colorize_one(config, overwrite=args.overwrite)
    print(report.json() if args.json else report.text())
    return EXIT_OK if report.is_written else EXIT_SOME_FAILED


def add_verify(commands: Any) -> None:  # noqa: ANN401
    """Add the command `verify`."""
    add_command(
        commands, "verify", run_verify, _fill_verify,
        "re-hash masters and derivatives against the manifest",
        "archive-colorizer verify colour/",
    )  # fmt: skip


def add_relocate(commands: Any) -> None:  # noqa: ANN401
    """Add the command `relocate`."""
    add_command(
        commands, "relocate", run_relocate, _fill_relocate,
        "tell OUTPUT that its masters, or OUTPUT itself, have moved",
        "archive-colorizer relocate colour/ --from /mnt/old/scans --to /mnt/new/scans",
    )  # fmt: skip


def _fill_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--masters", metavar="DIR", default="",
        help="where the masters are now; those that are not there were weeded",
    )  # fmt: skip
    fill_store(parser)


def _fill_relocate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--from", dest="old", metavar="OLD", required=True, help="folder or s3:// prefix of then")
    add("--to", dest="new", metavar="NEW", required=True, help="folder or s3:// prefix of now")
    fill_store(parser)


def fill_store(parser: argparse.ArgumentParser) -> None:
    """Options of a command that looks into an OUTPUT."""
    from archive_colorizer.pipeline.config import RunConfig

    parser.add_argument("output", metavar="OUTPUT", help="a folder or s3://BUCKET/PREFIX")
    SettingOptions(parser, "run", RunConfig).add("s3_endpoint", "s3_anonymous")


def read_s3_settings(args: argparse.Namespace) -> "S3Settings":
    """Read the options `s3_endpoint` and `s3_anonymous` of a command without a configuration."""
    from archive_colorizer.storage import S3Settings

    given = group_given(args).get("run", {})
    return S3Settings(
        endpoint=str(given.get("s3_endpoint", "")),
        anonymous=bool(given.get("s3_anonymous", False)),
    )


def run_verify(args: argparse.Namespace) -> int:
    """Run `archive-colorizer verify`."""
    from archive_colorizer.pipeline.output.verify import verify
    from archive_colorizer.storage import open_store

    s3 = read_s3_settings(args)
    report = verify(open_store(args.output, s3), s3, args.masters)
    print(report.text())
    return EXIT_SOME_FAILED if report.findings else EXIT_OK


def run_relocate(args: argparse.Namespace) -> int:
    """Run `archive-colorizer relocate`."""
    from archive_colorizer.pipeline.output.relocate import relocate
    from archive_colorizer.storage import open_store

    store = open_store(args.output, read_s3_settings(args))
    masters, derivatives = relocate(store, args.old, args.new)
    print(f"{masters:,} masters and {derivatives:,} derivatives are named at {args.new} now")
    return EXIT_OK
