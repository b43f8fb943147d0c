"""DDColor (Kang et al., "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders",
2023) through the library spandrel_extra_arches: an extra, since it needs torchvision.

B batch, H height, W width.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.extras import install_command
from archive_colorizer.models.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.models.spec import Prediction, certain

MARKS: Final = ("encoder.arch.downsample_layers.0.0.weight", "refine_net.0.0.weight_orig")
"""Names of the public release's tensors."""
INPUT_PX: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class DDColorConfig:
    """Settings of the network, as the library names them."""

    encoder_name: str = "convnext-l"
    decoder_name: str = "MultiScaleColorDecoder"
    nf: int = 512
    num_output_channels: int = 2
    last_norm: str = "Spectral"
    num_queries: int = 100
    num_scales: int = 3
    dec_layers: int = 9
    input_px: int = INPUT_PX
    """Edge of the square that a picture is stretched to."""

    def __post_init__(self) -> None:
        if self.num_output_channels != 2 or self.input_px % 32 or self.input_px < 32:
            raise ValueError(
                f"num_output_channels={self.num_output_channels}, input_px={self.input_px}: must "
                "be 2, and a multiple of 32"
            )


class DDColor(nn.Module):
    """The library's network behind our interface."""

    def __init__(self, config: DDColorConfig) -> None:
        super().__init__()
        self.config = config
        names = ("encoder_name", "decoder_name", "nf", "num_output_channels", "last_norm",
                 "num_queries", "num_scales", "dec_layers")  # fmt: skip
        settings = {name: getattr(config, name) for name in names}
        self.network = _library().DDColor(**settings, input_size=(config.input_px,) * 2)

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; one colour for each pixel, so only the picture counts.

        The picture is stretched to a square and its ab are brought back, as the authors do. Doubt
        is 0.
        """
        edge = self.config.input_px
        small = F.interpolate(gray_b1hw, (edge, edge), mode="bilinear", antialias=True)
        lightness = rgb_to_lab(small.expand(-1, 3, -1, -1))[:, :1]
        neutral = lab_to_rgb(
            torch.cat((lightness, torch.zeros_like(small).expand(-1, 2, -1, -1)), 1)
        )
        ab_b2hw = self.network(neutral).float().clamp(-128, 128)
        return certain(F.interpolate(ab_b2hw, gray_b1hw.shape[2:], mode="bilinear"))


def from_public(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for the public release's tensors, as the library reads them.

    Raises:
        ValueError: the library is not there, or does not know such tensors.
    """
    try:
        network = _library().DDColorArch().load(dict(state)).model
    except (KeyError, RuntimeError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    names = DDColorConfig.__slots__
    said = {name: value for name, value in network.hyperparameters.items() if name in names}
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    return said, tensors


def _library() -> Any:  # noqa: ANN401 (a module that may be absent)
    try:
        with warnings.catch_warnings(action="ignore"):  # of torchvision, about its own parts
            from spandrel_extra_arches.architectures import DDColor as module  # noqa: N813 (a module, in spite of its name)
    except (ImportError, RuntimeError) as error:
        text = " ".join(str(error).split())[:120]
        raise ValueError(
            f"DDColor needs spandrel_extra_arches: {install_command('ddcolor')}, and a torchvision "
            f"that was built for this torch ({text})"
        ) from error
    return module


def build(config: DDColorConfig) -> nn.Module:
    """An untrained network."""
    return DDColor(config)
