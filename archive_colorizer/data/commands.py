"""`data inspect | filter | pairs`: look at training pictures, keep what teaches, make pairs."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from archive_colorizer.data.layouts import square
from archive_colorizer.data.library import Photograph, decode, encode
from archive_colorizer.data.places import open_place
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
from archive_colorizer.settings.kinds import SENSITIVE
from archive_colorizer.storage import DEFAULT_S3, S3Settings, open_store, parse_location
from archive_colorizer.storage.atomic import atomic_path
from archive_colorizer.storage.workspace import Workspace

VERDICTS: Final = "verdicts.table"
"""Parquet too, but no shard: another ending."""
SHARD_ROWS: Final = 5000
ROW_GROUP: Final = 100
SHARD_SCHEMA: Final = pa.schema(
    [("image", pa.binary()), ("source_image", pa.binary()), ("name", pa.string()),
     ("split", pa.string()), ("width", pa.int32()), ("height", pa.int32())]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The pictures that a command looks at."""

    data: str
    """As `places.open_place` takes it."""
    form: Form = "auto"
    least: float
    """Colourfulness under which targets are left out."""
    sensitive: tuple[str, ...] = SENSITIVE
    s3: S3Settings = DEFAULT_S3


def inspect(source: Source, table: str = "") -> str:
    """Describe the pictures under DATA, as lines for people; a table has a verdict on each.

    Raises:
        LocationError: DATA is missing, empty or not of the form, or the table cannot be written.
    """
    verdicts: list[Verdict] = []
    pairs = 0
    for picture, verdict in _judge_each(source):
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
        _write_csv(verdicts, table, source.s3)
        lines.append(f"a verdict on each: {table}")
    return "\n".join(lines)


def filter(source: Source, output: str) -> str:
    """Copy what is kept into Parquet shards, as `train` reads them; the originals stay.

    Raises:
        LocationError: DATA is missing, OUT is not empty or not writable, or nothing is kept.
    """
    verdicts: list[Verdict] = []
    rows: list[dict[str, Any]] = []
    shards = 0
    with Workspace(output, source.s3) as work:
        _make_empty(work)
        for picture, verdict in _judge_each(source):
            verdicts.append(verdict)
            if verdict.kept:
                rows.append(_make_row(picture, verdict))
            if len(rows) == SHARD_ROWS:
                shards = _write_shard(rows, work, shards)
        if rows:
            shards = _write_shard(rows, work, shards)
        write_verdicts(verdicts, work.here / VERDICTS)
        work.publish()
    if not shards:
        raise LocationError(f"{source.data}: nothing is kept of {len(verdicts)} pictures")
    return (
        f"{report(verdicts)}\n{shards} shards in {output}; split {split_digest(verdicts)[:16]}\n"
        f"a verdict on each: {work.name(VERDICTS)} (Parquet)"
    )


def pairs(  # noqa: PLR0913 (the command's options)
    source: Source,
    output: str,
    style: str,
    size: int,
    limit: int,
    seed: int,
    *,
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
    verdicts: list[Verdict] = []
    with Workspace(output, source.s3) as work:
        _make_empty(work)
        for folder in ("source", "target"):
            (work.here / folder).mkdir()
        for picture, verdict in _judge_each(source):
            verdicts.append(verdict)
            if verdict.kept:
                photograph = square(Image.fromarray(decode(picture.target)), size)
                pair = STYLES[style](photograph, derive(seed, "pairs", verdict.sha256))
                made = pair[::-1] if reverse else pair
                name = f"{verdict.sha256[:16]}.png"
                for folder, pixels in zip(("source", "target"), made, strict=True):
                    (work.here / folder / name).write_bytes(encode(pixels, lossless=True))
                work.publish(drop=True)
            if limit and sum(v.kept for v in verdicts) == limit:
                break
    where = output.rstrip("/")
    return f"{report(verdicts)}\npairs: {where}/source, {where}/target"


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


def _judge_each(source: Source) -> Iterator[tuple[Picture, Verdict]]:
    config = TargetConfig(min_colourfulness=source.least)
    seen: set[str] = set()
    for picture in pictures(open_place(source.data, source.s3, source.sensitive), source.form):
        verdict = judge_picture(picture, config, seen)
        seen.add(verdict.sha256)
        yield picture, verdict


def _make_row(picture: Picture, verdict: Verdict) -> dict[str, Any]:
    return {
        "image": picture.target, "source_image": picture.source, "name": picture.name,
        "split": verdict.split, "width": verdict.width, "height": verdict.height,
    }  # fmt: skip


def _write_shard(rows: list[dict[str, Any]], work: Workspace, number: int) -> int:
    table = pa.Table.from_pylist(rows, SHARD_SCHEMA)
    with atomic_path(work.here / f"part-{number:04d}.parquet") as temporary:
        pq.write_table(table, temporary, row_group_size=ROW_GROUP, compression="none")
    work.publish(drop=True)
    rows.clear()
    return number + 1


def _make_empty(work: Workspace) -> None:
    if not work.is_empty():
        raise LocationError(f"{work.place.text}: is not empty")
    work.check_writable()


def _write_csv(verdicts: list[Verdict], file: str, s3: S3Settings) -> None:
    with io.StringIO(newline="") as text:
        writer = csv.DictWriter(text, [item.name for item in fields(Verdict)])
        writer.writeheader()
        writer.writerows(asdict(verdict) for verdict in verdicts)
        data = text.getvalue().encode("utf-8", "surrogateescape")
    place = parse_location(file)
    try:
        if place.is_s3:
            open_store(place.parent, s3).write_atomic(place.name, data)
        else:
            place.path.write_bytes(data)  # it may be a device
    except OSError as error:
        raise LocationError(f"{file}: cannot write there: {error.strerror or error}") from error
