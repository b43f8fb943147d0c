"""Starting and joining Ray: what goes wrong there is one line, and the process stays its own."""

import os
import signal
from typing import Any

import pytest

from archive_colorizer.errors import LocationError

# Ray reads deprecated settings of its own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def cluster() -> Any:
    """The module, loaded late: Ray reads the token but once, and other tests set one."""
    from archive_colorizer import cluster

    return cluster


def fail(error: Exception) -> Any:
    def init(**_: object) -> None:
        raise error

    return init


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConnectionError("no answer\nand much more"), "Ray at ray://x: no answer"),
        (RuntimeError(""), "Ray at ray://x: RuntimeError"),
        (OSError(30, "Read-only file system"), "Read-only file system.*HOME/.ray"),
        (Exception("The current node timed out during startup."), "The current node timed out"),
    ],
)
def test_what_ray_says_when_it_cannot_start_is_one_line(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    monkeypatch.setattr(cluster.ray, "init", fail(error))
    with pytest.raises(LocationError, match=line) as caught, cluster.join_cluster("ray://x"):
        pytest.fail("there is no cluster")
    assert "\n" not in str(caught.value)


def test_an_error_of_the_program_is_not_taken_for_one_of_the_cluster(
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster.ray, "init", fail(KeyError("ours")))
    with pytest.raises(KeyError, match="ours"), cluster.join_cluster("ray://x"):
        pytest.fail("there is no cluster")


def test_sigterm_and_standard_error_are_the_programs_own_again(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def init(**_: object) -> None:
        os.write(2, b"chatter of Ray's C++ parts\n")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    monkeypatch.setattr(cluster.ray, "init", init)
    monkeypatch.setattr(cluster.ray, "shutdown", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    with cluster.join_cluster():
        assert signal.getsignal(signal.SIGTERM) is before
        os.write(2, b"ours\n")
    assert capfd.readouterr().err == "ours\n"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
