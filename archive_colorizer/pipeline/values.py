"""Values that a table can hold: whatever a page brings along, its row can be written."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

INT64: Final = range(-(2**63), 2**63)
IDENTITIES: Final = frozenset(
    {"row_id", "source_uri", "derivative_uri", "derivative_key", "marked_key", "access_key", "etag"}
)
"""Columns by which rows and files are found again: valid control characters stay in them."""
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")
"""Lone surrogates: bytes of a name that is not UTF-8, or half a character."""
_NO_PRINT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
REPLACEMENT: Final = "\ufffd"


def valid_text(text: str) -> str:
    """Replace what no table or terminal can hold: lone surrogates and control characters."""
    return _NO_PRINT.sub(REPLACEMENT, text)


def fitting(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Make a row that a schema can hold.

    Text becomes valid; a number outside the range of its column becomes null.

    Args:
        row: values by column; a column that is missing is null.
        schema: of flat columns, or lists and structs of text.
    """
    return {name: _fit(row.get(name), span, name) for name, span in _spans(schema)}


@lru_cache(maxsize=8)
def _spans(schema: pa.Schema) -> tuple[tuple[str, range | None], ...]:
    """The range of whole numbers in each column; None where there is none."""
    return tuple((field.name, _span(field.type)) for field in schema)


def _span(kind: pa.DataType) -> range | None:
    if pa.types.is_timestamp(kind):
        return INT64
    if not pa.types.is_signed_integer(kind):
        return None
    half = 1 << (kind.bit_width - 1)
    return range(-half, half)


def _fit(value: object, span: range | None, name: str) -> object:
    if isinstance(value, str):
        return (_NO_TEXT if name in IDENTITIES else _NO_PRINT).sub(REPLACEMENT, value)
    if span is not None and isinstance(value, int):
        return value if value in span else None
    if isinstance(value, Mapping):
        return {key: _fit(item, INT64, "") for key, item in value.items()}
    if isinstance(value, list):
        return [_fit(item, INT64, "") for item in value]
    return value
