"""The encoding of a text file that people or their programs wrote, found by its bytes.

A mark at the start decides; without one UTF-16 shows by its zero bytes, and UTF-8 by being valid to
the end. What is neither is what Windows, a Korean Windows or an old Mac saves: cp1252, cp949 or
mac-roman, told apart by charset-normalizer (github.com/jawah/charset_normalizer), which is asked
about these three alone.
"""

import codecs
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Final

LEGACY: Final = ("cp1252", "cp949", "mac_roman")
BLOCK_BYTES: Final = 1 << 20
HEAD_BYTES: Final = 4096
SAMPLE_BYTES: Final = 1 << 15
"""Of lines that are not UTF-8, for the guess."""
ZERO_SHARE: Final = 0.02
"""Zero bytes that tell UTF-16, where line ends have one, too: blanks, digits and delimiters have,
in any script."""

LETTER_SHARE: Final = 0.75
"""Of what is not ASCII in a text of mac-roman; of the signs that it has half are letters."""


def find_encoding(file: BinaryIO) -> str:
    """Find the encoding of a seekable file, and go back to its start.

    Returns:
        A codec's name; "utf-8" also where nothing fits, or most lines that are not ASCII are UTF-8.
    """
    file.seek(0)
    try:
        return find_utf16(file) or _find_in_lines(file)
    finally:
        file.seek(0)


def find_utf16(file: BinaryIO) -> str:
    """Find UTF-16 by its mark or its zero bytes; empty for anything else, "utf-8-sig" by its mark.

    The file is read from where it is, and left there.
    """
    start = file.tell()
    head = file.read(HEAD_BYTES)
    file.seek(start)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < max(1, ZERO_SHARE * len(head)) or min(even, odd) > max(even, odd) / 10:
        return ""
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
    return encoding if "\n" in text or "\r" in text else ""


def _find_in_lines(file: BinaryIO) -> str:
    """Tell UTF-8 from older encodings by the lines that are not ASCII."""
    in_utf8 = in_others = 0
    sample = bytearray()
    for block in _whole_lines(file):
        try:
            in_utf8 += not block.isascii() and _count_beyond_ascii(block.decode())
        except UnicodeDecodeError:
            for line in block.splitlines(keepends=True):
                if line.isascii():
                    continue
                if _is_utf8(line):
                    in_utf8 += 1
                else:
                    in_others += 1
                    sample += line[: SAMPLE_BYTES - len(sample)]
    return (_guess(bytes(sample)) if in_others > in_utf8 else "") or "utf-8"


def _count_beyond_ascii(text: str) -> int:
    return sum(not line.isascii() for line in text.splitlines())


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield blocks that end with a line, so that no character is cut."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        end = 1 + max(block.rfind(b"\n"), block.rfind(b"\r"))
        rest = block[end:]
        if end:
            yield block[:end]
    if rest:
        yield rest


def _guess(sample: bytes) -> str:
    """Guess which of LEGACY a sample is in; empty where none fits."""
    fitting = [name for name in LEGACY if _decodes(sample, name)]
    if not _is_latin(sample.decode("mac_roman")):
        fitting.remove("mac_roman")  # it takes any byte: that it does says nothing
    if len(fitting) < 2:
        return "".join(fitting)
    from charset_normalizer import from_bytes  # slow to load, and seldom needed

    best = from_bytes(sample, cp_isolation=fitting).best()
    return best.encoding if best is not None else fitting[0]


def _is_latin(text: str) -> bool:
    """Tell by what is not ASCII: read as what it is not, it has signs and other letters as well."""
    beyond = [unicodedata.name(char, "") for char in text if not char.isascii()]
    return sum(one.startswith("LATIN ") for one in beyond) >= LETTER_SHARE * len(beyond)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)  # a sample may end within a character
    except UnicodeDecodeError:
        return False
    return True
