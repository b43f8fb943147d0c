"""A picture with pinned colours, small and soon: the model's answer laid over a reduced master.

It goes the way of a job, through the same steps; what does not depend on the points (reading the
master, its proxy, the print on its page) is kept for the last few pictures.
"""

import io
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.api.colorizer import unless_ended
from archive_colorizer.api.pictures import encode_array
from archive_colorizer.imaging.decode import read_reduced
from archive_colorizer.imaging.encode import rows_of
from archive_colorizer.imaging.header import Header, read_header
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.pipeline.records import Opened, PhotoRef, Prepared
from archive_colorizer.pipeline.steps.colorize import Colorize
from archive_colorizer.pipeline.steps.composition import OverMaster
from archive_colorizer.pipeline.steps.picture_errors import reading
from archive_colorizer.pipeline.steps.prepare import Prepare
from archive_colorizer.pipeline.steps.read import Read
from archive_colorizer.review.row_recipe import RowRecipe, use_one_thread
from archive_colorizer.storage import S3Settings, open_uri

KEPT_PICTURES: Final = 6
KEPT_MODELS: Final = 2
QUALITY: Final = 88
Value = TypeVar("Value")


class Kept(OrderedDict[str, Value]):
    """The values that were asked for last."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def find(self, key: str, make: Callable[[], Value]) -> Value:
        """Give a value, made where it is not kept."""
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        while len(self) > self._size:
            self.popitem(last=False)
        return self[key]


@dataclass(frozen=True, slots=True)
class OpenedRow:
    """A master as far as points do not matter."""

    prepared: Prepared
    """Without its bytes."""
    header: Header
    """Of the reduced master."""
    data: bytes
    """The reduced master, upright, encoded."""


class Previews:
    """Makes previews; not for several threads at once."""

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._rows: Kept[OpenedRow] = Kept(KEPT_PICTURES)
        self._models: Kept[Colorize] = Kept(KEPT_MODELS)

    def load(self, recipe: RowRecipe) -> Colorize:
        """Load the model of a recipe, where it is not loaded.

        Raises:
            ModelReferenceError: it cannot be loaded.
        """
        return self._models.find(recipe.key, lambda: _load(recipe))

    def make(self, row: Mapping[str, Any], hints: str, recipe: RowRecipe, edge_px: int) -> bytes:
        """Colour a row's master with some points.

        Args:
            row: of the manifest.
            hints: as `pin_record.write_hints` gives them.
            recipe: of the row.
            edge_px: long side of the preview; it is not enlarged.

        Returns:
            A JPEG.

        Raises:
            PhotoError: the master cannot be read, or the model fails on it.
            ModelReferenceError: the model cannot be loaded.
        """
        opened = self._rows.find(
            f"{row['row_id']} {edge_px}", lambda: self._open(row, recipe, edge_px)
        )
        step = self.load(recipe)
        prepared = replace(opened.prepared, ref=replace(opened.prepared.ref, hints=hints))
        (prepared,), (answer,), ms = step.answer([prepared])
        coloured = unless_ended(step.coloured(prepared, answer, ms))
        small = replace(coloured, prepared=_reduce(coloured.prepared, opened))
        # What enlarges, or keeps a master's coded luminance, is of no matter for a small picture.
        composition = OverMaster(replace(recipe.config.color, upscale=1), self._s3, None)
        composition.setup()
        return _encode(composition.picture(small, dict(small.ms), Heard()))

    def _open(self, row: Mapping[str, Any], recipe: RowRecipe, edge_px: int) -> OpenedRow:
        config = recipe.config
        ref = PhotoRef(
            row["row_id"], row["source_uri"], row["source_path_raw"] or b"", output_key="",
            size_bytes=row["source_bytes"] or 0, page=row["page"] or 0,
            class_id=row["class_id"] or "",
        )  # fmt: skip
        read = Read(config.run)
        opened = unless_ended(read([ref])[0])
        prepare = Prepare(config.color, replace(config.run, report="off"))
        prepared = unless_ended(prepare([opened])[0])
        data = encode_array(self._read_small(opened, edge_px))
        return OpenedRow(replace(prepared, data=None), read_header(io.BytesIO(data)), data)

    def _read_small(self, opened: Opened, edge_px: int) -> NDArray[np.uint8]:
        """Read the master, upright, with a long side of at most `edge_px`."""
        height, width = opened.header.upright_size
        scale = min(1.0, edge_px / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        with (
            reading(opened.ref),
            open_uri(opened.ref.source_uri, self._s3)
            if opened.data is None
            else io.BytesIO(opened.data) as source,
        ):
            pixels = read_reduced(source, opened.header, min(size)).pixels
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _load(recipe: RowRecipe) -> Colorize:
    config = recipe.config
    use_one_thread()
    step = Colorize(recipe.models[0], config.color, config.run)
    step.setup()
    return step


def _reduce(prepared: Prepared, opened: OpenedRow) -> Prepared:
    """Put the reduced master in the place of the master."""
    facts = replace(prepared.facts, orientation=1)
    if facts.content_box:
        long, short = prepared.header.upright_size, opened.header.upright_size
        across, down = short[1] / long[1], short[0] / long[0]
        x, y, w, h = facts.content_box
        box = round(x * across), round(y * down), round(w * across), round(h * down)
        facts = replace(facts, content_box=(box[0], box[1], max(2, box[2]), max(2, box[3])))
    return replace(prepared, header=opened.header, data=opened.data, facts=facts)


def _encode(picture: Any) -> bytes:  # noqa: ANN401
    rgb = np.concatenate(list(picture.rgb_strips(8, rows_of(*picture.luma_hw.shape))))
    sink = io.BytesIO()
    Image.fromarray(rgb).save(sink, "JPEG", quality=QUALITY)
    return sink.getvalue()
