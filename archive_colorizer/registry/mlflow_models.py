"""Registry: the versions of models, which of them is champion, and every decision about that.

MLflow's registered models, versions, aliases and tags; nothing else is kept. `champion` and
`challenger` are aliases; a decision is a tag of its version.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.registry import servable
from archive_colorizer.registry.connection import (
    connect,
    default_uri,
    find_experiment,
    translate_errors,
)
from archive_colorizer.registry.fetch import FOLDER, RUN, SHA256_TAG, find_version
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.registry.versions import (
    DECISION,
    JOB,
    Decision,
    Version,
    current_user,
    now_text,
    read_version,
)
from archive_colorizer.weights.reference import ResolvedModel

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
EXPERIMENT: Final = "archive-colorizer-models"
HISTORY: Final = "champions"
"""Tag of a registered model: versions that were champion, the present one last."""
MAX_DESCRIPTION: Final = 5000
BESIDE: Final = ("card.json", "card.md", "train.toml")


class Registry:
    """The models of one MLflow store.

    Raises:
        LocationError: from every method: the store cannot be reached.
    """

    def __init__(self, uri: str = "") -> None:
        self.uri = uri or default_uri()
        self._client = connect(self.uri)

    def register(self, ref: str, name: str) -> Version:
        """Make a model the newest version under a name, and the challenger.

        Args:
            ref: any model reference; `runs:/ID` is registered where it lies.
            name: the registered model.

        Raises:
            ModelReferenceError: the reference names no model.
            ConfigError: a name that MLflow does not take.
        """
        if not name or set(name) & set("/:@") or name.strip() != name:
            raise ConfigError(f"{name!r}: a model's name has no / : @ and no blanks at its ends")
        model = resolve(ref)
        run = RUN.fullmatch(ref)
        with translate_errors(self.uri):
            run_id = run[1] if run else self._upload(model, name)
            folder = (run[2] or FOLDER) if run else FOLDER
            if not self._client.search_registered_models(f"name = '{_quote(name)}'"):
                self._client.create_registered_model(name)
            card = model.card.to_markdown(model.weights_sha256, Path(model.path).stat().st_size)
            tags = {
                SHA256_TAG: model.weights_sha256, "family": model.card.family, "folder": folder,
                "card_version": model.card.version, "data_rights": model.card.data_rights,
            }  # fmt: skip
            made = self._client.create_model_version(
                name, f"runs:/{run_id}/{folder}", run_id, tags=tags, description=_shorten(card)
            )
            self._client.set_registered_model_alias(name, CHALLENGER, made.version)
        return self.find_version(f"models:/{name}/{made.version}")

    def _upload(self, model: ResolvedModel, name: str) -> str:
        """Make a run that holds the weights and the card; give its id."""
        number = find_experiment(self._client, self.uri, EXPERIMENT)
        run_id = str(self._client.create_run(number, run_name=name).info.run_id)
        weights = Path(model.path)
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "card.json").write_text(model.card.to_json(), encoding="utf-8")
            size = weights.stat().st_size
            text = model.card.to_markdown(model.weights_sha256, size)
            (Path(scratch) / "card.md").write_text(text, encoding="utf-8")
            for beside in (weights.with_name(one) for one in BESIDE):
                if beside.is_file():
                    shutil.copy(beside, scratch)
            servable.describe(Path(scratch), model.card)
            for path in (weights, *sorted(Path(scratch).iterdir())):
                self._client.log_artifact(run_id, str(path), FOLDER)
        for key, value in model.card.figures.items():
            self._client.log_metric(run_id, _make_metric_name(key), value)
        self._client.set_terminated(run_id)
        return run_id

    def find_version(self, ref: str) -> Version:
        """Find the version that `models:/NAME@ALIAS` or `models:/NAME/N` names.

        Raises:
            ModelReferenceError: there is none.
        """
        return read_version(find_version(self._client, self.uri, ref))

    def find_alias(self, name: str, alias: str) -> Version | None:
        """Find the version that has an alias; None where none has."""
        try:
            return self.find_version(f"models:/{name}@{alias}")
        except ModelReferenceError:
            return None

    def list_versions(self, name: str = "") -> list[Version]:
        """List all versions, of one name or of all, the newest first."""
        query = f"name = '{_quote(name)}'" if name else ""
        with translate_errors(self.uri):
            names = [m.name for m in self._client.search_registered_models(query)]
            found = [
                self._client.get_model_version(one, v.version)  # a search has no aliases
                for one in names
                for v in self._client.search_model_versions(f"name = '{_quote(one)}'")
            ]
        return [read_version(v) for v in sorted(found, key=lambda v: (v.name, -int(v.version)))]

    def decide(self, version: Version, decision: Decision) -> None:
        """Write a decision down; a promotion or a way back moves the alias too."""
        name = version.name
        with translate_errors(self.uri):
            key = f"{DECISION}{decision.at}"
            text = json.dumps(asdict(decision), sort_keys=True, ensure_ascii=False)
            self._client.set_model_version_tag(name, version.number, key, text)
            if decision.kind == "refused":
                return
            champions = self.list_champions(name)
            if decision.kind == "promoted":
                champions = [*champions, version.number]
            else:
                champions = champions[:-1]
            self._client.set_registered_model_alias(name, CHAMPION, version.number)
            self._client.set_registered_model_tag(name, HISTORY, json.dumps(champions))
            challenger = self.find_alias(name, CHALLENGER)
            if challenger and challenger.number == version.number:
                self._client.delete_registered_model_alias(name, CHALLENGER)

    def list_champions(self, name: str) -> list[str]:
        """List the versions that were champion and were not rolled back, the present one last."""
        with translate_errors(self.uri):
            tags = self._client.get_registered_model(name).tags
        return [str(number) for number in json.loads(tags.get(HISTORY, "[]"))]

    def roll_back(self, name: str) -> tuple[Version, Decision]:
        """Make the champion before this one champion again.

        Raises:
            ConfigError: there was none.
            ModelReferenceError: no such model.
        """
        now = self.find_version(f"models:/{name}@{CHAMPION}")
        before = self.list_champions(name)[:-1]
        if not before:
            raise ConfigError(f"{name}: version {now.number} is the first champion: no way back")
        earlier = self.find_version(f"models:/{name}/{before[-1]}")
        decision = Decision(kind="rolled back", by=current_user(), at=now_text(), over=now.number)
        self.decide(earlier, decision)
        return earlier, decision

    def note_job(self, ref: str, job_id: str, what: Mapping[str, Any]) -> None:
        """Write down with a version that a job used it."""
        version = self.find_version(ref)
        text = json.dumps(dict(what), sort_keys=True, ensure_ascii=False)
        with translate_errors(self.uri):
            self._client.set_model_version_tag(version.name, version.number, f"{JOB}{job_id}", text)


def _make_metric_name(key: str) -> str:
    """Keep of a figure's name what MLflow allows: a card may say `PSNR over grey, dB`."""
    return re.sub(r"[^\w\-. ]+", "", key).strip(". ")[:250] or "figure"


def _shorten(text: str) -> str:
    """As much of a text as a description holds."""
    return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 1]}…"


def _quote(name: str) -> str:
    return name.replace("'", "\\'")
