"""The command `evaluate`."""

import argparse
from typing import Any

from archive_colorizer.cli.exit_codes import EXIT_OK
from archive_colorizer.cli.options import SettingOptions, add_command, group_given

SECTION = "evaluation"


def add_evaluate(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `evaluate`."""
    add_command(
        commands, "evaluate", run_evaluate, _fill_evaluate,
        "compare models, and leaving the pictures grey, on the same colour photographs",
        "archive-colorizer evaluate photos/ --model builtin:default --model runs/mine/model",
    )  # fmt: skip


def _fill_evaluate(parser: argparse.ArgumentParser) -> None:
    from archive_colorizer.evaluation.config import EvaluationConfig

    parser.add_argument("data", metavar="DATA", help="colour photographs or pairs, Lab arrays, or "
                        "Parquet shards: a folder, an s3:// prefix, or an inventory")  # fmt: skip
    SettingOptions(parser, SECTION, EvaluationConfig).add(
        "models", "output", "layout", "size", "limit", "seed", "batch_size", "temperature",
        "vividness", "hint_points", "worn", "device", "sheet_rows", "jpeg", "sharpen", "inception",
        "kid_encoder", "lpips_backbone", "lpips_heads", "skin", "min_faces", "sensitive",
        "s3_endpoint", "s3_anonymous",
    )  # fmt: skip


def run_evaluate(args: argparse.Namespace) -> int:
    """Run `archive-colorizer evaluate`."""
    from archive_colorizer.evaluation.config import EvaluationConfig
    from archive_colorizer.evaluation.run import evaluate

    said: dict[str, Any] = group_given(args)[SECTION]
    said |= {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    report = evaluate(EvaluationConfig(data=args.data, **said))
    print(report.text())
    return EXIT_OK
