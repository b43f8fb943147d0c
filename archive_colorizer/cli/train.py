"""The command `train`."""

import argparse
import tomllib
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from archive_colorizer.cli.exit_codes import EXIT_NO_GAIN, EXIT_OK
from archive_colorizer.cli.job import add_tables
from archive_colorizer.cli.options import LazyParser, SettingOptions, add_command, group_given
from archive_colorizer.errors import ConfigError

EXAMPLE: Final = """\
archive-colorizer train chroma_unet photos/ --output runs/mine --minutes 120
archive-colorizer train pix2pix pairs/ --output runs/palaces --params table.csv --category GOGUNG
archive-colorizer train autoencoder shards/ --output runs/b --set feed.crop_px=128 --resume
archive-colorizer train --config jobs/settings/a-palaces.toml palaces/ --output runs/a"""

OF_RECIPE: Final = "default: the recipe's"


def add_train(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `train`."""
    text = "train a model family on colour photographs or pairs, resumable"
    add_command(commands, "train", run_train, _fill_train, text, EXAMPLE)


def _fill_train(parser: LazyParser) -> None:
    from archive_colorizer.data.config import DataConfig
    from archive_colorizer.training.settings import FeedConfig, LoopConfig, TrainRunConfig

    parser.mixed = True
    add = parser.add_argument
    add("recipe", metavar="RECIPE", nargs="?", default="", help="a model family: chroma_unet, "
        "pix2pix, autoencoder, ...; a settings file may name it instead (family)")  # fmt: skip
    add("data", metavar="DATA", help="photographs or pairs, Lab arrays, two unpaired folders "
        "or Parquet shards: a folder, an s3:// prefix, or an inventory")  # fmt: skip
    add("--output", required=True, metavar="FOLDER",
        help="of the run, or an s3:// prefix: checkpoints, losses, model")  # fmt: skip
    group = parser.add_argument_group("what it learns from")
    SettingOptions(group, "data", DataConfig).add(
        "layout", "domains", "classes", "splits", "sensitive", "limit"
    )
    group = parser.add_argument_group("how it learns")
    run = partial(SettingOptions, section="run", kind=TrainRunConfig)
    loop = SettingOptions(group, "loop", LoopConfig, OF_RECIPE)
    loop.add("epochs", "steps", "minutes", "lr")
    SettingOptions(group, "feed", FeedConfig, OF_RECIPE).add("batch_size")
    loop.add("seed")
    group.add_argument("--perceptual-from", metavar="FILE", default="",
        help="weights that a perceptual loss looks through: the recipe's VGG, or builtin:encoder "
        "for EfficientNet-Lite2's in its place (recipe.vgg)")  # fmt: skip
    run(group).add("init")
    add_tables(group)
    group.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", default=[],
        dest="settings",
        help="any setting, for example model.width=32 or recipe.gan='lsgan'")  # fmt: skip
    how = run(parser.add_argument_group("how it is run"))
    how.add("resume", "workers", "device")
    how.add("engine", type=lambda said: "local" if said == "inline" else said)
    how.add("address", "s3_endpoint", "s3_anonymous", "name", "experiment")
    how.add("mlflow", help="Keep the record in the run's folder only")
    how.add("data_rights", "licence", "verbose")


def run_train(args: argparse.Namespace) -> int:
    """Run `archive-colorizer train`."""
    from archive_colorizer.cli.parameters import read_for_training
    from archive_colorizer.settings.overlay import read_file
    from archive_colorizer.training.config import compose, find_family, has_setting
    from archive_colorizer.training.run import train

    layers: list[tuple[str, Mapping[str, Any]]] = []
    if args.config:
        layers.append((args.config, read_file(args.config)))
    layers.append(("command line", {"data": {"data": args.data}}))
    if args.params:
        has = partial(has_setting, find_family(args.recipe, layers))
        layers.append((args.params, read_for_training(args.params, args.category or "", has)))
    elif args.category:
        raise ConfigError("--category needs --params")
    layers += [("command line", group_given(args)), ("--set", read_assignments(args.settings))]
    if args.perceptual_from:
        layers.append(("--perceptual-from", {"recipe": {"vgg": args.perceptual_from}}))
    report = train(compose(args.recipe, args.output, layers))
    print(report.text())
    return EXIT_NO_GAIN if report.gained_nothing else EXIT_OK


def read_assignments(words: list[str]) -> dict[str, dict[str, object]]:
    """Read `section.key=value` words, the value as in TOML, or as text where it is none.

    Raises:
        ConfigError: a word that is not of that form.
    """
    found: dict[str, dict[str, object]] = {}
    for word in words:
        name, sign, text = word.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (sign and dot and section and key):
            raise ConfigError(f"--set {word}: must be SECTION.KEY=VALUE")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        found.setdefault(section, {})[key] = value
    return found
