"""Two ways to a derivative's pixels: chroma laid over the master, or another picture in its place.

`Deliver` is told one of them; it knows neither's records.
"""

import io
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol, TypeVar

from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging import metadata
from archive_colorizer.imaging.beside import Part, enlarged_page, lay_on_page, mixed
from archive_colorizer.imaging.compose import WholePicture, compose
from archive_colorizer.imaging.decode import Decoded, read_colours, read_luma, upright
from archive_colorizer.imaging.encode import Encodable
from archive_colorizer.imaging.glare import read_glare_png
from archive_colorizer.imaging.glare_repair import repair_luma
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.negative import curve_of
from archive_colorizer.imaging.projection import done_around, wrapped
from archive_colorizer.imaging.reversible import Reversible, compose_reversible
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.pipeline.config import ColorConfig
from archive_colorizer.pipeline.flags import ENLARGED, TRANSLATED
from archive_colorizer.pipeline.records import Coloured, Made, Painted, SourceFacts
from archive_colorizer.pipeline.steps.picture_errors import reading
from archive_colorizer.pipeline.steps.step import Kind, ms_since
from archive_colorizer.storage import S3Settings, open_uri
from archive_colorizer.weights.reference import ResolvedModel

if TYPE_CHECKING:
    from archive_colorizer.inference.enlarger import Enlarger

Precision = Literal["auto", "float32", "bfloat16"]
MadeIn = TypeVar("MadeIn", bound=Made, contravariant=True)
Dpi = tuple[float, float]
SEAM_PX: Final = 32
"""Columns that what enlarges a panorama sees beyond either edge: more than beyond a tile's."""


class Composition(Protocol[MadeIn]):
    """The origin of a derivative's pixels, and the statements that go with it."""

    kind: Kind
    flags: tuple[str, ...]
    """Flags of the derivative's row, beside the master's."""
    statement: str
    """Description in the derivative's XMP."""
    keeps_luminance: bool
    """Whether the derivative's luminance can be compared with the master's."""

    def setup(self) -> None:
        """Load heavy state, once in each worker."""

    def picture(self, made: MadeIn, ms: dict[str, float], heard: Heard) -> Encodable:
        """The derivative, to be encoded; `ms` gets what it took, `heard` the decoder's words.

        Raises:
            PhotoError: the master cannot be read, or not be enlarged.
        """

    def shown(self, made: MadeIn, picture: Encodable) -> Encodable:
        """The picture as people see it, for what is drawn on it."""
        return picture

    def dpi(self, facts: SourceFacts) -> Dpi | None:
        """Dots an inch that the derivative says; None where the master's would be wrong."""


class OverMaster(Composition[Coloured]):
    """The master's luminance, enlarged where that is asked for, under the model's chroma."""

    keeps_luminance = True

    def __init__(
        self,
        color: ColorConfig,
        s3: S3Settings,
        upscaler: ResolvedModel | None,
        *,
        precision: Precision = "auto",
        apart: bool = False,
        reversible: bool = False,
    ) -> None:
        """Take settings.

        Args:
            color: of the job.
            s3: for masters in object stores.
            upscaler: the model that enlarges; None for none.
            precision: of the job.
            apart: a step before this one enlarges (`steps.upscale`).
            reversible: keep a master's coded luminance where it can be kept.
        """
        self._color, self._s3, self._upscaler = color, s3, upscaler
        self._precision, self._apart, self._reversible = precision, apart, reversible
        self.kind = "gpu" if upscaler and not apart else "cpu"
        self.flags = (ENLARGED,) if upscaler else ()
        self.statement = metadata.ENLARGEMENT if upscaler else metadata.ESTIMATE

    def setup(self) -> None:
        """Load what enlarges.

        Raises:
            ConfigError: it enlarges by another factor than the job's.
        """
        self._enlarger: Enlarger | None = None
        if self._upscaler and not self._apart:
            self._enlarger = open_upscaler(self._upscaler, self._color.upscale, self._precision)

    def picture(self, made: Coloured, ms: dict[str, float], heard: Heard) -> Encodable:
        """The master, read again at full size, with the chroma brought to its edges."""
        start_s = time.perf_counter()
        if self._reversible and (kept := self._keep_coded(made, heard)):
            ms["compose"] = ms_since(start_s)
            return kept
        luma_hw = self._luma(made, ms, heard) if made.luma_hw is None else made.luma_hw
        if self._enlarger:
            start_s = time.perf_counter()
            luma_hw = around_seam(self._enlarger.luma, luma_hw, made)
            ms["model"] += ms_since(start_s)
        start_s = time.perf_counter()
        picture = self._compose(made, luma_hw)
        ms["compose"] += ms_since(start_s)
        return picture

    def shown(self, made: Coloured, picture: Encodable) -> Encodable:
        """The same as people see it: upright, whatever way its luminance is kept."""
        if not isinstance(picture, Reversible) or picture.orientation == 1:
            return picture
        luma_hw = upright(picture.composed.luma_hw, made.prepared.header)
        return compose(luma_hw, made.chroma, self._color.upsampling)

    def with_luma(self, made: Coloured) -> Coloured:
        """Give the same with the luminance that is to be enlarged, and with the decoder's words.

        Raises:
            PhotoError: the master cannot be read.
        """
        ms, heard = dict(made.ms), Heard()
        luma_hw = self._luma(made, ms, heard)
        facts = made.facts.having_heard(tuple(heard.words), damaged=heard.damaged)
        # Only a page's own colours are read again.
        data = made.prepared.data if facts.bounds else None
        prepared = replace(made.prepared, facts=facts, data=data)
        return replace(made, prepared=prepared, luma_hw=luma_hw, ms=ms)

    def _luma(self, made: Coloured, ms: dict[str, float], heard: Heard) -> NDArray[Any]:
        """The master's luminance as it is shown, before it is enlarged."""
        start_s = time.perf_counter()
        luma_hw = made.prepared.luma_hw
        if luma_hw is None:
            master = _read_master(made, self._s3)
            for words in master.warnings:
                heard.note(words, damage=master.damaged)
            luma_hw = master.pixels
        if made.facts.negative_curve:
            luma_hw = _positive(luma_hw, made.facts)
        if self._color.glare == "repair-luminance" and made.facts.glare_map:
            luma_hw = _without_glare(luma_hw, made)
        ms["compose"] = ms_since(start_s)
        return luma_hw

    def _keep_coded(self, made: Coloured, heard: Heard) -> Reversible | None:
        """Lay chroma beside the master's coded luminance; None where there is none to keep."""
        lies_on_side = made.chroma.wraps and made.prepared.header.orientation > 4
        if made.facts.negative_curve or made.facts.bounds or lies_on_side:
            return None
        with reading(made.ref), _open_master(made, self._s3) as source:
            return compose_reversible(
                source, made.prepared.header, made.chroma, self._color.upsampling, heard
            )

    def _compose(self, made: Coloured, luma_hw: NDArray[Any]) -> Encodable:
        """Colour the whole picture, or the print on its page."""
        method, bounds = self._color.upsampling, made.facts.bounds
        if bounds is None:
            return compose(luma_hw, made.chroma, method)
        page = _read_master(made, self._s3, read_colours).pixels
        if self._upscaler:
            page = enlarged_page(page, luma_hw)
        bounds = bounds.scaled(self._color.upscale)
        return lay_on_page(luma_hw, page, made.chroma, bounds, method)

    def dpi(self, facts: SourceFacts) -> Dpi | None:
        """The master's, upright, times the enlargement: the print has the size that it had."""
        if not (facts.dpi_x and facts.dpi_y):
            return None
        x, y = facts.dpi_x * self._color.upscale, facts.dpi_y * self._color.upscale
        return (y, x) if facts.orientation > 4 else (x, y)


class InPlaceOfMaster(Composition[Painted]):
    """A translation: nothing of the master is kept."""

    kind: Kind = "cpu"
    flags = (TRANSLATED,)
    statement = metadata.TRANSLATION
    keeps_luminance = False

    def setup(self) -> None:
        """Nothing to load."""

    def picture(self, made: Painted, ms: dict[str, float], heard: Heard) -> Encodable:
        """The picture as the model made it."""
        start_s = time.perf_counter()
        picture = WholePicture(made.rgb_hw3)
        ms["compose"] = ms_since(start_s)
        return picture

    def dpi(self, facts: SourceFacts) -> Dpi | None:
        """None: it has another size than the master."""
        return None


def open_upscaler(model: ResolvedModel, scale: int, precision: Precision) -> "Enlarger":
    """Load what enlarges the luminance.

    Raises:
        ModelReferenceError: it cannot be loaded.
        ConfigError: it enlarges by another factor than the job's.
    """
    from archive_colorizer.inference.enlarger import open_luma_enlarger

    enlarger = open_luma_enlarger(model, precision)
    if enlarger.scale != scale:
        raise ConfigError(f"upscaler: {model.ref} enlarges by {enlarger.scale}, not by {scale}")
    return enlarger


def _positive(luma_hw: NDArray[Any], facts: SourceFacts) -> NDArray[Any]:
    """The luma with the negative turned: the whole picture, or the print on its page."""
    curve, bounds = curve_of(facts.negative_curve), facts.bounds
    if bounds is None:
        return curve(luma_hw)
    part, turned = Part.of(bounds, luma_hw.shape), luma_hw.copy()
    inside = luma_hw[part.rows, part.columns]
    turned[part.rows, part.columns] = mixed(inside, curve(inside), part.mask(bounds))
    return turned


def around_seam(
    function: Callable[[NDArray[Any]], NDArray[Any]], luma_hw: NDArray[Any], made: Coloured
) -> NDArray[Any]:
    """Enlarge a luma, across the seam where it is a panorama's."""
    if made.prepared.panorama is None:
        return function(luma_hw)
    return done_around(function, luma_hw, SEAM_PX)


def _without_glare(luma_hw: NDArray[Any], made: Coloured) -> NDArray[Any]:
    """The luma with a reflection's light taken off: the whole picture, or the print on its page."""
    mask, bounds = read_glare_png(made.facts.glare_map or b""), made.facts.bounds
    if made.prepared.panorama:
        beside, width = mask.shape[1] // 8, luma_hw.shape[1]
        mask = wrapped(mask, beside)
        repair = partial(repair_luma, mask_hw=mask)
        return done_around(repair, luma_hw, round(beside * width / (mask.shape[1] - 2 * beside)))
    if bounds is None:
        return repair_luma(luma_hw, mask)
    part, repaired = Part.of(bounds, luma_hw.shape), luma_hw.copy()
    repaired[part.rows, part.columns] = repair_luma(luma_hw[part.rows, part.columns], mask)
    return repaired


def _read_master(
    made: Coloured, s3: S3Settings, read: Callable[[BinaryIO, Header], Decoded] = read_luma
) -> Decoded:
    with reading(made.ref), _open_master(made, s3) as source:
        return read(source, made.prepared.header)


def _open_master(made: Coloured, s3: S3Settings) -> BinaryIO:
    data = made.prepared.data
    return open_uri(made.ref.source_uri, s3) if data is None else io.BytesIO(data)
