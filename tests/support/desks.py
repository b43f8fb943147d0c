"""A small OUTPUT to be reviewed: drawn masters, tinted derivatives, thumbnails, maps, history."""

import hashlib
import http.client
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import tifffile
from PIL import Image
from rowsets import failed, made_row, skipped, table, write_job

from archive_colorizer.imaging.doubt_map import doubt_png
from archive_colorizer.imaging.glare import glare_png
from archive_colorizer.imaging.thumbnails import thumbnail
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.thumbnails import write_thumbnails
from archive_colorizer.pipeline.records import Outcome, PhotoRef, Status
from archive_colorizer.storage import Store
from archive_colorizer.storage.location import uri_of_path

SPOKEN = "a long enough one"
"""Password of the people of the tests."""
SIZE = (900, 1300)
"""Height and width of the masters."""
STEP = {"op": "chroma_unet", "model_ref": "builtin:default", "model_version": "1"}


def row_id(name: str) -> str:
    """The id of a drawn master's row."""
    return hashlib.sha256(name.encode()).hexdigest()


def draw_master(number: int) -> np.ndarray:
    """A grey picture that tells its number and its top."""
    height, width = SIZE
    y, x = np.mgrid[:height, :width]
    gray = 60 + 90 * x / width + 40 * np.sin(y / (9 + number))
    gray[: height // 8] = 235
    return gray.clip(0, 255).astype(np.uint8)


def save_master(path: Path, gray: np.ndarray) -> None:
    """Write a master: TIFF of 16 bits, or what the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, gray.astype(np.uint16) * 257, photometric="minisblack")
    else:
        Image.fromarray(gray).save(path)


def make_output(masters: Path, store: Store, count: int = 12) -> list[dict[str, Any]]:
    """Write masters and an OUTPUT of them; `count` are coloured, and a few are not.

    Returns:
        The rows of the coloured ones.
    """
    outcomes, rows = [], []
    for number in range(count):
        name = f"{'ab'[number % 2]}/{number:02d}.{('jpg', 'png', 'tif')[number % 3]}"
        gray = draw_master(number)
        save_master(masters / name, gray)
        rgb = np.stack([gray, (gray * 0.9).astype(np.uint8), (gray * 0.7).astype(np.uint8)], 2)
        data = cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes()
        key = f"{name}.colorized.jpg"
        store.write_atomic(key, data)
        rows.append(_row(masters, name, key, data, number))
        small = thumbnail(gray), thumbnail(rgb)
        ref = PhotoRef(row_id(name), "", b"", key, 0)
        outcomes.append(Outcome(ref, Status.OK, 0, before_hw3=small[0], after_hw3=small[1]))
    placed = write_thumbnails(store, outcomes, "j")
    rows = [
        row | {"thumbnail_key": one.thumbnail_key, "thumbnail_index": one.thumbnail_index}
        for row, one in zip(rows, placed, strict=True)
    ]
    others = [
        failed(
            "a/broken.jpg", row_id=row_id("a/broken.jpg"), source_uri=_uri(masters, "broken.jpg")
        ),
        skipped("b/colour.jpg", "colour") | {"row_id": row_id("b/colour.jpg")},
    ]
    write_job(store, *rows, *others)
    earlier = rows[0] | {"row_id": row_id("earlier"), "job_id": "i", "started_at": 5}
    manifest.write_part(store, table([earlier]), f"{manifest.HISTORY}/j")
    return rows


def _uri(masters: Path, name: str) -> str:
    return uri_of_path(masters / name)


def _row(masters: Path, name: str, key: str, data: bytes, number: int) -> dict[str, Any]:
    flagged = number % 4 == 0
    doubt = np.full((64, 64), number / 20, np.float32)
    height, width = SIZE
    return made_row(
        name, row_id=row_id(name), source_uri=_uri(masters, name),
        source_sha256=hashlib.sha256((masters / name).read_bytes()).hexdigest(),
        object_id=f"obj-{number:03d}", collection=("farm", "town", "")[number % 3],
        derivative_key=key, derivative_sha256=hashlib.sha256(data).hexdigest(),
        derivative_width=width, derivative_height=height, width=width, height=height,
        orientation=1, doubt_mean=number / 20, doubt_map=doubt_png(doubt),
        glare_map=glare_png(doubt > 0.4) if flagged else None, glare_share=0.1 if flagged else 0.0,
        flags=["glare"] if flagged else [], review_needed=number % 3 == 0 or flagged,
        steps=[STEP], content_box=[200, 300, 650, 450] if number == 1 else None,
        hints='[[3.0, 4.0, "#aa3322"]]' if number == 2 else "[]",
    )  # fmt: skip


def ask(served: Any, method: str, target: str, body: bytes = b"", **headers: str) -> Any:
    """Send a request as it is written, nothing tidied; gives status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", served.listener.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host="Host" in headers)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def cookie_of(person: Any) -> str:
    """A person's cookies as a header."""
    return "; ".join(f"{name}={value}" for name, value in person.cookies.items())


def change_rows(store: Any, **values: Any) -> None:
    """Give the first coloured row of OUTPUT other values, as a forged manifest would."""
    (key,) = manifest.part_keys(store)
    rows = pq.read_table(store.path_of(key)).to_pylist()
    rows[0] |= values
    store.write_atomic(key, manifest.to_parquet(table(rows)))
