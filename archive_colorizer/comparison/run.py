"""Compare results on pictures without a truth: the room's main line, to be read first.

FOLDER/coloured/       one OUTPUT of `colorize` for each model, so that a second call goes on
FOLDER/compare.html    the pictures beside each other; compare.png has those that differ most
FOLDER/compare.csv     every picture and result with its figures
FOLDER/blind.html      the same without names, with blind.png; blind.key.csv is its table
"""

import hashlib
import heapq
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from archive_colorizer.comparison.config import ComparisonConfig
from archive_colorizer.comparison.page import Card, render_csv, render_page, titles
from archive_colorizer.comparison.pictures import Compared, Rgb, Shown, pair_rows, show
from archive_colorizer.data.library import decode
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.contact_sheet import contact_sheet
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import Store, open_store
from archive_colorizer.storage.atomic import atomic_path, write_atomic

OPEN: Final = ("compare.html", "compare.png", "compare.csv")
BLIND: Final = ("blind.html", "blind.png", "blind.key.csv")
"""Page, sheet and table, by whether the names are hidden."""
JPEG_QUALITY: Final = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """The outcome of a comparison."""

    folder: str
    names: tuple[str, ...]
    compared: int
    lacking: tuple[Compared, ...]
    """Pictures that not every result has."""
    difference: float
    """Mean over the compared pictures."""
    is_clean: bool
    """Whether no picture failed."""
    blind: bool

    def text(self) -> str:
        """Say in some lines what there is to look at."""
        page, sheet, table = (f"{self.folder.rstrip('/')}/{name}" for name in _files(self.blind))
        lines = [f"{self.compared:,} pictures side by side, mean difference {self.difference:.1f}"]
        lines += [f"  not compared: {one.name}: {one.reason}" for one in self.lacking[:5]]
        if len(self.lacking) > 5:
            lines.append(f"  ... and {len(self.lacking) - 5:,} more")
        said = "which result is whose" if self.blind else "every picture and result"
        lines += [f"look at: {page}, {sheet}", f"{said}: {table}"]
        return "\n".join(lines)


def _files(blind: bool) -> tuple[str, str, str]:
    return BLIND if blind else OPEN


def compare(config: ComparisonConfig, places: Sequence[str], job: JobConfig) -> ComparisonReport:
    """Put results side by side, those that differ most first.

    Args:
        config: what is compared, and how it is shown.
        places: one SOURCE, if models are named; else two OUTPUTs or more.
        job: settings that the models colour with; source, output and model are replaced.

    Raises:
        UsageError: places and models do not go together, a place or a model is not usable, FOLDER
            is not writable, or no picture can be compared.
    """
    _check(config, places, job)
    folder = _make_folder(config.output)
    if config.models:
        outputs = [_colour(job, places[0], model, folder) for model in config.models]
        clean = all(done for _, done in outputs)
        names, places = config.models, [output for output, _ in outputs]
    else:
        names, clean = tuple(places), True
    stores = [open_store(place, job.run.s3) for place in places]
    ranked, cards, rows = _measure(config, stores, names)
    _write(config, folder, names, ranked, cards, rows)
    differences = [one.difference for one in ranked if one.difference is not None]
    return ComparisonReport(
        folder=config.output, names=names, compared=len(differences),
        lacking=tuple(one for one in ranked if one.difference is None),
        difference=sum(differences) / len(differences), is_clean=clean, blind=config.blind,
    )  # fmt: skip


def _check(config: ComparisonConfig, places: Sequence[str], job: JobConfig) -> None:
    if config.models and len(places) != 1:
        raise ConfigError(f"{len(places)} places: --model colours one SOURCE; OUTPUTs need none")
    if not config.models and len(set(places)) < 2:
        raise ConfigError(
            f"{places[0]} alone: two OUTPUTs are compared, or one SOURCE with two --model"
        )
    of_colouring = [name for name in job.given if not name.startswith("run.")]
    if not config.models and of_colouring:
        raise ConfigError(f"{of_colouring[0]}: is for colouring, and OUTPUTs are coloured already")


def _make_folder(name: str) -> Path:
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocationError(f"{name}: cannot write there: {error.strerror}") from error
    return folder


def _colour(job: JobConfig, source: str, model: str, folder: Path) -> tuple[str, bool]:
    """Colour SOURCE by a model into an OUTPUT of its own; what is done already stays.

    Returns:
        OUTPUT, and whether no picture failed.
    """
    job = overlay(job, {"color": {"model": model}}, "command line")
    settings = json.dumps([asdict(job.color), asdict(job.deliver)], sort_keys=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")[-40:]
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    output = str(folder / "coloured" / f"{name}-{digest}")
    job = replace(job, source=source, output=output)
    if job.select.limit:  # of the pictures that are compared, however often it is called
        rows = manifest.read(open_store(output), ["status"])["status"].to_pylist()
        if len(rows) >= job.select.limit:
            return output, "failed" not in rows
        limit = job.select.limit - len(rows)
        job = replace(job, select=replace(job.select, limit=limit))
    return output, colorize(job).is_clean


def _measure(
    config: ComparisonConfig, stores: Sequence[Store], names: Sequence[str]
) -> tuple[list[Compared], list[Card], list[list[tuple[str, Rgb]]]]:
    """Measure every picture.

    Returns:
        All pictures, those that differ most first; the first of them as cards for the page; and
        the rows of the contact sheet.
    """
    found: list[Compared] = []
    most: list[tuple[float, int, Card]] = []
    for number, picture in enumerate(pair_rows(stores, config.seed if config.blind else None)):
        shown = show(picture, stores, config.picture_px)
        if isinstance(shown, str):
            found.append(replace(picture, reason=shown))
            continue
        measured = replace(picture, difference=shown.difference)
        found.append(measured)
        # Of equal ones the earlier stays; the cards are never compared.
        heapq.heappush(most, (shown.difference, -number, _make_card(measured, shown)))
        if len(most) > config.page_pictures:
            heapq.heappop(most)
    if not most:
        raise LocationError(f"{stores[0].uri}: no picture to compare: {found[0].reason}")
    found.sort(key=lambda one: -1.0 if one.difference is None else one.difference, reverse=True)
    cards = [card for *_, card in sorted(most, reverse=True)]
    rows = [_sheet_row(card, names, blind=config.blind) for card in cards[: config.sheet_rows]]
    return found, cards, rows


def _make_card(picture: Compared, shown: Shown) -> Card:
    return Card(
        picture,
        _encode(shown.grey_hw3),
        tuple(_encode(one) for one in shown.results),
        _encode(shown.map_hw3),
    )


def _encode(rgb_hw3: Rgb) -> bytes:
    bgr = np.ascontiguousarray(rgb_hw3[..., ::-1])
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


def _sheet_row(card: Card, names: Sequence[str], *, blind: bool) -> list[tuple[str, Rgb]]:
    picture = card.picture
    said = titles(picture, names, blind=blind)
    results = [card.results[number] for number in picture.order]
    cells = zip(
        (picture.name, *said, f"difference {picture.difference:.1f}"),
        (card.grey, *results, card.difference_map),
        strict=True,
    )
    return [(caption, decode(jpeg)) for caption, jpeg in cells]


def _write(
    config: ComparisonConfig,
    folder: Path,
    names: Sequence[str],
    ranked: Sequence[Compared],
    cards: Sequence[Card],
    rows: Sequence[Sequence[tuple[str, Rgb]]],
) -> None:
    """Write the page, the sheet and the table, each whole.

    Raises:
        LocationError: one cannot be written.
    """
    page, sheet, table = (folder / name for name in _files(config.blind))
    try:
        write_atomic(table, render_csv(names, ranked).encode("utf-8", "surrogateescape"))
        with (
            atomic_path(page) as temporary,
            temporary.open("w", encoding="utf-8", errors="replace") as file,
        ):
            file.writelines(render_page(names, ranked, cards, blind=config.blind))
        with atomic_path(sheet) as temporary:
            contact_sheet(rows).save(temporary, "PNG")
    except OSError as error:
        raise LocationError(f"{folder}: cannot write there: {error.strerror or error}") from error
