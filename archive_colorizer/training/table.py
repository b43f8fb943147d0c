"""Every recipe by its key, with the settings that its paper or our trials give it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from archive_colorizer.training.recipe import Recipe
from archive_colorizer.training.recipes import (
    autoencoder,
    biggan_inversion,
    chroma,
    cwgan_gp,
    cyclegan,
    pix2pix,
    rdn,
    rrdb,
    unet_perceptual,
)


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """How a family is trained, as data."""

    family: str
    """Key in MODELS."""
    config: type[Any]
    """Frozen dataclass with the recipe's settings."""
    build: Callable[..., Recipe]
    """(model, config, feed, library, *, translates)."""
    translator: str = ""
    """Key in MODELS of the same network when it learns from sources in colour; empty: it cannot."""
    translator_model: Mapping[str, Any] = field(default_factory=dict)
    """The model's settings then."""
    feed: Mapping[str, Any] = field(default_factory=dict)
    """Settings of FeedConfig that differ from its defaults."""
    loop: Mapping[str, Any] = field(default_factory=dict)
    """Settings of LoopConfig that differ from its defaults."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Settings of DataConfig that differ from its defaults."""


ENLARGING: Final = {"short_px": 4096, "min_colourfulness": 0.0}
"""Detail is what is learned: pictures keep their size, and grey ones teach as well."""

RECIPES: Final[Mapping[str, RecipeSpec]] = {
    "chroma_lite": RecipeSpec(
        "chroma_lite",
        chroma.ChromaLiteRecipeConfig,
        chroma.ChromaLiteRecipe,
        feed={
            "crop_px": 160,
            "zoom": 0.55,
            "aspect": 0.2,
            "batch_size": 48,
            "degrade_share": 0.5,
        },
        loop={"lr": 1.5e-3},
    ),
    "chroma_unet": RecipeSpec(
        "chroma_unet",
        chroma.ChromaRecipeConfig,
        chroma.ChromaRecipe,
        feed={"crop_px": 128, "zoom": 0.46, "batch_size": 48, "degrade_share": 0.5},
    ),
    "pix2pix": RecipeSpec(
        "pix2pix",
        pix2pix.Pix2PixRecipeConfig,
        pix2pix.Pix2PixRecipe,
        translator="pix2pix_translate",
        translator_model={"in_channels": 3, "out_channels": 3},
        loop={"lr": 2e-4, "schedule": "linear", "warmup_steps": 0},
    ),
    "autoencoder": RecipeSpec(
        "autoencoder",
        autoencoder.AutoencoderRecipeConfig,
        autoencoder.AutoencoderRecipe,
        translator="autoencoder_translate",
        feed={"batch_size": 4},
        loop={"lr": 2e-4, "warmup_steps": 0},
    ),
    "cwgan_gp": RecipeSpec(
        "cwgan_gp",
        cwgan_gp.CWGANRecipeConfig,
        cwgan_gp.CWGANRecipe,
        feed={"crop_px": 224, "batch_size": 8},
        loop={"lr": 2e-4, "warmup_steps": 0, "schedule": "step"},
    ),
    "unet_perceptual": RecipeSpec(
        "unet_perceptual",
        unet_perceptual.UNetPerceptualRecipeConfig,
        unet_perceptual.UNetPerceptualRecipe,
        feed={"crop_px": 320, "batch_size": 8},
        loop={"warmup_steps": 0, "schedule": "step"},
    ),
    "biggan_inversion": RecipeSpec(
        "biggan_inversion",
        biggan_inversion.BigGANInversionRecipeConfig,
        biggan_inversion.BigGANInversionRecipe,
        feed={"batch_size": 16},
        loop={
            "lr": 1e-4,
            "warmup_steps": 0,
            "schedule": "step",
            "step_epochs": 1,
            "step_factor": 0.9,
        },
        data={"min_colourfulness": 15.0},
    ),
    "cyclegan": RecipeSpec(
        "cyclegan",
        cyclegan.CycleGANRecipeConfig,
        cyclegan.CycleGANRecipe,
        feed={"zoom": 0.8},
        loop={"lr": 2e-4, "warmup_steps": 0, "schedule": "linear"},
    ),
    "rdn": RecipeSpec(
        "rdn",
        rdn.RDNRecipeConfig,
        rdn.RDNRecipe,
        feed={"crop_px": 96, "batch_size": 16, "zoom": 1.0},
        loop={"lr": 1e-4, "warmup_steps": 0},
        data=ENLARGING,
    ),
    "rrdb": RecipeSpec(
        "rrdb",
        rrdb.RRDBRecipeConfig,
        rrdb.RRDBRecipe,
        feed={"crop_px": 128, "batch_size": 16, "zoom": 1.0},
        loop={"lr": 2e-4, "warmup_steps": 0},
        data=ENLARGING,
    ),
}
