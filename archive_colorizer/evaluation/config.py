"""What `evaluate` is told: frozen, checked at birth."""

from dataclasses import dataclass
from typing import Literal

from archive_colorizer.errors import ConfigError

Layout = Literal["auto", "photos", "two-folders", "side-by-side", "lab"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """Settings of one comparison."""

    data: str
    """A folder of colour photographs, Parquet shards (a file or a folder), or a folder of pairs."""
    models: tuple[str, ...]
    """Model references; their order is that of the table."""
    output: str = "evaluation"
    """Folder for report.md, report.json and sheet.png; made when missing."""
    layout: Layout = "auto"
    """auto: Parquet where there are shards, two-folders where DATA holds a pair of folders that
    `layouts.PAIR_FOLDERS` names, else photos. side-by-side must be said: source left, truth right.
    """
    size: int = 256
    """Edge of the square that is compared, pixels."""
    limit: int = 200
    """At most so many pictures, drawn by the hash of seed and name; 0 takes all."""
    seed: int = 0
    """Draws the pictures, and sets the random state before every model's every batch."""
    batch_size: int = 8
    temperature: float | None = None
    """Annealing temperature for models that have one; None takes each model's own."""
    vividness: tuple[float, ...] = ()
    """Each model stands once for each of these; none takes its own."""
    hint_points: int = 0
    """Colorizers are told so many points of the true colours, drawn by each picture's content."""
    worn: bool = False
    """Colorizers see each picture as an old photograph would be: grain, blur, fading, film that is
    blind to red. Their colours are judged on the unworn luminance. What is enlarged or restored has
    grain and scratches."""
    device: str = "auto"
    """auto, cpu, or cuda[:N]. Always float32, without TF32."""
    sheet_rows: int = 12
    """Pictures on the contact sheet: the first ones drawn."""
    jpeg: int = 0
    """Enlarging and restoring: low pictures go through JPEG of this quality; 0 leaves it out."""
    sharpen: float = 0.0
    """Enlarging and restoring: each model stands a second time with its edges sharpened."""
    inception: str = ""
    """File with Inception-v3 weights for KID and FID; empty leaves them out."""
    lpips_backbone: str = ""
    """File with AlexNet or VGG16 weights for LPIPS; empty leaves it out."""
    lpips_heads: str = ""
    """File with the learned 1x1 weights that go with the backbone."""

    def __post_init__(self) -> None:
        checks = (
            (bool(self.models), "models: at least one model is needed"),
            (len(set(self.models)) == len(self.models), "models: one is named twice"),
            (32 <= self.size <= 2048, f"size={self.size}: must be 32 to 2048"),
            (self.limit >= 0, f"limit={self.limit}: must not be negative"),
            (1 <= self.batch_size <= 1024, f"batch_size={self.batch_size}: must be 1 to 1024"),
            (
                self.temperature is None or 0 < self.temperature <= 10,
                f"temperature={self.temperature}: must be above 0 and at most 10",
            ),
            (
                all(0 <= value <= 1 for value in self.vividness),
                f"vividness={self.vividness}: must be 0 to 1",
            ),
            (0 <= self.hint_points <= 1000, f"hint_points={self.hint_points}: must be 0 to 1000"),
            (0 <= self.jpeg <= 100, f"jpeg={self.jpeg}: must be 0 to 100"),
            (0 <= self.sharpen <= 3, f"sharpen={self.sharpen}: must be 0 to 3"),
            (self.sheet_rows >= 0, f"sheet_rows={self.sheet_rows}: must not be negative"),
            (
                bool(self.lpips_backbone) == bool(self.lpips_heads),
                "lpips: the backbone's and the heads' weights are needed, or neither",
            ),
        )
        for holds, message in checks:
            if not holds:
                raise ConfigError(message)
