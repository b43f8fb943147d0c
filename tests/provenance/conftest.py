"""A test certificate, and jobs that sign with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.provenance.trial_certificates import write_test_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Paths of a certificate chain and its key."""
    pytest.importorskip("c2pa")
    chain, key = write_test_certificate(tmp_path / "certificates")
    return str(chain), str(key)


@pytest.fixture
def signing_job(
    job: Callable[..., JobConfig], certificate: tuple[str, str]
) -> Callable[..., JobConfig]:
    """As `job`, with a certificate."""

    def make(**sections: dict[str, Any]) -> JobConfig:
        signing = {"engine": "local", "c2pa": certificate[0], "c2pa_key": certificate[1]}
        return job(**sections | {"run": signing | sections.get("run", {})})

    return make
