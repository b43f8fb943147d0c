"""Marking: a second file of a derivative, which says in words that a machine made the colours.

The derivative itself carries no words. The marked file stands under OUTPUT/marked with the same
relative name, is published before the derivative, and both before their row: no row ever names a
marked file that is not there.
"""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from archive_colorizer.errors import WritePhotoError
from archive_colorizer.imaging import encode
from archive_colorizer.imaging.mark import Place, find_font, mark
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.pipeline.config import OutputConfig
from archive_colorizer.pipeline.output.derivatives import page_id, read_labels
from archive_colorizer.pipeline.output.layout import MARKED
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.written import check_arrived, digest
from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.storage import Store

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("AI-colorized", "AI-generated"),
    "ko": ("AI 채색", "AI 생성"),
}
"""Language -> words on a picture with estimated colours, and on a translation."""
RENDITION: Final = {"rendition": "marked"}
"""Label by which a marked file tells itself from its derivative."""


def words_of(text: str, *, translates: bool) -> str:
    """Give the words of a mark: of a language, or the text as it is."""
    return WORDS[text][translates] if text in WORDS else " ".join(text.split())


def check_mark(deliver: OutputConfig) -> None:
    """Make sure that this machine can draw the mark that a job asks for.

    Raises:
        ConfigError: it has no font with these letters.
    """
    if deliver.mark != "off":
        find_font(words_of(deliver.mark_text, translates=False))


class Marker:
    """Writes the marked file of a derivative.

    Args:
        store: OUTPUT.
        fence: of the run.
        place: of the words.
        text: the words.

    Raises:
        ConfigError: there is no font with these letters.
    """

    def __init__(self, store: Store, fence: Fence, place: Place, text: str) -> None:
        self._store, self._fence, self._place, self._text = store, fence, place, text
        find_font(text)

    def write(
        self,
        ref: PhotoRef,
        picture: encode.Encodable,
        settings: encode.Settings,
        tags: Tags,
        token: str,
        sign: Callable[[BinaryIO], Any],
    ) -> dict[str, Any]:
        """Write the marked file of a picture.

        Args:
            ref: the page.
            picture: of the derivative.
            settings: of the derivative.
            tags: of the derivative, with RENDITION among its labels.
            token: names the run's folder of temporaries.
            sign: signs the finished file, where the job signs.

        Returns:
            The columns that tell of it.

        Raises:
            WritePhotoError: it cannot be written, or a file that is not its own is in the way.
            PictureFault: the marked picture is too large for its format.
        """
        key = f"{MARKED}/{ref.output_key}"
        marked = mark(picture, self._text, self._place)
        with self._store.staged(key, token, replace=self._is_own(key, ref)) as sink:
            encode.encode(marked, sink, settings, tags)
            sign(sink)
            sha256, size = digest(sink)
            self._fence.check()
        check_arrived(self._store, key, size)
        return {"marked_key": key, "marked_sha256": sha256, "marked_bytes": size}

    def _is_own(self, key: str, ref: PhotoRef) -> bool:
        """Whether an earlier marked file of the same page is in the way, which may be replaced."""
        if not self._store.exists(key):
            return False
        labels = read_labels(self._store, key)
        same = labels.get("pageId") == page_id(ref.source_uri, ref.page)
        moved = labels.get("rowId") in (ref.row_id, ref.earlier_id)  # its master was elsewhere
        if (same or moved) and labels.items() >= RENDITION.items():
            return True
        raise WritePhotoError(f"{key}: a file that is not this picture's with a mark is there")
