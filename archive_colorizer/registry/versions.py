"""Versions of registered models, and the decisions and jobs that are noted with them.

A decision and a job are each a tag of their version, with JSON as its value.
"""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

DECISION: Final = "decision."
JOB: Final = "job."
"""Beginnings of the keys of such tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision about a version."""

    kind: str
    """promoted, refused or rolled back."""
    by: str
    at: str
    """Time in UTC."""
    over: str
    """Number of the champion before; empty where there was none."""
    on: str = ""
    """The evaluation set, and the SHA-256 of its names and pixels."""
    text: str = ""
    """Verdicts of the gates."""
    figures: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a registered model."""

    name: str
    number: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created_at: str


def read_decisions(version: Version) -> list[Decision]:
    """Read the decisions about a version, the earliest first."""
    found = sorted((k, v) for k, v in version.tags.items() if k.startswith(DECISION))
    return [Decision(**json.loads(text)) for _, text in found]


def read_jobs(version: Version) -> dict[str, dict[str, Any]]:
    """Read the jobs that used a version, by their id."""
    return {
        key.removeprefix(JOB): json.loads(text)
        for key, text in sorted(version.tags.items())
        if key.startswith(JOB)
    }


def current_user() -> str:
    """Name the user who decides."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def now_text() -> str:
    """Write the present time in UTC, to the microsecond: also a key that sorts."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_version(found: Any) -> Version:  # noqa: ANN401 (MLflow's ModelVersion)
    """Take what is needed of MLflow's model version."""
    return Version(
        name=found.name, number=str(found.version), aliases=tuple(sorted(found.aliases)),
        tags=dict(found.tags), created_at=_format_time(found.creation_timestamp),
    )  # fmt: skip


def _format_time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
