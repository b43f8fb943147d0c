"""The exclude list and the fixity list in all their forms, and what is wrong with them."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import RunConfig
from archive_colorizer.pipeline.inputs.exclude_and_fixity import (
    Sum,
    read_exclude_list,
    read_fixity,
)
from archive_colorizer.pipeline.records import Opened, Outcome, PhotoRef
from archive_colorizer.pipeline.steps.read import Read
from archive_colorizer.storage.location import uri_of_path

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
NAMES = (
    b"plain.jpg",
    b"two  words .jpg",
    b" blank first.jpg",
    b"*star.jpg",
    b"#7 #8.jpg",
    b"back\\slash\\n.jpg",
    b"line\nfeed.jpg",
    b"return\r.jpg",
    b"Stra\xc3\x9fe.jpg",
    b"Stra\xdfe.jpg",
    b"(a) = b.jpg",
    b"100%25.jpg",
)
SUM = "0123456789abcdef" * 4


def digest(algorithm: str, data: bytes = b"x") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def found(sums: list[Sum] | tuple[Sum, ...]) -> dict[str, str]:
    return {one.names[0]: one.digest for one in sums}


def written(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_what_an_editor_shows(tmp_path: Path, encoding: str, end: str) -> None:
    lines = ["one.jpg", "", "  # why", "  two words.jpg  ", "#7.jpg", "ü #8.jpg  # sensitive"]
    path = written(tmp_path, "list.txt", end.join(lines).encode(encoding))
    read = read_exclude_list(path)
    assert [line.names[0] for line in read] == [lines[0], *lines[2:]]
    assert [line.where.rpartition(" ")[2] for line in read] == ["1", "3", "4", "5", "6"]
    assert [line.may_be_comment for line in read] == [False, True, False, True, False]
    assert read[-1].names == ("ü #8.jpg  # sensitive", "ü #8.jpg", "ü")


def test_an_empty_exclude_list_excludes_nothing(tmp_path: Path) -> None:
    for text in ("", "\n\n", "  \r\n"):
        assert read_exclude_list(written(tmp_path, "list.txt", text)) == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("flags", [(), ("--binary",), ("--tag",)])
def test_what_the_tools_write_is_read(
    tmp_path: Path, algorithm: str, flags: tuple[str, ...]
) -> None:
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    told = subprocess.run(
        [f"{algorithm}sum", *flags, "--", *NAMES], cwd=tmp_path, capture_output=True, check=True
    )
    want = {os.fsdecode(name): digest(algorithm) for name in NAMES}
    path = written(tmp_path, "sums", told.stdout)
    assert found(read_fixity(path)) == want
    dos = told.stdout.replace(b"\n", b"\r\n")
    assert found(read_fixity(written(tmp_path, "sums", b"\xef\xbb\xbf" + dos))) == want


@pytest.mark.parametrize(
    "line",
    [
        "{hex} a b.jpg",
        "{hex}\ta b.jpg",
        "{hex}      a b.jpg",
        "{HEX} *a b.jpg",
        "{ALG}(a b.jpg)= {hex}",
        "{ALG2}(a b.jpg)= {hex}",
        "{ALG} (a b.jpg) = {HEX}",
        "; made\n# by\n\n{hex}  a b.jpg\n\n",
    ],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_forms_of_other_tools(tmp_path: Path, algorithm: str, line: str) -> None:
    value = digest(algorithm).partition(":")[2]
    name = algorithm.upper()
    new = name.replace("SHA", "SHA2-") if len(name) == 6 else name  # openssl 3
    text = line.format(hex=value, HEX=value.upper(), ALG=name, ALG2=new)
    (one,) = read_fixity(written(tmp_path, "sums.txt", text))
    assert (one.names[0].strip(), one.digest) == ("a b.jpg", digest(algorithm))


def test_powershell_is_read(tmp_path: Path) -> None:
    text = f"{SUM}  Straße.jpg\r\n"
    assert found(read_fixity(written(tmp_path, "s.txt", text.encode("utf-16")))) == {
        "Straße.jpg": f"sha256:{SUM}"
    }
    export = '#TYPE Microsoft\r\n"Algorithm","Hash","Path"\r\n"SHA256","{}","C:\\a, b.jpg"\r\n'
    path = written(tmp_path, "s.csv", export.format(SUM.upper()).encode("utf-16"))
    assert found(read_fixity(path)) == {"C:\\a, b.jpg": f"sha256:{SUM}"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bagit_manifest_has_its_own_escapes(tmp_path: Path, algorithm: str) -> None:
    value = digest(algorithm).partition(":")[2]
    lines = (
        f"{value}  data/a.jpg\n{value} data/b%0Ac%0d%2520.jpg\n{value}\t \tdata/d.jpg\n"
        f"{value}   data/back\\slash.jpg\n{value}  data/100%.jpg\n"
    )
    names = [
        one.names for one in read_fixity(written(tmp_path, f"manifest-{algorithm}.txt", lines))
    ]
    assert [name[0].strip() for name in names] == [
        "data/a.jpg", "data/b\nc\r%20.jpg", "data/d.jpg", "data/back\\slash.jpg", "data/100%.jpg",
    ]  # fmt: skip
    assert names[1][1] == "data/b%0Ac%0d%2520.jpg"  # before 1.0 not all was escaped


@pytest.mark.parametrize("column", ["uri", "path", "Path"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_needs_a_name_and_a_sum(tmp_path: Path, column: str, delimiter: str) -> None:
    rows = [["SHA-256", "size", column], [SUM.upper(), "3", '"a,\nb;\t.jpg"'], ["", "4", "c.jpg"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    assert found(read_fixity(written(tmp_path, "sums.CSV", text))) == {
        "a,\nb;\t.jpg": f"sha256:{SUM}"
    }


def test_of_several_sums_of_a_row_the_strongest_counts(tmp_path: Path) -> None:
    value = {one: digest(one).partition(":")[2] for one in ALGORITHMS}
    text = "path,md5,sha512,sha1,sha256\n" + "\n".join(
        f"{','.join([name, *(value[one] if one in given else '' for one in order)])}"
        for order in [("md5", "sha512", "sha1", "sha256")]
        for name, given in {
            "a": ("md5",),
            "b": ("md5", "sha1"),
            "c": ("sha1", "sha256"),
            "d": ALGORITHMS,
        }.items()
    )
    assert found(read_fixity(written(tmp_path, "s.csv", text))) == {
        "a": digest("md5"), "b": digest("sha1"), "c": digest("sha256"), "d": digest("sha512"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sums", f"{SUM}  a.jpg\n{SUM}a.jpg\n", "sums: line 2: not"),
        ("sums", f"{SUM[1:]}  a.jpg\n", "line 1: not"),
        ("sums", f"{SUM}  \n", "line 1: not"),
        ("sums", f"{SUM}  a.jpg\n\n# b\nMD5 (a) = 3\n", r"line 4: not .*MD5"),
        ("sums", f"BLAKE2b (a.jpg) = {SUM}{SUM}", r"line 1: not .*BLAKE2b"),
        ("sums", f"SHA3-256 (a.jpg) = {SUM}", r"line 1: not .*SHA3"),
        ("sums", f"SHA1 (a.jpg) = {SUM}", r"line 1: not .*SHA1"),
        ("sums", f"{SUM[:56]}  a.jpg", "line 1: not"),
        ("sums", "a\0b\n", "line 1: not"),
        ("manifest-md5.txt", f"{SUM}  data/a.jpg", "line 1: is no checksum of md5"),
        ("manifest-blake2b512.txt", f"{SUM}{SUM}  data/a.jpg", "blake2b512 is no algorithm"),
        ("sums.csv", f"uri,sha256\na.jpg,{SUM}\nb.jpg,xyz\n", "row 3: 'xyz' is not a SHA-256"),
        ("sums.csv", f"uri,md5\na.jpg,{SUM}\n", r"row 2: .* is not a MD5 \(32 hex digits\)"),
        ("sums.csv", f"uri,sha256\na.jpg,{SUM},7\n", "row 2: has 3 cells, the header has 2"),
        ("sums.csv", f'uri,sha256\n"a.jpg,{SUM}\n', "row 2: has a quote that is not closed"),
        ("sums.csv", f"name,sha256\na.jpg,{SUM}\n", "needs the columns uri"),
        ("sums.csv", "uri\na.jpg\n", "needs the columns uri"),
        ("sums.csv", "", "needs the columns uri"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_fixity(written(tmp_path, name, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["sums.txt", "sums.csv"])
def test_a_list_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    for read in (read_exclude_list, read_fixity):
        for path in (tmp_path / name, tmp_path, tmp_path / "x\nx" / name):
            with pytest.raises(ConfigError, match="cannot read the list") as caught:
                read(str(path))
            assert str(caught.value).startswith(str(path))
        with pytest.raises(ConfigError, match="gs:// is not supported"):
            read(f"gs://bucket/{name}")
        broken = written(tmp_path, "odd.csv", "ab".encode("utf-16") + b"\0")
        with pytest.raises(ConfigError):
            read(broken)


def test_a_list_may_lie_at_a_uri(tmp_path: Path) -> None:
    uri = uri_of_path(written(tmp_path, "a b.txt", f"{SUM}  a.jpg"))
    assert found(read_fixity(uri)) == {"a.jpg": f"sha256:{SUM}"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("inline_mib", [32, 0.001])
def test_a_master_is_compared_by_the_algorithm_that_is_given(
    masters: Path, algorithm: str, inline_mib: float
) -> None:
    path = masters / "two.png"
    ref = PhotoRef(
        row_id="r",
        source_uri=uri_of_path(path),
        source_path_raw=os.fsencode(path),
        output_key="two.jpg",
        size_bytes=path.stat().st_size,
        expected_digest=digest(algorithm, path.read_bytes()),
    )
    step = Read(RunConfig(inline_mib=inline_mib))
    (good,) = step([ref])
    assert isinstance(good, Opened)
    assert good.facts.fixity == "match"
    assert good.facts.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + b"\0")
    (bad,) = step([ref])
    assert isinstance(bad, Outcome)
    assert (bad.error_class, bad.facts and bad.facts.fixity) == ("fixity_mismatch", "mismatch")
    name = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}[algorithm]
    assert f"{name} is " in bad.error_message
