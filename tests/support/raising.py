"""Steps that raise on one picture, whatever they are: it is named `raise-in-STEP` in its URI.

`python -m site` loads this by a `sitecustomize` that calls `install`, so that Ray's workers, which
are other processes, have such steps too.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

STEPS: Final = ("read", "prepare", "colorize", "deliver", "record")


class Unforeseen(Exception):  # noqa: N818 (an event, not a mistake)
    """What nobody has foreseen."""


class Raising:
    """A step that raises when the picture that is named after it is in its batch."""

    def __init__(self, step: Any) -> None:
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_step"], name)

    def __call__(self, batch: Sequence[Any]) -> Any:
        for record in batch:
            ref = getattr(record, "ref", record)
            if f"raise-in-{self._step.name}." in ref.source_uri:
                raise Unforeseen(f"a fault\nof {self._step.name} in <Thing at 0x7f0123456789>")
        return self._step(batch)


def raising(steps: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """`job.steps`, with all steps but the last one raising."""

    def wrapped(spec: Any, **how: Any) -> tuple[Any, ...]:
        *before, last = steps(spec, **how)
        return (*map(Raising, before), last)

    return wrapped


def raising_row(outcome_row: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`rows.outcome_row`, which cannot make the row of a picture that is well."""

    def wrapped(outcome: Any, *more: Any) -> dict[str, Any]:
        if "raise-in-record." in outcome.ref.source_uri and outcome.status == "ok":
            raise OverflowError("int too big to convert")
        return outcome_row(outcome, *more)

    return wrapped


class _Patch(importlib.abc.MetaPathFinder):
    """Puts the two into their modules as they are loaded."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        patches = {
            "archive_colorizer.pipeline.job": ("steps", raising),
            "archive_colorizer.pipeline.output.rows": ("outcome_row", raising_row),
        }
        if name not in patches:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        assert spec
        assert spec.loader
        kept = spec.loader.exec_module
        attribute, wrap = patches[name]

        def exec_module(module: Any) -> None:
            kept(module)
            setattr(module, attribute, wrap(getattr(module, attribute)))

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Let every process that calls this have such steps."""
    sys.meta_path.insert(0, _Patch())
