"""BagIt: bags that the Library of Congress's own library takes as valid, with PREMIS inside."""

import subprocess
import sys
from pathlib import Path

import bagit
import pytest
from exported import Archive, Export, files_in
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.exports.bag import safe_key


@pytest.mark.parametrize("with_masters", [False, True])
def test_a_bag_is_valid_and_counts_what_it_holds(
    archive: Archive, give: Export, tmp_path: Path, with_masters: bool
) -> None:
    assert give("bagit", with_masters=with_masters).problems == []
    bag = bagit.Bag(str(tmp_path / "dest"))
    bag.validate()
    rows = archive.ok()
    masters = {row["source_uri"] for row in rows} if with_masters else set()
    payload = [name for name in files_in(tmp_path / "dest") if name.startswith("data/")]
    assert len(payload) == 2 * len(rows) + len(masters)
    size = sum((tmp_path / "dest" / name).stat().st_size for name in payload)
    assert bag.info["Payload-Oxum"] == f"{size}.{len(payload)}"
    assert bag.info["Pictures"] == str(len(rows))
    derivatives = {row["derivative_sha256"] for row in rows}
    assert derivatives <= {sums["sha256"] for sums in bag.payload_entries().values()}


def test_its_own_command_validates_it_and_sees_a_changed_byte(give: Export, tmp_path: Path) -> None:
    give("bagit")
    words = [sys.executable, bagit.__file__, "--validate", "--quiet", str(tmp_path / "dest")]
    assert subprocess.run(words, check=False).returncode == 0
    first = next((tmp_path / "dest" / "data" / "derivatives").iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    assert subprocess.run(words, check=False, capture_output=True).returncode == 1


def test_masters_keep_their_bytes_and_names_that_every_validator_reads(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("bagit", with_masters=True)
    folder = tmp_path / "dest" / "data" / "masters"
    assert (folder / "100=25.jpg").read_bytes() == (archive.masters / "100%.jpg").read_bytes()
    assert (folder / "caf=25E9.png").exists()
    assert (folder / "new=0Aline.jpg").exists()
    assert (folder / "album.tif").read_bytes() == (archive.masters / "album.tif").read_bytes()


def test_a_name_that_grows_too_long_is_shortened() -> None:
    one, other = (safe_key(f"a/{'%' * 200}{end}.colorized.jpg") for end in "xy")
    assert one != other
    assert max(len(part.encode()) for part in one.split("/")) <= 255
    assert one.endswith(".jpg")


@given(st.text(max_size=20), st.text(max_size=20))
def test_payload_names_are_plain_and_differ_where_keys_do(one: str, other: str) -> None:
    assert not set(safe_key(one)) & set("%\r\n")
    assert (safe_key(one) == safe_key(other)) == (one == other)
