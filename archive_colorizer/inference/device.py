"""The device and the precision that a network runs with, chosen so that CPU and GPU agree."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

import torch

from archive_colorizer.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16", "exact"]
"""auto takes bfloat16 where the hardware has it; exact is float32 without TF32, by fixed
algorithms."""


def choose_device(name: str) -> torch.device:
    """The device that a name means: auto, cpu or cuda[:N].

    Raises:
        ConfigError: another name, or no such device on this machine.
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
        raise ConfigError(f"device={name!r}: no GPU is there by this number")
    return device


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type that products are computed in: bfloat16 or float32."""
    if precision in ("float32", "exact"):
        return torch.float32
    if precision == "bfloat16" or device.type == "cuda":
        return torch.bfloat16
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions (False where that cannot be read)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Float32 without TF32, fixed algorithms, no gradients."""
    flags = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    without = torch.autocast(device.type, enabled=False)
    with flags, without_tf32(), torch.inference_mode(), without:
        yield


@contextmanager
def quick(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Products in `dtype`, no gradients. Float32 is float32: TF32 has the digits of float16."""
    enabled = dtype is not torch.float32
    # Weights that autocast keeps until its end would be gone when a recorded graph is replayed.
    cast = torch.autocast(device.type, dtype=dtype, enabled=enabled, cache_enabled=False)
    with nullcontext() if enabled else without_tf32(), torch.inference_mode(), cast:
        yield


@contextmanager
def without_tf32() -> Iterator[None]:
    """Products and convolutions of float32 with all of its digits, on GPUs that have TF32."""
    product, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
    before = product.allow_tf32, convolution.allow_tf32
    product.allow_tf32 = convolution.allow_tf32 = False
    try:
        yield
    finally:
        product.allow_tf32, convolution.allow_tf32 = before


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A random state of its own; the caller's is put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
