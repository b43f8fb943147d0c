"""Reports of a job: what a run would do, and what it did."""

from dataclasses import dataclass, field

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.progress import duration


@dataclass(frozen=True, slots=True)
class Preview:
    """The numbers of a run that has not begun."""

    listed: int
    todo: int
    done: int
    excluded: int
    held_back: int
    superseded: int
    todo_bytes: int
    model: str
    notes: tuple[str, ...]

    def text(self) -> str:
        """Write the numbers as lines for people."""
        lines = [
            f"listed      {self.listed:,}",
            f"to do       {self.todo:,} ({self.todo_bytes / 1e9:,.2f} GB of masters)",
            f"done        {self.done:,}",
            f"excluded    {self.excluded:,}",
            f"held back   {self.held_back:,}",
            f"to history  {self.superseded:,}",
            f"model       {self.model}",
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


@dataclass(frozen=True, slots=True)
class JobReport:
    """The numbers of a run that has ended."""

    output: str
    listed: int
    already: int
    ok: int
    skipped: int
    failed: int
    left: int
    errors: dict[str, int]
    seconds: float
    pictures_per_s: float
    notes: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """Write the numbers, and where the manifest is, as lines for people."""
        if self.ok + self.skipped + self.failed == 0:
            first = f"nothing to do: {self.already:,} of {self.listed:,} pictures have their row"
        else:
            first = (
                f"{self.ok:,} coloured, {self.skipped:,} skipped, {self.failed:,} failed "
                f"in {duration(self.seconds)}, {self.pictures_per_s:.1f} pictures/s"
            )
        lines = [first]
        if self.already and self.ok + self.skipped + self.failed:
            lines.append(f"{self.already:,} were done before")
        lines += [f"  {count:,} x {name}" for name, count in sorted(self.errors.items())]
        if self.left:
            lines.append(f"{self.left:,} are left for later")
        lines += [f"note: {note}" for note in self.notes]
        lines.append(f"manifest: {self.output.rstrip('/')}/{manifest.FOLDER}")
        return "\n".join(lines)
