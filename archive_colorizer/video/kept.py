"""Colours that are kept in OUTPUT until their film is whole: one file a piece.

So a run that was killed goes on with the next piece. T frames, h height, w width.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.storage import Store
from archive_colorizer.video.plan import FOLDER, ROW_CHARS
from archive_colorizer.video.shots import Piece

STEP: Final = 0.25
"""Step of the chroma that is kept, in CIE Lab units."""


@dataclass(frozen=True, slots=True)
class PieceFigures:
    """What is known of a piece that is coloured."""

    frames: int
    doubt_mean: float
    doubt_p95: float
    flicker: float
    flicker_before: float
    ms_model: float
    """Milliseconds of the model, for all frames that were looked at."""
    ms_prepare: float
    """Milliseconds of decoding and averaging."""
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class ColouredPiece:
    """The colours of a piece's frames."""

    ab_thw2: NDArray[np.float16]
    """CIE Lab a and b, on a grid over the whole frame as it is stored."""
    figures: PieceFigures


def piece_key(row_id: str, number: int) -> str:
    """Key of a piece's colours in OUTPUT."""
    return f"{FOLDER}/{row_id[:ROW_CHARS]}/{number:06d}.npz"


def keep_piece(store: Store, row_id: str, number: int, made: ColouredPiece) -> None:
    """Keep the colours of a piece.

    Raises:
        OSError: they cannot be written.
    """
    file = io.BytesIO()
    said = np.array(json.dumps(asdict(made.figures)))
    steps = np.rint(made.ab_thw2.astype(np.float32) / STEP).astype(np.int16)
    # Differences of neighbours are small, and so is what is left of them.
    np.savez_compressed(file, ab=np.diff(steps, axis=2, prepend=np.int16(0)), said=said)
    store.write_atomic(piece_key(row_id, number), file.getvalue())


def read_piece(store: Store, row_id: str, number: int) -> ColouredPiece:
    """Read the colours of a piece.

    Raises:
        OSError: they are not there.
    """
    with np.load(io.BytesIO(store.read(piece_key(row_id, number))), allow_pickle=False) as held:
        said: dict[str, Any] = json.loads(str(held["said"]))
        steps = np.cumsum(held["ab"], axis=2, dtype=np.int16)
        return ColouredPiece((steps * np.float32(STEP)).astype(np.float16), PieceFigures(**said))


def read_figures(store: Store, row_id: str, pieces: Sequence[Piece]) -> list[PieceFigures]:
    """Read what is known of some pieces."""
    return [read_piece(store, row_id, piece.number).figures for piece in pieces]


def missing_pieces(store: Store, row_id: str, pieces: Sequence[Piece]) -> list[Piece]:
    """List the pieces whose colours are not there yet."""
    there = {entry.key for entry in store.list(f"{FOLDER}/{row_id[:ROW_CHARS]}")}
    return [piece for piece in pieces if piece_key(row_id, piece.number) not in there]


def read_colours(
    store: Store, row_id: str, pieces: Sequence[Piece]
) -> Iterator[NDArray[np.float16]]:
    """Yield the colours of a film's frames, in order, one piece at a time in memory."""
    for piece in pieces:
        yield from read_piece(store, row_id, piece.number).ab_thw2


def forget(store: Store, row_id: str) -> None:
    """Delete the plan and the colours of a film that is done."""
    store.delete_tree(f"{FOLDER}/{row_id[:ROW_CHARS]}")
