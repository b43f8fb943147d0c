"""The docstrings under a config class's fields: the help of its settings, read from the source."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any


def read_field_docs(kind: type[Any]) -> Mapping[str, str]:
    """Read a class's docs, key -> help on one line; those of its base classes count."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__ != "builtins":
            found |= dict(_find_docs(one))
    return found


def _find_docs(kind: type[Any]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(_parse_module(kind.__module__)):
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            for field, after in zip(node.body, node.body[1:], strict=False):
                if (text := _read_text(after)) and isinstance(field, ast.AnnAssign):
                    yield ast.unparse(field.target), " ".join(text.split())


def _read_text(node: ast.stmt) -> str:
    """Read a statement that is nothing but a text; empty for others."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else ""
    return ""


@cache
def _parse_module(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))
