"""Settings of a training run beside its pictures: how they are fed, how long it learns, where.

Loads no torch, so that `train --help` is quick.
"""

from typing import Annotated, Literal

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.kinds import Count, EdgePx, Endpoint, Seed, Share
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.storage.settings import S3Settings
from archive_colorizer.weights.card import NOT_STATED, Rights


@settings("feed")
class FeedConfig:
    """How training pictures are cut and worn."""

    crop_px: Annotated[EdgePx, Setting(param="RESOL")] = 256
    """Edge of what the network sees."""
    zoom: Annotated[float, Setting(gt=0, le=1, param="ZOOM")] = 0.7
    """Crops have from this share of the short side up to all of it: scale jitter."""
    aspect: Share = 0.0
    """Crops are stretched: the logarithm of height over width is up to this much, either way."""
    batch_size: Annotated[int, Setting(ge=1, le=65536, param="BATCH")] = 1
    """Samples in a batch of all workers together."""
    place: Literal["auto", "host", "device"] = "auto"
    """Where samples are drawn: on the host, picture by picture, or on the device, where all
    photographs are then kept decoded. auto: on a GPU, if the recipe can and the data allow it."""
    sizes_px: tuple[EdgePx, ...] = ()
    """Edges of crops in turn, step by step, instead of `crop_px`; batches change with them so that
    they hold as many pixels. With place=device."""
    flip: Annotated[bool, Setting(param="FLIP")] = True
    """Mirror half of the samples."""
    saturation: Annotated[float, Setting(ge=0, lt=1, param="SATURATION")] = 0.0
    """Saturation of the colours is multiplied by 1 - s to 1 + s, luma kept."""
    degrade_share: Annotated[Share, Setting(param="DEGRADE")] = 0.0
    """Share of the grey sources that are worn as old photographs are; of what is restored or
    enlarged, the share with grain and scratches."""


@settings("loop")
class LoopConfig:
    """How long and how to train."""

    steps: Annotated[int, Setting(ge=0, le=10**9, param="STEPS")] = 0
    """Stop after so many steps. One of steps, epochs and minutes is given."""
    epochs: Annotated[float, Setting(ge=0, le=10**6, param="EPOCHS")] = 0.0
    """Stop after so many passes over the training pictures."""
    minutes: Annotated[float, Setting(ge=0, le=10**6, unit="min", param="MINUTES")] = 0.0
    """Wall-clock budget, over all resumed parts."""
    epoch_steps: Count = 0
    """Steps from one validation to the next; 0 takes one pass over the training pictures."""
    lr: Annotated[float, Setting(gt=0, le=10, param="LR")] = 1e-3
    """Learning rate at its highest."""
    warmup_steps: Count = 200
    """Steps in which the learning rate rises to `lr`."""
    warmup_share: Annotated[float, Setting(gt=0, le=1)] = 0.1
    """Share of the budget after which the learning rate is at `lr` at the latest."""
    final_lr: Annotated[float, Setting(gt=0, le=1)] = 0.01
    """Share of `lr` that the schedule ends at."""
    schedule: Literal["cosine", "linear", "step"] = "cosine"
    """How the learning rate falls. linear: constant over the first half of the budget, then down in
    a line. step: times `step_factor` after every `step_epochs` epochs."""
    step_epochs: Annotated[int, Setting(ge=1)] = 20
    """Epochs between two falls of the schedule `step`."""
    step_factor: Annotated[float, Setting(gt=0, le=1)] = 0.5
    """Factor of each fall of the schedule `step`."""
    ema: Annotated[float, Setting(ge=0, lt=1)] = 0.999
    """Decay of the exponential moving average of the weights, which is what is kept."""
    seed: Annotated[Seed, Setting(param="SEED")] = 0
    """Draws samples and first weights."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the shared forward and the losses. auto: bfloat16 where the hardware multiplies
    it natively (elsewhere it is ten times slower), else float32."""
    checkpoint_minutes: Annotated[float, Setting(ge=0, unit="min")] = 3.0
    """Time from one checkpoint to the next."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.steps, self.epochs, self.minutes))) != 1:
            raise ConfigError("loop: give one of steps, epochs and minutes")


@settings("run")
class TrainRunConfig:
    """How and where a run is carried out. Does not change what is learned, but for `init`."""

    engine: Literal["ray", "local"] = "ray"
    """What carries it out: Ray, or a plain loop in this process (local, or inline)."""
    address: Annotated[str, Setting(metavar="ADDRESS")] = ""
    """Address of a running Ray cluster; empty starts one inside this process."""
    s3_endpoint: Endpoint = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    s3_anonymous: bool = False
    """Sign nothing: for public buckets."""
    workers: Annotated[int, Setting(ge=1, le=1024)] = 1
    """Processes that share each batch, one a GPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device of the networks."""
    resume: bool = False
    """Go on with the run that OUTPUT holds."""
    init: Annotated[str, Setting(metavar="REF")] = ""
    """Model reference whose weights are the start, for fine-tuning."""
    name: str = ""
    """Name of the model; empty takes the run folder's name."""
    experiment: str = "archive-colorizer"
    """Experiment of MLflow."""
    mlflow: bool = True
    """Keep the record in MLflow too, not only in the run's folder."""
    sample_every: Annotated[int, Setting(ge=1)] = 1
    """Epochs from one sample sheet to the next."""
    licence: Annotated[str, Setting(metavar="TEXT")] = NOT_STATED
    """Licence of the weights, as the card states it: an SPDX identifier where there is one."""
    data_rights: Rights = "unknown"
    """Whether the rights of the training pictures are cleared. It stands on the card, unless those
    of `init` are worse."""
    verbose: bool = False
    """Print Ray's own messages too."""

    @property
    def s3(self) -> S3Settings:
        """The way to object stores, for whatever opens one."""
        return S3Settings(endpoint=self.s3_endpoint, anonymous=self.s3_anonymous)
