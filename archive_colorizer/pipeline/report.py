"""Reports of a job: what a run would do, and what it did."""

from dataclasses import astuple, dataclass, field

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.attention import Attention
from archive_colorizer.pipeline.pilot.extrapolate import Extrapolation, format_bytes
from archive_colorizer.pipeline.pilot.intervals import Interval
from archive_colorizer.progress import duration


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all that is to be done will take on this machine."""

    measured: int
    """Pictures that were done for it."""
    failed: int
    """Of these."""
    workers: int
    """Pictures at once: of the step that takes longest."""
    seconds: Interval
    """Wall time; starting Ray and loading the model are left out."""
    derivative_bytes: Interval

    def lines(self) -> list[str]:
        """Say it to people."""
        time = self.seconds
        size, low, high = map(format_bytes, astuple(self.derivative_bytes))
        at_once = f"{self.workers:,} at once" if self.workers > 1 else "one after the other"
        told = (
            f"time        about {duration(time.estimate)}, {duration(time.low)} to "
            f"{duration(time.high)}: {self.measured:,} pictures were done here to see, counted as "
            f"{at_once}"
        )
        if self.failed:
            told += f"; {self.failed:,} of them failed"
        return [told, f"will write  about {size}, {low} to {high}"]


@dataclass(frozen=True, slots=True)
class Preview:
    """The numbers of a run that has not begun."""

    listed: int
    todo: int
    done: int
    excluded: int
    held_back: int
    replaced: int
    todo_bytes: int
    model: str
    notes: tuple[str, ...]
    pictures_per_s: float = 0.0
    """Of OUTPUT's last run; 0 where there was none."""
    estimate: Estimate | None = None
    """By a few pictures that were done to see; goes before the last run's rate."""
    replacing: tuple[str, ...] = ()
    """The first derivatives that would be replaced."""

    def text(self) -> str:
        """Write the numbers as lines for people."""
        lines = [
            f"listed      {self.listed:,}",
            f"to do       {self.todo:,} ({self.todo_bytes / 1e9:,.2f} GB of masters)",
            f"done        {self.done:,}",
            f"excluded    {self.excluded:,}",
            f"held back   {self.held_back:,}",
            f"done again  {self.replaced:,}{self._name_replaced()}",
            f"model       {self.model}",
        ]
        if self.estimate:
            lines += self.estimate.lines()
        elif self.todo and self.pictures_per_s:
            lines.append(
                f"time        about {duration(self.todo / self.pictures_per_s)}, at the last run's "
                f"{self.pictures_per_s:.1f} pictures/s"
            )
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _name_replaced(self) -> str:
        more = ", ..." if self.replaced > len(self.replacing) else ""
        return f" (replaces {', '.join(self.replacing)}{more})" if self.replacing else ""


@dataclass(frozen=True, slots=True)
class JobReport:
    """The numbers of a run that has ended."""

    output: str
    listed: int
    already: int
    ok: int
    skipped: int
    failed: int
    touched: int
    """Pages whose masters were touched only: their rows were brought up to date."""
    left: int
    failed_left: int
    """Failed rows in the manifest, of whichever run."""
    changed_masters: tuple[str, ...]
    """Masters that had other bytes at the end than when they were read."""
    errors: dict[str, int]
    seconds: float
    pictures_per_s: float
    unlisted: tuple[str, ...] = ()
    """Folders of SOURCE that could not be listed."""
    notes: tuple[str, ...] = ()
    attention: Attention = field(default_factory=Attention)
    """What wants a person's attention in OUTPUT, of whichever run."""
    max_failed: int = 0
    """Failed rows that leave the run clean."""
    page: str = ""
    """Location of the report's first page; empty where there is none."""
    pilot: Extrapolation | None = None
    """What a sample says of the whole; None where none was drawn, or all is done."""

    @property
    def is_clean(self) -> bool:
        """Whether no more rows failed than may, every folder was listed and no master changed."""
        return not (self.failed_left > self.max_failed or self.unlisted or self.changed_masters)

    @property
    def worked(self) -> int:
        """Count of pictures that this run has done, whatever became of them."""
        return self.ok + self.skipped + self.failed

    def text(self) -> str:
        """Write the numbers, and where the manifest is, as lines for people."""
        if self.worked:
            first = (
                f"{self.ok:,} coloured, {self.skipped:,} skipped, {self.failed:,} failed "
                f"in {duration(self.seconds)}, {self.pictures_per_s:.1f} pictures/s"
            )
        else:
            what = "nothing was done" if self.left else "nothing to do"
            first = f"{what}: {self.already:,} of {self.listed:,} pictures have their row"
        lines = [first]
        if self.already and self.worked:
            lines.append(f"{self.already:,} were done before")
        if self.touched:
            lines.append(f"{self.touched:,} masters were touched, not changed: their rows stand")
        lines += [f"  {count:,} x {name}" for name, count in sorted(self.errors.items())]
        lines += self.attention.lines(self.output)
        if self.left:
            lines.append(f"{self.left:,} are left for later")
        lines += self.pilot.lines() if self.pilot else []
        if earlier := self.failed_left - self.failed:
            lines.append(f"{earlier:,} failed before (--retry-failed tries them again)")
        lines += [f"not listed: {line}" for line in self.unlisted]
        lines += [f"changed while the job ran: {uri}" for uri in self.changed_masters]
        lines += [f"note: {note}" for note in self.notes]
        lines.append(f"manifest: {self.output.rstrip('/')}/{manifest.FOLDER}")
        if self.page:
            lines.append(f"report: {self.page}")
        if blemishes := self._name_blemishes():
            lines.append(f"not all is done (exit code 3): {blemishes}")
        return "\n".join(lines)

    def _name_blemishes(self) -> str:
        """Say why the run is not clean, in few words; empty where it is."""
        counts = {
            "failed": self.failed_left if self.failed_left > self.max_failed else 0,
            "folders not listed": len(self.unlisted),
            "masters changed while the job ran": len(self.changed_masters),
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
