"""The command `export`: what OUTPUT holds, in another form."""

import argparse
from pathlib import Path
from typing import Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.job import fill_store, read_s3_settings
from archive_colorizer.cli.options import add_command
from archive_colorizer.errors import ConfigError


def add_export(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `export`."""
    add_command(
        commands, "export", run_export, _fill_export,
        "give what OUTPUT holds in another form: for archives, viewers and offices",
        "archive-colorizer export colour/ bag/ --as bagit --only approved",
    )  # fmt: skip


def _fill_export(parser: argparse.ArgumentParser) -> None:
    from archive_colorizer.exports.options import ALGORITHMS, BASE_URL, LANGUAGES
    from archive_colorizer.exports.table import FORMS

    fill_store(parser)
    add = parser.add_argument
    add("destination", metavar="DEST", help="a folder or s3:// prefix outside of OUTPUT and SOURCE")
    forms = "; ".join(f"{name}: {form.text}" for name, form in FORMS.items())
    add("--as", dest="form", required=True, choices=tuple(FORMS), help=forms)
    which = parser.add_argument_group("which pictures")
    which.add_argument("--only", choices=("approved",), default="",
        help="those that people approved, and nobody rejected")  # fmt: skip
    which.add_argument("--collection", dest="collections", action="append", metavar="NAME",
        default=[], help="those of a collection; may be given more than once")  # fmt: skip
    which.add_argument("--ids", metavar="FILE", default="",
        help="those that FILE names: row ids, object ids or paths, one a line")  # fmt: skip
    more = parser.add_argument_group("of single forms")
    more.add_argument("--per", choices=("picture", "collection"), default="",
        help="premis: one file a picture (the default), or pieces of each collection")  # fmt: skip
    more.add_argument("--base-url", default="", metavar="URL",
        help=f"iiif: where DEST will be on the web (default {BASE_URL})")  # fmt: skip
    more.add_argument("--tiles", action="store_true",
        help="iiif: tiles too, for deep zoom at full size")  # fmt: skip
    more.add_argument("--rights", default="", metavar="URI",
        help="iiif: rights statement, of creativecommons.org or rightsstatements.org")  # fmt: skip
    more.add_argument("--with-masters", action="store_true", help="bagit: masters too")
    more.add_argument("--language", choices=LANGUAGES, default="", help="csv, xlsx: of the words")
    more.add_argument("--algorithm", choices=ALGORITHMS, default="",
        help="sums: of which kind (default sha256)")  # fmt: skip
    more.add_argument("--rehash-masters", action="store_true",
        help="sums: read the masters, too, and compare them with their rows")  # fmt: skip


def run_export(args: argparse.Namespace) -> int:
    """Run `archive-colorizer export`."""
    from archive_colorizer.exports.options import ExportOptions
    from archive_colorizer.exports.run import export
    from archive_colorizer.storage import open_store

    s3 = read_s3_settings(args)
    options = ExportOptions(
        only=args.only, collections=tuple(args.collections), ids=_read_ids(args.ids),
        language=args.language, base_url=args.base_url, tiles=args.tiles, rights=args.rights,
        per=args.per, with_masters=args.with_masters, algorithm=args.algorithm,
        rehash_masters=args.rehash_masters,
    )  # fmt: skip
    source, destination = open_store(args.output, s3), open_store(args.destination, s3)
    tally = export(source, destination, args.form, options, s3)
    print(tally.text())
    return EXIT_SOME_FAILED if tally.problems else EXIT_OK


def _read_ids(path: str) -> tuple[str, ...]:
    """Read a file of ids, one a line.

    Raises:
        ConfigError: it cannot be read, or has none.
    """
    if not path:
        return ()
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--ids {path}: cannot be read: {error}") from error
    ids = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise ConfigError(f"--ids {path}: names nothing")
    return ids
