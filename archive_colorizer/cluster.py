"""Ray, started in this process or joined elsewhere, quiet and without telemetry."""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Final

import ray

from archive_colorizer.errors import LocationError
from archive_colorizer.machine import measure_machine, size_object_store

ANSWER_WITHIN_S: Final = 7.0
"""Time in which a cluster must answer."""
FRAME_TYPE: Final = 3
"""Place of the type in the head of an HTTP/2 frame."""
SETTINGS: Final = b"\x04"
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + SETTINGS + b"\0\0\0\0\0"
"""What an HTTP/2 client says first, with its own empty SETTINGS."""


@contextlib.contextmanager
def join_cluster(address: str = "", *, verbose: bool = False) -> Iterator[None]:
    """Join the cluster at an address, or start one in this process; leave it at the end.

    Args:
        address: of the cluster; empty takes RAY_ADDRESS, and starts one where that is not set.
        verbose: let Ray write its log and progress bars.

    Raises:
        LocationError: nothing answers at the address, or Ray cannot start here.
    """
    _silence_ray(verbose=verbose)
    level = logging.INFO if verbose else logging.ERROR
    options: dict[str, Any] = {"log_to_driver": verbose, "logging_level": level}
    if address or os.environ.get("RAY_ADDRESS"):
        options["address"] = address or None
    else:  # "local": without it a cluster that happens to run on this machine would be joined
        options |= {"address": "local", "include_dashboard": False}
        options["object_store_memory"] = size_object_store(measure_machine())
    where = address or "this machine"
    _check_answers(address or os.environ.get("RAY_ADDRESS", ""))
    try:
        with contextlib.nullcontext() if verbose else _silence_stderr(), _keep_sigterm_handler():
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise LocationError(f"Ray at {where}: {_first_line(error)}") from error
    except OSError as error:
        raise LocationError(
            f"Ray at {where}: {error}. It keeps a token in HOME/.ray and its session in TMPDIR; "
            "RAY_AUTH_TOKEN may hold the token instead"
        ) from error
    except Exception as error:
        if type(error) is not Exception:  # Ray's own, of a node that does not come up in time
            raise
        raise LocationError(f"Ray at {where}: {_first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Make sure that Ray may listen at HOST:PORT; Ray itself would try for minutes.

    Ray speaks gRPC, so HTTP/2 (RFC 9113, section 3.4): its first frame is SETTINGS. Its dashboard
    does not.

    Raises:
        LocationError: nobody listens there, or it is not Ray.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():  # "auto", "local": no place in a network
        return
    found: list[str] = []

    def knock() -> None:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), ANSWER_WITHIN_S) as line:
                found.append("" if _is_encrypted() or _speaks_http2(line) else "it is not Ray")
        except (OSError, OverflowError, UnicodeError) as error:
            found.append(getattr(error, "strerror", "") or str(error))

    # In a thread: to find no such host can take longer than any connection.
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN_S)
    if reason := next(iter(found), f"no answer within {ANSWER_WITHIN_S:g} s"):
        raise LocationError(f"Ray at {address}: no cluster answers there ({reason})")


def _is_encrypted() -> bool:
    return os.environ.get("RAY_USE_TLS", "0").lower() in {"1", "true"}


def _speaks_http2(line: socket.socket) -> bool:
    line.sendall(PREFACE)
    head = b""
    while len(head) <= FRAME_TYPE and (more := line.recv(64)):
        head += more
    return head[FRAME_TYPE : FRAME_TYPE + 1] == SETTINGS


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextlib.contextmanager
def _keep_sigterm_handler() -> Iterator[None]:
    """Keep the program's own handler of SIGTERM: `ray.init` puts another in its place."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    with contextlib.suppress(ValueError):  # not in the main thread, so Ray left it alone
        signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def _silence_stderr() -> Iterator[None]:
    """Discard what Ray's C++ parts write to standard error while they start."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _silence_ray(*, verbose: bool) -> None:
    """Switch off Ray's telemetry, and its log and progress bars unless they are asked for."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if verbose:
        return
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # Ray Data 2.60 deprecates every way to bound an actor's restarts and names no other.
    warnings.filterwarnings("ignore", message=".*ray_remote_args_fn.*deprecated")
    warnings.filterwarnings("ignore", message="The minimum number of concurrent actors")
    logging.getLogger("ray").setLevel(logging.ERROR)


def load_ray_data(*, verbose: bool = False) -> None:
    """Import Ray Data, quiet unless its progress bars are asked for.

    It takes as long to load as all the rest of Ray: after a cluster has been told to start its
    workers, which load their own libraries meanwhile.
    """
    from ray.data import DataContext

    if not verbose:
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # its import sets another level
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
