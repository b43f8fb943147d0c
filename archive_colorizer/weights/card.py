"""A model's card: its family and settings, on what it was trained, and what may be done with it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal

from archive_colorizer.errors import ModelReferenceError

Rights = Literal["cleared", "not_cleared", "unknown"]
RIGHTS: Final = ("cleared", "not_cleared", "unknown")


def joint_rights(*rights: Rights) -> Rights:
    """Join the rights of weights that learned from several sets: cleared where all of them are."""
    worst: tuple[Rights, ...] = ("not_cleared", "unknown")
    return next((one for one in worst if one in rights), "cleared")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model's card: card.json, the same in the weights' metadata, and card.md for people."""

    name: str
    version: str
    family: str
    """Key in MODELS."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the family that build the network."""
    summary: str = ""
    trained_on: str = ""
    data_rights: Rights = "unknown"
    """Whether the rights of the training pictures are cleared, also those of the model that it
    began from."""
    training: str = ""
    """Length of the training, its machine and settings."""
    command: str = ""
    """The command that trains it again."""
    figures: Mapping[str, float] = field(default_factory=dict)
    review_doubt: float = 1.0
    """Pictures whose mean doubt is above this are marked for review."""
    protocol: str = ""
    """The way in which the figures were measured."""
    limits: tuple[str, ...] = ()
    licence: str = "Apache-2.0 (weights)"

    def to_json(self) -> str:
        """Write the card as JSON, keys sorted."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False)

    def to_markdown(self, weights_sha256: str, weights_bytes: int) -> str:
        """Write the card for people."""
        rows = "\n".join(f"| {name} | {value:g} |" for name, value in self.figures.items())
        limits = "\n".join(f"- {limit}" for limit in self.limits)
        return (
            f"# {self.name} {self.version}\n\n{self.summary}\n\n"
            f"- Family: `{self.family}`, settings `{json.dumps(dict(self.config))}`\n"
            f"- Weights: {weights_bytes / 1e6:.1f} MB, SHA-256 `{weights_sha256}`\n"
            f"- Licence: {self.licence}\n\n"
            f"## Training\n\n{self.trained_on}\n\nRights of these pictures: "
            f"**{self.data_rights.replace('_', ' ')}**.\n\n{self.training}\n\n"
            f"```sh\n{self.command}\n```\n\n"
            f"## Figures\n\n{self.protocol}\n\n| figure | value |\n|---|---|\n{rows}\n\n"
            f"## Limits\n\n{limits}\n"
        )


def card_from_json(text: str, where: str) -> ModelCard:
    """Read a card from JSON.

    Raises:
        ModelReferenceError: not JSON, an unknown or missing key; `where` says in which file.
    """
    try:
        values = json.loads(text)
        known = {item.name for item in fields(ModelCard)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ModelReferenceError(f"{where}: the model card has unknown keys {unknown}")
        if values.get("data_rights", "unknown") not in RIGHTS:
            raise ModelReferenceError(f"{where}: data_rights must be one of {', '.join(RIGHTS)}")
        values["limits"] = tuple(values.get("limits", ()))
        return ModelCard(**values)
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelReferenceError(f"{where}: not a model card: {error}") from error
