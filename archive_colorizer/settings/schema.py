"""Settings declared once: a field says type, default, range and unit, its docstring says the help.

Files, options, the parameter table and docs/reference/settings.md are derived from that.

    @settings("output")
    class OutputConfig:
        quality: Annotated[int, Setting(ge=1, le=100, param="QUALITY")] = 90
        \"\"\"Quality of JPEG derivatives.\"\"\"
"""

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, Final, Literal, TypeVar, cast, dataclass_transform

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from archive_colorizer.errors import ConfigError

Config = TypeVar("Config")
STRICT: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
OF_RANGE: Final = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
NAMES: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
OF_ITEMS: Final = {int: "whole numbers", float: "numbers", str: "texts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(GroupedMetadata):
    """Facts of a setting beyond its type: range, unit, and other names."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    unit: str = ""
    """Short, as after a number: px, MiB, min."""
    param: str = ""
    """Name in a parameter table (reference system A)."""
    flag: str = ""
    """Option of the command line where it is not `--` and the key."""
    metavar: str = ""
    """Placeholder in the option's help where it does not follow from range, unit and type."""
    repeat: bool = False
    """A list's option is given once for each item, not once with commas."""
    former: str = ""
    """Key that this one had before; files may still use it."""
    bare: str = ""
    """Choice that the option means without a value, and `true` in a file; `false` is the default.
    For a setting that was yes or no before."""

    def __iter__(self) -> Iterator[BaseMetadata]:
        """The constraints that pydantic checks."""
        for made, bound in ((Ge, self.ge), (Gt, self.gt), (Le, self.le), (Lt, self.lt)):
            if bound is not None:
                yield made(bound)

    def allows(self, value: float) -> bool:
        """Whether a number is in the range; NaN and infinity never are."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
            and value - value == 0
        )

    @property
    def bounds(self) -> str:
        """The range in words: `1 to 100`, `over 0, at most 1`; empty where there is none."""
        low = self.ge if self.ge is not None else self.gt
        high = self.le if self.le is not None else self.lt
        if low is None:
            return ""
        if high is None:
            return f"{low} or more" if self.ge is not None else f"over {low}"
        if self.gt is not None:
            return f"over {low}, {'at most' if self.le is not None else 'under'} {high}"
        return f"{low} to {'' if self.le is not None else 'under '}{high}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as it was declared: one field of a config class."""

    key: str
    kind: Any
    """Type without metadata and without None: bool, int, float, str, a Literal or a tuple."""
    item: Any
    """Type of a tuple's items; `kind` again for others."""
    optional: bool
    """None is allowed, and means that something else decides."""
    default: object
    """MISSING where it must be given."""
    said: Setting

    @property
    def choices(self) -> tuple[Any, ...]:
        """Allowed values, where they are few."""
        return typing.get_args(self.item) if typing.get_origin(self.item) is Literal else ()

    @property
    def type_name(self) -> str:
        """The type in words."""
        if self.kind is not self.item:
            return f"a list of {OF_ITEMS.get(self.item, self.item)}"
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        return NAMES.get(self.item, str(self.item))

    @property
    def rule(self) -> str:
        """The demand on a value, as a phrase that follows it."""
        rule = {"0 or more": "must not be negative", "over 0": "must be positive"}
        return rule.get(self.said.bounds, f"must be {self.said.bounds or self.type_name}")


def list_settings(kind: type[Any]) -> Mapping[str, Declared]:
    """List every setting of a config class (ours, or a plain dataclass) by its key."""
    return _list_cached(kind)  # type: ignore[arg-type]  # mypy: a class is hashable all the same


@cache
def _list_cached(kind: type[Any]) -> Mapping[str, Declared]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return types.MappingProxyType(
        {
            item.name: _read_field(item.name, hints[item.name], _find_default(item))
            for item in fields(kind)
        }
    )


def _find_default(item: Any) -> object:  # noqa: ANN401 (dataclasses.Field of any type)
    return item.default if item.default_factory is MISSING else item.default_factory()


def _read_field(key: str, hint: Any, default: object) -> Declared:  # noqa: ANN401
    bare, given = _strip_metadata(hint)
    if optional := (typing.get_origin(bare) in (types.UnionType, typing.Union)):
        (bare,) = (one for one in typing.get_args(bare) if one is not types.NoneType)
        bare, inner = _strip_metadata(bare)
        given |= inner
    item = bare
    if typing.get_origin(bare) is tuple:
        item, inner = _strip_metadata(typing.get_args(bare)[0])
        given = inner | given
    return Declared(key, bare, item, optional, default, Setting(**given))


def _strip_metadata(hint: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401
    """Separate a type from the facts in its metadata; later ones lie over earlier ones."""
    if not hasattr(hint, "__metadata__"):
        return hint, {}
    said = [one for one in hint.__metadata__ if isinstance(one, Setting)]
    empty = Setting()
    given = {
        item.name: value
        for one in said
        for item in fields(Setting)
        if (value := getattr(one, item.name)) != getattr(empty, item.name)
    }
    return hint.__origin__, given


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(section: str = "") -> Callable[[type[Config]], type[Config]]:
    """Make a class a frozen dataclass that pydantic checks; `section` goes before keys in messages.

    `dataclasses.replace`, `asdict` and `fields` work on it. A wrong value raises ConfigError.
    """
    prefix = f"{section}." if section else ""

    def decorate(kind: type[Config]) -> type[Config]:
        made = checked_dataclass(kind, frozen=True, slots=True, kw_only=True, config=STRICT)
        check: Callable[..., None] = made.__init__

        def __init__(self: Config, **values: object) -> None:  # noqa: N807
            values = _name_choices(made, values)
            try:
                check(self, **values)
            except ValidationError as error:
                raise _translate(made, prefix, values, error) from None
            _restore_integers(self, prefix, values)

        made.__init__ = __init__  # type: ignore[method-assign,assignment]
        return cast(type[Config], made)

    return decorate


def _name_choices(kind: type[Any], values: Mapping[str, object]) -> dict[str, object]:
    """Name the choices that yes and no stand for."""
    named, known = dict(values), list_settings(kind)
    for key, value in values.items():
        if isinstance(value, bool) and key in known and known[key].said.bare:
            named[key] = known[key].said.bare if value else known[key].default
    return named


def _restore_integers(config: object, prefix: str, values: Mapping[str, object]) -> None:
    """Put whole numbers given for floats back, as digests of records have them; refuse booleans."""
    for key, value in values.items():
        kept = getattr(config, key)
        if type(value) is bool and type(kept) is not bool:
            raise ConfigError(f"{prefix}{key}={value!r}: {list_settings(type(config))[key].rule}")
        if type(value) is int and type(kept) is float:
            object.__setattr__(config, key, value)


def _translate(
    kind: type[Any], prefix: str, values: Mapping[str, object], error: ValidationError
) -> Exception:
    """Translate pydantic's exception to ours: the first of its findings, on one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = str(first["loc"][0])
    if key not in values or key not in list_settings(kind):  # the program's fault, not a setting's
        return TypeError(f"{kind.__name__}: {key}: {first['msg']}")
    return ConfigError(
        f"{prefix}{key}={values[key]!r}: {_explain(list_settings(kind)[key], error)}"
    )


def _explain(setting: Declared, error: ValidationError) -> str:
    of_range = error.errors(include_url=False)[0]["type"] in OF_RANGE
    return setting.rule if of_range else f"must be {setting.type_name}"


def check_value(kind: type[Any], key: str, value: object, prefix: str = "") -> None:
    """Check a value against the type of a plain dataclass's field.

    Raises:
        ConfigError: it is of another type; the message begins with `prefix` and the key.
    """
    hint = typing.get_type_hints(kind, include_extras=True)[key]
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        reason = _explain(list_settings(kind)[key], error)
        raise ConfigError(f"{prefix}{key}={value!r}: {reason}") from None


def is_checked(kind: type[Any]) -> bool:
    """Whether a config class checks the types of its values itself."""
    return hasattr(kind, "__pydantic_validator__")
