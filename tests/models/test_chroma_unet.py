"""The chroma classifier beyond the contract."""

from dataclasses import replace

import pytest
import torch

from archive_colorizer.models.chroma_classifier import resized_hints
from archive_colorizer.models.chroma_unet import ChromaUNet, ChromaUNetConfig

TINY = ChromaUNetConfig(widths=(4, 8, 8, 8, 8), blocks=(1, 1, 1, 1, 1), head=8)


def test_the_default_has_eight_million_parameters_and_fits_20_mb_in_half_precision() -> None:
    count = sum(p.numel() for p in ChromaUNet(ChromaUNetConfig()).parameters())
    assert 8_000_000 < count < 9_000_000
    assert 2 * count < 20_000_000


@torch.inference_mode()
def test_doubt_is_full_where_all_colours_are_as_likely_and_none_where_one_is_certain() -> None:
    model = ChromaUNet(TINY).eval()
    gray = torch.rand(1, 1, 32, 32)
    model.head[1].weight.zero_()
    model.head[1].bias.zero_()
    assert torch.allclose(model.predict(gray).doubt_b1hw, torch.ones(1, 1, 8, 8), atol=1e-4)
    model.head[1].bias[7] = 50
    said = model.predict(gray)
    assert said.doubt_b1hw.max() < 1e-3
    assert torch.allclose(said.ab_b2hw[0, :, 2, 3], model.bins_q2[7], atol=1e-3)


@torch.inference_mode()
def test_rebalancing_moves_colours_away_from_common_bins() -> None:
    model = ChromaUNet(TINY).eval()
    centre = int(model.bins_q2.abs().sum(1).argmin())
    model.log_prior_q[centre] = 6
    gray = torch.rand(1, 1, 32, 32)
    safe, vivid = (model.predict(gray, vividness=r, temperature=1.0).ab_b2hw for r in (0.0, 1.0))
    assert not torch.allclose(safe, vivid)


@torch.inference_mode()
def test_hints_are_seen() -> None:
    model = ChromaUNet(TINY).eval()
    gray = torch.rand(1, 1, 32, 32)
    hints = torch.zeros(1, 3, 32, 32)
    hints[:, :, 10:14, 10:14] = torch.tensor([0.5, -0.5, 1.0])[:, None, None]
    assert not torch.equal(model(gray), model(gray, hints))


@torch.inference_mode()
def test_working_sizes_average_what_is_found_at_each() -> None:
    torch.manual_seed(0)
    one = ChromaUNet(TINY).eval()
    gray = torch.rand(2, 1, 96, 128)
    alone = {}
    for sizes in ((96,), (32,), (32, 96)):
        other = ChromaUNet(replace(TINY, work_px=sizes)).eval()
        other.load_state_dict(one.state_dict())
        alone[sizes] = other.predict(gray, temperature=1.0)
        rows, columns = {32: (8, 8), 96: (24, 32)}[max(sizes)]
        assert alone[sizes].ab_b2hw.shape == (2, 2, rows, columns)
    assert torch.allclose(
        alone[(96,)].ab_b2hw, one.predict(gray, temperature=1.0).ab_b2hw, atol=1e-4
    )
    both = alone[(32, 96)]
    small = torch.nn.functional.interpolate(alone[(32,)].ab_b2hw, (24, 32), mode="bilinear")
    assert not torch.allclose(both.ab_b2hw, small)
    assert not torch.allclose(both.ab_b2hw, alone[(96,)].ab_b2hw)
    assert both.doubt_b1hw.min() >= 0
    assert both.doubt_b1hw.max() <= 1


def test_hints_survive_being_made_smaller() -> None:
    hints = torch.zeros(1, 3, 64, 64)
    hints[0, :, 5, 9] = torch.tensor([0.5, -0.25, 1.0])
    small = resized_hints(hints, (16, 16))
    at = small[0, :, 1, 2]
    assert torch.allclose(at, torch.tensor([0.5, -0.25, 1.0]), atol=1e-4)
    assert int(small[0, 2].sum()) == 1


def test_a_working_size_below_the_networks_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="work_px"):
        replace(TINY, work_px=(16,))


def test_bins_may_be_coarser() -> None:
    fine, coarse = (ChromaUNet(replace(TINY, bin_edge=edge)).eval() for edge in (10, 20))
    assert len(coarse.bins_q2) < len(fine.bins_q2) / 3
    assert coarse.predict(torch.rand(1, 1, 32, 32)).ab_b2hw.shape == (1, 2, 8, 8)
    with pytest.raises(ValueError, match="bin_edge"):
        replace(TINY, bin_edge=2)
