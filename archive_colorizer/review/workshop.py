"""The workshop: threads that make pictures, each once however many ask for it, and few at once."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar, cast

from archive_colorizer.web.refusals import RefusedError

MOST_THREADS: Final = 8
MOST_WAITING: Final = 128
"""Pictures that are being made or wait for it; who asks for more is told to ask again."""
ASK_AGAIN_S: Final = 2.0
Made = TypeVar("Made")


class Workshop:
    """Makes things in threads of its own.

    Args:
        threads: 0 for as many as there are cores, at most MOST_THREADS.
        most_waiting: things that are being made or wait for it.
    """

    def __init__(self, threads: int = 0, most_waiting: int = MOST_WAITING) -> None:
        count = threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))
        self._most_waiting = most_waiting
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="pictures")
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[object]] = {}

    async def make(self, name: str, work: Callable[[], Made]) -> Made:
        """Make something, or wait for who makes it already.

        Args:
            name: of what is made.
            work: makes it, in a thread.

        Raises:
            RefusedError: too much is waiting, or as `work` says.
        """
        with self._lock:
            future = self._under_way.get(name)
            if future is None:
                if len(self._under_way) >= self._most_waiting:
                    raise RefusedError(
                        503, "too many pictures are wanted at once: ask again",
                        retry_after_s=ASK_AGAIN_S,
                    )  # fmt: skip
                future = self._under_way[name] = self._pool.submit(self._work, name, work)
        # Who leaves does not take the work from those who wait with him.
        return cast(Made, await asyncio.shield(asyncio.wrap_future(future)))

    def _work(self, name: str, work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            with self._lock:
                del self._under_way[name]

    def close(self) -> None:
        """End the threads; what waits is not made."""
        self._pool.shutdown(cancel_futures=True)
