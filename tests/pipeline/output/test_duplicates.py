"""Scans of one print are told, and other pictures are not."""

import csv
import io
import time
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from archive_colorizer.cli.main import main
from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.tone import dhash64, make_proxy
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.duplicates import find_duplicates, near_pairs
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage.local import LocalStore

PHOTOGRAPHS = ("camera", "astronaut", "coffee", "chelsea", "rocket", "moon", "coins", "clock")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def page(number: int, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    own = {"row_id": f"{number:064x}", "source_uri": f"file:///{number}.tif", "page": 0,
           "status": "ok", "error_class": "", "width": 800, "height": 600, "orientation": 1,
           "source_bytes": 1000 + number, "job_id": "j"}  # fmt: skip
    return row | own | values


def job(store: LocalStore, *rows: dict[str, Any]) -> LocalStore:
    layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": len(rows)})
    manifest.write_part(store, pa.Table.from_pylist(list(rows), SCHEMA))
    return store


def groups(store: LocalStore, distance: int = 6) -> list[tuple[str, list[int]]]:
    found = find_duplicates(store, distance)
    numbers = [int(row, 16) for row in found.rows["row_id"].to_pylist()]
    return [(one.kind, [numbers[place] for place in one.places]) for one in found.groups]


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=8)), max_size=12),
    st.integers(0, 9),
)
def test_pairs_are_those_of_comparing_all_with_all(
    values: list[int], changes: list[tuple[int, list[int]]], distance: int
) -> None:
    for place, bits in changes:
        if place < len(values):
            values.append(values[place] ^ sum({1 << bit for bit in bits}))
    hashes = np.array(values, np.uint64)
    first, second = near_pairs(hashes, distance)
    gaps = np.bitwise_count(hashes[:, None] ^ hashes[None])
    expected = np.argwhere(np.triu(gaps <= distance, 1))
    assert np.array_equal(np.stack((first, second), axis=1), expected)


@pytest.mark.parametrize("distance", [-1, 16])
def test_a_distance_out_of_range_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match=rf"distance {distance}: must be 0 to 15"):
        near_pairs(np.zeros(2, np.uint64), distance)


def test_a_hundred_thousand_rows_take_seconds_and_little_memory(store: LocalStore) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    hashes[:300] = hashes[300:600]
    hashes[600:2600] = hashes[600]  # a print that was scanned over and over
    tracemalloc.start()
    start_s = time.perf_counter()
    first, _ = near_pairs(np.unique(hashes), 6)
    seconds = time.perf_counter() - start_s
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(first) == 0
    assert seconds < 20
    assert peak < 400 << 20
    digits = [f"{one:016x}" for one in hashes[:4000].tolist()]
    job(store, *(page(n, dhash64=one) for n, one in enumerate(digits)))
    sizes = sorted(len(members) for _, members in groups(store))
    assert sizes == [2] * 300 + [2000]


def scan(gray: np.ndarray, **values: Any) -> dict[str, Any]:
    height, width = gray.shape
    digits = dhash64(make_proxy(np.ascontiguousarray(gray), 256))
    return {"dhash64": digits, "width": width, "height": height} | values


def test_scans_of_a_print_are_grouped_round_the_largest_and_other_photographs_are_not(
    store: LocalStore,
) -> None:
    rows, expected = [], []
    for number, name in enumerate(PHOTOGRAPHS):
        picture = getattr(data, name)()
        gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        height, width = gray.shape
        small = cv2.resize(gray, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        packed = cv2.imdecode(cv2.imencode(".jpg", gray, [1, 40])[1], cv2.IMREAD_GRAYSCALE)
        lighter = (255 * (gray / 255.0) ** 0.7).astype(np.uint8)
        inner = gray[height // 200 : -height // 200, width // 200 : -width // 200]
        rows += [page(10 * number + n, **scan(one))
                 for n, one in enumerate((small, packed, lighter, gray, inner))]  # fmt: skip
        expected.append({10 * number + n for n in range(5)})
    found = groups(job(store, *rows))
    assert [kind for kind, _ in found] == ["print"] * len(PHOTOGRAPHS)
    assert [set(members) for _, members in found] == expected
    assert all(members[0] % 10 in (1, 2, 3) for _, members in found)


def test_no_chain_of_neighbours_makes_one_group_of_what_differs(store: LocalStore) -> None:
    near = [0x0F0F_0F0F_0F0F_0F0F ^ (2 ** (6 * n) - 1) for n in range(5)]  # six bits a step
    found = groups(job(store, *(page(n, dhash64=f"{one:016x}") for n, one in enumerate(near))))
    assert found == [("print", [0, 1]), ("print", [2, 3])]


def test_another_shape_and_blank_pages_are_no_copies(store: LocalStore) -> None:
    same = "0f1e2d3c4b5a6978"
    job(
        store,
        page(1, dhash64=same), page(2, dhash64=same, width=600, height=800),
        page(3, dhash64=same, width=600, height=800, orientation=6),
        page(4, dhash64="0" * 16), page(5, dhash64="0" * 16), page(6), page(7, dhash64=""),
    )  # fmt: skip
    assert groups(store) == [("print", [1, 3])]
    assert find_duplicates(store).blank == 2


def test_front_and_back_have_one_object_id(store: LocalStore) -> None:
    job(
        store,
        page(1, object_id="F-1", dhash64="0f1e2d3c4b5a6978"), page(2, object_id=""),
        page(3, object_id="F-1", status="skipped", error_class="excluded"), page(4),
        page(5, object_id="F-2"), page(6, object_id=""),
    )  # fmt: skip
    assert groups(store) == [("object", [1, 3])]


def test_status_lists_them_and_writes_them_as_csv(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job(
        store,
        page(1, dhash64="0f1e2d3c4b5a6978"), page(2, dhash64="0f1e2d3c4b5a6979", width=400,
             height=300, object_id="a,\nb"),
        page(3, object_id="a,\nb", width=None, height=None, source_bytes=None, status="failed",
             error_class="missing"),
    )  # fmt: skip
    file = tmp_path / "groups.csv"
    assert main(["status", str(tmp_path / "out"), "--duplicates", "--csv", str(file)]) == 0
    said = capsys.readouterr().out
    for words in ("group 2: 2 pages look like scans of one print", "file:///2.tif",
                  "400 x 300, 1,002 bytes, 1 bits, ok", "failed missing", f"{3:064x}",
                  "1 groups of look-alikes, 1 of one object id, among 3 pages"):  # fmt: skip
        assert words in said, said
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    assert [(row["group"], row["kind"], row["row_id"][-1]) for row in rows] == [
        ("1", "object", "2"), ("1", "object", "3"), ("2", "print", "1"), ("2", "print", "2"),
    ]  # fmt: skip
    assert rows[0]["object_id"] == "a,\nb"
    assert main(["status", str(tmp_path / "out"), "--duplicates", "--distance", "0"]) == 0
    assert "0 groups of look-alikes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--csv", "x.csv"], "--csv needs --failed"),
        (["--duplicates", "--csv", "/no/such/folder/x.csv"], "x.csv: cannot be written: No such"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    store: LocalStore, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job(store, page(1))
    assert main(["status", str(store.uri.removeprefix("file://")), *words]) == 2
    assert reason in capsys.readouterr().err


def test_a_job_without_rows_has_no_groups(store: LocalStore) -> None:
    layout.write_job(store, {"job_id": "j", "recipe_sha256": "r", "listed": 3})
    assert list(find_duplicates(store).lines()) == [
        "0 groups of look-alikes, 0 of one object id, among 0 pages"
    ]


def test_a_place_without_a_job_is_refused(store: LocalStore) -> None:
    with pytest.raises(LocationError, match="no job there"):
        find_duplicates(store)
