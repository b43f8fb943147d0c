"""The settings of `review`: frozen, checked at birth."""

from typing import Annotated

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.schema import Setting, settings


@settings("review")
class ReviewConfig:
    """How the desk is reached, who may sit at it, and what is put before them."""

    port: Annotated[int, Setting(ge=0, le=65535)] = 8321
    """Port that the desk answers at; 0 takes a free one."""
    host: Annotated[str, Setting(metavar="HOST")] = "127.0.0.1"
    """Name or address of this machine that the desk answers at. Others than this machine's own
    need --accounts or --token-file."""
    tls_cert: Annotated[str, Setting(metavar="FILE")] = ""
    """Certificate chain, PEM: the desk answers by https."""
    tls_key: Annotated[str, Setting(metavar="FILE")] = ""
    """The certificate's private key, PEM."""
    accounts: Annotated[str, Setting(metavar="FILE")] = ""
    """Accounts that --add-account wrote: everybody logs in with name and password."""
    token_file: Annotated[str, Setting(metavar="FILE")] = ""
    """File with one secret of 16 characters or more: whoever has it is --reviewer."""
    reviewer: Annotated[str, Setting(metavar="NAME")] = ""
    """Name of who decides where nobody logs in with a name. Left out, the login name."""
    share: Annotated[float, Setting(gt=0, le=1)] = 0.1
    """Share of the coloured pictures that is drawn for the sample, at least 10 pictures."""
    seed: Annotated[str, Setting(metavar="TEXT")] = ""
    """Draws the sample, the honeypots' places and the second looks."""
    double_blind: bool = False
    """Give a part of the pictures that one person judged to another, who never sees the first
    verdict."""
    second_look: Annotated[float, Setting(gt=0, le=1)] = 0.2
    """Share of judged pictures that --double-blind gives to another person."""
    honeypots: Annotated[str, Setting(metavar="FILE")] = ""
    """CSV of pictures whose verdict is known (derivative_sha256 or path, and verdict), which are
    mixed into the sample unseen."""
    audit_log: Annotated[str, Setting(metavar="FILE")] = ""
    """Where is written who did what, when and from where. Left out, a file of this user's data
    folder."""
    cache_mib: Annotated[int, Setting(ge=64, unit="MiB")] = 4096
    """Bytes of pictures that are kept on this machine's disk."""
    max_megapixels: Annotated[float, Setting(gt=0, unit="megapixels")] = 400.0
    """Larger pictures are not decoded."""

    def __post_init__(self) -> None:
        if self.accounts and self.token_file:
            raise ConfigError("--accounts and --token-file: one of them is enough")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("--tls-cert and --tls-key go together")
