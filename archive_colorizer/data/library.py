"""The pictures of a training run, on local or shared disk: gathered once, read by every worker.

Gathering finds the pictures, leaves out what must not teach (grey, unreadable, twice there), splits
the rest and writes it as Arrow files that are mapped into memory, not loaded.
"""

import hashlib
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

from archive_colorizer.data.labels import label_of, numbered
from archive_colorizer.data.sources import (
    Form,
    Picture,
    Sources,
    is_unpaired,
    pictures,
)
from archive_colorizer.data.targets import (
    TargetConfig,
    Verdict,
    judged,
    report,
    split_digest,
    write_verdicts,
)
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.homomorphic import homomorphic
from archive_colorizer.storage.atomic import atomic_path, write_atomic

Photograph = NDArray[np.uint8]
"""(H, W, 3) sRGB."""
SCHEMA: Final = pa.schema(
    [("name", pa.string()), ("domain", pa.string()),
     ("target", pa.large_binary()), ("source", pa.large_binary())]
)  # fmt: skip
ROWS_A_BATCH: Final = 256
WINDOW: Final = 64
"""Pictures a thread that are looked at before any is written."""
JPEG_QUALITY: Final = 95
GREY_SOURCE: Final = 3.0
"""Colourfulness under which a pair's source counts as grey: below what JPEG does to grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Which pictures, and what is done to all of them before training."""

    data: str
    form: Form = "auto"
    domains: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    """Values of a shard's column `split` whose rows are taken and split by content; none takes
    train, val and test as they are."""
    only_sources: tuple[str, ...] = ()
    """Values of the shards' column `source` whose rows are taken; none takes all."""
    without_sources: tuple[str, ...] = ()
    """Values of the shards' column `source` whose rows are left out altogether."""
    classes: tuple[str, ...] = ()
    """Words, or WORD=N; pictures whose name has none of them are left out."""
    min_colourfulness: float = 10.0
    """Targets under it (Hasler & Süsstrunk 2003) are left out; 0 keeps all. Not asked of unpaired
    data or of pairs whose source is in colour: a night or a comic may be pale."""
    train_share: float = 0.8
    """By content hash, where the data does not say itself what is for validation."""
    short_px: int = 256
    """Larger pictures are reduced to this short side."""
    homomorphic: bool = False
    """Even out illumination on every training picture (reference system A)."""
    limit: int = 0
    """At most so many training pictures, the first by content hash; 0 takes all."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 16 <= self.short_px <= 4096:
            raise ConfigError(f"data.short_px={self.short_px}: must be 16 to 4096")
        if self.limit < 0:
            raise ConfigError(f"data.limit={self.limit}: must not be negative")
        self.targets()

    def targets(self, least: float | None = None) -> TargetConfig:
        """What is kept, and how it is split."""
        return TargetConfig(
            min_colourfulness=self.min_colourfulness if least is None else least,
            train_share=self.train_share,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A decoded picture, and its partner where it has one."""

    name: str
    target: Photograph
    source: Photograph | None
    domain: str


class Library(Sequence[Item]):
    """An Arrow file of encoded pictures, decoded one at a time. Pickles as its path."""

    def __init__(self, path: str) -> None:
        self.path = path
        file = pa.ipc.open_file(pa.memory_map(path))
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

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return open_library, (self.path,)

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
def open_library(path: str) -> Library:
    """A library that tasks of one process share."""
    return Library(path)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What gathering left in its folder."""

    train: str
    """Path of the Library to learn from."""
    test: str
    """Path of the Library to validate with."""
    split_sha256: str
    """Of who is in which split."""
    pairs: bool
    colour_sources: bool
    """Pairs whose sources are in colour: a translation, not a colouring."""
    unpaired: bool
    report: str


def gather(config: DataConfig, folder: Path) -> Gathered:
    """Gather the pictures into a folder, or take what an equal call left there.

    Raises:
        LocationError: nothing there, nothing left after filtering, or one split is empty.
    """
    record = folder / "data.json"
    wanted = {"config": json.loads(json.dumps(asdict(config))), "data": _fingerprint(config.data)}
    if record.exists():
        said = json.loads(record.read_text(encoding="utf-8"))
        if said["wanted"] == wanted:
            return Gathered(**said["gathered"])
    folder.mkdir(parents=True, exist_ok=True)
    gathered = _Gatherer(config, folder).run()
    text = json.dumps({"wanted": wanted, "gathered": asdict(gathered)}, indent=2)
    write_atomic(record, text)
    return gathered


class _Gatherer:
    def __init__(self, config: DataConfig, folder: Path) -> None:
        self._config, self._folder = config, folder
        self._unpaired = is_unpaired(config.data, config.form, config.domains)
        self._source_colour: list[float] = []
        self._pairs = False

    def run(self) -> Gathered:
        config = self._config
        verdicts: list[Verdict] = []
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            loose = Path(scratch) / "all.arrow"
            write_items(loose, self._kept(verdicts))
            kept = [verdict for verdict in verdicts if verdict.kept]
            chosen = _chosen(kept, config)
            paths = {split: self._folder / f"{split}.arrow" for split in ("train", "test")}
            for split, path in paths.items():
                wanted = [i for i, v in enumerate(kept) if chosen[i] and v.split == split]
                _copy(loose, path, wanted)
        write_verdicts(verdicts, self._folder / "verdicts.parquet")
        self._check(kept, len(verdicts))
        colour_sources = self._pairs and float(np.median(self._source_colour)) > GREY_SOURCE
        return Gathered(
            str(paths["train"].resolve()), str(paths["test"].resolve()), split_digest(verdicts),
            self._pairs, colour_sources, self._unpaired, report(verdicts),
        )  # fmt: skip

    def _check(self, kept: Sequence[Verdict], found: int) -> None:
        data = self._config.data
        for split in ("train", "test"):
            if not any(v.split == split for v in kept):
                what = "learn from" if split == "train" else "validate with"
                raise LocationError(
                    f"{data}: nothing to {what}: {len(kept)} of {found} pictures are kept "
                    f"({self._folder / 'verdicts.parquet'} says why the others are not)"
                )

    def _kept(self, verdicts: list[Verdict]) -> Iterator[dict[str, Any]]:
        """Rows of the kept pictures; all verdicts go into the list, in the data's order."""
        config = self._config
        seen: set[str] = set()
        sources = Sources(frozenset(config.only_sources), frozenset(config.without_sources))
        found = pictures(config.data, config.form, config.domains, config.splits, sources)
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            while window := list(islice(found, WINDOW * workers)):
                for verdict, row in pool.map(self._looked_at, window):
                    if verdict.sha256 in seen and verdict.reason != "unreadable":
                        verdict, row = verdict.left_out("duplicate"), None
                    seen.add(verdict.sha256)
                    verdicts.append(verdict)
                    if row is not None:
                        yield row

    def _looked_at(self, picture: Picture) -> tuple[Verdict, dict[str, Any] | None]:
        """A picture's verdict, and its row where it is kept."""
        config = self._config
        pale = self._unpaired or picture.source is not None
        targets = config.targets(0.0 if pale else None)
        verdict = judged(picture.name, picture.target, targets, frozenset(), split=picture.split)
        if not verdict.kept:
            return verdict, None
        if config.classes and label_of(picture.name, numbered(config.classes)) is None:
            return verdict.left_out("no_class"), None
        row = self._row(picture)
        return (verdict, row) if row is not None else (verdict.left_out("unreadable"), None)

    def _row(self, picture: Picture) -> dict[str, Any] | None:
        config = self._config
        row: dict[str, Any] = {"name": picture.name, "domain": picture.domain, "source": None}
        try:
            if picture.source is None:
                return row | {"target": _stored(picture.target, config)}
            source, target = decode(picture.source), decode(picture.target)
        except (LocationError, OSError):
            return None
        self._pairs = True
        self._source_colour.append(colourfulness(source))
        height, width = target.shape[:2]
        if source.shape != target.shape:
            source = np.asarray(cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA))
        row["target"] = encode(prepared(target, config), lossless=True)
        row["source"] = encode(prepared(source, config), lossless=True)
        return row


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


def _chosen(kept: Sequence[Verdict], config: DataConfig) -> list[bool]:
    """Which stay under the limit: it holds for the training pictures alone."""
    if not config.limit:
        return [True] * len(kept)
    order = sorted((v.sha256, i) for i, v in enumerate(kept) if v.split == "train")
    few = {i for _, i in order[: config.limit]}
    return [v.split != "train" or i in few for i, v in enumerate(kept)]


def _copy(source: Path, target: Path, wanted: Sequence[int]) -> None:
    """Some rows of an Arrow file, batch by batch."""
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
    """(H, W, 3) uint8 sRGB, upright.

    Raises:
        LocationError: the bytes are not a picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise LocationError(f"a picture of {len(data)} bytes: {error}") from error


def encode(pixels: Photograph, *, lossless: bool = False) -> bytes:
    """As PNG, or as JPEG without loss of chroma resolution."""
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    if lossless:
        return bytes(cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
    factor = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]  # fmt: skip
    return bytes(cv2.imencode(".jpg", bgr, settings)[1])


def prepared(pixels: Photograph, config: DataConfig) -> Photograph:
    """Reduced to the short side, and its light evened out where that is asked for."""
    scale = config.short_px / min(pixels.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return homomorphic(pixels) if config.homomorphic else pixels


def _stored(data: bytes, config: DataConfig) -> bytes:
    """The bytes as they are where nothing is to be done to them."""
    with Image.open(io.BytesIO(data)) as image:
        small = min(image.size) <= config.short_px
        plain = image.format in {"JPEG", "PNG", "WEBP"} and image.mode == "RGB"
    if small and plain and not config.homomorphic:
        return data
    return encode(prepared(decode(data), config))


def _fingerprint(data: str) -> str:
    """SHA-256, hex, of names, sizes and times under DATA: whether it is still the same."""
    root = Path(data)
    if not root.exists():
        raise LocationError(f"{data}: does not exist")
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    total = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape"))
    for path in files:
        stat = path.stat()
        line = f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()
