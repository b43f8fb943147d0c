"""A whole job, as `archive-colorizer colorize` runs it, from Python."""

import os

from archive_colorizer.api.settings import lay_keywords
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.report import JobReport
from archive_colorizer.pipeline.standing_job import run_job


def colorize(
    source: str | os.PathLike[str], output: str | os.PathLike[str], **settings: object
) -> JobReport:
    """Colour what SOURCE names into OUTPUT; every listed page gets its manifest row.

    The same job as the command's: run again, it does only what is missing.

    Args:
        source: a folder, an `s3://` prefix, one picture, or an inventory (.csv, .parquet).
        output: a folder or `s3://` prefix of its own.
        settings: of a job, by their names in docs/reference/settings.md (sections `select`,
            `color`, `output` and `run`): `model="builtin:default"`, `format="png"`,
            `engine="local"`, `include=["maps/*"]`.

    Returns:
        The numbers of the run: `ok`, `skipped`, `failed`, `errors` by class, `is_clean`; `text()`
        writes them for people.

    Raises:
        ConfigError: an unknown setting (the message suggests the nearest), or a wrong value.
        UsageError: SOURCE, OUTPUT, the model or a list is not usable. Nothing was done.
        BrokenProgramError: the program itself fails on picture after picture.
    """
    config = JobConfig(source=os.fspath(source), output=os.fspath(output))
    return run_job(lay_keywords(config, settings, "colorize()"))
