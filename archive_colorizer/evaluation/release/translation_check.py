"""The brightness of translations, on photographs that come with the dependencies.

Unpaired translations have no truth to be compared with; that day turns darker and night lighter is
what can be measured of them anywhere.
"""

from torch import nn

from archive_colorizer.errors import PhotoError
from archive_colorizer.evaluation.release.default_check import at_proxy_size, photographs
from archive_colorizer.imaging.decode import luma_of
from archive_colorizer.inference.runner import Runner, evaluating
from archive_colorizer.inference.translator import Translator


def brightness(module: nn.Module) -> dict[str, tuple[float, float]]:
    """Name -> mean Y' (0..255) of the photograph and of its translation.

    Args:
        module: with `translate`; judged in evaluation mode on its own device, float32, at the size
            that `colorize` shows it by default.

    Raises:
        LocationError: no photograph is installed.
        PhotoError: the model raised, ran out of memory, or gave values that are not finite.
    """
    found = {}
    with evaluating(module):
        translator = Translator(Runner(module, "exact"))
        for name, file in photographs().items():
            source = at_proxy_size(file)
            (made,) = translator([source])
            if isinstance(made, PhotoError):
                raise made
            found[name] = (float(luma_of(source).mean()), float(luma_of(made).mean()))
    return found
