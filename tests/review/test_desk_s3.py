"""The desk over an object store: OUTPUT and the masters are there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from desks import row_id
from rowsets import table

from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.storage import open_store

pytestmark = [pytest.mark.s3, pytest.mark.slow]


@pytest.fixture
def store(bucket: str, made: tuple[Path, Any]) -> Any:
    """The OUTPUT of the tests in a bucket, its masters beside it."""
    target = open_store(f"s3://{bucket}")
    for path in made[0].rglob("*"):
        if path.is_file() and "_tmp" not in path.parts:
            target.put_file(path.relative_to(made[0]).as_posix(), path)
    output = open_store(f"s3://{bucket}/out")
    local = (made[0] / "masters").as_uri()
    for folder in (manifest.FOLDER, manifest.HISTORY):
        (key,) = manifest.part_keys(output, folder)
        with output.open(key) as file:
            rows = pq.read_table(file).to_pylist()
        for row in rows:
            row["source_uri"] = row["source_uri"].replace(local, f"s3://{bucket}/masters")
        output.write_atomic(key, manifest.to_parquet(table(rows)))
    return output


def test_an_object_store_is_reviewed_like_a_folder(
    open_desk: Callable[..., Any], store: Any
) -> None:
    kim = open_desk().person("kim")
    items = kim.get("/api/pictures?status=ok").json()["items"]
    assert len(items) == 12
    for item in items[:3]:
        said = kim.get(f"/api/pictures/{item['id']}").json()
        for side in said["images"].values():
            for url in (side["preview"], side["tiles"].format(level=9, x=0, y=0)):
                assert kim.get(url).status_code == 200
        assert kim.get(said["doubt"]).status_code == 200
        assert kim.get(item["thumb"]).status_code == 200
        assert kim.say(item, "approved").status_code == 200
    assert kim.get(f"/api/pictures/{row_id('a/00.jpg')}").json()["history"][0]["job_id"] == "i"
    assert kim.post("/api/undo", json={}).json()["id"] == items[2]["id"]
    assert reviews.standing(reviews.read(store)).num_rows == 2
