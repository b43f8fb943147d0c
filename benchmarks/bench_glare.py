"""Glare on validation photographs: what is flagged, and what the repair of chroma and luma gains.

    python benchmarks/bench_glare.py CORPUS [--photographs N] [--coloured N] [--side PX]

The first N photographs of CORPUS/val-00.parquet, clean and with one drawn reflection each: discs,
streaks and veils in turn, over 0.2 to 5 % of the picture. The chroma that builtin:default gives is
compared with what it gives for the clean photograph, and with the photograph's own.
"""

import argparse
import io
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
from common import save
from drawn_glare import KINDS, Drawn, draw_glare
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.errors import PhotoError
from archive_colorizer.imaging.glare import find_glare
from archive_colorizer.imaging.glare_repair import repair_chroma, repair_luma
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import open_colorizer
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.registry.resolve import resolve

PROXY_PX = 256
Photograph = tuple[NDArray[np.uint8], NDArray[np.uint8], Drawn]


def photographs(corpus: Path, count: int) -> list[Photograph]:
    """RGB, its luma, and that with a reflection; a white picture on which none shows is left."""
    rng = np.random.default_rng(7)
    found: list[Photograph] = []
    for batch in pq.ParquetFile(corpus / "val-00.parquet").iter_batches(50, columns=["image"]):
        for row in batch.to_pylist():
            rgb = np.asarray(Image.open(io.BytesIO(row["image"])).convert("RGB"))
            gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
            if len(found) == count:
                return found
            try:
                found.append((rgb, gray, draw_glare(gray, rng, KINDS[len(found) % len(KINDS)])))
            except ValueError:
                continue
    return found


def detection(pictures: list[Photograph]) -> dict[str, Any]:
    clean = [find_glare(gray) for _, gray, _ in pictures]
    made = [find_glare(drawn.gray_hw) for _, _, drawn in pictures]
    bright = [float((gray >= 250).mean()) > 0.005 for _, gray, _ in pictures]
    hits = [bool((one.mask_hw & drawn.mask_hw).any())
            for one, (_, _, drawn) in zip(made, pictures, strict=True)]  # fmt: skip
    kinds = {
        kind: float(np.mean([hit for hit, one in zip(hits, pictures, strict=True)
                             if one[2].kind == kind]))
        for kind in KINDS
    }  # fmt: skip
    covered = [
        (one.mask_hw & drawn.mask_hw).sum() / drawn.mask_hw.sum()
        for one, hit, (_, _, drawn) in zip(made, hits, pictures, strict=True)
        if hit
    ]
    return {
        "photographs": len(pictures),
        "clean_flagged": float(np.mean([one.mask_hw.any() for one in clean])),
        "clean_with_white": float(np.mean(bright)),
        "clean_share_mean": float(np.mean([one.share for one in clean])),
        "found": float(np.mean(hits)),
        "found_by_kind": kinds,
        "covered_of_those_found": float(np.mean(covered)) if covered else None,
    }


def historic(corpus: Path) -> dict[str, Any]:
    """What is flagged of the historic photographs, and the processor's time for one."""
    paths = sorted(path for path in (corpus / "historic").iterdir() if path.suffix == ".jpg")
    proxies = []
    for path in paths:
        gray = np.asarray(Image.open(path).convert("L"))
        scale = PROXY_PX / min(gray.shape)
        size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
        proxies.append(np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA)))
    start_s = time.process_time()
    flagged = [path.name for path, one in zip(paths, proxies, strict=True)
               if find_glare(one).mask_hw.any()]  # fmt: skip
    ms = (time.process_time() - start_s) * 1000 / len(paths)
    return {"photographs": len(paths), "flagged": flagged, "processor_ms": round(ms, 1)}


def smaller(picture: Photograph, side: int) -> Photograph:
    """The same, its short side reduced, as a job's proxies are."""
    rgb, gray, drawn = picture
    scale = min(1.0, side / min(gray.shape))
    size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
    rgb, gray, lit, mask = (
        np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA))
        for one in (rgb, gray, drawn.gray_hw, drawn.mask_hw.astype(np.uint8) * 255)
    )
    return rgb, gray, Drawn(lit, mask > 127, drawn.kind)


def repair(pictures: list[Photograph], batch_size: int = 4) -> dict[str, Any]:
    colorizer = open_colorizer(resolve("builtin:default"))
    rows: list[dict[str, Any]] = []
    for start in range(0, len(pictures), batch_size):
        part = pictures[start : start + batch_size]
        asked = [GreyPicture(gray) for _, gray, _ in part]
        asked += [GreyPicture(drawn.gray_hw) for _, _, drawn in part]
        answers = colorizer(asked, batch_size)
        for i, (rgb, gray, drawn) in enumerate(part):
            clean, made = answers[i], answers[i + len(part)]
            assert not isinstance(clean, PhotoError)
            assert not isinstance(made, PhotoError)
            tensor = torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None]
            truth = rgb_to_lab(tensor)[0, 1:].numpy()
            rows.append(_compare(clean.ab_2hw, made.ab_2hw, truth, gray, drawn))
        print(f"{len(rows)} of {len(pictures)}", flush=True)
    found = [row for row in rows if row["found"]]
    return {
        "photographs": len(rows),
        "found": len(found),
        "outside_bit_equal": all(row["outside_equal"] for row in rows),
        "in_masks_found": _means(found, "found_"),
        "in_drawn_masks_of_those_found": _means(found, "drawn_"),
        "in_drawn_masks_of_all": _means(rows, "drawn_"),
        "with_drawn_masks_known": _means(rows, "known_"),
        "luma_in_masks_found": _means(found, "luma_"),
    }


def _means(rows: list[dict[str, Any]], start: str) -> dict[str, float]:
    names = [name for name in rows[0] if name.startswith(start)] if rows else []
    return {name.removeprefix(start): float(np.mean([row[name] for row in rows]))
            for name in names}  # fmt: skip


def _compare(
    clean: NDArray[Any], made: NDArray[Any], truth: NDArray[Any], gray: NDArray[np.uint8],
    drawn: Drawn,
) -> dict[str, Any]:  # fmt: skip
    """Mean distance of ab inside masks, before and after, from the clean colours and the true."""
    found = find_glare(drawn.gray_hw).mask_hw
    after, known = repair_chroma(made, found), repair_chroma(made, drawn.mask_hw)
    luma = repair_luma(drawn.gray_hw, found)
    outside = ~found
    row: dict[str, Any] = {
        "found": bool((found & drawn.mask_hw).any()),
        "outside_equal": np.array_equal(after[:, outside], made[:, outside])
        and np.array_equal(luma[outside], drawn.gray_hw[outside]),
    }
    for start, where, repaired in (
        ("found_", found, after), ("drawn_", drawn.mask_hw, after), ("known_", drawn.mask_hw, known)
    ):  # fmt: skip
        for name, other in (("clean", clean), ("truth", truth)):
            for when, ab in (("before", made), ("after", repaired)):
                gap = np.linalg.norm(ab - other, axis=0)[where]
                row[f"{start}{name}_{when}"] = float(gap.mean()) if gap.size else 0.0
    for when, one in (("before", drawn.gray_hw), ("after", luma)):
        gap = np.abs(one.astype(int) - gray)[found]
        row[f"luma_{when}"] = float(gap.mean()) if gap.size else 0.0
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--coloured", type=int, default=200)
    parser.add_argument("--side", type=int, default=256, help="short side that the model sees")
    args = parser.parse_args()
    pictures = photographs(args.corpus, args.photographs)
    figures: dict[str, Any] = {
        "detection": detection(pictures), "historic": historic(args.corpus),
    }  # fmt: skip
    print(figures, flush=True)
    if args.coloured:
        small = [smaller(one, args.side) for one in pictures[: args.coloured]]
        figures["repair"] = {"side_px": args.side} | repair(small)
        print(figures["repair"])
    save("glare", figures)


if __name__ == "__main__":
    main()
