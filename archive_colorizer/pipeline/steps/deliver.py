"""Deliver: compose at full size, encode, measure, and publish under the final name.

Composing and encoding go strip by strip into one staged file, so they are one step: a large
derivative is never whole in memory.
"""

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError, PhotoError, WritePhotoError
from archive_colorizer.imaging import encode, metadata
from archive_colorizer.imaging.compose import WholePicture, compose
from archive_colorizer.imaging.decode import Decoded, read_luma
from archive_colorizer.imaging.quality import Meter, Quality, measure
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.layout import is_ours
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.records import (
    ENLARGED,
    TRANSLATED,
    Coloured,
    Derivative,
    Outcome,
    Painted,
    PhotoRef,
    Status,
)
from archive_colorizer.pipeline.steps.picture_errors import naming, writing
from archive_colorizer.pipeline.steps.step import Kind, each, failure, ms_since
from archive_colorizer.storage import Store, open_store, open_uri
from archive_colorizer.weights.reference import ResolvedModel


class Deliver:
    """Coloured or Painted -> Outcome, with the derivative in OUTPUT."""

    name = "deliver"
    kind: Kind
    """Enlarging wants the GPU, and what is enlarged is too large to travel to another actor."""

    def __init__(
        self,
        config: JobConfig,
        output: str,
        labels: Mapping[str, str],
        token: str,
        owner: str,
        *,
        upscaler: ResolvedModel | None = None,
    ) -> None:
        self.kind = "gpu" if upscaler else "cpu"
        self._config = config
        self._upscaler = upscaler
        self._estimate = metadata.ENLARGEMENT if upscaler else metadata.ESTIMATE
        self._output = output
        self._labels = labels
        self._token = token
        self._owner = owner

    def setup(self) -> None:
        """Open OUTPUT, and load what enlarges."""
        self._enlarger = None
        if self._upscaler:
            from archive_colorizer.inference.enlarge import Enlarger

            self._enlarger = Enlarger(self._upscaler, "float32")
            if self._enlarger.scale != self._config.color.upscale:
                raise ConfigError(
                    f"upscaler: {self._upscaler.ref} enlarges by {self._enlarger.scale}, "
                    f"not by {self._config.color.upscale}"
                )
        self._store: Store = open_store(self._output)
        self._fence = Fence(self._store, self._owner)

    def __call__(self, batch: Sequence[Coloured | Painted]) -> list[object]:
        """Deliver each picture; a picture's fault becomes its outcome."""
        return each(self._one, batch)

    def _one(self, made: Coloured | Painted) -> Outcome:
        prepared, ms = made.prepared, dict(made.ms)
        ref = prepared.ref
        painted = isinstance(made, Painted)
        try:
            master = None if isinstance(made, Painted) else self._master(made, ms)
            with writing(ref):
                derivative = self._write(made, master, ms)
        except PhotoError as error:
            return failure(ref, error, prepared.started_at_us, prepared.facts, ms)
        return Outcome(
            ref=ref,
            status=Status.OK,
            started_at_us=prepared.started_at_us,
            ms=ms,
            facts=prepared.facts,
            derivative=derivative,
            doubt_mean=None if isinstance(made, Painted) else made.doubt_mean,
            doubt_p95=None if isinstance(made, Painted) else made.doubt_p95,
            device=made.device,
            precision=made.precision,
            flags=(
                *prepared.facts.flags,
                *([TRANSLATED] if painted else []),
                *([ENLARGED] if self._enlarger else []),
            ),
        )

    def _master(self, coloured: Coloured, ms: dict[str, float]) -> Decoded:
        start_s = time.perf_counter()
        prepared = coloured.prepared
        ref, data = prepared.ref, prepared.data
        with (
            naming(ref),
            open_uri(ref.source_uri) if data is None else io.BytesIO(data) as source,
        ):
            master = read_luma(source, prepared.header)
        ms["compose"] = ms_since(start_s)
        if self._enlarger:
            start_s = time.perf_counter()
            master = replace(master, pixels=self._enlarger.luma(master.pixels))
            ms["model"] += ms_since(start_s)
        return master

    def _write(
        self, made: Coloured | Painted, master: Decoded | None, ms: dict[str, float]
    ) -> Derivative:
        ref, deliver = made.prepared.ref, self._config.deliver
        start_s = time.perf_counter()
        picture = self._picture(made, master)
        luma = picture.luma_hw
        ms["compose"] = ms.get("compose", 0.0) + ms_since(start_s)
        bits = deliver.bits or (16 if luma.itemsize == 2 else 8)
        settings = encode.Settings(deliver.format, deliver.quality, bits)
        with self._store.staged(ref.output_key, self._token, replace=self._ours(ref)) as sink:
            start_s = time.perf_counter()
            meter = Meter(luma)
            encode.encode(picture, sink, settings, self._tags(made), meter)
            ms["encode"] = ms_since(start_s)
            start_s = time.perf_counter()
            sha256, size = _digest(sink)
            quality = self._quality(luma, sink, meter)
            self._fence.check()
        ms["write"] = ms_since(start_s)
        height, width = luma.shape
        return Derivative(
            derivative_uri=self._store.uri_of(ref.output_key),
            derivative_sha256=sha256,
            derivative_bytes=size,
            derivative_mime=encode.MIMES[deliver.format],
            derivative_width=width,
            derivative_height=height,
            colourfulness=quality.colourfulness,
            luminance_mae=quality.luminance_mae if master else None,
            luminance_p99=quality.luminance_p99 if master else None,
        )

    def _picture(self, made: Coloured | Painted, master: Decoded | None) -> encode.Encodable:
        if isinstance(made, Painted):
            return WholePicture(made.rgb_hw3)
        assert master is not None
        return compose(master.pixels, made.ab_2hw, self._config.color.upsampling)

    def _quality(self, luma_hw: NDArray[Any], sink: BinaryIO, meter: Meter) -> Quality:
        """Of what was delivered: decoded again, unless a lossless file's strips were measured."""
        audit = self._config.run.audit
        if self._config.deliver.format == "jpeg" or audit:
            return measure(luma_hw, sink, full=audit)
        return meter.quality()

    def _ours(self, ref: PhotoRef) -> bool:
        """Whether a file of ours is in the way, which may be replaced.

        Raises:
            WritePhotoError: a file that this tool did not make is in the way.
        """
        if not self._store.exists(ref.output_key):
            return False
        if is_ours(self._store, ref.output_key):
            return True
        raise WritePhotoError(f"{ref.output_key}: a file that this tool did not make is there")

    def _tags(self, made: Coloured | Painted) -> metadata.Tags:
        prepared = made.prepared
        ref, facts = prepared.ref, prepared.facts
        painted = isinstance(made, Painted)
        xmp = metadata.build_xmp(
            {
                "rowId": ref.row_id,
                **self._labels,
                "sourceUri": ref.source_uri,
                "sourceSha256": facts.source_sha256,
            },
            metadata.TRANSLATION if painted else self._estimate,
        )
        dpi = (facts.dpi_x, facts.dpi_y) if facts.dpi_x and facts.dpi_y else None
        if dpi and facts.orientation > 4:
            dpi = (dpi[1], dpi[0])
        if dpi:  # the print has the size that it had
            dpi = (dpi[0] * self._config.color.upscale, dpi[1] * self._config.color.upscale)
        if isinstance(made, Painted):  # of another size: dots an inch would say a wrong one
            dpi = None
        return metadata.Tags(xmp=xmp, exif=metadata.carried_exif(prepared.header), dpi=dpi)


def _digest(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of what was written."""
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return digest.hexdigest(), file.tell()
