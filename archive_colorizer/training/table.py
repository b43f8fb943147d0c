"""Every recipe by its key, with the loop's settings that its paper or our trials give it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from archive_colorizer.training.recipe import Recipe
from archive_colorizer.training.recipes import autoencoder, chroma_unet, pix2pix


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """How a family is trained, as data."""

    family: str
    """Key in MODELS."""
    config: type[Any]
    """Frozen dataclass with the recipe's settings."""
    build: Callable[..., Recipe]
    """(model, photographs, config), for pairs also `sources`."""
    loop: Mapping[str, Any] = field(default_factory=dict)
    """Settings of LoopConfig that differ from its defaults."""


RECIPES: Final[Mapping[str, RecipeSpec]] = {
    "chroma_unet": RecipeSpec(
        "chroma_unet", chroma_unet.ChromaRecipeConfig, chroma_unet.ChromaRecipe
    ),
    "pix2pix": RecipeSpec(
        "pix2pix",
        pix2pix.Pix2PixRecipeConfig,
        pix2pix.Pix2PixRecipe,
        {"lr": 2e-4, "schedule": "linear", "warmup_steps": 0},
    ),
    "autoencoder": RecipeSpec(
        "autoencoder",
        autoencoder.AutoencoderRecipeConfig,
        autoencoder.AutoencoderRecipe,
        {"lr": 2e-4, "warmup_steps": 0},
    ),
}
