"""The command `data`: inspect, filter, pairs."""

import argparse
from typing import Any, Final

from archive_colorizer.cli.job import read_s3_settings
from archive_colorizer.cli.options import SettingOptions, add_command, group_given

EXAMPLE: Final = """\
archive-colorizer data inspect photos/
archive-colorizer data filter photos/ kept/ --least 15
archive-colorizer data pairs s3://photos/ s3://pairs/ --style monet --size 256"""
ACTIONS: Final = {
    "inspect": "say what is there: layout, sizes, colourfulness, what would be left out",
    "filter": "copy what may teach colour into Parquet shards, and say what was left out",
    "pairs": "make training pairs: a folder of sources and one of targets",
}


def add_data(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `data`."""
    text = "look at training pictures, leave out grey ones, make pairs"
    add_command(commands, "data", run_data, _fill_data, text, EXAMPLE)


def _fill_data(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="what to do", required=True, metavar="WHAT")
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(command=run_data, what=name)
        _add_options(action, name)


def _add_options(parser: argparse.ArgumentParser, action: str) -> None:
    from archive_colorizer.data.config import DataConfig
    from archive_colorizer.settings.schema import list_settings
    from archive_colorizer.training.settings import TrainRunConfig

    add = parser.add_argument
    add("data", metavar="DATA", help="photographs, pairs, Lab arrays or Parquet shards: a folder, "
        "an s3:// prefix, or an inventory")  # fmt: skip
    if action != "inspect":
        add("output", metavar="OUT", help="a new or empty folder or s3:// prefix")
    options = SettingOptions(parser, "data", DataConfig)
    least = list_settings(DataConfig)["min_colourfulness"].default
    options.add("layout", dest="form", default="auto")
    options.add("min_colourfulness", flag="--least", dest="least", metavar="C", default=least)
    options.add("sensitive")
    SettingOptions(parser, "run", TrainRunConfig).add("s3_endpoint", "s3_anonymous")
    if action == "inspect":
        add("--csv", default="", metavar="FILE", dest="table", help="a verdict on each picture")
    if action == "pairs":
        add("--style", choices=("grey", "old", "monet", "comic"), default="grey",
            help="grey and old make sources; monet and comic make targets")  # fmt: skip
        add(
            "--reverse",
            action="store_true",
            help="sources and targets change places: comic to photograph",
        )
        add("--size", type=int, default=256, metavar="PX", help="edge of the squares")
        add("--limit", type=int, default=0, metavar="N", help="at most N pairs")
        add("--seed", type=int, default=0, help="draws the pairs")


def run_data(args: argparse.Namespace) -> int:
    """Run `archive-colorizer data inspect | filter | pairs`."""
    from archive_colorizer.data import commands
    from archive_colorizer.settings.kinds import SENSITIVE

    said: dict[str, Any] = group_given(args).get("data", {})
    source = commands.Source(
        data=args.data, form=args.form, least=args.least,
        sensitive=tuple(said.get("sensitive", SENSITIVE)), s3=read_s3_settings(args),
    )  # fmt: skip
    known = {"command", "what", "data", "form", "least"}
    given = {k: value for k, value in vars(args).items() if k not in known and "." not in k}
    print(getattr(commands, args.what)(source, **given))
    return 0
