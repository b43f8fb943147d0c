"""The forms that DATA may have, and its pictures, one by one as encoded bytes.

A folder of colour photographs, Parquet shards, a folder of pairs (two folders or side by side),
Lab arrays, two unpaired folders or domains.
"""

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow.parquet as pq
from PIL import Image

from archive_colorizer.data.layouts import PAIR_FOLDERS, Listed, list_pictures, read
from archive_colorizer.data.places import ListedPath, Place, find_shards, open_place
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.settings.kinds import Layout

Form = Layout
Split = Literal["train", "test"]
UNPAIRED_FOLDERS: Final = (("trainA", "trainB"), ("A", "B"))
TEST_FOLDERS: Final = {"trainA": "testA", "trainB": "testB"}
SPLITS: Final[dict[str, Split]] = {
    "train": "train", "val": "test", "valid": "test", "validation": "test", "test": "test",
}  # fmt: skip
"""Values of a shard's column `split` -> our names."""
COLUMNS: Final = ("image", "name", "source_image", "source", "split")
"""Of a shard, those that are read."""
BATCH_ROWS: Final = 100
MAX_TEXT: Final = 300
"""Characters of an error's text that are kept."""
READ_AHEAD: Final = 16
"""Pictures that are fetched from an object store at once."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to learn from, not yet decoded."""

    name: str
    target: bytes
    source: bytes | None = None
    """The pair's other picture; None where the source is made of the target."""
    domain: str = ""
    """Name of its set in unpaired data; empty elsewhere."""
    split: Split | None = None
    """As the data says; None leaves it to the content's hash."""
    problem: str = ""
    """Why its bytes are not here."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Which sources of a shard's rows are taken."""

    only: frozenset[str] = frozenset()
    """Empty takes all."""
    without: frozenset[str] = frozenset()

    def takes(self, source: object) -> bool:
        """Whether rows of a source are taken."""
        return source not in self.without and (not self.only or source in self.only)


ALL_SOURCES: Final = Sources()


def pictures(
    data: str | Place,
    form: Form = "auto",
    domains: tuple[str, ...] = (),
    splits: tuple[str, ...] = (),
    sources: Sources = ALL_SOURCES,
) -> Iterator[Picture]:
    """Every picture of DATA, in the order of names.

    Args:
        data: a place that was opened, or what `open_place` takes.
        form: what it is; "auto" goes by what lies there (side by side and unpaired must be said,
            except trainA and trainB).
        domains: two names, for unpaired data: of folders, or values of a shard's column `source`.
        splits: values of a shard's column `split` whose rows are taken, and split by content.
        sources: which values of a shard's column `source` are taken.

    Raises:
        LocationError: it is missing, empty, or not of that form.
        ConfigError: domains that are not two.
    """
    root = open_place(data) if isinstance(data, str) else data
    if domains and len(set(domains)) != 2:
        raise ConfigError(f"domains={','.join(domains)}: must be two different names")
    if shards := find_shards(root):
        yield from _read_shards(shards, domains, splits, sources)
        return
    folders = _find_unpaired(root, form, domains)
    if folders:
        yield from _read_domains(root, folders)
        return
    found = list_pictures(root, form)
    if not found:
        raise LocationError(f"{data}: no photographs there")
    yield from _read_all(found, form, ahead=isinstance(root, ListedPath))


def is_unpaired(data: str | Place, form: Form, domains: tuple[str, ...]) -> bool:
    """Whether DATA is two sets of pictures without partners."""
    root = open_place(data) if isinstance(data, str) else data
    return bool(domains) or bool(_find_unpaired(root, form, domains))


def _read_all(found: Sequence[Listed], form: str, *, ahead: bool) -> Iterator[Picture]:
    """Read pictures in their order; of a store that answers slowly some are read ahead."""
    if not ahead:
        yield from (_read_listed(listed, form) for listed in found)
        return
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        waiting: deque[Future[Picture]] = deque()
        try:
            for listed in found:
                waiting.append(pool.submit(_read_listed, listed, form))
                if len(waiting) > READ_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _read_listed(listed: Listed, form: str) -> Picture:
    """Read a picture; one that cannot be read stays empty, and its verdict says so."""
    try:
        target = read(listed.truth)
        if form == "side-by-side":
            left, right = _split_halves(target)
            return Picture(listed.name, right, left)
        source = None if listed.source is None else read(listed.source)
    except (OSError, SyntaxError, ValueError) as error:
        text = (isinstance(error, OSError) and error.strerror) or str(error)
        return Picture(listed.name, b"", problem=" ".join(text.split())[:MAX_TEXT])
    return Picture(listed.name, target, source)


def _split_halves(data: bytes) -> tuple[bytes, bytes]:
    """Split a picture side by side into its left and right half, as PNG."""
    with Image.open(io.BytesIO(data)) as image:
        rgb = image.convert("RGB")
    half = rgb.width // 2
    boxes = ((0, 0, half, rgb.height), (rgb.width - half, 0, rgb.width, rgb.height))
    return _encode_png(rgb.crop(boxes[0])), _encode_png(rgb.crop(boxes[1]))


def _encode_png(image: Image.Image) -> bytes:
    with io.BytesIO() as file:
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()


def _read_shards(
    shards: Sequence[Place],
    domains: tuple[str, ...],
    splits: tuple[str, ...],
    sources: Sources,
) -> Iterator[Picture]:
    for shard in shards:
        try:
            with shard.open("rb") as opened:
                file = pq.ParquetFile(opened, pre_buffer=False)
                there = file.schema_arrow.names
                wanted = [name for name in COLUMNS if name in there]
                if "image" not in there:
                    raise KeyError("image")
                number = 0
                for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                    for row in batch.to_pylist():
                        name = f"{shard.name}/{row.get('name', number)}"
                        picture = _read_row(row, name, domains, splits)
                        number += 1
                        if picture is not None and sources.takes(row.get("source")):
                            yield picture
        except (OSError, KeyError, ValueError) as error:
            raise LocationError(f"{shard}: not a shard with a column image: {error}") from error


def _read_row(
    row: dict[str, object], name: str, domains: tuple[str, ...], splits: tuple[str, ...]
) -> Picture | None:
    """Make a row a picture; None if it belongs to no wanted domain or split."""
    image, source = row["image"], row.get("source_image")
    assert isinstance(image, bytes)
    if domains:
        domain = str(row.get("source"))
        return Picture(name, image, domain=domain) if domain in domains else None
    said = row.get("split")
    pair = source if isinstance(source, bytes) else None
    if splits:
        return Picture(name, image, pair) if said in splits else None
    if said is not None and said not in SPLITS:
        return None
    return Picture(name, image, pair, split=None if said is None else SPLITS[str(said)])


def _find_unpaired(root: Place, form: str, domains: tuple[str, ...]) -> tuple[str, str] | None:
    if domains:
        first, second = domains
        absent = [name for name in domains if not (root / name).is_dir()]
        if root.is_dir() and absent and not find_shards(root):
            raise LocationError(f"{root}: no folder {absent[0]}")
        return first, second
    candidates = UNPAIRED_FOLDERS if form == "unpaired" else UNPAIRED_FOLDERS[:1]
    for first, second in candidates:
        if form in ("auto", "unpaired") and (root / first).is_dir() and (root / second).is_dir():
            return first, second
    if form == "unpaired":
        names = ", ".join("/".join(pair) for pair in UNPAIRED_FOLDERS)
        raise LocationError(f"{root}: has no two folders ({names}); name them with --domains")
    return None


def _read_domains(root: Place, folders: tuple[str, str]) -> Iterator[Picture]:
    for folder in folders:
        held_out = root / TEST_FOLDERS.get(folder, "-")
        parts: list[tuple[Place, Split | None]] = [(root / folder, None)]
        if held_out.is_dir():
            parts = [(root / folder, "train"), (held_out, "test")]
        for part, split in parts:
            found = list_pictures(part, "photos")
            if not found:
                raise LocationError(f"{part}: no photographs there")
            for one in _read_all(found, "photos", ahead=isinstance(root, ListedPath)):
                yield replace(one, name=f"{part.name}/{one.name}", domain=folder, split=split)


__all__ = ["PAIR_FOLDERS", "Form", "Picture", "Split", "is_unpaired", "pictures"]
