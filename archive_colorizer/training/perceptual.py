"""Pretrained features for losses, from files that the user names."""

from pathlib import Path

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.models.vgg import VggFeatures
from archive_colorizer.weights.state import read_state


def open_vgg(kind: str, path: str, weight: float) -> VggFeatures | None:
    """The features of a perceptual loss; None where it weighs nothing.

    Args:
        kind: vgg16 or vgg19.
        path: of the public state dict (.pth or .safetensors).
        weight: of the loss.

    Raises:
        ConfigError: it weighs something and no file is named.
        LocationError: the file is missing or holds other weights.
    """
    if not weight:
        return None
    if not path:
        raise ConfigError(
            f"the perceptual loss needs {kind.upper()}'s public weights: --set "
            f"recipe.vgg=FILE ({kind}-*.pth of torchvision), or --set recipe.perceptual=0"
        )
    network = VggFeatures(kind)
    try:
        network.load(read_state(Path(path)))
    except ValueError as error:
        raise LocationError(f"{path}: not {kind.upper()}'s weights: {error}") from error
    return network.eval()
