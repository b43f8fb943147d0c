"""The commands about training: parse, build a config, call. No logic lives here."""

import argparse
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.overlay import read_file

FORMS: Final = ("auto", "photos", "two-folders", "side-by-side", "lab", "unpaired")
TRAIN_EXAMPLE: Final = """\
archive-colorizer train chroma_unet photos/ --output runs/mine --minutes 120
archive-colorizer train pix2pix pairs/ --output runs/palaces --params table.csv --category GOGUNG
archive-colorizer train autoencoder shards/ --output runs/b --set feed.crop_px=128 --resume"""


def train_options(parser: argparse.ArgumentParser) -> None:
    """What `train` understands."""
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="a model family: chroma_unet, pix2pix, autoencoder, ...")
    add("data", metavar="DATA", help="a folder of colour photographs or of pairs, Lab arrays "
        "(L.npy, ab.npy), two unpaired folders, or Parquet shards")  # fmt: skip
    add("--output", required=True, metavar="FOLDER", help="of the run: checkpoints, losses, model")
    group = parser.add_argument_group("what it learns from")
    add = group.add_argument
    add("--form", choices=FORMS, dest="data.form", help="of DATA")
    add("--domains", metavar="A,B", type=_words, dest="data.domains",
        help="two unpaired sets: folders of DATA, or values of shards' column source")  # fmt: skip
    add("--classes", metavar="WORD,...", type=_words, dest="data.classes",
        help="of pictures, as words of their names; or WORD=N,...")  # fmt: skip
    add("--splits", metavar="A,...", type=_words, dest="data.splits",
        help="only these values of the shards' column split")  # fmt: skip
    add("--limit", type=int, metavar="N", dest="data.limit", help="at most N training pictures")
    group = parser.add_argument_group("how it learns")
    add = group.add_argument
    add("--epochs", type=float, metavar="N", dest="loop.epochs", help="passes over the pictures")
    add("--steps", type=int, metavar="N", dest="loop.steps", help="instead of epochs")
    add("--minutes", type=float, metavar="N", dest="loop.minutes", help="instead of epochs")
    add("--lr", type=float, dest="loop.lr", help="learning rate at its highest")
    add("--batch-size", type=int, metavar="N", dest="feed.batch_size", help="of all workers")
    add("--seed", type=int, dest="loop.seed")
    add("--init", metavar="REF", dest="run.init", help="start from a model's weights (fine-tuning)")
    add("--params", metavar="TABLE", help="parameter table, .csv or .parquet")
    add("--category", metavar="NAME", help="of the parameter table; its rows lie over COMMON")
    add("--config", metavar="FILE", help="TOML; table and command line lie over it")
    add("--set", action="append", metavar="SECTION.KEY=VALUE", default=[], dest="settings",
        help="any setting, for example model.width=32 or recipe.gan='lsgan'")  # fmt: skip
    group = parser.add_argument_group("how it is run")
    add = group.add_argument
    add("--resume", action="store_true", default=None, dest="run.resume", help="go on")
    add("--workers", type=int, metavar="N", dest="run.workers", help="processes, one a GPU")
    add("--device", choices=("auto", "cpu", "cuda"), dest="run.device")
    add("--engine", choices=("ray", "local"), dest="run.engine",
        type=lambda said: "local" if said == "inline" else said,
        help="local (or inline): a plain loop in this process, without Ray")  # fmt: skip
    add("--address", metavar="ADDRESS", dest="run.address", help="of a running Ray cluster")
    add("--name", dest="run.name", help="of the model")
    add("--experiment", dest="run.experiment", help="of MLflow")
    add("--no-mlflow", action="store_false", default=None, dest="run.mlflow",
        help="keep the record in the run's folder only")  # fmt: skip
    add("--data-rights", choices=("cleared", "not_cleared", "unknown"), dest="run.data_rights",
        help="of the training pictures; those of --init may make them worse")  # fmt: skip
    add("--verbose", action="store_true", default=None, dest="run.verbose")


def train(args: argparse.Namespace) -> int:
    """`archive-colorizer train`."""
    from archive_colorizer.settings.parameter_table import for_training
    from archive_colorizer.training.config import compose, has_setting
    from archive_colorizer.training.run import train as run

    layers: list[tuple[str, Mapping[str, Any]]] = []
    if args.config:
        layers.append((args.config, read_file(args.config)))
    layers.append(("command line", {"data": {"data": args.data}}))
    if args.params:
        has = partial(has_setting, args.recipe)
        layers.append((args.params, for_training(args.params, args.category or "", has)))
    elif args.category:
        raise ConfigError("--category needs --params")
    layers += [("command line", given(args)), ("--set", settings(args.settings))]
    print(run(compose(args.recipe, args.output, layers)).text())
    return 0


def given(args: argparse.Namespace) -> dict[str, dict[str, object]]:
    """What stands on the command line, by section: options whose `dest` is section.key."""
    found: dict[str, dict[str, object]] = {}
    for name, value in vars(args).items():
        section, dot, key = name.partition(".")
        if dot and value is not None:
            found.setdefault(section, {})[key] = value
    return found


def settings(words: list[str]) -> dict[str, dict[str, object]]:
    """`section.key=value` words, the value as in TOML, or as text where it is none.

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


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


DATA_EXAMPLE: Final = """\
archive-colorizer data inspect photos/
archive-colorizer data filter photos/ kept/ --least 15
archive-colorizer data pairs photos/ pairs/ --style monet --size 256"""


def data_options(parser: argparse.ArgumentParser) -> None:
    """What `data` understands."""
    commands = parser.add_subparsers(title="what to do", required=True, metavar="WHAT")
    for name, text in (
        ("inspect", "say what is there: form, sizes, colourfulness, what would be left out"),
        ("filter", "copy what may teach colour into Parquet shards, and say what was left out"),
        ("pairs", "make training pairs: a folder of sources and one of targets"),
    ):
        part = commands.add_parser(name, help=text, description=text)
        part.set_defaults(command=data, what=name)
        add = part.add_argument
        add("data", metavar="DATA", help="photographs, pairs, Lab arrays or Parquet shards")
        if name != "inspect":
            add("output", type=Path, metavar="OUT", help="a new or empty folder")
        add("--form", choices=FORMS, default="auto", help="of DATA")
        add("--least", type=float, default=10.0, metavar="C",
            help="colourfulness under which a picture is left out; 10 by default")  # fmt: skip
        if name == "inspect":
            add("--csv", type=Path, metavar="FILE", dest="table", help="a verdict on each picture")
        if name == "pairs":
            add("--style", choices=("grey", "old", "monet", "comic"), default="grey",
                help="grey and old make sources; monet and comic make targets")  # fmt: skip
            add("--size", type=int, default=256, metavar="PX", help="edge of the squares")
            add("--limit", type=int, default=0, metavar="N", help="at most N pairs")
            add("--seed", type=int, default=0)


def data(args: argparse.Namespace) -> int:
    """`archive-colorizer data inspect | filter | pairs`."""
    from archive_colorizer.data import commands

    given = {name: value for name, value in vars(args).items() if name not in {"command", "what"}}
    print(getattr(commands, args.what)(**given))
    return 0
