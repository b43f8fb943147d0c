"""Pixels, rows and losses of a fixed set of small jobs are what they were."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golden import STORED, differences, measure


def test_pictures_rows_and_losses_are_those_that_are_stored(tmp_path: Path) -> None:
    found = json.loads(json.dumps(measure(tmp_path)))
    assert not list(differences(found, json.loads(STORED.read_text(encoding="utf-8"))))


def change_mean(stored: dict[str, Any]) -> None:
    pixels = stored["pictures"]["jpeg"]["china.jpg"]["pixels"]
    pixels["sha256"] = ""
    pixels["means"][1] += 0.06


def change_status(stored: dict[str, Any]) -> None:
    stored["pictures"]["png"]["flower.png"]["columns"]["status"] = "failed"


def change_loss(stored: dict[str, Any]) -> None:
    line = stored["training"]["pix2pix"]["losses"][2]
    line[sorted(line)[0]] *= 1.1


def lose_picture(stored: dict[str, Any]) -> None:
    del stored["pictures"]["tiff"]["coffee.tif"]


@pytest.mark.parametrize("change", [change_mean, change_status, change_loss, lose_picture])
def test_a_change_is_seen(change: Callable[[dict[str, Any]], None]) -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    changed = json.loads(json.dumps(stored))
    change(changed)
    assert list(differences(changed, stored))
