"""VGG features for perceptual losses. B batch, C channel, H height, W width.

Simonyan & Zisserman (2014); the state-dict keys are the public release's (`features.N.weight`). The
weights come from a file that the user names: nothing is downloaded.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.weights.state import read_state

MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)
PLANS: Final[Mapping[str, tuple[int, ...]]] = {
    "vgg16": (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0),
    "vgg19": (64, 64, 0, 128, 128, 0, *(256,) * 4, 0, *(512,) * 4, 0, *(512,) * 4, 0),
}
"""Channels of the 3x3 convolutions, each with a ReLU after it; 0 is a 2x2 maximum pool."""
TAPS: Final[Mapping[str, tuple[int, ...]]] = {
    "vgg16": (3, 8, 15, 22),
    "vgg19": (34,),
}
"""Index of the last layer of each feature: VGG16 relu1_2, relu2_2, relu3_3, relu4_3 (Johnson et al.
2016); VGG19 block5_conv4 before its activation (ESRGAN, reference system C)."""


class VggFeatures(nn.Module):
    """A frozen stack up to the last layer that is asked for.

    Args:
        kind: vgg16 or vgg19.
        taps: indices in `features`; None takes the kind's own.
        width_divisor: fewer channels, for tests.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, kind: str, taps: Sequence[int] | None = None, *, width_divisor: int = 1
    ) -> None:
        super().__init__()
        self.taps = tuple(taps or TAPS[kind])
        layers: list[nn.Module] = []
        channels = 3
        for width in PLANS[kind]:
            if width:
                layers += [nn.Conv2d(channels, width // width_divisor, 3, padding=1), nn.ReLU()]
                channels = width // width_divisor
            else:
                layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.ModuleList(layers[: max(self.taps) + 1])
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, rgb_b3hw: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) in [0, 1] -> the tapped maps, coarser and coarser."""
        x = (rgb_b3hw - self.mean) / self.std
        found = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.taps:
                found.append(x)
        return tuple(found)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Fill from a public state dict; the layers after the last tap and the classifier are left.

        Raises:
            ValueError: a key is missing or of another shape; says which.
        """
        known = self.state_dict()
        for name, value in known.items():
            if name not in state:
                raise ValueError(f"{name} is missing")
            if state[name].shape != value.shape:
                raise ValueError(f"{name} is {tuple(state[name].shape)}, not {tuple(value.shape)}")
        self.load_state_dict({name: state[name] for name in known})


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
            f"the perceptual loss needs {kind.upper()}'s public weights: --perceptual-from FILE "
            f"({kind}-*.pth of torchvision; recipe.vgg), builtin:encoder in their place, or --set "
            "recipe.perceptual=0"
        )
    network = VggFeatures(kind)
    try:
        network.load(read_state(Path(path)))
    except ValueError as error:
        raise LocationError(f"{path}: not {kind.upper()}'s weights: {error}") from error
    return network.eval()
