"""Seam and poles of coloured panoramas, with and without `--projection equirectangular`.

    python benchmarks/bench_projection.py [--height PX]

Six panoramas of a whole turn, made from the sample photographs so that the truth has no seam, are
coloured by jobs as JPEG, PNG and TIFF, and with points of known colour at either side of the seam.
Seam: mean |difference| of Cb and Cr over it, beside the 95th percentile of that from a column to
the next; of a JPEG, whose seam is an edge of blocks, of that over the other edges, on chroma as it
is stored. Poles: deviation of the chroma along the first and the last rows. Error: mean distance of
a and b from the truth, by area on the sphere. Then, on the network's own cells, the two figures on
which the margin and the smoothing were chosen, and the way that was rejected: both poles coloured
where the equator is, after a turn by 90 degrees, and laid back.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow.dataset as ds
from common import ROOT, save
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.errors import PhotoError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.projection import Panorama, even_poles, lay_back, margin_of, wrapped
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer, open_colorizer
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.registry.resolve import resolve

sys.path.insert(0, str(ROOT / "tests" / "support"))

from panoramas import panoramas, seam_of, spread_of_rows

WAYS: Final = {
    "jpeg": {"format": "jpeg"}, "png": {"format": "png"}, "tiff": {"format": "tiff"},
    "png, hints": {"format": "png"},
}  # fmt: skip
ROWS: Final = 1 / 100
"""First and last rows, of the height: within 2 degrees of a pole."""
CAP: Final = 60.0
"""Latitude, degrees, from which a pole's surroundings are counted."""
PROXY_PX: Final = 256
MARGINS: Final = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 1.0)
BLURS: Final = {"none": 0.0, "1/360": 1 / 360, "1/180": 1 / 180, "1/120": 1 / 120, "1/60": 1 / 60}
Pixels = NDArray[Any]


def do_jobs(place: Path, truths: Mapping[str, Pixels]) -> dict[str, Any]:
    """Colour them flat and as panoramas, in each way."""
    masters = place / "masters"
    masters.mkdir()
    points = ["path,x,y,colour"]
    for name, rgb in truths.items():
        Image.fromarray(rgb).convert("L").save(masters / f"{name}.png")
        height, width = rgb.shape[:2]
        points += [f"{name}.png,{x},{height // 2},#2040c0" for x in (3, width - 4)]
    (place / "hints.csv").write_text("\n".join(points))
    found: dict[str, Any] = {}
    for way, output in WAYS.items():
        for projection in ("flat", "equirectangular"):
            config = JobConfig(source=str(masters), output=str(place / f"{way}-{projection}"))
            settings = {"color": {"projection": projection},
                        "output": output, "run": {"engine": "local", "report": "off"}}  # fmt: skip
            if "hints" in way:
                settings["select"] = {"hints": str(place / "hints.csv")}
            config = overlay(config, settings, "benchmark")
            assert colorize(config).is_clean
            found.setdefault(way, {})[projection] = judge(config.output, truths)
    return found


def judge(output: str, truths: Mapping[str, Pixels]) -> dict[str, float]:
    rows = ds.dataset(Path(output) / "manifest").to_table().to_pylist()
    figures = []
    for row in rows:
        path = Path(output, row["derivative_key"])
        made = np.asarray(Image.open(path).convert("RGB"))
        truth = truths[row["derivative_key"].partition(".")[0]]
        seam = seam_of(path)
        count = max(1, round(ROWS * len(made)))
        figures.append({
            "seam": seam.over,
            "columns_p95": seam.inside,
            "seam_to_p95": seam.over / seam.inside,
            "pole_spread": spread_of_rows(made, count),
            "pole_spread_of_truth": spread_of_rows(truth, count),
            "first_row_spread": spread_of_rows(made, 1),
            **distances(_ab(made), _ab(truth)),
        })  # fmt: skip
    mean = {key: statistics.fmean(one[key] for one in figures) for key in figures[0]}
    worst = max(one["seam_to_p95"] for one in figures)
    return {key: round(value, 3) for key, value in mean.items()} | {
        "seam_to_p95_worst": round(worst, 3)
    }


def _ab(rgb_hw3: Pixels) -> Pixels:
    small = cv2.resize(rgb_hw3, (2 * PROXY_PX, PROXY_PX), interpolation=cv2.INTER_AREA)
    return rgb_to_lab(np.asarray(small))[..., 1:]


def distances(ab_hw2: Pixels, truth_hw2: Pixels) -> dict[str, float]:
    """Mean distance by area on the sphere: of all, near the seam, and about the poles."""
    height, width = ab_hw2.shape[:2]
    latitude = np.abs(90 - 180 * (np.arange(height) + 0.5) / height)
    area = np.repeat(np.cos(np.radians(latitude))[:, None], width, axis=1)
    away = np.hypot(*np.moveaxis(ab_hw2 - truth_hw2, 2, 0))
    turn = np.arange(width) / width
    near = np.broadcast_to((turn < 1 / 16) | (turn >= 15 / 16), area.shape)
    cap = np.broadcast_to((latitude > CAP)[:, None], area.shape)
    places = {"error": np.ones_like(near), "error_near_seam": near, "error_about_poles": cap}
    return {
        name: float((away * area)[where].sum() / area[where].sum())
        for name, where in places.items()
    }


class Asked:
    """The shipped model's chroma of proxies, on its own cells."""

    def __init__(self) -> None:
        self._colorizer: Colorizer = open_colorizer(resolve("builtin:default"))

    def raw(self, gray_hw: Pixels) -> NetworkMap:
        (answer,) = self._colorizer([GreyPicture(np.ascontiguousarray(gray_hw))])
        assert not isinstance(answer, PhotoError)
        return answer.cells.channels(0, 2)

    def round_(self, gray_hw: Pixels, margin: int) -> NetworkMap:
        return lay_back(self.raw(wrapped(gray_hw, margin)), gray_hw.shape[1], margin)


def choose(truths: Mapping[str, Pixels]) -> dict[str, Any]:
    """Margins, smoothing and the other way, as means over the panoramas."""
    asked = Asked()
    margins: dict[str, list[float]] = {}
    poles: dict[str, list[dict[str, float]]] = {}
    for rgb in truths.values():
        size = (2 * PROXY_PX, PROXY_PX)
        gray = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        truth = _ab(rgb)
        half = gray.shape[1] // 2
        inside = np.roll(asked.raw(np.roll(gray, half, 1)).at_size(), -half, 1)
        ways: dict[str, Pixels] = {"none": asked.raw(gray).at_size()}
        ways |= {f"{share:g}": asked.round_(gray, round(share * PROXY_PX)).at_size()
                 for share in MARGINS}  # fmt: skip
        for name, ab in ways.items():
            margins.setdefault(name, []).append(distances(ab, inside)["error_near_seam"])
        chosen = asked.round_(gray, margin_of(PROXY_PX))
        ways = {name: even_poles(chosen, Panorama(), blur).at_size()
                for name, blur in BLURS.items()}  # fmt: skip
        ways["turned by 90 degrees"] = turn_poles(gray, chosen.at_size(), asked)
        for name, ab in ways.items():
            spread = float(np.concatenate((ab[:2], ab[-2:])).std(1).mean())
            error = distances(ab, truth)["error_about_poles"]
            poles.setdefault(name, []).append({"error_about_poles": error, "spread": spread})
    return {
        "margin_distance_from_no_edge_there": {
            name: round(statistics.fmean(values), 2) for name, values in margins.items()
        },
        "poles": {
            name: {key: round(statistics.fmean(one[key] for one in many), 2) for key in many[0]}
            for name, many in poles.items()
        },
    }


def turn_poles(gray: Pixels, ab_hw2: Pixels, asked: Asked) -> Pixels:
    """Chroma of the poles from a picture in which they lie on the equator."""
    height, width = gray.shape
    y, x = np.mgrid[:height, :width]
    up, turn = np.pi * (0.5 - (y + 0.5) / height), 2 * np.pi * (x + 0.5) / width - np.pi
    a, b, c = np.cos(up) * np.sin(turn), np.sin(up), np.cos(up) * np.cos(turn)
    turned = _looked_up(gray, a, c, -b)
    said = asked.round_(turned, margin_of(height)).at_size()
    back = _looked_up(said, a, -c, b)
    weight = np.clip((np.degrees(np.abs(up)) - 45) / 20, 0, 1)[..., None]
    return np.asarray(ab_hw2 * (1 - weight) + back * weight)


def _looked_up(picture: Pixels, a: Pixels, b: Pixels, c: Pixels) -> Pixels:
    """An equirectangular picture in other directions: a to the right, b up, c ahead."""
    height, width = picture.shape[:2]
    turn, up = np.arctan2(a, c), np.arcsin(np.clip(b, -1, 1))
    across = (turn / (2 * np.pi) + 0.5) * width - 0.5 + 1
    down = (0.5 - up / np.pi) * height - 0.5
    return np.asarray(cv2.remap(
        np.ascontiguousarray(wrapped(picture, 1, 1)), across.astype(np.float32),
        down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    ))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=1024)
    args = parser.parse_args()
    truths = dict(panoramas(args.height))
    with tempfile.TemporaryDirectory() as place:
        jobs = do_jobs(Path(place), truths)
    figures = {"height": args.height, "panoramas": len(truths), "jobs": jobs, **choose(truths)}
    print(figures)
    save("projection", figures)


if __name__ == "__main__":
    main()
