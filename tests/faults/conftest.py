"""What tests with a real Ray share."""

import pytest


@pytest.fixture
def ray_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """One token for all clusters of this process: Ray reads how to ask for it only once."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-throwaway-token-of-these-tests-0123456789")
