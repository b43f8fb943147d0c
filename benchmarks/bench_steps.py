"""The cost of each step at 1.5, 24 and 100 megapixels, and the memory of a 100 MP TIFF.

    python benchmarks/bench_steps.py

Also compares guided with bilinear chroma: how far chroma reduced to a proxy and brought back is
from the truth, on photographs whose true chroma is known.
"""

import io
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from common import gray_photograph, save, timed
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging import encode, quality
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.imaging.compose import Planes, compose
from archive_colorizer.imaging.decode import read_luma, read_reduced
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.tone import make_proxy, tone_class

SIZES = (1.5, 24.0, 100.0)
COMPOSER = """
import sys
from pathlib import Path
from archive_colorizer.cli.main import main
code = main(["colorize", sys.argv[1], sys.argv[2], "--engine", "local", "--format", sys.argv[3]])
# Not ru_maxrss: that starts from the size of the process that started this one.
lines = Path("/proc/self/status").read_text().splitlines()
print("PEAK", code, next(line for line in lines if line.startswith("VmHWM")).split()[1])
"""


def steps_of(megapixels: float) -> dict[str, float]:
    """Milliseconds of each step for a grey JPEG, one thread."""
    gray = gray_photograph(megapixels)
    source = io.BytesIO()
    Image.fromarray(gray).save(source, "JPEG", quality=90)
    header = read_header(source)
    reduced = read_reduced(source, header, 256).pixels
    proxy = make_proxy(reduced, 256)
    ab = wavy_cells(*proxy.shape)
    luma = read_luma(source, header).pixels
    figures = {
        "prepare": timed(lambda: make_proxy(read_reduced(source, header, 256).pixels, 256)),
        "tone": timed(lambda: tone_class(reduced)),
        "decode": timed(lambda: read_luma(source, header)),
        "fit_chroma": timed(lambda: compose(luma, ab)),
    }
    picture = compose(luma, ab)
    figures["ycc_planes"] = timed(picture.ycc_planes)
    forms: tuple[tuple[Format, int], ...] = (
        ("jpeg", 8), ("png", 8), ("tiff", 8), ("tiff", 16),
    )  # fmt: skip
    for name, bits in forms:
        settings = encode.Settings(name, 90, bits)
        repeat = 5 if name == "jpeg" else 1
        sink = io.BytesIO()

        def write(sink: io.BytesIO = sink, settings: encode.Settings = settings) -> None:
            sink.seek(0)
            sink.truncate()
            encode.encode(picture, sink, settings, Tags())

        figures[f"compose_encode_{name}_{bits}"] = timed(write, repeat=repeat)
        if name == "jpeg":
            planes = picture.ycc_planes()
            figures["measure_jpeg"] = timed(partial(measure, luma, planes, sink))
    return {key: round(1000 * seconds, 1) for key, seconds in figures.items()}


def measure(luma: NDArray[Any], planes: Planes, sink: io.BytesIO) -> None:
    """Compare a JPEG with its master, as delivery does."""
    meter = quality.Meter(luma)
    meter.planes(planes)
    quality.measure(sink, meter)


def wavy_cells(height: int, width: int) -> NetworkMap:
    """Chroma as the default says it: cells of four pixels of a proxy that is padded to 32."""
    padded = (-(-height // 32) * 32, -(-width // 32) * 32)
    y, x = np.mgrid[: padded[0] // 4, : padded[1] // 4]
    ab = np.stack((30 * np.sin(x / 10), 30 * np.cos(y / 7)), axis=-1)
    return NetworkMap(ab.astype(np.float16), padded, (height, width))


def peak_of_large_tiff(samples: int, image_format: str) -> dict[str, Any]:
    """Peak memory of the whole process that colours one 100 MP 16-bit TIFF."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "in").mkdir()
        gray = gray_photograph(100).astype(np.uint16) * 257
        pixels = gray if samples == 1 else np.repeat(gray[..., None], 3, axis=2)
        tifffile.imwrite(root / "in" / "master.tif", pixels, photometric="minisblack"
                         if samples == 1 else "rgb")  # fmt: skip
        size = (root / "in" / "master.tif").stat().st_size
        del gray, pixels
        done = subprocess.run(
            [sys.executable, "-c", COMPOSER, str(root / "in"), str(root / "out"), image_format],
            capture_output=True,
            text=True,
            check=True,
        )
    _, code, peak_kib = next(
        line for line in done.stdout.splitlines() if line.startswith("PEAK")
    ).split()
    return {
        "samples": samples,
        "format": image_format,
        "file_mb": round(size / 1e6),
        "exit_code": int(code),
        "peak_mib": round(int(peak_kib) / 1024),
    }


def upsampling_error() -> dict[str, Any]:
    """Mean |ab| error at full size of true chroma that went through cells of a 256-pixel proxy."""
    figures: dict[str, Any] = {}
    for name, rgb in colour_photographs():
        lab = rgb_to_lab(rgb)
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        scale = 256 / min(gray.shape)
        size = tuple(round(side * scale) for side in gray.shape)
        padded = (-(-size[0] // 4) * 4, -(-size[1] // 4) * 4)
        small = cv2.resize(lab[..., 1:], size[::-1], interpolation=cv2.INTER_AREA)
        below, right = padded[0] - size[0], padded[1] - size[1]
        small = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
        cells = cv2.resize(small, (padded[1] // 4, padded[0] // 4), interpolation=cv2.INTER_AREA)
        ab = NetworkMap(cells.astype(np.float16), padded, (size[0], size[1]))
        errors = {}
        for method in ("bilinear", "guided"):
            out = np.concatenate(list(compose(gray, ab, method).rgb_strips(8, 4096)))
            gap = rgb_to_lab(out)[..., 1:] - lab[..., 1:]
            errors[method] = round(float(np.hypot(gap[..., 0], gap[..., 1]).mean()), 3)
        figures[name] = errors
    figures["mean"] = {
        method: round(float(np.mean([figures[name][method] for name in figures])), 3)
        for method in ("bilinear", "guided")
    }
    return figures


def main() -> None:
    cv2.setNumThreads(1)
    large = [
        peak_of_large_tiff(1, "tiff"),
        peak_of_large_tiff(1, "jpeg"),
        peak_of_large_tiff(3, "jpeg"),
        peak_of_large_tiff(1, "png"),
    ]
    save(
        "bench_steps",
        {
            "what": "grey JPEG masters, milliseconds a step on one thread, median of five",
            "ms": {f"{size:g} MP": steps_of(size) for size in SIZES},
            "large_16_bit_tiff": large,
            "chroma_error_at_full_size": upsampling_error(),
        },
    )


if __name__ == "__main__":
    main()
