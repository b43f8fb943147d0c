"""How much does the engine cost: the whole job on Ray against a plain loop and against the bound.

    python benchmarks/bench_pipeline.py [--small 300] [--large 3000]

Fixed cost and marginal rate of the job on Ray come from two sizes. The bound is what the cores
could do if the engine cost nothing: the steps' own time a picture on one core (both decodes are
in it), from the manifests of plain loops that keep every core busy at once, divided by the cores.
A plain loop that has the machine to itself is given too: there a core is quicker, since it shares
neither cache nor memory. Peak memory is of the whole process tree.

The codec bound is what decoding, reducing and encoding alone do on every core (`codec_bound`): no
job can be quicker. Printed at the end is the table of shares: what each step takes of a picture.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pyarrow.compute as pc
import pyarrow.dataset as ds
from common import gray_photograph, save, write_archive
from PIL import Image

from archive_colorizer.pipeline.output.rows import STEP_TIMES


class Watch(threading.Thread):
    """Peak memory of a process tree (proportional set size) and when the first picture came."""

    def __init__(self, pid: int, output: Path) -> None:
        super().__init__(daemon=True)
        self.process, self.output = psutil.Process(pid), output
        self.peak_mib = self.peak_worker_mib = 0.0
        self.first_s: float | None = None
        self.start_s = time.monotonic()
        self.gpu_percent: list[float] = []
        self._before = psutil.cpu_times()

    def run(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self._look()
            time.sleep(0.25)

    def _look(self) -> None:
        if self.first_s is None and next(self.output.glob("*.colorized.*"), None):
            self.first_s = time.monotonic() - self.start_s
        try:
            family = [self.process, *self.process.children(recursive=True)]
            sizes = [child.memory_full_info().pss / 2**20 for child in family]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return
        self.gpu_percent += gpu_percent()
        self.peak_mib = max(self.peak_mib, sum(sizes))
        self.peak_worker_mib = max(self.peak_worker_mib, *sizes)

    def cores_busy(self) -> float:
        """Share of the machine's processor time that was used since the start, by anybody."""
        now = psutil.cpu_times()
        used, idle = (
            sum(getattr(now, name) - getattr(self._before, name) for name in names)
            for names in (("user", "nice", "system", "irq", "softirq"), ("idle", "iowait"))
        )
        return float(used / max(used + idle, 1e-9))


def gpu_percent() -> list[float]:
    """How busy each GPU is, as the driver says; empty where there is none."""
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    said = subprocess.run(query, capture_output=True, text=True, check=False)
    return [float(line) for line in said.stdout.splitlines() if line.strip().isdigit()]


CODEC = """
import io, sys, time
import cv2, numpy as np, simplejpeg
cv2.setNumThreads(1)
data = sys.stdin.buffer.read()
width, height = int(sys.argv[1]), int(sys.argv[2])
chroma = np.full((-(-height // 2), -(-width // 2)), 120, np.uint8)
end, count = time.monotonic() + float(sys.argv[3]), 0
while time.monotonic() < end:
    small = simplejpeg.decode_jpeg(data, "RGB", min_height=256, min_width=256, min_factor=1)
    cv2.resize(small, (384, 256), interpolation=cv2.INTER_AREA)
    luma = simplejpeg.decode_jpeg(data, "GRAY")[..., 0]
    luma = cv2.copyMakeBorder(luma, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    simplejpeg.encode_jpeg_yuv_planes(luma[:height, :width], chroma, chroma, 90)
    count += 1
print(count)
"""
"""Both decodes, the proxy and the encoding of a picture: nothing else."""


def codec_bound(cores: int, seconds: float = 10.0) -> float:
    """Pictures a second that all cores decode, reduce and encode, 1.5 MP grey JPEGs."""
    gray, data = gray_photograph(1.5), io.BytesIO()
    Image.fromarray(gray).save(data, "JPEG", quality=90)
    words = [sys.executable, "-c", CODEC, str(gray.shape[1]), str(gray.shape[0]), str(seconds)]

    def work(_: int) -> int:
        done = subprocess.run(words, input=data.getvalue(), capture_output=True, check=True)
        return int(done.stdout)

    with ThreadPoolExecutor(cores) as pool:
        return sum(pool.map(work, range(cores))) / seconds


def shares(run: dict[str, Any]) -> str:
    """The table of what each step takes of a picture."""
    total = sum(run["step_ms"].values())
    lines = [f"{'step':<10}{'ms':>8}{'share':>8}"]
    lines += [f"{name:<10}{ms:>8.1f}{ms / total:>8.0%}" for name, ms in run["step_ms"].items()]
    gpu = "none" if run["gpu_busy"] is None else f"{run['gpu_busy']:.0%}"
    lines.append(f"{'all':<10}{total:>8.1f}    cores busy {run['cores_busy']:.0%}, GPU busy {gpu}")
    return "\n".join(lines)


def run_job(source: Path, output: Path, engine: str) -> dict[str, Any]:
    """One job in a process of its own."""
    words = [sys.executable, "-m", "archive_colorizer", "colorize", str(source), str(output)]
    start_s = time.monotonic()
    # The plain loop gets one core, as each actor of the fused plan does.
    environment = os.environ | ({"OMP_NUM_THREADS": "1"} if engine == "local" else {})
    process = subprocess.Popen(
        [*words, "--engine", engine],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    watch = Watch(process.pid, output)
    watch.start()
    code = process.wait()
    seconds, cores_busy = time.monotonic() - start_s, watch.cores_busy()
    watch.join(5)
    if code:
        raise SystemExit(f"{engine} on {source}: exit code {code}")
    return {
        "seconds": round(seconds, 2),
        "first_picture_s": round(watch.first_s or seconds, 2),
        "peak_mib": round(watch.peak_mib),
        "peak_process_mib": round(watch.peak_worker_mib),
        "cores_busy": round(cores_busy, 3),
        "gpu_busy": round(sum(gpus) / len(gpus) / 100, 3) if (gpus := watch.gpu_percent) else None,
        "step_ms": step_ms(output),
    }


def step_ms(output: Path) -> dict[str, float]:
    """Mean milliseconds a picture of each step, from the manifest."""
    table = ds.dataset(output / "manifest").to_table()
    return {name: round(pc.mean(table[f"ms_{name}"]).as_py(), 2) for name in STEP_TIMES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=300)
    parser.add_argument("--large", type=int, default=3000)
    args = parser.parse_args()
    cores = psutil.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for count in (args.small, args.large):
            write_archive(root / f"in-{count}", count)
        source = root / f"in-{args.small}"
        alone = run_job(source, root / "alone", "local")
        with ThreadPoolExecutor(cores) as pool:
            outputs = [root / f"local-{number}" for number in range(cores)]
            together = list(pool.map(lambda output: run_job(source, output, "local"), outputs))
        small = run_job(root / f"in-{args.small}", root / "ray-small", "ray")
        codecs = codec_bound(cores)
        large = run_job(root / f"in-{args.large}", root / "ray-large", "ray")
    marginal_s = (large["seconds"] - small["seconds"]) / (args.large - args.small)
    per_picture = [sum(run["step_ms"].values()) / 1000 for run in together]
    bound = cores * len(per_picture) / sum(per_picture)
    save(
        "bench_pipeline",
        {
            "what": f"{args.small} and {args.large} grey JPEGs of 1.5 MP, builtin:default",
            "ray_fixed_s": round(small["seconds"] - args.small * marginal_s, 2),
            "ray_marginal_pictures_per_s": round(1 / marginal_s, 2),
            "bound_pictures_per_s": round(bound, 2),
            "marginal_of_bound": round(1 / marginal_s / bound, 3),
            "codec_bound_pictures_per_s": round(codecs, 1),
            "marginal_of_codec_bound": round(1 / marginal_s / codecs, 3),
            "first_picture_s": small["first_picture_s"],
            "local_alone": alone,
            "local_on_every_core": together,
            "ray_small": small,
            "ray_large": large,
        },
    )
    print(shares(large))
    print(
        f"{1 / marginal_s:.1f} pictures/s; {1 / marginal_s / bound:.0%} of the steps' bound, "
        f"{1 / marginal_s / codecs:.0%} of the codecs' {codecs:.0f} pictures/s"
    )


if __name__ == "__main__":
    main()
