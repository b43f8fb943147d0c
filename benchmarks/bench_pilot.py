"""The pilot: what drawing from a million pages costs, and how often the intervals hold the truth.

    python benchmarks/bench_pilot.py [ROWS] [--draws N]

The pages are rows of a listing; nothing is opened. The whole of the second part is drawn at random:
10,000 pictures whose sizes, and the times that go along with them, are log-normal.
"""

import argparse
import resource
import time
from typing import Any

import numpy as np
import pyarrow as pa
from common import save
from numpy.typing import NDArray

from archive_colorizer.pipeline.inputs.listing import add_relative
from archive_colorizer.pipeline.inputs.pages import PAGES, make_page
from archive_colorizer.pipeline.pilot.draw import allocate, draw_pilot
from archive_colorizer.pipeline.pilot.intervals import (
    Design,
    estimate_share,
    estimate_total,
    make_design,
)

WHOLE = 10_000
STRATA = 6
SAMPLES = (30, 60, 200)
SHARES = (0.003, 0.03, 0.3)
Rows = NDArray[np.intp]


def write_listing(rows: int) -> pa.Table:
    """A listing, in parts, as SOURCE gives it."""
    rng = np.random.default_rng(0)
    batches = []
    for start in range(0, rows, 50_000):
        sizes = (rng.lognormal(15, 1.2, min(50_000, rows - start))).astype(np.int64).tolist()
        names = [f"{(start + n) // 1000:05d}/photo {start + n:08d}.tif" for n in range(len(sizes))]
        pages = [
            make_page(f"s3://archive/masters/{name}", name, size=size, mtime_ns=None)
            for name, size in zip(names, sizes, strict=True)
        ]
        batches.append(pa.Table.from_pylist(pages, PAGES))
    return add_relative(pa.concat_tables(batches))


def measure_drawing(rows: int) -> dict[str, Any]:
    """Draw 200 of many pages by their sizes; processor time and peak of memory."""
    table = write_listing(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    made = draw_pilot(table, 200, ("collection", "size"), 0, lambda pages: [])
    assert made is not None
    figures = {
        "rows": rows, "strata": len(made.strata), "drawn": len(made.drawn),
        "seconds": round(time.perf_counter() - start_s, 1),
        "cpu_seconds": round(time.process_time() - start_cpu_s, 1),
        "listing_mib": round(table.nbytes / 2**20), "peak_mib_before": round(before / 1024),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip
    print(figures, flush=True)
    return figures


def draw(rng: np.random.Generator, strata: Rows, sample: int, probed: int) -> tuple[Rows, Design]:
    first = rng.permutation(len(strata))[: probed or len(strata)]
    room = np.bincount(strata[first], minlength=int(strata.max()) + 1)
    pictures = room * len(strata) / len(first)
    has = np.flatnonzero(room)
    wanted = allocate(pictures[has], sample, room[has])
    parts = [first[strata[first] == one][:n] for one, n in zip(has, wanted, strict=True)]
    rows = np.concatenate(parts)
    return rows, make_design(strata[rows], pictures.astype(np.float64), probed)


def count_held(draws: int) -> list[dict[str, Any]]:
    """Count how often the intervals hold the truth, by figure, size of the sample and phases."""
    rng = np.random.default_rng(1)
    size = rng.lognormal(0, 1, WHOLE)
    work = 0.3 + 0.5 * size * rng.lognormal(0, 0.3, WHOLE)
    by_size = np.searchsorted(np.quantile(size, [0.3, 0.6, 0.8, 0.95]), size)
    others = rng.geometric(0.3, WHOLE).clip(1, STRATA) - 1
    chance = rng.beta(1, 3, STRATA)[others]
    wholes = {share: rng.random(WHOLE) < chance * share / chance.mean() for share in SHARES}
    found = []
    for sample in SAMPLES:
        for phases in (1, 2):
            probed = 4 * sample if phases == 2 else 0
            held = {f"share {share:g}": 0 for share in SHARES} | {"work": 0}
            for seed in range(draws):
                rows, design = draw(rng, others, sample, probed)
                for share, has in wholes.items():
                    one = estimate_share(design, has[rows])
                    held[f"share {share:g}"] += one.low <= has.mean() <= one.high
                rows, design = draw(rng, by_size, sample, probed)
                total = estimate_total(design, work[rows], size[rows], float(size.sum()), seed)
                assert total is not None
                held["work"] += total.low <= work.sum() <= total.high
            shares = {name: round(int(count) / draws, 3) for name, count in held.items()}
            found.append({"sample": sample, "phases": phases, **shares})
            print(found[-1], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--draws", type=int, default=500)
    args = parser.parse_args()
    drawing = measure_drawing(args.rows)
    save("pilot", {"drawing": drawing, "draws": args.draws, "held": count_held(args.draws)})


if __name__ == "__main__":
    main()
