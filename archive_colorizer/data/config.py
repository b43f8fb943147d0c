"""Settings of training pictures: which are taken, and what is done to all of them."""

from typing import Annotated, Final

from archive_colorizer.imaging.homomorphic import LightFilter
from archive_colorizer.settings.kinds import (
    SENSITIVE,
    Colourfulness,
    Count,
    Cutoff,
    Gain,
    Layout,
    Seed,
    TrainShare,
    Words,
)
from archive_colorizer.settings.schema import Setting, settings

MAX_SHORT_PX: Final = 4096
MIN_COLOURFULNESS: Final = 10.0
"""Hasler & Süsstrunk (2003): 0 is grey, 15 slightly colourful. BigColor leaves out under 15."""


@settings()
class TargetConfig:
    """Which targets are kept, and how they are split."""

    min_colourfulness: Colourfulness = MIN_COLOURFULNESS
    """Targets under it are left out; 0 keeps all."""
    train_share: TrainShare = 0.8
    """Share of the pictures to learn from."""
    seed: Seed = 0
    """Draws the split."""


@settings("data")
class DataConfig:
    """Which pictures, and what is done to all of them before training."""

    data: str
    """A folder of colour photographs or of pairs, Lab arrays (L.npy, ab.npy), two unpaired folders,
    or Parquet shards; on this machine or at s3://BUCKET/PREFIX, or an inventory of pictures."""
    layout: Annotated[Layout, Setting(former="form")] = "auto"
    """How DATA lies on disk; auto looks. side-by-side must be named."""
    domains: Annotated[tuple[str, ...], Setting(metavar="A,B")] = ()
    """Two unpaired sets: folders of DATA, or values of the shards' column `source`."""
    splits: Annotated[tuple[str, ...], Setting(metavar="A,...")] = ()
    """Values of the shards' column `split` whose rows are taken and split by content. None takes
    train, val and test as they are."""
    only_sources: tuple[str, ...] = ()
    """Values of the shards' column `source` whose rows are taken; none takes all."""
    without_sources: tuple[str, ...] = ()
    """Values of the shards' column `source` whose rows are left out altogether."""
    classes: Annotated[tuple[str, ...], Setting(metavar="WORD,...")] = ()
    """Classes of the pictures, as words of their names: WORD, or WORD=N. Pictures whose name has
    none of them are left out."""
    min_colourfulness: Annotated[Colourfulness, Setting(param="MINCOLOUR")] = MIN_COLOURFULNESS
    """Targets under it (Hasler & Süsstrunk 2003) are left out; 0 keeps all. Not asked of unpaired
    data or of pairs whose source is in colour: a night or a comic may be pale."""
    train_share: TrainShare = 0.8
    """Share of the pictures to learn from, by content hash, where the data does not say itself what
    is for validation."""
    short_px: Annotated[int | None, Setting(ge=16, le=MAX_SHORT_PX, unit="px")] = None
    """Larger pictures are reduced to this short side. Left out, it is what the crops need, so that
    none is enlarged that need not be: `feed.crop_px` over `feed.zoom`, 256 at least."""
    homomorphic: Annotated[bool, Setting(param="HOMOMORPHIC")] = False
    """Even out illumination on every training picture (reference system A)."""
    homomorphic_low: Annotated[Gain, Setting(param="HOMOLOW")] = 0.5
    """Gain of the illumination in that filter; 1 leaves it."""
    homomorphic_high: Annotated[Gain, Setting(param="HOMOHIGH")] = 1.3
    """Gain of the reflectance in that filter; 1 leaves it."""
    homomorphic_cutoff: Annotated[Cutoff, Setting(param="HOMOCUTOFF")] = 0.03
    """Where the two part, at a short side of 256 pixels; it falls as pictures grow."""
    sensitive: Words = SENSITIVE
    """Values of an inventory's `sensitivity` whose pictures are never opened."""
    limit: Count = 0
    """At most so many training pictures; 0 takes all. The first by content hash are taken."""
    seed: Seed = 0
    """Draws the split into training and validation."""

    @property
    def light_filter(self) -> LightFilter | None:
        """The homomorphic filter; None where it is off."""
        if not self.homomorphic:
            return None
        return LightFilter(self.homomorphic_low, self.homomorphic_high, self.homomorphic_cutoff)

    def targets(self, least: float | None = None) -> TargetConfig:
        """Settings of the targets; `least` takes the place of `min_colourfulness`."""
        return TargetConfig(
            min_colourfulness=self.min_colourfulness if least is None else least,
            train_share=self.train_share,
            seed=self.seed,
        )
