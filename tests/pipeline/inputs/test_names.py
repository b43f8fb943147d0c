"""A name in a list finds its page in whatever way it is written."""

import os
import random
import string
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote_from_bytes

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_colorizer.pipeline.inputs.listing import add_relative, list_source
from archive_colorizer.pipeline.inputs.names import ListedNames
from archive_colorizer.storage.location import uri_of_path

ROOT = "/archive/scans"


def listed(*relatives: str, root: str = ROOT, ids: Sequence[str] = ()) -> ListedNames:
    """The names of a folder, or of a bucket; odd bytes as surrogate escapes."""
    is_s3 = root.startswith("s3://")
    uris = [f"{root}/{one}" if is_s3 else uri_of_path(f"{root}/{one}") for one in relatives]
    columns = {
        "relative": [os.fsencode(one).decode(errors="replace") for one in relatives],
        "relative_raw": [os.fsencode(one) for one in relatives],
        "source_uri": uris,
        "object_id": list(ids) or [""] * len(relatives),
    }
    return ListedNames(pa.table(columns))


def escaped(path: str, safe: str = "/") -> str:
    return quote_from_bytes(os.fsencode(path), safe=safe)


NAMES = {
    "ascii": "box/0001.jpg",
    "composed": unicodedata.normalize("NFC", "bücher/Straße é.jpg"),
    "decomposed": unicodedata.normalize("NFD", "bücher/Straße é.jpg"),
    "hangul": unicodedata.normalize("NFD", "한글/사진.tif"),
    "blanks": "box 7/ two  words .jpg",
    "hash": "#7/a #8.jpg",
    "percent": "100%/a%20b%2Fc.jpg",
    "quotes": 'it\'s/a "b".jpg',
    "odd bytes": os.fsdecode(b"Stra\xdfe/\xe9t\xe9.jpg"),
    "comma": "a, b;c/d.jpg",
    "top": "x.jpg",
    "deep": "a/b/c/d/e/f.jpg",
}
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "dot": lambda name: f"./{name}",
    "slashes": lambda name: f".//{name.replace('/', '//')}",
    "backslashes": lambda name: name.replace("/", "\\"),
    "windows": lambda name: f".\\{name}".replace("/", "\\"),
    "drive": lambda name: f"C:\\old\\scans\\{name}".replace("/", "\\"),
    "share": lambda name: f"\\\\server\\share\\{name}".replace("/", "\\"),
    "other mount": lambda name: f"/mnt/nas/2019/{name}",
    "above": lambda name: f"scans/{name}",
    "far above": lambda name: f"archive/scans/{name}",
    "absolute": lambda name: f"{ROOT}/{name}",
    "up and down": lambda name: f"{ROOT}/../scans/./{name}",
    "beside": lambda name: f"../scans/{name}",
    "uri": lambda name: uri_of_path(f"{ROOT}/{name}"),
    "local uri": lambda name: f"FILE://localhost{escaped(f'{ROOT}/{name}')}",
    "short uri": lambda name: f"file:{ROOT}/{escaped(name, safe='')}",
    "lower-case escapes": lambda name: uri_of_path(f"{ROOT}/{name}").replace("%C3", "%c3"),
    "blanks around": lambda name: f"  {name}\t",
    "quoted": lambda name: f'"{name}"',
    "composed": lambda name: unicodedata.normalize("NFC", name),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "upper case": lambda name: name.upper(),
    "lower case": lambda name: f"./{name.lower()}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", NAMES)
def test_every_form_of_every_kind_of_name_finds_its_page(form: str, kind: str) -> None:
    name = NAMES[kind]
    others = ("other/0002.jpg", "y.jpg", "box/0001.tif", "#9.jpg")
    found = listed(others[0], name, *others[1:]).find(FORMS[form](name), "/archive/lists")
    assert found.rows == (1,)
    assert found.pictures == 1


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_listed_is_not_found(form: str) -> None:
    names = listed("a/1.jpg", "a/2.jpg", "1.jpg", ids=("7", "", "8"))
    assert names.find(FORMS[form]("a/3.jpg"), "/archive/lists").rows == ()


def test_a_name_as_it_is_written_goes_before_all_that_it_may_mean() -> None:
    names = listed("box/x.jpg", "box\\x.jpg", "BOX/x.jpg", " box/x.jpg", "./box/x.jpg")
    for row, name in enumerate(("box/x.jpg", "box\\x.jpg", "BOX/x.jpg", " box/x.jpg")):
        found = names.find(name)
        assert (found.rows, found.exact) == ((row,), True)
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    both = listed(composed, decomposed)
    assert both.find(composed).rows == (0,)
    assert both.find(decomposed).rows == (1,)
    assert both.find(uri_of_path(f"{ROOT}/{decomposed}")).rows == (1,)


def test_an_end_that_several_pages_have_is_ambiguous() -> None:
    names = listed("a/1.jpg", "b/1.jpg", "b/2.jpg")
    found = names.find("1.jpg")
    assert (found.rows, found.pictures, found.exact) == ((0, 1), 2, False)
    assert names.find("2.jpg").rows == (2,)
    assert names.find("/old/b/1.jpg").rows == (1,)
    assert names.find(".jpg").rows == names.find("jpg").rows == ()  # parts are whole


def test_case_counts_where_it_tells_pages_apart() -> None:
    names = listed("A.jpg", "a.jpg")
    assert names.find("./A.jpg").rows == (0,)
    assert names.find("A.JPG").rows == (0, 1)


def test_an_object_id_names_all_its_pages() -> None:
    names = listed("a.jpg", "b.jpg", "c.jpg", ids=("Inv. 7", "Inv. 7", ""))
    found = names.find("Inv. 7")
    assert (found.rows, found.exact, found.pictures, found.is_path) == ((0, 1), True, 1, False)
    assert names.find("  inv. 7 ").rows == (0, 1)
    assert names.find("").rows == names.find("   ").rows == ()


def test_a_path_and_another_pages_object_id_are_ambiguous() -> None:
    names = listed("7.jpg", "8.jpg", ids=("", "7.jpg"))
    assert (names.find("7.jpg").rows, names.find("7.jpg").pictures) == ((0, 1), 2)


def test_a_list_below_source_and_one_of_its_names_in_source_are_ambiguous() -> None:
    names = listed("x.jpg", "box/x.jpg", "box/y.jpg")
    for name in ("x.jpg", "./x.jpg"):
        assert names.find(name, f"{ROOT}/box").rows == (0, 1)
    assert names.find("y.jpg", f"{ROOT}/box").rows == (2,)
    assert names.find("box/x.jpg", "/archive").rows == (1,)


def test_keys_of_objects_are_names_and_no_paths() -> None:
    keys = ("a//b.jpg", "a/b.jpg", "x/../up.jpg", "up.jpg", "%2F/c.jpg", "./d.jpg", "d.jpg")
    names = listed(*keys, root="s3://bucket/in")
    for row, key in enumerate(keys):
        for name in (key, f"s3://bucket/in/{key}"):
            found = names.find(name)
            assert (found.rows, found.exact) == ((row,), True), name
    assert names.find("../in/up.jpg", "s3://bucket/lists").rows == (3,)
    assert names.find("c.jpg", "s3://bucket/in/%2F").rows == (4,)
    assert names.find("in/a//b.jpg", "s3://bucket").rows == (0,)
    assert names.find("y/../up2.jpg").rows == ()


def test_a_path_through_a_link_and_a_path_past_one_are_one(tmp_path: Path) -> None:
    real = tmp_path / "volume" / "scans"
    (real / "box").mkdir(parents=True)
    for name in ("box/a.jpg", "b.jpg"):
        (real / name).write_bytes(b"x")
    (real / "alias.jpg").symlink_to(real / "b.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "volume")
    (tmp_path / "deep").symlink_to(real / "box")
    for source in (real, tmp_path / "link" / "scans"):
        names = ListedNames(add_relative(list_source(str(source)).table))
        alias, b, a = (names.find(name).rows for name in ("alias.jpg", "b.jpg", "box/a.jpg"))
        for path in (
            real / "box/a.jpg",
            tmp_path / "link/scans/box/a.jpg",
            tmp_path / "deep/a.jpg",
        ):
            assert names.find(str(path)).rows == a
            assert names.find(path.name, str(path.parent)).rows == a
        found = names.find(f"{tmp_path}/deep/../b.jpg")  # as the system reads it
        assert (found.rows, found.pictures) == ((*alias, *b), 1)
        assert names.same_files(b) == {*alias, *b}
        assert names.same_files(a) == set(a)


def test_a_relative_source_and_list_are_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    names = ListedNames(add_relative(list_source("in").table))
    for name in ("x.jpg", "in/x.jpg", "./in/x.jpg", "../in/x.jpg", str(tmp_path / "in/x.jpg")):
        assert names.find(name, "lists").rows == (0,), name


def test_windows_own_encoding_is_tried_last() -> None:
    odd = os.fsdecode("Straße.jpg".encode("cp1252"))
    assert listed("Straße.jpg").find(odd).rows == (0,)
    assert listed("Straße.jpg", odd).find(odd).rows == (1,)


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp949", "근정전/유리건판 1.tif"), ("mac_roman", "Größe.tif")]
)
def test_older_encodings_of_koreans_and_macs_are_tried_too(encoding: str, name: str) -> None:
    assert listed("x.tif", name).find(os.fsdecode(name.encode(encoding))).rows == (1,)


@pytest.mark.parametrize(
    "name", ["\0", "a\0.jpg", "/", "..", "../..", ".", "file://", "s3://", '""']
)
def test_what_is_no_name_finds_nothing(name: str) -> None:
    assert listed("a.jpg", "b/c.jpg").find(name, "/archive/lists").rows == ()


def test_a_hundred_thousand_names_are_indexed_in_a_second_or_so() -> None:
    relatives = [f"box{n // 500}/Straße {n:06d}.tif" for n in range(100_000)]
    names = listed(*relatives)
    start_s = time.process_time()
    assert names.find(f"C:\\x\\{relatives[77]}").rows == (77,)
    assert time.process_time() - start_s < 8  # 1.3 s on a free core
    start_s = time.process_time()
    assert all(names.find(f"./{one}").rows == (row,) for row, one in enumerate(relatives[:9000]))
    assert time.process_time() - start_s < 5


PART = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=6
).filter(lambda part: part not in (".", ".."))
RELATIVE = st.lists(PART, min_size=1, max_size=4).map("/".join)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(RELATIVE, min_size=1, max_size=8, unique=True), st.sampled_from(sorted(FORMS)))
def test_whatever_the_names_are_a_form_finds_its_own_page(names: list[str], form: str) -> None:
    index = listed(*names)
    for row, name in enumerate(names):
        if "case" in form and not name.isascii():
            continue  # not every script has a way back
        if "\\" in name and "\\" in FORMS[form]("/"):
            continue  # a name's own backslash is lost among the others
        if form == "blanks around" and name != name.strip():
            continue  # nobody can tell which blanks are the name's own
        written = FORMS[form](name)
        found = index.find(written, "/archive/lists")
        assert row in found.rows or written in names, (written, found)


def test_an_index_agrees_with_a_search_of_every_name() -> None:
    chance = random.Random(3)  # noqa: S311
    letters = string.ascii_lowercase[:3]
    for _ in range(30):
        relatives = list(
            {"/".join(chance.choices(letters, k=chance.randint(1, 3))) for _ in range(12)}
        )
        names = listed(*relatives, root="/r")
        for _ in range(30):
            sought = "/".join(chance.choices(letters, k=chance.randint(1, 4)))
            ends = [i for i, one in enumerate(relatives) if f"/r/{one}".endswith(f"/{sought}")]
            whole = [i for i, one in enumerate(relatives) if one == sought]
            begun = [i for i, one in enumerate(relatives) if sought.endswith(f"/{one}")]
            longest = [max(begun, key=lambda i: len(relatives[i]))] if begun else []
            assert list(names.find(sought).rows) == (whole or ends or longest)
