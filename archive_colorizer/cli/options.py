"""Options of the command line, derived from declared settings.

An option's `dest` is section.key. Parsers get their options when they are first used: to list the
commands loads no settings.
"""

import argparse
import difflib
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any, Final, NoReturn

from archive_colorizer.cli.exit_codes import EXIT_CODES, EXIT_USAGE
from archive_colorizer.errors import suggest

if TYPE_CHECKING:
    from archive_colorizer.settings.schema import Declared

UNSHOWN: Final = (None, "", ())
WIDEST_SHOWN: Final = 100
"""Upper end of ranges that stand as an option's placeholder."""
WIDEST_NAMED: Final = 65536
"""Upper end of ranges that stand in an option's help."""
Fill = Callable[["LazyParser"], None]


class LazyParser(argparse.ArgumentParser):
    """A parser that gets its options when it parses or prints its help; an error is one line."""

    fill: Fill | None = None
    mixed: bool = False
    """Whether the first word may be left out, with options anywhere between."""
    gathers: bool = False
    """Whether `source` is a list and `output` the last word, with options anywhere between."""
    _inner = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as argparse does, with all options; a word that is not known is an error."""
        self.complete()
        args = self._close_bare(args)
        if self._inner:  # argparse asks this very method for the options, then for the rest
            return super().parse_known_args(args, namespace)
        found, rest = self._parse_mixed(args, namespace)
        words = [word for word in rest if word == "-" or not word.startswith("-")]
        if len(words) < len(rest):
            self._refuse_option(next(word for word in rest if word not in words))
        if words and not self.gathers:
            self.error(f"too many words: {' '.join(words)}")
        if words:
            *more, found.output = found.output, *words
            found.source += more
        return found, []

    def _close_bare(self, args: Sequence[str] | None) -> Sequence[str] | None:
        """Keep options whose value may be left out from taking the next word for it: SOURCE, say.

        A word that is one of the choices is the value.
        """
        if not args:
            return args
        bare = {
            flag: action
            for action in self._actions
            for flag in action.option_strings
            if action.nargs == "?"
        }
        closed = []
        for word, following in zip(args, [*args[1:], ""], strict=True):
            action = bare.get(word)
            alone = action is not None and following not in (action.choices or ())
            closed.append(f"{word}={action.const}" if action and alone else word)
        return closed

    def _parse_mixed(
        self, args: Sequence[str] | None, namespace: argparse.Namespace | None
    ) -> tuple[argparse.Namespace, list[str]]:
        if not self.mixed:
            return super().parse_known_args(args, namespace)
        self._inner = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inner = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and exit."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message} ({self.prog} --help)\n")

    def _refuse_option(self, word: str) -> NoReturn:
        option = word.partition("=")[0]
        flags = (flag for action in self._actions for flag in action.option_strings)
        known = {flag.lstrip("-"): flag for flag in flags}
        near = difflib.get_close_matches(option.lstrip("-"), known, n=1)
        self.error(f"no option {option}" + (f": did you mean {known[near[0]]}?" if near else ""))

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401
        """Check a word against the choices, those nearest to it in the message."""
        if action.choices is not None and value not in action.choices:
            said = suggest(str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, f"{value!r} is not known{said}")

    def format_help(self) -> str:
        """Write the help as argparse does, with all options."""
        self.complete()
        return super().format_help()

    def complete(self) -> None:
        """Add the options, once."""
        fill, self.fill = self.fill, None
        if fill is not None:
            fill(self)


def add_command(
    commands: Any,  # noqa: ANN401 (argparse does not name the type of its sub-parsers)
    name: str,
    run: Callable[[argparse.Namespace], int],
    fill: Fill,
    text: str,
    example: str,
) -> None:
    """Add a command that calls `run`; `fill` adds its options."""
    parser: LazyParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n{textwrap.indent(example, '  ')}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.fill = fill
    parser.set_defaults(command=run)


class SettingOptions:
    """Adds options for settings of one config class to a parser or a group of one.

    Args:
        group: a parser or an argument group.
        section: the settings' section; an option's `dest` is section.key.
        kind: the config class.
        default: phrase for the help texts where the class's defaults do not hold.
    """

    def __init__(
        self,
        group: Any,  # noqa: ANN401 (argparse has no name for both)
        section: str,
        kind: type[Any],
        default: str | None = None,
    ) -> None:
        from archive_colorizer.settings.field_docs import read_field_docs
        from archive_colorizer.settings.schema import list_settings

        self._group, self._section, self._default = group, section, default
        self._settings, self._docs = list_settings(kind), read_field_docs(kind)

    def add(self, *keys: str, **changes: Any) -> None:  # noqa: ANN401
        """Add the options of some keys; `changes` replace what argparse is given."""
        for key in keys:
            setting = self._settings[key]
            given = {
                "dest": f"{self._section}.{key}",
                "default": None,
                "help": self._write_help(key, setting),
            }
            given |= _derive_arguments(setting) | changes
            flag = given.pop("flag", setting.said.flag) or _make_flag(setting, key)
            action = self._group.add_argument(flag, **given)
            if setting.said.former:
                given["help"] = argparse.SUPPRESS
                self._group.add_argument(_make_flag(setting, setting.said.former), **given)
            action.required = setting.default is MISSING

    def _write_help(self, key: str, setting: "Declared") -> str:
        """Take the first sentence of the setting's docstring, its range and its default."""
        sentence = self._docs[key].split(". ")[0].removesuffix(".")
        if sentence.split()[0][1:].islower():
            sentence = sentence[0].lower() + sentence[1:]
        facts = [] if self._default is None else [self._default]
        if self._default is None and _is_shown(setting.default):
            facts = [f"default {_format(setting.default)} {setting.said.unit}".strip()]
        if bounds := _name_bounds(setting):
            facts.insert(0, bounds)
        if setting.said.repeat:
            facts.append("may be given more than once")
        return (sentence + (f" ({'; '.join(facts)})" if facts else "")).replace("%", "%%")


def _is_shown(default: object) -> bool:
    """Whether a help text names a default: `no` and nothing need no naming."""
    return default is not MISSING and not isinstance(default, bool) and default not in UNSHOWN


def _format(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_format, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _name_bounds(setting: "Declared") -> str:
    """Name a range that the placeholder does not show, unless it is too wide to say anything."""
    said = setting.said
    high = said.le if said.le is not None else said.lt
    if high is None or high > WIDEST_NAMED or ".." in _make_metavar(setting):
        return ""
    return f"{said.bounds} {said.unit}".strip()


def _make_flag(setting: "Declared", key: str) -> str:
    return f"--{'no-' if setting.default is True else ''}{key.replace('_', '-')}"


def _derive_arguments(setting: "Declared") -> dict[str, Any]:
    """Arguments of `add_argument` that follow from the setting's type."""
    if setting.kind is bool:
        return {"action": "store_false" if setting.default is True else "store_true"}
    if setting.kind is not setting.item:
        metavar = {"metavar": _make_metavar(setting)}
        if setting.said.repeat:
            return metavar | {"action": "append", "type": setting.item}
        return metavar | {"type": lambda text: _split(text, setting.item)}
    if setting.said.bare:
        return {"choices": setting.choices, "nargs": "?", "const": setting.said.bare}
    if setting.choices:
        return {"choices": setting.choices, "type": type(setting.choices[0])}
    return {"type": setting.kind, "metavar": _make_metavar(setting)}


def _split(text: str, kind: type[Any]) -> list[Any]:
    return [kind(word.strip()) for word in text.split(",")]


def _make_metavar(setting: "Declared") -> str:
    said = setting.said
    if said.metavar or said.unit:
        return said.metavar or said.unit.upper()
    if said.ge is not None and said.le is not None and said.le <= WIDEST_SHOWN:
        return f"{said.ge}..{said.le}"
    return {int: "N", float: "X"}.get(setting.item, "TEXT")


def group_given(args: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Group the options that stand on the command line by section."""
    found: dict[str, dict[str, object]] = {}
    for name, value in vars(args).items():
        section, dot, key = name.partition(".")
        if dot and value is not None:
            found.setdefault(section, {})[key] = value
    return found
