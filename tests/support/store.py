"""A real object store on loopback: OpenStack Swift with its S3 interface, from PyPI alone.

Swift pins old libraries, so it lives in an environment of its own, made once and kept under the
user's cache (ARCHIVE_COLORIZER_SWIFT names another folder). Four processes, ended by their ids.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SWIFT = "swift==2.38.3"
HERE = Path(__file__).parent
KEY, SECRET = "test:tester", "testing"
READER, READER_SECRET = "test:reader", "reading"
"""Known to the store, without any right."""
BACKENDS = ("account", "container", "object")


def environment() -> Path:
    """The Python that has Swift; made where it is not there."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    given = os.environ.get("ARCHIVE_COLORIZER_SWIFT")
    folder = Path(given or f"{cache}/archive-colorizer/{SWIFT}")
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, SWIFT, "setuptools"], check=True)
        (folder / "ready").touch()
    return python


class ObjectStore:
    """The store; `start` and `stop` may be called in turn, its data stays."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_ports(4)
        self.url = f"http://127.0.0.1:{self.port}"
        self._python = str(environment())
        self._processes: list[subprocess.Popen] = []
        self._configure()

    @property
    def env(self) -> dict[str, str]:
        """What boto3 and the command line need."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def start(self) -> None:
        """Start the four servers and wait until they answer."""
        script = str(HERE / "swift_server.py")
        for name in (*BACKENDS, "proxy"):
            conf = str(self.folder / "etc" / f"{name}.conf")
            command = [self._python, "-W", "ignore", script, str(self.folder / "etc"),
                       f"{name}-server", conf]  # fmt: skip
            with (self.folder / f"{name}.log").open("ab") as log:
                self._processes.append(
                    subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                )
        deadline_s = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline_s:
                raise TimeoutError((self.folder / "proxy.log").read_text()[-2000:])
            time.sleep(0.2)

    def stop(self) -> None:
        """End them, at once."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
        for process in self._processes:
            process.wait()
        self._processes = []

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthcheck", timeout=1).close()  # noqa: S310
            for number in range(1, 4):
                socket.create_connection(("127.0.0.1", self.port + number), 1).close()
        except OSError:
            return False
        return True

    def _configure(self) -> None:
        etc = self.folder / "etc"
        for path in (etc, self.folder / "disks" / "disk"):
            path.mkdir(parents=True)
        (etc / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = tests\n"
            "[storage-policy:0]\nname = only\ndefault = yes\n"
        )
        for number, name in enumerate(BACKENDS, start=1):
            wait = "container_update_timeout = 30\n" if name == "object" else ""
            (etc / f"{name}.conf").write_text(
                f"{self._common(self.port + number)}devices = {self.folder / 'disks'}\n"
                f"mount_check = false\n[pipeline:main]\npipeline = {name}-server\n"
                f"[app:{name}-server]\n"
                f"use = egg:swift#{name}\nreplication_server = false\n{wait}"
            )
        middle = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "s3api",
                  "tempauth", "copy", "slo", "dlo", "versioned_writes")  # fmt: skip
        settings = {
            "s3api": "location = us-east-1\n",
            "tempauth": "user_test_tester = testing .admin\nuser_test_reader = reading\n",
        }
        text = (
            f"{self._common(self.port)}[pipeline:main]\n"
            f"pipeline = {' '.join(middle)} proxy-server\n[app:proxy-server]\n"
            "use = egg:swift#proxy\naccount_autocreate = true\nnode_timeout = 30\n"
        )
        for name in middle:
            text += f"[filter:{name}]\nuse = egg:swift#{name}\n{settings.get(name, '')}"
        (etc / "proxy.conf").write_text(text)
        script = str(HERE / "swift_server.py")
        subprocess.run(
            [self._python, "-W", "ignore", script, str(etc), "rings", str(self.port + 1)],
            check=True,
        )

    def _common(self, port: int) -> str:
        return (
            f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\n"
            f"swift_dir = {self.folder / 'etc'}\nlog_level = WARNING\n"
        )


def free_ports(count: int) -> int:
    """The first of some neighbouring ports that nobody has."""
    for _ in range(200):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            start = first.getsockname()[1]
        try:
            for port in range(start, start + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return int(start)
    raise OSError("no free ports")
