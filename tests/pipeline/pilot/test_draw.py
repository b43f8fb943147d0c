"""What a sample is drawn by, how it is allocated, and that it is the same wherever it is drawn."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.pipeline.config import STRATA_KEYS
from archive_colorizer.pipeline.inputs.listing import add_relative
from archive_colorizer.pipeline.inputs.pages import PAGES, make_page
from archive_colorizer.pipeline.pilot.draw import SMALL, allocate, draw_pilot, take_sample
from archive_colorizer.pipeline.pilot.record import Pilot
from archive_colorizer.pipeline.pilot.strata import LISTED, TONE, label_pages


def page(
    name: str, size: int = 2_000_000, root: str = "file:///in/", **more: Any
) -> dict[str, Any]:
    return make_page(root + name, name, size=size, mtime_ns=1) | more


def table(*rows: dict[str, Any]) -> pa.Table:
    return add_relative(pa.Table.from_pylist(list(rows), PAGES))


def archive(count: int = 400, root: str = "file:///in/") -> list[dict[str, Any]]:
    """A tenth of the pictures in small/, the others in large/."""
    return [
        page(f"{'small' if n % 10 == 0 else 'large'}/{n}.jpg", 1000 + n, root) for n in range(count)
    ]


def unasked(pages: pa.Table) -> list[str]:
    raise AssertionError("nobody asked for tones")


def draw(rows: list[dict[str, Any]], sample: int, by: tuple[str, ...], seed: int = 0) -> Pilot:
    made = draw_pilot(table(*rows), sample, by, seed, unasked)
    assert made is not None
    return made


def names(pilot: Pilot) -> list[str]:
    return [one.source_uri.rpartition("/in/")[2] for one in pilot.drawn]


def test_the_keys_that_settings_allow_are_those_that_there_are() -> None:
    assert {*LISTED, TONE} == set(STRATA_KEYS)


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        ("collection", ["box", "a", ""]),
        ("folder", ["a/b", "a", ""]),
        ("format", ["tiff", "jpeg", "other"]),
        ("size", ["16 to 64 MB", "1 to 4 MB", "unknown"]),
        ("year", ["1920s", "undated", "1990s"]),
        ("pages", ["1 page"] * 3),
    ],
)
def test_a_key_labels_pages(key: str, labels: list[str]) -> None:
    rows = table(
        page("a/b/1.TIF", 60_000_000, collection="box", collection_json='{"Jahr": "um 1923"}'),
        page("a/2.jpeg", collection_json='{"year": "unknown", "title": "1990"}'),
        page("3", 0, collection_json='{"date": "1999-12-31"}'),
    )
    at, found = label_pages(rows, [key])
    assert [found[one] for one in at] == [(label,) for label in labels]


def test_files_of_several_pages_are_told_apart() -> None:
    rows = [page("a.tif") | {"page": number} for number in range(3)]
    at, found = label_pages(table(*rows, page("b.tif")), ["pages"])
    assert [found[one] for one in at] == [("2 to 9 pages",)] * 3 + [("1 page",)]


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30), st.integers(0, 3000), st.data())
def test_an_allocation_is_proportional_and_whole(
    sizes: list[int], more: int, data: st.DataObject
) -> None:
    room = np.array([data.draw(st.integers(1, size)) for size in sizes])
    count = min(len(sizes) + more, int(room.sum()))
    given_ = allocate(np.array(sizes, np.float64), count, room)
    assert given_.sum() == count
    assert (given_ >= 1).all()
    assert (given_ <= room).all()


def test_what_is_left_goes_to_the_largest_remainders() -> None:
    room = np.array([1000, 1000, 1000])
    shares = np.array([47.0, 16.0, 37.0])
    assert allocate(shares, 10, room).tolist() == [5, 1, 4]
    assert allocate(np.array([990.0, 5.0, 5.0]), 10, room).tolist() == [8, 1, 1]


def test_a_sample_has_of_each_stratum_its_share() -> None:
    drawn = draw(archive(), 40, ("folder",))
    assert Counter(name.split("/")[0] for name in names(drawn)) == {"large": 36, "small": 4}
    assert [(one.labels, one.pictures, one.drawn) for one in drawn.strata] == [
        (("large",), 360, 36), (("small",), 40, 4),
    ]  # fmt: skip


def test_a_sample_follows_from_names_and_seed_alone() -> None:
    rows = archive()
    drawn = names(draw(rows, 40, ("folder", "size")))
    assert names(draw(rows[::-1], 40, ("folder", "size"))) == drawn
    assert names(draw(archive(root="s3://bucket/in/"), 40, ("folder", "size"))) == drawn
    assert names(draw(rows, 40, ("folder", "size"), seed=1)) != drawn
    assert len(set(drawn)) == 40


def test_pages_of_one_name_below_two_sources_do_not_go_by_their_order() -> None:
    rows = [page("1.jpg", root=f"file:///{n}/in/") for n in range(20)]
    drawn = {one.source_uri for one in draw(rows, 5, ()).drawn}
    assert {one.source_uri for one in draw(rows[::-1], 5, ()).drawn} == drawn


def test_more_strata_than_pictures_are_put_together_and_said_so() -> None:
    rows = [page(f"{n // 2 if n < 20 else 'many'}/{n}.jpg") for n in range(100)]
    drawn = draw(rows, 5, ("folder",))
    assert drawn.notes == ("11 strata are more than 5 pictures: the smallest 7 count as one",)
    assert len(drawn.drawn) == 5
    assert drawn.strata[-1].labels == (SMALL,)
    assert sum(one.pictures for one in drawn.strata) == 100
    assert all(one.drawn >= 1 for one in drawn.strata)


def test_tones_are_drawn_from_a_first_sample_that_is_read() -> None:
    asked: list[int] = []

    def probe(pages: pa.Table) -> list[str]:
        asked.append(pages.num_rows)
        return ["toned" if int(name.split("/")[-1][:-4]) % 4 == 0 else "neutral"
                for name in pages["relative"].to_pylist()]  # fmt: skip

    drawn = draw_pilot(table(*archive()), 40, ("folder", TONE), 3, probe)
    assert drawn is not None
    assert asked == [160] == [drawn.probed]
    assert sum(one.pictures for one in drawn.strata) == pytest.approx(400)
    toned = sum(one.pictures for one in drawn.strata if one.labels[1] == "toned")
    assert 60 < toned < 140
    assert sum(one.drawn for one in drawn.strata) == 40
    assert {one.labels for one in drawn.strata} >= {("large", "neutral"), ("large", "toned")}


def test_a_sample_is_taken_from_what_is_left_of_it() -> None:
    rows = archive(50)
    drawn = draw(rows, 10, ())
    assert names(drawn)[3:] == [
        uri.removeprefix("file:///in/")
        for uri in take_sample(
            table(*(row for row in rows if row["source_uri"] not in
                    {one.source_uri for one in drawn.drawn[:3]})), drawn
        )["source_uri"].to_pylist()
    ]  # fmt: skip
    assert len(draw(rows, 80, ()).drawn) == 50
    assert draw_pilot(table(*rows).slice(0, 0), 3, (), 0, unasked) is None
