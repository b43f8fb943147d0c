"""Ray: films and their pieces as rows of Ray Data, in pools of actors."""

import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.errors import ArchiveColorizerError, deserialise_error, serialise_error
from archive_colorizer.pipeline.engines.ray import cluster
from archive_colorizer.pipeline.plan import Resources
from archive_colorizer.video.engines import Work
from archive_colorizer.video.worker import Answer, FilmSpec, FilmWorker

FILMS_A_WORKER: Final = 4
"""Films that are under way together, for each worker: their colours lie in OUTPUT meanwhile."""
RESTARTS: Final = 8
"""Times that a worker that died is replaced, and its task done again."""
_TASK: Final = "task"
_ANSWER: Final = "answer"
_STOPPED_BY: Final = "stopped_by"
_ANSWERS: Final = pa.schema([(_ANSWER, pa.large_binary()), (_STOPPED_BY, pa.string())])


class FilmActor:
    """A worker as an actor; an error that ends the job leaves it as a value."""

    def __init__(self, spec: FilmSpec, work: Work) -> None:
        import cv2
        import torch

        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self._do = getattr(FilmWorker(spec), work)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Do the tasks of a batch."""
        rows: list[dict[str, Any]] = []
        for item in table.column(_TASK):
            try:
                answer = self._do(pickle.loads(item.as_py()))  # noqa: S301 (our own)
                rows.append({_ANSWER: pickle.dumps(answer), _STOPPED_BY: None})
            except ArchiveColorizerError as error:
                rows.append({_ANSWER: None, _STOPPED_BY: serialise_error(error)})
        return pa.Table.from_pylist(rows, _ANSWERS)


class RayEngine:
    """Pools of actors, one pool for each kind of work."""

    def __init__(self, spec: FilmSpec, resources: Resources) -> None:
        self._spec, self._gpus = spec, resources.gpus
        self._gpu = resources.gpu_resource
        self._workers = resources.workers or resources.cpus
        self.films_at_once = FILMS_A_WORKER * self._workers

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[Answer]:
        """Do the tasks; answers come in the order of completion.

        Raises:
            ArchiveColorizerError: it stopped a worker.
        """
        from ray.data import ActorPoolStrategy, from_arrow

        on_gpu = work == "colour" and self._gpus > 0
        most = self._gpus if on_gpu else self._workers
        actors = max(1, min(most, len(tasks)))
        blocks = [pa.table({_TASK: [pickle.dumps(task)]}) for task in tasks]
        gpu: dict[str, Any] = {}
        if on_gpu:
            gpu = {"num_gpus": 1} if self._gpu == "GPU" else {"resources": {self._gpu: 1}}
        done = from_arrow(blocks).map_batches(
            FilmActor, fn_constructor_args=(self._spec, work), batch_size=1,
            batch_format="pyarrow", compute=ActorPoolStrategy(min_size=actors, max_size=actors),
            num_cpus=1, ray_remote_args_fn=partial(dict, max_restarts=RESTARTS,
            max_task_retries=RESTARTS), **gpu,
        )  # fmt: skip
        for table in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            for row in table.to_pylist():
                if row[_STOPPED_BY]:
                    raise deserialise_error(row[_STOPPED_BY])
                yield pickle.loads(row[_ANSWER])  # noqa: S301 (our own)


__all__ = ["RayEngine", "cluster"]
