"""Renditions: further files of a derivative, each in a folder of its own under OUTPUT.

A marked file says in words that a machine made the colours; the derivative itself carries no words.
An access copy is a reduced JPEG, with the same words where they are asked for, since it is what
others are shown. Both have the derivative's relative name, are published before it, and all of them
before their row: no row ever names a file that is not there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final

from archive_colorizer.errors import WritePhotoError
from archive_colorizer.imaging import encode
from archive_colorizer.imaging.encode import MIMES, Encodable, Settings
from archive_colorizer.imaging.formats import WRITTEN, Format
from archive_colorizer.imaging.mark import find_font, mark
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.imaging.reduced import reduce_to
from archive_colorizer.pipeline.config import OutputConfig
from archive_colorizer.pipeline.output.derivatives import page_id, read_labels
from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.written import check_arrived, digest
from archive_colorizer.pipeline.records import Derivative, PhotoRef
from archive_colorizer.storage import Store

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("AI-colorized", "AI-generated"),
    "ko": ("AI 채색", "AI 생성"),
}
"""Language -> words on a picture with estimated colours, and on a translation."""
LABEL: Final = "rendition"
"""By which a rendition tells itself from its derivative: its name, in XMP."""


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


@dataclass(frozen=True, slots=True)
class Rendition:
    """One further file of each derivative."""

    name: str
    """Of `records.RENDITIONS`."""
    make: Callable[[Encodable], Encodable]
    """Makes its picture of the derivative's, as people see that."""
    form: Format | None = None
    """Its format; None for the derivative's."""

    def key_of(self, derivative_key: str) -> str:
        """Give its place below OUTPUT."""
        key = f"{self.name}/{derivative_key}"
        if self.form is None:
            return key
        return str(PurePosixPath(key).with_suffix(WRITTEN[self.form].ending))

    def settings(self, of_derivative: Settings) -> Settings:
        """Give how it is encoded."""
        return of_derivative if self.form is None else Settings(self.form, of_derivative.quality)

    def describe(self, derivative: Derivative) -> Derivative:
        """Describe it for its signature; what is said of luminance is said of the full size."""
        if self.form is None:
            return derivative
        return replace(
            derivative, derivative_key=self.key_of(derivative.derivative_key),
            derivative_mime=MIMES[self.form], luminance_mae=None, luminance_p99=None,
            luminance_relation=None,
        )  # fmt: skip


def list_renditions(deliver: OutputConfig, *, translates: bool) -> Iterator[Rendition]:
    """List the renditions that a job asks for.

    Raises:
        ConfigError: there is no font with the letters of the mark.
    """
    draw: Callable[[Encodable], Encodable] | None = None
    if deliver.mark != "off":
        words = words_of(deliver.mark_text, translates=translates)
        find_font(words)
        draw = partial(mark, text=words, place=deliver.mark)
        yield Rendition("marked", draw)
    if longest := deliver.access_px:

        def reduce(picture: Encodable) -> Encodable:
            small = reduce_to(picture, longest)
            return draw(small) if draw else small

        yield Rendition("access", reduce, "jpeg")


class RenditionWriter:
    """Writes a rendition into OUTPUT.

    Args:
        store: OUTPUT.
        fence: of the run.
        rendition: what is written.
    """

    def __init__(self, store: Store, fence: Fence, rendition: Rendition) -> None:
        self._store, self._fence, self.rendition = store, fence, rendition

    def write(
        self,
        ref: PhotoRef,
        picture: Encodable,
        settings: Settings,
        tags: Tags,
        token: str,
        sign: Callable[[BinaryIO], Any],
    ) -> dict[str, Any]:
        """Write the file of a picture.

        Args:
            ref: the page.
            picture: as `Rendition.make` gave it.
            settings: as `Rendition.settings` gave them.
            tags: of the derivative, with LABEL among its labels.
            token: names the run's folder of temporaries.
            sign: signs the finished file, where the job signs.

        Returns:
            The columns that tell of it.

        Raises:
            WritePhotoError: it cannot be written, or a file that is not its own is in the way.
            PictureFault: the picture is too large for its format.
        """
        name = self.rendition.name
        key = self.rendition.key_of(ref.output_key)
        with self._store.staged(key, token, replace=self._is_own(key, ref)) as sink:
            encode.encode(picture, sink, settings, tags)
            sign(sink)
            sha256, size = digest(sink)
            self._fence.check()
        check_arrived(self._store, key, size)
        return {f"{name}_key": key, f"{name}_sha256": sha256, f"{name}_bytes": size}

    def _is_own(self, key: str, ref: PhotoRef) -> bool:
        """Whether an earlier file of the same page is in the way, which may be replaced."""
        if not self._store.exists(key):
            return False
        labels = read_labels(self._store, key)
        same = labels.get("pageId") == page_id(ref.source_uri, ref.page)
        moved = labels.get("rowId") in (ref.row_id, ref.earlier_id)  # its master was elsewhere
        if (same or moved) and labels.get(LABEL) == self.rendition.name:
            return True
        what = {"marked": "with a mark", "access": "made smaller"}[self.rendition.name]
        raise WritePhotoError(f"{key}: a file that is not this picture's {what} is there")
