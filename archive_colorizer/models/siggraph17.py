"""Colour with hints: Zhang et al., "Real-Time User-Guided Image Colorization" (2017).

Parts have the names of the authors' PyTorch release, so that its state dict loads as it is.
B batch, H height, W width.
"""

from typing import Final

import torch
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.eccv16 import MULTIPLE, ZhangConfig, stage, to_lightness
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain

CLASSES: Final = 529
"""Channels of the second output, which only training uses."""


class Siggraph17(nn.Module):
    """Lightness, hinted ab and where they are in; ab out."""

    def __init__(self, config: ZhangConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.model1 = stage(4, w, 2)
        self.model2 = stage(w, 2 * w, 2)
        self.model3 = stage(2 * w, 4 * w, 3)
        self.model4 = stage(4 * w, 8 * w, 3)
        self.model5 = stage(8 * w, 8 * w, 3, dilation=2)
        self.model6 = stage(8 * w, 8 * w, 3, dilation=2)
        self.model7 = stage(8 * w, 8 * w, 3)
        self.model8up = nn.Sequential(nn.ConvTranspose2d(8 * w, 4 * w, 4, 2, 1))
        self.model8 = nn.Sequential(
            nn.ReLU(), nn.Conv2d(4 * w, 4 * w, 3, 1, 1),
            nn.ReLU(), nn.Conv2d(4 * w, 4 * w, 3, 1, 1),
            nn.ReLU(), nn.BatchNorm2d(4 * w),
        )  # fmt: skip
        self.model9up = nn.Sequential(nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1))
        self.model9 = nn.Sequential(
            nn.ReLU(), nn.Conv2d(2 * w, 2 * w, 3, 1, 1), nn.ReLU(), nn.BatchNorm2d(2 * w)
        )
        self.model10up = nn.Sequential(nn.ConvTranspose2d(2 * w, 2 * w, 4, 2, 1))
        self.model10 = nn.Sequential(nn.ReLU(), nn.Conv2d(2 * w, 2 * w, 3, 1, 1), nn.LeakyReLU(0.2))
        self.model3short8 = nn.Sequential(nn.Conv2d(4 * w, 4 * w, 3, 1, 1))
        self.model2short9 = nn.Sequential(nn.Conv2d(2 * w, 2 * w, 3, 1, 1))
        self.model1short10 = nn.Sequential(nn.Conv2d(w, 2 * w, 3, 1, 1))
        self.model_class = nn.Sequential(nn.Conv2d(4 * w, CLASSES, 1))
        self.model_out = nn.Sequential(nn.Conv2d(2 * w, 2, 1), nn.Tanh())

    def forward(self, given_b4hw: Tensor) -> Tensor:
        """Ab over 110, (B, 2, H, W); sides multiples of 8.

        Args:
            given_b4hw: (L - 50) / 100, ab over 110 and a mask of 0 and 1, (B, 4, H, W).
        """
        first = self.model1(given_b4hw)
        second = self.model2(first[:, :, ::2, ::2])
        third = self.model3(second[:, :, ::2, ::2])
        x = self.model4(third[:, :, ::2, ::2])
        for part in (self.model5, self.model6, self.model7):
            x = part(x)
        x = self.model8(self.model8up(x) + self.model3short8(third))
        x = self.model9(self.model9up(x) + self.model2short9(second))
        x = self.model10(self.model10up(x) + self.model1short10(first))
        out: Tensor = self.model_out(x)
        return out

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; temperature and vividness have no effect. Doubt is 0."""
        if hints_b3hw is None:
            hints_b3hw = torch.zeros_like(gray_b1hw).expand(-1, 3, -1, -1)
        given = torch.cat((to_lightness(gray_b1hw), hints_b3hw), dim=1)
        return certain(at_any_sides(self, given, MULTIPLE).float() * AB_SCALE)


def build(config: ZhangConfig) -> nn.Module:
    """An untrained network."""
    return Siggraph17(config)
