"""Colours whole black-and-white photo archives, and writes down what it did.

    import archive_colorizer as ac

    ac.Colorizer.load("builtin:default")("scan.tif").picture.save("scan.png")
    ac.colorize("scans/", "colour/", format="png")
    ac.Manifest.open("colour/").to_pandas()

Importing this package loads neither torch nor ray: its names are loaded when they are used.
"""

from typing import TYPE_CHECKING, Any, Final

from archive_colorizer.version import __version__

if TYPE_CHECKING:
    from archive_colorizer.api import Colorized, Colorizer, Manifest, colorize
    from archive_colorizer.errors import ArchiveColorizerError, PhotoError, UsageError
    from archive_colorizer.pipeline.report import JobReport

__all__ = [
    "ArchiveColorizerError",
    "Colorized",
    "Colorizer",
    "JobReport",
    "Manifest",
    "PhotoError",
    "UsageError",
    "__version__",
    "colorize",
]
_MODULE_OF: Final = {
    "ArchiveColorizerError": "errors",
    "Colorized": "api.colorizer",
    "Colorizer": "api.colorizer",
    "JobReport": "pipeline.report",
    "Manifest": "api.manifest",
    "PhotoError": "errors",
    "UsageError": "errors",
    "colorize": "api.job",
}
"""Public name -> module that has it, loaded on first use (PEP 562)."""


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
