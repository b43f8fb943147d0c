"""Transport between workers: records travel as Arrow tables, and so does an error that stops one.

Every table that a worker gives has the column `stopped_by`. It is null but where an error that ends
the job (a UsageError, or a broken program) stopped the worker: then the table is one row with the
serialised error, the workers after it hand that on, and the driver raises it.
"""

import pickle
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.errors import ArchiveColorizerError, deserialise_error, serialise_error
from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.values import fitting

_RECORD: Final = "record"
_STOPPED_BY: Final = "stopped_by"
_RECORDS: Final = pa.schema([(_RECORD, pa.large_binary()), (_STOPPED_BY, pa.string())])
_RECORDED: Final = pa.schema(
    [
        ("row_id", pa.string()),
        ("status", pa.string()),
        ("error_class", pa.string()),
        ("ms", pa.map_(pa.string(), pa.float64())),
        ("error_message", pa.string()),
        ("trace", pa.string()),
        ("started_at_us", pa.int64()),
        (_STOPPED_BY, pa.string()),
    ]
)
_REF_FIELDS: Final = tuple(item.name for item in fields(PhotoRef))


def refs_of(table: pa.Table) -> list[PhotoRef]:
    """Read the rows of a table that has the fields of PhotoRef as columns; others are ignored."""
    names = [name for name in _REF_FIELDS if name in table.column_names]
    return [PhotoRef(**row) for row in table.select(names).to_pylist()]


def pack(records: Sequence[object]) -> pa.Table:
    """Pickle records into one binary column: they only travel between our own workers."""
    data = [pickle.dumps(record, protocol=5) for record in records]
    return pa.table({_RECORD: data, _STOPPED_BY: [None] * len(data)}, _RECORDS)


def unpack(table: pa.Table) -> list[Any]:
    """Read records that were packed; a table of page references gives PhotoRefs."""
    if _RECORD not in table.column_names:
        return list(refs_of(table))
    # From the buffer itself: a record may hold an enlarged picture.
    return [pickle.loads(item.as_buffer()) for item in table.column(_RECORD)]  # noqa: S301


def pack_recorded(recorded: Sequence[Recorded]) -> pa.Table:
    """Put what the driver is told of a finished batch into plain columns."""
    rows = [
        fitting({name: getattr(one, name, None) for name in _RECORDED.names}, _RECORDED)
        | {"ms": list(one.ms.items())}
        for one in recorded
    ]
    return pa.Table.from_pylist(rows, _RECORDED)


def unpack_recorded(table: pa.Table) -> list[Recorded]:
    """Read what `pack_recorded` packed."""
    rows = table.drop_columns(_STOPPED_BY).to_pylist()
    return [Recorded(**{**row, "ms": dict(row["ms"])}) for row in rows]


def pack_stop(error: ArchiveColorizerError, *, at_end: bool) -> pa.Table:
    """Pack the error that stopped a worker.

    Args:
        error: that ends the job.
        at_end: whether the worker is one of the last stage, whose tables the driver reads.
    """
    row = {_STOPPED_BY: serialise_error(error)}
    return pa.Table.from_pylist([row], _RECORDED if at_end else _RECORDS)


def raise_stop(table: pa.Table) -> None:
    """Raise the error that stopped an earlier worker, if one did.

    Raises:
        ArchiveColorizerError: the same class, with the same line.
    """
    if _STOPPED_BY not in table.column_names:
        return
    stops = table.column(_STOPPED_BY).drop_null()
    if len(stops):
        raise deserialise_error(stops[0].as_py())
