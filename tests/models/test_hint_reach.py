"""A hint colours what is around it and like it, and leaves the rest."""

import math

import pytest
import torch
from torch import Tensor

from archive_colorizer.models.hint_reach import MOST_OUTSIDE, REACH, keep_local

SIDE = 40
RADIUS = math.sqrt(REACH * SIDE**2 / math.pi)


def maps() -> dict[str, Tensor]:
    """A picture read grey without hints and violet all over with the one that asks for red."""
    free = torch.zeros(1, 3, SIDE, SIDE)
    hinted = torch.zeros(1, 3, SIDE, SIDE) + torch.tensor([20.0, -20.0, 0.5])[:, None, None]
    hints = torch.zeros(1, 3, SIDE, SIDE)
    hints[0, :, 20, 20] = torch.tensor([60.0, 40.0, 1.0])
    share = torch.zeros(1, 4, SIDE, SIDE)
    share[:, 0] = 1
    return {"free_b3hw": free, "hinted_b3hw": hinted, "hints_b3hw": hints, "share_bqhw": share,
            "gray_b1hw": torch.full((1, 1, SIDE, SIDE), 0.5)}  # fmt: skip


def distances() -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return torch.hypot(rows - 20.0, columns - 20.0)


def test_the_hint_has_its_colour_and_the_rest_hardly_changes() -> None:
    found = keep_local(**maps())[0]
    assert found[:2, 20, 20].tolist() == pytest.approx([60, 40], abs=1e-3)
    assert found[:2, 20, 23].tolist() == pytest.approx([60, 40], abs=1e-3)  # alike and near
    outside = found[:2, distances() > RADIUS].norm(dim=0)
    assert outside.max() <= MOST_OUTSIDE + 1e-4
    assert (found[2][distances() > RADIUS] == 0).all()
    assert found[2, 20, 20] == 0.5


@pytest.mark.parametrize("kind", ["another thing", "another lightness"])
def test_within_its_reach_a_hint_colours_what_is_like_it(kind: str) -> None:
    given = maps()
    given["hinted_b3hw"][:] = 0
    if kind == "another thing":
        given["share_bqhw"][0, :, :, 22:] = torch.tensor([0.0, 1, 0, 0])[:, None, None]
    else:
        given["gray_b1hw"][..., 22:] = 1.0
    found = keep_local(**given)[0]
    assert found[:2, 20, 18].tolist() == pytest.approx([60, 40], abs=1e-3)
    assert found[:2, 20, 23].norm() < 2


def test_two_hints_have_their_own_colours_and_a_picture_without_any_stays() -> None:
    given = maps()
    given["hints_b3hw"][0, :, 20, 26] = torch.tensor([-50.0, 30.0, 1.0])
    pair = {name: torch.cat((value, value)) for name, value in given.items()}
    pair["hints_b3hw"][1] = 0
    both, untouched = keep_local(**pair)
    assert both[:2, 20, 20].tolist() == pytest.approx([60, 40], abs=0.5)
    assert both[:2, 20, 26].tolist() == pytest.approx([-50, 30], abs=0.5)
    assert torch.equal(untouched, given["free_b3hw"][0])
