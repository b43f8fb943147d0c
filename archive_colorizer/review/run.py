"""The command's work: open OUTPUT, take the port, let people in, serve until it is told to end."""

import getpass
import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.intent import check_signing
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.progress import LOG
from archive_colorizer.registry.connection import data_folder
from archive_colorizer.review.app import make_desk_app
from archive_colorizer.review.config import ReviewConfig
from archive_colorizer.review.desk import Desk
from archive_colorizer.storage import S3Settings, Store
from archive_colorizer.web.accounts import check_name, read_accounts
from archive_colorizer.web.application import Entrance
from archive_colorizer.web.audit import AuditLog
from archive_colorizer.web.guard import LOOPBACK, Door
from archive_colorizer.web.serve import Listener, is_loopback, listen, serve

MIN_TOKEN_CHARS: Final = 16


def review(
    store: Store,
    s3: S3Settings,
    config: ReviewConfig,
    ready: Callable[[str], None],
    signing: Mapping[str, object] | None = None,
) -> None:
    """Serve the desk until SIGINT or SIGTERM.

    Args:
        store: OUTPUT.
        s3: the way to an object store.
        config: how the desk is reached, and by whom.
        ready: is called with the address when the desk answers.
        signing: settings `c2pa`, `c2pa_key` and `c2pa_timestamp` of a job, for the derivatives that
            are made of pinned colours.

    Raises:
        UsageError: something that was given will not do.
    """
    _check_who_may_come(config)
    _check_signing(store, signing or {})
    listener = listen(config.host, config.port, config.tls_cert, config.tls_key)
    with closing(listener.sock):
        entrance = make_entrance(config, listener)
        with closing(entrance.audit):
            app = make_desk_app(_open_desk(store, s3, config, signing), entrance)
            is_open = not (config.accounts or config.token_file)
            url = f"{listener.url}?key={entrance.token}" if is_open else listener.url
            serve(app, listener, lambda: ready(url))


def _check_signing(store: Store, signing: Mapping[str, object]) -> None:
    """See that pinned pictures can be signed as the others are.

    Raises:
        ConfigError: certificate and key do not go together, or cannot be used.
    """
    job = overlay(JobConfig(source="", output=""), {"run": dict(signing)}, "review")
    check_signing(job)
    last = (read_job(store).get("config") or {}).get("run", {})
    if last.get("c2pa") and not job.run.c2pa:
        LOG.warning(
            "the last run signed its derivatives; those of pinned colours will not be signed "
            "(--c2pa, --c2pa-key)"
        )


def _open_desk(
    store: Store, s3: S3Settings, config: ReviewConfig, signing: Mapping[str, object] | None
) -> Desk:
    try:
        return Desk(store, s3, config, signing)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror or error}") from error


def _check_who_may_come(config: ReviewConfig) -> None:
    if not (is_loopback(config.host) or config.accounts or config.token_file):
        raise ConfigError(
            f"--host {config.host}: others can reach it: give --accounts or --token-file"
        )


def make_entrance(config: ReviewConfig, listener: Listener) -> Entrance:
    """Make the entrance of a desk.

    Raises:
        ConfigError: the accounts or the token cannot be read, or a name is none.
    """
    accounts = read_accounts(Path(config.accounts)) if config.accounts else {}
    token = "" if accounts else secrets.token_urlsafe(24)
    if config.token_file:
        token = _read_token(Path(config.token_file))
    name = "" if accounts else check_name(config.reviewer or _read_login_name())
    known = bool(config.accounts or config.token_file)
    hosts = frozenset() if known else LOOPBACK | {config.host.lower()}
    audit = AuditLog(Path(config.audit_log or data_folder() / "review-audit.jsonl"))
    return Entrance(Door(listener.scheme, listener.port, hosts), audit, name, token, accounts)


def _read_login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container's user may have none
        raise ConfigError("--reviewer: this user has no login name: give one") from error


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--token-file {path}: cannot be read: {error}") from error
    if len(token) < MIN_TOKEN_CHARS:
        raise ConfigError(f"--token-file {path}: has under {MIN_TOKEN_CHARS} characters")
    return token
