"""A timestamp keeps a signature valid when its certificate has expired; OpenSSL stamps."""

import io
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.provenance.c2pa_reading import read_c2pa
from archive_colorizer.provenance.certificates import read_credentials
from archive_colorizer.provenance.signing import Signer
from archive_colorizer.provenance.trial_certificates import write_test_certificate

pytest.importorskip("c2pa")
OPENSSL = shutil.which("openssl") or ""
EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
CONFIG = """[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256,sha384,sha512
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    """The URL of a timestamp authority (RFC 3161) on loopback."""
    if not OPENSSL:
        pytest.skip("there is no openssl")
    folder = tmp_path / "authority"
    folder.mkdir()
    (folder / "extensions").write_text(EXTENSIONS)
    (folder / "config").write_text(CONFIG)
    (folder / "serial").write_text("01")

    def call(words: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            [OPENSSL, *words.split()], input=given, capture_output=True, check=True, cwd=folder
        )
        return done.stdout

    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    call(f"req -x509 {new} -keyout ca.key -out ca.pem -subj /CN=TEST-root -days 2")
    call(f"req {new} -keyout tsa.key -out tsa.csr -subj /CN=TEST-authority")
    signed = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions"
    call(f"x509 -req -in tsa.csr -out tsa.pem {signed}")

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(query)
            answer = call("ts -reply -config config -queryfile query")
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_with_a_timestamp_it_stays_valid_when_the_certificate_has_expired(
    authority: str, tmp_path: Path
) -> None:
    pair = write_test_certificate(tmp_path / "keys", valid_for=timedelta(minutes=5, seconds=4))
    credentials = read_credentials(*map(str, pair))
    files = []
    for url in (authority, ""):
        file = io.BytesIO()
        Image.new("RGB", (40, 30)).save(file, "JPEG")
        row = {
            "row_id": "a" * 64, "derivative_mime": "image/jpeg",
            "digital_source_type": DIGITAL_SOURCE_TYPE,
        }  # fmt: skip
        Signer(credentials, url).sign(file, row)
        files.append(file)
    stamped, plain = files
    while read_c2pa(plain, "image/jpeg").state == "valid":
        time.sleep(0.2)
    assert read_c2pa(plain, "image/jpeg").state == "expired"
    reading = read_c2pa(stamped, "image/jpeg")
    assert reading.state == "valid"
    assert reading.said["signer"]["time"].startswith("20")
