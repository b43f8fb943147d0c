"""The commands: parse, build a config, call. No logic lives here."""

import argparse
import contextlib
import logging
import os
import select
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from archive_colorizer import __version__
from archive_colorizer.cli.models import MODELS_EXAMPLE, models, models_options
from archive_colorizer.cli.train import (
    DATA_EXAMPLE,
    TRAIN_EXAMPLE,
    data,
    data_options,
    given,
    train,
    train_options,
)
from archive_colorizer.errors import ConfigError, UsageError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.settings.overlay import read_file

if TYPE_CHECKING:
    from archive_colorizer.storage import Store

EXIT_OK, EXIT_BROKEN, EXIT_USAGE, EXIT_SOME_FAILED = 0, 1, 2, 3
EXIT_INTERRUPTED: Final = 130
EXIT_READER_LEFT: Final = 141

EXIT_CODES: Final = """\
exit codes: 0 all done; 1 the program broke; 2 bad usage, configuration or location;
3 finished, but some pictures failed (the manifest names them)"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # here, not at the interpreter's end, where nobody can catch it
    except BrokenPipeError:
        if not _reader_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_LEFT


def _reader_left() -> bool:
    """Whether it is standard output that broke, as by `| head`, and not a connection."""
    poll = select.poll()
    poll.register(sys.stdout, select.POLLOUT)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _run(argv: Sequence[str] | None) -> int:
    """Parse and call; what the user can mend is one line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("PIL", "tifffile", "matplotlib", "boto3", "botocore", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    args = build_parser().parse_args(argv)
    with contextlib.suppress(ValueError):  # not in the main thread: whoever calls has the signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except UsageError as error:
        print(f"archive-colorizer: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        how = "with --resume the same command" if command is train else "the same command"
        print(f"archive-colorizer: interrupted; {how} goes on later", file=sys.stderr)
        return EXIT_INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="archive-colorizer",
        description="Colours whole black-and-white photo archives, and writes down what it did.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_colorize(commands)
    _add_status(commands)
    _add_verify(commands)
    _add_evaluate(commands)
    train_options(
        _command(
            commands,
            "train",
            train,
            "train a model family on colour photographs or pairs, resumable",
            TRAIN_EXAMPLE,
        )
    )
    text = "look at training pictures, leave out grey ones, make pairs"
    data_options(_command(commands, "data", data, text, DATA_EXAMPLE))
    text = "import public checkpoints; register, promote and roll back models"
    models_options(_command(commands, "models", models, text, MODELS_EXAMPLE))
    return parser


def _command(
    commands: Any,  # noqa: ANN401 (argparse does not name the type of its sub-parsers)
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n{textwrap.indent(example, '  ')}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    return parser


def _add_colorize(commands: Any) -> None:  # noqa: ANN401
    parser = _command(
        commands,
        "colorize",
        _colorize,
        "colour every photograph of a folder or an inventory",
        "archive-colorizer colorize scans/ colour/ --exclude 'drafts/*' --format jpeg",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder, an s3:// prefix, a picture, a .csv or a .parquet",
    )
    parser.add_argument("output", metavar="OUTPUT", help="a folder or s3:// prefix of its own")
    parser.add_argument("--config", metavar="FILE", help="TOML; the command line lies over it")
    parser.add_argument("--params", metavar="TABLE", help="parameter table, .csv or .parquet")
    parser.add_argument("--category", metavar="NAME", help="of the parameter table")
    _select_options(parser.add_argument_group("which pictures"))
    _color_options(parser.add_argument_group("what they become"))
    _run_options(parser.add_argument_group("how it is run"))


def _select_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--include", action="append", metavar="GLOB", dest="select.include", help="only these")
    add("--exclude", action="append", metavar="GLOB", dest="select.exclude", help="not these")
    add("--exclude-list", metavar="FILE", dest="select.exclude_list", help="never open these")
    add("--hints", metavar="FILE", dest="select.hints",
        help="points of known colour: CSV with path, x, y, colour")  # fmt: skip
    add("--fixity", metavar="FILE", dest="select.fixity", help="SHA-256 the masters must have")
    add("--limit", type=int, metavar="N", dest="select.limit", help="at most N pictures")
    add("--retry-failed", action="store_true", default=None, dest="select.retry_failed",
        help="do the failed ones again")  # fmt: skip
    add("--redo", action="store_true", default=None, dest="select.redo", help="do all again")


def _color_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", metavar="REF", dest="color.model",
        help="builtin:NAME, a folder, a .safetensors file or models:/NAME@champion")  # fmt: skip
    add("--vividness", type=float, metavar="0..1", dest="color.vividness", help="safe to vivid")
    add("--proxy-px", type=int, metavar="PX", dest="color.proxy_px",
        help="short side of what the model sees")  # fmt: skip
    add("--back", action="store_true", default=None, dest="color.back",
        help="two-way models: from the second kind of pictures to the first")  # fmt: skip
    add("--class", metavar="N|NAME", dest="color.label",
        help="what the pictures show, for models with classes")  # fmt: skip
    add("--restore", metavar="REF|off", dest="color.restore",
        help="what restores a translation; auto, the default, is builtin:restore")  # fmt: skip
    add("--sharpen", type=float, metavar="0..3", dest="color.sharpen",
        help="edges of a translation, after its restoration")  # fmt: skip
    add("--upscale", type=int, choices=(1, 2, 4), dest="color.upscale",
        help="times as wide and high as the master, by a model")  # fmt: skip
    add("--upscaler", metavar="REF", dest="color.upscaler",
        help="that model; builtin:upscale-x2 or -x4")  # fmt: skip
    add("--upsampling", choices=("guided", "bilinear"), dest="color.upsampling",
        help="how colour is brought to full size")  # fmt: skip
    add("--on-colour", choices=("skip", "recolor"), dest="color.on_colour",
        help="masters that are in colour")  # fmt: skip
    add(
        "--format", choices=("jpeg", "png", "tiff"), dest="output.format", help="of the derivatives"
    )
    add("--quality", type=int, metavar="1..100", dest="output.quality", help="of JPEG")
    add("--bits", type=int, choices=(8, 16), dest="output.bits", help="of PNG and TIFF")
    add("--suffix", metavar="TEXT", dest="output.suffix", help="before the extension")


def _run_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--dry-run", action="store_true", help="say what would be done, and stop")
    add("--address", metavar="ADDRESS", dest="run.address", help="of a running Ray cluster")
    add("--s3-endpoint", metavar="URL", dest="run.s3_endpoint", help="of an S3-compatible store")
    add("--s3-anonymous", action="store_true", default=None, dest="run.s3_anonymous",
        help="sign nothing: for public buckets")  # fmt: skip
    add("--engine", choices=("ray", "local"), dest="run.engine",
        help="local: a plain loop in this process")  # fmt: skip
    add("--workers", type=int, metavar="N", dest="run.workers", help="CPU actors; one a core")
    add("--batch-size", type=int, metavar="N", dest="run.batch_size", help="pictures a model batch")
    add("--max-megapixels", type=float, metavar="MP", dest="run.max_megapixels",
        help="larger masters fail as too_large")  # fmt: skip
    add("--require-cleared-weights", action="store_true", default=None,
        dest="run.require_cleared_weights",
        help="refuse models trained on pictures whose rights are not cleared")  # fmt: skip
    add("--audit", action="store_true", default=None, dest="run.audit",
        help="measure quality at full size")  # fmt: skip
    add(
        "--verbose",
        action="store_true",
        default=None,
        dest="run.verbose",
        help="Ray's own words too",
    )


def job_config(args: argparse.Namespace) -> JobConfig:
    """The job's configuration: defaults, the file, the parameter table, the command line.

    Raises:
        ConfigError: a key or value that is not allowed.
    """
    config = JobConfig(source=args.source, output=args.output)
    if args.config:
        config = overlay(config, read_file(args.config), args.config)
    if args.params:
        from archive_colorizer.settings.parameter_table import for_colorizing

        table = for_colorizing(args.params, args.category or "")
        config = overlay(config, table, args.params)
        config = replace(config, table=f"{args.params} {args.category or 'COMMON'}")
    elif args.category:
        raise ConfigError("--category needs --params")
    return overlay(config, given(args), "command line")


def _colorize(args: argparse.Namespace) -> int:
    config = job_config(args)
    from archive_colorizer.pipeline.run import colorize, preview

    if args.dry_run:
        print(preview(config).text())
        return EXIT_OK
    report = colorize(config)
    print(report.text())
    return EXIT_SOME_FAILED if report.failed else EXIT_OK


def _add_status(commands: Any) -> None:  # noqa: ANN401
    parser = _command(
        commands,
        "status",
        _status,
        "how far a job is: counts by status and error class, speed, what is left",
        "archive-colorizer status colour/",
    )
    _store_options(parser)


def _store_options(parser: argparse.ArgumentParser) -> None:
    """Of a command that looks into an OUTPUT."""
    parser.add_argument("output", metavar="OUTPUT", help="a folder or s3://BUCKET/PREFIX")
    parser.add_argument("--s3-endpoint", metavar="URL", default="",
        help="of an S3-compatible store")  # fmt: skip
    parser.add_argument("--s3-anonymous", action="store_true", help="sign nothing")


def _opened(args: argparse.Namespace) -> "Store":
    from archive_colorizer.storage import S3Settings, configure, open_store

    configure(S3Settings(endpoint=args.s3_endpoint, anonymous=args.s3_anonymous))
    return open_store(args.output)


def _status(args: argparse.Namespace) -> int:
    from archive_colorizer.pipeline.output.status import summarize

    print(summarize(_opened(args)).text())
    return EXIT_OK


def _add_verify(commands: Any) -> None:  # noqa: ANN401
    parser = _command(
        commands,
        "verify",
        _verify,
        "re-hash masters and derivatives against the manifest",
        "archive-colorizer verify colour/",
    )
    _store_options(parser)


def _verify(args: argparse.Namespace) -> int:
    from archive_colorizer.pipeline.output.verify import verify

    report = verify(_opened(args))
    print(report.text())
    return EXIT_SOME_FAILED if report.findings else EXIT_OK


def _add_evaluate(commands: Any) -> None:  # noqa: ANN401
    parser = _command(
        commands,
        "evaluate",
        _evaluate,
        "compare models, and leaving the pictures grey, on the same colour photographs",
        "archive-colorizer evaluate photos/ --model builtin:default --model runs/mine/model",
    )
    add = parser.add_argument
    add(
        "data", metavar="DATA", help="a folder of colour photographs or of pairs, or Parquet shards"
    )
    add("--model", metavar="REF", action="append", required=True, dest="models",
        help="may be given more than once")  # fmt: skip
    add("--output", metavar="FOLDER", help="for report.md, report.json and sheet.png")
    add("--layout", choices=("auto", "photos", "two-folders", "side-by-side", "lab"),
        help="of DATA")  # fmt: skip
    add("--size", type=int, metavar="PX", help="edge of the square that is compared")
    add("--limit", type=int, metavar="N", help="at most N pictures; 0 takes all")
    add("--seed", type=int, help="draws the pictures")
    add("--vividness", type=float, action="append", metavar="0..1",
        help="may be given more than once: every model at each")  # fmt: skip
    add("--hint-points", type=int, metavar="N", help="also told N points of the true colours")
    add(
        "--worn",
        action="store_true",
        default=None,
        help="also as old photographs are; restoring: with grain and scratches",
    )
    add("--device", help="auto, cpu or cuda")
    add("--jpeg", type=int, metavar="Q", help="enlarging, restoring: quality of what is given")
    add("--sharpen", type=float, metavar="0..3",
        help="enlarging, restoring: each model also with sharpened edges")  # fmt: skip
    add("--inception", metavar="FILE", help="Inception-v3 weights, for KID and FID")
    add("--lpips-backbone", metavar="FILE", help="AlexNet or VGG16 weights, for LPIPS")
    add("--lpips-heads", metavar="FILE", help="the learned weights that go with them")


def _evaluate(args: argparse.Namespace) -> int:
    from archive_colorizer.evaluation.config import EvaluationConfig
    from archive_colorizer.evaluation.run import evaluate

    said = {name: value for name, value in vars(args).items() if value is not None}
    del said["command"]
    said |= {name: tuple(said[name]) for name in ("models", "vividness") if name in said}
    report = evaluate(EvaluationConfig(**said))
    print(report.text())
    return EXIT_OK
