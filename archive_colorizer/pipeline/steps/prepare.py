"""Prepare: a small proxy for the model, and whether the master wants colouring at all."""

import io
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.beside import Part
from archive_colorizer.imaging.content_box import NOTHING, Bounds, Found, find_print
from archive_colorizer.imaging.decode import Decoded, read_reduced, read_reduced_and_luma
from archive_colorizer.imaging.glare import find_glare, glare_png
from archive_colorizer.imaging.gpano import find_panorama
from archive_colorizer.imaging.projection import Panorama
from archive_colorizer.imaging.thumbnails import Thumbnail, thumbnail
from archive_colorizer.imaging.tone import (
    COLOUR_CLASSES,
    dhash64,
    make_colour_proxy,
    make_proxy,
    tone_class,
)
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.flags import COLOUR_BESIDE, GLARE, NOT_PANORAMA
from archive_colorizer.pipeline.records import Opened, Outcome, Prepared, SourceFacts, Status
from archive_colorizer.pipeline.steps.picture_errors import reading
from archive_colorizer.pipeline.steps.step import Stage, each, ms_since
from archive_colorizer.storage import open_uri

KEPT_BYTES: Final = 256 * 2**20
"""Luma at full size that a worker keeps of a batch until it is delivered, at most."""


class Prepare(Stage[Opened, Prepared]):
    """Opened -> Prepared, or a skipped Outcome for a master that really is in colour."""

    name = "prepare"

    def __init__(
        self,
        config: ColorConfig,
        run: RunConfig,
        *,
        translates: bool = False,
        delivers: bool = False,
    ) -> None:
        """Take settings.

        Args:
            config: of the job's colours.
            run: how it is run.
            translates: whether the model wants the master in colour.
            delivers: whether the same worker delivers what this prepares, over the master's luma:
                it is kept then where the decoding gives it anyway.
        """
        self._keeps_luma = delivers and not translates
        self._proxy_px = config.proxy_px
        self._s3 = run.s3
        self._makes_thumbnails = run.report == "on"
        self._translates = translates
        self._seeks_print = config.content_box == "auto" and not translates
        self._projection = "flat" if translates else config.projection
        self._seeks_glare = config.glare != "off"
        self._recolor = config.on_colour == "recolor" or translates

    def __call__(self, batch: Sequence[Opened]) -> list[Prepared | Outcome]:
        """Prepare each picture; a picture's error becomes its outcome."""
        self._room = KEPT_BYTES if self._keeps_luma else 0
        return each(self._prepare, batch)

    def _prepare(self, opened: Opened) -> Prepared | Outcome:
        start_s = time.perf_counter()
        page, luma_hw = self._read_whole(opened)
        tone, source_chroma = tone_class(page.pixels)
        whole = make_proxy(page.pixels, self._proxy_px)
        facts = replace(
            opened.facts,
            icc_status=page.icc_status,
            tone_class=tone,
            source_chroma=source_chroma,
            dhash64=dhash64(whole),
        ).having_heard(page.warnings, damaged=page.damaged)
        panorama = self._find_panorama(opened)
        found = NOTHING if panorama else self._find_print(opened, page.pixels, tone)
        facts = self._with_projection(_with_print(facts, found), panorama)
        before = thumbnail(page.pixels) if self._makes_thumbnails else None
        if facts.tone_class in COLOUR_CLASSES and not self._recolor:
            ms = {**opened.ms, "prepare": ms_since(start_s)}
            return _already_colour(opened, facts, ms, before)
        seen = whole
        if self._translates:
            seen = make_colour_proxy(page.pixels, self._proxy_px)
        elif found.bounds:
            seen = make_proxy(self._read_print(opened, found.bounds), self._proxy_px)
        return Prepared(
            ref=opened.ref,
            header=opened.header,
            facts=_with_glare(facts, seen) if self._seeks_glare else facts,
            data=opened.data,
            proxy_hw=seen,
            started_at_us=opened.started_at_us,
            ms={**opened.ms, "prepare": ms_since(start_s)},
            panorama=panorama,
            before_hw3=before,
            luma_hw=luma_hw,
        )

    def _read_whole(self, opened: Opened) -> tuple[Decoded, NDArray[Any] | None]:
        """Read a page small, and its luma at full size where there is room to keep it."""
        header = opened.header
        size = header.width * header.height * (1 if header.bits_per_sample <= 8 else 2)
        if size > self._room:
            return self._read(opened, self._proxy_px), None
        with self._reading(opened) as source:
            page, luma_hw = read_reduced_and_luma(source, header, self._proxy_px)
        self._room -= 0 if luma_hw is None else luma_hw.nbytes
        return page, luma_hw

    @contextmanager
    def _reading(self, opened: Opened) -> Iterator[BinaryIO]:
        ref, data = opened.ref, opened.data
        with (
            reading(ref),
            open_uri(ref.source_uri, self._s3) if data is None else io.BytesIO(data) as source,
        ):
            yield source

    def _read(self, opened: Opened, short_px: int) -> Decoded:
        with self._reading(opened) as source:
            return read_reduced(source, opened.header, short_px)

    def _find_panorama(self, opened: Opened) -> Panorama | None:
        if self._projection == "flat":
            return None
        header, asked = opened.header, self._projection == "equirectangular"
        return find_panorama(header.blocks, header.upright_size, asked=asked)

    def _with_projection(self, facts: SourceFacts, panorama: Panorama | None) -> SourceFacts:
        """As what the picture is coloured; a flag where the user called it a panorama."""
        if self._translates:
            return facts
        if panorama:
            return replace(facts, projection="equirectangular")
        missed = (NOT_PANORAMA,) if self._projection == "equirectangular" else ()
        return replace(facts, projection="flat", flags=(*facts.flags, *missed))

    def _find_print(self, opened: Opened, pixels: NDArray[np.uint8], tone: str) -> Found:
        if not self._seeks_print:
            return NOTHING
        return find_print(pixels, tone, opened.header.upright_size)

    def _read_print(self, opened: Opened, bounds: Bounds) -> NDArray[np.uint8]:
        """The upright rectangle about the print, read anew so that the model sees enough of it."""
        height, width = opened.header.upright_size
        short_px = math.ceil(self._proxy_px * min(height, width) / max(1, min(bounds.w, bounds.h)))
        pixels = self._read(opened, short_px).pixels
        rows, columns = Part.of(bounds, (height, width)).within(pixels.shape[:2], (height, width))
        return np.ascontiguousarray(pixels[rows, columns])


def _with_print(facts: SourceFacts, found: Found) -> SourceFacts:
    """What was found of the print beside colour; the tone is that of the print."""
    flags = (*facts.flags, COLOUR_BESIDE) if found.unsure else facts.flags
    facts = replace(facts, content_box_score=found.score, flags=flags)
    if found.bounds is None:
        return facts
    x, y, w, h, tilt = found.bounds
    return replace(
        facts,
        content_box=(x, y, w, h),
        content_box_tilt=tilt,
        tone_class=found.tone,
        source_chroma=found.chroma,
    )


def _with_glare(facts: SourceFacts, seen: NDArray[np.uint8]) -> SourceFacts:
    found = find_glare(seen)
    facts = replace(facts, glare_share=round(found.share, 4))
    if not found.share:
        return facts
    return replace(facts, glare_map=glare_png(found.mask_hw), flags=(*facts.flags, GLARE))


def _already_colour(
    opened: Opened, facts: SourceFacts, ms: dict[str, float], before: Thumbnail | None
) -> Outcome:
    beside = COLOUR_BESIDE in facts.flags
    doubt = "; it may be a grey print beside colour, whose place was not found" if beside else ""
    return Outcome(
        ref=opened.ref,
        status=Status.SKIPPED,
        started_at_us=opened.started_at_us,
        ms=ms,
        facts=facts,
        flags=facts.flags,
        error_class="already_colour",
        error_message=f"{opened.ref.source_uri}: in colour already ({facts.tone_class}){doubt}",
        before_hw3=before,
    )
