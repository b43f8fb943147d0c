"""Kinds of values that several settings share: one range each."""

from typing import Annotated, Final, Literal

from archive_colorizer.settings.schema import Setting

EdgePx = Annotated[int, Setting(ge=32, le=2048, unit="px")]
"""Side of a picture that a network sees."""
Seed = Annotated[int, Setting(ge=0, le=2**31 - 1)]
Count = Annotated[int, Setting(ge=0)]
"""A number of things; 0 mostly means all or none."""
Share = Annotated[float, Setting(ge=0, le=1)]
Gain = Annotated[float, Setting(ge=0, le=4)]
Cutoff = Annotated[float, Setting(gt=0, le=0.5, unit="cycles a pixel")]
Weight = Annotated[float, Setting(ge=0)]
"""Weight of a loss; 0 leaves it out."""
Momentum = Annotated[float, Setting(ge=0, lt=1)]
"""Decay of a running mean, as Adam's betas are."""
Channels = Annotated[int, Setting(ge=1, le=1024)]
"""Channels of a network's first or widest level."""
Sharpness = Annotated[float, Setting(ge=0, le=3)]
BatchSize = Annotated[int, Setting(ge=1, le=1024)]
"""Pictures that a network takes at once, on one device."""
LowJpeg = Annotated[int, Setting(ge=0, le=95)]
"""Lowest quality of the JPEG files that an enlarger learns from; 0: none."""
Workers = Annotated[int, Setting(ge=0, le=1024)]
Colourfulness = Annotated[float, Setting(ge=0, le=200)]
"""Hasler & Süsstrunk 2003."""
TrainShare = Annotated[float, Setting(gt=0, le=1)]

Layout = Literal["auto", "photos", "two-folders", "side-by-side", "lab", "unpaired"]
"""How pictures lie on disk."""

Endpoint = Annotated[str, Setting(metavar="URL")]
"""URL of an S3-compatible store."""
Words = Annotated[tuple[str, ...], Setting(repeat=True, metavar="WORD")]
SENSITIVE: Final = ("restricted", "closed", "sensitive")
"""Values of an inventory's `sensitivity` whose pictures are never opened."""
