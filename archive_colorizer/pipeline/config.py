"""The settings of a colouring job: frozen, checked at birth, unknown keys refused.

A configuration file is TOML with the sections `[select]`, `[color]`, `[output]` and `[run]`; what
is given on the command line lies over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.overlay import section

Format = Literal["jpeg", "png", "tiff"]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectConfig:
    """Which of the listed pages are done in this run. Does not change any picture."""

    include: tuple[str, ...] = ()
    """Glob patterns on the path relative to SOURCE; none means all."""
    exclude: tuple[str, ...] = ()
    exclude_list: str = ""
    """File of paths, URIs or object ids that are never opened."""
    hints: str = ""
    """File of points whose colour is known."""
    fixity: str = ""
    """File of SHA-256 values that the masters must have."""
    limit: int = 0
    """Do at most so many pictures; 0 means all."""
    retry_failed: bool = False
    redo: bool = False

    def __post_init__(self) -> None:
        _require(self.limit >= 0, f"select.limit={self.limit}: must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorConfig:
    """Where the colours come from."""

    model: str = "builtin:default"
    """builtin:NAME, a checkpoint folder, or a .safetensors file."""
    proxy_px: int = 256
    """Short side of the grey proxy that the model sees, in pixels (RESOL in a parameter table)."""
    vividness: float | None = None
    """0 (safe) to 1 (vivid); None leaves it to the model's card."""
    back: bool = False
    """Two-way models: translate from the second kind of pictures to the first."""
    label: str = ""
    """What the pictures show, for models with classes: a number or a name. An inventory's
    `class_id` goes before it; empty takes the mean of all classes."""
    restore: str = "auto"
    """What follows a translation: auto (builtin:restore), off, or a model that restores or
    enlarges."""
    sharpen: float = 0.0
    """Edge sharpening after a translation and its restoration; 0 leaves it out."""
    upscale: Literal[1, 2, 4] = 1
    """How many times as wide and high the derivative is; the luminance is enlarged by a model."""
    upscaler: str = ""
    """What enlarges; empty takes builtin:upscale-x2 or builtin:upscale-x4."""
    upsampling: Literal["guided", "bilinear"] = "guided"
    """How the chroma is brought from the proxy to the master's size."""
    on_colour: Literal["skip", "recolor"] = "skip"
    """What to do with masters that really are in colour."""

    def __post_init__(self) -> None:
        _require(64 <= self.proxy_px <= 2048, f"color.proxy_px={self.proxy_px}: must be 64 to 2048")
        _require(
            self.vividness is None or 0 <= self.vividness <= 1,
            f"color.vividness={self.vividness}: must be 0 to 1",
        )
        _require(0 <= self.sharpen <= 3, f"color.sharpen={self.sharpen}: must be 0 to 3")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputConfig:
    """What the derivatives are."""

    format: Format = "jpeg"
    quality: int = 90
    """JPEG quality, 1 to 100."""
    bits: Literal[0, 8, 16] = 0
    """Bits a sample for PNG and TIFF; 0 follows the master."""
    suffix: str = ".colorized"
    """Goes before the extension, so that nobody takes a derivative for a master."""

    def __post_init__(self) -> None:
        _require(1 <= self.quality <= 100, f"output.quality={self.quality}: must be 1 to 100")
        _require(
            bool(self.suffix) and not set(self.suffix) & set("/\\\0"),
            f"output.suffix={self.suffix!r}: must be non-empty and without slashes",
        )
        _require(
            not (self.format == "jpeg" and self.bits == 16),
            "output.bits=16: JPEG has 8 bits; use --format tiff or png",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How the job is run. Does not change any picture."""

    engine: Literal["ray", "local"] = "ray"
    address: str = ""
    """Of a running Ray cluster; empty starts one inside this process."""
    s3_endpoint: str = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    s3_anonymous: bool = False
    """Sign nothing: for public buckets."""
    workers: int = 0
    """CPU actors; 0 means one a core."""
    batch_size: int = 16
    """Pictures in one model batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    gpu_resource: str = "GPU"
    """Ray resource that a model actor asks for; another name lets CPUs play the GPU's part."""
    max_megapixels: float = 400.0
    """Larger masters fail as too_large before they are decoded."""
    inline_mib: float = 32.0
    """Larger files do not travel between actors but are read again."""
    require_cleared_weights: bool = False
    """Refuse models whose training pictures' rights are not cleared."""
    audit: bool = False
    """Measure the quality columns at full size."""
    verbose: bool = False

    def __post_init__(self) -> None:
        _require(self.workers >= 0, f"run.workers={self.workers}: must not be negative")
        _require(
            1 <= self.batch_size <= 1024, f"run.batch_size={self.batch_size}: must be 1 to 1024"
        )
        _require(
            self.max_megapixels > 0, f"run.max_megapixels={self.max_megapixels}: must be positive"
        )
        _require(self.inline_mib >= 0, f"run.inline_mib={self.inline_mib}: must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """Everything `colorize` was told."""

    source: str
    output: str
    table: str = ""
    """Parameter table and category that lie in the settings below, for the record."""
    select: SelectConfig = field(default_factory=SelectConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    deliver: OutputConfig = field(default_factory=OutputConfig)
    run: RunConfig = field(default_factory=RunConfig)


SECTIONS: Final[Mapping[str, str]] = {
    "select": "select",
    "color": "color",
    "output": "deliver",
    "run": "run",
}
"""Section of a configuration file -> field of JobConfig."""


def overlay(config: JobConfig, values: Mapping[str, object], where: str) -> JobConfig:
    """Lay the sections of one mapping (a file, the command line, a parameter table) over a config.

    Raises:
        ConfigError: as `section`; also an unknown section.
    """
    changes: dict[str, Any] = {}
    for name, entries in values.items():
        if name not in SECTIONS or not isinstance(entries, Mapping):
            raise ConfigError(f"{where}: unknown section {name!r} (known: {', '.join(SECTIONS)})")
        attribute = SECTIONS[name]
        changes[attribute] = section(getattr(config, attribute), entries, f"{where}: [{name}]")
    return replace(config, **changes)
