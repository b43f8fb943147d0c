"""Prepare: a small proxy for the model, and whether the master wants colouring at all."""

import io
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from archive_colorizer.imaging.decode import read_reduced
from archive_colorizer.imaging.tone import dhash64, make_colour_proxy, make_proxy, tone_class
from archive_colorizer.pipeline.config import ColorConfig
from archive_colorizer.pipeline.records import (
    Opened,
    Outcome,
    Prepared,
    SourceFacts,
    Status,
)
from archive_colorizer.pipeline.steps.picture_errors import reading
from archive_colorizer.pipeline.steps.step import Stage, each, ms_since
from archive_colorizer.storage import S3Settings, open_uri

COLOUR_CLASSES: Final = frozenset({"colour", "tinted"})
"""Masters of these classes are left as they are unless recolouring is asked for."""


class Prepare(Stage[Opened, Prepared]):
    """Opened -> Prepared, or a skipped Outcome for a master that really is in colour."""

    name = "prepare"

    def __init__(self, config: ColorConfig, s3: S3Settings, *, translates: bool = False) -> None:
        self._proxy_px = config.proxy_px
        self._s3 = s3
        self._translates = translates
        self._recolor = config.on_colour == "recolor" or translates

    def __call__(self, batch: Sequence[Opened]) -> list[Prepared | Outcome]:
        """Prepare each picture; a picture's error becomes its outcome."""
        return each(self._prepare, batch)

    def _prepare(self, opened: Opened) -> Prepared | Outcome:
        start_s = time.perf_counter()
        ref, data = opened.ref, opened.data
        with (
            reading(ref),
            open_uri(ref.source_uri, self._s3) if data is None else io.BytesIO(data) as source,
        ):
            reduced = read_reduced(source, opened.header, self._proxy_px)
        tone, source_chroma = tone_class(reduced.pixels)
        proxy = make_proxy(reduced.pixels, self._proxy_px)
        seen = make_colour_proxy(reduced.pixels, self._proxy_px) if self._translates else proxy
        facts = replace(
            opened.facts,
            icc_status=reduced.icc_status,
            tone_class=tone,
            source_chroma=source_chroma,
            dhash64=dhash64(proxy),
        ).having_heard(reduced.warnings, damaged=reduced.damaged)
        ms = {**opened.ms, "prepare": ms_since(start_s)}
        if tone in COLOUR_CLASSES and not self._recolor:
            return _already_colour(opened, facts, ms)
        return Prepared(ref, opened.header, facts, data, seen, opened.started_at_us, ms)


def _already_colour(opened: Opened, facts: SourceFacts, ms: dict[str, float]) -> Outcome:
    return Outcome(
        ref=opened.ref,
        status=Status.SKIPPED,
        started_at_us=opened.started_at_us,
        ms=ms,
        facts=facts,
        flags=facts.flags,
        error_class="already_colour",
        error_message=f"{opened.ref.source_uri}: in colour already ({facts.tone_class})",
    )
