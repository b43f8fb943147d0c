"""Deliver: compose at full size, encode, measure, and publish under the final name.

Composing and encoding go strip by strip into one staged file, so they are one step: a large
derivative is never whole in memory.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar

from numpy.typing import NDArray

from archive_colorizer.errors import PhotoError, SignPhotoError, WritePhotoError
from archive_colorizer.imaging import encode, metadata
from archive_colorizer.imaging.decode import upright
from archive_colorizer.imaging.encode import Encodable
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.gpano import scaled
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.quality import Meter, Quality, measure
from archive_colorizer.imaging.reversible import Reversible
from archive_colorizer.imaging.samples import Heard
from archive_colorizer.imaging.thumbnails import Thumbnail, thumbnail
from archive_colorizer.pipeline.flags import (
    METADATA_LOST,
    NEARLY_GREY,
    NEARLY_GREY_BELOW,
    NOT_REVERSIBLE,
    TRANSLATED,
)
from archive_colorizer.pipeline.job_spec import JobSpec
from archive_colorizer.pipeline.output.derivatives import page_id, read_labels, version_of
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.renditions import LABEL, RenditionWriter, list_renditions
from archive_colorizer.pipeline.output.written import digest
from archive_colorizer.pipeline.records import Derivative, Made, Outcome, PhotoRef, Status
from archive_colorizer.pipeline.steps.composition import Composition
from archive_colorizer.pipeline.steps.picture_errors import writing
from archive_colorizer.pipeline.steps.publishing import Publisher
from archive_colorizer.pipeline.steps.step import Stage, each, failed, ms_since
from archive_colorizer.provenance.signing import Signer, SigningFault, open_signer
from archive_colorizer.provenance.watermark_code import read_key
from archive_colorizer.provenance.watermark_embedding import mark
from archive_colorizer.storage import Store, open_store

OUTSIDE: Final = "absolute/"
"""Begins the path of what an inventory names outside of its own folder."""
IDENTICAL: Final = "identical_coefficients"
MEASURED: Final = "measured"
AFTER_CHANGE: Final = "measured_after_change"
NO_LABELS: Final[Mapping[str, str]] = {}
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
        self._fence = self._make_fence()
        self._publisher = Publisher(self._store, self._fence)
        run, fingerprint = self._spec.config.run, self._spec.certificate_sha256
        self._signer: Signer | None = None
        if run.c2pa:
            self._signer = open_signer(run.c2pa, run.c2pa_key, run.c2pa_timestamp, fingerprint)
        self._key = read_key(run.watermark_key)
        translates = TRANSLATED in self._composition.flags
        self._renditions = [
            RenditionWriter(self._store, self._fence, one)
            for one in list_renditions(self._spec.config.deliver, translates=translates)
        ]

    def _make_fence(self) -> Fence:
        return Fence(self._store, self._spec.owner)

    def __call__(self, batch: Sequence[MadeT]) -> list[Outcome]:
        """Deliver each picture; a picture's error becomes its outcome."""
        try:
            written = each(self._deliver, batch)
            pairs = zip(batch, written, strict=True)
            return [self._arrived(*pair) for pair in pairs]
        finally:
            self._publisher.settle()

    def _arrived(self, made: MadeT, outcome: Outcome) -> Outcome:
        """Wait until a derivative has its name, and say of which version it is."""
        if outcome.derivative is None:
            return outcome
        start_s = time.perf_counter()
        try:
            with writing(made.ref):
                entry = self._publisher.arrived(made.ref.output_key)
        except PhotoError as error:
            return failed(made, error)
        derivative = replace(outcome.derivative, derivative_version=version_of(entry))
        ms = {**outcome.ms, "write": (outcome.ms["write"] or 0.0) + ms_since(start_s)}
        return replace(outcome, derivative=derivative, ms=ms)

    def _deliver(self, made: MadeT) -> Outcome:
        ms = dict(made.ms)
        heard = Heard()
        with writing(made.ref):
            picture = self._composition.picture(made, ms, heard)
            tags, lost = self._tags(made, picture, self._spec.config.deliver.format)
            derivative, after = self._write(made, picture, tags, ms)
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
                *self._reversibility(derivative),
            ),
            before_hw3=made.prepared.before_hw3,
            after_hw3=after,
        )

    def _doubts(self, derivative: Derivative) -> tuple[str, ...]:
        """A person should look at what stayed nearly grey: the model's doubt is low there."""
        grey = self._composition.keeps_luminance and derivative.colourfulness < NEARLY_GREY_BELOW
        return (NEARLY_GREY,) if grey else ()

    def _reversibility(self, derivative: Derivative) -> tuple[str, ...]:
        asked = self._spec.config.deliver.reversible
        return (NOT_REVERSIBLE,) if asked and not derivative.reversible else ()

    def _write(
        self, made: MadeT, picture: Encodable, tags: metadata.Tags, ms: dict[str, float]
    ) -> tuple[Derivative, Thumbnail | None]:
        ref, deliver = made.ref, self._spec.config.deliver
        picture, number = self._mark(picture)
        reversible = isinstance(picture, Reversible)
        start_s = time.perf_counter()
        luma = picture.luma_hw
        ms["compose"] += ms_since(start_s)
        bits = deliver.bits or (16 if luma.itemsize == 2 else 8)
        settings = encode.Settings(
            deliver.format, deliver.quality, bits, deliver.lossless, deliver.tiles
        )
        further: dict[str, Any] = {}
        with self._publisher.staged(
            ref.output_key, self._spec.context.job_id, replace=self._ours(ref)
        ) as sink:
            start_s = time.perf_counter()
            meter = Meter(luma)
            encode.encode(picture, sink, settings, tags, meter)
            ms["encode"] = ms_since(start_s)
            start_s = time.perf_counter()
            quality = self._quality(sink, meter, settings, exact=reversible)
            if reversible and not quality.identical:
                raise WritePhotoError(f"{ref.output_key}: its luminance is not the master's")
            small = quality.reduced_hw3
            small = upright(small, made.prepared.header) if reversible else small
            after = thumbnail(small) if self._makes_thumbnails else None
            derivative = self._describe(made, luma, quality, reversible=reversible)
            derivative = self._sign(replace(derivative, watermark=number), made, sink)
            sha256, size = digest(sink)
            if self._renditions:
                shown = self._composition.shown(made, picture)
                if shown is not picture:
                    shown, _ = self._mark(shown)
                for writer in self._renditions:
                    further |= self._write_rendition(writer, made, shown, derivative, settings)
        ms["write"] = ms_since(start_s)
        derivative = replace(derivative, derivative_sha256=sha256, derivative_bytes=size, **further)
        return derivative, after

    def _write_rendition(
        self,
        writer: RenditionWriter,
        made: MadeT,
        shown: Encodable,
        derivative: Derivative,
        settings: encode.Settings,
    ) -> dict[str, Any]:
        """Write a further file of a picture; the columns that tell of it."""
        rendition = writer.rendition
        picture, settings = rendition.make(shown), rendition.settings(settings)
        scale = picture.luma_hw.shape[1] / shown.luma_hw.shape[1]
        more = {LABEL: rendition.name}
        tags, _ = self._tags(made, picture, settings.format, more, scale)
        sign = partial(self._sign, rendition.describe(derivative), made)
        return writer.write(made.ref, picture, settings, tags, self._spec.context.job_id, sign)

    def _describe(
        self, made: MadeT, luma_hw: NDArray[Any], quality: Quality, *, reversible: bool
    ) -> Derivative:
        """Describe what was encoded; its bytes are not known before it is signed."""
        height, width = luma_hw.shape
        kept = self._composition.keeps_luminance
        return Derivative(
            derivative_uri=self._store.uri_of(made.ref.output_key),
            derivative_key=made.ref.output_key,
            derivative_sha256="",
            derivative_bytes=0,
            derivative_version="",  # known when it has arrived
            derivative_mime=encode.MIMES[self._spec.config.deliver.format],
            derivative_width=width,
            derivative_height=height,
            colourfulness=quality.colourfulness,
            luminance_mae=quality.luminance_mae if kept else None,
            luminance_p99=quality.luminance_p99 if kept else None,
            luminance_relation=self._relation(made, reversible=reversible) if kept else None,
            reversible=reversible,
        )

    def _sign(self, derivative: Derivative, made: MadeT, sink: BinaryIO) -> Derivative:
        """Sign the file, which is finished but for that; nothing where the job signs nothing.

        Raises:
            SignPhotoError: it cannot be signed.
        """
        if self._signer is None:
            return derivative
        row = self._signed_row(derivative, made)
        try:
            signature = self._signer.sign(sink, row, made.prepared.data)
        except SigningFault as fault:
            key = derivative.derivative_key
            raise SignPhotoError(f"{key}: cannot be signed: {fault}") from fault
        return replace(derivative, c2pa_state="signed", **asdict(signature))

    def _signed_row(self, derivative: Derivative, made: MadeT) -> dict[str, Any]:
        """The columns of which a signature speaks, as far as they are known before it."""
        ref, context = made.ref, self._spec.context
        return asdict(derivative) | {
            "row_id": ref.row_id,
            "job_id": context.job_id,
            "source_path": ref.relative,
            "source_sha256": made.facts.source_sha256,
            "mime": made.facts.mime,
            "digital_source_type": metadata.DIGITAL_SOURCE_TYPE,
            "version": context.version,
            "steps": context.steps,
            "recipe_json": context.recipe_json,
            "flags": self._composition.flags,
        }

    def _mark(self, picture: Encodable) -> tuple[Encodable, str | None]:
        """Put the imperceptible mark in, where one is wanted and the picture can carry it."""
        if self._spec.config.deliver.watermark == "off":
            return picture, None
        number = self._spec.context.job_id[-8:]
        marked = mark(picture, job=int(number, 16), key=self._key)
        return (picture, None) if marked is None else (marked, number)

    def _relation(self, made: MadeT, *, reversible: bool) -> str:
        """How the derivative's luminance relates to the master's."""
        color, facts = self._spec.config.color, made.facts
        repaired = color.glare == "repair-luminance" and facts.glare_map
        if facts.negative_curve or repaired or color.upscale > 1:
            return AFTER_CHANGE
        return IDENTICAL if reversible else MEASURED

    def _quality(
        self, sink: BinaryIO, meter: Meter, settings: encode.Settings, *, exact: bool
    ) -> Quality:
        """Figures of what was delivered: with loss it is read again, in an audit everything is."""
        if self._spec.config.run.audit:
            return measure(sink, Meter(meter.luma_hw, full=True), exact=exact)
        if settings.format == "jpeg":  # its colours have gone by, its luma is to be read
            return measure(sink, meter, exact=exact)
        return measure(sink, Meter(meter.luma_hw)) if settings.is_lossy else meter.quality()

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

    def _tags(
        self,
        made: MadeT,
        picture: Encodable,
        form: Format,
        more: Mapping[str, str] = NO_LABELS,
        scale: float = 1.0,
    ) -> tuple[metadata.Tags, bool]:
        """What a file says of itself, with `more` labels; whether the master says more.

        A picture that is `scale` times as wide has as many times the dots an inch.
        """
        kept = picture if isinstance(picture, Reversible) else None
        facts = replace(made.facts, orientation=1) if kept else made.facts
        dpi = self._composition.dpi(facts)
        tags, lost = metadata.carry(
            self._header(made, picture),
            form,
            {**self._labels(made), **more},
            self._composition.statement,
            (dpi[0] * scale, dpi[1] * scale) if dpi else None,
            as_stored=kept is not None,
        )
        return (replace(tags, icc=kept.icc) if kept else tags), lost

    def _header(self, made: MadeT, picture: Encodable) -> Header:
        """The master's, with a panorama's metadata of the derivative's size."""
        header = made.prepared.header
        (height, width), size = header.upright_size, picture.luma_hw.shape
        if size in ((height, width), (width, height)):  # what is reversible lies as it is stored
            return header
        blocks = scaled(header.blocks, size[0] / height, size[1] / width)
        return replace(header, blocks=blocks)

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
