"""The C2PA library, loaded when it is first needed, and told to ask no network.

The only file that knows it. It is an extra (`c2pa`): c2pa-python, which wraps the reference
implementation c2pa-rs.
"""

from functools import cache
from typing import Any, Final

OFFLINE: Final = {
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        # Whom to trust is the reader's affair: no list of anybody's is loaded or fetched.
        "verify_trust": False,
        "verify_timestamp_trust": False,
    },
    "builder": {"thumbnail": {"enabled": False}},
}


@cache
def load() -> Any:  # noqa: ANN401 (a module without types)
    """Give the library.

    Raises:
        ImportError: it is not installed; `extras.require` says so in a line before.
    """
    import c2pa

    return c2pa


@cache
def offline() -> Any:  # noqa: ANN401 (c2pa's Context)
    """Give the settings for reading and signing: no remote manifest, no trust list, no OCSP."""
    return load().Context.from_dict(OFFLINE)
