"""Starting and joining Ray: what goes wrong there is one line, and the process stays its own."""

import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
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


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_listens_is_told_before_ray_tries(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(cluster.ray, "init", lambda **_: pytest.fail("Ray would try for minutes"))
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(LocationError, match=f"Ray at {address}: no cluster answers there"),
            cluster.join_cluster(address),
        ):
            pytest.fail("there is no cluster")


def test_another_server_is_not_taken_for_ray(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as Ray's dashboard, whose port is a likely slip."""
    monkeypatch.setattr(cluster.ray, "init", lambda **_: pytest.fail("Ray would try for minutes"))
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        with (
            pytest.raises(LocationError, match=r"no cluster answers there \(it is not Ray\)"),
            cluster.join_cluster(f"127.0.0.1:{server.server_port}"),
        ):
            pytest.fail("there is no cluster")
        server.shutdown()
        serving.join()


@pytest.mark.slow
def test_a_cluster_that_runs_is_known_for_one(ray_token: None, cluster: Any) -> None:
    with cluster.join_cluster():
        cluster._check_answers(cluster.ray.get_runtime_context().gcs_address)


def test_a_host_that_does_not_exist_is_told(cluster: Any) -> None:
    with (
        pytest.raises(LocationError, match="no cluster answers there"),
        cluster.join_cluster("no-such-host.invalid:6379"),
    ):
        pytest.fail("there is no cluster")


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
