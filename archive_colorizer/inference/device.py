"""Where models run, and how: so that CPU and GPU agree."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from archive_colorizer.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device that a name means.

    Raises:
        ConfigError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device={name!r}: must be auto, cpu or cuda[:N]") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device={name!r}: must be auto, cpu or cuda[:N]")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device={name!r}: not on this machine")
    return device


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Float32 without TF32, fixed algorithms, no gradients."""
    flags = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with flags, torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A random state of its own; the caller's is put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
