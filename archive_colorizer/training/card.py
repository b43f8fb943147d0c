"""The card of a model that a run gives."""

import platform
import time
from dataclasses import asdict
from typing import Final

import torch

from archive_colorizer.metrics.features import describe_features
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.training.journal import best_validation, validations
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.plan import TrainPlan
from archive_colorizer.version import __version__
from archive_colorizer.weights.card import ModelCard

SETTINGS: Final = "train.toml"
"""The run's settings, beside the card."""


def make_card(plan: TrainPlan, loop: Loop, family: str) -> ModelCard:
    """Fill in the card of the weights that a run gives.

    Args:
        plan: of the run.
        loop: at its end.
        family: key in MODELS.
    """
    config, folder = plan.config, loop.folder
    samples = loop.step * config.feed.batch_size
    first = resolve(config.run.init, s3=config.run.s3).card if config.run.init else None
    start = f", from {config.run.init}" if first else ""
    before = f" Before, {first.name} {first.version}: {first.trained_on}" if first else ""
    begin, best = validations(folder)[0], best_validation(folder)
    goal = loop.recipe.goal
    recipe = asdict(config.settings)
    seen = describe_features(str(recipe.get("vgg", "")), float(recipe.get("perceptual", 0)))
    return ModelCard(
        name=plan.name,
        version=time.strftime("%Y.%m.%d", time.gmtime()),
        family=family,
        config=asdict(config.model_config(translates=plan.gathered.colour_sources)),
        summary=f"Trained by archive-colorizer {__version__} with the recipe {config.recipe}.",
        trained_on=(
            f"{plan.gathered.report.splitlines()[0]}; split SHA-256 {plan.gathered.split_sha256}."
            f"{before}"
        ),
        data_rights=config.run.data_rights,
        review_doubt=first.review_doubt if first else 1.0,
        training=(
            f"{loop.step:,} steps, {samples:,} samples in {loop.spent_s / 60:.1f} minutes on "
            f"{config.run.workers} worker(s), {loop.device} ({platform.machine()}, "
            f"{torch.get_num_threads()} threads){start}; git {plan.commit[:12] or 'unknown'}. "
            f"Held-out {goal}: {begin['figures'][goal]:.4f} before, {best['figures'][goal]:.4f} at "
            f"step {best['step']:,}, the best validation, whose averaged weights these are."
            f"{' ' if seen else ''}{seen}"
        ),
        command=(
            f"archive-colorizer train {config.recipe} {config.data.data} --output RUN "
            f"--config {SETTINGS}  # beside this card"
        ),
        figures={name: round(value, 4) for name, value in best["figures"].items()},
        protocol=(
            f"Held-out pictures of the same data, squares of {config.feed.crop_px} pixels, "
            "averaged weights; losses over 192 samples, the others over the first 24 pictures."
        ),
        limits=("Colours are estimates, not records.",),
        licence=config.run.licence,
    )
