"""Choice of the engine where the settings leave it open: a small job is done before Ray is up.

Ray takes seconds to start; a plain loop has done a few dozen pictures by then
(benchmarks/bench_engines.py).
"""

import os
from collections.abc import Mapping
from typing import Any, Final, Literal

import pyarrow as pa

from archive_colorizer.pipeline.config import RunConfig
from archive_colorizer.pipeline.inputs.listing import total_bytes

Engine = Literal["ray", "local"]
LOCAL_PICTURES: Final = 64
LOCAL_BYTES: Final = 256 << 20
"""The most that the plain loop takes: below what Ray needs to win on a machine of many cores."""
CLUSTER_VARIABLES: Final = ("RAY_ADDRESS", "RAY_JOB_CONFIG_JSON_ENV_VAR")
"""Set where a cluster is meant, and inside of a job of Ray."""


def choose_engine(run: RunConfig, todo: pa.Table, earlier: Mapping[str, Any]) -> Engine:
    """Choose what carries a job out.

    Ray does what names a cluster or workers, and what goes on after a run that did not end: a
    picture that killed it would kill a plain loop again, but not a job of Ray.

    Args:
        run: settings of the run; `engine` holds unless it is "auto".
        todo: pages to be done, with `size_bytes`.
        earlier: job.json of the run before this one; empty for none.
    """
    if run.engine != "auto":
        return run.engine
    wants_ray = bool(run.address) or run.workers > 0 or run.gpu_resource != "GPU"
    in_cluster = any(map(os.environ.get, CLUSTER_VARIABLES))
    died = bool(earlier) and "finished_at" not in earlier
    small = todo.num_rows <= LOCAL_PICTURES and total_bytes(todo) <= LOCAL_BYTES
    return "local" if small and not (wants_ray or in_cluster or died) else "ray"
