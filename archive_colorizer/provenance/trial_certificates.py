"""Certificates for trying: a chain that is named TEST and that no reader trusts.

It fulfils the certificate profile of C2PA (Technical Specification 2.2, 14.5.1), so that readers
find nothing wrong but that nobody vouches for it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from archive_colorizer.errors import LocationError
from archive_colorizer.extras import require

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    Key = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

Algorithm = Literal["es256", "ps256", "ed25519"]
CERTIFICATE, KEY, ROOT = "TEST-certificate.pem", "TEST-key.pem", "TEST-root.pem"
DAYS: Final = 365
ORGANISATION: Final = "TEST, archive-colorizer: not for publication"


def write_test_certificate(
    folder: Path,
    algorithm: Algorithm = "es256",
    *,
    valid_from: datetime | None = None,
    valid_for: timedelta = timedelta(days=DAYS),
) -> tuple[Path, Path]:
    """Make a root, and a signer's certificate below it; the root's key is thrown away.

    Args:
        folder: is made where it is not there.
        algorithm: of both keys.
        valid_from: start of validity, UTC; None is now.
        valid_for: length of validity.

    Returns:
        Paths of the chain and of the signer's key, which its owner alone may read.

    Raises:
        ConfigError: the extra `c2pa` is not installed.
        LocationError: the folder cannot be written, or has such files already.
    """
    require("c2pa", "a test certificate")
    from cryptography.hazmat.primitives import serialization

    start = valid_from or datetime.now(UTC) - timedelta(minutes=5)  # clocks differ a little
    dates = (start, start + valid_for)
    root_key, key = _make_key(algorithm), _make_key(algorithm)
    root = _make_certificate("TEST root", root_key, dates)
    signer = _make_certificate("TEST signer", key, dates, issuer=(root, root_key))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = {
        ROOT: (root.public_bytes(pem), 0o644),
        CERTIFICATE: (signer.public_bytes(pem) + root.public_bytes(pem), 0o644),
        KEY: (private, 0o600),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (data, mode) in files.items():
            path = folder / name
            path.touch(mode, exist_ok=False)  # never readable by others, not even for a moment
            path.write_bytes(data)
    except OSError as error:
        reason = error.strerror or error
        raise LocationError(f"{error.filename}: cannot be written: {reason}") from error
    return folder / CERTIFICATE, folder / KEY


def _make_key(algorithm: Algorithm) -> "Key":
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ps256":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _make_certificate(
    name: str,
    key: "Key",
    dates: tuple[datetime, datetime],
    issuer: "tuple[Certificate, Key] | None" = None,
) -> "Certificate":
    """Make a certificate; without an issuer (certificate and key) a root that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    above, above_key = issuer or (None, key)
    unused = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    usage = x509.KeyUsage(
        digital_signature=above is not None, key_cert_sign=above is None, crl_sign=above is None,
        **unused,
    )  # fmt: skip
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=above is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(subject_id, critical=False)
    )
    if above is not None:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key.public_key())
        builder = builder.add_extension(purposes, critical=False).add_extension(
            authority, critical=False
        )
    digest = None if isinstance(above_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(above_key, digest)
