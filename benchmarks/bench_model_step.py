"""The model step from array to array against the network's own rate on the device; old and new way.

    python benchmarks/bench_model_step.py [--batches 1 16 64 256] [--seconds 0.3] [--enlarge-px 512]

The old way brought chroma and doubt to the proxy's size on the device and fetched
them as float32. Also: bytes of a picture between the workers, and enlarging from array to array
against the network alone, with bfloat16 against float32. Runs on a GPU where there is one.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from common import gray_photograph, save
from numpy.typing import NDArray

from archive_colorizer.inference.batching import BUCKET_PX, Chroma, GreyPicture, stack_padded
from archive_colorizer.inference.colorizer import Colorizer, open_colorizer
from archive_colorizer.inference.device import Precision
from archive_colorizer.inference.enlarger import CUDA_TILES, MARGIN_PX, TILE_PX, Enlarger
from archive_colorizer.inference.runner import Runner, open_runner
from archive_colorizer.inference.tensors import to_gray_tensor
from archive_colorizer.registry.resolve import resolve

PROXY = (256, 384)
"""Of a 3:2 picture."""
CUDA = torch.cuda.is_available()


def quickest(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Seconds of the quickest call of each, turn by turn; without a GPU seconds of the processor,
    which others on the machine do not take.
    """
    clock = time.perf_counter if CUDA else time.process_time
    best = dict.fromkeys(calls, float("inf"))
    for call in calls.values():  # kernels are chosen, and graphs recorded
        for _ in range(5 if CUDA else 0):
            call()
    until = time.perf_counter() + seconds * len(calls)
    turns = 0
    while turns < 3 or time.perf_counter() < until:
        turns += 1
        for name, call in calls.items():
            _wait()
            start_s = clock()
            call()
            _wait()
            best[name] = min(best[name], clock() - start_s)
    return best


def _wait() -> None:
    if CUDA:
        torch.cuda.synchronize()


def old_way(runner: Runner, pictures: list[GreyPicture]) -> list[tuple[NDArray[Any], ...]]:
    """As it was: float32 pictures of chroma and of doubt came back."""

    def forward() -> list[tuple[NDArray[Any], ...]]:
        gray_bhw = stack_padded([picture.gray_hw for picture in pictures], BUCKET_PX)
        found = runner.module.predict(to_gray_tensor(gray_bhw, runner.device))
        both = torch.cat((found.ab_b2hw, found.doubt_b1hw), dim=1)
        both = F.interpolate(both, size=gray_bhw.shape[1:], mode="bilinear")
        ab, doubt = both[:, :2].float().cpu().numpy(), both[:, 2:].float().cpu().numpy()
        height, width = PROXY
        return [(a[:, :height, :width], d[0, :height, :width])
                for a, d in zip(ab, doubt, strict=True)]  # fmt: skip

    return runner(forward)


def measure_model(precision: Precision, batches: list[int], seconds: float) -> list[dict[str, Any]]:
    model, found = resolve("builtin:default"), []
    colorizer: Colorizer = open_colorizer(model, precision)
    runner = open_runner(model, precision)
    for count in batches:
        rng = np.random.default_rng(0)
        pictures = [GreyPicture(rng.integers(0, 256, PROXY, np.uint8)) for _ in range(count)]
        on_device = torch.rand(count, 1, *PROXY, device=runner.device)
        times = quickest({
            "device": partial(runner, partial(runner.module.predict, on_device)),
            "old": partial(old_way, runner, pictures),
            "new": partial(colorizer, pictures, 64),
        }, seconds)  # fmt: skip
        rates = {name: count / taken for name, taken in times.items()}
        found.append({
            "precision": colorizer.precision, "batch": count,
            **{f"{name}_pictures_per_s": round(value, 2) for name, value in rates.items()},
            "old_of_device": round(rates["old"] / rates["device"], 3),
            "new_of_device": round(rates["new"] / rates["device"], 3),
            "new_of_old": round(rates["new"] / rates["old"], 3),
        })  # fmt: skip
        print(found[-1])
    return found


def measure_bytes() -> dict[str, int]:
    """Bytes of chroma and doubt of one picture on the way back, and between the workers."""
    (answer,) = open_colorizer(resolve("builtin:default"))([GreyPicture(gray_photograph(0.1))])
    assert isinstance(answer, Chroma)
    height, width = answer.cells.size
    return {
        "proxy": height * width,
        "fetched_old": 3 * 4 * height * width, "fetched_new": answer.cells.cells_hwc.nbytes,
        "travels_old": 2 * 2 * height * width, "travels_new": answer.cells.cells_hwc.nbytes,
    }  # fmt: skip


def measure_enlarging(name: str, edge: int, seconds: float) -> dict[str, Any]:
    model = resolve(f"builtin:{name}")
    precision: Precision = "auto" if CUDA else "float32"
    runner = open_runner(model, precision)
    luma = cv2.resize(gray_photograph(1.5), (edge, edge), interpolation=cv2.INTER_AREA)
    tile, count = TILE_PX + 2 * MARGIN_PX, CUDA_TILES if CUDA else 1
    tiles = torch.rand(count, 3, tile, tile, device=runner.device)
    times = quickest({
        "alone": partial(runner, partial(runner.module.enlarge, tiles)),
        "whole": partial(Enlarger(runner).luma, luma),
    }, seconds)  # fmt: skip
    quick = Enlarger(Runner(runner.module, "bfloat16")).luma(luma).astype(float)
    exact = Enlarger(Runner(runner.module, "float32")).luma(luma).astype(float)
    alone_mp = count * tile**2 / 1e6 / times["alone"]
    whole_mp = luma.size / 1e6 / times["whole"]
    found = {
        "model": name, "precision": runner.precision, "edge_px": edge,
        "network_alone_mp_per_s": round(alone_mp, 3), "array_to_array_mp_per_s": round(whole_mp, 3),
        "of_the_network": round(whole_mp / alone_mp, 3),
        "bfloat16_mean_difference": round(float(np.abs(quick - exact).mean()), 3),
        "bfloat16_max_difference": float(np.abs(quick - exact).max()),
        "bfloat16_psnr": round(float(10 * np.log10(255**2 / ((quick - exact) ** 2).mean())), 2),
    }  # fmt: skip
    print(found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+",
                        default=[1, 16, 64, 256] if CUDA else [1, 8])  # fmt: skip
    parser.add_argument("--seconds", type=float, default=0.5, help="for a figure, at least")
    parser.add_argument("--enlarge-px", type=int, default=1024 if CUDA else 320)
    args = parser.parse_args()
    torch.set_num_threads(1)
    save("model_step", {
        "what": "builtin:default from uint8 arrays to arrays of chroma and doubt, proxies of "
                f"{PROXY[0]} x {PROXY[1]}, one thread; the quickest of several calls, "
                "in seconds of the processor without a GPU",
        "device": torch.cuda.get_device_name() if CUDA else "cpu",
        "model": [row for precision in ("auto", "float32")
                  for row in measure_model(precision, args.batches, args.seconds)],
        "bytes": measure_bytes(),
        "enlarging": [measure_enlarging(name, args.enlarge_px, args.seconds)
                      for name in ("upscale-x2", "upscale-x4")],
    })  # fmt: skip


if __name__ == "__main__":
    main()
