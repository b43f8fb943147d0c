"""The plan of a film: it is read once, small, before anything is coloured."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.storage import S3Settings, Store, open_uri
from archive_colorizer.video.config import VideoConfig
from archive_colorizer.video.films import Film
from archive_colorizer.video.luma import luma_of
from archive_colorizer.video.reading import Faults, FilmFacts, Reader, open_film
from archive_colorizer.video.shots import CutFinder, Piece, Shot, pieces_of, shots_of, sign_of

FOLDER: Final = "shots"
"""Folder of OUTPUT with what is known of films' shots, and their colours until a film is done."""
SHORT: Final = 0.02
"""Share of a film's frames by its header that may be missing before it counts as cut short."""
ROW_CHARS: Final = 32
"""Characters of a row's id that its files in FOLDER are named by."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one reading of a film has shown."""

    pts: NDArray[np.int64]
    """Time of each frame, in the film's time base."""
    cuts: tuple[int, ...]
    sha256: str
    """Of the file; of a sequence, of its frames one after the other."""
    faults: Faults
    declared: int
    """Frames by the header, or by its duration; 0 for unknown."""

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.pts)

    @property
    def shots(self) -> list[Shot]:
        """The shots, in order."""
        return shots_of(self.frames, self.cuts)

    @property
    def pieces(self) -> list[Piece]:
        """What is coloured at a time, in order."""
        return pieces_of(self.shots)

    @property
    def is_short(self) -> bool:
        """Whether the film ends before its header says it does."""
        return bool(self.faults.broke_off) or self.frames < self.declared * (1 - SHORT) - 2

    def words(self) -> list[str]:
        """What was wrong with the film, one line each."""
        said = []
        if self.faults.packets:
            said.append(f"{self.faults.packets:,} parts of the film could not be decoded")
        if self.faults.times:
            said.append(f"{self.faults.times:,} frames had no time of their own, or one not after")
        if self.is_short:
            told = f" of {self.declared:,} that it names" if self.declared else ""
            why = f" ({self.faults.broke_off})" if self.faults.broke_off else ""
            said.append(f"the film ends early, or has holes: {self.frames:,} frames{told}{why}")
        return said

    def start_pts(self, piece: Piece) -> int | None:
        """Time by which a piece is sought; None where times cannot be trusted."""
        return None if self.faults.times else int(self.pts[piece.first])


def make_plan(film: Film, video: VideoConfig, s3: S3Settings) -> Plan:
    """Read a film, and find its shots.

    Raises:
        PhotoError: it cannot be read.
    """
    cuts, times = CutFinder(), []
    with open_film(film, s3, video.rate) as reader:
        for timed in reader.frames():
            times.append(timed.pts)
            cuts.add(sign_of(luma_of(timed.frame, reader.facts.codec).seen()))
        return Plan(
            pts=np.array(times, np.int64), cuts=tuple(cuts.finish()),
            sha256=_digest(film, s3), faults=reader.faults, declared=_declared(reader),
        )  # fmt: skip


def _declared(reader: Reader) -> int:
    facts: FilmFacts = reader.facts
    return facts.frames or int(facts.duration_s * facts.rate)


def _digest(film: Film, s3: S3Settings) -> str:
    digest = hashlib.sha256()
    for uri in film.frames or (film.uri,):
        with open_uri(uri, s3) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def plan_key(row_id: str) -> str:
    """Key of a film's plan in OUTPUT."""
    return f"{FOLDER}/{row_id[:ROW_CHARS]}/plan.npz"


def keep_plan(store: Store, row_id: str, plan: Plan) -> None:
    """Keep a plan for a later run."""
    said = asdict(plan)
    del said["pts"]
    file = io.BytesIO()
    np.savez_compressed(file, pts=plan.pts, said=np.array(json.dumps(said)))
    store.write_atomic(plan_key(row_id), file.getvalue())


def find_plan(store: Store, row_id: str) -> Plan | None:
    """Read the plan that an earlier run has kept; None where there is none."""
    try:
        data = store.read(plan_key(row_id))
    except FileNotFoundError:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as held:
        said: dict[str, Any] = json.loads(str(held["said"]))
        return Plan(
            held["pts"], tuple(said["cuts"]), said["sha256"], Faults(**said["faults"]),
            said["declared"],
        )  # fmt: skip
