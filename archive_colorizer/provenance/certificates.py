"""Certificates that sign derivatives, and their keys: read and checked.

PEM files: the signer's certificate first, then those that lead to its root (C2PA Technical
Specification 2.2, 14.5). The algorithm follows from the certificate's key.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from archive_colorizer.errors import ConfigError
from archive_colorizer.extras import require

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificatePublicKeyTypes,
        PrivateKeyTypes,
    )
    from cryptography.x509 import Certificate

PASSWORD: Final = "ARCHIVE_COLORIZER_C2PA_PASSWORD"  # noqa: S105 (a variable's name)
"""Environment variable with the key's password; it is read where the key is."""
NEEDS: Final = "signing (--c2pa)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its key, fit to sign with. Never pickled, never written anywhere."""

    algorithm: str
    """C2PA's name: es256, es384, es512, ps256 or ed25519."""
    chain: bytes
    """PEM."""
    key: bytes = field(repr=False)
    """PEM, PKCS #8, not encrypted."""
    fingerprint: str
    """SHA-256 of the signer's certificate, hex."""

    def __reduce__(self) -> NoReturn:
        """Refuse to travel: a key must not end up in a job's description.

        Raises:
            TypeError: always.
        """
        raise TypeError("credentials do not travel: each machine reads its own files")


def read_credentials(certificate: str, key: str) -> Credentials:
    """Read a certificate chain and its key.

    Args:
        certificate: PEM file.
        key: PEM file; where it is encrypted, PASSWORD has its password.

    Raises:
        ConfigError: the extra `c2pa` is not installed, a file is missing or no PEM, the password is
            wrong, the key is another's or of a kind that C2PA does not know, or the certificate is
            not valid today. One line each; no line holds anything of the key.
    """
    require("c2pa", NEEDS)
    from cryptography.hazmat.primitives import serialization

    chain = _read_chain(certificate)
    private, public = _read_key(key), chain[0].public_key()
    spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*spki) != public.public_bytes(*spki):
        raise ConfigError(f"{key}: is not the key of {certificate}")
    _check_dates(chain[0], certificate)
    return Credentials(
        algorithm=_find_algorithm(public, certificate),
        chain=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
        key=private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        fingerprint=_digest(chain[0]),
    )


def find_fingerprint(certificate: str) -> str:
    """Compute the SHA-256, hex, of the first certificate of a PEM file.

    Raises:
        ConfigError: as `read_credentials`.
    """
    require("c2pa", NEEDS)
    return _digest(_read_chain(certificate)[0])


def _digest(certificate: "Certificate") -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def _read_chain(name: str) -> "list[Certificate]":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(_read(name))
    except ValueError as error:
        raise ConfigError(f"{name}: holds no certificate in PEM") from error


def _read_key(name: str) -> "PrivateKeyTypes":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data, password = _read(name), os.environ.get(PASSWORD) or None
    locked = b"ENCRYPTED" in data
    if locked and not password:
        raise ConfigError(f"{name}: is encrypted: set {PASSWORD} to its password")
    try:
        return load_pem_private_key(data, password.encode() if locked and password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Nothing of the library's words, nor of the error itself: they are about the key.
        reason = f"{PASSWORD} is not its password" if locked else "holds no private key in PEM"
        raise ConfigError(f"{name}: {reason}") from None


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from error


def _find_algorithm(public: "CertificatePublicKeyTypes", name: str) -> str:
    """Find C2PA's name of the algorithm that a public key asks for (2.2, 13.2.1)."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048:
        return "ps256"
    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in curves:
        return curves[public.curve.name]
    raise ConfigError(
        f"{name}: its key is of a kind that C2PA does not sign with: P-256, P-384, P-521, Ed25519, "
        "or RSA of 2,048 bits or more"
    )


def _check_dates(certificate: "Certificate", name: str) -> None:
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        day = certificate.not_valid_after_utc.date()
        raise ConfigError(f"{name}: has expired on {day}: nothing is signed with it")
    if now < certificate.not_valid_before_utc:
        day = certificate.not_valid_before_utc.date()
        raise ConfigError(f"{name}: is not valid before {day}")
