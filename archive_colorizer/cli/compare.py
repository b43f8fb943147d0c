"""The command `compare`."""

import argparse
from typing import Any, Final

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.job import add_tables, build_job_config
from archive_colorizer.cli.options import LazyParser, SettingOptions, add_command, group_given

SECTION: Final = "comparison"
EXAMPLE: Final = """\
archive-colorizer compare scans/ --model builtin:default --model runs/mine/model
archive-colorizer compare scans/ --model runs/a/model --model runs/b/model --params table.csv \\
    --category GOGUNG --limit 155 --blind --output blind
archive-colorizer compare colour-2025/ colour-2026/ --output years"""


def add_compare(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `compare`."""
    text = "put models side by side on pictures without a truth, the greatest differences first"
    add_command(commands, "compare", run_compare, _fill_compare, text, EXAMPLE)


def _fill_compare(parser: LazyParser) -> None:
    from archive_colorizer.comparison.config import ComparisonConfig
    from archive_colorizer.pipeline.config import ColorConfig, RunConfig, SelectConfig

    parser.add_argument("places", nargs="+", metavar="SOURCE|OUTPUT", help="what the models colour:"
        " a folder, an s3:// prefix, a picture or an inventory; or finished OUTPUTs")  # fmt: skip
    SettingOptions(parser, SECTION, ComparisonConfig).add(
        "models", "output", "blind", "seed", "sheet_rows", "page_pictures", "picture_px"
    )
    group = parser.add_argument_group("how SOURCE is coloured")
    add_tables(group)
    SettingOptions(group, "select", SelectConfig).add(
        "include", "exclude", "exclude_list", "pages", "limit"
    )
    SettingOptions(group, "color", ColorConfig).add("proxy_px", "vividness", "label", "on_colour")
    SettingOptions(group, "run", RunConfig).add(
        "engine", "workers", "batch_size", "s3_endpoint", "s3_anonymous", "verbose"
    )


def run_compare(args: argparse.Namespace) -> int:
    """Run `archive-colorizer compare`."""
    from archive_colorizer.comparison.config import ComparisonConfig
    from archive_colorizer.comparison.run import compare

    said: dict[str, Any] = group_given(args).get(SECTION, {})
    said |= {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    of_job = {k: v for k, v in vars(args).items() if not k.startswith(f"{SECTION}.")}
    job = build_job_config(argparse.Namespace(**of_job, source=args.places[:1], output=""))
    report = compare(ComparisonConfig(**said), args.places, job)
    print(report.text())
    return EXIT_OK if report.is_clean else EXIT_SOME_FAILED
