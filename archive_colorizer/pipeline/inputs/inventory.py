"""An inventory: a CSV or Parquet table that names the pages, in place of a folder."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.inputs.pages import make_page, page_of_path, read_sha256
from archive_colorizer.storage import Location, S3Settings, open_file, parse_location

INVENTORIES: Final = frozenset({".csv", ".parquet"})
UNDERSTOOD: Final = ("object_id", "collection", "sensitivity", "class_id")
"""Columns that are carried under their own names."""
BATCH_ROWS: Final = 50_000
ROOT: Final = parse_location("/")


def read_inventory(source: Location, s3: S3Settings) -> Iterator[dict[str, Any]]:
    """Yield a row of PAGES for each row of an inventory.

    Raises:
        ConfigError: it cannot be read or understood; the row is named.
    """
    table = _read_table(source, s3)
    if "uri" not in table.column_names:
        names = ", ".join(table.column_names)
        raise ConfigError(f"{source.text}: an inventory needs a column 'uri' (it has: {names})")
    folder = source.parent
    first = 2 if source.suffix == ".csv" else 1
    number = 0
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        for values in batch.to_pylist():
            yield _make_row(folder, values, f"{source.text}: row {number + first}")
            number += 1


def _read_table(source: Location, s3: S3Settings) -> pa.Table:
    try:
        with open_file(source, s3) as file:
            if source.suffix == ".parquet":
                return pq.read_table(file)
            header = file.readline().decode("utf-8-sig")
            file.seek(0)
            names = [name.strip().strip('"') for name in header.rstrip("\r\n").split(",")]
            types = dict.fromkeys(names, pa.string())
            options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
            return pa_csv.read_csv(file, convert_options=options)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{source.text}: cannot read the inventory: {text}") from error


def _make_row(folder: Location, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    uri = str(values.get("uri") or "").strip()
    if not uri:
        raise ConfigError(f"{where}: the uri is empty")
    row = _locate(folder, uri, values, where)
    row["page"] = _read_page(values.get("page"), where)
    row["expected_sha256"] = read_sha256(values.get("sha256"), where)
    row |= {name: str(values.get(name) or "") for name in UNDERSTOOD}
    known = {"uri", "page", "sha256", *UNDERSTOOD}
    other = {name: value for name, value in values.items() if name not in known}
    row["collection_json"] = json.dumps(other, ensure_ascii=False, sort_keys=True, default=str)
    return row


def _locate(folder: Location, uri: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Make the row of a uri: absolute, or relative to the inventory's folder."""
    try:
        named = parse_location(uri) if "://" in uri else None
    except LocationError as error:
        raise ConfigError(f"{where}: {error}") from error
    place = named or folder.join(uri)
    if place.is_s3:
        return _locate_object(folder, place, values, where)
    if "\0" in (named.key if named else uri):
        raise ConfigError(f"{where}: the uri holds a NUL, which no file name can")
    base = ROOT if folder.is_s3 else folder
    place = base.join(named.key if named else uri)
    path = place.path
    return page_of_path(path, place.name_below(base) or f"absolute{path}")


def _locate_object(
    folder: Location, place: Location, values: Mapping[str, Any], where: str
) -> dict[str, Any]:
    relative = place.name_below(folder)
    if relative is None:
        relative = f"absolute/{place.bucket}/{place.key}"
    size = str(values.get("size_bytes") or 0)
    if not size.isascii() or not size.isdigit():
        raise ConfigError(f"{where}: size_bytes {size!r}: must be a whole number")
    row = make_page(place.uri, relative, size=int(size), mtime_ns=None)
    return row | {"etag": str(values.get("etag") or "").strip('"') or None}


def _read_page(value: object, where: str) -> int:
    text = str(value if value not in (None, "") else 0)
    if text != "0":
        raise ConfigError(f"{where}: page {text!r}: only page 0 is supported yet")
    return 0
