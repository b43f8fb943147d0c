"""The settings of `evaluate`: frozen, checked at birth."""

from typing import Annotated, Literal

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.kinds import (
    SENSITIVE,
    BatchSize,
    Count,
    EdgePx,
    Endpoint,
    Seed,
    Share,
    Sharpness,
    Words,
)
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.storage.settings import S3Settings

PairedLayout = Literal["auto", "photos", "two-folders", "side-by-side", "lab"]
"""Every layout but `unpaired`: what is compared needs a truth."""


@settings()
class EvaluationConfig:
    """Settings of one comparison."""

    data: str
    """A folder of colour photographs or of pairs, Lab arrays, or Parquet shards; on this machine or
    at s3://BUCKET/PREFIX, or an inventory of pictures."""
    models: Annotated[tuple[str, ...], Setting(flag="--model", metavar="REF", repeat=True)]
    """Model references, in the order of the table."""
    output: Annotated[str, Setting(metavar="FOLDER")] = "evaluation"
    """Folder or s3:// prefix for report.md, report.json and sheet.png; made when missing."""
    s3_endpoint: Endpoint = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    s3_anonymous: bool = False
    """Sign nothing: for public buckets."""
    sensitive: Words = SENSITIVE
    """Values of an inventory's `sensitivity` whose pictures are never opened."""
    layout: PairedLayout = "auto"
    """How DATA lies on disk. auto: Parquet where there are shards, two-folders where DATA holds a
    pair of folders that `layouts.PAIR_FOLDERS` names, else photos. side-by-side must be named:
    source left, truth right."""
    size: EdgePx = 256
    """Edge of the square that is compared."""
    limit: Count = 200
    """At most so many pictures; 0 takes all. They are drawn by the hash of seed and name."""
    seed: Seed = 0
    """Draws the pictures, and sets the random state before every model's every batch."""
    batch_size: BatchSize = 8
    """Pictures in one model batch."""
    temperature: Annotated[float | None, Setting(gt=0, le=10)] = None
    """Annealing temperature for models that have one. Left out, each model takes its own."""
    vividness: Annotated[tuple[Share, ...], Setting(repeat=True)] = ()
    """From safe (0) to vivid (1): each model stands once for each value. Left out, it takes its
    own."""
    hint_points: Annotated[int, Setting(ge=0, le=1000)] = 0
    """Colorizers get so many points of the true colours as hints. Each picture's content draws
    them."""
    worn: bool = False
    """Show each picture as an old photograph would be: grain, blur, fading, film that is blind to
    red. Colours are judged on the unworn luminance. What is enlarged or restored gets grain and
    scratches."""
    skin: Literal["auto", "on", "off"] = "auto"
    """Colour error and share left grey on the skin of the faces in the truths, by skin tone. auto:
    where the extra `faces` is installed."""
    min_faces: Annotated[int, Setting(ge=1)] = 10
    """A tone group of fewer faces counts neither as the worst nor for the gap between groups."""
    device: str = "auto"
    """Device: auto, cpu, or cuda[:N]. Always float32, without TF32."""
    sheet_rows: Count = 12
    """Pictures on the contact sheet: the first ones drawn."""
    jpeg: Annotated[int, Setting(ge=0, le=100)] = 0
    """Enlarging and restoring: low pictures go through JPEG of this quality; 0 leaves it out."""
    sharpen: Sharpness = 0.0
    """Enlarging and restoring: each model stands a second time with its edges sharpened."""
    inception: Annotated[str, Setting(metavar="FILE")] = ""
    """File with Inception-v3 weights for KID and FID; empty leaves them out."""
    kid_encoder: bool = False
    """KID on EfficientNet-Lite2's features (extra `pretrained`), named so: it compares the models
    of one table with each other, not with published KID or FID."""
    lpips_backbone: Annotated[str, Setting(metavar="FILE")] = ""
    """File with AlexNet or VGG16 weights for LPIPS; empty leaves it out."""
    lpips_heads: Annotated[str, Setting(metavar="FILE")] = ""
    """File with the learned 1x1 weights that go with the LPIPS backbone."""

    @property
    def s3(self) -> S3Settings:
        """The way to object stores, for whatever opens one."""
        return S3Settings(endpoint=self.s3_endpoint, anonymous=self.s3_anonymous)

    def __post_init__(self) -> None:
        if not self.models:
            raise ConfigError("models: at least one model is needed")
        if len(set(self.models)) < len(self.models):
            raise ConfigError("models: one is named twice")
        if bool(self.lpips_backbone) != bool(self.lpips_heads):
            raise ConfigError("lpips: the backbone's and the heads' weights are needed, or neither")
