"""A quick job of films, with a tiny model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.video.config import FilmConfig, VideoConfig
from archive_colorizer.video.job import FilmReport, colorize_films


@pytest.fixture
def reels(tmp_path: Path) -> Path:
    """The folder of a test's films."""
    folder = tmp_path / "reels"
    folder.mkdir()
    return folder


@pytest.fixture
def film_job(reels: Path, tmp_path: Path, tiny_model: str) -> Callable[..., FilmConfig]:
    """A configuration of a quick job on `reels`; sections can be laid over it."""

    def make(video: dict[str, Any] | None = None, **sections: dict[str, Any]) -> FilmConfig:
        base = JobConfig(source=str(reels), output=str(tmp_path / "out"))
        quick = {
            "color": {"model": tiny_model, "proxy_px": 64},
            "run": {"engine": "local", "quiet": True},
        }
        job = overlay(overlay(base, quick, "test"), sections, "test")
        return FilmConfig(job, VideoConfig(**(video or {})))

    return make


@pytest.fixture
def colour(film_job: Callable[..., FilmConfig]) -> Callable[..., FilmReport]:
    """Colour the films of `reels`."""

    def run(video: dict[str, Any] | None = None, **sections: dict[str, Any]) -> FilmReport:
        return colorize_films(film_job(video, **sections))

    return run
