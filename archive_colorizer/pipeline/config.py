"""The settings of a colouring job: frozen, checked at birth, unknown keys refused.

A configuration file is TOML with the sections `[select]`, `[color]`, `[output]` and `[run]`; the
parameter table lies over it, and the command line over that.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal

from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.imaging.formats import Compression, Format
from archive_colorizer.imaging.homomorphic import LightFilter
from archive_colorizer.settings.kinds import (
    SENSITIVE,
    BatchSize,
    Count,
    Cutoff,
    EdgePx,
    Endpoint,
    Gain,
    Seed,
    Sharpness,
    Words,
    Workers,
)
from archive_colorizer.settings.overlay import lay_over
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.storage import S3Settings

Pages = Literal["first", "all", "reject"]
STRATA_KEYS: Final = ("collection", "folder", "format", "size", "pages", "year", "tone")
"""What a sample may be drawn by."""
MAX_MARK_CHARS: Final = 100


@settings("select")
class SelectConfig:
    """Which of the listed pages a run does. Does not change any picture."""

    include: Annotated[tuple[str, ...], Setting(repeat=True, metavar="GLOB")] = ()
    """Glob patterns on the path relative to SOURCE: only these pages. None means all. `people/` is
    all beneath that folder."""
    exclude: Annotated[tuple[str, ...], Setting(repeat=True, metavar="GLOB")] = ()
    """Glob patterns on the path relative to SOURCE: not these pages."""
    columns: Annotated[
        tuple[str, ...], Setting(repeat=True, flag="--column", metavar="TARGET=COLUMN")
    ] = ()
    """Column of an inventory that stands for one that is understood, such as uri=Dateiname."""
    encoding: Annotated[str, Setting(metavar="NAME")] = ""
    """Encoding of a CSV inventory, such as cp1250; empty finds it."""
    sheet: Annotated[str, Setting(metavar="NAME")] = ""
    """Sheet of an XLSX inventory; empty takes the first."""
    path_map: Annotated[tuple[str, ...], Setting(repeat=True, metavar="OLD=NEW")] = ()
    """Where a folder that an inventory names is on this machine, such as C:/scans=/mnt/scans."""
    exclude_list: Annotated[str, Setting(metavar="FILE")] = ""
    """File of paths, URIs or object ids that are never opened."""
    include_again: bool = False
    """Take up again pictures that were excluded once and are no longer. Without it they stay so."""
    include_withdrawn: bool = False
    """Make pictures again that were withdrawn. Without it they stay so."""
    sensitive: Words = SENSITIVE
    """Values of an inventory's `sensitivity` whose pictures are never opened."""
    allow_unmatched: bool = False
    """Go on although entries of the exclude, fixity or hints list name nothing that is listed."""
    hints: Annotated[str, Setting(metavar="FILE")] = ""
    """File of points whose colour is known: CSV with path, x, y, colour."""
    fixity: Annotated[str, Setting(metavar="FILE")] = ""
    """File of checksums that the masters must have: MD5, SHA-1, SHA-256 or SHA-512."""
    not_moved: bool = False
    """Take pictures for new ones though they have name and size of ones that are gone elsewhere."""
    pages: Pages = "first"
    """What to do with files of several pages: colour the first, colour all, or let them fail."""
    limit: Count = 0
    """At most so many pictures; 0 takes all."""
    sample: Count = 0
    """Do a pilot: so many pictures, drawn at random out of all that would be done; 0 takes all. Its
    report says what to expect of the whole."""
    sample_by: Annotated[tuple[str, ...], Setting(flag="--by", metavar="KEY,...")] = (
        "collection", "size",
    )  # fmt: skip
    """What a sample is drawn by, so that each kind has its share: collection, folder, format, size,
    pages, year, tone. A tone is known only once pictures were read: four times the sample are."""
    sample_seed: Seed = 0
    """Seed of the sample: another one draws other pictures."""
    retry_failed: bool = False
    """Do the failed pictures again."""
    redo: Annotated[Literal["off", "all", "rejected"], Setting(bare="all")] = "off"
    """Do finished pictures again: all, or those whose derivative people have rejected (`review`).
    `--redo` alone and `true` mean all."""
    ids: Annotated[str, Setting(metavar="FILE")] = ""
    """File of row ids, one a line: with `redo`, only these of its rows."""
    adopt: bool = False
    """Take the weights that the model reference names now, for finished pictures too."""
    adopt_new: bool = False
    """Take the weights that the model reference names now, for unfinished pictures alone."""

    @property
    def is_redo(self) -> bool:
        """Whether finished pictures are done again."""
        return self.redo != "off"

    def __post_init__(self) -> None:
        if self.sample and self.limit:
            raise ConfigError("select.sample: draws at random, limit takes the first: give one")
        for key in self.sample_by:
            if key not in STRATA_KEYS:
                raise ConfigError(
                    f"select.sample_by={key!r} (--by): is not known{suggest(key, STRATA_KEYS)}"
                )


@settings("color")
class ColorConfig:
    """Where the colours come from."""

    model: Annotated[str, Setting(metavar="REF", param="MODEL")] = "builtin:default"
    """Model reference: builtin:NAME, a folder, a .safetensors file or models:/NAME@champion."""
    proxy_px: Annotated[EdgePx, Setting(param="RESOL")] = 256
    """Short side of the grey proxy that the model sees."""
    vividness: Annotated[float | None, Setting(ge=0, le=1, param="VIVIDNESS")] = None
    """From safe (0) to vivid (1). Left out, the model's card decides."""
    back: bool = False
    """Two-way models: translate from the second kind of pictures to the first."""
    label: Annotated[str, Setting(flag="--class", metavar="N|NAME|auto")] = ""
    """What the pictures show, for models with classes: a number, a name, or auto, which recognises
    each picture (for ImageNet's 1,000 classes; needs the extra `pretrained`). An inventory's
    `class_id` goes before it; empty takes the mean of all classes."""
    restore: Annotated[str, Setting(metavar="REF|off")] = "auto"
    """What follows a translation: auto (builtin:restore), off, or a model that restores or
    enlarges."""
    sharpen: Sharpness = 0.0
    """Sharpening of edges after a translation and its restoration; 0 leaves it out."""
    upscale: Annotated[Literal[1, 2, 4], Setting(param="UPSCALE")] = 1
    """How many times as wide and high as its master a derivative is. A model enlarges the
    luminance."""
    upscaler: Annotated[str, Setting(metavar="REF")] = ""
    """Model that enlarges; empty takes builtin:upscale-x2 or builtin:upscale-x4."""
    upsampling: Annotated[Literal["guided", "bilinear"], Setting(param="UPSAMPLING")] = "guided"
    """How the chroma is brought from the proxy to the master's size."""
    content_box: Literal["auto", "off"] = "auto"
    """Find the print on a page with a colour target, stamp or mount, and colour it alone."""
    projection: Annotated[
        Literal["flat", "equirectangular", "auto"], Setting(param="PROJECTION")
    ] = "auto"
    """Which pictures are coloured as 360-degree panoramas, without a seam: none, those of 2:1 too,
    or those alone whose GPano metadata say that they are equirectangular."""
    homomorphic: Annotated[bool, Setting(param="HOMOMORPHIC")] = False
    """Even out illumination on what the model sees (reference system A); a picture that is coloured
    keeps its master's luminance."""
    homomorphic_low: Annotated[Gain, Setting(param="HOMOLOW")] = 0.5
    """Gain of the illumination in that filter; 1 leaves it."""
    homomorphic_high: Annotated[Gain, Setting(param="HOMOHIGH")] = 1.3
    """Gain of the reflectance in that filter; 1 leaves it."""
    homomorphic_cutoff: Annotated[Cutoff, Setting(param="HOMOCUTOFF")] = 0.03
    """Where the two part, at a short side of 256 pixels; it falls as pictures grow."""
    glare: Annotated[
        Literal["off", "flag", "repair", "repair-luminance"], Setting(param="GLARE")
    ] = "off"
    """What to do with reflections on the print: look for none, flag them, give their chroma from
    around them, or take the light itself off the luminance, too."""
    negatives: Literal["review", "invert", "off"] = "review"
    """What to do with negatives: mark them for review, deliver the positive, or look for none."""
    on_colour: Annotated[Literal["skip", "recolor"], Setting(param="ONCOLOUR")] = "skip"
    """What to do with masters that really are in colour."""

    @property
    def light_filter(self) -> LightFilter | None:
        """The homomorphic filter; None where it is off."""
        if not self.homomorphic:
            return None
        return LightFilter(self.homomorphic_low, self.homomorphic_high, self.homomorphic_cutoff)


@settings("output")
class OutputConfig:
    """What the derivatives are."""

    format: Annotated[Format, Setting(param="FORMAT")] = "jpeg"
    """File format of the derivatives."""
    quality: Annotated[int, Setting(ge=1, le=100, param="QUALITY")] = 90
    """JPEG and WebP quality."""
    bits: Literal[0, 8, 16] = 0
    """Bits a sample for PNG and TIFF; 0 follows the master."""
    lossless: bool = False
    """WebP alone: give back every pixel as it was composed; the files are several times larger."""
    tiles: Compression = "deflate"
    """How the tiles of a pyramidal TIFF (ptif) are compressed: without loss, or as JPEG."""
    access_px: Annotated[int, Setting(ge=0, le=65500, unit="px", flag="--access")] = 0
    """A further file of each derivative, under OUTPUT/access: a JPEG whose longest side has so many
    pixels; 0 makes none."""
    reversible: bool = False
    """Keep the luminance of grey JPEG masters coefficient by coefficient, and their orientation, so
    that the colour can be taken off again (`export --as master`). Other masters are coloured in the
    normal way and flagged. Needs JPEG and a model that colours."""
    suffix: Annotated[str, Setting(metavar="TEXT")] = ".colorized"
    """Goes before the extension, so that nobody takes a derivative for a master."""
    name_by: Literal["path", "object_id"] = "path"
    """What derivatives are named after: the master's path below SOURCE, or the inventory's
    `object_id` where it has one. Pages that have a row keep their name."""
    publish_paths: bool = False
    """Write the master's full path into its derivative; left out, its path below SOURCE alone."""
    mark: Literal["off", "corner", "strip"] = "off"
    """A second file of each derivative, under OUTPUT/marked, that says in words that a machine
    made the colours: in a corner, or on a strip below the picture."""
    mark_text: Annotated[str, Setting(metavar="en|ko|TEXT")] = "en"
    """Words of the mark: English, Korean, or a text of your own. Letters beyond ASCII need the
    extra `marks`."""
    watermark: Literal["on", "off"] = "on"
    """Put an imperceptible mark with the run's number into the chroma; `inspect` reads it."""

    def __post_init__(self) -> None:
        if not self.suffix or set(self.suffix) & set("/\\\0"):
            raise ConfigError(
                f"output.suffix={self.suffix!r}: must be non-empty and without slashes"
            )
        self._check_form()
        text = self.mark_text
        if not text.strip() or len(text) > MAX_MARK_CHARS or not text.isprintable():
            longest = f"at most {MAX_MARK_CHARS} characters"
            raise ConfigError(f"output.mark_text={text!r}: must be one line of {longest}")
        if self.format != "jpeg" and self.reversible:
            raise ConfigError(f"output.reversible: {self.format} has no such form; use JPEG")

    def _check_form(self) -> None:
        """Refuse what a format does not have."""
        if self.bits == 16 and (self.format in ("jpeg", "webp") or self.tiles == "jpeg"):
            name = "WebP" if self.format == "webp" else "JPEG"
            raise ConfigError(f"output.bits=16: {name} has 8 bits; use --format tiff or png")
        if self.lossless and self.format != "webp":
            raise ConfigError(f"output.lossless: {self.format} has no such form; use --format webp")
        if self.tiles != "deflate" and self.format != "ptif":
            raise ConfigError(
                f"output.tiles={self.tiles}: {self.format} has none; use --format ptif"
            )


@settings("run")
class RunConfig:
    """How a job is run. Does not change any picture."""

    engine: Literal["auto", "ray", "local"] = "auto"
    """What carries the job out: Ray, a plain loop in this process (local), or whichever suits
    (auto). Auto takes the loop for at most 64 pictures of at most 256 MiB without a cluster."""
    address: Annotated[str, Setting(metavar="ADDRESS")] = ""
    """Address of a running Ray cluster; empty starts one inside this process."""
    s3_endpoint: Endpoint = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    s3_anonymous: bool = False
    """Sign nothing: for public buckets."""
    workers: Workers = 0
    """CPU actors; 0 means one a core."""
    batch_size: BatchSize = 16
    """Pictures in one model batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the model; auto takes bfloat16 where the device is quick at it."""
    cuda_graphs: Literal["auto", "off"] = "auto"
    """Record small model batches that come again and again as CUDA graphs, on a GPU."""
    gpu_resource: str = "GPU"
    """Ray resource that a model actor asks for; another name lets CPUs play the GPU's part."""
    c2pa: Annotated[str, Setting(metavar="CERT")] = ""
    """Sign every derivative by C2PA: PEM file of the certificate and its chain, at the same path on
    every machine that delivers. Finished pictures stay as they are."""
    c2pa_key: Annotated[str, Setting(metavar="KEY")] = ""
    """PEM file of the certificate's key; a password is in ARCHIVE_COLORIZER_C2PA_PASSWORD."""
    c2pa_timestamp: Annotated[str, Setting(metavar="URL")] = ""
    """Timestamp authority (RFC 3161) that is asked for each signature; empty asks none."""
    max_megapixels: Annotated[float, Setting(gt=0, unit="MP")] = 400.0
    """Larger masters fail as too_large before they are decoded."""
    inline_mib: Annotated[float, Setting(ge=0, unit="MiB")] = 32.0
    """Larger files do not travel between actors but are read again."""
    keep_model: Literal["on", "off"] = "on"
    """Keep a copy of the model's weights in OUTPUT, for later runs."""
    recheck_masters: bool = False
    """Hash the masters again at the job's end."""
    max_program_errors: Count = 50
    """So many pictures in a row that end in an error of the program end the job."""
    require_cleared_weights: bool = False
    """Refuse models whose training pictures' rights are not cleared."""
    report: Literal["on", "off"] = "on"
    """Keep thumbnails, and write OUTPUT/report at the end of the run."""
    max_failed: Annotated[str, Setting(metavar="N|P%")] = "0"
    """So many failed pictures, or such a share of the listed ones, still leave exit code 0."""
    follow: bool = False
    """Go on for pictures that come into SOURCE, until `until` or an interrupt."""
    follow_every_s: Annotated[float, Setting(ge=1, le=86400, unit="s")] = 30.0
    """Time from one look at SOURCE to the next."""
    settle_s: Annotated[float, Setting(ge=0, le=86400, unit="s")] = 30.0
    """With `follow`: files that were changed later than this ago are still being copied."""
    until: Annotated[str, Setting(metavar="HH:MM")] = ""
    """Take no further batch from this time of this machine's clock on (or YYYY-MM-DDTHH:MM)."""
    on_end: Annotated[str, Setting(metavar="URL|COMMAND")] = ""
    """Who is told of the end, as JSON: an http(s) URL by POST, or a command on standard input."""
    watermark_key: Annotated[str, Setting(metavar="FILE")] = ""
    """File whose bytes are the key of the imperceptible mark, at the same path on every machine
    that delivers. Empty takes the published one, with which anybody can read it."""
    audit: bool = False
    """Measure the quality columns at full size."""
    verbose: bool = False
    """Print Ray's own messages too."""
    quiet: bool = False
    """Print nothing but errors."""

    def __post_init__(self) -> None:
        self.count_allowed(0)
        if bool(self.c2pa) != bool(self.c2pa_key):
            raise ConfigError("run.c2pa: --c2pa CERT and --c2pa-key KEY go together")
        if self.c2pa_timestamp and not self.c2pa:
            raise ConfigError("run.c2pa_timestamp: needs --c2pa and --c2pa-key")

    @property
    def s3(self) -> S3Settings:
        """The way to object stores, for whatever opens one."""
        return S3Settings(endpoint=self.s3_endpoint, anonymous=self.s3_anonymous)

    def count_allowed(self, listed: int) -> int:
        """Compute how many of so many listed pictures may fail (`max_failed`).

        Raises:
            ConfigError: it is neither a number nor a percentage.
        """
        found = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)(%?)", self.max_failed.strip())
        if not found or ("." in found[1] and not found[2]) or (found[2] and float(found[1]) > 100):
            raise ConfigError(
                f"run.max_failed={self.max_failed!r}: must be a number or a percentage: 20 or 0.5%"
            )
        return math.floor(float(found[1]) * listed / 100) if found[2] else int(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """The whole configuration of `colorize`."""

    source: str
    output: str
    further: tuple[str, ...] = ()
    """Further SOURCEs."""
    table: str = ""
    """Parameter table and category that lie in the settings below, for the record."""
    select: SelectConfig = field(default_factory=SelectConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    deliver: OutputConfig = field(default_factory=OutputConfig)
    run: RunConfig = field(default_factory=RunConfig)
    given: tuple[str, ...] = ()
    """Settings that somebody named (section.key), even where they named the default."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every SOURCE, as it was written."""
        return (self.source, *self.further)

    def is_given(self, section: str, key: str) -> bool:
        """Whether a setting was named; one that is not at its default must have been."""
        values = getattr(self, SECTIONS[section])
        return f"{section}.{key}" in self.given or getattr(values, key) != getattr(
            type(values)(), key
        )


SECTIONS: Final[Mapping[str, str]] = {
    "select": "select",
    "color": "color",
    "output": "deliver",
    "run": "run",
}
"""Section of a configuration file -> field of JobConfig."""


def overlay(config: JobConfig, values: Mapping[str, object], where: str) -> JobConfig:
    """Lay the sections of one mapping (a file, the command line, a parameter table) over a config.

    Raises:
        ConfigError: as `lay_over`; also an unknown section.
    """
    changes: dict[str, Any] = {}
    given = set(config.given)
    for name, entries in values.items():
        if name not in SECTIONS or not isinstance(entries, Mapping):
            raise ConfigError(f"{where}: unknown section {name!r}{suggest(name, SECTIONS)}")
        attribute = SECTIONS[name]
        changes[attribute] = lay_over(getattr(config, attribute), entries, where, name)
        given |= {f"{name}.{key}" for key in entries}
    return replace(config, **changes, given=tuple(sorted(given)))
