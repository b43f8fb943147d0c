"""Intent of a run: what it is told, laid beside what OUTPUT remembers, before anything is written.

Settings that are not given are OUTPUT's own. What would replace finished pictures unasked (other
settings, other weights) ends here in one line.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.catalog import FAMILIES, Task, has_classes
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs.fates import Wanted
from archive_colorizer.pipeline.inputs.listing import SHOWN, Listing
from archive_colorizer.pipeline.inputs.selection import (
    MANIFEST_COLUMNS,
    Selection,
    read_ids,
    select,
)
from archive_colorizer.pipeline.job_models import (
    ModelFinder,
    Models,
    WeightsGoneError,
    models_of,
    task_of,
)
from archive_colorizer.pipeline.job_spec import digest
from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.pipeline.output.layout import check_kind, read_job
from archive_colorizer.pipeline.output.renditions import check_mark
from archive_colorizer.pipeline.output.standing import Standing, read_standing
from archive_colorizer.pipeline.output.verify import compare_masters
from archive_colorizer.pipeline.pilot.draw import draw_pilot, take_sample
from archive_colorizer.pipeline.pilot.record import Pilot, read_pilot
from archive_colorizer.pipeline.pilot.tones import probe_tones
from archive_colorizer.pipeline.pins import (
    Change,
    PinnedModel,
    Pins,
    make_pins,
    read_pins,
    settle,
)
from archive_colorizer.provenance.signing import open_signer
from archive_colorizer.storage import S3Settings, Store
from archive_colorizer.weights.reference import ResolvedModel


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run is going to do."""

    config: JobConfig
    """With OUTPUT's settings where none were given."""
    models: Models
    """Empty where they cannot be had and nothing needs them."""
    selection: Selection
    standing: Standing
    pins: Pins
    """What OUTPUT remembers from then on."""
    redo: Mapping[str, Any] | None
    """The redo that this run begins or goes on with, for job.json."""
    notes: tuple[str, ...]
    whole: pa.Table
    """All that is to be done, of which `selection` may be a sample: `size_bytes`."""
    pilot: Pilot | None = None
    """The sample that is done; None where none was asked for."""

    def name_replaced(self) -> tuple[str, ...]:
        """Name the first derivatives that will be replaced."""
        todo, rows = self.selection.todo, self.standing.rows
        made = rows.filter(pc.and_(pc.not_equal(rows["key"], ""), pc.equal(rows["status"], "ok")))
        again = pc.is_in(todo["earlier_id"], value_set=made["row_id"].combine_chunks())
        return tuple(todo["output_key"].filter(again).slice(0, SHOWN).to_pylist())


def check_models(config: JobConfig, store: Store) -> None:
    """Find the models of a run, so that what is wrong with them is said before all else.

    Raises:
        UsageError: one cannot be had, may not be used, or does not go with the settings.
    """
    check_kind(store)
    pins = read_pins(read_job(store), store.uri)
    _find_models(settle(config, pins)[0], store, pins)


def check_signing(config: JobConfig) -> None:
    """See that derivatives can be signed, where they are to be, before anything is coloured.

    Raises:
        ConfigError: as `open_signer`.
    """
    if config.run.c2pa:
        open_signer(config.run.c2pa, config.run.c2pa_key)


def make_intent(
    config: JobConfig,
    listing: Listing,
    store: Store,
    say: Callable[[str], None] = lambda text: None,
) -> Intent:
    """Lay what a run is told beside what OUTPUT remembers.

    Args:
        config: as it was given.
        listing: of SOURCE.
        store: OUTPUT.
        say: is told of work that takes a while.

    Raises:
        ConfigError: finished pictures would be done again unasked; a list names what is not there.
        ModelReferenceError: the weights that are needed cannot be had.
    """
    standing = read_standing(store, MANIFEST_COLUMNS)
    pins, chosen = standing.pins, config.select
    settled, changes = settle(config, pins)
    check_mark(settled.deliver)
    models = _find_models(settled, store, pins)
    if chosen.ids and not chosen.is_redo:
        raise ConfigError("ids: says which pictures are done again: it needs --redo")
    changes += _compare_models(settled, models, pins)
    recipe = digest(settled, models) if models else (pins.recipes[-1] if pins else "")
    wanted, redo = _make_wanted(settled, models, standing, store, recipe)
    selection = select(
        listing, standing.rows, settled, wanted,
        lambda pages: _find_unchanged(pages, settled.run.s3, say),
    )  # fmt: skip
    whole = selection.todo.select(["size_bytes"])
    since_us = int(redo["since_us"]) if redo and chosen.is_redo else 0
    selection, pilot = _take_sample(selection, settled, store, since_us, say)
    _check_unasked(settled, selection, changes)
    if not models and (selection.todo.num_rows or selection.excluded.num_rows):
        models_of(settled, _make_finder(settled, store, pins))  # says what is gone
    return Intent(
        config=settled, models=models, selection=selection, standing=standing,
        pins=_renew_pins(settled, models, standing, changes, selection), redo=redo,
        notes=(
            *_describe(settled, store, standing, selection, models),
            *(pilot.notes if pilot else ()),
        ),
        whole=whole, pilot=pilot,
    )  # fmt: skip


def _take_sample(
    selection: Selection,
    config: JobConfig,
    store: Store,
    since_us: int,
    say: Callable[[str], None],
) -> tuple[Selection, Pilot | None]:
    """Take the sample that is asked for: OUTPUT's, or a new one out of what is to be done.

    A redo that began after OUTPUT's was drawn (`since_us`) draws its own.

    Raises:
        ConfigError: a sample of what comes in later is asked for.
    """
    chosen = config.select
    if not chosen.sample:
        return selection, None
    if config.run.follow:
        raise ConfigError("select.sample: is drawn once, and run.follow takes what comes in later")

    def probe(pages: pa.Table) -> list[str]:
        say(f"reading {pages.num_rows:,} pictures for their tone")
        return probe_tones(pages, config)

    asked = chosen.sample, chosen.sample_by, chosen.sample_seed
    pilot = read_pilot(store)
    if pilot is None or not pilot.is_asked_for(*asked) or pilot.drawn_us < since_us:
        pilot = draw_pilot(selection.todo, *asked, probe)
    if pilot is None:
        return selection, None
    todo = take_sample(selection.todo, pilot)
    return replace(
        selection, todo=todo, held_back=selection.todo.num_rows - todo.num_rows,
        replaced=int(pc.sum(pc.not_equal(todo["earlier_id"], "")).as_py() or 0),
    ), pilot  # fmt: skip


def _find_models(config: JobConfig, store: Store, pins: Pins | None) -> Models:
    """Find the models; none where OUTPUT's weights are gone, which may be no matter."""
    try:
        return models_of(config, _make_finder(config, store, pins))
    except WeightsGoneError:
        return ()


def _make_finder(config: JobConfig, store: Store, pins: Pins | None) -> ModelFinder:
    adopts = config.select.adopt or config.select.adopt_new
    return ModelFinder(config, store, None if adopts else pins)


def _name_settings(config: JobConfig, models: Models) -> dict[str, ResolvedModel]:
    """Name the setting of `color` that each model is of."""
    if not models:
        return {}
    after = "upscaler" if task_of(models[0]) is Task.COLORIZE else "restore"
    return dict(zip(("model", after), models, strict=False))


def _compare_models(config: JobConfig, models: Models, pins: Pins | None) -> tuple[Change, ...]:
    """Find models whose weights are others than OUTPUT's."""
    if pins is None or config.select.adopt or config.select.adopt_new:
        return ()
    now = _name_settings(config, models)
    changes = []
    for setting in {**pins.models, **now} if now else ():
        pin, model = pins.models.get(setting), now.get(setting)
        old, new = pin.weights_sha256 if pin else "", model.weights_sha256 if model else ""
        if old != new:
            said = f"{pin.name} {pin.version}" if pin else "none"
            changes.append(Change(f"color.{setting}", said, model.title if model else "none"))
    return tuple(changes)


def _find_unchanged(pages: pa.Table, s3: S3Settings, say: Callable[[str], None]) -> frozenset[str]:
    """Hash masters whose size or time is another than recorded.

    Args:
        pages: `row_id`, `source_uri` and `source_sha256` of each.
        s3: the way to those that are objects.
        say: is told that it takes a while.

    Returns:
        Ids of the rows whose master has the same bytes.
    """
    say(f"comparing {pages.num_rows:,} masters that were touched")
    other = {uri for uri, _ in compare_masters(pages, s3)}
    pairs = zip(pages["row_id"].to_pylist(), pages["source_uri"].to_pylist(), strict=True)
    return frozenset(row_id for row_id, uri in pairs if uri not in other)


def _make_wanted(
    config: JobConfig, models: Models, standing: Standing, store: Store, recipe: str
) -> tuple[Wanted, Mapping[str, Any] | None]:
    chosen, ids = config.select, None
    if chosen.ids:
        earlier = manifest.read(store, ["row_id"], manifest.HISTORY)["row_id"].to_pylist()
        known = {*standing.rows["row_id"].to_pylist(), *earlier}
        ids = read_ids(chosen.ids, known, allow_unmatched=chosen.allow_unmatched)
    redo = standing.job.get("redo")
    since_us = None
    if chosen.is_redo:
        which = ("rejected",) if chosen.redo == "rejected" else ()
        text = "\n".join((recipe, *which, *sorted(ids if ids is not None else ["all"])))
        key = hashlib.sha256(text.encode()).hexdigest()
        if redo and redo["key"] == key:  # it was interrupted
            since_us = redo["since_us"]
        else:
            redo = {"key": key, "since_us": time.time_ns() // 1000}
    if chosen.redo == "rejected":  # what was done again is another file, without a verdict
        since_us, rejected = None, _find_rejected(standing.rows, store)
        ids = rejected if ids is None else rejected & ids
    outdated = standing.pins.recipes if chosen.adopt and standing.pins else ()
    wanted = Wanted(
        recipe_sha256=recipe, redo=chosen.is_redo, ids=ids, since_us=since_us, outdated=outdated,
        classes=bool(models) and has_classes(models[0].card.config),
        gone=standing.condition.gone, earlier=standing.earlier,
    )  # fmt: skip
    return wanted, redo


def _find_rejected(rows: pa.Table, store: Store) -> frozenset[str]:
    """Find the rows whose derivative people have rejected: their ids."""
    return frozenset(rows.filter(reviews.mark(rows, store, "rejected"))["row_id"].to_pylist())


def _check_unasked(config: JobConfig, selection: Selection, changes: tuple[Change, ...]) -> None:
    """Refuse to do finished pictures again that nobody asked for.

    Raises:
        ConfigError: other settings or weights were given than they were made with.
    """
    if not changes or config.select.is_redo:
        return
    count = selection.unmade + (selection.replaced if config.select.adopt else 0)
    if count:
        raise ConfigError(
            f"{config.output}: {'; '.join(map(str, changes))}: {count:,} finished pictures would "
            "be done again: --redo does them, without the setting they stay"
        )


def _renew_pins(
    config: JobConfig,
    models: Models,
    standing: Standing,
    changes: tuple[Change, ...],
    selection: Selection,
) -> Pins:
    """Decide what OUTPUT remembers from now on.

    A part that is done with other settings on purpose (`ids`, a folder, another source) leaves it
    as it is.
    """
    old, chosen = standing.pins, config.select
    if old is not None and not models:
        return old
    adopts = chosen.adopt or chosen.adopt_new
    if old is not None and changes and not adopts and _keeps_any(old, standing.rows, selection):
        return old
    pinned = {
        setting: PinnedModel(
            getattr(config.color, setting), model.ref, model.card.name,
            model.release, model.weights_sha256,
        )
        for setting, model in _name_settings(config, models).items()
    }  # fmt: skip
    recipe = digest(config, models)
    earlier = [one for one in (old.recipes if old else ()) if one != recipe]
    return make_pins(config, pinned, (*earlier, recipe))


def _keeps_any(old: Pins, rows: pa.Table, selection: Selection) -> bool:
    """Whether finished pictures of OUTPUT's own recipes stay as they are."""
    finished = pc.or_kleene(
        pc.equal(rows["status"], "ok"), pc.equal(rows["error_class"], "already_colour")
    )
    own = pc.is_in(rows["recipe_sha256"], value_set=pa.array(old.recipes, pa.string()))
    ids = rows.filter(pc.and_(finished, own))["row_id"]
    again = pc.is_in(ids, value_set=selection.todo["earlier_id"].combine_chunks())
    return bool(pc.any(pc.invert(again)).as_py())


def _name_resolution(proxy_px: int, model: ResolvedModel) -> list[str]:
    """Say that a model will see another resolution than the one that it was trained at."""
    card = model.card
    trained = card.config.get("resolution", proxy_px)
    if not FAMILIES[card.family].sized or trained == proxy_px:
        return []
    return [
        f"{model.ref} was trained at {trained:,} pixels and sees {proxy_px:,} here "
        f"(--proxy-px {trained}, or RESOL in the parameter table, gives it what it knows)"
    ]


def _describe(
    config: JobConfig, store: Store, standing: Standing, selection: Selection, models: Models
) -> tuple[str, ...]:
    notes = []
    if config.select.adopt and models:
        notes.append(
            f"--adopt: {selection.replaced:,} pictures are coloured anew by {models[0].title}; "
            "each old derivative stays until its new one is written and checked"
        )
    elif newer := _make_finder(config, store, standing.pins).newer():
        notes.append(newer)
    if models and selection.todo.num_rows:
        notes += _name_resolution(config.color.proxy_px, models[0])
    if not config.run.c2pa and (standing.job.get("config") or {}).get("run", {}).get("c2pa"):
        notes.append("the last run signed its derivatives, this one does not (--c2pa, --c2pa-key)")
    gone = standing.condition.gone
    if lost := sum(one in gone for one in selection.todo["earlier_id"].to_pylist()):
        notes.append(f"{lost:,} derivatives are missing or changed, and made again")
    if selection.sensitive:
        notes.append(f"{selection.sensitive:,} pictures are not opened for their sensitivity")
    return tuple(notes)
