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
from archive_colorizer.models.catalog import FAMILIES
from archive_colorizer.models.spec import ModelSpec


def _spec(name: str, config: type[Any], build: Callable[[Any], nn.Module]) -> tuple[str, ModelSpec]:
    return name, ModelSpec(FAMILIES[name].task, config, build, FAMILIES[name].size_multiple)


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
        _spec("biggan_inversion", biggan_inversion.BigGANInversionConfig, biggan_inversion.build),
        _spec("cyclegan", cyclegan.CycleGANConfig, cyclegan.build),
        _spec("ddcolor", ddcolor.DDColorConfig, ddcolor.build),
        _spec("eccv16", eccv16.ZhangConfig, eccv16.build),
        _spec("siggraph17", eccv16.ZhangConfig, siggraph17.build),
        _spec("rdn", rdn.RDNConfig, rdn.build),
        _spec("rrdb", rrdb.RRDBConfig, rrdb.build),
    )
)
