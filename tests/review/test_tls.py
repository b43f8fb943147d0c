"""The desk by https, with files that a museum's administrator has."""

import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from archive_colorizer.review.app import make_desk_app
from archive_colorizer.review.config import ReviewConfig
from archive_colorizer.review.run import make_entrance
from archive_colorizer.web.serve import listen, make_server


def write_certificate(folder: Path) -> tuple[str, str]:
    """A certificate of this machine that it signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1).not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1)).add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_by_https_the_cookie_stays_there(open_desk: Callable[..., Any], tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    (tmp_path / "token").write_text("a-token-that-is-long-enough\n")
    config = ReviewConfig(
        host="127.0.0.1", port=0, tls_cert=cert, tls_key=key, token_file=str(tmp_path / "token"),
        reviewer="kim", audit_log=str(tmp_path / "log.jsonl"),
    )  # fmt: skip
    listener = listen(config.host, 0, cert, key)
    entrance = make_entrance(config, listener)
    started = threading.Event()
    server = make_server(make_desk_app(open_desk().desk, entrance), listener, started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.sock]})
    thread.start()
    try:
        assert started.wait(20)
        trusted = ssl.create_default_context(cafile=cert)
        url = f"https://localhost:{listener.port}"
        assert listener.url.startswith("https://")
        with httpx.Client(base_url=url, verify=trusted, trust_env=False) as stranger:
            said = {"token": "a-token-that-is-long-enough"}
            cookie = stranger.post("/api/login", json=said).headers["set-cookie"]
            assert cookie.startswith("__Host-")
            assert "; Secure" in cookie
            assert stranger.get("/api/session").json()["reviewer"] == "kim"
    finally:
        server.should_exit = True
        thread.join()
        listener.sock.close()
        entrance.audit.close()
