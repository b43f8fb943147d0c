"""The pictures of a training run: gathered once, read by every worker.

Gathering finds the pictures, leaves out what must not teach (grey, unreadable, twice there), splits
the rest and writes it as Arrow files that are mapped into memory, not loaded. Of a run in an object
store each machine brings the files to its own disk (`data/local_copies.py`).
"""

import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, ImageOps

from archive_colorizer.data.config import DataConfig as DataConfig
from archive_colorizer.data.labels import find_label, number_classes
from archive_colorizer.data.local_copies import bring_here, keep_here
from archive_colorizer.data.places import Place, hash_listing, open_place
from archive_colorizer.data.sources import (
    Picture,
    Sources,
    is_unpaired,
    pictures,
)
from archive_colorizer.data.targets import (
    Verdict,
    judge_picture,
    report,
    split_digest,
    write_verdicts,
)
from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.homomorphic import even_light
from archive_colorizer.storage import DEFAULT_S3, S3Settings, absolute, parse_location
from archive_colorizer.storage.atomic import atomic_path, write_atomic
from archive_colorizer.storage.workspace import Workspace

Photograph = NDArray[np.uint8]
"""(H, W, 3) sRGB."""
SCHEMA: Final = pa.schema(
    [("name", pa.string()), ("domain", pa.string()),
     ("target", pa.large_binary()), ("source", pa.large_binary())]
)  # fmt: skip
RECORD: Final = "data.json"
VERDICTS: Final = "verdicts.parquet"
ROWS_A_BATCH: Final = 256
WINDOW: Final = 64
"""Pictures a thread that are looked at before any is written."""
JPEG_QUALITY: Final = 95
GREY_SOURCE: Final = 3.0
"""Colourfulness under which a pair's source counts as grey: below what JPEG does to grey."""


@dataclass(frozen=True, slots=True)
class Item:
    """A decoded picture, and its partner where it has one."""

    name: str
    target: Photograph
    source: Photograph | None
    domain: str


class Library(Sequence[Item]):
    """An Arrow file of encoded pictures, decoded one at a time. Pickles as its path.

    Args:
        path: of the file, or its s3:// URI: then it is brought to this machine's disk.
        s3: the way to object stores.

    Raises:
        LocationError: it cannot be brought here.
    """

    def __init__(self, path: str, s3: S3Settings = DEFAULT_S3) -> None:
        self.path, self._s3 = path, s3
        file = pa.ipc.open_file(pa.memory_map(str(bring_here(path, s3))))
        self._batches = [file.get_batch(i) for i in range(file.num_record_batches)]
        self._starts = np.cumsum([0] + [batch.num_rows for batch in self._batches])
        names = [name for batch in self._batches for name in batch["domain"].to_pylist()]
        self.domains: dict[str, NDArray[np.int64]] = {
            domain: np.flatnonzero(np.array(names) == domain) for domain in sorted(set(names))
        }

    @property
    def has_partners(self) -> bool:
        """Whether any of the pictures is a pair's target."""
        return any(batch["source"].null_count < batch.num_rows for batch in self._batches)

    def __reduce__(self) -> tuple[Any, tuple[str, S3Settings]]:
        return open_library, (self.path, self._s3)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 (an Item; slices are not needed)
        if not 0 <= index < len(self):
            raise IndexError(index)
        at = int(np.searchsorted(self._starts, index, side="right")) - 1
        row = {
            name: self._batches[at][name][index - int(self._starts[at])].as_py()
            for name in SCHEMA.names
        }
        source = None if row["source"] is None else decode(row["source"])
        return Item(row["name"], decode(row["target"]), source, row["domain"])


@lru_cache(maxsize=4)
def open_library(path: str, s3: S3Settings) -> Library:
    """A library that tasks of one process share."""
    return Library(path, s3)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The libraries that gathering left in its folder."""

    train: str
    """Path or s3:// URI of the Library to learn from."""
    test: str
    """Path or s3:// URI of the Library to validate with."""
    split_sha256: str
    """Digest of the split, as `targets.split_digest` gives it."""
    pairs: bool
    colour_sources: bool
    """Pairs whose sources are in colour: a translation, not a colouring."""
    unpaired: bool
    report: str

    @property
    def verdicts(self) -> str:
        """Location of the table of verdicts, beside the libraries."""
        return f"{self.train.rpartition('/')[0]}/{VERDICTS}"


def gather(config: DataConfig, folder: str | Path, s3: S3Settings = DEFAULT_S3) -> Gathered:
    """Gather the pictures into a folder, or take what an equal call left there.

    Args:
        config: which pictures.
        folder: a folder, or an s3:// prefix: then the files are made on this machine's disk.
        s3: the way to object stores.

    Raises:
        LocationError: nothing there, nothing left after filtering, one split is empty, or the
            folder cannot be written.
        ConfigError: an inventory that cannot be understood.
    """
    with Workspace(absolute(str(folder)), s3) as work:
        place = open_place(config.data, s3, config.sensitive)
        wanted = {"config": json.loads(json.dumps(asdict(config))), "data": hash_listing(place)}
        work.fetch(RECORD)
        record = work.here / RECORD
        if record.exists():
            said = json.loads(record.read_text(encoding="utf-8"))
            if said["wanted"] == wanted:
                return Gathered(**said["gathered"])
        work.here.mkdir(parents=True, exist_ok=True)
        try:
            gathered = _Gatherer(config, place, work).run()
            text = json.dumps({"wanted": wanted, "gathered": asdict(gathered)}, indent=2)
            write_atomic(record, text)
        finally:
            work.publish(last=(RECORD,))  # the verdicts too, where nothing is left
        for library in (gathered.train, gathered.test):
            keep_here(library, work.here / parse_location(library).name, s3)
        return gathered


class _Gatherer:
    def __init__(self, config: DataConfig, place: Place, work: Workspace) -> None:
        self._config, self._place, self._work = config, place, work
        self._unpaired = is_unpaired(place, config.layout, config.domains)
        self._source_colour: list[float] = []
        self._pairs = False

    def run(self) -> Gathered:
        config, folder = self._config, self._work.here
        verdicts: list[Verdict] = []
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            loose = Path(scratch) / "all.arrow"
            write_items(loose, self._keep(verdicts))
            kept = [verdict for verdict in verdicts if verdict.kept]
            chosen = _choose(kept, config)
            for split in ("train", "test"):
                wanted = [i for i, v in enumerate(kept) if chosen[i] and v.split == split]
                _copy(loose, folder / f"{split}.arrow", wanted)
        write_verdicts(verdicts, folder / VERDICTS)
        self._check(kept, len(verdicts))
        colour_sources = self._pairs and float(np.median(self._source_colour)) > GREY_SOURCE
        return Gathered(
            self._work.name("train.arrow"), self._work.name("test.arrow"), split_digest(verdicts),
            self._pairs, colour_sources, self._unpaired, report(verdicts),
        )  # fmt: skip

    def _check(self, kept: Sequence[Verdict], found: int) -> None:
        data = self._config.data
        for split in ("train", "test"):
            if not any(v.split == split for v in kept):
                what = "learn from" if split == "train" else "validate with"
                few = "; another data.seed or data.train_share splits them otherwise"
                raise LocationError(
                    f"{data}: nothing to {what}: {len(kept)} of {found} pictures are kept "
                    f"({self._work.name(VERDICTS)} says why the others are not)"
                    f"{few if len(kept) > 1 else ''}"
                )

    def _keep(self, verdicts: list[Verdict]) -> Iterator[dict[str, Any]]:
        """Yield the rows of kept pictures; all verdicts go into the list, in the data's order."""
        config = self._config
        seen: set[str] = set()
        sources = Sources(frozenset(config.only_sources), frozenset(config.without_sources))
        found = pictures(self._place, config.layout, config.domains, config.splits, sources)
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            while window := list(islice(found, WINDOW * workers)):
                for verdict, row in pool.map(self._examine, window):
                    if verdict.sha256 in seen and verdict.reason != "unreadable":
                        verdict, row = verdict.leave_out("duplicate"), None
                    seen.add(verdict.sha256)
                    verdicts.append(verdict)
                    if row is not None:
                        yield row

    def _examine(self, picture: Picture) -> tuple[Verdict, dict[str, Any] | None]:
        """Judge a picture; gives its verdict, and its row where it is kept."""
        config = self._config
        pale = self._unpaired or (picture.source is not None and not _is_grey(picture.source))
        targets = config.targets(0.0 if pale else None)
        verdict = judge_picture(picture, targets, frozenset())
        if not verdict.kept:
            return verdict, None
        if config.classes and find_label(picture.name, number_classes(config.classes)) is None:
            return verdict.leave_out("no_class"), None
        row = self._make_row(picture)
        return (verdict, row) if row is not None else (verdict.leave_out("unreadable"), None)

    def _make_row(self, picture: Picture) -> dict[str, Any] | None:
        config = self._config
        row: dict[str, Any] = {"name": picture.name, "domain": picture.domain, "source": None}
        try:
            if picture.source is None:
                return row | {"target": _encode_for_library(picture.target, config)}
            source, target = decode(picture.source), decode(picture.target)
        except (LocationError, OSError):
            return None
        self._pairs = True
        self._source_colour.append(colourfulness(source))
        height, width = target.shape[:2]
        if source.shape != target.shape:
            source = np.asarray(cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA))
        row["target"] = encode(prepare_picture(target, config), lossless=True)
        row["source"] = encode(prepare_picture(source, config), lossless=True)
        return row


def _is_grey(data: bytes) -> bool:
    """Whether a picture is grey, by a reduced copy of it; False where it cannot be read."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_4) if data else None
    return bgr is not None and colourfulness(np.asarray(bgr[..., ::-1])) <= GREY_SOURCE


def write_items(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows (name, domain, target, source; encoded) as a Library's file, in a stream."""
    waiting: list[Mapping[str, Any]] = []
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        for row in rows:
            waiting.append(row)
            if len(waiting) == ROWS_A_BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(waiting, SCHEMA))
                waiting.clear()
        writer.write_batch(pa.RecordBatch.from_pylist(waiting, SCHEMA))


def _choose(kept: Sequence[Verdict], config: DataConfig) -> list[bool]:
    """Choose who stays under the limit, which holds for the training pictures alone."""
    if not config.limit:
        return [True] * len(kept)
    order = sorted((v.sha256, i) for i, v in enumerate(kept) if v.split == "train")
    few = {i for _, i in order[: config.limit]}
    return [v.split != "train" or i in few for i, v in enumerate(kept)]


def _copy(source: Path, target: Path, wanted: Sequence[int]) -> None:
    """Copy some rows of an Arrow file, batch by batch."""
    numbers = np.asarray(wanted, np.int64)
    with (
        atomic_path(target) as temporary,
        pa.memory_map(str(source)) as held,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, SCHEMA) as writer,
    ):
        reader, start = pa.ipc.open_file(held), 0
        for at in range(reader.num_record_batches):
            batch = reader.get_batch(at)
            here = numbers[(numbers >= start) & (numbers < start + batch.num_rows)] - start
            start += batch.num_rows
            writer.write_batch(batch.take(pa.array(here)))


def decode(data: bytes) -> Photograph:
    """Decode a picture to (H, W, 3) uint8 sRGB, upright.

    Raises:
        LocationError: the bytes are not a picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise LocationError(f"a picture of {len(data)} bytes: {error}") from error


def encode(pixels: Photograph, *, lossless: bool = False) -> bytes:
    """Encode (H, W, 3) sRGB as PNG, or as JPEG at full chroma resolution."""
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    if lossless:
        return bytes(cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
    factor = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]  # fmt: skip
    return bytes(cv2.imencode(".jpg", bgr, settings)[1])


def prepare_picture(pixels: Photograph, config: DataConfig) -> Photograph:
    """Reduce a picture to the short side, and even out its light where that is asked for."""
    scale = 1.0 if config.short_px is None else config.short_px / min(pixels.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return even_light(pixels, config.light_filter) if config.light_filter else pixels


def _encode_for_library(data: bytes, config: DataConfig) -> bytes:
    """Encode a picture for the library; bytes that need no change stay as they are."""
    with Image.open(io.BytesIO(data)) as image:
        small = config.short_px is None or min(image.size) <= config.short_px
        plain = image.format in {"JPEG", "PNG", "WEBP"} and image.mode == "RGB"
    if small and plain and not config.homomorphic:
        return data
    return encode(prepare_picture(decode(data), config))
