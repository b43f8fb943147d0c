"""The parameter table: CATEGORY, PARAM_NAME, PARAM_VALUE, USE_YN, as CSV or Parquet.

COMMON rows hold for all, a category's rows lie over them, rows with USE_YN = N are ignored. A
parameter's values are those of the settings that it stands for.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.settings.schema import Declared, Setting

COLUMNS: Final = ("CATEGORY", "PARAM_NAME", "PARAM_VALUE", "USE_YN")
COMMON: Final = "COMMON"
Value = bool | int | float | str
Parse = Callable[[str], Value]
"""Text of a cell -> value; raises ValueError saying what is allowed."""
Rows = Sequence[tuple[int, Mapping[str, str]]]
"""Row number as a person counts (a CSV's header is row 1) and the cells."""


def read_overrides(path: str, category: str, known: Mapping[str, Parse]) -> dict[str, Value]:
    """Read a table file and choose a category's parameters.

    Args:
        path: .csv (UTF-8, with or without a mark at its start) or .parquet.
        category: for example GOGUNG; COMMON alone gives only what holds for all.
        known: PARAM_NAME in capitals -> how its value is read.

    Returns:
        PARAM_NAME -> value, in the table's order.

    Raises:
        ConfigError: no such file, a column is missing, the table has no such category, or a row is
            wrong; the message names the file and the row.
    """
    return choose_category(_read_rows(Path(path)), category, known, path)


def choose_category(
    rows: Rows, category: str, known: Mapping[str, Parse], where: str = "parameters"
) -> dict[str, Value]:
    """Choose a category's parameters over the common ones. Pure.

    Every row in use is checked, those of other categories too.

    Raises:
        ConfigError: an unknown name, a bad value, a USE_YN that is neither Y nor N, a parameter
            given twice for a category, or a category that the table does not have.
    """
    chosen: dict[tuple[str, str], Value] = {}
    for number, row in rows:
        at = f"{where}: row {number}"
        if not _is_in_use(row, at):
            continue
        key = (row["CATEGORY"].strip().upper(), row["PARAM_NAME"].strip().upper())
        if key in chosen:
            raise ConfigError(f"{at}: {key[1]} is given twice for {key[0]}")
        chosen[key] = _read_value(key[1], row["PARAM_VALUE"].strip(), known, at)
    wanted = category.strip().upper() or COMMON
    there = sorted({row["CATEGORY"].strip().upper() for _, row in rows})
    if wanted not in (COMMON, *there):
        raise ConfigError(f"{where}: no category {category!r} (there are: {', '.join(there)})")
    result: dict[str, Value] = {}
    for layer in dict.fromkeys((COMMON, wanted)):
        result |= {name: value for (owner, name), value in chosen.items() if owner == layer}
    return result


def group_sections(places: Iterable[tuple[str, Value]]) -> dict[str, dict[str, Value]]:
    """Group values at section.key by section, as a configuration file has them."""
    found: dict[str, dict[str, Value]] = {}
    for place, value in places:
        section, _, key = place.partition(".")
        found.setdefault(section, {})[key] = value
    return found


def make_parser(setting: Declared) -> Parse:
    """Make the reader of a setting's cells."""
    if setting.choices:
        return make_choice_parser(*setting.choices)
    if setting.kind is bool:
        return make_yes_no_parser()
    if setting.kind in (int, float):
        return make_number_parser(setting.kind, setting.said)
    return make_text_parser()


def make_number_parser(kind: type[int] | type[float], said: Setting) -> Parse:
    """Make the reader of numbers in a range."""

    def parse(text: str) -> Value:
        value = kind(text)
        if not said.allows(value):
            raise ValueError
        return value

    name = "a whole number" if kind is int else "a number"
    between = " from " if said.bounds.startswith(f"{said.ge} to") else ", "
    return _with_rule(parse, f"must be {name}{between}{said.bounds}")


def make_yes_no_parser() -> Parse:
    """Make the reader of Y and N."""
    return _with_rule(lambda text: {"Y": True, "N": False}[text.upper()], "must be Y or N")


def make_choice_parser(*allowed: str | int) -> Parse:
    """Make the reader of one of some words or numbers."""
    words = {str(word).lower(): word for word in allowed}
    names = ", ".join(map(str, allowed))
    return _with_rule(lambda text: words[text.lower()], f"must be one of {names}")


def make_text_parser() -> Parse:
    """Make the reader of texts that are not empty."""

    def parse(text: str) -> Value:
        if not text:
            raise ValueError
        return text

    return _with_rule(parse, "must not be empty")


def _with_rule(parse: Parse, rule: str) -> Parse:
    def checked(text: str) -> Value:
        try:
            return parse(text)
        except (ValueError, KeyError) as error:
            raise ValueError(rule) from error

    return checked


def _is_in_use(row: Mapping[str, str], at: str) -> bool:
    use = row["USE_YN"].strip().upper()
    if use not in {"Y", "N"}:
        raise ConfigError(f"{at}: USE_YN is {row['USE_YN']!r}: must be Y or N")
    return use == "Y"


def _read_value(name: str, text: str, known: Mapping[str, Parse], at: str) -> Value:
    if name not in known:
        raise ConfigError(f"{at}: unknown parameter {name}{suggest(name, sorted(known))}")
    try:
        return known[name](text)
    except ValueError as error:
        raise ConfigError(f"{at}: {name} is {text!r}: {error}") from error


def _read_rows(path: Path) -> Rows:
    try:
        cells = list(_read_parquet(path) if path.suffix == ".parquet" else _read_csv(path))
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read as a parameter table: {error}") from error
    for number, row in cells:
        absent = [name for name in COLUMNS if row.get(name) is None]
        if absent:
            raise ConfigError(f"{path}: row {number}: nothing for {', '.join(absent)}")
    return cells


def _read_csv(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _check_columns(reader.fieldnames or ())
        for row in reader:
            yield reader.line_num, row


def _read_parquet(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    _check_columns(table.column_names)
    for number, row in enumerate(table.to_pylist(), start=1):
        yield number, {name: str(cell) for name, cell in row.items() if cell is not None}


def _check_columns(names: Sequence[str]) -> None:
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}")
