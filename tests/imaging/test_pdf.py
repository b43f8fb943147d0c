"""PDF of scans: each page at its picture's own resolution; what is no scan says so."""

import io

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.imaging.decode import read_luma, read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header

pypdfium2 = pytest.importorskip("pypdfium2")
RAMP = np.linspace(20, 200, 400)[None].repeat(300, 0).astype(np.uint8)


def scans(*pictures: Image.Image, dpi: float = 150.0) -> io.BytesIO:
    file = io.BytesIO()
    pictures[0].save(file, "PDF", resolution=dpi, save_all=True, append_images=pictures[1:])
    return file


def test_each_page_is_a_scan_at_its_own_resolution() -> None:
    upright = Image.fromarray(RAMP)
    file = scans(upright, upright.rotate(90, expand=True))
    for page, size in ((0, (300, 400)), (1, (400, 300))):
        header = read_header(file, page=page)
        assert (header.n_pages, header.page, header.dpi_x, header.mime) == (
            2, page, 150.0, "application/pdf",
        )  # fmt: skip
        assert header.upright_size == size
        luma = read_luma(file, header).pixels
        wanted = RAMP if page == 0 else np.rot90(RAMP)
        assert np.abs(luma.astype(int) - wanted).mean() < 2
        reduced = read_reduced(file, header, 100).pixels
        assert abs(float(reduced.mean()) - float(wanted.mean())) < 2


def test_a_page_of_no_picture_is_unsupported() -> None:
    file = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    document.new_page(300, 400)
    document.save(file)
    with pytest.raises(PictureFault, match="page 1 is no scan") as caught:
        read_header(file)
    assert caught.value.kind == "unsupported"


@pytest.mark.parametrize("cut", [5, 40, 0.3, 0.9])
def test_a_broken_pdf_is_one_line(cut: float) -> None:
    data = scans(Image.fromarray(RAMP)).getvalue()
    part = data[: int(cut if cut > 1 else cut * len(data))]
    with pytest.raises(PictureFault) as caught:
        read_luma(io.BytesIO(part), read_header(io.BytesIO(part)))
    assert "\n" not in str(caught.value)
    assert "0x" not in str(caught.value)


def test_a_page_that_is_not_there_is_unreadable() -> None:
    with pytest.raises(PictureFault, match="page 7"):
        read_header(scans(Image.fromarray(RAMP)), page=7)
