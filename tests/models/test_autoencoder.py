"""System B's autoencoder, to the parameter."""

import torch

from archive_colorizer.models.autoencoder import Autoencoder, AutoencoderConfig


def test_it_has_exactly_the_systems_parameters_and_statistics() -> None:
    model = Autoencoder(AutoencoderConfig())
    assert sum(p.numel() for p in model.parameters()) == 9_600_206
    statistics = [b for name, b in model.named_buffers() if "running" in name]
    assert sum(b.numel() for b in statistics) == 2_560


@torch.inference_mode()
def test_any_sides_are_padded_and_cut_again() -> None:
    model = Autoencoder(AutoencoderConfig(width=4)).eval()
    assert model.translate(torch.rand(1, 3, 50, 75)).shape == (1, 3, 50, 75)
