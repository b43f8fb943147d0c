"""A colorizer for single pictures: the steps of a job, without OUTPUT."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.api.pictures import encode_array, encode_pillow
from archive_colorizer.api.settings import OF_A_JOB, lay_keywords
from archive_colorizer.errors import ConfigError, MissingPhotoError, PhotoError
from archive_colorizer.imaging.encode import Encodable, rows_of
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.inference.batching import Chroma
from archive_colorizer.models.catalog import TAKES_HINTS, Task
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.hints import Hints, join_points, read_point
from archive_colorizer.pipeline.job_models import Models, models_of, task_of
from archive_colorizer.pipeline.records import Coloured, Opened, Outcome, PhotoRef
from archive_colorizer.pipeline.steps.colorize import Colorize
from archive_colorizer.pipeline.steps.composition import OverMaster
from archive_colorizer.pipeline.steps.picture_errors import named
from archive_colorizer.pipeline.steps.prepare import Prepare
from archive_colorizer.pipeline.steps.read import Read
from archive_colorizer.storage import parse_location
from archive_colorizer.weights.reference import ResolvedModel

Picture = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]
Point = tuple[float, float, str]
"""x and y in pixels of the upright picture, and a colour "#rrggbb"."""
Record = TypeVar("Record")
SETTINGS: Final = {
    "color": tuple(
        name for name in OF_A_JOB["color"] if name not in ("model", "back", "restore", "sharpen")
    ),
    "run": (
        "precision", "max_megapixels", "require_cleared_weights", "s3_endpoint", "s3_anonymous",
    ),
}  # fmt: skip
"""Settings of a job that make sense for a single picture."""


@dataclass(frozen=True, eq=False)
class Colorized:
    """A coloured picture."""

    chroma: NDArray[np.float32]
    """CIE Lab a and b, (h, w, 2), at the size at which the model worked (a short side of
    `proxy_px` pixels); of the print alone where there is a `content_box`."""
    doubt: NDArray[np.float32]
    """The model's doubt of each colour, (h, w), 0 to 1, at the size of `chroma`."""
    flags: tuple[str, ...]
    """What a person should look at, as the manifest's column has it: `negative`, `damaged`..."""
    content_box: tuple[int, int, int, int] | None
    """x, y, width and height of the print on its page, pixels; None where the picture is one."""
    model: str
    """Reference, name and version of the model."""
    _composed: Encodable

    @cached_property
    def picture(self) -> Image.Image:
        """The coloured picture at full size, upright, RGB of 8 bits, in sRGB.

        The pixels of the job's PNG with `--watermark off`. It carries neither a mark nor a label
        that its colours are an estimate: a job's derivatives do.
        """
        return Image.fromarray(self.to_array())

    def to_array(self, bits: Literal[8, 16] = 8) -> NDArray[Any]:
        """Give the coloured picture at full size, upright: (H, W, 3) sRGB, uint8 or uint16."""
        rows = rows_of(*self._composed.luma_hw.shape)
        return np.concatenate(list(self._composed.rgb_strips(bits, rows)))


class Colorizer:
    """A model that colours pictures one by one, in this process; made by `Colorizer.load`.

    It takes them through the steps of a job, so that its pixels are those of a job that does the
    picture alone in its batch.
    """

    def __init__(self, config: JobConfig, models: Models) -> None:
        """Set the steps up; `load` calls this.

        Raises:
            ModelReferenceError: a model cannot be loaded.
            ConfigError: a setting that the model does not have.
        """
        self._color = color = config.color
        s3 = config.run.s3
        self._model, upscaler = models[0], models[1] if models[1:] else None
        self._read = Read(config.run, color.upscale)
        self._prepare = Prepare(color, replace(config.run, report="off"))
        self._colorize = Colorize(self._model, color, config.run)
        self._colorize.setup()
        self._composition = OverMaster(color, s3, upscaler, precision=config.run.precision)
        self._composition.setup()

    @classmethod
    def load(cls, model: str = "builtin:default", **settings: object) -> Self:
        """Load a model.

        Args:
            model: model reference: builtin:NAME, a folder, a .safetensors file or
                models:/NAME@champion.
            settings: of a job, by their names in docs/reference/settings.md: those of `color` but
                for `back`, `restore` and `sharpen`, and `precision`, `max_megapixels`,
                `require_cleared_weights`, `s3_endpoint` and `s3_anonymous`.

        Raises:
            ModelReferenceError: it names nothing that can be loaded.
            ConfigError: an unknown setting, a wrong value, or a model that does not colour.
        """
        where = "Colorizer.load()"
        config = lay_keywords(JobConfig(source="", output=""), {"model": model}, where)
        config = lay_keywords(config, settings, where, SETTINGS)
        models = models_of(config)
        if task_of(models[0]) is not Task.COLORIZE:
            raise ConfigError(f"{model}: translates pictures, which colorize() does with it")
        return cls(config, models)

    def __call__(
        self,
        image: Picture,
        *,
        hints: Sequence[Point] = (),
        vividness: float | None = None,
    ) -> Colorized:
        """Colour one picture.

        Args:
            image: a path or `s3://` URI of any picture that a job reads (of several pages, the
                first); the bytes of such a file; a PIL picture (its ICC profile and EXIF
                orientation hold); or an array, (H, W) grey or (H, W, 3) RGB, sRGB-encoded, uint8 or
                uint16. Of colours only the luma is taken.
            hints: points of known colour, (x, y, "#rrggbb"), pixels of the upright picture.
            vividness: from safe (0) to vivid (1); None takes what `load` was given, else the
                model's own.

        Raises:
            PhotoError: the picture cannot be read, is in colour already (`on_colour="recolor"` of
                `load` colours it anew), is too large, or the model fails on it.
            ConfigError: hints or a vividness that the model does not take, or a wrong point.
            ValueError: an array or a PIL picture of another kind.
        """
        opened = self._open(image, self._join_hints(hints))
        prepared = unless_ended(self._prepare([opened])[0])
        step = self._colorize
        if vividness is not None:
            step = step.with_vividness(replace(self._color, vividness=vividness).vividness)
        (prepared,), (answer,), ms = step.answer([prepared])
        coloured = unless_ended(step.coloured(prepared, answer, ms))
        if isinstance(answer, PhotoError):  # for the type: `coloured` would have been an Outcome
            raise named(prepared.ref, answer)
        return self._compose(coloured, answer)

    def _open(self, image: Picture, hints: str) -> Opened:
        if isinstance(image, str | os.PathLike):
            place = parse_location(os.fspath(image))
            if not (place.is_s3 or place.path.exists()):
                raise MissingPhotoError(f"{place.text}: no such picture")
            ref = _make_ref(place.uri, hints, place.raw)
            return unless_ended(self._read([ref])[0])
        if isinstance(image, Image.Image):
            data, name = encode_pillow(image), "PIL picture"
        elif isinstance(image, np.ndarray):
            data, name = encode_array(image), "array"
        elif isinstance(image, bytes):
            data, name = image, "encoded picture"
        else:
            raise ValueError(
                f"{type(image).__name__}: must be a path, bytes, a PIL picture or an array"
            )
        return unless_ended(self._read.take(_make_ref(name, hints), data))

    def _join_hints(self, hints: Sequence[Point]) -> str:
        if not hints:
            return ""
        if self._model.card.family not in TAKES_HINTS:
            raise ConfigError(f"{self._model.ref}: hints: {self._model.card.family} takes none")
        points = [
            read_point({"x": str(x), "y": str(y), "colour": colour}, "hints")
            for x, y, colour in hints
        ]
        return join_points([Hints("", "hints", points)])

    def _compose(self, coloured: Coloured, answer: Chroma) -> Colorized:
        heard = Heard()
        composed = self._composition.picture(coloured, dict(coloured.ms), heard)
        facts = coloured.facts.having_heard(tuple(heard.words), damaged=heard.damaged)
        return Colorized(
            chroma=coloured.chroma.at_size(),
            doubt=answer.doubt_hw,
            flags=(*facts.flags, *self._composition.flags),
            content_box=facts.content_box,
            model=_describe(self._model),
            _composed=composed,
        )


def _make_ref(uri: str, hints: str, raw: bytes = b"") -> PhotoRef:
    return PhotoRef("", uri, raw, output_key="", size_bytes=0, hints=hints)


def _describe(model: ResolvedModel) -> str:
    return f"{model.ref} ({model.title})"


def unless_ended(record: Record | Outcome) -> Record:
    """Give a step's record.

    Raises:
        PhotoError: the picture's way ended here.
    """
    if not isinstance(record, Outcome):
        return record
    kinds = {kind.error_class: kind for kind in PhotoError.__subclasses__()}
    raise kinds.get(record.error_class, PhotoError)(record.error_message)
