"""Sums: what coreutils checks."""

import shutil
import subprocess
from pathlib import Path

import pytest
from exported import Archive, Export
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.exports.sums import write_line


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512"])
def test_coreutils_checks_every_derivative_and_master(
    archive: Archive, give: Export, tmp_path: Path, algorithm: str
) -> None:
    assert give("sums", algorithm=algorithm, rehash_masters=True).problems == []
    rows = archive.ok()
    places = {"derivatives": archive.out, "masters": archive.masters}
    for name, place in places.items():
        sums = tmp_path / "dest" / f"{name}.{algorithm}"
        lines = sums.read_bytes().splitlines()
        if name == "derivatives":
            assert len(lines) == 3 * len(rows)  # a marked file and an access copy each
            assert any(line.startswith(b"\\") for line in lines)
        else:
            lines = [line for line in lines if b"glass/" not in line]
            assert any(line.endswith(b"  caf\xe9.png") for line in lines)
            assert len(lines) == len(list(archive.masters.iterdir()))
        done = subprocess.run(
            [f"{algorithm}sum", "--check", "--strict", "--quiet"], cwd=place, check=False,
            input=b"\n".join(lines) + b"\n", capture_output=True,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, b""), done.stderr


def test_masters_are_taken_from_rows_where_that_can_be(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    shutil.copytree(archive.masters, tmp_path / "there")
    assert give("sums").problems == []
    lines = (tmp_path / "dest" / "masters.sha256").read_text("utf-8", "replace").splitlines()
    row = archive.ok()[0]
    assert any(line.lstrip("\\").startswith(row["source_sha256"]) for line in lines)
    told = give("sums", str(tmp_path / "md5"), algorithm="md5")
    assert told.notes == [
        "no md5 of the masters: rows have their SHA-256 (--rehash-masters reads them)"
    ]
    assert not (tmp_path / "md5" / "masters.md5").exists()


def test_a_master_that_has_changed_or_gone_is_told(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    changed, gone = archive.masters / "large.jpg", archive.masters / "a photo.jpg"
    kept = changed.read_bytes(), gone.read_bytes()
    try:
        changed.write_bytes(kept[0][:-2])
        gone.unlink()
        tally = give("sums", rehash_masters=True)
    finally:
        changed.write_bytes(kept[0])
        gone.write_bytes(kept[1])
    assert len(tally.problems) == 2
    assert [line for line in tally.problems if "large.jpg: has other bytes" in line]
    assert [line for line in tally.problems if "a%20photo.jpg: No such file" in line]
    text = (tmp_path / "dest" / "masters.sha256").read_bytes()
    assert b"large.jpg" not in text


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_a_line_is_one_line_and_says_its_name(name: bytes) -> None:
    line = write_line("0" * 64, name)
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    shown = line.removeprefix(b"\\")[66:-1]
    if line.startswith(b"\\"):
        shown = shown.decode("latin-1").encode("latin-1").decode("unicode_escape").encode("latin-1")
    assert shown == name
