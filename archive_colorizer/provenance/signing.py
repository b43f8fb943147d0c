"""Signing: a C2PA manifest put into a finished file, as the last thing that is done to it.

JPEG, PNG and TIFF hold it themselves. The library writes the file anew around the pixels, which
stay as they are.
"""

import hashlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from PIL import Image

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.faults import one_line
from archive_colorizer.imaging.xmp import DIGITAL_SOURCE_TYPE
from archive_colorizer.provenance import c2pa_library
from archive_colorizer.provenance.c2pa_reading import VALID, read_c2pa
from archive_colorizer.provenance.certificates import Credentials, read_credentials
from archive_colorizer.provenance.manifest import define_manifest

IN_MEMORY_BYTES: Final = 16 << 20
"""Larger files are signed by way of a temporary file."""

MANIFEST_MARK: Final = b"jumdc2pa"
"""In every file that holds a manifest: the description box of its store (C2PA 2.2, 11.1)."""


class SigningFault(Exception):  # noqa: N818 (a fault of one signature)
    """A file could not be signed; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as the row has it."""

    c2pa_sha256: str
    """SHA-256 of the manifest store (JUMBF) in the file, hex."""
    c2pa_certificate_sha256: str
    """SHA-256 of the signer's certificate, hex."""


class Signer:
    """Signs files with one certificate. Made on the machine that signs: it does not travel."""

    def __init__(self, credentials: Credentials, timestamp: str = "") -> None:
        """Make ready to sign.

        Args:
            credentials: the certificate and its key.
            timestamp: URL of a timestamp authority (RFC 3161); empty asks none.

        Raises:
            SigningFault: the library refuses the certificate or the key.
        """
        self.credentials = credentials
        c2pa = c2pa_library.load()
        try:
            self._signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(
                    alg=credentials.algorithm.encode(),
                    sign_cert=credentials.chain,
                    private_key=credentials.key,
                    ta_url=timestamp.encode() or None,
                )
            )
        except c2pa.C2paError as error:
            raise SigningFault(one_line(error)) from error

    def sign(
        self, sink: BinaryIO, row: Mapping[str, Any], master: bytes | None = None
    ) -> Signature:
        """Sign a finished file in place.

        Args:
            sink: the file, open for reading and writing, seekable.
            row: what is signed of it (`manifest.define_manifest`).
            master: the master's file, where it is at hand: a manifest that it has is kept in ours.

        Raises:
            SigningFault: it cannot be signed; the file is as it was.
            OSError: the signed file cannot be written; `sink` is then not to be used.
        """
        c2pa = c2pa_library.load()
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as held:
            signed = cast(BinaryIO, held)
            sink.flush()
            sink.seek(0)
            try:
                store = _build(define_manifest(row), master).sign(
                    self._signer, row["derivative_mime"], sink, signed
                )
            except c2pa.C2paError as error:
                raise SigningFault(one_line(error)) from error
            signed.seek(0)
            sink.seek(0)
            sink.truncate()
            shutil.copyfileobj(signed, sink, 1 << 20)
        sink.flush()
        return Signature(hashlib.sha256(store).hexdigest(), self.credentials.fingerprint)


def _build(definition: dict[str, Any], master: bytes | None) -> Any:  # noqa: ANN401 (c2pa's)
    """Make a Builder; the master's own manifest goes in with the ingredient, if it can be read."""
    c2pa, context = c2pa_library.load(), c2pa_library.offline()
    if master is not None and MANIFEST_MARK in master:
        (ingredient,) = definition["ingredients"]
        builder = c2pa.Builder({**definition, "ingredients": []}, context=context)
        try:
            builder.add_ingredient(ingredient, ingredient["format"], io.BytesIO(master))
        except c2pa.C2paError:  # a broken manifest: the master is named all the same
            builder.close()
        else:
            return builder
    return c2pa.Builder(definition, context=context)


def open_signer(certificate: str, key: str, timestamp: str = "", fingerprint: str = "") -> Signer:
    """Read a certificate and its key, and see that what they sign is valid.

    A small picture is signed and read back: so whatever a reader would say of the certificate is
    said before anything is coloured. The timestamp authority is not asked.

    Args:
        certificate: PEM file of the chain.
        key: PEM file.
        timestamp: URL of a timestamp authority; empty for none.
        fingerprint: SHA-256 that the certificate must have, hex; empty takes any.

    Raises:
        ConfigError: as `read_credentials`; also a certificate that C2PA does not allow, or that is
            another on this machine than where the job was begun.
    """
    credentials = read_credentials(certificate, key)
    if fingerprint and credentials.fingerprint != fingerprint:
        raise ConfigError(f"{certificate}: is another certificate here than where the job began")
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "PNG")
    row = {
        "row_id": "trial", "derivative_mime": "image/png",
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }  # fmt: skip
    try:
        Signer(credentials).sign(file, row)
        signer = Signer(credentials, timestamp)
    except SigningFault as fault:
        raise ConfigError(f"{certificate}: C2PA does not sign with it: {fault}") from fault
    reading = read_c2pa(file, "image/png")
    if reading.state != VALID:
        raise ConfigError(f"{certificate}: what it signs is not valid: {reading.reason}")
    return signer
