"""Train `builtin:cleared` anew: on photographs that may be used freely, from random weights.

    python benchmarks/train_cleared.py SHARDS WORK [OPTION ...]

SHARDS is a folder of Parquet shards with a column `source`, of which SOURCES are taken. Pictures
are drawn beside them whose colours follow from nothing, so that the network learns to say that it
does not know: dead leaves (Matheron 1968; Lee, Mumford & Huang 2001), which have edges, occlusions
and textures at all scales, as photographs have. WORK gets both and the run.
"""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import ROOT
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.imaging.colour import lab_to_rgb

SETTINGS = ROOT / "jobs" / "settings" / "cleared.toml"
SOURCES = ("clothing-small",)
DRAWN = 900
SIDE_PX = 160
LEAVES = 260
CHROMA = 45.0
"""Largest distance from grey of a leaf, CIE Lab."""


def texture(rng: np.random.Generator, slope: float) -> NDArray[np.float32]:
    """Noise whose amplitude falls with frequency to a power, of deviation 1: (SIDE_PX, SIDE_PX)."""
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE_PX), np.fft.fftfreq(SIDE_PX)))
    f[0, 0] = np.inf
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(f.shape)) / f**slope).real
    return np.asarray(noise / noise.std(), np.float32)


def dead_leaves(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw leaves over one another, sizes by a power law; lightness and hue know nothing of each
    other: (SIDE_PX, SIDE_PX, 3) sRGB.
    """
    lab = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
    textures = [texture(rng, slope) for slope in (0.6, 1.0, 1.4)]
    sizes = 4 / np.sqrt(rng.uniform((4 / 90) ** 2, 1, LEAVES))
    for radius in sizes:
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        at = tuple(int(one) for one in rng.integers(-20, SIDE_PX + 20, 2))
        if rng.random() < 0.5:
            axes = (int(radius), max(1, int(radius * rng.uniform(0.3, 1))))
            cv2.ellipse(mask, at, axes, float(rng.uniform(0, 360)), 0, 360, 1, -1)
        else:
            corners = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            reach = radius * rng.uniform(0.5, 1.2, len(corners))
            points = np.stack([np.cos(corners), np.sin(corners)], 1) * reach[:, None] + at
            cv2.fillPoly(mask, [points.astype(np.int32)], 1)
        hue, chroma = rng.uniform(0, 2 * np.pi), CHROMA * np.sqrt(rng.random())
        light = rng.uniform(5, 95) + rng.uniform(0, 14) * textures[rng.integers(len(textures))]
        leaf = np.stack([light, np.full_like(light, chroma * np.cos(hue)),
                         np.full_like(light, chroma * np.sin(hue))], -1)  # fmt: skip
        lab = np.where(mask[..., None] > 0, leaf, lab)
    lab[..., 0] = np.clip(cv2.GaussianBlur(lab[..., 0], (0, 0), 0.7), 0, 100)
    return np.asarray(np.rint(np.clip(lab_to_rgb(lab), 0, 1) * 255), np.uint8)


def gather(shards: Path, folder: Path) -> None:
    """Write the photographs that are taken, and the drawn pictures, as one shard."""
    tables = [pq.read_table(path, columns=["image", "name", "source", "split"])
              for path in sorted(shards.glob("photos-*.parquet"))]  # fmt: skip
    table = pa.concat_tables(tables)
    table = table.filter(pc.is_in(table["source"], value_set=pa.array(SOURCES)))
    rng = np.random.default_rng(0)
    encoded = []
    for _ in range(DRAWN):
        buffer = io.BytesIO()
        Image.fromarray(dead_leaves(rng)).save(buffer, "PNG")
        encoded.append(buffer.getvalue())
    drawn = pa.table({
        "image": encoded, "name": [f"drawn {number}" for number in range(DRAWN)],
        "source": ["drawn"] * DRAWN, "split": ["train"] * DRAWN,
    })  # fmt: skip
    folder.mkdir(parents=True)
    pq.write_table(
        pa.concat_tables([table, drawn.cast(table.schema)]),
        folder / "photos.parquet",
        row_group_size=100,
    )


if __name__ == "__main__":
    source, work, *options = sys.argv[1:]
    data = Path(work) / "data"
    if not data.exists():
        gather(Path(source), data)
    words = ["train", "chroma_unet", str(data), "--output", str(Path(work) / "run"), "--resume"]
    rights = ["--data-rights", "cleared", "--config", str(SETTINGS)]
    sys.exit(main([*words, *rights, *options]))
