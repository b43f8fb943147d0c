"""The exclude list and the fixity list, in both forms, and what is wrong with them."""

from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.exclude_and_fixity import read_exclude_list, read_fixity

SUM = "0123456789abcdef" * 4


def test_empty_lines_comments_and_a_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfone.jpg\r\n\r\n  # why\r\n two words.jpg \r\n#x")
    assert read_exclude_list(str(path)) == {"one.jpg", "two words.jpg"}


def test_an_empty_exclude_list_excludes_nothing(tmp_path: Path) -> None:
    (tmp_path / "list.txt").touch()
    assert read_exclude_list(str(tmp_path / "list.txt")) == frozenset()


def test_sha256sum_output_is_understood_in_text_and_in_binary_mode(tmp_path: Path) -> None:
    path = tmp_path / "SHA256SUMS"
    path.write_text(f"# made\n\n{SUM.upper()}  ./a/b c.jpg\n{SUM} *d  e.jpg\n", encoding="utf-8")
    assert read_fixity(str(path)) == {"a/b c.jpg": SUM, "d  e.jpg": SUM}


@pytest.mark.parametrize("column", ["uri", "path"])
def test_a_csv_needs_a_name_and_a_sum(tmp_path: Path, column: str) -> None:
    path = tmp_path / "sums.CSV"
    path.write_text(f'sha256,size,{column}\n{SUM.upper()},3,"a, b.jpg"\n,4,c.jpg\n', "utf-8")
    assert read_fixity(str(path)) == {"a, b.jpg": SUM, "c.jpg": ""}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sums", f"{SUM}  a.jpg\n{SUM} a.jpg\n", "sums: line 2: not"),
        ("sums", f"{SUM[1:]}  a.jpg\n", "line 1: not"),
        ("sums", f"{SUM}  \n", "line 1: not"),
        ("sums", f"{SUM}  a.jpg\n\n# b\nMD5 (a) = 3\n", r"line 4: not .*MD5"),
        ("sums.csv", f"uri,sha256\na.jpg,{SUM}\nb.jpg,xyz\n", "row 3: 'xyz' is not a SHA-256"),
        ("sums.csv", f"name,sha256\na.jpg,{SUM}\n", "needs the columns uri"),
        ("sums.csv", "uri\na.jpg\n", "needs the columns uri"),
        ("sums.csv", "", "needs the columns uri"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        read_fixity(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["sums.txt", "sums.csv"])
def test_a_list_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for read in (read_exclude_list, read_fixity):
        path.unlink(missing_ok=True)
        with pytest.raises(ConfigError, match=name):
            read(str(path))
        path.write_bytes(b"a\xff\n")
        with pytest.raises(ConfigError, match=name):
            read(str(path))
