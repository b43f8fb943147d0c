"""What a worker does for films: plan one, colour a piece, finish one.

Every answer is a value: what is wrong with a film becomes its row, and no other film's.
"""

import mimetypes
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

import av
from av.error import FFmpegError

from archive_colorizer.errors import (
    PhotoError,
    ProgramPhotoError,
    SignPhotoError,
    UnreadablePhotoError,
    WritePhotoError,
)
from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE, ESTIMATE
from archive_colorizer.pipeline.flags import DAMAGED, METADATA_LOST, NEARLY_GREY, NEARLY_GREY_BELOW
from archive_colorizer.pipeline.output.derivatives import version_of
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.rows import JobContext, outcome_row
from archive_colorizer.pipeline.output.written import check_arrived, digest
from archive_colorizer.pipeline.program_errors import describe, guarded, trace_of
from archive_colorizer.pipeline.records import Derivative, Outcome, PhotoRef, SourceFacts, Status
from archive_colorizer.pipeline.steps.picture_errors import naming
from archive_colorizer.pipeline.steps.record import write_rows
from archive_colorizer.pipeline.steps.step import ms_since, now_us
from archive_colorizer.provenance.signing import Signer, SigningFault, open_signer
from archive_colorizer.storage import open_parts, open_store, parse_location
from archive_colorizer.video.colouring import PieceColourer
from archive_colorizer.video.config import FilmConfig
from archive_colorizer.video.films import Film
from archive_colorizer.video.kept import (
    PieceFigures,
    forget,
    keep_piece,
    read_colours,
    read_figures,
)
from archive_colorizer.video.plan import Plan, find_plan, keep_plan, make_plan
from archive_colorizer.video.reading import FilmFacts, open_film
from archive_colorizer.video.rows import mean_of, write_shots
from archive_colorizer.video.shots import Piece
from archive_colorizer.video.writing import MIMES, FilmWriter, Written
from archive_colorizer.weights.reference import ResolvedModel

OF_ROW: Final = "archive_colorizer_row"
"""Metadata of a coloured film: the id of its row."""


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """The job as every worker gets it. Small and picklable."""

    config: FilmConfig
    output: str
    model: ResolvedModel
    context: JobContext
    owner: str
    """Owner of the lease on OUTPUT."""
    certificate_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One film that is to be done."""

    film: Film
    ref: PhotoRef


@dataclass(frozen=True, slots=True)
class PieceTask:
    """One piece of a film that is to be coloured."""

    task: Task
    piece: Piece


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task."""

    row_id: str
    frames: int = 0
    """That were coloured."""
    error: PhotoError | None = None
    trace: str = ""
    """Of an error of the program, for the log."""


class FilmWorker:
    """Does the three kinds of work; the model is loaded with the first piece."""

    def __init__(self, spec: FilmSpec) -> None:
        self._spec, self._config = spec, spec.config
        self._s3 = spec.config.job.run.s3
        self._store = open_store(spec.output, self._s3)
        self._fence = Fence(self._store, spec.owner)
        self._colourer: PieceColourer | None = None
        self._signer: Signer | None = None

    def plan(self, task: Task) -> Answer:
        """Read a film and keep its plan in OUTPUT."""

        def work() -> int:
            if find_plan(self._store, task.ref.row_id) is None:
                plan = make_plan(task.film, self._config.video, self._s3)
                self._fence.check()
                keep_plan(self._store, task.ref.row_id, plan)
            return 0

        return _answer(task, work)

    def colour(self, one: PieceTask) -> Answer:
        """Colour a piece and keep its colours in OUTPUT."""

        def work() -> int:
            if self._colourer is None:
                self._colourer = PieceColourer(self._spec.model, self._config)
            row_id = one.task.ref.row_id
            made = self._colourer(one.task.film, self._plan_of(row_id), one.piece)
            self._fence.check()
            keep_piece(self._store, row_id, one.piece.number, made)
            return made.figures.frames

        return _answer(one.task, work)

    def finish(self, task: Task) -> Answer:
        """Write a film whose pieces are all coloured, then its shots' rows and its own."""

        def work() -> int:
            start_us, plan = now_us(), self._plan_of(task.ref.row_id)
            with open_film(task.film, self._s3, self._config.video.rate) as reader:
                figures = read_figures(self._store, task.ref.row_id, plan.pieces)
                outcome = self._write(task, reader, plan, figures)
            outcome = replace(outcome, started_at_us=start_us)
            base = float(reader.facts.time_base)
            write_shots(self._store, task.ref.row_id, plan, figures, base)
            write_rows(self._store, [outcome], self._spec.context)
            forget(self._store, task.ref.row_id)
            return plan.frames

        return _answer(task, work)

    def _plan_of(self, row_id: str) -> Plan:
        plan = find_plan(self._store, row_id)
        if plan is None:
            raise WritePhotoError("its plan is not in OUTPUT any more")
        return plan

    def _write(self, task: Task, reader: Any, plan: Plan, figures: list[PieceFigures]) -> Outcome:  # noqa: ANN401
        ref, start_s = task.ref, time.perf_counter()
        method = self._config.job.color.upsampling
        writer = FilmWriter(self._config.video, method, self._labels(ref))
        colours = read_colours(self._store, ref.row_id, plan.pieces)
        replaces = ref.owns_key or self._is_of_row(ref)
        with self._store.staged(
            ref.output_key, self._spec.context.job_id, replace=replaces
        ) as sink:
            written = writer.write(str(sink.name), reader, colours)
            if written.frames != plan.frames:
                raise WritePhotoError(
                    f"{written.frames:,} frames were written of {plan.frames:,}: it has changed"
                )
            ms = {"encode": ms_since(start_s), "model": sum(one.ms_model for one in figures),
                  "prepare": sum(one.ms_prepare for one in figures)}  # fmt: skip
            outcome = self._outcome(task, reader.facts, plan, figures, written)
            outcome = replace(outcome, ms=ms)
            outcome = self._signed(outcome, sink)
            sha256, size = digest(sink)
            self._fence.check()
        entry = check_arrived(self._store, ref.output_key, size)
        made = outcome.derivative
        if made is not None:
            made = replace(
                made, derivative_sha256=sha256, derivative_bytes=size,
                derivative_version=version_of(entry),
            )  # fmt: skip
        return replace(outcome, derivative=made)

    def _labels(self, ref: PhotoRef) -> Mapping[str, str]:
        card, model = self._spec.model.card, self._spec.model
        return {
            "comment": f"{ESTIMATE} Digital source type: {DIGITAL_SOURCE_TYPE}. Made by "
            f"archive-colorizer {self._spec.context.version}, model {card.name} {card.version}. "
            f"Row {ref.row_id}",
            "digital_source_type": DIGITAL_SOURCE_TYPE,
            OF_ROW: ref.row_id,
            "archive_colorizer_weights": model.weights_sha256,
        }

    def _is_of_row(self, ref: PhotoRef) -> bool:
        """Whether a film at the page's place was made for this row, by a run that then died."""
        if not self._store.exists(ref.output_key):
            return False
        place = parse_location(self._store.uri_of(ref.output_key))
        file = open_parts(place, self._s3) if place.is_s3 else place.path
        try:
            with av.open(file, "r", metadata_errors="replace") as container:
                return ref.row_id in container.metadata.values()
        except (FFmpegError, OSError):
            return False

    def _signed(self, outcome: Outcome, sink: BinaryIO) -> Outcome:
        run = self._config.job.run
        if not run.c2pa or outcome.derivative is None:
            return outcome
        if self._signer is None:
            self._signer = open_signer(
                run.c2pa, run.c2pa_key, run.c2pa_timestamp, self._spec.certificate_sha256
            )
        row = outcome_row(outcome, self._spec.context, socket.gethostname())
        try:
            signature = self._signer.sign(sink, row)
        except SigningFault as fault:
            raise SignPhotoError(f"cannot be signed: {fault}") from fault
        made = replace(
            outcome.derivative, c2pa_state="signed", c2pa_sha256=signature.c2pa_sha256,
            c2pa_certificate_sha256=signature.c2pa_certificate_sha256,
        )  # fmt: skip
        return replace(outcome, derivative=made)

    def _outcome(
        self,
        task: Task,
        facts: FilmFacts,
        plan: Plan,
        figures: list[PieceFigures],
        written: Written,
    ) -> Outcome:
        ref, kind = task.ref, self._config.video.resolved_container
        colourful = sum(written.colourfulness) / max(1, len(written.colourfulness))
        words = (*plan.words(), *written.words)
        flags = [
            *([DAMAGED] if plan.faults.packets or plan.is_short else []),
            *([METADATA_LOST] if any(one.startswith("left out") for one in words) else []),
            *([NEARLY_GREY] if colourful < NEARLY_GREY_BELOW else []),
        ]
        source = SourceFacts(
            source_sha256="" if task.film.frames else plan.sha256,
            mime=mimetypes.guess_type(task.film.name)[0] or f"video/x-{facts.format.split(',')[0]}",
            width=facts.width, height=facts.height, bits_per_sample=facts.bits, samples=1,
            photometric=facts.pixel_format, n_pages=plan.frames, orientation=1, dpi_x=None,
            dpi_y=None, icc_name="", icc_status="none", fixity="not_given", decoder_words=words,
            flags=tuple(flags),
        )  # fmt: skip
        made = Derivative(
            derivative_uri=self._store.uri_of(ref.output_key), derivative_key=ref.output_key,
            derivative_sha256="", derivative_bytes=0, derivative_version="",
            derivative_mime=MIMES[kind], derivative_width=written.width,
            derivative_height=written.height, colourfulness=colourful, luminance_mae=None,
            luminance_p99=None, luminance_relation=written.relation,
        )  # fmt: skip
        return Outcome(
            ref=ref, status=Status.OK, started_at_us=now_us(), facts=source, derivative=made,
            doubt_mean=mean_of(figures, "doubt_mean"), doubt_p95=mean_of(figures, "doubt_p95"),
            device=figures[0].device, precision=figures[0].precision, flags=tuple(flags),
        )  # fmt: skip


def _answer(task: Task, work: Callable[[], int]) -> Answer:
    """Do some work on one film; whatever is wrong with it is the answer."""

    def named() -> int:
        with naming(task.ref):
            try:
                return work()
            except FileExistsError as error:
                raise WritePhotoError(
                    f"{task.ref.output_key}: is taken by another file, which is not replaced"
                ) from error
            except FFmpegError as error:
                raise UnreadablePhotoError(str(error)) from error
            except OSError as error:
                raise WritePhotoError(str(error.strerror or error)) from error

    done = guarded(named)
    if isinstance(done, int):
        return Answer(task.ref.row_id, frames=done)
    if isinstance(done, PhotoError):
        return Answer(task.ref.row_id, error=done)
    error = ProgramPhotoError(f"{task.ref.source_uri}: {describe(done)}")
    return Answer(task.ref.row_id, error=error, trace=trace_of(done))
