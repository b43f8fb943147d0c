"""Kinds of values that several settings share: one range each."""

from typing import Annotated, Final, Literal

from archive_colorizer.settings.schema import Setting

EdgePx = Annotated[int, Setting(ge=32, le=2048, unit="px")]
"""Side of a picture that a network sees."""
Seed = Annotated[int, Setting(ge=0, le=2**31 - 1)]
Count = Annotated[int, Setting(ge=0)]
"""A number of things; 0 mostly means all or none."""
Share = Annotated[float, Setting(ge=0, le=1)]
Weight = Annotated[float, Setting(ge=0)]
"""Weight of a loss; 0 leaves it out."""
Sharpness = Annotated[float, Setting(ge=0, le=3)]
BatchSize = Annotated[int, Setting(ge=1, le=1024)]
"""Pictures that a network takes at once, on one device."""
Workers = Annotated[int, Setting(ge=0, le=1024)]
Colourfulness = Annotated[float, Setting(ge=0, le=200)]
"""Hasler & Süsstrunk 2003."""
TrainShare = Annotated[float, Setting(gt=0, le=1)]

Layout = Literal["auto", "photos", "two-folders", "side-by-side", "lab", "unpaired"]
"""How pictures lie on disk."""
DEVICES: Final = ("auto", "cpu", "cuda")
