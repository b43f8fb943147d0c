"""The command for films."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from archive_colorizer.cli.exit_codes import EXIT_OK, EXIT_SOME_FAILED
from archive_colorizer.cli.options import LazyParser, SettingOptions, add_command, group_given

if TYPE_CHECKING:
    from archive_colorizer.video.config import FilmConfig


def add_video(commands: Any) -> None:  # noqa: ANN401 (argparse does not name the type)
    """Add the command `video`."""
    add_command(
        commands, "video", run_video, _fill_video,
        "colour black-and-white films",
        "archive-colorizer video reels/ colour/ --container mkv",
    )  # fmt: skip


def _fill_video(parser: LazyParser) -> None:
    from archive_colorizer.pipeline.config import (
        ColorConfig,
        OutputConfig,
        RunConfig,
        SelectConfig,
    )
    from archive_colorizer.video.config import VideoConfig

    parser.gathers = True
    add = parser.add_argument
    add("source", metavar="SOURCE", nargs="+",
        help="a film, a folder of films or of numbered frames, an s3:// prefix, or a quoted glob; "
        "the last word is OUTPUT")  # fmt: skip
    add("output", metavar="OUTPUT", help="a folder or s3:// prefix of its own")
    add("--config", metavar="FILE", help="TOML; the command line lies over it")
    group = parser.add_argument_group("what they become")
    SettingOptions(group, "video", VideoConfig).add(
        "container", "codec", "crf", "deinterlace", "steady", "fps"
    )
    SettingOptions(group, "color", ColorConfig).add(
        "model", "vividness", "proxy_px", "upsampling", "homomorphic"
    )
    SettingOptions(group, "output", OutputConfig).add("suffix")
    group = parser.add_argument_group("how it is run")
    SettingOptions(group, "select", SelectConfig).add("retry_failed", "hints")
    SettingOptions(group, "run", RunConfig).add(
        "address", "s3_endpoint", "s3_anonymous", "engine", "workers", "batch_size", "keep_model",
        "verbose", "quiet",
    )  # fmt: skip
    group = parser.add_argument_group("how they are signed (docs/marking.md)")
    SettingOptions(group, "run", RunConfig).add("c2pa", "c2pa_key", "c2pa_timestamp")


def build_film_config(args: argparse.Namespace) -> "FilmConfig":
    """Build the configuration: defaults, the file, the command line.

    Raises:
        ConfigError: a key or value that is not allowed.
    """
    from archive_colorizer.pipeline.config import JobConfig, overlay
    from archive_colorizer.settings.overlay import lay_over, read_file
    from archive_colorizer.video.config import FilmConfig, VideoConfig

    source, *further = args.source
    job = JobConfig(source=source, further=tuple(further), output=args.output)
    video = VideoConfig()
    layers: list[tuple[dict[str, Any], str]] = [(dict(group_given(args)), "command line")]
    if args.config:
        layers.insert(0, (read_file(args.config), args.config))
    for values, where in layers:
        video = lay_over(video, values.pop("video", {}), where, "video")
        job = overlay(job, values, where)
    return FilmConfig(job, video)


def run_video(args: argparse.Namespace) -> int:
    """Run `archive-colorizer video`."""
    from archive_colorizer.extras import require

    require("video", "archive-colorizer video")
    config = build_film_config(args)
    from archive_colorizer.video.job import colorize_films

    report = colorize_films(config)
    if not (config.job.run.quiet and report.is_clean):
        print(report.text(), file=sys.stderr if config.job.run.quiet else sys.stdout, flush=True)
    return EXIT_OK if report.is_clean else EXIT_SOME_FAILED
