"""Colorize: chroma and doubt for a batch of proxies.

The step itself loads no torch, so that a driver that only plans stays light; `inference` does.
"""

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from archive_colorizer.errors import ModelPhotoError, PhotoError
from archive_colorizer.imaging.beside import Part
from archive_colorizer.imaging.glare import Mask, read_glare_png
from archive_colorizer.imaging.glare_repair import repair_cells
from archive_colorizer.imaging.homomorphic import even_light
from archive_colorizer.imaging.negative import fit_curve
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.projection import even_poles, lay_back, margin_of, wrapped
from archive_colorizer.imaging.tone import COLOUR_CLASSES
from archive_colorizer.inference.batching import Chroma, GreyPicture
from archive_colorizer.models.catalog import UNKNOWN, asks_picture, class_number, has_classes
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.flags import NEGATIVE
from archive_colorizer.pipeline.inputs.hints import hint_planes
from archive_colorizer.pipeline.records import Coloured, Outcome, Prepared
from archive_colorizer.pipeline.steps.picture_errors import named
from archive_colorizer.pipeline.steps.step import Kind, Stage, failed, ms_since
from archive_colorizer.weights.reference import ResolvedModel

if TYPE_CHECKING:
    from archive_colorizer.inference.imagenet_classes import ImagenetClasses
    from archive_colorizer.inference.negative_probe import NegativeProbe


class Colorize(Stage[Prepared, Coloured]):
    """Prepared -> Coloured."""

    name = "colorize"
    kind: Kind = "gpu"

    def __init__(self, model: ResolvedModel, color: ColorConfig, run: RunConfig) -> None:
        self._model = model
        self._negatives = color.negatives
        self._light = color.light_filter
        self._repairs_glare = color.glare in ("repair", "repair-luminance")
        self._label, self._vividness = color.label, color.vividness
        self._precision = run.precision
        self._batch_size = run.batch_size
        self._graphs = run.cuda_graphs == "auto"

    def setup(self) -> None:
        """Load the model, on the GPU where the worker has one."""
        from archive_colorizer.inference.colorizer import open_colorizer

        self._colorizer = open_colorizer(
            self._model, self._precision, self._vividness, graphs=self._graphs
        )
        self._probe: NegativeProbe | None = None
        if self._negatives != "off":
            from archive_colorizer.inference.negative_probe import open_negative_probe

            self._probe = open_negative_probe()
        self._classes: ImagenetClasses | None = None
        if asks_picture(self._model.card.config, self._label):
            from archive_colorizer.inference.imagenet_classes import open_imagenet_classes

            self._classes = open_imagenet_classes()

    def with_vividness(self, vividness: float | None) -> "Colorize":
        """Give the same step, set up, with another vividness; None takes the model's own.

        Raises:
            ConfigError: the model has none.
        """
        from archive_colorizer.inference.colorizer import check_vividness

        check_vividness(self._model, vividness)
        other = copy.copy(self)
        other._colorizer = self._colorizer.with_knobs(vividness=vividness)
        return other

    def __call__(self, batch: Sequence[Prepared]) -> list[Coloured | Outcome]:
        """Colour a batch; a picture's error becomes its outcome."""
        batch, answers, ms = self.answer(batch)
        return [self.coloured(*pair, ms) for pair in zip(batch, answers, strict=True)]

    def answer(
        self, batch: Sequence[Prepared]
    ) -> tuple[list[Prepared], list[Chroma | PhotoError], float]:
        """Ask the model.

        Returns:
            The pictures as the model saw them; for each its chroma and doubt, or its error; and
            milliseconds a picture.
        """
        batch = self._judge(batch)
        answers: dict[int, Chroma | PhotoError] = {}
        pictures: dict[int, GreyPicture] = {}
        batch = self._recognise(batch, answers)
        for i, prepared in enumerate(batch):
            if i in answers:
                continue
            try:
                pictures[i] = self._picture(prepared)
            except ModelPhotoError as error:
                answers[i] = error
        start_s = time.perf_counter()
        made = self._colorizer(list(pictures.values()), self._batch_size)
        ms = ms_since(start_s) / max(1, len(pictures))
        for i, answer in zip(pictures, made, strict=True):
            answers[i] = _laid_back(batch[i], answer)
        return batch, [answers[i] for i in range(len(batch))], ms

    def _judge(self, batch: Sequence[Prepared]) -> list[Prepared]:
        """Flag negatives; where their positives are wanted, the model sees those."""
        probe, judged = self._probe, list(batch)
        if probe:
            grey = [i for i, it in enumerate(batch) if it.facts.tone_class not in COLOUR_CLASSES]
            scores = probe([batch[i].proxy_hw for i in grey])
            for i, score in zip(grey, scores, strict=True):
                judged[i] = self._judged(batch[i], score, negative=probe.is_negative(score))
        return judged

    def _judged(self, prepared: Prepared, score: float, *, negative: bool) -> Prepared:
        facts, proxy_hw = replace(prepared.facts, negative_score=round(score, 4)), prepared.proxy_hw
        if negative:
            facts = replace(facts, flags=(*facts.flags, NEGATIVE))
            if self._negatives == "invert":
                curve = fit_curve(proxy_hw)
                facts, proxy_hw = replace(facts, negative_curve=curve.json()), curve(proxy_hw)
        return replace(prepared, facts=facts, proxy_hw=proxy_hw)

    def _recognise(
        self, batch: Sequence[Prepared], answers: dict[int, Chroma | PhotoError]
    ) -> list[Prepared]:
        """Tell the class of each picture whose class nobody says; errors go into `answers`."""
        asked = [i for i, prepared in enumerate(batch) if not prepared.ref.class_id]
        known = list(batch)
        if self._classes and asked:
            found = self._classes([batch[i].proxy_hw for i in asked])
            for i, one in zip(asked, found, strict=True):
                if isinstance(one, PhotoError):
                    answers[i] = one
                    continue
                facts = replace(batch[i].facts, class_auto=one.number, class_auto_score=one.score)
                known[i] = replace(batch[i], facts=facts)
        return known

    def _picture(self, prepared: Prepared) -> GreyPicture:
        """The proxy with what is known of it; the inventory's class goes before the job's.

        Raises:
            ModelPhotoError: the model has no such class, or the hints do not fit the picture.
        """
        settings, ref = self._model.card.config, prepared.ref
        number, planes = UNKNOWN, None
        if prepared.facts.class_auto is not None:
            number = prepared.facts.class_auto
        elif has_classes(settings):
            try:
                number = class_number(settings, ref.class_id or self._label)
            except ValueError as error:
                raise ModelPhotoError(f"class_id {error}") from error
        if ref.hints:
            height, width = prepared.proxy_hw.shape
            size, hints, bounds = prepared.header.upright_size, ref.hints, prepared.facts.bounds
            try:
                if bounds:
                    part = Part.of(bounds, size)
                    size, hints = part.size, within_part(hints, part)
                planes = hint_planes(hints, size, (height, width))
            except ValueError as error:
                raise ModelPhotoError(str(error)) from error
        seen = prepared.proxy_hw
        if prepared.panorama:
            margin = margin_of(len(seen))
            seen = wrapped(seen, margin)
            planes = None if planes is None else wrapped(planes, margin)
        seen = even_light(seen, self._light) if self._light else seen
        return GreyPicture(seen, number, planes)

    def coloured(
        self, prepared: Prepared, answer: Chroma | PhotoError, ms: float
    ) -> Coloured | Outcome:
        """Make the record of a picture from the model's answer."""
        if isinstance(answer, PhotoError):
            return failed(prepared, named(prepared.ref, answer))
        chroma = answer.cells.channels(0, 2)
        if self._repairs_glare and prepared.facts.glare_map:
            chroma = _without_glare(chroma, read_glare_png(prepared.facts.glare_map))
        if prepared.panorama:
            chroma = even_poles(chroma, prepared.panorama)
        return Coloured(
            prepared=replace(prepared, proxy_hw=prepared.proxy_hw[:0]),
            chroma=chroma,
            doubt=answer.cells.channels(2, 3),
            device=self._colorizer.device,
            precision=self._colorizer.precision,
            ms={**prepared.ms, "model": ms},
        )


def _laid_back(prepared: Prepared, answer: Chroma | PhotoError) -> Chroma | PhotoError:
    """What the model says of the picture itself, where it saw a panorama with its far sides."""
    if prepared.panorama is None or isinstance(answer, PhotoError):
        return answer
    height, width = prepared.proxy_hw.shape
    return Chroma(lay_back(answer.cells, width, margin_of(height)))


def _without_glare(chroma: NetworkMap, mask_hw: Mask) -> NetworkMap:
    """Chroma filled where a reflection lies; over the seam of a panorama, too."""
    if not chroma.wraps:
        return repair_cells(chroma, mask_hw)
    (padded, width), count = chroma.padded, chroma.cells_hwc.shape[1]
    thrice = NetworkMap(
        np.tile(chroma.cells_hwc, (1, 3, 1)), (padded, 3 * width), (chroma.size[0], 3 * width)
    )
    filled = repair_cells(thrice, np.tile(mask_hw, (1, 3))).cells_hwc
    return replace(chroma, cells_hwc=np.ascontiguousarray(filled[:, count : 2 * count]))


def within_part(hints: str, part: Part) -> str:
    """Points of a page as points of its part that holds the print.

    Raises:
        ValueError: a point lies beside it.
    """
    top, left = part.rows.start, part.columns.start
    moved = [[x - left, y - top, colour] for x, y, colour in json.loads(hints)]
    for x, y, _ in moved:
        if not (0 <= x < part.size[1] and 0 <= y < part.size[0]):
            raise ValueError(
                f"hint at {x + left:g}, {y + top:g} lies beside the print that was found: "
                f"{part.size[1]}x{part.size[0]} at {left}, {top} (--content-box off takes the page)"
            )
    return json.dumps(moved)
