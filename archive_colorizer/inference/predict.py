"""The model in a worker: loaded once, asked batch by batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.catalog import HAS_VIVIDNESS, has_classes
from archive_colorizer.models.spec import Prediction
from archive_colorizer.registry.resolve import load
from archive_colorizer.weights.local import size_multiple
from archive_colorizer.weights.reference import ResolvedModel


class Predictor:
    """A loaded colorizer. Axes: b batch, h height, w width.

    Raises:
        ModelReferenceError: it cannot be loaded.
        ConfigError: a setting that the family does not have.
    """

    def __init__(self, model: ResolvedModel, vividness: float | None, precision: str) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = autocast_dtype(precision, self._device)
        self._knobs: dict[str, Any] = {} if vividness is None else {"vividness": vividness}
        self._has_classes = has_classes(model.card.config)
        module: Any = load(model)
        _check(model, module, vividness)
        self._module = module.to(device=self._device, memory_format=torch.channels_last)
        self.size_multiple = size_multiple(model)
        self.device = self._device.type
        self.precision = str(self._dtype).removeprefix("torch.")

    def __call__(
        self,
        gray_bhw: NDArray[np.uint8],
        classes: Sequence[int] = (),
        hints_b3hw: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Colour a batch.

        Args:
            gray_bhw: (B, H, W) sRGB-encoded, 0..255; sides multiples of `size_multiple`.
            classes: what each shows, -1 where that is not known; for families that have classes.
            hints_b3hw: a and b over 110, and a mask of 0 and 1; None for none.

        Returns:
            CIE Lab a and b, (B, 2, H, W), and doubt in [0, 1], (B, 1, H, W).

        Raises:
            MemoryError: the device has no room for so large a batch.
        """
        gray = torch.from_numpy(gray_bhw)[:, None].to(self._device).float().div_(255)
        knobs = self._knobs
        if self._has_classes and classes:
            knobs = knobs | {"class_b": torch.tensor(classes, device=self._device)}
        if hints_b3hw is not None:
            knobs = knobs | {"hints_b3hw": torch.from_numpy(hints_b3hw).to(self._device)}
        enabled = self._dtype is not torch.float32
        try:
            with (
                torch.inference_mode(),
                torch.autocast(self._device.type, dtype=self._dtype, enabled=enabled),
            ):
                said = cast(Prediction, self._module.predict(gray, **knobs))
        except torch.OutOfMemoryError as error:
            raise MemoryError("the device has no room for this batch") from error
        return said.ab_b2hw.float().cpu().numpy(), said.doubt_b1hw.float().cpu().numpy()


class Translator:
    """A loaded model that makes another picture. Axes: b batch, h height, w width."""

    def __init__(self, model: ResolvedModel, precision: str, *, back: bool) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = autocast_dtype(precision, self._device)
        module: Any = load(model)
        if back and (not hasattr(module.config, "back") or module.config.one_way):
            raise ConfigError(f"back: {model.card.family} translates one way only")
        self._knobs = {"back": not module.config.back} if back else {}
        self._module = module.to(device=self._device, memory_format=torch.channels_last)
        self.device = self._device.type
        self.precision = str(self._dtype).removeprefix("torch.")

    def __call__(self, rgb_bhw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(B, H, W, 3) sRGB -> the same shape."""
        source = torch.from_numpy(rgb_bhw3).to(self._device).permute(0, 3, 1, 2).float() / 255
        enabled = self._dtype is not torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, dtype=self._dtype, enabled=enabled),
        ):
            made = self._module.translate(source, **self._knobs)
        return np.asarray(_bytes(made).permute(0, 2, 3, 1).cpu().numpy())


def _bytes(rgb: torch.Tensor) -> torch.Tensor:
    return (rgb.float().clamp(0, 1) * 255).round().byte()


def _check(model: ResolvedModel, module: Any, vividness: float | None) -> None:  # noqa: ANN401
    """Refuse what the model cannot do, rather than leave it out without a word."""
    if vividness is not None and model.card.family not in HAS_VIVIDNESS:
        family = model.card.family
        raise ConfigError(f"vividness: {family} has one colour for each pixel, no more vivid one")


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where it is asked for or, with "auto", where the hardware multiplies it natively."""
    if precision == "float32":
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
