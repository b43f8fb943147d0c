"""Every model family by its key."""

from collections.abc import Mapping
from typing import Final

from archive_colorizer.models import (
    autoencoder,
    chroma_unet,
    cwgan_gp,
    cyclegan,
    pix2pix,
    rdn,
    rrdb,
    unet_perceptual,
)
from archive_colorizer.models.spec import ModelSpec, Task

MODELS: Final[Mapping[str, ModelSpec]] = {
    "chroma_unet": ModelSpec(
        task=Task.COLORIZE,
        config=chroma_unet.ChromaUNetConfig,
        build=chroma_unet.build,
        size_multiple=32,
    ),
    "pix2pix": ModelSpec(
        task=Task.COLORIZE,
        config=pix2pix.Pix2PixConfig,
        build=pix2pix.build,
        size_multiple=32,
    ),
    "pix2pix_translate": ModelSpec(
        task=Task.TRANSLATE,
        config=pix2pix.Pix2PixConfig,
        build=pix2pix.build,
        size_multiple=32,
    ),
    "autoencoder": ModelSpec(
        task=Task.COLORIZE,
        config=autoencoder.AutoencoderConfig,
        build=autoencoder.build,
        size_multiple=32,
    ),
    "autoencoder_translate": ModelSpec(
        task=Task.TRANSLATE,
        config=autoencoder.AutoencoderConfig,
        build=autoencoder.build,
        size_multiple=32,
    ),
    "cwgan_gp": ModelSpec(
        task=Task.COLORIZE,
        config=cwgan_gp.CWGANConfig,
        build=cwgan_gp.build,
        size_multiple=32,
    ),
    "unet_perceptual": ModelSpec(
        task=Task.COLORIZE,
        config=unet_perceptual.UNetPerceptualConfig,
        build=unet_perceptual.build,
        size_multiple=32,
    ),
    "cyclegan": ModelSpec(
        task=Task.TRANSLATE,
        config=cyclegan.CycleGANConfig,
        build=cyclegan.build,
        size_multiple=4,
    ),
    "rdn": ModelSpec(task=Task.UPSCALE, config=rdn.RDNConfig, build=rdn.build, size_multiple=1),
    "rrdb": ModelSpec(task=Task.UPSCALE, config=rrdb.RRDBConfig, build=rrdb.build, size_multiple=1),
}
