"""The desk: lists, pictures, verdicts."""

import io
import math
from typing import Any

import numpy as np
import pytest
from desks import draw_master
from PIL import Image

from archive_colorizer.pipeline.output import reviews


def test_it_says_who_is_here_and_what_there_is(kim: Any) -> None:
    said = kim.get("/api/session").json()
    assert (said["reviewer"], said["role"]) == ("kim", "reviewer")
    assert said["job"]["counts"] == {"listed": 14, "ok": 12, "failed": 1, "skipped": 1}
    assert said["facets"]["verdict"] == [["none", 12]]
    assert said["facets"]["folder"] == [["a", 7], ["b", 7]]
    assert ["glare", 3] in said["facets"]["flag"]
    assert said["facets"]["model"] == [["builtin:default", 12]]
    assert said["words"]["flag"]["glare"]["ko"]


def test_the_most_doubtful_comes_first(reader: Any) -> None:
    said = reader.get("/api/pictures").json()
    doubts = [one["doubt"] for one in said["items"]]
    assert said["total"] == 14
    assert doubts[:12] == sorted(doubts[:12], reverse=True)
    assert doubts[12:] == [None, None]
    assert said["items"][0]["path"] == "b/11.tif"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=ok", 12), ("status=ok&status=failed", 13), ("error_class=truncated", 1),
        ("flag=glare", 3), ("flag=doubt", 3), ("collection=farm", 4), ("folder=a", 7),
        ("folder=c", 0), ("tone=neutral&status=ok", 12), ("model=builtin:default", 12),
        ("q=OBJ-00", 10), ("q=b/1", 1), ("doubt_min=0.5", 2),
        ("verdict=none", 12), ("verdict=approved", 0),
    ],
)  # fmt: skip
def test_filters(reader: Any, query: str, count: int) -> None:
    assert reader.get(f"/api/pictures?{query}").json()["total"] == count


def test_a_list_is_given_page_by_page(reader: Any) -> None:
    pages = [
        reader.get(f"/api/pictures?sort=path&limit=5&offset={at}").json()["items"]
        for at in (0, 5, 10)
    ]
    paths = [one["path"] for page in pages for one in page]
    assert len(paths) == 14
    assert paths == sorted(paths)


def test_a_picture_says_everything_of_itself(reader: Any) -> None:
    first = reader.get("/api/pictures?q=a/00").json()["items"][0]
    said = reader.get(f"/api/pictures/{first['id']}").json()
    assert said["item"] == first
    assert said["row"]["object_id"] == "obj-000"
    assert said["row"]["steps"][0]["model_ref"] == "builtin:default"
    assert said["images"]["before"]["width"] == 1300
    assert [one["job_id"] for one in said["history"]] == ["i"]
    assert said["own"] is None
    for url in (said["doubt"], said["glare"], first["thumb"], said["images"]["after"]["preview"]):
        answer = reader.get(url)
        assert answer.status_code == 200, url
        assert answer.headers["content-type"].startswith("image/")


@pytest.mark.parametrize("name", ["b/05.tif", "a/00.jpg", "b/01.png"])
def test_tiles_make_up_the_whole_picture(reader: Any, name: str) -> None:
    (first,) = reader.get(f"/api/pictures?q={name}").json()["items"]
    side = reader.get(f"/api/pictures/{first['id']}").json()["images"]["before"]
    assert (side["min_level"], side["max_level"], side["tile_size"]) == (9, 11, 512)
    sizes = {9: (325, 225), 10: (650, 450), 11: (1300, 900)}
    for level, (width, height) in sizes.items():
        whole = np.zeros((height, width, 3), np.uint8)
        for y, x in np.ndindex(math.ceil(height / 512), math.ceil(width / 512)):
            data = reader.get(side["tiles"].format(level=level, x=x, y=y)).content
            tile = np.asarray(Image.open(io.BytesIO(data)))
            whole[y * 512 :, x * 512 :][: tile.shape[0], : tile.shape[1]] = tile
        assert whole.any(axis=2).all()
        if level == 11:
            gap = np.abs(whole[..., 1].astype(int) - draw_master(int(name[2:4])))
            assert gap.mean() < 2
    assert reader.get(side["tiles"].format(level=11, x=3, y=0)).status_code == 404
    assert reader.get(side["tiles"].format(level=8, x=0, y=0)).status_code == 404


def test_a_verdict_is_taken_and_taken_back(kim: Any, store: Any) -> None:
    first, second = kim.get("/api/pictures?status=ok&limit=2").json()["items"]
    assert kim.say(first, "approved", seconds=1.5).status_code == 200
    assert kim.say(second, "rejected", reason="skin", note="too red").status_code == 200
    assert kim.say(first, "rejected").status_code == 200
    assert reviews.read(store).num_rows == 3
    assert kim.get("/api/pictures?verdict=rejected").json()["total"] == 2
    undone = [kim.post("/api/undo", json={}).json() for _ in range(3)]
    assert [one["id"] for one in undone] == [first["id"], second["id"], first["id"]]
    assert [one["restored"] for one in undone] == ["approved", None, None]
    assert kim.post("/api/undo", json={}).status_code == 404
    assert kim.get("/api/pictures?verdict=none").json()["total"] == 12
    assert reviews.standing(reviews.read(store)).num_rows == 0


def test_a_map_of_a_print_covers_its_page(reader: Any) -> None:
    (item,) = reader.get("/api/pictures?q=b/01").json()["items"]
    assert reader.get(f"/api/pictures/{item['id']}").json()["box"] == [200, 300, 650, 450]
    data = reader.get(f"/api/pictures/{item['id']}/doubt.png").content
    page = np.asarray(Image.open(io.BytesIO(data)))
    assert page.shape == (89, 128)
    ys, xs = np.nonzero(page)
    assert (xs.min(), xs.max() + 1) == (20, 84)
    assert (ys.min(), ys.max() + 1) == (30, 74)


def test_a_verdict_that_is_sent_again_counts_once(kim: Any, store: Any) -> None:
    first, second = kim.get("/api/pictures?status=ok&limit=2").json()["items"]
    answers = [kim.say(first, "approved", seconds=s).json() for s in (1.0, 1.0)]
    assert answers[0] == answers[1]
    kim.say(first, "approved", note="all the same")
    kim.say(second, "approved")
    kim.say(first, "approved")
    assert reviews.read(store).num_rows == 4
