"""A model's card: its family and settings, on what it was trained, and what may be done with it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal

import yaml

from archive_colorizer.errors import ModelReferenceError

Rights = Literal["cleared", "not_cleared", "unknown"]
RIGHTS: Final = ("cleared", "not_cleared", "unknown")
NOT_STATED: Final = "not stated"
SPDX: Final = ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "bsd-3-clause")
"""Licences that model hubs know by these identifiers (SPDX, lower case)."""


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
    licence: str = NOT_STATED
    """Of the weights, as their maker states it."""

    def to_json(self) -> str:
        """Write the card as JSON, keys sorted."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False)

    def to_markdown(self, weights_sha256: str, weights_bytes: int) -> str:
        """Write the card for people, under the front matter that model hubs read."""
        rows = "\n".join(f"| {name} | {value:g} |" for name, value in self.figures.items())
        limits = "\n".join(f"- {limit}" for limit in self.limits)
        return (
            f"{self.front_matter()}# {self.name} {self.version}\n\n{self.summary}\n\n"
            f"- Family: `{self.family}`, settings `{json.dumps(dict(self.config))}`\n"
            f"- Weights: {weights_bytes / 1e6:.1f} MB, SHA-256 `{weights_sha256}`\n"
            f"- Licence: {self.licence}\n\n"
            f"## Training\n\n{self.trained_on}\n\nRights of these pictures: "
            f"**{self.data_rights.replace('_', ' ')}**.\n\n{self.training}\n\n"
            f"```sh\n{self.command}\n```\n\n"
            f"## Figures\n\n{self.protocol}\n\n| figure | value |\n|---|---|\n{rows}\n\n"
            f"## Limits\n\n{limits}\n"
        )

    def front_matter(self) -> str:
        """Write the YAML at the head of a card, in the keys of model hubs' model cards."""
        known = self.licence.split(" ")[0].lower()
        licence = {"license": known} if known in SPDX else {
            "license": "other", "license_name": self.licence,
        }  # fmt: skip
        values: dict[str, Any] = licence | {
            "library_name": "archive-colorizer",
            "pipeline_tag": "image-to-image",
            "tags": ["colorization", self.family, f"data-rights-{self.data_rights}"],
            "model-index": [
                {
                    "name": f"{self.name} {self.version}",
                    "results": [
                        {
                            "task": {"type": "image-to-image"},
                            "dataset": {"name": "as the protocol below says", "type": "held-out"},
                            "metrics": [
                                {"type": name, "value": value}
                                for name, value in self.figures.items()
                            ],
                        }
                    ],
                }
            ],
        }
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
        return f"---\n{text}---\n\n"


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
