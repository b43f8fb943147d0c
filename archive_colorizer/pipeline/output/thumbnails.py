"""Thumbnails in OUTPUT: one sheet, a JPEG, for the pictures of one batch.

One file for each picture would be a million small files; one in sixteen costs little to write, to
list and to look at. A picture that is done again is on a new sheet; a sheet that no row names any
more is deleted.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pyarrow.compute as pc

from archive_colorizer.imaging.thumbnails import thumbnail_sheet
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import THUMBNAILS
from archive_colorizer.pipeline.records import Outcome
from archive_colorizer.storage import Store

LOG: Final = logging.getLogger("archive_colorizer")


def write_thumbnails(store: Store, batch: Sequence[Outcome], job_id: str) -> list[Outcome]:
    """Write the sheet of a batch, if any of it has thumbnails.

    A sheet that cannot be written is left out: no picture is lost for it.

    Returns:
        The outcomes, with their places on the sheet, and without pixels.
    """
    shown = [i for i, one in enumerate(batch) if _has_thumbnail(one)]
    done = [replace(one, before_hw3=None, after_hw3=None) for one in batch]
    if not shown:
        return done
    ids = "\n".join(f"{job_id} {batch[i].ref.row_id}" for i in shown)
    key = f"{THUMBNAILS}/{hashlib.sha256(ids.encode()).hexdigest()[:32]}.jpg"
    sheet = thumbnail_sheet([(batch[i].before_hw3, batch[i].after_hw3) for i in shown])
    try:
        store.write_atomic(key, sheet)
    except OSError as error:
        LOG.warning("%s: cannot be written: %s", store.uri_of(key), error.strerror or error)
        return done
    for index, i in enumerate(shown):
        done[i] = replace(done[i], thumbnail_key=key, thumbnail_index=index)
    return done


def _has_thumbnail(outcome: Outcome) -> bool:
    return outcome.before_hw3 is not None or outcome.after_hw3 is not None


def remove_unnamed(store: Store) -> None:
    """Delete sheets that no row names; only by the run that holds OUTPUT, when it has no work."""
    keys = [entry.key for entry in store.list(THUMBNAILS)]
    if keys:
        named = set(pc.unique(manifest.read(store, ["thumbnail_key"])["thumbnail_key"]).to_pylist())
        for key in keys:
            if key not in named:
                store.delete(key)
