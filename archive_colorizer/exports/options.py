"""What is asked of an export."""

from dataclasses import dataclass, fields
from typing import Any, Final

from archive_colorizer.errors import ConfigError

ALGORITHMS: Final = ("md5", "sha256", "sha512")
BASE_URL: Final = "http://localhost:8000/"
"""Where `python -m http.server` in DEST would have it."""
LANGUAGES: Final = ("en", "ko")
RIGHTS: Final = ("creativecommons.org/", "rightsstatements.org/", "www.europeana.eu/rights/")
"""IIIF takes rights statements of these alone."""
SELECTING: Final = ("only", "collections", "ids")
"""Options that every form takes: which pictures."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which pictures, and what the forms may be told; empty or false is the default."""

    only: str = ""
    """`approved`: pictures that people approved, and nobody rejected."""
    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    """Row ids, object ids or paths below SOURCE."""
    language: str = ""
    base_url: str = ""
    tiles: bool = False
    rights: str = ""
    per: str = ""
    with_masters: bool = False
    algorithm: str = ""
    rehash_masters: bool = False

    def __post_init__(self) -> None:
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(f"--base-url {self.base_url}: must begin with http:// or https://")
        bare = self.rights.partition("://")[2]
        if self.rights and not bare.startswith(RIGHTS):
            known = ", ".join(one.rstrip("/") for one in RIGHTS)
            raise ConfigError(f"--rights {self.rights}: must be a URI of one of {known}")

    def check(self, form: str, takes: frozenset[str]) -> None:
        """Make sure that a form takes what is given.

        Raises:
            ConfigError: it does not.
        """
        for name in self.given():
            if name not in takes and name not in SELECTING:
                raise ConfigError(f"--{name.replace('_', '-')}: --as {form} takes no such option")

    def given(self) -> dict[str, Any]:
        """Give the options that are no defaults."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value}
