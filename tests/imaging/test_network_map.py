"""What a network says, from its cells to the picture's pixels."""

import numpy as np
import pytest
import torch

from archive_colorizer.imaging.network_map import NetworkMap


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("cells", [(8, 16), (7, 12), (32, 64)])
def test_cells_come_to_pixels_as_torch_brings_them(cells: tuple[int, int], channels: int) -> None:
    said = np.random.default_rng(0).uniform(-110, 110, (*cells, channels)).astype(np.float32)
    found = NetworkMap(said.astype(np.float16), (32, 64), (30, 41)).at_size()
    whole = torch.nn.functional.interpolate(
        torch.from_numpy(said).permute(2, 0, 1)[None], (32, 64), mode="bilinear"
    )
    assert found.shape == (30, 41, channels)
    assert found.dtype == np.float32
    # Half a step of float16 from 64 to 128, and what OpenCV's interpolation rounds.
    assert np.abs(found - whole[0].permute(1, 2, 0).numpy()[:30, :41]).max() < 0.04


def test_only_what_lies_in_the_picture_is_covered() -> None:
    said = NetworkMap(np.zeros((8, 16, 3), np.float16), (32, 64), (30, 41))
    assert said.covered().shape == (8, 10, 3)  # 7.5 of 8 rows, 10.25 of 16 columns
    tiny = NetworkMap(np.zeros((8, 16, 3), np.float16), (32, 64), (1, 1))
    assert tiny.covered().shape == (1, 1, 3)


def test_values_of_pixels_stay_and_a_part_holds_no_others() -> None:
    pixels = np.random.default_rng(1).uniform(0, 1, (5, 7, 3)).astype(np.float32)
    said = NetworkMap.of_pixels(pixels)
    assert np.array_equal(said.at_size(), pixels.astype(np.float16))
    part = said.channels(1, 3)
    assert np.array_equal(part.at_size(), said.at_size()[..., 1:])
    assert part.cells_hwc.base is None
