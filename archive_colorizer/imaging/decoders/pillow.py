"""Formats that Pillow reads whole: WebP, GIF, BMP."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header, exif_orientation, sensible_dpi
from archive_colorizer.imaging.profiles import icc_name
from archive_colorizer.imaging.samples import Heard, Pixels, hearing, on_white, split_alpha

MODES: Final[Mapping[str, tuple[int, int, str]]] = {
    "1": (1, 1, "grey"),
    "L": (8, 1, "grey"),
    "LA": (8, 2, "grey"),
    "P": (8, 1, "palette"),
    "PA": (8, 2, "palette"),
    "RGB": (8, 3, "rgb"),
    "RGBA": (8, 4, "rgb"),
}
"""Pillow's mode -> bits a sample, samples, photometric."""


@dataclass(frozen=True, slots=True)
class PillowDecoder:
    """Reads one format by its name with Pillow."""

    name: str

    def read_header(self, source: BinaryIO, page: int) -> Header:
        """Facts that Pillow knows before it decodes."""
        if page:
            raise PictureFault("unreadable", f"page {page}: of {self.name} the first is read")
        with Image.open(source, formats=[self.name]) as image:
            if image.mode not in MODES:
                raise PictureFault("unsupported", f"{self.name} with pixels of kind {image.mode}")
            bits, samples, photometric = MODES[image.mode]
            exif = image.info.get("exif") or None
            dpi_x, dpi_y = sensible_dpi(image.info.get("dpi"))
            icc = image.info.get("icc_profile") or None
            return Header(
                format=self.name,
                width=image.width,
                height=image.height,
                bits_per_sample=bits,
                samples=samples,
                photometric=photometric,
                n_pages=getattr(image, "n_frames", 1),
                orientation=exif_orientation(exif),
                dpi_x=dpi_x,
                dpi_y=dpi_y,
                icc=icc,
                icc_name=icc_name(icc),
            )

    def read_strips(self, source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
        """Decode the whole picture, laid on white where it has transparency."""
        with hearing(heard), Image.open(source, formats=[self.name]) as image:
            image.load()
            if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
                pixels = np.asarray(image.convert("RGBA"))
                pixels = on_white(*split_alpha(pixels, 3))
            else:
                pixels = np.asarray(image.convert("L" if image.mode in {"1", "L"} else "RGB"))
        yield pixels


def of(name: str) -> PillowDecoder:
    """The decoder of a format by Pillow's name for it."""
    return PillowDecoder(name)
