"""Deliver: compose at full size, encode, measure, and publish under the final name.

Composing and encoding go strip by strip into one staged file, so they are one step: a large
derivative is never whole in memory.
"""

import hashlib
import time
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, TypeVar

from numpy.typing import NDArray

from archive_colorizer.errors import WritePhotoError
from archive_colorizer.imaging import encode, metadata
from archive_colorizer.imaging.quality import Meter, Quality, measure
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.imaging.thumbnails import Thumbnail, thumbnail
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.output.derivatives import page_id, read_labels, version_of
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.records import (
    METADATA_LOST,
    NEARLY_GREY,
    NEARLY_GREY_BELOW,
    Derivative,
    Made,
    Outcome,
    PhotoRef,
    Status,
)
from archive_colorizer.pipeline.steps.composition import Composition
from archive_colorizer.pipeline.steps.picture_errors import writing
from archive_colorizer.pipeline.steps.step import Stage, each, ms_since
from archive_colorizer.provenance.watermark_code import read_key
from archive_colorizer.provenance.watermark_embedding import mark
from archive_colorizer.storage import Store, open_store

OUTSIDE: Final = "absolute/"
"""Begins the path of what an inventory names outside of its own folder."""
MadeT = TypeVar("MadeT", bound=Made)


class Deliver(Stage[MadeT, Outcome]):
    """Coloured or Painted -> Outcome, with the derivative in OUTPUT."""

    name = "deliver"

    def __init__(self, spec: JobSpec, composition: Composition[MadeT]) -> None:
        self.kind = composition.kind
        self._spec = spec
        self._composition = composition
        self._makes_thumbnails = spec.config.run.report == "on"

    def setup(self) -> None:
        """Open OUTPUT, and load what composing needs."""
        self._composition.setup()
        self._store: Store = open_store(self._spec.output, self._spec.config.run.s3)
        self._fence = Fence(self._store, self._spec.owner)
        self._key = read_key(self._spec.config.run.watermark_key)

    def __call__(self, batch: Sequence[MadeT]) -> list[Outcome]:
        """Deliver each picture; a picture's error becomes its outcome."""
        return each(self._deliver, batch)

    def _deliver(self, made: MadeT) -> Outcome:
        ms = dict(made.ms)
        heard = Heard()
        with writing(made.ref):
            tags, lost = self._tags(made)
            derivative, after = self._write(made, tags, ms, heard)
        facts = made.facts.having_heard(tuple(heard.words), damaged=heard.damaged)
        return Outcome(
            ref=made.ref,
            status=Status.OK,
            started_at_us=made.started_at_us,
            ms=ms,
            facts=facts,
            derivative=derivative,
            doubt_mean=made.doubt_mean,
            doubt_p95=made.doubt_p95,
            doubt_map=made.doubt_map,
            device=made.device,
            precision=made.precision,
            flags=(
                *facts.flags,
                *self._composition.flags,
                *self._doubts(derivative),
                *((METADATA_LOST,) if lost else ()),
            ),
            before_hw3=made.prepared.before_hw3,
            after_hw3=after,
        )

    def _doubts(self, derivative: Derivative) -> tuple[str, ...]:
        """A person should look at what stayed nearly grey: the model's doubt is low there."""
        grey = self._composition.keeps_luminance and derivative.colourfulness < NEARLY_GREY_BELOW
        return (NEARLY_GREY,) if grey else ()

    def _write(
        self, made: MadeT, tags: metadata.Tags, ms: dict[str, float], heard: Heard
    ) -> tuple[Derivative, Thumbnail | None]:
        ref, deliver = made.ref, self._spec.config.deliver
        picture, number = self._mark(self._composition.picture(made, ms, heard))
        start_s = time.perf_counter()
        luma = picture.luma_hw
        ms["compose"] += ms_since(start_s)
        bits = deliver.bits or (16 if luma.itemsize == 2 else 8)
        settings = encode.Settings(deliver.format, deliver.quality, bits)
        with self._store.staged(
            ref.output_key, self._spec.context.job_id, replace=self._ours(ref)
        ) as sink:
            start_s = time.perf_counter()
            meter = Meter(luma)
            encode.encode(picture, sink, settings, tags, meter)
            ms["encode"] = ms_since(start_s)
            start_s = time.perf_counter()
            sha256, size = _digest(sink)
            quality = self._quality(luma, sink, meter)
            after = thumbnail(quality.reduced_hw3) if self._makes_thumbnails else None
            self._fence.check()
        entry = self._store.find(ref.output_key)
        if entry is None or entry.size_bytes != size:
            raise WritePhotoError(
                f"{ref.output_key}: {size:,} bytes were written and are not there"
            )
        ms["write"] = ms_since(start_s)
        height, width = luma.shape
        kept = self._composition.keeps_luminance
        derivative = Derivative(
            derivative_uri=self._store.uri_of(ref.output_key),
            derivative_key=ref.output_key,
            derivative_sha256=sha256,
            derivative_bytes=size,
            derivative_version=version_of(entry),
            derivative_mime=encode.MIMES[deliver.format],
            derivative_width=width,
            derivative_height=height,
            colourfulness=quality.colourfulness,
            luminance_mae=quality.luminance_mae if kept else None,
            luminance_p99=quality.luminance_p99 if kept else None,
            watermark=number,
        )
        return derivative, after

    def _mark(self, picture: encode.Encodable) -> tuple[encode.Encodable, str | None]:
        """Put the imperceptible mark in, where one is wanted and the picture can carry it."""
        if self._spec.config.deliver.watermark == "off":
            return picture, None
        number = self._spec.context.job_id[-8:]
        marked = mark(picture, job=int(number, 16), key=self._key)
        return (picture, None) if marked is None else (marked, number)

    def _quality(self, luma_hw: NDArray[Any], sink: BinaryIO, meter: Meter) -> Quality:
        """Figures of what was delivered: it is decoded again, unless a lossless file's strips were
        measured.
        """
        audit = self._spec.config.run.audit
        if self._spec.config.deliver.format == "jpeg" or audit:
            return measure(luma_hw, sink, full=audit)
        return meter.quality()

    def _ours(self, ref: PhotoRef) -> bool:
        """Whether an earlier derivative of the same page is in the way, which may be replaced.

        Raises:
            WritePhotoError: it is another's: of another page, or not made by this tool.
        """
        if not self._store.exists(ref.output_key):
            return False
        if ref.owns_key:
            return True
        labels = read_labels(self._store, ref.output_key)
        if not labels:
            raise WritePhotoError(f"{ref.output_key}: a file that this tool did not make is there")
        same_page = labels.get("pageId") == page_id(ref.source_uri, ref.page)
        earlier = "pageId" not in labels and labels.get("sourceUri") == ref.source_uri
        if same_page or earlier or labels["rowId"] in (ref.row_id, ref.earlier_id):
            return True
        raise WritePhotoError(
            f"{ref.output_key}: the derivative of another picture is there "
            f"({labels.get('sourceUri') or labels.get('sourcePath') or labels['rowId']})"
        )

    def _tags(self, made: MadeT) -> tuple[metadata.Tags, bool]:
        """What the derivative says of itself, and whether the master says more."""
        return metadata.carry(
            made.prepared.header,
            self._spec.config.deliver.format,
            self._labels(made),
            self._composition.statement,
            self._composition.dpi(made.facts),
        )

    def _labels(self, made: MadeT) -> dict[str, str]:
        ref = made.ref
        return {
            "rowId": ref.row_id,
            "pageId": page_id(ref.source_uri, ref.page),
            **self._spec.labels,
            **_place(ref, publish=self._spec.config.deliver.publish_paths),
            "sourceSha256": made.facts.source_sha256,
        }


def _place(ref: PhotoRef, *, publish: bool) -> dict[str, str]:
    """Labels that say where the master is: a full path tells strangers of a house's machines."""
    place = {"sourceUri": ref.source_uri} if publish else {}
    # A master outside of its inventory's folder has its full path there: the name alone is told.
    outside = ref.relative.startswith(OUTSIDE)
    name = ref.relative.rpartition("/")[2] if outside else ref.relative
    named = {"sourcePath": name, "objectId": ref.object_id}
    return place | {label: value for label, value in named.items() if value}


def _digest(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of what was written."""
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return digest.hexdigest(), file.tell()
