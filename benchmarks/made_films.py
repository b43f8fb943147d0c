"""Films made from pictures of scikit-image, in colour, so that the truth is known.

Layers move by themselves, one before the other; the film gets grain, gate weave, exposure flicker,
scratches, a splice, fades and cuts. A frame is RGB; its luma is the black-and-white film.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Float = NDArray[np.float32]
PICTURES: Final = ("astronaut", "coffee", "chelsea", "rocket", "cat", "immunohistochemistry")
SCENES: Final = (("coffee", "chelsea"), ("astronaut", "rocket"), ("chelsea", "astronaut"))
"""Background and what moves before it, of each shot."""
RATE: Final = 25


@dataclass(frozen=True, slots=True)
class Wear:
    """How worn the film is."""

    grain: float = 4.0
    """Deviation of grain that all colours share, of 255; each has a quarter of its own, too."""
    weave_px: float = 0.7
    """Deviation of the frames' place in the gate."""
    exposure: float = 0.04
    """Deviation of their exposure."""
    scratches: int = 2
    """Lines a frame, about."""
    has_splice: bool = True
    """Whether one frame of the film is torn."""


@dataclass(frozen=True, slots=True)
class MadeFilm:
    """One film: clean frames, and the worn ones as a colour film would have them."""

    clean: list[NDArray[np.uint8]]
    worn: list[NDArray[np.uint8]]
    cuts: tuple[int, ...]
    """Frames that begin a shot, but for the first."""


def make_film(
    frames_a_shot: int = 48, size: tuple[int, int] = (320, 240), wear: Wear | None = None,
    seed: int = 1,
) -> MadeFilm:  # fmt: skip
    """Make a film of one shot a scene.

    Args:
        frames_a_shot: frames of each.
        size: width and height.
        wear: None takes the usual.
        seed: of all chance.
    """
    wear, rng = wear or Wear(), np.random.default_rng(seed)
    clean, worn = [], []
    for number, names in enumerate(SCENES):
        for place, frame in enumerate(_shot(names, frames_a_shot, size, rng)):
            moved = _weave(frame, wear, rng)
            fade = 1.0
            if number == len(SCENES) - 1:  # the film fades out
                fade = min(1.0, (frames_a_shot - place) / 16)
            clean.append(_bytes(moved * fade))
            torn = wear.has_splice and number == 0 and place == frames_a_shot // 2
            worn.append(_bytes(_wear(moved * fade, wear, rng, torn=torn)))
    return MadeFilm(clean, worn, tuple(number * frames_a_shot for number in range(1, len(SCENES))))


def _shot(
    names: tuple[str, str], count: int, size: tuple[int, int], rng: np.random.Generator
) -> Iterator[Float]:
    """Yield a pan over one picture, with a part of another that crosses it and turns."""
    width, height = size
    back, front = (_picture(name) for name in names)
    scale = 1.35 * max(width / back.shape[1], height / back.shape[0])
    back = cv2.resize(back, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = height // 2
    front = cv2.resize(front, (side, side), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:side, :side]
    away = np.hypot((x - side / 2) / (side / 2), (y - side / 2) / (side / 2)) ** 4
    mask = np.clip((1 - away.astype(np.float32)) * 8, 0, 1)
    way = rng.uniform(0.2, 0.5, 2)
    room = np.array([back.shape[1] - width, back.shape[0] - height])
    for number in range(count):
        t = number / max(1, count - 1)
        left, top = room * way * t
        view = np.array([[1, 0, -left], [0, 1, -top]], np.float32)
        frame = cv2.warpAffine(back, view, size, borderMode=cv2.BORDER_REFLECT)
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), 12 * np.sin(6 * t), 1.0)
        turn[:, 2] += (-side / 3 + t * width * 0.9, height * (0.3 + 0.1 * np.sin(5 * t)))
        own = cv2.warpAffine(front, turn, size)
        cover = cv2.warpAffine(mask, turn, size)[..., None]
        yield np.asarray(frame * (1 - cover) + own * cover, np.float32)


def _picture(name: str) -> Float:
    picture: Any = getattr(data, name)()
    return np.ascontiguousarray(picture[..., :3].astype(np.float32))


def _weave(frame: Float, wear: Wear, rng: np.random.Generator) -> Float:
    dx, dy = rng.normal(0, wear.weave_px, 2)
    moved = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(cv2.warpAffine(frame, moved, size, borderMode=cv2.BORDER_REFLECT))


def _wear(frame: Float, wear: Wear, rng: np.random.Generator, *, torn: bool) -> Float:
    height, width = frame.shape[:2]
    worn = frame * np.float32(1 + rng.normal(0, wear.exposure))
    shared = rng.normal(0, wear.grain, (height, width, 1))
    worn = worn + shared + rng.normal(0, wear.grain / 4, frame.shape)
    for _ in range(rng.poisson(wear.scratches)):
        at = int(rng.integers(0, width - 1))
        worn[:, at] += rng.choice([-60, 80])
    if torn:
        worn[height // 3 :] = np.roll(worn[height // 3 :], width // 5, axis=1)
    return np.asarray(worn, np.float32)


def _bytes(frame: Float) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(frame), 0, 255), np.uint8)


def luma_of_rgb(rgb_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma by BT.709, as the film has it: full range, (H, W) uint8."""
    return np.asarray(np.rint(rgb_hw3 @ np.array([0.2126, 0.7152, 0.0722])), np.uint8)


def write_grey(path: Path, film: MadeFilm, codec: str = "ffv1", sound: bool = False) -> None:
    """Write the black-and-white film, with a tone as its sound.

    Args:
        path: of the file; its ending names the container.
        film: to be written.
        codec: of the pictures: ffv1 or libx264.
        sound: whether it has any.
    """
    height, width = film.worn[0].shape[:2]
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.colorspace = 1
        stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        stream.codec_context.color_range = 2
        audio: Any = out.add_stream("aac", rate=48000, layout="mono") if sound else None
        for number, rgb in enumerate(film.worn):
            frame = av.VideoFrame(width, height, "yuv420p")
            for place, plane in enumerate(frame.planes):
                rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
                rows[:, : plane.width] = luma_of_rgb(rgb) if place == 0 else 128
            frame.pts, frame.color_range, frame.colorspace = number, 2, 1
            out.mux(stream.encode(frame))
            if audio is not None:
                _add_tone(out, audio, number)
        out.mux(stream.encode())
        if audio is not None:
            out.mux(audio.encode())


def _add_tone(out: Any, audio: Any, number: int) -> None:  # noqa: ANN401 (PyAV's)
    count = 48000 // RATE
    at = np.arange(count) + number * count
    wave = (0.2 * np.sin(at * 2 * np.pi * 440 / 48000)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48000, number * count
    out.mux(audio.encode(frame))
