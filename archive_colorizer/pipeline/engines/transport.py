"""How records travel between workers: as Arrow tables."""

import pickle
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa

from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.pipeline.steps.record import Recorded

_RECORD = "record"
_TIMES = pa.map_(pa.string(), pa.float64())
_REF_FIELDS = tuple(item.name for item in fields(PhotoRef))


def refs_of(table: pa.Table) -> list[PhotoRef]:
    """Rows of a table with the fields of PhotoRef as columns (others are ignored)."""
    names = [name for name in _REF_FIELDS if name in table.column_names]
    return [PhotoRef(**row) for row in table.select(names).to_pylist()]


def pack(records: Sequence[object]) -> pa.Table:
    """Records of our own as one binary column: they only travel between our own workers."""
    data = [pickle.dumps(record, protocol=5) for record in records]
    return pa.table({_RECORD: pa.array(data, pa.large_binary())})


def unpack(table: pa.Table) -> list[Any]:
    """The inverse of `pack`; a table of page references gives PhotoRefs."""
    if _RECORD not in table.column_names:
        return list(refs_of(table))
    return [pickle.loads(item) for item in table.column(_RECORD).to_pylist()]  # noqa: S301


def pack_recorded(recorded: Sequence[Recorded]) -> pa.Table:
    """What the driver hears of a finished batch."""
    columns = {
        item.name: [getattr(one, item.name) for one in recorded] for item in fields(Recorded)
    }
    times = pa.array([list(ms.items()) for ms in columns.pop("ms")], _TIMES)
    return pa.table({**columns, "ms": times})


def unpack_recorded(table: pa.Table) -> list[Recorded]:
    """The inverse of `pack_recorded`."""
    return [Recorded(**{**row, "ms": dict(row["ms"])}) for row in table.to_pylist()]
