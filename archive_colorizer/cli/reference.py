"""The reference of all settings as Markdown, derived from their declarations.

python -m archive_colorizer.cli.reference > docs/reference/settings.md
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING
from typing import Any, Final

from archive_colorizer.cli.compare import SECTION as COMPARISON
from archive_colorizer.cli.evaluate import SECTION as EVALUATION
from archive_colorizer.cli.main import build_parser
from archive_colorizer.cli.options import LazyParser
from archive_colorizer.cli.parameters import OF_FAMILIES
from archive_colorizer.cli.review import SECTION as REVIEW
from archive_colorizer.comparison.config import ComparisonConfig
from archive_colorizer.data.config import DataConfig
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import SECTIONS, JobConfig
from archive_colorizer.review.config import ReviewConfig
from archive_colorizer.settings.field_docs import read_field_docs
from archive_colorizer.settings.schema import Declared, list_settings
from archive_colorizer.training.settings import FeedConfig, LoopConfig, TrainRunConfig
from archive_colorizer.training.table import RECIPES, RecipeSpec
from archive_colorizer.video.config import VideoConfig

HEAD: Final = """\
# Settings

Every setting of a configuration file (TOML, `--config`), with its option on the command line and
its PARAM_NAME in a parameter table where it has one. A table's rows lie over the file, options over
both; `--set section.key=value` gives `train` any setting that has no option. Unknown keys and
values out of range are refused.

This page is derived from the declarations in the code:
`python -m archive_colorizer.cli.reference > docs/reference/settings.md`.
"""
TRAINING: Final[Mapping[str, type[Any]]] = {
    "data": DataConfig, "feed": FeedConfig, "loop": LoopConfig, "run": TrainRunConfig,
}  # fmt: skip
COLUMNS: Final = ("key", "type", "default", "range", "option", "parameter", "meaning")


def main() -> int:
    """Print the reference."""
    sys.stdout.write(render_reference())
    return 0


def render_reference() -> str:
    """Render the whole page."""
    parts = [HEAD, *_render_job(), *_render_training(), *_render_judging()]
    return "\n".join(parts)


def _render_job() -> Iterator[str]:
    yield "## `colorize`\n"
    flags, job = list_flags("colorize"), JobConfig(source="", output="")
    for section, field in SECTIONS.items():
        yield render_table(section, type(getattr(job, field)), flags)
    yield "## `video`\n\nSections of `colorize` hold for the options that it has; its own:\n"
    yield render_table("video", VideoConfig, list_flags("video"))


def _render_training() -> Iterator[str]:
    yield "## `train`\n\nBefore its first section a file may name its `family`, the RECIPE.\n"
    flags = list_flags("train")
    for section, kind in TRAINING.items():
        yield render_table(section, kind, flags)
    yield "### Recipes: `[recipe]` and `[model]`\n"
    for name, spec in RECIPES.items():
        yield f"#### `{name}`\n"
        if other := _list_other_defaults(spec):
            yield f"Other defaults: {other}.\n"
        for section, kind in (("recipe", spec.config), ("model", MODELS[spec.family].config)):
            yield render_table(section, kind, {}, level=5)


def _list_other_defaults(spec: RecipeSpec) -> str:
    sections = {"data": spec.data, "feed": spec.feed, "loop": spec.loop}
    return ", ".join(
        f"`{section}.{key} = {_write_toml(value)}`"
        for section, values in sections.items()
        for key, value in values.items()
    )


def _render_judging() -> Iterator[str]:
    yield "## `evaluate`\n\nOptions alone: there is no file.\n"
    yield render_table(EVALUATION, EvaluationConfig, list_flags("evaluate"), level=0)
    yield "## `compare`\n\nOptions alone; `--config` and the table are those of `colorize`.\n"
    yield render_table(COMPARISON, ComparisonConfig, list_flags("compare"), level=0)
    yield "## `review`\n\nOptions alone: there is no file.\n"
    yield render_table(REVIEW, ReviewConfig, list_flags("review"), level=0)


def list_flags(command: str) -> dict[str, str]:
    """List a command's options by their setting, section.key."""
    parser = build_parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    chosen: LazyParser = commands.choices[command]
    chosen.complete()
    return {
        action.dest: action.option_strings[-1]
        for action in chosen._actions
        if "." in action.dest and action.help != argparse.SUPPRESS
    }


def render_table(section: str, kind: type[Any], flags: Mapping[str, str], level: int = 3) -> str:
    """Render one section's settings as a table; with a heading of a level, or 0 for none."""
    docs = read_field_docs(kind)
    rows = [
        _make_row(section, setting, flags.get(f"{section}.{key}", ""), docs.get(key, ""))
        for key, setting in list_settings(kind).items()
    ]
    heading = f"{'#' * level} `[{section}]`\n\n" if level else ""
    return f"{heading}{_join_rows(rows)}" if rows else ""


def _make_row(section: str, setting: Declared, flag: str, help_text: str) -> tuple[str, ...]:
    said = setting.said
    params = [name for name, (_, place) in OF_FAMILIES.items()
              if place == f"{section}.{setting.key}"]  # fmt: skip
    former = f" Formerly `{said.former}`, which is still read." if said.former else ""
    return (
        f"`{setting.key}`",
        setting.type_name,
        _write_default(setting),
        f"{said.bounds} {said.unit}".strip(),
        f"`{flag}`" if flag else "",
        said.param or ", ".join(params),
        help_text + former,
    )


def _write_default(setting: Declared) -> str:
    if setting.default is MISSING:
        return "must be given"
    return "" if setting.default is None else f"`{_write_toml(setting.default)}`"


def _write_toml(value: object) -> str:
    """Write a value as TOML: for text, numbers, true, false and lists that is JSON."""
    return json.dumps(value, ensure_ascii=False)


def _join_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """Join rows to a table; columns without any entry are left out."""
    columns = [column for column in zip(COLUMNS, *rows, strict=True) if any(column[1:])]
    lines = [(name, "---", *cells) for name, *cells in columns]
    return "".join(
        f"| {' | '.join(_escape(cell) for cell in line)} |\n" for line in zip(*lines, strict=True)
    )


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
