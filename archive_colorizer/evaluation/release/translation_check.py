"""What a translation does to brightness, on photographs that come with the dependencies.

Unpaired translations have no truth to be compared with; that day turns darker and night lighter is
what can be measured of them anywhere.
"""

import numpy as np
import torch
from PIL import Image
from torch import nn

from archive_colorizer.evaluation.release.default_check import photographs, proxy_size
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.inference.device import exact


def brightness(module: nn.Module) -> dict[str, tuple[float, float]]:
    """Name -> mean Y' (0..255) of the photograph and of what a translator makes of it.

    Args:
        module: with `translate`; judged in evaluation mode on its own device, float32, at the size
            that `colorize` shows it by default.

    Raises:
        LocationError: no photograph is installed.
    """
    found = {}
    device = next(module.parameters()).device
    module.eval()
    with exact(device), torch.inference_mode():
        for name, file in photographs().items():
            with Image.open(file) as image:
                source = image.convert("RGB")
            source.thumbnail(proxy_size(source.size), Image.Resampling.BICUBIC)
            pixels = np.asarray(source)
            rgb_b3hw = torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None] / 255
            made = module.translate(rgb_b3hw)[0] * 255  # type: ignore[operator]
            made_hw3 = made.round().byte().permute(1, 2, 0).cpu().numpy()
            found[name] = (float(luma_of(pixels).mean()), float(luma_of(made_hw3).mean()))
    return found
