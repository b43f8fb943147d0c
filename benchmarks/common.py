"""Parts that the benchmarks share: photographs to work on, the machine, and where figures go."""

import json
import platform
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import psutil
from PIL import Image

from archive_colorizer.demo import colour_photographs

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("ray", "torch", "pillow", "opencv-python-headless", "simplejpeg", "tifffile", "pyarrow")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, versions, commit, date."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "cpu": cpu,
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": commit.stdout.strip(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def save(name: str, figures: dict[str, Any]) -> None:
    """Write figures with the machine beside them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **figures}, indent=2) + "\n")
    print(f"written: {path.relative_to(ROOT)}")


def write_between(name: str, text: str) -> None:
    """Put text between the marks `<!-- NAME -->` and `<!-- /NAME -->` of docs/results.md."""
    path = ROOT / "docs" / "results.md"
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(first)
    _, ended, after = rest.partition(last)
    if not found or not ended:
        raise ValueError(f"{path} has no {first} and {last}")
    path.write_text(f"{before}{first}\n\n{text}\n\n{last}{after}", encoding="utf-8")
    print(f"written: {path.relative_to(ROOT)}")


def gray_photograph(megapixels: float, number: int = 0) -> np.ndarray:
    """A sample photograph taken to grey at about so many megapixels."""
    photographs = [rgb for _, rgb in colour_photographs()]
    gray = cv2.cvtColor(photographs[number % len(photographs)], cv2.COLOR_RGB2GRAY)
    if number // len(photographs) % 2:
        gray = gray[:, ::-1]
    scale = (megapixels * 1e6 / gray.size) ** 0.5
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))


FORMS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "jpeg": ("jpg", {"quality": 90}),
    "png": ("png", {}),
    "tiff": ("tif", {}),
    "tiff-deflate": ("tif", {"compression": "tiff_adobe_deflate"}),
}
"""Masters' suffix, and how Pillow writes them."""


def write_archive(folder: Path, count: int, megapixels: float = 1.5, form: str = "jpeg") -> None:
    """A folder of grey pictures: twelve different ones (or `count`), each many times."""
    folder.mkdir(parents=True)
    suffix, options = FORMS[form]
    encoded = []
    for number in range(min(12, count)):
        path = folder / f"first-{number}.{suffix}"
        Image.fromarray(gray_photograph(megapixels, number)).save(path, **options)
        encoded.append(path.read_bytes())
        path.unlink()
    for number in range(count):
        (folder / f"{number:06d}.{suffix}").write_bytes(encoded[number % len(encoded)])


def timed(function: Any, *, repeat: int = 5) -> float:  # noqa: ANN401 (any callable)
    """Median seconds of a call."""
    seconds = []
    for _ in range(repeat):
        start_s = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start_s)
    return float(np.median(seconds))
