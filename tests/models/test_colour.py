"""Colour spaces on tensors, against scikit-image and against themselves."""

import numpy as np
import pytest
import torch
from skimage import color

from archive_colorizer.models.colour import gamut_bins, lab_to_rgb, rgb_to_lab, soft_targets


@pytest.fixture(scope="module")
def rgb() -> torch.Tensor:
    """Random colours and the corners of the cube."""
    axis = torch.linspace(0, 1, 5)
    cube = torch.cartesian_prod(axis, axis, axis).T.reshape(1, 3, 5, 25)
    noise = torch.rand(1, 3, 40, 25, generator=torch.Generator().manual_seed(0))
    return torch.cat((cube, noise), dim=2)


def test_lab_is_that_of_scikit_image(rgb: torch.Tensor) -> None:
    expected = color.rgb2lab(rgb[0].permute(1, 2, 0).double().numpy())
    assert np.abs(rgb_to_lab(rgb)[0].permute(1, 2, 0).numpy() - expected).max() < 0.02


def test_colours_come_back(rgb: torch.Tensor) -> None:
    assert torch.allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=2e-3)


def test_what_no_screen_can_show_is_clipped() -> None:
    lab = torch.tensor([50.0, 150.0, -150.0]).reshape(1, 3, 1, 1)
    rgb = lab_to_rgb(lab)
    assert torch.isfinite(rgb).all()
    assert rgb.min() >= 0
    assert rgb.max() <= 1


def test_greys_have_no_chroma() -> None:
    grey = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8).repeat(1, 3, 1, 1)
    assert rgb_to_lab(grey)[:, 1:].abs().max() < 0.05


def test_autocast_does_not_touch_the_conversion(rgb: torch.Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        inside = rgb_to_lab(rgb)
    assert inside.dtype == torch.float32
    assert torch.allclose(inside, rgb_to_lab(rgb), atol=1e-3)


def test_the_bins_are_distinct_cells_within_the_gamut() -> None:
    bins = gamut_bins()
    assert bins.shape == (261, 2)
    assert len(torch.unique(bins, dim=0)) == 261
    assert (bins % 10).abs().max() == 0
    assert (bins == 0).all(dim=1).any()
    assert torch.equal(bins, bins[np.lexsort((bins[:, 1].numpy(), bins[:, 0].numpy()))])


def test_soft_targets_are_weights_of_the_nearest_bins() -> None:
    bins = gamut_bins()
    colours = torch.tensor([[0.0, 0.0], [33.0, -18.0], [200.0, 0.0]])
    weights = soft_targets(colours, bins, nearest=5, sigma=5.0)
    assert torch.allclose(weights.sum(dim=1), torch.ones(3))
    assert ((weights > 0).sum(dim=1) <= 5).all()
    nearest = torch.cdist(colours, bins).argmin(dim=1)
    assert torch.equal(weights.argmax(dim=1), nearest)
