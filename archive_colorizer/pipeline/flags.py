"""Flags: what a row says of a page beside its status; `reasons` has words for each."""

from typing import Final

ENLARGED: Final = "enlarged"
"""Flag of a derivative that has more pixels than the master, which a model put there."""
TRANSLATED: Final = "translated"
"""Flag of a derivative that shows another picture than the master."""
MULTIPAGE: Final = "multipage"
"""Flag of a derivative whose master has further pages, which were left."""
METADATA_LOST: Final = "metadata_lost"
"""Flag of a derivative that could not carry all of the master's EXIF, XMP and IPTC-IIM."""
DAMAGED: Final = "damaged"
"""Flag of a derivative whose master's decoder reported missing or changed pixels."""
NEARLY_GREY: Final = "nearly_grey"
"""Flag of a derivative that hardly got any colour."""
NEARLY_GREY_BELOW: Final = 10.0
"""Colourfulness (Hasler & Suesstrunk 2003; 15 is slightly colourful) below which one is flagged: a
fiftieth of the validation photographs that `builtin:default` colours."""
NOT_REVERSIBLE: Final = "not_reversible"
"""Flag of a derivative whose colour cannot be taken off again although that was asked for."""
COLOUR_BESIDE: Final = "colour_beside"
"""Flag of a page that may be a grey print beside colour, whose place was not found."""
GLARE: Final = "glare"
"""Flag of a master on which a reflection lies."""
NEGATIVE: Final = "negative"
"""Flag of a master that looks like a negative."""
NOT_PANORAMA: Final = "not_panorama"
"""Flag of a picture that was called a panorama and is none that goes round: it was coloured as a
flat one."""
ASKED_FOR: Final = frozenset({ENLARGED, TRANSLATED, NOT_REVERSIBLE})
"""Flags that say nothing of the picture itself; any other asks for a review."""
