"""Models on this machine: the files that a local reference names, their card and hash.

    builtin:NAME            shipped with the package
    FOLDER                  a checkpoint folder with model.safetensors
    FILE.safetensors        the weights, with the card in their metadata

No tensor is read and no torch loaded. `registry.resolve` also understands MLflow's references.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ModelReferenceError, suggest
from archive_colorizer.storage.settings import DEFAULT_S3, S3Settings
from archive_colorizer.weights.card import ModelCard, card_from_json

BUILTIN: Final = Path(__file__).parent / "builtin"
WEIGHTS_NAME: Final = "model.safetensors"
MAX_HEADER_BYTES: Final = 100_000_000
"""The format's own limit."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A reference that was resolved once, at the start of a job."""

    ref: str
    """An alias is replaced by the version's number."""
    path: str
    """The .safetensors file."""
    card: ModelCard
    weights_sha256: str
    version: str = ""
    """Number in the registry; empty for a model that is not from one."""
    registry: str = ""
    """Where MLflow is; may hold a password, so it is never written down."""
    kept: str = ""
    """URI of the copy in OUTPUT that it was taken from; empty where it was not."""
    s3: S3Settings = DEFAULT_S3
    """The way to that copy."""

    @property
    def release(self) -> str:
        """The number in the registry, or else the version that the card states."""
        return self.version or self.card.version

    @property
    def title(self) -> str:
        """Name and release, for people."""
        return f"{self.card.name} {self.release}"


def resolve_local(ref: str) -> ResolvedModel:
    """Find the weights and the card of a shipped model, a folder or a file.

    Raises:
        ModelReferenceError: it names nothing, or a file that is not a model of ours.
    """
    path = _find_file(ref)
    return ResolvedModel(ref, str(path), read_card(path, ref), hash_weights(path))


def builtin_names() -> tuple[str, ...]:
    """List the shipped models."""
    return tuple(sorted(path.parent.name for path in BUILTIN.glob(f"*/{WEIGHTS_NAME}")))


def read_card(path: Path, ref: str) -> ModelCard:
    """Read the card in the metadata of a weights file.

    Raises:
        ModelReferenceError: the file cannot be read, is cut, or has no card; `ref` is named.
    """
    return card_from_json(_read_metadata(path, ref).get("card", ""), f"{ref}: {path.name}")


def hash_weights(path: Path) -> str:
    """Compute the SHA-256 of a weights file in hex; read once while size and time stay the same."""
    stat = path.stat()
    return _hash_version(path, stat.st_size, stat.st_mtime_ns)


def _find_file(ref: str) -> Path:
    if ref.startswith("builtin:"):
        path = BUILTIN / ref.removeprefix("builtin:") / WEIGHTS_NAME
        if ref.removeprefix("builtin:") not in builtin_names():
            known = [f"builtin:{name}" for name in builtin_names()]
            raise ModelReferenceError(f"{ref}: no such shipped model{suggest(ref, known)}")
        return path
    path = Path(ref)
    if path.is_dir():
        path = path / WEIGHTS_NAME
    if not path.is_file():
        raise ModelReferenceError(
            f"{ref}: no model there ({path} does not exist){_suggest_near(ref)}"
        )
    if path.suffix != ".safetensors":
        raise ModelReferenceError(f"{ref}: only .safetensors files are loaded, never pickled ones")
    return path


def _suggest_near(ref: str) -> str:
    """The end of a message: a shipped model, or something beside the path, of nearly that name."""
    path = Path(ref)
    try:
        beside = [str(one) for one in path.parent.iterdir() if one.is_dir() or one.suffix]
    except OSError:
        beside = []
    shipped = {name: f"builtin:{name}" for name in builtin_names()}
    if ref in shipped:
        return f": did you mean {shipped[ref]!r}?"
    said = suggest(ref, [*shipped.values(), *beside])
    return said if said.startswith(":") else ""


def _read_metadata(path: Path, ref: str) -> dict[str, str]:
    """Read the metadata of a safetensors file: 8 bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
        if path.stat().st_size != 8 + length + end:
            raise ValueError(f"{path.stat().st_size} bytes where {8 + length + end} belong")
        metadata = header.get("__metadata__", {})
    except OSError as error:
        raise ModelReferenceError(f"{ref}: cannot read {path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelReferenceError(
            f"{ref}: {path.name} is cut or not a safetensors file: {error}"
        ) from error
    if "card" not in metadata:
        raise ModelReferenceError(f"{ref}: {path.name} has no model card in its metadata")
    return dict(metadata)


@lru_cache(maxsize=16)
def _hash_version(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
