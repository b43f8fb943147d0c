"""Reading films: frames in their order, with their times, from whatever FFmpeg reads.

A film is a container, or a folder of frames. What is broken in it costs its frames and no others:
it is counted, and told in the film's row.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any, Final, Protocol

import av
from av import VideoFrame
from av.error import EOFError as EndOfFile
from av.error import FFmpegError

from archive_colorizer.errors import (
    MissingPhotoError,
    PhotoError,
    TruncatedPhotoError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from archive_colorizer.imaging.faults import one_line
from archive_colorizer.storage import S3Settings, open_parts, open_uri, parse_location
from archive_colorizer.video.films import Film

ENCRYPTED: Final = frozenset({"encv", "drmi"})
"""Sample entries of protected streams in MP4 and MOV."""
CLOCK: Final = Fraction(1, 90000)
"""Time base of films whose container names none."""
_DURATION: Final = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
UNKNOWN: Final = 2
"""Unspecified, of FFmpeg's primaries, transfer and matrix."""
PROGRESSIVE: Final = 1
"""AV_FIELD_PROGRESSIVE; what is larger has fields."""
COVER: Final = 1024
"""AV_DISPOSITION_ATTACHED_PIC: a picture of the film, not the film."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A frame and its place in the film."""

    number: int
    """From 0, counted from where reading began."""
    pts: int
    """In the film's time base; each is larger than the one before."""
    frame: VideoFrame


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a film is, by its header and its first frame."""

    codec: str
    format: str
    """FFmpeg's name of the container."""
    pixel_format: str
    width: int
    height: int
    bits: int
    time_base: Fraction
    rate: Fraction
    """Frames a second, about; of variable rate the mean."""
    frames: int
    """That the header names; 0 for unknown."""
    duration_s: float
    """That the header names; 0 for unknown."""
    rotation: int
    """Degrees that the frames are to be turned by for viewing, counter-clockwise."""
    field_order: int
    """FFmpeg's: 1 progressive, 2 to 5 interlaced."""
    sample_aspect: Fraction
    primaries: int
    transfer: int
    matrix: int
    metadata: dict[str, str] = field(default_factory=dict)
    timecode: str = ""

    @property
    def is_interlaced(self) -> bool:
        """Whether a frame holds two fields of different times."""
        return self.field_order > PROGRESSIVE


@dataclass(slots=True)
class Faults:
    """What went wrong while a film was read."""

    packets: int = 0
    """Parts that could not be decoded."""
    times: int = 0
    """Frames whose time was missing, or not after the one before."""
    broke_off: str = ""
    """Why reading ended before the film did; empty where it did not."""


class Reader(Protocol):
    """A film that is open."""

    facts: FilmFacts
    faults: Faults

    def frames(self, start: int = 0, start_pts: int | None = None) -> Iterator[Timed]:
        """Yield frames, numbered from `start`; once.

        Args:
            start: number of the first frame that is wanted.
            start_pts: its time, by which it is sought; None counts from the beginning.
        """


@contextmanager
def open_film(film: Film, s3: S3Settings, rate: Fraction) -> Iterator["Reader"]:
    """Open a film.

    Args:
        film: as it was listed.
        s3: the way to object stores.
        rate: frames a second of a sequence.

    Raises:
        PhotoError: it is not there, no film, has no video stream, or is encrypted.
    """
    if film.frames:
        yield SequenceReader(film, s3, rate)
        return
    reader = ContainerReader(film.uri, s3)
    try:
        yield reader
    finally:
        reader.close()


def _open_container(uri: str, s3: S3Settings) -> Any:  # noqa: ANN401 (PyAV's)
    place = parse_location(uri)
    try:
        file = open_parts(place, s3) if place.is_s3 else place.path
        return av.open(file, "r", metadata_errors="replace")
    except FileNotFoundError as error:
        raise MissingPhotoError("listed, but not there any more") from error
    except FFmpegError as error:
        raise UnreadablePhotoError(f"is no film that can be read: {error.strerror}") from error
    except OSError as error:
        raise UnreadablePhotoError(f"cannot be read: {error.strerror or error}") from error


def _video_stream(container: Any) -> Any:  # noqa: ANN401 (PyAV's)
    """The film's first stream of moving pictures.

    Raises:
        UnsupportedPhotoError: there is none, or none that can be decoded.
    """
    videos = [one for one in container.streams.video if not one.disposition & COVER]
    if not videos:
        raise UnsupportedPhotoError("has no video stream")
    stream = videos[0]
    if stream.codec_context is None:
        raise UnsupportedPhotoError("its video codec is not known")
    if stream.codec_context.codec_tag in ENCRYPTED:
        raise UnsupportedPhotoError("is encrypted (DRM): a copy without protection is needed")
    stream.thread_type = "AUTO"
    return stream


class ContainerReader:
    """A file of one of FFmpeg's containers."""

    def __init__(self, uri: str, s3: S3Settings) -> None:
        self._uri, self._s3 = uri, s3
        self.container: Any = None
        self._restart()
        first = next(self._decode(), None)
        if first is None:
            why = self.faults.broke_off or "none of its frames can be decoded"
            self.close()
            raise TruncatedPhotoError(f"has a video stream, but no pictures: {why}")
        self.facts = _facts(self.container, self.stream, first)
        self._step = max(1, round(1 / (self.facts.rate * self.facts.time_base)))

    def close(self) -> None:
        """Close the file."""
        if self.container is not None:
            self.container.close()

    def frames(self, start: int = 0, start_pts: int | None = None) -> Iterator[Timed]:
        """Yield frames as `Reader` says; a seek that misses begins again at the beginning."""
        self._restart()
        if start and start_pts is not None:
            found = self._seek(start_pts)
            if found is not None:
                yield from self.timed(found, start)
                return
            self._restart()
        yield from (one for one in self.timed(self._decode()) if one.number >= start)

    def packets(self) -> Iterator[Any]:
        """Yield the packets of all streams, in the file's order, until it ends or breaks off."""
        self._restart()
        return self._demux()

    def decode(self, packet: Any) -> list[VideoFrame]:  # noqa: ANN401 (PyAV's)
        """Decode one packet of the video; what cannot be decoded is counted."""
        try:
            return list(packet.decode())
        except EndOfFile:
            return []
        except FFmpegError:
            self.faults.packets += 1
            return []

    def timed(self, frames: Iterator[VideoFrame], start: int = 0) -> Iterator[Timed]:
        """Number frames and give each a time after the one before."""
        last: int | None = None
        for number, frame in enumerate(frames, start):
            if (frame.width, frame.height) != (self.facts.width, self.facts.height):
                raise UnsupportedPhotoError(f"its pictures change their size at frame {number:,}")
            pts = frame.pts
            if pts is None or (last is not None and pts <= last):
                self.faults.times += 1
                pts = 0 if last is None else last + self._step
            last = pts
            yield Timed(number, pts, frame)

    def _seek(self, pts: int) -> Iterator[VideoFrame] | None:
        """Frames from the one of this time on; None where it is not met."""
        try:
            self.container.seek(pts, stream=self.stream, backward=True)
        except FFmpegError:
            return None
        found = self._decode()
        for frame in found:
            if frame.pts is None or frame.pts > pts:
                return None
            if frame.pts == pts:
                return chain((frame,), found)
        return None

    def _restart(self) -> None:
        """Open the file anew: not every container can be sought to its beginning."""
        self.close()
        self.faults = Faults()
        self.container = _open_container(self._uri, self._s3)
        try:
            self.stream = _video_stream(self.container)
        except PhotoError:
            self.close()
            raise

    def _decode(self) -> Iterator[VideoFrame]:
        for packet in self._demux(self.stream):
            yield from self.decode(packet)

    def _demux(self, *streams: Any) -> Iterator[Any]:  # noqa: ANN401
        packets = iter(self.container.demux(*streams))
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self.faults.broke_off = one_line(error.strerror or error)
                return
            if packet is None:
                return
            yield packet


class SequenceReader:
    """A folder of frames, each a file of its own."""

    def __init__(self, film: Film, s3: S3Settings, rate: Fraction) -> None:
        self._uris, self._s3 = film.frames, s3
        self.faults = Faults()
        self._sides: tuple[int, int] | None = None
        first = self._read(self._uris[0])
        self.facts = FilmFacts(
            codec=first.format.name, format="sequence", pixel_format=first.format.name,
            width=first.width, height=first.height,
            bits=max(part.bits for part in first.format.components),
            time_base=1 / rate, rate=rate, frames=len(film.frames),
            duration_s=float(len(film.frames) / rate), rotation=0, field_order=PROGRESSIVE,
            sample_aspect=Fraction(1), primaries=first.color_primaries, transfer=first.color_trc,
            matrix=UNKNOWN if first.format.is_rgb else first.colorspace,
        )  # fmt: skip
        self._sides = (first.width, first.height)

    def frames(self, start: int = 0, start_pts: int | None = None) -> Iterator[Timed]:
        """Yield frames as `Reader` says; one that cannot be read is the one before it again."""
        last: VideoFrame | None = None
        for number, uri in enumerate(self._uris[start:], start):
            try:
                last = self._read(uri)
            except PhotoError:
                self.faults.packets += 1
                if last is None:
                    raise
            yield Timed(number, number, last)

    def _read(self, uri: str) -> VideoFrame:
        try:
            with open_uri(uri, self._s3) as file, av.open(file, "r") as container:
                frame = next(container.decode(video=0))
        except FileNotFoundError as error:
            raise MissingPhotoError(f"{uri}: listed, but not there any more") from error
        except (FFmpegError, OSError, StopIteration) as error:
            raise UnreadablePhotoError(f"{uri}: cannot be read: {one_line(error)}") from error
        if self._sides not in (None, (frame.width, frame.height)):
            raise UnsupportedPhotoError(f"{uri}: has another size than the frames before it")
        return frame


def _facts(container: Any, stream: Any, first: VideoFrame) -> FilmFacts:  # noqa: ANN401
    context = stream.codec_context
    time_base = stream.time_base or CLOCK
    duration_s = float(stream.duration * time_base) if stream.duration else _tagged(stream)
    if not duration_s and container.duration and len(container.streams) == 1:
        duration_s = container.duration / av.time_base  # of several, it is the longest one's
    order = context.field_order
    if order <= PROGRESSIVE:
        order = 2 if first.interlaced_frame else PROGRESSIVE
    codes = [one.metadata.get("timecode", "") for one in container.streams]
    return FilmFacts(
        codec=context.name, format=container.format.name, pixel_format=first.format.name,
        width=first.width, height=first.height,
        bits=max(part.bits for part in first.format.components), time_base=time_base,
        rate=stream.average_rate or stream.guessed_rate or Fraction(25), frames=stream.frames,
        duration_s=duration_s, rotation=first.rotation, field_order=order,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        primaries=first.color_primaries, transfer=first.color_trc,
        matrix=UNKNOWN if first.format.is_rgb else first.colorspace,
        metadata=dict(container.metadata),
        timecode=next(filter(None, (*codes, container.metadata.get("timecode", ""))), ""),
    )  # fmt: skip


def _tagged(stream: Any) -> float:  # noqa: ANN401 (PyAV's)
    """Seconds by the tag that Matroska has for each stream; 0 for none."""
    found = _DURATION.match(stream.metadata.get("DURATION", ""))
    return sum(float(part) * 60**power for part, power in zip(found.groups(), (2, 1, 0),
               strict=True)) if found else 0.0  # fmt: skip
