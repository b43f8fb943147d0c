"""The review desk under load: many people at once, and whether a verdict is lost.

    python benchmarks/review_load.py --clients 50 --seconds 60

One person a client: four requests of five are pages of the list and thumbnails, one is a verdict.
A verdict counts as given when the desk has answered; all of them must be in OUTPUT/reviews.
"""

import argparse
import asyncio
import hashlib
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pyarrow as pa
from bench_review import Running, make_part, running
from common import save

from archive_colorizer.imaging.thumbnails import EDGE_PX, thumbnail_sheet
from archive_colorizer.pipeline.output import layout, manifest, reviews
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.web.accounts import add_account

ROWS = 20_000
ON_SHEET = 16
SHEETS = 200
"""Sheets of thumbnails that there are; rows share them."""
THUMBS_OF_PAGE = 8
"""Thumbnails that are asked for after each page."""
SPOKEN = "a passphrase of the load test"


def make_output(store: LocalStore) -> None:
    """An OUTPUT of made rows with thumbnails."""
    rng = np.random.default_rng(1)
    table = make_part(range(ROWS), rng)
    keys = []
    for number in range(SHEETS):
        coarse = rng.integers(0, 255, (14, 20, 3), np.uint8)
        small = cv2.resize(coarse, (EDGE_PX, EDGE_PX * 2 // 3), interpolation=cv2.INTER_CUBIC)
        name = hashlib.sha256(f"sheet {number}".encode()).hexdigest()[:32]
        keys.append(f"{layout.THUMBNAILS}/{name}.jpg")
        store.write_atomic(keys[-1], thumbnail_sheet([(small, small)] * ON_SHEET))
    at = np.arange(ROWS)
    table = _put(table, "thumbnail_key", pa.array([keys[i] for i in at // ON_SHEET % SHEETS]))
    table = _put(table, "thumbnail_index", pa.array((at % ON_SHEET).astype(np.int32)))
    layout.write_job(store, {"job_id": "load", "recipe_sha256": "r", "listed": ROWS})
    manifest.write_part(store, table)


def _put(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


class Client:
    """One person at a browser."""

    def __init__(self, url: str, name: str, seed: int) -> None:
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
        self.name, self.random = name, random.Random(seed)  # noqa: S311 (drawn, not secret)
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[int] = Counter()
        self.given: set[str] = set()
        self.items: list[dict[str, Any]] = []

    async def come_in(self) -> None:
        """Log in."""
        said = {"name": self.name, "password": SPOKEN}
        assert (await self.http.post("/api/login", json=said)).status_code == 204
        session = (await self.http.get("/api/session")).json()
        self.http.headers["X-CSRF-Token"] = session["csrf"]

    async def work(self, until: float) -> None:
        """Look and judge until a time of the clock."""
        while time.perf_counter() < until:
            if self.items and self.random.random() < 0.2:
                await self.judge()
            elif self.items and self.random.random() < THUMBS_OF_PAGE / (THUMBS_OF_PAGE + 1):
                await self.ask("thumbnail", "GET", self.random.choice(self.items)["thumb"])
            else:
                offset = self.random.randrange(0, ROWS - 200, 50)
                answer = await self.ask("page", "GET", f"/api/pictures?status=ok&offset={offset}")
                self.items = answer.json()["items"] or self.items

    async def judge(self) -> None:
        """Give a verdict."""
        item = self.random.choice(self.items)
        verdict = self.random.choice(["approved", "rejected", "later"])
        said = {"id": item["id"], "sha256": item["sha256"], "verdict": verdict}
        answer = await self.ask("verdict", "POST", "/api/verdicts", said)
        if answer.status_code == 200:
            self.given.add(answer.json()["decision_id"])

    async def ask(
        self,
        kind: str,
        method: str,
        url: str,
        said: Any = None,  # noqa: ANN401 (JSON)
    ) -> httpx.Response:
        """Ask and note how long it took."""
        start_s = time.perf_counter()
        answer = await self.http.request(method, url, json=said)
        self.times[kind].append((time.perf_counter() - start_s) * 1000)
        self.statuses[answer.status_code] += 1
        return answer


async def load(clients: list[Client], seconds: float) -> float:
    """Let all work at once; gives the seconds it took."""
    for one in clients:
        await one.come_in()
    start_s = time.perf_counter()
    await asyncio.gather(*(one.work(start_s + seconds) for one in clients))
    took_s = time.perf_counter() - start_s
    for one in clients:
        await one.http.aclose()
    return took_s


def describe(clients: list[Client], took_s: float, store: LocalStore) -> dict[str, Any]:
    """What was answered, how soon, and what became of the verdicts."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for one in clients:
        for kind, found in one.times.items():
            times[kind] += found
    count = sum(map(len, times.values()))
    given = set().union(*(one.given for one in clients))
    kept = set(reviews.read(store)["decision_id"].to_pylist())
    statuses = sum((one.statuses for one in clients), Counter[int]())
    return {
        "clients": len(clients),
        "seconds": round(took_s, 1),
        "requests": count,
        "requests_per_s": round(count / took_s, 1),
        "statuses": {str(code): number for code, number in sorted(statuses.items())},
        "milliseconds": {
            kind: {f"p{p}": round(float(np.percentile(found, p)), 1) for p in (50, 95, 99)}
            | {"count": len(found)}
            for kind, found in [*sorted(times.items()), ("all", list(chain(*times.values())))]
        },
        "verdicts_given": len(given),
        "verdicts_lost": len(given - kept),
        "verdicts_nobody_gave": len(kept - given),
    }


def cpu_s(desk: Running) -> float:
    """Seconds of processor time that a desk has had."""
    times = desk.process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder) / "out")
        make_output(store)
        people = Path(folder) / "people.json"
        names = [f"person {number}" for number in range(args.clients)]
        add_account(people, names[0], "reviewer", SPOKEN)
        said = json.loads(people.read_text())
        said["accounts"] = dict.fromkeys(names, said["accounts"][names[0]])
        people.write_text(json.dumps(said))
        with running(store.root, "--accounts", str(people)) as desk:
            clients = [Client(desk.url, name, i) for i, name in enumerate(names)]
            before_s = cpu_s(desk)
            took_s = asyncio.run(load(clients, args.seconds))
            of_desk = {
                "desk_cpu_s": round(cpu_s(desk) - before_s, 1),
                "desk_memory_mib": desk.process.memory_info().rss >> 20,
            }
        figures = describe(clients, took_s, store) | of_desk
    print(json.dumps(figures, indent=2))
    save("review_load", figures)
    assert not figures["verdicts_lost"]


if __name__ == "__main__":
    main()
