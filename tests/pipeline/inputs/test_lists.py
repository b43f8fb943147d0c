"""Lists that meet a listing: what they name, and what they leave unmatched."""

import hashlib
import os
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.listing import add_relative, list_source
from archive_colorizer.pipeline.inputs.lists import (
    add_fixity,
    add_hints,
    check_matched,
    mark_excluded,
    mark_sensitive,
)
from archive_colorizer.pipeline.run import colorize

NAMES = ("a.jpg", "box/1.jpg", "box/2.jpg", "#7.jpg", "x #8.jpg", "x", "Straße ü.jpg")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "arch" / "in"
    for name in NAMES:
        path = root / (name if "." in name else f"{name}.tif")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def table_of(folder: Path) -> pa.Table:
    return add_relative(list_source(str(folder)).table)


def written(path: Path, *lines: str) -> str:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
    return str(path)


def excluded(folder: Path, *lines: str, at: Path | None = None) -> tuple[set[str], list[str]]:
    table = table_of(folder)
    mask, unmatched = mark_excluded(
        table, written(at or folder.parent.parent / "exclude.txt", *lines)
    )
    return set(table.filter(mask)["relative"].to_pylist()), list(unmatched)


def digests(folder: Path, path: str) -> tuple[dict[str, str], list[str]]:
    table, unmatched = add_fixity(table_of(folder), path)
    values = zip(table["relative"].to_pylist(), table["expected_digest"].to_pylist(), strict=True)
    return {name: value for name, value in values if value}, list(unmatched)


def test_without_lists_nothing_happens(folder: Path) -> None:
    table = table_of(folder)
    mask, unmatched = mark_excluded(table, "")
    assert (sum(mask.to_pylist()), len(mask), unmatched) == (0, table.num_rows, ())
    assert add_fixity(table, "") == (table, ())
    assert set(add_hints(table, "")[0]["hints"].to_pylist()) == {""}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("a.jpg", {"a.jpg"}),
        ("a.jpg  # the donor's wish", {"a.jpg"}),
        ("a.jpg\t# see box/1.jpg", {"a.jpg"}),
        ("C:\\scans\\in\\a.jpg # see x/#7.jpg", {"a.jpg", "#7.jpg"}),  # in doubt not opened
        ("#7.jpg", {"#7.jpg"}),
        ("#7.jpg # why", {"#7.jpg"}),
        ("# a.jpg", set()),
        ("#a.jpg", set()),
        ("# see box/1.jpg", set()),
        ("   # C:\\in\\a.jpg", set()),
        ("x #8.jpg", {"x #8.jpg"}),
        ("x #8.jpg # why", {"x #8.jpg"}),
        ("./box\\1.jpg", {"box/1.jpg"}),
        (unicodedata.normalize("NFD", "Straße ü.jpg"), {"Straße ü.jpg"}),
        ("STRASSE Ü.JPG", {"Straße ü.jpg"}),
        ("/elsewhere/in/box/1.jpg", {"box/1.jpg"}),
        ("1.jpg", {"box/1.jpg"}),
    ],
)
def test_an_exclude_line_means_what_it_says(folder: Path, line: str, names: set[str]) -> None:
    assert excluded(folder, line) == (names, [])


def test_an_entry_that_may_mean_several_excludes_them_all(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "1.jpg").write_bytes(b"")
    assert excluded(folder, "1.jpg") == ({"box/1.jpg", "other/1.jpg"}, [])


def test_every_name_of_an_excluded_file_is_excluded(folder: Path) -> None:
    (folder / "by year").mkdir()
    (folder / "by year" / "1911.jpg").symlink_to("../box/1.jpg")
    for line in ("box/1.jpg", "by year/1911.jpg"):
        assert excluded(folder, line)[0] == {"box/1.jpg", "by year/1911.jpg"}


def test_what_names_nothing_is_said_by_line(folder: Path) -> None:
    _, unmatched = excluded(folder, "a.jpg", "", "box/x.jpg # y", "# c", os.fsdecode(b"\xff.jpg"))
    assert [line.partition("exclude.txt: ")[2] for line in unmatched] == [
        "line 3: 'box/x.jpg # y' names nothing that is listed",
        "line 5: '\\udcff.jpg' names nothing that is listed",
    ]


def test_a_list_in_a_folder_below_is_about_that_folder(folder: Path) -> None:
    assert excluded(folder, "./1.jpg", at=folder / "box" / "off.txt") == ({"box/1.jpg"}, [])


def test_unmatched_lines_stop_the_job_in_one_line() -> None:
    lines = [f"f: line {n}: 'x' names nothing that is listed" for n in range(12)]
    assert check_matched([], allowed=False) == ()
    with pytest.raises(ConfigError, match=r"line 0.*line 2.*9 more.*--allow-unmatched") as caught:
        check_matched(lines, allowed=False)
    assert "line 3" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert check_matched(lines, allowed=True) == (*lines[:3], "and 9 more lines of the kind")
    assert check_matched(lines[:3], allowed=True) == tuple(lines[:3])


@pytest.mark.parametrize("base", ["in", ".", "in/box", ".."])
@pytest.mark.parametrize("tool", ["md5sum", "sha256sum", "sha512sum --tag", "sha1sum -b"])
@pytest.mark.parametrize("beside", [True, False])
def test_sums_match_wherever_they_were_made(
    folder: Path, base: str, tool: str, *, beside: bool
) -> None:
    """Above SOURCE, in it, and below: the list stays there, or is carried elsewhere."""
    place = folder.parent / base
    for other in ("in/box", "else"):  # the same names in other folders of the archive
        (folder.parent / "out" / other).mkdir(parents=True, exist_ok=True)
        (folder.parent / "out" / other / "only-there.jpg").write_bytes(b"?")
    told = subprocess.run(
        ["sh", "-c", f"find . -type f -print0 | xargs -0 {tool}"],
        cwd=place,
        capture_output=True,
        check=True,
    )
    path = (place if beside else folder.parent.parent) / "SUMS"
    path.write_bytes(told.stdout)
    found, unmatched = digests(folder, str(path))
    algorithm = tool.partition("sum")[0]
    below = [name for name in NAMES if name.startswith("box/")]
    assert found == {
        name if "." in name else f"{name}.tif": (
            f"{algorithm}:{hashlib.new(algorithm, name.encode()).hexdigest()}"
        )
        for name in (below if base == "in/box" else NAMES)
    }
    assert all("only-there" in line for line in unmatched)
    assert len(unmatched) == (2 if base in (".", "..") else 0)


@pytest.mark.parametrize("root", ["D:\\old\\in\\", "\\\\nas\\archive\\in\\", "/mnt/x/in/"])
def test_sums_of_another_mount_tell_its_folders_apart(folder: Path, root: str) -> None:
    """Sums of a whole archive: `box1/5.jpg` is not for the 5.jpg of another folder."""
    lines = [f"{sha256(name.encode())}  {root}{name}" for name in NAMES[:3]]
    slash = root[-1]
    stray = root.removesuffix(f"in{slash}") + f"box1{slash}#7.jpg"
    path = written(folder.parent.parent / "sums", *lines, f"{sha256(b'?')}  {stray}")
    found, unmatched = digests(folder, path)
    assert set(found) == set(NAMES[:3])
    assert len(unmatched) == 1
    assert repr(stray) in unmatched[0]


def test_guesses_that_contradict_each_other_are_no_knowledge(folder: Path) -> None:
    lines = [f"{sha256(b'1')}  /q/m/a.jpg", f"{sha256(b'2')}  /q/n/a.jpg"]
    found, unmatched = digests(folder, written(folder.parent.parent / "sums", *lines))
    assert found == {}
    assert len(unmatched) == 2


def test_an_end_that_several_have_is_unmatched(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "1.jpg").write_bytes(b"")
    path = written(folder.parent.parent / "sums", f"{sha256(b'')}  1.jpg")
    found, (line,) = digests(folder, path)
    assert found == {}
    assert line == f"{path}: line 1: '1.jpg' names 2 pictures"


def test_sums_of_files_that_are_no_pictures_pass(folder: Path) -> None:
    names = ("notes.txt", "manifest", ".DS_Store", "gone.JPG")
    lines = [f"{sha256(b'')}  {name}" for name in names]
    _, (line,) = digests(folder, written(folder.parent.parent / "sums", *lines))
    assert "'gone.JPG' names nothing" in line


def test_two_lines_about_one_picture_must_agree(folder: Path) -> None:
    one, other = sha256(b"1"), sha256(b"2")
    md5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()
    path = folder.parent.parent / "sums"
    found, _ = digests(folder, written(path, f"{md5}  a.jpg", f"{one}  ./a.jpg", f"{one}  a.jpg"))
    assert found == {"a.jpg": f"sha256:{one}"}
    written(path, f"{one}  a.jpg", f"{md5}  a.jpg", f"{other}  {folder}/a.jpg")
    with pytest.raises(ConfigError, match=r"sums: line 3: .*a\.jpg' has another .* in line 1"):
        digests(folder, str(path))


def test_the_folder_of_the_list_goes_before_source(folder: Path) -> None:
    """A list above SOURCE has `a.jpg` of its own folder, and `in/a.jpg`."""
    own, ours = sha256(b"own"), sha256(b"a.jpg")
    path = written(folder.parent / "sums", f"{own}  a.jpg", f"{ours}  in/a.jpg")
    found, unmatched = digests(folder, path)
    assert found == {"a.jpg": f"sha256:{ours}"}
    assert len(unmatched) == 1


def test_a_bag_is_a_source(tmp_path: Path) -> None:
    """By hand as RFC 8493 says: payload below data/, manifests beside it."""
    names = ["a b.jpg", "100%.jpg", "line\nfeed.jpg", "box/ü.jpg"]
    for name in names:
        (tmp_path / "bag" / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bag" / "data" / name).write_bytes(name.encode())
    (tmp_path / "bag" / "bagit.txt").write_text("BagIt-Version: 1.0\n")
    lines = []
    for name in names:
        code = name.replace("%", "%25").replace("\n", "%0A")
        lines.append(f"{hashlib.sha512(name.encode()).hexdigest()}  data/{code}")
    path = written(tmp_path / "bag" / "manifest-sha512.txt", *lines)
    for source in ("bag", "bag/data"):
        found, unmatched = digests(tmp_path / source, path)
        assert {name.removeprefix("data/") for name in found} == set(names)
        assert unmatched == []


def test_hints_meet_their_picture_in_any_spelling(folder: Path) -> None:
    lines = [
        "path,x,y,colour",
        "box\\1.jpg,1,2,#FF0000",
        "./box/1.jpg,3,4,00ff00",
        "no.jpg,1,1,#000000",
    ]
    path = written(folder.parent.parent / "hints.csv", *lines)
    table, unmatched = add_hints(table_of(folder), path)
    hints = dict(zip(table["relative"].to_pylist(), table["hints"].to_pylist(), strict=True))
    assert hints.pop("box/1.jpg") == '[[1.0, 2.0, "#ff0000"], [3.0, 4.0, "#00ff00"]]'
    assert set(hints.values()) == {""}
    assert unmatched == (f"{path}: row 4: 'no.jpg' names nothing that is listed",)


def test_points_of_two_pictures_are_not_mixed_by_a_guess(folder: Path) -> None:
    lines = ["path,x,y,colour", "/q/m/a.jpg,1,2,#FF0000", "/q/n/a.jpg,3,4,00ff00"]
    table, unmatched = add_hints(
        table_of(folder), written(folder.parent.parent / "hints.csv", *lines)
    )
    assert set(table["hints"].to_pylist()) == {""}
    assert len(unmatched) == 2


def test_sensitive_is_what_the_words_say_in_any_case() -> None:
    values = [
        "restricted",
        " Restricted ",
        "CLOSED",
        "clo sed",
        "open",
        "",
        None,
        "re\tstricted",
        "x",
    ]
    table = pa.table({"sensitivity": pa.array(values, pa.string())})
    words = ("Restricted", "closed", "", " ")
    assert mark_sensitive(table, words).to_pylist() == [
        True, True, True, True, False, False, False, True, False,
    ]  # fmt: skip
    assert not any(mark_sensitive(table, ()).to_pylist())
    assert mark_sensitive(table.slice(0, 0), words).to_pylist() == []


def test_a_job_opens_nothing_that_its_list_means(
    job: Any, masters: Path, tmp_path: Path, rows: Any
) -> None:
    (masters / "#7.jpg").write_bytes((masters / "one.jpg").read_bytes())
    lines = ["./one.jpg", f"{masters}/two.png  # donor", ".\\a\\four.jpg", "#7.jpg", "# not this"]
    config = job(select={"exclude_list": written(tmp_path / "list.txt", *lines)})
    colorize(config)
    off = {row["source_uri"] for row in rows(config.output) if row["error_class"] == "excluded"}
    assert len(off) == 4
    with pytest.raises(ConfigError, match=r"line 1: 'nobody\.jpg' names nothing.*allow-unmatched"):
        colorize(job(select={"exclude_list": written(tmp_path / "list.txt", "nobody.jpg")}))
