"""Films: colours that stay, beside each frame by itself, and the time that they take.

    python benchmarks/bench_video.py                  # flicker and PSNR, and where cuts are found
    python benchmarks/bench_video.py --speed 60       # a film of 60 s at 720p, and stills beside it

Films are made from scikit-image's pictures in colour (`made_films.py`), so that the truth is known:
the worn colour film, of whose luma the black-and-white film is made. The same command colours it
with `--steady on` and `off`. Flicker is the mean change of CIE Lab chroma from frame to frame along
the motion of the clean film, where both frames show the place; the colour film's own is beside it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from common import RESULTS, save, write_archive
from made_films import RATE, MadeFilm, Wear, luma_of_rgb, make_film, write_grey
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.video.shots import CutFinder, sign_of
from archive_colorizer.video.steady import TRUSTED, Float, MotionFinder

PSNR_PEAK = 255.0
SEEDS = range(2, 10)


def run(command: str, source: Path, output: Path, *more: str) -> tuple[float, float]:
    """Seconds of one command, and seconds of cores that it used: others may be busy, too."""
    words = [sys.executable, "-m", "archive_colorizer", command, str(source), str(output), *more]
    start_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*words, "--quiet", "--engine", "local"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(time.monotonic() - start_s, 1), round(used_s, 1)


def read_rgb(path: Path) -> list[NDArray[np.uint8]]:
    """The frames of a film."""
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def flicker(frames: list[NDArray[np.uint8]], film: MadeFilm) -> list[float]:
    """Flicker of each shot, along the motion of the clean film."""
    edges = [0, *film.cuts, len(frames)]
    return [_flicker(frames[a:b], film.clean[a:b]) for a, b in pairwise(edges)]


def _flicker(frames: list[NDArray[np.uint8]], clean: list[NDArray[np.uint8]]) -> float:
    height, width = frames[0].shape[:2]
    finder = MotionFinder((height // 2, width // 2))
    chroma: list[Float] = [
        cv2.resize(rgb_to_lab(one)[..., 1:], (width // 2, height // 2),
                   interpolation=cv2.INTER_AREA) for one in frames
    ]  # fmt: skip
    lumas = [luma_of_rgb(one) for one in clean]
    total = places = 0.0
    for (before, after), pair in zip(pairwise(chroma), pairwise(lumas), strict=True):
        back, _ = finder.between(*pair)
        seen = back.trust_hw > TRUSTED
        total += float(np.linalg.norm(after - back.pull(before), axis=-1)[seen].sum())
        places += float(seen.sum())
    return round(total / places, 3)


def psnr(frames: list[NDArray[np.uint8]], film: MadeFilm) -> float:
    """PSNR against the worn colour film, dB."""
    pairs = zip(frames, film.worn, strict=True)
    mse = np.mean([np.mean((a.astype(np.float32) - b) ** 2) for a, b in pairs])
    return round(float(10 * np.log10(PSNR_PEAK**2 / mse)), 3)


def chroma_of(frames: list[NDArray[np.uint8]]) -> float:
    """Mean CIE Lab chroma."""
    return round(
        float(np.mean([np.linalg.norm(rgb_to_lab(one)[..., 1:], axis=-1).mean()
                       for one in frames[::6]])), 2)  # fmt: skip


def measure_quality(frames_a_shot: int) -> dict[str, Any]:
    """Colour one film by its frames and steadily."""
    film = make_film(frames_a_shot)
    found: dict[str, Any] = {"colour_film": {"flicker": flicker(film.worn, film),
                                             "chroma": chroma_of(film.worn)}}  # fmt: skip
    grey = [np.repeat(luma_of_rgb(one)[..., None], 3, axis=2) for one in film.worn]
    found["grey"] = {"psnr_db": psnr(grey, film)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = root / "film.mkv"
        write_grey(source, film)
        for name, steady in (("frame_by_frame", "off"), ("steady", "on")):
            run("video", source, root / name, "--container", "mkv", "--steady", steady)
            made = read_rgb(root / name / "film.colorized.mkv")
            found[name] = {"flicker": flicker(made, film), "psnr_db": psnr(made, film),
                           "chroma": chroma_of(made)}  # fmt: skip
            print(name, found[name], flush=True)
    by_frame, steady_one = (np.array(found[one]["flicker"]) for one in ("frame_by_frame", "steady"))
    found["times_lower"] = [round(float(one), 1) for one in by_frame / steady_one]
    return {
        "what": f"3 shots of {frames_a_shot} frames, 320x240: two layers, grain, gate weave, "
        "exposure flicker, scratches, a splice, a fade; builtin:default",
        **found,
    }


def measure_cuts() -> dict[str, Any]:
    """Find cuts in films of several seeds, more and less worn."""
    found = missed = false = 0
    for seed in SEEDS:
        wear = Wear(grain=2.0 * (seed % 4), weave_px=0.3 * (seed % 5), exposure=0.02 * (seed % 4))
        film = make_film(24, (192, 144), wear, seed)
        finder = CutFinder()
        for one in film.worn:
            finder.add(sign_of(luma_of_rgb(one)))
        cuts = set(finder.finish())
        found += len(cuts & set(film.cuts))
        missed += len(set(film.cuts) - cuts)
        false += len(cuts - set(film.cuts))
    return {"films": len(SEEDS), "found": found, "missed": missed, "false": false}


def measure_speed(seconds: int) -> dict[str, Any]:
    """One film of so many seconds at 720p with sound, and stills of the same size beside it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        film = make_film(34, (1280, 720))
        again = -(-seconds * RATE // len(film.worn))
        film = MadeFilm([], film.worn * again, ())
        write_grey(root / "film.mp4", film, "libx264", sound=True)
        frames = len(film.worn)
        del film
        load = os.getloadavg()[0]
        took_s, used_s = run("video", root / "film.mp4", root / "colour")
        write_archive(root / "stills", 48, 1280 * 720 / 1e6)
        stills_s, stills_used_s = run("colorize", root / "stills", root / "colour-stills")
        after = os.getloadavg()[0]
    return {
        "what": f"{frames} frames of 1280x720, H.264 with sound to the same, one command",
        "seconds": took_s, "core_seconds": used_s,
        "frames_a_core_second": round(frames / used_s, 2),
        "stills": 48, "stills_seconds": stills_s, "stills_core_seconds": stills_used_s,
        "stills_a_core_second": round(48 / stills_used_s, 2),
        "load_before_and_after": [round(load, 1), round(after, 1)], "cores": os.cpu_count(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=36, help="of each shot")
    parser.add_argument("--speed", type=int, metavar="SECONDS", help="measure the time alone")
    args = parser.parse_args()
    stored = RESULTS / "video.json"
    known = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    known = {name: known[name] for name in ("quality", "cuts", "speed") if name in known}
    if args.speed:
        known["speed"] = measure_speed(args.speed)
    else:
        known |= {"cuts": measure_cuts(), "quality": measure_quality(args.frames)}
    save("video", known)


if __name__ == "__main__":
    main()
