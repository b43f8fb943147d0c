"""Files of the manifest, read in parts: a few columns of all rows, or all columns of one row."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.derivatives import version_of
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.storage import S3Settings, Store, open_parts, parse_location

STEPS: Final = "steps"
MODEL: Final = "model"
"""Made here of `steps`: the reference of the first step's model."""
BATCH_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the manifest, in one version."""

    key: str
    version: str


class PartFiles:
    """Reads the files of a folder of rows."""

    def __init__(self, store: Store, s3: S3Settings) -> None:
        self.store, self._s3 = store, s3

    def list(self, folder: str = manifest.FOLDER) -> tuple[Part, ...]:
        """List the files as they are now.

        Raises:
            OSError: the folder cannot be listed.
        """
        shown = set(manifest.part_keys(self.store, folder))
        return tuple(
            Part(one.key, f"{one.size_bytes} {version_of(one)}")
            for one in self.store.list(folder)
            if one.key in shown
        )

    def read(self, key: str, columns: Sequence[str]) -> pa.Table:
        """Read some columns of one file; MODEL may be among them.

        Raises:
            LocationError: it cannot be read.
            FileNotFoundError: it is gone.
        """
        with self._open(key) as parquet:
            there = set(parquet.schema_arrow.names)
            plain = [name for name in columns if name in there]
            paths = [parquet.schema.column(i).path for i in range(len(parquet.schema))]
            models = [one for one in paths if one.startswith(f"{STEPS}.") and "model_ref" in one]
            table = parquet.read(columns=plain + (models if MODEL in columns else []))
        made = [_column(table, name) for name in columns]
        return pa.table(made, names=list(columns))

    def read_row(self, key: str, index: int, columns: Sequence[str]) -> Mapping[str, Any]:
        """Read one row; columns that an earlier version did not write are None.

        Raises:
            LocationError: it cannot be read.
            FileNotFoundError: the file is gone.
            IndexError: it has not so many rows.
        """
        with self._open(key) as parquet:
            there = [name for name in columns if name in parquet.schema_arrow.names]
            group, at = _find_group(parquet, index)
            for batch in parquet.iter_batches(BATCH_ROWS, row_groups=[group], columns=there):
                if at < batch.num_rows:
                    row: dict[str, Any] = batch.slice(at, 1).to_pylist()[0]
                    return dict.fromkeys(columns) | row
                at -= batch.num_rows
        raise IndexError(index)

    @contextmanager
    def _open(self, key: str) -> Iterator[pq.ParquetFile]:
        uri = self.store.uri_of(key)
        try:
            with open_parts(parse_location(uri), self._s3) as file:
                yield pq.ParquetFile(file, pre_buffer=True)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            text = " ".join(str(error).split())
            raise LocationError(f"{uri}: cannot be read: {text}") from error


def _find_group(parquet: pq.ParquetFile, index: int) -> tuple[int, int]:
    """Find the row group of a row, and its place there."""
    for group in range(parquet.metadata.num_row_groups):
        rows = parquet.metadata.row_group(group).num_rows
        if index < rows:
            return group, index
        index -= rows
    raise IndexError(index)


def _column(table: pa.Table, name: str) -> pa.Array | pa.ChunkedArray:
    if name == MODEL:
        return _first_models(table)
    kind = SCHEMA.field(name).type
    if name not in table.column_names:
        return pa.nulls(table.num_rows, kind)
    return table[name].cast(kind)


def _first_models(table: pa.Table) -> pa.Array:
    """The reference of each row's first step; null for a row without steps."""
    if STEPS not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    steps = table[STEPS].combine_chunks()
    references = steps.flatten().field("model_ref")
    lengths = np.asarray(steps.value_lengths().fill_null(0))
    starts = np.cumsum(lengths) - lengths
    return references.take(pa.array(starts, mask=lengths == 0))
