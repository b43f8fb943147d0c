"""The forms of an export, one row each. A new one is a module beside this and a row here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from archive_colorizer.exports import bag, iiif, master, office, premis, sums
from archive_colorizer.exports.task import Task


@dataclass(frozen=True, slots=True)
class Form:
    """One form."""

    write: Callable[[Task], None]
    """Puts its files on the task's shelf."""
    text: str
    """What it is, for the command's help."""
    takes: frozenset[str] = frozenset()
    """Names of ExportOptions that it takes beside those that choose pictures."""
    alone: bool = False
    """Whether DEST must be empty before the first run."""


FORMS: Final[Mapping[str, Form]] = {
    "premis": Form(premis.write, "PREMIS 3: an XML file for each picture", frozenset({"per"})),
    "iiif": Form(
        iiif.write, "IIIF Presentation 3 with pictures: a static site for viewers",
        frozenset({"base_url", "tiles", "rights"}),
    ),
    "bagit": Form(
        bag.write, "a BagIt bag of the derivatives, with PREMIS", frozenset({"with_masters"}),
        alone=True,
    ),
    "csv": Form(office.write_csv, "a table of all pictures", frozenset({"language"})),
    "xlsx": Form(office.write_xlsx, "the same as a workbook", frozenset({"language"})),
    "master": Form(
        master.write, "of derivatives made with --reversible, the grey picture: it decodes to its "
        "master's samples",
    ),
    "sums": Form(
        sums.write, "sums of derivatives and masters, as sha256sum writes and checks them",
        frozenset({"algorithm", "rehash_masters"}),
    ),
}  # fmt: skip
