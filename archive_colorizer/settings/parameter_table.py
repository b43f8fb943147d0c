"""The parameter table: CATEGORY, PARAM_NAME, PARAM_VALUE, USE_YN, as CSV or Parquet.

COMMON rows hold for all, a category's rows lie over them, rows with USE_YN = N are ignored.
`train` and `colorize` read the same table; each gives the parameters that it knows.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError

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
    return overrides(_rows(Path(path)), category, known, path)


def overrides(
    rows: Rows, category: str, known: Mapping[str, Parse], where: str = "parameters"
) -> dict[str, Value]:
    """A category's parameters over the common ones. Pure.

    Every row in use is checked, those of other categories too.

    Raises:
        ConfigError: an unknown name, a bad value, a USE_YN that is neither Y nor N, a parameter
            given twice for a category, or a category that the table does not have.
    """
    chosen: dict[tuple[str, str], Value] = {}
    for number, row in rows:
        at = f"{where}: row {number}"
        if not _in_use(row, at):
            continue
        key = (row["CATEGORY"].strip().upper(), row["PARAM_NAME"].strip().upper())
        if key in chosen:
            raise ConfigError(f"{at}: {key[1]} is given twice for {key[0]}")
        chosen[key] = _value(key[1], row["PARAM_VALUE"].strip(), known, at)
    wanted = category.strip().upper() or COMMON
    there = sorted({row["CATEGORY"].strip().upper() for _, row in rows})
    if wanted not in (COMMON, *there):
        raise ConfigError(f"{where}: no category {category!r} (there are: {', '.join(there)})")
    result: dict[str, Value] = {}
    for layer in dict.fromkeys((COMMON, wanted)):
        result |= {name: value for (owner, name), value in chosen.items() if owner == layer}
    return result


def _saying(parse: Parse, rule: str) -> Parse:
    def checked(text: str) -> Value:
        try:
            return parse(text)
        except (ValueError, KeyError) as error:
            raise ValueError(rule) from error

    return checked


def whole(low: int, high: int) -> Parse:
    """Reads a whole number from `low` to `high`."""

    def parse(text: str) -> Value:
        if not low <= (value := int(text)) <= high:
            raise ValueError
        return value

    return _saying(parse, f"must be a whole number from {low} to {high}")


def real(low: float, high: float) -> Parse:
    """Reads a number from `low` to `high`."""

    def parse(text: str) -> Value:
        if not low <= (value := float(text)) <= high:
            raise ValueError
        return value

    return _saying(parse, f"must be a number from {low:g} to {high:g}")


def yes_no() -> Parse:
    """Reads Y or N."""
    return _saying(lambda text: {"Y": True, "N": False}[text.upper()], "must be Y or N")


def choice(*allowed: str) -> Parse:
    """Reads one of some words."""
    words = {word.lower(): word for word in allowed}
    return _saying(lambda text: words[text.lower()], f"must be one of {', '.join(allowed)}")


def word() -> Parse:
    """Reads any text that is not empty."""

    def parse(text: str) -> Value:
        if not text:
            raise ValueError
        return text

    return _saying(parse, "must not be empty")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name that a table may hold, and the settings that it stands for."""

    parse: Parse
    colorize: str = ""
    """section.key of a job's configuration; empty where it plays no part."""
    train: tuple[str, ...] = ()
    """section.key of a training run's."""


PARAMETERS: Final[Mapping[str, Parameter]] = {
    "RESOL": Parameter(whole(32, 2048), "color.proxy_px", ("feed.crop_px", "model.resolution")),
    "KSIZE": Parameter(whole(2, 9), train=("model.kernel",)),
    "WIDTH": Parameter(whole(1, 1024), train=("model.width",)),
    "HOMOMORPHIC": Parameter(yes_no(), train=("data.homomorphic",)),
    "MINCOLOUR": Parameter(real(0, 200), train=("data.min_colourfulness",)),
    "BATCH": Parameter(whole(1, 65536), train=("feed.batch_size",)),
    "ZOOM": Parameter(real(0.01, 1), train=("feed.zoom",)),
    "FLIP": Parameter(yes_no(), train=("feed.flip",)),
    "SATURATION": Parameter(real(0, 0.99), train=("feed.saturation",)),
    "DEGRADE": Parameter(real(0, 1), train=("feed.degrade_share",)),
    "EPOCHS": Parameter(real(0.001, 1e6), train=("loop.epochs",)),
    "STEPS": Parameter(whole(1, 10**9), train=("loop.steps",)),
    "MINUTES": Parameter(real(0.001, 1e6), train=("loop.minutes",)),
    "LR": Parameter(real(1e-9, 10), train=("loop.lr",)),
    "SEED": Parameter(whole(0, 2**31 - 1), train=("loop.seed",)),
    "GAN": Parameter(choice("bce", "lsgan"), train=("recipe.gan",)),
    "L1": Parameter(real(0, 1e6), train=("recipe.l1",)),
    "MODEL": Parameter(word(), "color.model"),
    "VIVIDNESS": Parameter(real(0, 1), "color.vividness"),
    "UPSAMPLING": Parameter(choice("guided", "bilinear"), "color.upsampling"),
    "UPSCALE": Parameter(
        _saying(lambda text: {"1": 1, "2": 2, "4": 4}[text], "must be 1, 2 or 4"), "color.upscale"
    ),
    "ONCOLOUR": Parameter(choice("skip", "recolor"), "color.on_colour"),
    "FORMAT": Parameter(choice("jpeg", "png", "tiff"), "output.format"),
    "QUALITY": Parameter(whole(1, 100), "output.quality"),
}
"""One table serves training and prediction, so each takes what is its own and leaves the rest."""
PARSES: Final = {name: parameter.parse for name, parameter in PARAMETERS.items()}


def for_colorizing(path: str, category: str) -> dict[str, dict[str, Value]]:
    """A category's parameters as sections of a job's configuration.

    Raises:
        ConfigError: as `read_overrides`.
    """
    values = read_overrides(path, category, PARSES)
    return _sections((PARAMETERS[name].colorize, value) for name, value in values.items())


def for_training(
    path: str, category: str, has_setting: Callable[[str], bool]
) -> dict[str, dict[str, Value]]:
    """A category's parameters as sections of a training run's configuration.

    A name that the recipe or its family does not have (KSIZE where the kernel is given) is left:
    `has_setting` tells that of a section.key.

    Raises:
        ConfigError: as `read_overrides`.
    """
    values = read_overrides(path, category, PARSES)
    return _sections(
        (place, value)
        for name, value in values.items()
        for place in PARAMETERS[name].train
        if has_setting(place)
    )


def _sections(places: Iterable[tuple[str, Value]]) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    for place, value in places:
        section, _, key = place.partition(".")
        if section:
            found.setdefault(section, {})[key] = value
    return found


def _in_use(row: Mapping[str, str], at: str) -> bool:
    use = row["USE_YN"].strip().upper()
    if use not in {"Y", "N"}:
        raise ConfigError(f"{at}: USE_YN is {row['USE_YN']!r}: must be Y or N")
    return use == "Y"


def _value(name: str, text: str, known: Mapping[str, Parse], at: str) -> Value:
    if name not in known:
        raise ConfigError(f"{at}: unknown parameter {name} (known: {', '.join(sorted(known))})")
    try:
        return known[name](text)
    except ValueError as error:
        raise ConfigError(f"{at}: {name} is {text!r}: {error}") from error


def _rows(path: Path) -> Rows:
    try:
        cells = list(_parquet(path) if path.suffix == ".parquet" else _csv(path))
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read as a parameter table: {error}") from error
    for number, row in cells:
        absent = [name for name in COLUMNS if row.get(name) is None]
        if absent:
            raise ConfigError(f"{path}: row {number}: nothing for {', '.join(absent)}")
    return cells


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _check_columns(reader.fieldnames or ())
        for row in reader:
            yield reader.line_num, row


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    _check_columns(table.column_names)
    for number, row in enumerate(table.to_pylist(), start=1):
        yield number, {name: str(cell) for name, cell in row.items() if cell is not None}


def _check_columns(names: Sequence[str]) -> None:
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}")
