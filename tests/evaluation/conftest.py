"""Drawn photographs: nothing here is a photograph."""

from pathlib import Path

import pytest
from PIL import Image
from toys import drawn


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five drawn pictures of different sizes in nested folders."""
    folder = tmp_path / "photos"
    for i in range(5):
        path = folder / f"box{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn(i, 64 + 8 * i, 96)).save(path)
    return folder
