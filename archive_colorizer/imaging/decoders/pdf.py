"""PDF of scans: PDFium through pypdfium2, which is an extra.

A page that is a scan shows one picture over most of itself; it is rendered at that picture's own
resolution, so that whatever lies over it (a second layer, a stamp) is where the page has it. Pages
of text and drawings are no photographs.
"""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import numpy as np

from archive_colorizer.extras import install_command
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.samples import Heard, Pixels

POINTS_PER_INCH: Final = 72
MIN_COVER: Final = 0.5
"""Share of a page that its picture covers at least."""
MAX_SIDE_PX: Final = 30_000
_ONE_AT_A_TIME: Final = threading.Lock()


def is_there() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("pypdfium2") is not None


def read_header(source: BinaryIO, page: int) -> Header:
    """Facts of one page: as many pixels as its largest picture has on that area."""
    with _opened(source) as document:
        if page >= len(document):
            raise PictureFault("unreadable", f"page {page}: the PDF has {len(document)}")
        sheet = document[page]
        dpi = _scan_dpi(sheet, page)
        width, height = (round(points * dpi / POINTS_PER_INCH) for points in sheet.get_size())
        return Header(
            format="PDF",
            width=width,
            height=height,
            bits_per_sample=8,
            samples=3,
            photometric="rgb",
            n_pages=len(document),
            page=page,
            dpi_x=round(dpi, 2),
            dpi_y=round(dpi, 2),
        )


def read_strips(source: BinaryIO, header: Header, heard: Heard) -> Iterator[Pixels]:
    """Render the page on white."""
    with _opened(source) as document:
        sheet = document[header.page]
        scale = (header.dpi_x or POINTS_PER_INCH) / POINTS_PER_INCH
        pixels = sheet.render(scale=scale, rev_byteorder=True).to_numpy()[..., :3]
        rows, columns = min(len(pixels), header.height), min(pixels.shape[1], header.width)
        whole = np.full((header.height, header.width, 3), 255, np.uint8)  # sizes are rounded up
        whole[:rows, :columns] = pixels[:rows, :columns]
        yield whole


@contextmanager
def _opened(source: BinaryIO) -> Iterator[Any]:
    """Open a PDF for the length of the block; PDFium does one thing at a time."""
    if not is_there():
        raise PictureFault("unsupported", f"PDF: it needs pypdfium2: {install_command('pdf')}")
    import pypdfium2

    source.seek(0)
    with _ONE_AT_A_TIME:
        try:
            document = pypdfium2.PdfDocument(source.read())
        except pypdfium2.PdfiumError as error:
            kind = "unsupported" if "password" in str(error).lower() else "unreadable"
            raise PictureFault(kind, f"PDF: {error}") from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise PictureFault("unreadable", f"PDF: {error}") from error
        finally:
            document.close()


def _scan_dpi(sheet: Any, page: int) -> float:  # noqa: ANN401 (pypdfium2 has no types)
    """The resolution of the largest picture on a page.

    Raises:
        PictureFault: unsupported: no picture covers most of the page.
    """
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    wide, high = sheet.get_size()
    best, dpi = 0.0, 0.0
    for item in sheet.get_objects(filter=[FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = item.get_bounds()
        area = max(0.0, right - left) * max(0.0, top - bottom)
        if area > best:
            best = area
            columns, rows = item.get_px_size()
            # A picture that lies on its side has its columns along the page's height.
            across, down = (right - left), (top - bottom)
            if (columns > rows) != (across > down):
                columns, rows = rows, columns
            dpi = max(columns / across, rows / down) * POINTS_PER_INCH
    if best < MIN_COVER * wide * high:
        raise PictureFault("unsupported", f"PDF: page {page + 1} is no scan (no picture fills it)")
    return float(min(dpi, MAX_SIDE_PX * POINTS_PER_INCH / max(wide, high)))
