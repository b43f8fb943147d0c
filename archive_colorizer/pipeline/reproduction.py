"""What `reproduce` found: of each file, of each picture, of all."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from archive_colorizer.imaging.difference import Difference

IDENTICAL, DIFFERENT, IMPOSSIBLE = "identical", "different", "impossible"
VERDICTS: Final = (IDENTICAL, DIFFERENT, IMPOSSIBLE)
SAME: Final = Difference()


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file of a picture, made again."""

    name: str
    """derivative, or that of a rendition."""
    same_bytes: bool
    difference: Difference = SAME
    """Of the decoded files, where their bytes differ."""
    unsigned: bool = False
    """Whether the recorded one has a signature, which was not made again."""
    problem: str = ""
    """Why they could not be compared, in one line."""

    def text(self) -> str:
        """Say it in a few words."""
        if self.problem:
            return f"{self.name}: {self.problem}"
        if self.same_bytes:
            return f"{self.name}: every byte"
        found = self.difference
        if not found:
            left_out = "; its signature is not made again" if self.unsigned else ""
            return f"{self.name}: every pixel, and all metadata{left_out}"
        told = [f"other {', '.join(found.said)}"] if found.said else []
        if found.share:
            told.insert(
                0,
                f"{100 * found.share:.3g} % of the pixels, at most {found.largest:.3g} of 255, "
                f"{found.mean:.2g} in the mean",
            )
        return f"{self.name}: {'; '.join(told)}"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What became of one picture."""

    row_id: str
    name: str
    """The master's path."""
    verdict: str
    """identical, different, or impossible."""
    reason: str = ""
    """Why it was impossible."""
    files: tuple[FileResult, ...] = ()
    batch: int = 1
    """Pictures that the model was given together: more than one where the picture alone came out
    otherwise, and the batch that it was recorded with was made again."""
    alone: FileResult | None = None
    """The derivative as it came out alone, where a batch was made again."""
    facts: tuple[str, ...] = ()
    """What the steps found otherwise than the row has it."""
    then: Mapping[str, str] | None = None
    """Device, precision, torch and program of the row."""
    now: Mapping[str, str] | None = None

    def lines(self) -> Iterator[str]:
        """Say it for people; the first line names the picture."""
        yield f"{self.name}: {self.reason or self.verdict}"
        for one in self.files:
            yield f"  {one.text()}"
        if self.batch > 1:
            yield f"  with the {self.batch} pictures of the batch that it was recorded with"
        if self.alone:
            yield f"  alone, {self.alone.text()}"
        if self.facts:
            yield f"  found otherwise: {', '.join(self.facts)}"
        if self.verdict == DIFFERENT and self.then and self.now:
            for when, told in (("then", self.then), ("now", self.now)):
                yield f"  {when}: {', '.join(f'{key} {value}' for key, value in told.items())}"


@dataclass(frozen=True, slots=True)
class ReproduceReport:
    """What became of all pictures that were asked for."""

    pictures: tuple[Reproduction, ...]
    seed: int | None = None
    """Of the sample; None where rows were named."""

    @property
    def is_clean(self) -> bool:
        """Whether there is a picture, and every one came out as it is recorded."""
        return bool(self.pictures) and all(one.verdict == IDENTICAL for one in self.pictures)

    def summary(self) -> str:
        """Count the verdicts, and say what was not made anew."""
        counts = Counter(one.verdict for one in self.pictures)
        told = ", ".join(f"{counts[name]:,} {name}" for name in VERDICTS if counts[name])
        drawn = "" if self.seed is None else f" (a sample drawn with seed {self.seed})"
        return (
            f"{told or 'no picture'}{drawn}; the run's number and the program's version, which "
            "stand in the files, were taken from the rows"
        )

    def to_json(self) -> dict[str, Any]:
        """Give JSON's types alone."""
        return {
            "seed": self.seed,
            "identical": self.is_clean,
            "pictures": [asdict(one) for one in self.pictures],
        }
