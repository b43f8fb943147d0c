"""The command `models`: import, and the registry."""

import argparse
from pathlib import Path
from typing import Any, Final

from archive_colorizer.cli.exit_codes import EXIT_REFUSED
from archive_colorizer.cli.options import SettingOptions, add_command, group_given

EXAMPLE: Final = """\
archive-colorizer models import siggraph17.pth --output models/siggraph17
archive-colorizer models register runs/mine/model palaces
archive-colorizer models promote palaces --on photos/
archive-colorizer colorize scans/ colour/ --model models:/palaces@champion"""
EVALUATION: Final = "evaluation"


def add_models(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `models`."""
    text = "import public checkpoints; register, promote and roll back models"
    add_command(commands, "models", run_models, _fill_models, text, EXAMPLE)


def run_models(args: argparse.Namespace) -> int:
    """Run `archive-colorizer models`: one of its actions."""
    code: int = args.action(args)
    return code


def _fill_models(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    _add_import(actions)
    parser = _add_action(
        actions, "register", _run_register, "make a model the newest version of a name"
    )
    parser.add_argument("ref", metavar="REF", help="a folder, a file, builtin:NAME or runs:/ID")
    parser.add_argument("name", metavar="NAME", help="in the registry")
    _add_promote(actions)
    parser = _add_action(
        actions, "rollback", _run_rollback, "make the champion before this one champion"
    )
    parser.add_argument("name", metavar="NAME")
    parser = _add_action(actions, "list", _run_list, "every version, its aliases and rights")
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="this one alone")
    parser = _add_action(
        actions, "show", _run_show, "a model's card, its decisions, the jobs that used it"
    )
    parser.add_argument(
        "ref", metavar="NAME|REF", help="NAME (its champion), NAME@ALIAS, NAME/3, or a reference"
    )


def _add_action(
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


def _add_import(actions: Any) -> None:  # noqa: ANN401
    from archive_colorizer.weights.card import RIGHTS

    text = "make a model of a public checkpoint: pix2pix, CycleGAN, ECCV16, SIGGRAPH17, ESRGAN, RDN"
    add = _add_action(actions, "import", _run_import, text).add_argument
    add(
        "file",
        metavar="FILE",
        help=".pth, .safetensors, Keras' .h5, ncnn's .param, TensorFlow.js' model.json",
    )
    add("--output", metavar="FOLDER", required=True, help="for weights and card")
    add("--name", metavar="NAME", default="", help="of the model; else the file's")
    add("--task", choices=("colorize", "translate"), default="colorize", dest="purpose",
        help="of a pix2pix U-Net with three channels")  # fmt: skip
    add("--back", metavar="FILE", help="a CycleGAN's other direction")
    add("--data-rights", choices=RIGHTS, default="unknown", help="of what it was trained on")


def _add_promote(actions: Any) -> None:  # noqa: ANN401
    text = "evaluate the challenger beside the champion; the gates decide"
    from archive_colorizer.evaluation.config import EvaluationConfig

    parser = _add_action(actions, "promote", _run_promote, text)
    add = parser.add_argument
    add("name", metavar="NAME")
    add("--on", metavar="DATA", required=True, help="the evaluation set, as for `evaluate`")
    add("--version", metavar="N", default="", help="instead of the challenger")
    add("--policy", metavar="FILE", help="gates as YAML; else those of mlflow/promotion.yaml")
    SettingOptions(parser, EVALUATION, EvaluationConfig).add(
        "limit",
        "size",
        "seed",
        "jpeg",
        "worn",
        "skin",
        "min_faces",
        "device",
        "output",
        "sensitive",
        "s3_endpoint",
        "s3_anonymous",
    )


def _run_import(args: argparse.Namespace) -> int:
    from archive_colorizer.weights.public import import_checkpoint

    model, layout = import_checkpoint(
        Path(args.file), Path(args.output), name=args.name, purpose=args.purpose,
        back=Path(args.back) if args.back else None, data_rights=args.data_rights,
    )  # fmt: skip
    print(f"{args.file}: {layout.name}\nfamily {model.card.family}, {dict(model.card.config)}")
    print(f"model: {args.output} (weights SHA-256 {model.weights_sha256})")
    return 0


def _run_register(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry

    made = Registry(args.tracking_uri).register(args.ref, args.name)
    print(f"models:/{made.name}/{made.number} is the challenger; weights SHA-256 "
          f"{made.tags['weights_sha256']}")  # fmt: skip
    return 0


def _run_promote(args: argparse.Namespace) -> int:
    from archive_colorizer.evaluation.config import EvaluationConfig
    from archive_colorizer.evaluation.gates import DEFAULT, read_policy
    from archive_colorizer.evaluation.promotion import promote
    from archive_colorizer.registry.mlflow_models import Registry

    policy = read_policy(Path(args.policy)) if args.policy else DEFAULT
    said: dict[str, Any] = group_given(args).get(EVALUATION, {})
    said |= {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    evaluation = EvaluationConfig(data=args.on, models=("-",), **said)
    found = promote(Registry(args.tracking_uri), args.name, evaluation, policy, args.version)
    print(f"{found.report.markdown()}\n{found.text()}")
    return 0 if found.promoted else EXIT_REFUSED


def _run_rollback(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry

    version, decision = Registry(args.tracking_uri).roll_back(args.name)
    print(f"{version.name}: version {version.number} is champion again, in place of version "
          f"{decision.over}")  # fmt: skip
    return 0


def _run_list(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.mlflow_models import Registry
    from archive_colorizer.registry.shown import format_versions

    print(format_versions(Registry(args.tracking_uri).list_versions(args.name)))
    return 0


def _run_show(args: argparse.Namespace) -> int:
    from archive_colorizer.registry.shown import describe

    print(describe(args.ref, args.tracking_uri))
    return 0
