"""Every model family by its key."""

from collections.abc import Mapping
from typing import Final

from archive_colorizer.models import chroma_unet
from archive_colorizer.models.spec import ModelSpec, Task

MODELS: Final[Mapping[str, ModelSpec]] = {
    "chroma_unet": ModelSpec(
        task=Task.COLORIZE,
        config=chroma_unet.ChromaUNetConfig,
        build=chroma_unet.build,
        size_multiple=32,
    ),
}
