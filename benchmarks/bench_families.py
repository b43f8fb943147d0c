"""The families against each other and against grey: the tables of docs/results.md.

    python benchmarks/bench_families.py SHARDS RUNS

SHARDS holds val-00.parquet; RUNS holds the folders that `archive-colorizer train` left: pix2pix,
autoencoder, chroma_unet, cwgan_gp, unet_perceptual, biggan_inversion; for the styles pix2pix-monet,
autoencoder-monet, pix2pix-comic, autoencoder-comic; for the filter pix2pix-PLAIN and
pix2pix-FILTERED; rdn and rrdb (x2, of the same data), restore (x1); cyclegan. What is missing is
left out.
The pictures are the 200 that `evaluate --limit 200` draws, the same in every table.
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from common import ROOT, save

from archive_colorizer.data.commands import STYLES
from archive_colorizer.data.library import Library, encode
from archive_colorizer.data.seeds import derive
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.enlargers import EnlargingReport
from archive_colorizer.evaluation.pictures import find, open_pair
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import evaluate
from archive_colorizer.training.journal import best_validation, validations

FAMILIES = ("pix2pix", "autoencoder", "chroma_unet", "cwgan_gp", "unet_perceptual",
            "biggan_inversion")  # fmt: skip
SHARPEN, JPEG = 0.5, 30
COLUMNS = ("mse", "psnr_mean", "psnr_over_grey", "ssim", "ssim_global", "colourfulness",
           "colourfulness_ratio", "ciede2000", "ab_error", "accuracy_area")  # fmt: skip
STYLE_PX = 128
LOSSES = ("discriminator/real", "discriminator/fake", "generator/total", "generator/l1")


def rows(report: EvaluationReport, runs: Path) -> list[dict[str, Any]]:
    """A model's figures, and how long it learned."""
    found = []
    for model in report.models:
        figures = {name: getattr(model, name) for name in COLUMNS}
        record = Path(model.model).parent / "losses.jsonl"
        if record.is_file():
            last = json.loads(record.read_text(encoding="utf-8").splitlines()[-1])
            figures |= {"steps": last["step"], "minutes": round(last["spent_s"] / 60, 1)}
        name = model.model.removeprefix(f"{runs}/").removesuffix("/model")
        found.append({"model": name, "parameters": model.parameters, **figures})
    return found


def models(runs: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """References of those that are there."""
    return tuple(str(runs / n / "model") for n in names if (runs / n / "model").is_dir())


def colour(val: Path, runs: Path, folder: Path) -> list[dict[str, Any]]:
    """Colouring, at 256 pixels."""
    refs = (*models(runs, FAMILIES), "builtin:default")
    made = evaluate(EvaluationConfig(data=str(val), models=refs, output=str(folder), limit=200))
    assert isinstance(made, EvaluationReport)
    return rows(made, runs)


def style(val: Path, runs: Path, folder: Path, name: str) -> list[dict[str, Any]]:
    """A style, on pairs made of the same photographs."""
    refs = models(runs, (f"pix2pix-{name}", f"autoencoder-{name}"))
    if not refs:
        return []
    photos = EvaluationConfig(data=str(val), models=("-",), limit=200, size=STYLE_PX)
    pairs = folder / "pairs"
    for side in ("source", "target"):
        (pairs / side).mkdir(parents=True)
    for number, listed in enumerate(find(photos)):
        truth = open_pair(listed, photos).truth_hw3
        seed = hashlib.sha256(truth.tobytes()).hexdigest()
        source, target = STYLES[name](truth, derive(0, "pairs", seed))
        (pairs / "source" / f"{number:03d}.png").write_bytes(encode(source, lossless=True))
        (pairs / "target" / f"{number:03d}.png").write_bytes(encode(target, lossless=True))
    config = EvaluationConfig(
        data=str(pairs), models=refs, output=str(folder), limit=0, size=STYLE_PX
    )
    made = evaluate(config)
    assert isinstance(made, EvaluationReport)
    return rows(made, runs)


def spent(runs: Path, name: str) -> dict[str, Any]:
    """How long a run learned, and its held-out goal before and after."""
    looks = validations(runs / name)
    record = (runs / name / "losses.jsonl").read_text(encoding="utf-8").splitlines()
    last, goal = json.loads(record[-1]), looks[0]["goal"]
    return {
        "steps": last["step"], "minutes": round(last["spent_s"] / 60, 1), "goal": goal,
        "before": looks[0]["figures"][goal], "after": best_validation(runs / name)["figures"][goal],
    }  # fmt: skip


def enlarging(val: Path, runs: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """RDN, RDN with sharpened edges and RRDB beside bicubic; the restorer beside nothing."""
    found: dict[str, list[dict[str, Any]]] = {}
    twice = models(runs, ("rdn", "rrdb"))
    if twice:
        held = folder / "held-out"
        held.mkdir(parents=True)
        library = Library(str(runs / "rdn" / "data" / "test.arrow"))
        for number in range(len(library)):
            png = encode(library[number].target, lossless=True)
            (held / f"{number:03d}.png").write_bytes(png)
        for name, data, limit, size in (
            ("x2, held-out highres", str(held), 0, 512), ("x2, validation", str(val), 100, 256)
        ):  # fmt: skip
            found[name] = _enlarged(data, twice, folder / name[:4], limit, size)
    for ref in models(runs, ("restore",)):
        name = f"x1, validation, JPEG {JPEG}"
        found[name] = _enlarged(str(val), (ref,), folder / "x1", 100, 256, jpeg=JPEG)
    return found


def _enlarged(
    data: str, refs: tuple[str, ...], folder: Path, limit: int, size: int, jpeg: int = 0
) -> list[dict[str, Any]]:
    made = evaluate(EvaluationConfig(
        data=data, models=refs, output=str(folder), limit=limit, size=size, sharpen=SHARPEN,
        jpeg=jpeg,
    ))  # fmt: skip
    assert isinstance(made, EnlargingReport)
    return [
        {"model": "/".join(row.model.replace("/model", "").split("/")[-1:]),
         "parameters": row.parameters, "pictures": made.pictures, "psnr_y": row.psnr_y,
         "over_baseline": row.psnr_y_gain, "ssim_y": row.ssim_y}
        for row in made.models
    ]  # fmt: skip


def learned(runs: Path) -> list[dict[str, Any]]:
    """Every run of the families: its time, and the held-out goal before and after."""
    names = (*FAMILIES, "rdn", "rrdb", "restore", "cyclegan")
    found = [{"run": n, **spent(runs, n)} for n in names if (runs / n / "model").is_dir()]
    if (runs / "cyclegan" / "model").is_dir():
        figures = best_validation(runs / "cyclegan")["figures"]
        found[-1] |= {k: v for k, v in figures.items() if k.startswith("brightness")}
    return found


def homomorphic(runs: Path) -> list[dict[str, Any]]:
    """Held-out losses of two runs that differ in the filter alone, as reference system A has."""
    found = []
    for name in ("PLAIN", "FILTERED"):
        run = runs / f"pix2pix-{name}"
        if validations(run):
            best = best_validation(run)
            figures = {loss: best["figures"][loss] for loss in LOSSES}
            found.append({"model": name.lower(), "steps": best["step"], **figures})
    return found


def table(lines: list[dict[str, Any]]) -> str:
    """Write the figures as a Markdown table."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    head = f"| {' | '.join(names)} |\n|---|{'---:|' * (len(names) - 1)}\n"
    return head + "".join(
        f"| {' | '.join(_word(line.get(name)) for name in names)} |\n" for line in lines
    )


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shards", type=Path)
    parser.add_argument("runs", type=Path)
    args = parser.parse_args()
    val = args.shards / "val-00.parquet"
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        figures["learned"] = learned(args.runs)
        figures |= enlarging(val, args.runs, Path(scratch) / "enlarging")
        figures["colour"] = colour(val, args.runs, args.runs / "compared")
        for name in ("monet", "comic"):
            figures[name] = style(val, args.runs, Path(scratch) / name, name)
    figures["homomorphic"] = homomorphic(args.runs)
    save("bench_families", {"protocol": "docs/results.md", **figures})
    text = "\n".join(f"## {name}\n\n{table(lines)}" for name, lines in figures.items() if lines)
    (ROOT / "benchmarks" / "results" / "bench_families.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
