"""Accounts: who may look and who may decide, in a file of names, roles and argon2 hashes."""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from archive_colorizer.errors import ConfigError
from archive_colorizer.storage.atomic import atomic_path

REVIEWER: Final = "reviewer"
VIEWER: Final = "viewer"
ROLES: Final = (REVIEWER, VIEWER)
NAME: Final = re.compile(r"[^\W_][\w.@ -]{0,63}")
"""Letters of any script, digits, and what mail addresses and full names have besides."""
MIN_PASSWORD_CHARS: Final = 10
MAX_PASSWORD_CHARS: Final = 1024
HASHES_AT_ONCE: Final = 2
"""Each takes 64 MiB."""
_HASHER: Final = PasswordHasher()
_UNKNOWN: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$0FDYEEJGX6uhHip+iaaPzQ$"
    "imPOqc52BjQwtZZgS9kEJZpf7/Ii47UYKVE+oi6Yuec"
)
"""A name that is not known takes as long as one that is."""
_AT_ONCE: Final = threading.BoundedSemaphore(HASHES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account."""

    name: str
    role: str
    password_hash: str


def check_name(name: str) -> str:
    """Give a person's name back, if it is one.

    Raises:
        ConfigError: it has characters that no name has, or too many.
    """
    if not NAME.fullmatch(name) or name != name.strip():
        raise ConfigError(f"{name[:80]!r}: is no name of a person: letters, digits and . @ - _")
    return name


def read_accounts(path: Path) -> Mapping[str, Account]:
    """Read an accounts file.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))["accounts"]
        return {name: _read_account(name, one) for name, one in said.items()}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: is no accounts file (review --add-account makes one)"
        ) from error


def _read_account(name: str, said: Mapping[str, Any]) -> Account:
    account = Account(check_name(name), str(said["role"]), str(said["password"]))
    if account.role not in ROLES:
        raise ValueError(account.role)
    return account


def add_account(path: Path, name: str, role: str, password: str) -> None:
    """Add an account to a file, or give an account another role and password.

    The file is made where there is none; only its owner can read it.

    Raises:
        ConfigError: the name or the password will not do, or the file cannot be written.
    """
    check_name(name)
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise ConfigError(f"a password must have at least {MIN_PASSWORD_CHARS} characters")
    known = dict(read_accounts(path)) if path.exists() else {}
    known[name] = Account(name, role, _HASHER.hash(password))
    said = {one.name: {"role": one.role, "password": one.password_hash} for one in known.values()}
    text = json.dumps({"accounts": said}, indent=2, ensure_ascii=False)
    try:
        with atomic_path(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def check_password(accounts: Mapping[str, Account], name: str, password: str) -> Account | None:
    """Give the account of a name and password; None where they are none's."""
    account = accounts.get(name)
    known = account.password_hash if account else _UNKNOWN
    with _AT_ONCE:
        try:
            _HASHER.verify(known, password[:MAX_PASSWORD_CHARS])
        except (VerificationError, InvalidHashError):
            return None
    return account
