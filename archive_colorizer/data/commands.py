"""`data inspect | filter | pairs`: look at training pictures, keep what teaches, make pairs."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from archive_colorizer.data.layouts import square
from archive_colorizer.data.library import Photograph, decode, encode
from archive_colorizer.data.seeds import derive
from archive_colorizer.data.sources import Form, Picture, pictures
from archive_colorizer.data.targets import (
    TargetConfig,
    Verdict,
    judge_picture,
    report,
    split_digest,
    write_verdicts,
)
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.imaging.degrade import degraded_gray
from archive_colorizer.imaging.styles import comic, monet
from archive_colorizer.storage.atomic import atomic_path

SHARD_ROWS: Final = 5000
ROW_GROUP: Final = 100
SHARD_SCHEMA: Final = pa.schema(
    [("image", pa.binary()), ("source_image", pa.binary()), ("name", pa.string()),
     ("split", pa.string()), ("width", pa.int32()), ("height", pa.int32())]
)  # fmt: skip


def inspect(data: str, form: Form, least: float, table: Path | None = None) -> str:
    """Describe the pictures under DATA, as lines for people.

    Raises:
        LocationError: DATA is missing, empty or not of the form.
    """
    verdicts: list[Verdict] = []
    pairs = 0
    for picture, verdict in _judge_each(data, form, least):
        verdicts.append(verdict)
        pairs += picture.source is not None
    sizes = Counter(f"{v.width}x{v.height}" for v in verdicts if v.width)
    lines = [report(verdicts)]
    if sizes:
        common = ", ".join(f"{size} ({count})" for size, count in sizes.most_common(3))
        lines.append(f"{len(sizes)} sizes, most often {common}")
    if pairs:
        lines.append(f"{pairs} of them are pairs")
    left_out = [v for v in verdicts if not v.kept]
    lines += [f"  {v.name}: {v.reason} ({v.colourfulness:.1f})" for v in left_out[:10]]
    if len(left_out) > 10:
        lines.append(f"  ... and {len(left_out) - 10} more" + ("" if table else "; --csv has all"))
    if table:
        _write_csv(verdicts, table)
        lines.append(f"a verdict on each: {table}")
    return "\n".join(lines)


def filter(data: str, output: Path, form: Form, least: float) -> str:
    """Copy what is kept into Parquet shards, as `train` reads them; the originals stay.

    Raises:
        LocationError: DATA is missing, OUT is not empty or not writable, or nothing is kept.
    """
    _make_empty(output)
    verdicts: list[Verdict] = []
    rows: list[dict[str, Any]] = []
    shards = 0
    for picture, verdict in _judge_each(data, form, least):
        verdicts.append(verdict)
        if verdict.kept:
            rows.append(_make_row(picture, verdict))
        if len(rows) == SHARD_ROWS:
            shards = _write_shard(rows, output, shards)
    if rows:
        shards = _write_shard(rows, output, shards)
    write_verdicts(verdicts, output / "verdicts.table")
    if not shards:
        raise LocationError(f"{data}: nothing is kept of {len(verdicts)} pictures")
    return (
        f"{report(verdicts)}\n{shards} shards in {output}; split {split_digest(verdicts)[:16]}\n"
        f"a verdict on each: {output / 'verdicts.table'} (Parquet)"
    )


def pairs(  # noqa: PLR0913 (the command's options)
    data: str,
    output: Path,
    form: Form,
    least: float,
    style: str,
    size: int,
    limit: int,
    seed: int,
    reverse: bool = False,
) -> str:
    """Make pairs: OUT/source and OUT/target, squares of one size, one name.

    With `reverse` the two change places: from a comic to a photograph, say.

    Raises:
        LocationError: DATA is missing, or OUT is not empty or not writable.
        ConfigError: the size or the limit is out of range.
    """
    if not 16 <= size <= 4096 or limit < 0:
        raise ConfigError(f"--size {size} --limit {limit}: 16 to 4096, and not negative")
    _make_empty(output)
    verdicts: list[Verdict] = []
    for folder in ("source", "target"):
        (output / folder).mkdir()
    for picture, verdict in _judge_each(data, form, least):
        verdicts.append(verdict)
        if verdict.kept:
            photograph = square(Image.fromarray(decode(picture.target)), size)
            pair = STYLES[style](photograph, derive(seed, "pairs", verdict.sha256))
            source, target = pair[::-1] if reverse else pair
            name = f"{verdict.sha256[:16]}.png"
            (output / "source" / name).write_bytes(encode(source, lossless=True))
            (output / "target" / name).write_bytes(encode(target, lossless=True))
        if limit and sum(v.kept for v in verdicts) == limit:
            break
    return f"{report(verdicts)}\npairs: {output}/source, {output}/target"


def _pair_with_grey(rgb: Photograph, rng: np.random.Generator) -> tuple[Photograph, Photograph]:
    return _repeat_channels(rgb @ LUMA_WEIGHTS), rgb


def _pair_with_old(rgb: Photograph, rng: np.random.Generator) -> tuple[Photograph, Photograph]:
    return _repeat_channels(degraded_gray((rgb / 255).astype(np.float32), rng) * 255), rgb


def _repeat_channels(gray_hw: np.ndarray) -> Photograph:
    return np.asarray(cv2.merge([np.rint(gray_hw).clip(0, 255).astype(np.uint8)] * 3))


Style = Callable[[Photograph, np.random.Generator], tuple[Photograph, Photograph]]
STYLES: Final[Mapping[str, Style]] = {
    "grey": _pair_with_grey,
    "old": _pair_with_old,
    "monet": lambda rgb, rng: (rgb, monet(rgb, rng)),
    "comic": lambda rgb, rng: (rgb, comic(rgb, rng)),
}
"""Photograph -> source and target."""


def _judge_each(data: str, form: Form, least: float) -> Iterator[tuple[Picture, Verdict]]:
    config = TargetConfig(min_colourfulness=least)
    seen: set[str] = set()
    for picture in pictures(data, form):
        verdict = judge_picture(picture.name, picture.target, config, seen, split=picture.split)
        seen.add(verdict.sha256)
        yield picture, verdict


def _make_row(picture: Picture, verdict: Verdict) -> dict[str, Any]:
    return {
        "image": picture.target, "source_image": picture.source, "name": picture.name,
        "split": verdict.split, "width": verdict.width, "height": verdict.height,
    }  # fmt: skip


def _write_shard(rows: list[dict[str, Any]], output: Path, number: int) -> int:
    path = output / f"part-{number:04d}.parquet"
    table = pa.Table.from_pylist(rows, SHARD_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, row_group_size=ROW_GROUP, compression="none")
    rows.clear()
    return number + 1


def _make_empty(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        if any(output.iterdir()):
            raise LocationError(f"{output}: is not empty")
    except OSError as error:
        raise LocationError(f"{output}: cannot write there: {error.strerror}") from error


def _write_csv(verdicts: list[Verdict], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, [item.name for item in fields(Verdict)])
            writer.writeheader()
            writer.writerows(asdict(verdict) for verdict in verdicts)
    except OSError as error:
        raise LocationError(f"{path}: cannot write there: {error.strerror}") from error
