"""The `models` commands: import, and the registry."""

import argparse
from pathlib import Path
from typing import Any, Final

from archive_colorizer.weights.card import RIGHTS

MODELS_EXAMPLE: Final = """\
archive-colorizer models import siggraph17.pth --output models/siggraph17"""


def models(args: argparse.Namespace) -> int:
    """Run one of them."""
    code: int = args.action(args)
    return code


def models_options(parser: argparse.ArgumentParser) -> None:
    """What `models` understands."""
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    _import_options(actions)


def _import_options(actions: Any) -> None:  # noqa: ANN401
    text = "make a model of a public checkpoint: pix2pix, CycleGAN, ECCV16, SIGGRAPH17, ESRGAN, RDN"
    parser = actions.add_parser("import", help=text, description=text)
    parser.set_defaults(action=_import)
    add = parser.add_argument
    add("file", metavar="FILE", help=".pth or .safetensors")
    add("--output", metavar="FOLDER", required=True, help="for weights and card")
    add("--name", metavar="NAME", default="", help="of the model; else the file's")
    add("--task", choices=("colorize", "translate"), default="colorize", dest="purpose",
        help="of a pix2pix with three channels")  # fmt: skip
    add("--back", metavar="FILE", help="a CycleGAN's other direction")
    add("--data-rights", choices=RIGHTS, default="unknown", help="of what it was trained on")


def _import(args: argparse.Namespace) -> int:
    from archive_colorizer.weights.importing import import_checkpoint

    model, layout = import_checkpoint(
        Path(args.file), Path(args.output), name=args.name, purpose=args.purpose,
        back=Path(args.back) if args.back else None, data_rights=args.data_rights,
    )  # fmt: skip
    print(f"{args.file}: {layout.name}\nfamily {model.card.family}, {dict(model.card.config)}")
    print(f"model: {args.output} (weights SHA-256 {model.weights_sha256})")
    return 0
