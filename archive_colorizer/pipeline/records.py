"""The few frozen records that flow between the steps.

    PhotoRef -> Prepared -> Coloured (or Painted) -> Outcome (one manifest row)

A step returns a new record; none is changed. All but the first and the last are `InHand`, and the
last two before the Outcome are `Made`. Full-size pixels travel in none but those that enlarging on
a GPU hands on, one by one: a record that does holds the encoded bytes of a small master, or nothing
but its URI for a large one.
Axes in names: h height, w width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.imaging.doubt_map import doubt_png
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.projection import Panorama
from archive_colorizer.imaging.thumbnails import Thumbnail
from archive_colorizer.pipeline.flags import DAMAGED


class Status(StrEnum):
    """Fate of a listed page."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"


Page = tuple[str, int]
"""What names a page: its source URI, and its number in the file."""
RENDITIONS: Final = ("marked", "access")
"""Further files of a derivative: with a visible mark, and reduced. Their folders, their labels in
XMP and the beginnings of their columns (`_key`, `_sha256`, `_bytes`) have these names."""
CLOSED: Final = ("excluded", "withdrawn")
"""Error classes of pages that stay as they are until somebody asks for them by name."""
STEP_TIMES: Final = ("read", "prepare", "model", "compose", "encode", "write")
"""Parts of a page's work that are timed, in their order."""


@dataclass(frozen=True, slots=True)
class PhotoRef:
    """One listed page, not yet opened: an inventory row with its place in OUTPUT."""

    row_id: str
    """64 hex digits that name this making of the page; kept when its master moves or is touched."""
    source_uri: str
    """file:// (percent-encoded bytes) or s3:// URI."""
    source_path_raw: bytes
    """The path or key as the store gave it: names need not be UTF-8."""
    output_key: str
    """Path of the derivative, relative to OUTPUT; unique within the job."""
    size_bytes: int
    mtime_ns: int | None = None
    etag: str | None = None
    page: int = 0
    object_id: str = ""
    collection: str = ""
    sensitivity: str = ""
    class_id: str = ""
    hints: str = ""
    """Points of known colour, JSON: [[x, y, "#rrggbb"], ...]; empty for none."""
    collection_json: str = "{}"
    expected_digest: str = ""
    """What the fixity list or the inventory says, "md5:HEX", "sha256:HEX" and so on; or empty."""
    problem: str = ""
    """Why the page cannot even be opened, found while listing; empty where nothing is wrong."""
    attempt: int = 1
    earlier_id: str = ""
    """Id of the row that the page has; empty for none."""
    relative: str = ""
    """Path below SOURCE as text; of an inventory's page outside of its folder, `absolute/...`."""
    owns_key: bool = False
    """Whether `output_key` is the page's own by its row: whatever is there may be replaced."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Facts that reading the master showed. Every field is a manifest column of the same name."""

    source_sha256: str
    mime: str
    width: int
    """Width of the stored picture, before its orientation is applied; pixels."""
    height: int
    bits_per_sample: int
    samples: int
    photometric: str
    n_pages: int
    orientation: int
    """EXIF/TIFF orientation, 1 to 8."""
    dpi_x: float | None
    dpi_y: float | None
    icc_name: str
    icc_status: str
    """none, used, broken or ignored."""
    fixity: str
    """match, mismatch or not_given."""
    tone_class: str = ""
    """neutral, toned, tinted or colour: of the print where there is a `content_box`."""
    source_chroma: float = 0.0
    """Mean CIE Lab chroma of the master's proxy, or of the print."""
    dhash64: str = ""
    """64-bit difference hash of the grey proxy, 16 hex digits."""
    decoder_words: tuple[str, ...] = ()
    """What the decoder said of the master's pixels, one line each."""
    content_box: tuple[int, int, int, int] | None = None
    """The upright rectangle about the print: x, y, w, h in pixels of the upright master; None where
    the picture is taken as a whole."""
    content_box_tilt: float | None = None
    """Of the print within `content_box`, degrees clockwise."""
    content_box_score: float | None = None
    """How well the worst side of the best rectangle is seen, to 1; None where none was sought."""
    projection: str | None = None
    """equirectangular or flat: as what it was coloured; None where a translation was made."""
    negative_score: float | None = None
    """How much it looks like a negative, 0 to 1; None where none was looked for."""
    negative_curve: str = ""
    """The curve that made the positive, JSON; empty where the master's own luma was kept."""
    glare_share: float | None = None
    """Share of the picture, or of the print, that lies in reflections; None where none was looked
    for."""
    glare_map: bytes | None = None
    """Where the reflections are, upright, as a small PNG of black and white; None without any."""
    class_auto: int | None = None
    """The class that was recognised, of ImageNet's 1,000; None where none was asked for."""
    class_auto_score: float | None = None
    """Probability of that class by the classifier, 0 to 1."""
    flags: tuple[str, ...] = ()

    def having_heard(self, words: tuple[str, ...], *, damaged: bool) -> "SourceFacts":
        """The same with a decoder's words, once each, and the flag if they mean damage."""
        flags = (*self.flags, DAMAGED) if damaged else self.flags
        told = tuple(dict.fromkeys((*self.decoder_words, *words)))
        return replace(self, decoder_words=told, flags=tuple(dict.fromkeys(flags)))

    @property
    def bounds(self) -> Bounds | None:
        """The place of the print; None where the picture is taken as a whole."""
        if self.content_box is None:
            return None
        return Bounds(*self.content_box, self.content_box_tilt or 0.0)


class InHand(Protocol):
    """A picture on its way: what its Outcome needs if its way ends here."""

    @property
    def ref(self) -> PhotoRef:
        """The page."""

    @property
    def facts(self) -> SourceFacts:
        """Facts that reading the master showed."""

    @property
    def started_at_us(self) -> int:
        """UTC, microseconds since the epoch."""

    @property
    def ms(self) -> Mapping[str, float]:
        """Milliseconds by step, until now."""


class Made(InHand, Protocol):
    """A picture that a model has made, fit to be delivered."""

    @property
    def prepared(self) -> "Prepared":
        """The master."""

    @property
    def doubt_mean(self) -> float | None:
        """Mean doubt; None where the model has none."""

    @property
    def doubt_p95(self) -> float | None:
        """The 95th percentile of the doubt."""

    @property
    def doubt_map(self) -> bytes | None:
        """Where the doubt is: a small grey PNG."""

    @property
    def device(self) -> str:
        """Device that the model ran on: cpu or cuda."""

    @property
    def precision(self) -> str:
        """float32 or bfloat16."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A master whose bytes and header were read; its pixels were not."""

    ref: PhotoRef
    header: Header
    facts: SourceFacts
    data: bytes | None
    """The encoded master; None when it is too large to travel."""
    started_at_us: int
    ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A master that was read and is fit to be coloured."""

    ref: PhotoRef
    header: Header
    facts: SourceFacts
    data: bytes | None
    """The encoded master; None when it is too large to travel and is read again."""
    proxy_hw: NDArray[np.uint8]
    """Upright grey proxy, sRGB-encoded, 0..255; (h, w, 3) where the model wants colour."""
    started_at_us: int
    """UTC, microseconds since the epoch."""
    ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by step: read, prepare, model, compose, encode, write."""
    panorama: Panorama | None = None
    """What it shows of the sphere; None for a flat picture."""
    before_hw3: Thumbnail | None = field(default=None, compare=False, repr=False)
    """The master, small; None where no report is wanted."""
    luma_hw: NDArray[np.uint8] | NDArray[np.uint16] | None = field(
        default=None, compare=False, repr=False
    )
    """The master's luma at full size, where one decoding gave it, too, and the worker that made
    this delivers it; None where its delivery reads the master."""


@dataclass(frozen=True, slots=True)
class Coloured:
    """A master with the chroma that the model gives it."""

    prepared: Prepared
    chroma: NetworkMap
    """CIE Lab a and b at the network's own size."""
    doubt: NetworkMap
    """In [0, 1], one channel. Its figures are made where they are wanted: the worker that has the
    GPU has no time for them."""
    device: str
    """Device that the model ran on: cpu or cuda."""
    precision: str
    """float32 or bfloat16."""
    ms: Mapping[str, float]
    luma_hw: NDArray[np.uint8] | NDArray[np.uint16] | None = None
    """The master's luminance at full size, enlarged or about to be (`steps.upscale`); None where
    its delivery reads the master."""

    @property
    def doubt_mean(self) -> float:
        """Mean doubt of the cells in the picture."""
        return float(self._doubt_hw.mean())

    @property
    def doubt_p95(self) -> float:
        """The 95th percentile of their doubt."""
        return float(np.percentile(self._doubt_hw, 95))

    @property
    def doubt_map(self) -> bytes:
        """Where the doubt is: a small grey PNG (`imaging.doubt_map`)."""
        return doubt_png(self._doubt_hw)

    @property
    def _doubt_hw(self) -> NDArray[np.float32]:
        return self.doubt.covered()[..., 0].astype(np.float32)

    @property
    def ab_2hw(self) -> NDArray[np.float32]:
        """CIE Lab a and b at proxy size."""
        return np.moveaxis(self.chroma.at_size(), 2, 0)

    @property
    def ref(self) -> PhotoRef:
        """The page."""
        return self.prepared.ref

    @property
    def facts(self) -> SourceFacts:
        """Facts that reading the master showed."""
        return self.prepared.facts

    @property
    def started_at_us(self) -> int:
        """UTC, microseconds since the epoch."""
        return self.prepared.started_at_us


@dataclass(frozen=True, slots=True)
class Painted:
    """The picture that a translation puts in a master's place."""

    prepared: Prepared
    rgb_hw3: NDArray[np.uint8]
    """sRGB, at proxy size."""
    device: str
    precision: str
    ms: Mapping[str, float]

    @property
    def ref(self) -> PhotoRef:
        """The page."""
        return self.prepared.ref

    @property
    def facts(self) -> SourceFacts:
        """Facts that reading the master showed."""
        return self.prepared.facts

    @property
    def started_at_us(self) -> int:
        """UTC, microseconds since the epoch."""
        return self.prepared.started_at_us

    doubt_mean = doubt_p95 = doubt_map = None
    """A translation says nothing of its doubt."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """The file that was delivered. Every field but `quality` is a manifest column."""

    derivative_uri: str
    derivative_key: str
    """Its place below OUTPUT."""
    derivative_sha256: str
    derivative_bytes: int
    derivative_version: str
    """What the store says of its version: an ETag, or the time of its last change in ns."""
    derivative_mime: str
    derivative_width: int
    derivative_height: int
    colourfulness: float
    luminance_mae: float | None
    """Mean |Y' derivative - Y' master|, 0..255; None where nothing of the master is kept."""
    luminance_p99: float | None
    luminance_relation: str | None = None
    """identical_coefficients; measured: the two figures above say how near it is to the master's;
    measured_after_change: they compare it with the positive, the enlarged or the repaired luminance
    that was asked for. None where nothing of the master is kept."""
    reversible: bool = False
    """Whether the colour can be taken off again."""
    c2pa_state: str = "none"
    """signed, or none: whether it has a C2PA manifest."""
    c2pa_sha256: str | None = None
    """SHA-256 of the manifest store in it, hex."""
    c2pa_certificate_sha256: str | None = None
    """SHA-256 of the certificate that signed it, hex."""
    watermark: str | None = None
    """Number in its imperceptible mark, 8 hex digits: the end of the run's `job_id`; None where it
    has no mark."""
    marked_key: str | None = None
    """Place below OUTPUT of the second file, which carries a visible mark; None where there is
    none."""
    marked_sha256: str | None = None
    marked_bytes: int | None = None
    access_key: str | None = None
    """Place below OUTPUT of the reduced copy; None where there is none."""
    access_sha256: str | None = None
    access_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Fate of one page: the record that becomes its manifest row."""

    ref: PhotoRef
    status: Status
    started_at_us: int
    ms: Mapping[str, float] = field(default_factory=dict)
    facts: SourceFacts | None = None
    derivative: Derivative | None = None
    doubt_mean: float | None = None
    doubt_p95: float | None = None
    doubt_map: bytes | None = None
    device: str = ""
    precision: str = ""
    flags: tuple[str, ...] = ()
    error_class: str = ""
    error_message: str = ""
    trace: str = ""
    """Traceback of an error of the program: it goes into the driver's log, not into the row."""
    before_hw3: Thumbnail | None = field(default=None, compare=False, repr=False)
    after_hw3: Thumbnail | None = field(default=None, compare=False, repr=False)
    """Master and derivative, small; they become a part of a sheet of thumbnails."""
    thumbnail_key: str | None = None
    """The sheet that has them, below OUTPUT."""
    thumbnail_index: int | None = None
    """Their place on the sheet, from 0 at its top."""
