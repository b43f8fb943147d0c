"""The `models` commands: import, and the registry."""

import argparse
from pathlib import Path
from typing import Any, Final

from archive_colorizer.weights.card import RIGHTS

MODELS_EXAMPLE: Final = """\
archive-colorizer models import siggraph17.pth --output models/siggraph17
archive-colorizer models register runs/mine/model palaces
archive-colorizer models promote palaces --on photos/
archive-colorizer colorize scans/ colour/ --model models:/palaces@champion"""
EXIT_REFUSED: Final = 3


def models(args: argparse.Namespace) -> int:
    """Run one of them."""
    code: int = args.action(args)
    return code


def models_options(parser: argparse.ArgumentParser) -> None:
    """What `models` understands."""
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    _import_options(actions)
    parser = _action(actions, "register", _register, "make a model the newest version of a name")
    parser.add_argument("ref", metavar="REF", help="a folder, a file, builtin:NAME or runs:/ID")
    parser.add_argument("name", metavar="NAME", help="in the registry")
    _promote_options(actions)
    parser = _action(actions, "rollback", _rollback, "make the champion before this one champion")
    parser.add_argument("name", metavar="NAME")
    parser = _action(actions, "list", _list, "every version, its aliases and rights")
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="this one alone")
    parser = _action(actions, "show", _show, "a model's card, its decisions, the jobs that used it")
    parser.add_argument(
        "ref", metavar="NAME|REF", help="NAME (its champion), NAME@ALIAS, NAME/3, or a reference"
    )


def _action(
    actions: Any,  # noqa: ANN401 (argparse does not name the type)
    name: str,
    run: Any,  # noqa: ANN401
    text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(action=run)
    if name != "import":
        parser.add_argument(
            "--tracking-uri", metavar="URI", default="",
            help="of MLflow; else MLFLOW_TRACKING_URI, else this user's own SQLite file",
        )  # fmt: skip
    return parser


def _import_options(actions: Any) -> None:  # noqa: ANN401
    text = "make a model of a public checkpoint: pix2pix, CycleGAN, ECCV16, SIGGRAPH17, ESRGAN, RDN"
    add = _action(actions, "import", _import, text).add_argument
    add("file", metavar="FILE", help=".pth, .safetensors, or Keras' .h5")
    add("--output", metavar="FOLDER", required=True, help="for weights and card")
    add("--name", metavar="NAME", default="", help="of the model; else the file's")
    add("--task", choices=("colorize", "translate"), default="colorize", dest="purpose",
        help="of a pix2pix with three channels")  # fmt: skip
    add("--back", metavar="FILE", help="a CycleGAN's other direction")
    add("--data-rights", choices=RIGHTS, default="unknown", help="of what it was trained on")


def _promote_options(actions: Any) -> None:  # noqa: ANN401
    text = "evaluate the challenger beside the champion; the gates decide"
    add = _action(actions, "promote", _promote, text).add_argument
    add("name", metavar="NAME")
    add("--on", metavar="DATA", required=True, help="the evaluation set, as for `evaluate`")
    add("--version", metavar="N", default="", help="instead of the challenger")
    add("--policy", metavar="FILE", help="gates as YAML; else those of mlflow/promotion.yaml")
    add("--limit", type=int, metavar="N", default=200, help="at most N pictures; 0 takes all")
    add("--size", type=int, metavar="PX", default=256, help="edge of the square")
    add("--seed", type=int, default=0, help="draws the pictures")
    add("--jpeg", type=int, metavar="Q", default=0,
        help="enlarging, restoring: quality of what is given")  # fmt: skip
    add("--worn", action="store_true", help="restoring: with grain and scratches")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--output", metavar="FOLDER", default="evaluation",
        help="for report.md, report.json, sheet.png")  # fmt: skip


def _import(args: argparse.Namespace) -> int:
    from archive_colorizer.weights.public import import_checkpoint

    model, layout = import_checkpoint(
        Path(args.file), Path(args.output), name=args.name, purpose=args.purpose,
        back=Path(args.back) if args.back else None, data_rights=args.data_rights,
    )  # fmt: skip
    print(f"{args.file}: {layout.name}\nfamily {model.card.family}, {dict(model.card.config)}")
    print(f"model: {args.output} (weights SHA-256 {model.weights_sha256})")
    return 0


def _register(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry

    made = Registry(args.tracking_uri).register(args.ref, args.name)
    print(f"models:/{made.name}/{made.number} is the challenger; weights SHA-256 "
          f"{made.tags['weights_sha256']}")  # fmt: skip
    return 0


def _promote(args: argparse.Namespace) -> int:
    from archive_colorizer.evaluation.config import EvaluationConfig
    from archive_colorizer.evaluation.gates import DEFAULT, read_policy
    from archive_colorizer.evaluation.promotion import promote
    from archive_colorizer.registry.mlflow_models import Registry

    policy = read_policy(Path(args.policy)) if args.policy else DEFAULT
    evaluation = EvaluationConfig(
        data=args.on, models=("-",), limit=args.limit, size=args.size, seed=args.seed,
        device=args.device, jpeg=args.jpeg, worn=args.worn, output=args.output,
    )  # fmt: skip
    found = promote(Registry(args.tracking_uri), args.name, evaluation, policy, args.version)
    print(f"{found.report.markdown()}\n{found.text()}")
    return 0 if found.promoted else EXIT_REFUSED


def _rollback(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry

    version, decision = Registry(args.tracking_uri).roll_back(args.name)
    print(f"{version.name}: version {version.number} is champion again, in place of version "
          f"{decision.over}")  # fmt: skip
    return 0


def _list(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry
    from archive_colorizer.registry.shown import format_versions

    print(format_versions(Registry(args.tracking_uri).list_versions(args.name)))
    return 0


def _show(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.shown import describe

    print(describe(args.ref, args.tracking_uri))
    return 0
