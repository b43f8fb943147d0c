"""The settings of films. What colours and how a job is run are the sections of stills."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.settings.schema import Setting, settings

Container = Literal["auto", "mp4", "mov", "mkv"]
Codec = Literal["auto", "h264", "prores", "ffv1"]
CODEC_OF: Final = {"mp4": "h264", "mov": "prores", "mkv": "ffv1"}
CONTAINER_OF: Final = {"h264": "mp4", "prores": "mov", "ffv1": "mkv"}
HOLDS: Final = {
    "mp4": ("h264",), "mov": ("h264", "prores"), "mkv": ("h264", "prores", "ffv1"),
}  # fmt: skip
"""Codecs that each container is written with."""


@settings("video")
class VideoConfig:
    """What films become."""

    container: Container = "auto"
    """Container of the coloured film; auto follows the codec (H.264 in MP4)."""
    codec: Codec = "auto"
    """Codec of the coloured film; auto follows the container: mp4 has H.264, mov ProRes, mkv
    FFV1."""
    crf: Annotated[int, Setting(ge=0, le=51)] = 18
    """Quality of H.264: lower is better and larger."""
    deinterlace: Literal["keep", "bwdif"] = "keep"
    """What becomes of interlaced films: keep the fields and their order, or make whole pictures by
    FFmpeg's bwdif, one a frame."""
    steady: Literal["on", "off"] = "on"
    """Average colours along motion inside of a shot; off colours each frame by itself."""
    fps: Annotated[str, Setting(metavar="RATE")] = "24"
    """Frames a second of a folder of frames, such as 24, 18 or 24000/1001."""

    def __post_init__(self) -> None:
        if self.codec not in HOLDS[self.resolved_container]:
            known = ", ".join(HOLDS[self.resolved_container])
            if self.codec != "auto":
                raise ConfigError(
                    f"video.codec={self.codec!r}: {self.container} is written with {known}"
                )
        if not 1 <= self.rate <= 240:
            raise ConfigError(f"video.fps={self.fps!r}: must be 1 to 240")

    @property
    def resolved_container(self) -> str:
        """Container: mp4, mov or mkv."""
        return CONTAINER_OF.get(self.codec, "mp4") if self.container == "auto" else self.container

    @property
    def resolved_codec(self) -> str:
        """Codec: h264, prores or ffv1."""
        return CODEC_OF[self.resolved_container] if self.codec == "auto" else self.codec

    @property
    def rate(self) -> Fraction:
        """Frames a second of a folder of frames."""
        try:
            return Fraction(self.fps)
        except (ValueError, ZeroDivisionError) as error:
            raise ConfigError(f"video.fps={self.fps!r}: must be a number or N/M") from error


@dataclass(frozen=True, slots=True)
class FilmConfig:
    """A job of films: its sections that stills have, too, and its own."""

    job: JobConfig
    video: VideoConfig

    def with_run(self, **changes: Any) -> "FilmConfig":  # noqa: ANN401 (values of settings)
        """Change settings of the run, which change no picture."""
        return replace(self, job=replace(self.job, run=replace(self.job.run, **changes)))
