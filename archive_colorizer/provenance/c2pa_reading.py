"""Reading a C2PA manifest: what a file's signature says, and whether it still holds.

Nothing is fetched. That a signature holds says that the file is as its signer left it, not that the
signer is who they say: no trust list is asked.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from archive_colorizer.extras import install_command, is_installed
from archive_colorizer.imaging.faults import one_line
from archive_colorizer.provenance import c2pa_library
from archive_colorizer.provenance.manifest import COLORIZATION, LUMINANCE

NONE, VALID, EXPIRED, CHANGED, INVALID, UNREAD = (
    "none", "valid", "expired", "changed", "invalid", "unread",
)  # fmt: skip
EXPIRED_CODES: Final = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
CHANGED_CODE: Final = re.compile(r"(assertion|claimSignature)\..*mismatch|assertion\.missing")
"""Codes (C2PA 2.2, 15) by which a reader says that bytes are not those signed."""
SHA256_URN: Final = "urn:sha256:"


@dataclass(frozen=True, slots=True)
class C2paReading:
    """What a file's manifest says, and how far it holds."""

    state: str
    """none; valid; expired (all holds, but the certificate's time is over); changed (the file is
    not what was signed); invalid (the manifest breaks the rules); unread."""
    reason: str = ""
    """One line; of a state that is neither none nor valid."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What the active manifest says: signer, generator, actions, master, row_id ..."""

    def to_json(self) -> dict[str, Any]:
        """Give JSON's types alone."""
        return {"state": self.state, "reason": self.reason, **self.said}


def read_c2pa(source: BinaryIO, mime: str) -> C2paReading:
    """Read the manifest of a picture.

    Args:
        source: a seekable handle.
        mime: type of the file.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_installed("c2pa"):
        return C2paReading(UNREAD, f"reading it needs c2pa: {install_command('c2pa')}")
    c2pa = c2pa_library.load()
    source.seek(0)
    try:
        with c2pa.Reader(mime, source, context=c2pa_library.offline()) as reader:
            store = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return C2paReading(NONE)
    except c2pa.C2paError.NotSupported:
        return C2paReading(UNREAD, f"no C2PA is read from {mime or 'this kind of file'}")
    except c2pa.C2paError as error:
        return C2paReading(UNREAD, one_line(error))
    manifest = (store.get("manifests") or {}).get(store.get("active_manifest"))
    if manifest is None:  # what a damaged store may lead to
        return C2paReading(INVALID, "the manifest store has no active manifest")
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    state, reason = _judge(results.get("failure") or (), str(store.get("validation_state")))
    return C2paReading(state, reason, _summarize(manifest))


def _judge(failures: Any, overall: str) -> tuple[str, str]:  # noqa: ANN401 (parsed JSON)
    codes = {failure["code"]: failure.get("explanation", "") for failure in failures}
    if not codes and overall in ("Valid", "Trusted"):
        return VALID, ""
    changed = [code for code in codes if CHANGED_CODE.fullmatch(code)]
    if changed:
        return CHANGED, f"the file is not as it was signed ({', '.join(changed)})"
    if codes and codes.keys() <= EXPIRED_CODES:
        return EXPIRED, "unchanged, but the certificate has expired since"
    said = (f"{code}: {words}" if words else code for code, words in codes.items())
    return INVALID, one_line("; ".join(said) or f"the reader calls it {overall}")


def _summarize(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Take what people ask of a manifest; anything may be absent in files of others."""
    assertions = {one.get("label"): one.get("data") for one in manifest.get("assertions") or ()}
    actions = [
        action
        for label, data in assertions.items()
        if str(label).startswith("c2pa.actions") and isinstance(data, dict)
        for action in data.get("actions") or ()
        if isinstance(action, dict)
    ]
    signed = manifest.get("signature_info") or {}
    parents = [
        one for one in manifest.get("ingredients") or () if one.get("relationship") == "parentOf"
    ]
    own = assertions.get(COLORIZATION)
    own = own if isinstance(own, dict) else {}
    sources = (action.get("digitalSourceType") for action in actions)
    instance = str(parents[0].get("instance_id") or "") if parents else ""
    found = {
        "signer": {
            name: signed[key]
            for name, key in (
                ("name", "common_name"), ("organisation", "issuer"), ("algorithm", "alg"),
                ("serial", "cert_serial_number"), ("time", "time"),
            )
            if signed.get(key)
        },
        "generator": ", ".join(
            f"{one.get('name', '')} {one.get('version', '')}".strip()
            for one in manifest.get("claim_generator_info") or ()
        ),
        "actions": [action.get("action") for action in actions],
        "digital_source_type": next(filter(None, sources), None),
        "master": {
            "title": parents[0].get("title"),
            "sha256": instance.removeprefix(SHA256_URN) if SHA256_URN in instance else None,
        } if parents else None,
        "row_id": own.get("row_id"),
        "watermark": own.get("watermark"),
        "models": own.get("models"),
        "luminance": assertions.get(LUMINANCE),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}
