"""The command `completion`: what a shell needs to complete commands, options and their values."""

import argparse
from collections.abc import Iterator
from typing import Any, Final

from archive_colorizer.cli.exit_codes import EXIT_OK
from archive_colorizer.cli.options import LazyParser, add_command

SHELLS: Final = ("bash", "zsh", "fish")
EXAMPLE: Final = """\
archive-colorizer completion bash > ~/.local/share/bash-completion/completions/archive-colorizer
archive-colorizer completion zsh > ~/.zfunc/_archive-colorizer
archive-colorizer completion fish > ~/.config/fish/completions/archive-colorizer.fish"""
PATHS: Final = frozenset(
    {"SOURCE", "OUTPUT", "OUT", "DATA", "FILE", "FOLDER", "DIR", "TABLE", "REF", "OLD", "NEW"}
)
"""Placeholders of arguments for which a shell offers files."""


def add_completion(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `completion`."""
    text = "write the script by which a shell completes this program's words"
    add_command(commands, "completion", run_completion, _fill, text, EXAMPLE)


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run_completion(args: argparse.Namespace) -> int:
    """Run `archive-colorizer completion`."""
    import shtab

    from archive_colorizer.cli.main import build_parser

    parser = build_parser()
    for action in _complete(parser):
        names = action.metavar if isinstance(action.metavar, tuple) else (action.metavar,)
        if PATHS.intersection("|".join(filter(None, names)).split("|")):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab reads it
    print(shtab.complete(parser, args.shell))
    return EXIT_OK


def _complete(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Give every parser its options, and yield them."""
    if isinstance(parser, LazyParser):
        parser.complete()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _complete(below)
        else:
            yield action
