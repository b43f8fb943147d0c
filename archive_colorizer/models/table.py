"""Every model family by its key."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from torch import nn

from archive_colorizer.models import (
    autoencoder,
    biggan_inversion,
    chroma_lite,
    chroma_unet,
    cwgan_gp,
    cyclegan,
    ddcolor,
    eccv16,
    pix2pix,
    rdn,
    rrdb,
    siggraph17,
    unet_perceptual,
)
from archive_colorizer.models.catalog import TASK_OF
from archive_colorizer.models.spec import ModelSpec


def _spec(
    name: str, config: type[Any], build: Callable[[Any], nn.Module], size_multiple: int = 32
) -> tuple[str, ModelSpec]:
    return name, ModelSpec(TASK_OF[name], config, build, size_multiple)


MODELS: Final[Mapping[str, ModelSpec]] = dict(
    (
        _spec("chroma_lite", chroma_lite.ChromaLiteConfig, chroma_lite.build),
        _spec("chroma_unet", chroma_unet.ChromaUNetConfig, chroma_unet.build),
        _spec("pix2pix", pix2pix.Pix2PixConfig, pix2pix.build),
        _spec("pix2pix_translate", pix2pix.Pix2PixConfig, pix2pix.build),
        _spec("autoencoder", autoencoder.AutoencoderConfig, autoencoder.build),
        _spec("autoencoder_translate", autoencoder.AutoencoderConfig, autoencoder.build),
        _spec("cwgan_gp", cwgan_gp.CWGANConfig, cwgan_gp.build),
        _spec("unet_perceptual", unet_perceptual.UNetPerceptualConfig, unet_perceptual.build),
        _spec(
            "biggan_inversion",
            biggan_inversion.BigGANInversionConfig,
            biggan_inversion.build,
            size_multiple=1,
        ),
        _spec("cyclegan", cyclegan.CycleGANConfig, cyclegan.build, size_multiple=4),
        _spec("ddcolor", ddcolor.DDColorConfig, ddcolor.build, size_multiple=1),
        _spec("eccv16", eccv16.ZhangConfig, eccv16.build, size_multiple=8),
        _spec("siggraph17", eccv16.ZhangConfig, siggraph17.build, size_multiple=8),
        _spec("rdn", rdn.RDNConfig, rdn.build, size_multiple=1),
        _spec("rrdb", rrdb.RRDBConfig, rrdb.build, size_multiple=1),
    )
)
