"""Masters that mean harm, on the whole way of a picture: one row each, and nothing is raised."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import laden
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_models import models_of
from archive_colorizer.pipeline.job_spec import make_spec
from archive_colorizer.pipeline.output import layout
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import run_batch, set_up
from archive_colorizer.storage import open_store

Way = Callable[[bytes], Recorded]
FLIPS = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=8)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=["jpeg", "tiff"])
def way(
    request: pytest.FixtureRequest, job: Callable[..., JobConfig], tmp_path: Path
) -> Iterator[Way]:
    """The steps of a job with derivatives of a format, for one master at a time."""
    output = {"format": request.param}
    config = job(color={"on_colour": "recolor", "proxy_px": 32}, output=output)
    store = open_store(config.output)
    layout.prepare(store)
    master = tmp_path / "master"
    with Lock(store) as lock:
        spec = make_spec(config, models_of(config), lock.owner)
        all_steps = steps(spec)
        set_up(all_steps)

        def take(data: bytes) -> Recorded:
            master.write_bytes(data)
            ref = PhotoRef("a" * 64, master.as_uri(), bytes(master), "master.out", len(data))
            with warnings.catch_warnings(action="ignore"):
                (done,) = run_batch(all_steps, [ref])
            return done

        yield take


def changed(data: bytes, flips: list[tuple[int, int]], within: int) -> bytes:
    found = bytearray(data)
    for place, value in flips:
        found[place % within] = value
    return bytes(found)


def check(way: Way, data: bytes) -> None:
    done = way(data)
    assert done.status in {"ok", "failed", "skipped"}
    assert done.error_class != "program_error", done.trace


@pytest.mark.parametrize("kind", laden.KINDS)
@pytest.mark.parametrize(
    "examples", [pytest.param(QUICK), pytest.param(LONG, marks=[pytest.mark.long,
                                                                pytest.mark.timeout(7200)])],
    ids=["quick", "long"],
)  # fmt: skip
def test_changed_headers_metadata_and_profiles(way: Way, kind: str, examples: Any) -> None:
    seed = laden.encoded(kind)
    assert way(seed).status == "ok"

    @examples
    @given(FLIPS, st.booleans(), st.integers(0, 1 << 20))
    def run(flips: list[tuple[int, int]], in_head: bool, cut: int) -> None:
        data = changed(seed, flips, laden.head(seed) if in_head else len(seed))
        check(way, data[: len(data) - cut % len(data)] if cut % 5 == 1 else data)

    run()


@pytest.mark.parametrize(
    "examples", [pytest.param(QUICK), pytest.param(LONG, marks=[pytest.mark.long,
                                                                pytest.mark.timeout(7200)])],
    ids=["quick", "long"],
)  # fmt: skip
def test_any_entry_of_exif(way: Way, examples: Any) -> None:
    @examples
    @given(st.integers(0, 0xFFFF), st.integers(0, 20), st.integers(0, 0xFFFFFFFF))
    def run(code: int, kind: int, value: int) -> None:
        done = way(laden.with_entry(code, kind, value))
        assert done.status == "ok", (done.error_class, done.error_message, done.trace)

    run()
