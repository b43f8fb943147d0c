"""Small films for tests, drawn and written by PyAV."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Paint = Callable[[int, int, int], np.ndarray]


def drawn_frame(number: int, height: int, width: int) -> np.ndarray:
    """Grey picture of a patterned square that moves before slopes, 0 to 255 as float32."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    gray = 90 + 50 * np.sin(x / 17) + 40 * np.cos(y / 11)
    left, top = 8 + 2 * number % (width // 2), 10 + number % (height // 2)
    v, u = np.mgrid[: height // 3, : width // 4].astype(np.float32)
    gray[top : top + height // 3, left : left + width // 4] = (
        120 + 35 * np.sin(u / 3) * np.cos(v / 4) + 20 * np.sin((u + v) / 7)
    )
    return gray


def other_scene(number: int, height: int, width: int) -> np.ndarray:
    """Another scene, which no flow connects with the first."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return 60 + 120 * ((x // 13 + y // 9) % 2) + 10 * np.sin(number / 5)


def write_film(
    path: Path,
    *,
    frames: int = 50,
    size: tuple[int, int] = (160, 120),
    codec: str = "ffv1",
    pixel_format: str = "yuv420p",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    cut: int | None = None,
    sound: str = "",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    field_order: int = 0,
    metadata: dict[str, str] | None = None,
    timecode: str = "",
    matrix: int = 1,
) -> list[np.ndarray]:
    """Write a film, and give the Y planes that went in."""
    width, height = size
    planes = []
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.colorspace = context.color_primaries = context.color_trc = matrix
        context.color_range = 1
        if field_order:
            context.field_order = field_order
        if rotation:
            stream.set_display_rotation(rotation)
        out.metadata.update(metadata or {})
        if timecode:
            stream.metadata["timecode"] = timecode
        audio = out.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number in range(frames):
            scene = other_scene if cut is not None and number >= cut else drawn_frame
            plane = stored(scene(number, height, width), pixel_format)
            planes.append(plane)
            frame = frame_of(plane, pixel_format)
            frame.pts, frame.time_base = (pts[number] if pts else number), time_base
            frame.colorspace = frame.color_primaries = frame.color_trc = matrix
            frame.color_range = 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if audio is not None:
            write_tone(out, audio, frames / 25)
    return planes


def stored(gray: np.ndarray, pixel_format: str) -> np.ndarray:
    """Grey of 0 to 255 as limited luma of the format's depth."""
    bits = av.VideoFormat(pixel_format).components[0].bits
    luma = (16 + gray * 219 / 255) * (1 << (bits - 8))
    noise = np.random.default_rng(1).integers(0, 3, gray.shape)
    return np.rint(luma + noise).astype(np.uint8 if bits == 8 else np.uint16)


def frame_of(plane: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """A frame with that luma, and no colour."""
    height, width = plane.shape
    frame = av.VideoFrame(width, height, pixel_format)
    bits = frame.format.components[0].bits
    for number, room in enumerate(frame.planes):
        rows = np.frombuffer(room, plane.dtype).reshape(room.height, -1)
        rows[:, : room.width] = plane if number == 0 else 1 << (bits - 1)
    return frame


def write_tone(out: Any, audio: Any, seconds: float) -> None:
    kind = "s16" if "pcm" in audio.codec_context.name else "fltp"
    for start in range(0, int(seconds * 48000), 1024):
        wave = 0.2 * np.sin((np.arange(1024) + start) / 20)
        data = (wave * 32767).astype(np.int16) if kind == "s16" else wave.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(data[None], format=kind, layout="mono")
        frame.sample_rate, frame.pts = 48000, start
        out.mux(audio.encode(frame))
    out.mux(audio.encode())


def lumas_of(path: Path) -> list[np.ndarray]:
    """The Y planes of a film."""
    found = []
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            plane = frame.planes[0]
            bits = frame.format.components[0].bits
            dtype = np.uint8 if bits == 8 else np.uint16
            rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            found.append(rows[:, : plane.width].copy())
    return found


def times_of(path: Path) -> list[Fraction]:
    """Seconds of each frame, from the first on."""
    with av.open(str(path)) as film:
        times = [frame.pts * frame.time_base for frame in film.decode(video=0)]
    return [one - times[0] for one in times]


def sound_of(path: Path) -> list[bytes]:
    """The packets of the first stream of sound."""
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(audio=0) if packet.size]


def add_subtitles(path: Path, to: Path) -> None:
    """Copy a film, with one line of text beside it."""
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,200 --> 00:00:00,700\na line\n\n", encoding="utf-8")
    with (
        av.open(str(path)) as film,
        av.open(str(text)) as lines,
        av.open(str(to), "w") as out,
    ):
        for given in (film, lines):
            out.add_stream_from_template(given.streams[0])
        for given, stream in zip((film, lines), list(out.streams), strict=True):
            for packet in given.demux(given.streams[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    text.unlink()
