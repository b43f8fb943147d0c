"""The form `master`: the grey masters' pictures, colour taken off."""

from collections.abc import Iterator
from typing import Final

from archive_colorizer.exports.pictures import Picture
from archive_colorizer.exports.shelf import Sink, each
from archive_colorizer.exports.task import Task, stamp_of
from archive_colorizer.imaging.colour_off import take_colour_off

COLUMNS: Final = ("reversible",)
GREY: Final = ".grey"
"""Goes before the ending, so that nobody takes the file for the master itself."""


def write(task: Task) -> None:
    """Write the grey picture of each derivative whose colour can be taken off.

    It gets the derivative's name, with GREY for the suffix.
    """
    suffix = task.job["config"]["deliver"]["suffix"]
    others = 0

    def put(picture: Picture) -> None:
        def take_off(sink: Sink) -> None:
            sink.write(take_colour_off(task.store.read(picture.key)))

        stem, _, ending = picture.key.rpartition(".")
        key = f"{stem.removesuffix(suffix)}{GREY}.{ending}"
        task.shelf.put(key, stamp_of("master", picture.row["derivative_sha256"]), take_off)

    def kept() -> Iterator[Picture]:
        nonlocal others
        for picture in task.finished(COLUMNS):
            if picture.row["reversible"]:
                yield picture
            else:
                others += 1

    for _ in each(put, kept()):
        pass
    if others:
        task.shelf.tell(
            f"{others:,} derivatives: not made with --reversible, or of a master that is no sound "
            "grey JPEG"
        )
