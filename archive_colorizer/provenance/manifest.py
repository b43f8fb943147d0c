"""C2PA manifests: what is signed of a derivative, from its row alone.

C2PA Technical Specification 2.2: the master is an ingredient (parentOf) that is opened, and the
model's work is an edit. Two assertions are our own: `org.archive-colorizer.colorization` and
`org.archive-colorizer.luminance`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

COLORIZATION: Final = "org.archive-colorizer.colorization"
LUMINANCE: Final = "org.archive-colorizer.luminance"
LUMINANCE_COLUMNS: Final = ("luminance_relation", "luminance_mae", "luminance_p99")
"""Columns that say how the derivative's luminance relates to the master's; absent ones are left."""
_MASTER: Final = "master"
OPERATIONS: Final[Mapping[str, str]] = {
    "colour": "A machine-learning model estimated the colours.",
    "enlarged": "Machine-learning models estimated the colours and the finest detail.",
    "translated": "A machine-learning model made this picture from another one.",
}


def define_manifest(row: Mapping[str, Any]) -> dict[str, Any]:
    """Define the manifest of a derivative, as c2pa's Builder takes it.

    Args:
        row: columns of the manifest (`pipeline.output.schema`): row_id, source_sha256, mime,
            source_path, derivative_key, derivative_mime, digital_source_type, version, job_id,
            steps, recipe_json, flags, and those of LUMINANCE_COLUMNS. What is absent is left out.

    Returns:
        The definition, JSON's types alone. It names no path of a house's machines: names of files,
        not their folders.
    """
    sha256 = row.get("source_sha256") or ""
    models = [_describe_model(step) for step in row.get("steps") or ()]
    agent = {"name": "archive-colorizer", "version": row.get("version") or "unknown"}
    edited = {
        "action": "c2pa.edited",
        "softwareAgent": agent,
        "digitalSourceType": row["digital_source_type"],
        "description": OPERATIONS[_find_operation(row.get("flags") or ())],
        "parameters": {"models": models},
    }
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_MASTER]}}
    own = {
        "row_id": row["row_id"], "job_id": row.get("job_id"), "master_sha256": sha256,
        "models": models, "settings": json.loads(row.get("recipe_json") or "{}"),
        "watermark": row.get("watermark"),
    }  # fmt: skip
    said = {name: row.get(name) for name in LUMINANCE_COLUMNS}
    luminance = {name: value for name, value in said.items() if value not in (None, "")}
    return {
        "title": _name(row.get("derivative_key")) or row["row_id"],
        "format": row["derivative_mime"],
        "claim_generator_info": [agent],
        "ingredients": [
            {
                "label": _MASTER,
                "title": _name(row.get("source_path")) or "master",
                "format": row.get("mime") or "application/octet-stream",
                "relationship": "parentOf",
                "instance_id": f"urn:sha256:{sha256}",
                "description": f"The master, as it was read. SHA-256: {sha256}",
            }
        ],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [opened, edited]}},
            {"label": COLORIZATION, "data": {key: own[key] for key in own if own[key]}},
            *([{"label": LUMINANCE, "data": luminance}] if luminance else []),
        ],
    }


def _find_operation(flags: Sequence[str]) -> str:
    return next((flag for flag in ("translated", "enlarged") if flag in flags), "colour")


def _describe_model(step: Mapping[str, Any]) -> dict[str, str]:
    """Name a model: a reference of ours as it is, of a folder or file its name alone."""
    ref = step.get("model_ref") or ""
    public = ref.startswith(("builtin:", "models:/", "runs:/"))
    found = {
        "name": ref if public else _name(ref),
        "family": step.get("op") or "",
        "version": step.get("model_version") or "",
        "sha256": step.get("weights_sha256") or "",
    }
    return {key: value for key, value in found.items() if value}


def _name(path: str | None) -> str:
    return PurePosixPath((path or "").replace("\\", "/")).name
