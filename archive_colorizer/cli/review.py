"""The command `review`: the desk at which people look at pictures and decide."""

import argparse
import getpass
import sys
import webbrowser
from pathlib import Path
from typing import Any, Final

from archive_colorizer.cli.exit_codes import EXIT_OK
from archive_colorizer.cli.job import read_s3_settings
from archive_colorizer.cli.options import LazyParser, SettingOptions, add_command, group_given
from archive_colorizer.errors import ConfigError

SECTION: Final = "review"
SIGNING: Final = ("c2pa", "c2pa_key", "c2pa_timestamp")
EXAMPLE: Final = """\
archive-colorizer review colour/ --open
archive-colorizer review --accounts people.json --add-account "Kim Minji" --role reviewer
archive-colorizer review s3://archive/colour --host 0.0.0.0 --accounts people.json \\
    --tls-cert desk.pem --tls-key desk.key"""


def add_review(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `review`."""
    text = "open the desk at which people look at the pictures in a browser and decide"
    add_command(commands, "review", run_review, _fill_review, text, EXAMPLE)


def _fill_review(parser: LazyParser) -> None:
    from archive_colorizer.pipeline.config import RunConfig
    from archive_colorizer.review.config import ReviewConfig

    parser.add_argument(
        "output", metavar="OUTPUT", nargs="?", help="a folder or s3://BUCKET/PREFIX"
    )
    parser.add_argument("--open", action="store_true", help="open the page in this user's browser")
    SettingOptions(parser, SECTION, ReviewConfig).add("reviewer", "audit_log")
    group = parser.add_argument_group("how the desk is reached")
    SettingOptions(group, SECTION, ReviewConfig).add("port", "host", "tls_cert", "tls_key")
    group = parser.add_argument_group("who may sit at it")
    SettingOptions(group, SECTION, ReviewConfig).add("accounts", "token_file")
    group.add_argument("--add-account", metavar="NAME", help="add a person to --accounts, or give "
                       "them another password, and end; the password is asked for")  # fmt: skip
    group.add_argument("--role", choices=("reviewer", "viewer"), default=None,
                       help="of --add-account: a viewer may look, not decide")  # fmt: skip
    group = parser.add_argument_group("what is put before them")
    SettingOptions(group, SECTION, ReviewConfig).add(
        "share", "seed", "double_blind", "second_look", "honeypots"
    )
    group = parser.add_argument_group("pictures")
    SettingOptions(group, SECTION, ReviewConfig).add("cache_mib", "max_megapixels")
    group = parser.add_argument_group("what is made of pinned colours")
    SettingOptions(group, "run", RunConfig).add("c2pa", "c2pa_key", "c2pa_timestamp")
    SettingOptions(parser, "run", RunConfig).add("s3_endpoint", "s3_anonymous")


def run_review(args: argparse.Namespace) -> int:
    """Run `archive-colorizer review`."""
    from archive_colorizer.extras import require
    from archive_colorizer.review.config import ReviewConfig

    require("desk", "review")
    given = group_given(args)
    said: dict[str, Any] = given.get(SECTION, {})
    config = ReviewConfig(**said)
    signing = {name: value for name, value in given.get("run", {}).items() if name in SIGNING}
    if args.add_account:
        return _add_account(config.accounts, args)
    if args.role:
        raise ConfigError("--role needs --add-account")
    if not args.output:
        raise ConfigError("review: name an OUTPUT")
    from archive_colorizer.review.run import review
    from archive_colorizer.storage import open_store

    def tell(url: str) -> None:
        print(f"review: {url}", flush=True)
        if args.open:
            webbrowser.open(url)

    s3 = read_s3_settings(args)
    review(open_store(args.output, s3), s3, config, tell, signing)
    return EXIT_OK


def _add_account(file: str, args: argparse.Namespace) -> int:
    from archive_colorizer.web.accounts import add_account

    if not file:
        raise ConfigError("--add-account needs --accounts FILE")
    if args.output:
        raise ConfigError("--add-account: no OUTPUT is wanted")
    role = args.role or "reviewer"
    add_account(Path(file), args.add_account, role, _ask_password())
    print(f"{file}: {args.add_account} is a {role}")
    return EXIT_OK


def _ask_password() -> str:
    """Ask twice at a terminal; elsewhere take a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("password: ")
    if getpass.getpass("again: ") != password:
        raise ConfigError("the two passwords differ")
    return password
