"""Losses wait on their device, and come back as they were."""

import torch

from archive_colorizer.training.step_losses import FETCH_STEPS, StepLine, StepLosses, stack


def line(step: int) -> StepLine:
    return StepLine(step, step / 100, 1.5 * step, 1e-3)


def test_losses_come_back_step_by_step_with_their_names() -> None:
    window = StepLosses()
    first = {"a/x": torch.tensor(0.1), "b/y": torch.tensor(2.5, dtype=torch.bfloat16)}
    for step, losses in ((1, first), (2, {}), (3, {"a/x": torch.tensor(-3.0)})):
        window.add(line(step), losses, stack(losses, "cpu"))
    found = window.fetch()
    assert [one.step for one in found] == [1, 2, 3]
    assert [one.losses for one in found] == [
        {"a/x": float(torch.tensor(0.1)), "b/y": 2.5},
        {},
        {"a/x": -3.0},
    ]
    assert found[1].spent_s == 3.0
    assert window.fetch() == []


def test_a_value_that_changes_later_is_what_it_was() -> None:
    window, value = StepLosses(), torch.tensor(1.0)
    window.add(line(1), ["a/x"], stack({"a/x": value}, "cpu"))
    value.add_(1)
    assert window.fetch()[0].losses == {"a/x": 1.0}


def test_a_full_window_is_due() -> None:
    window = StepLosses()
    for step in range(FETCH_STEPS):
        window.add(line(step), ["a/x"], torch.zeros(1, dtype=torch.float64))
    assert window.is_due
