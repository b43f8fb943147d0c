"""Writing films: the film's own luma with our chroma, and all else of the film beside it.

Sound is copied packet by packet. What the container cannot hold is left out by name, never without
a word.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import av
import cv2
import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from av.filter import Graph
from numpy.typing import NDArray

from archive_colorizer.errors import WritePhotoError
from archive_colorizer.imaging.colour import colourfulness, lab_to_rgb, rgb_to_lab
from archive_colorizer.imaging.faults import one_line
from archive_colorizer.imaging.upsample import Method
from archive_colorizer.video.config import VideoConfig
from archive_colorizer.video.luma import BT709, FULL, LIMITED, Luma, luma_of
from archive_colorizer.video.planes import LUMA_RED_BLUE, Layout, chroma_planes
from archive_colorizer.video.reading import (
    PROGRESSIVE,
    UNKNOWN,
    ContainerReader,
    FilmFacts,
    Reader,
    Timed,
)
from archive_colorizer.video.streams import add_copied, keep_timecode

FORMATS: Final = {"mp4": "mp4", "mov": "mov", "mkv": "matroska"}
MIMES: Final = {"mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska"}
ENCODERS: Final = {"h264": "libx264", "prores": "prores_ks", "ffv1": "ffv1"}
GRAIN_PX: Final = 1.5
"""Grain of old films, about, in pixels."""
FFV1_BITS: Final = (8, 10, 12, 16)
BOTTOM_FIRST: Final = frozenset({3, 4})
"""AV_FIELD_BB and AV_FIELD_TB."""
BRANDS: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
"""Metadata of the container that a film came in, which the new one has anew."""
SAMPLED: Final = 25
"""Of so many frames one is measured."""


@dataclass(frozen=True, slots=True)
class Target:
    """The video stream that is written."""

    codec: str
    pixel_format: str
    layout: Layout
    width: int
    height: int
    field_order: int
    words: tuple[str, ...] = ()
    """What had to be changed, one line each."""


@dataclass(slots=True)
class Written:
    """What a film became."""

    width: int
    height: int
    relation: str
    """How its luma relates to the film's: identical_samples; identical_before_coding; or
    rescaled_before_coding, where depth, range or fields are others."""
    frames: int = 0
    words: list[str] = field(default_factory=list)
    colourfulness: list[float] = field(default_factory=list)


def plan_target(facts: FilmFacts, luma: Luma, video: VideoConfig) -> Target:
    """Choose how a film is stored, by what it is.

    Args:
        facts: of the film.
        luma: of its first frame.
        video: settings.
    """
    codec, words = video.resolved_codec, []
    bits, full, width, height = luma.bits, luma.is_full, facts.width, facts.height
    if codec == "prores":
        bits, full = 10, False
        if luma.is_full:
            words.append("full range of luma was brought to the limited one that ProRes has")
    elif codec == "h264":
        bits = 8 if luma.bits == 8 else 10
    else:
        bits = next((one for one in FFV1_BITS if one >= luma.bits), 16)
    if bits < luma.bits:
        words.append(f"luma of {luma.bits} bits was brought to the {bits} that {codec} has here")
    if codec != "ffv1" and (width % 2 or (height % 2 and codec == "h264")):
        width, height = width + width % 2, height + (height % 2 if codec == "h264" else 0)
        words.append(
            f"{facts.width}x{facts.height} became {width}x{height}: {codec} has even sides, the "
            "edge was repeated"
        )
    rows = codec != "prores"
    order = facts.field_order
    if facts.is_interlaced and video.deinterlace == "bwdif":
        order = PROGRESSIVE
    if order > PROGRESSIVE and rows and height % 4:
        order = PROGRESSIVE
        words.append(f"interlaced, but of {height} rows: its fields are not marked")
    matrix = _matrix(facts)
    grain_px = GRAIN_PX if video.steady == "on" else 0.0
    form = f"yuv42{'0' if rows else '2'}p" + ("" if bits == 8 else f"{bits}le")
    layout = Layout(matrix, bits, full, rows, order > PROGRESSIVE, grain_px)
    return Target(codec, form, layout, width, height, order, tuple(words))


def _matrix(facts: FilmFacts) -> int:
    """The film's own matrix; where it names none that is known, the one of its size."""
    if facts.matrix in LUMA_RED_BLUE:
        return facts.matrix
    if facts.format == "sequence" or facts.height >= 720 or facts.width >= 1280:
        return BT709
    return 5 if facts.height == 576 else 6


class FilmWriter:
    """Writes one film."""

    def __init__(self, video: VideoConfig, method: Method, labels: Mapping[str, str]) -> None:
        """Make ready.

        Args:
            video: settings.
            method: how chroma is brought to size.
            labels: metadata that the film gets beside its own.
        """
        self._video, self._method, self._labels = video, method, labels

    def write(self, name: str, reader: Reader, colours: Iterator[NDArray[np.float16]]) -> Written:
        """Write a film.

        Args:
            name: path of the file.
            reader: of the film.
            colours: CIE Lab a and b of each frame.

        Raises:
            WritePhotoError: it cannot be written so.
        """
        first = next(reader.frames())
        facts = reader.facts
        first_luma = luma_of(first.frame, facts.codec)
        target = plan_target(facts, first_luma, self._video)
        relation = self._relation(first_luma, facts, target)
        written = Written(target.width, target.height, relation, words=list(target.words))
        form = FORMATS[self._video.resolved_container]
        options = {} if form == "matroska" else {"movflags": "+faststart+use_metadata_tags"}
        try:
            with av.open(name, "w", format=form, options=options) as out:
                stream = self._add_video(out, facts, target)
                copied = add_copied(out, reader, written.words)
                own = {key: value for key, value in facts.metadata.items() if key not in BRANDS}
                out.metadata.update({**own, **self._labels})
                keep_timecode(out, stream, facts, written.words)
                for timed in self._timed(reader, out, copied):
                    frame = self._frame(timed, facts, target, next(colours), written)
                    out.mux(stream.encode(frame))
                    written.frames += 1
                out.mux(stream.encode())
        except FFmpegError as error:
            raise WritePhotoError(f"cannot be written as {form}: {one_line(error)}") from error
        except StopIteration as error:
            raise WritePhotoError("has more frames than were coloured: it has changed") from error
        return written

    def _relation(self, luma: Luma, facts: FilmFacts, target: Target) -> str:
        same = (luma.bits, luma.is_full) == (target.layout.bits, target.layout.is_full)
        if not same or (facts.is_interlaced and self._video.deinterlace == "bwdif"):
            return "rescaled_before_coding"
        return "identical_samples" if target.codec == "ffv1" else "identical_before_coding"

    def _add_video(self, out: Any, facts: FilmFacts, target: Target) -> Any:  # noqa: ANN401
        rate = facts.rate.limit_denominator(1 << 16)
        stream = out.add_stream(ENCODERS[target.codec], rate=rate, options=self._options(target))
        stream.width, stream.height = target.width, target.height
        stream.pix_fmt = target.pixel_format
        context = stream.codec_context
        context.time_base = stream.time_base = facts.time_base
        context.sample_aspect_ratio = facts.sample_aspect
        known = _tags(facts, target)
        context.color_primaries, context.color_trc, context.colorspace = known
        context.color_range = FULL if target.layout.is_full else LIMITED
        if target.layout.is_interlaced:
            context.field_order = target.field_order
        if facts.rotation:
            stream.set_display_rotation(facts.rotation)
        return stream

    def _options(self, target: Target) -> dict[str, str]:
        bottom = target.field_order in BOTTOM_FIRST
        if target.codec == "h264":
            given = {"preset": "medium", "crf": str(self._video.crf)}
            if target.layout.is_interlaced:
                given |= {"x264-params": "bff=1" if bottom else "tff=1"}
        elif target.codec == "prores":
            given = {"profile": "3"}
        else:
            given = {"level": "3", "slicecrc": "1", "g": "1"}
        if target.layout.is_interlaced and target.codec != "ffv1":
            given |= {"flags": "+ildct+ilme"}
        return given

    def _timed(self, reader: Reader, out: Any, copied: Mapping[int, Any]) -> Iterator[Timed]:  # noqa: ANN401
        """The film's frames; packets of other streams are written as they come."""
        if not isinstance(reader, ContainerReader):
            yield from reader.frames()
            return

        def frames() -> Iterator[VideoFrame]:
            for packet in reader.packets():
                if packet.stream.index == reader.stream.index:
                    yield from reader.decode(packet)
                elif packet.stream.index in copied and packet.dts is not None:
                    packet.stream = copied[packet.stream.index]
                    out.mux(packet)

        whole = reader.facts.is_interlaced and self._video.deinterlace == "bwdif"
        found = _deinterlaced(frames(), reader.facts) if whole else frames()
        yield from reader.timed(found)

    def _frame(
        self,
        timed: Timed,
        facts: FilmFacts,
        target: Target,
        ab_hw2: NDArray[np.float16],
        written: Written,
    ) -> VideoFrame:
        luma = luma_of(timed.frame, facts.codec)
        layout = target.layout
        plane_hw = luma.at_depth(layout.bits, full=layout.is_full)
        rows, columns = target.height - facts.height, target.width - facts.width
        seen_hw = luma.seen()
        if rows or columns:
            plane_hw, seen_hw = (
                np.pad(one, ((0, rows), (0, columns)), "edge") for one in (plane_hw, seen_hw)
            )
        cb, cr = chroma_planes(seen_hw, ab_hw2, layout, self._method)
        if timed.number % SAMPLED == 0:
            written.colourfulness.append(_measure(seen_hw, ab_hw2))
        frame = VideoFrame(target.width, target.height, target.pixel_format)
        for plane, values in zip(frame.planes, (plane_hw, cb, cr), strict=True):
            room = np.frombuffer(plane, values.dtype).reshape(plane.height, -1)
            room[:, : plane.width] = values
        frame.pts, frame.time_base = timed.pts, facts.time_base
        frame.color_primaries, frame.color_trc, frame.colorspace = _tags(facts, target)
        frame.color_range = FULL if layout.is_full else LIMITED
        return frame


def _tags(facts: FilmFacts, target: Target) -> tuple[int, int, int]:
    """Primaries, transfer and matrix: the film's own, else those that go with the matrix."""
    matrix = target.layout.matrix
    primaries = facts.primaries if facts.primaries not in (0, UNKNOWN) else matrix
    usual = {1: 1, 5: 5, 6: 6, 9: 14}[matrix]  # BT.709, 470BG, SMPTE 170M, BT.2020 of 10 bits
    transfer = facts.transfer if facts.transfer not in (0, UNKNOWN) else usual
    return primaries, transfer, matrix


def _deinterlaced(frames: Iterator[VideoFrame], facts: FilmFacts) -> Iterator[VideoFrame]:
    """Whole pictures, one a frame, at the frame's time (bwdif)."""
    graph: Graph | None = None
    times: deque[int | None] = deque()  # the filter counts in other steps
    parity = "bff" if facts.field_order in BOTTOM_FIRST else "tff"
    for frame in frames:
        if graph is None:
            graph = Graph()
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format,
                time_base=facts.time_base,
            )  # fmt: skip
            way = graph.add("bwdif", f"mode=send_frame:parity={parity}")
            graph.link_nodes(source, way, graph.add("buffersink")).configure()
        times.append(frame.pts)
        graph.vpush(frame)
        yield from _pull(graph, times)
    if graph is not None:
        graph.vpush(None)
        yield from _pull(graph, times)


def _pull(graph: Graph, times: deque[int | None]) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        frame.pts = times.popleft()
        yield frame


def _measure(seen_hw: NDArray[np.uint8], ab_hw2: NDArray[np.float16]) -> float:
    """Colourfulness of a frame, on the grid of its chroma."""
    size = ab_hw2.shape[1::-1]
    grey = cv2.resize(seen_hw, size, interpolation=cv2.INTER_AREA)
    lab = rgb_to_lab(cv2.merge([grey] * 3))
    lab[..., 1:] = ab_hw2
    return colourfulness(np.rint(lab_to_rgb(lab) * 255).astype(np.uint8))
