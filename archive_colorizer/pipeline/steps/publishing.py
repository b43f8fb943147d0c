"""Publishing: a file becomes durable and takes its final name while the next one is made.

To wait for a disk or an object store costs no core. So a file that is written whole is handed to a
thread, which syncs and renames or uploads it; whoever made a batch of files waits for them at its
end. A row is written after that: it still means that its file is there to stay.
"""

import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Final

from archive_colorizer.pipeline.output.lease import Fence
from archive_colorizer.pipeline.output.written import check_arrived
from archive_colorizer.storage import Entry, Store

THREADS: Final = 4
"""Files that one worker publishes at a time."""


class Publisher:
    """Publishes files into a store, as long as the fence lets this worker write.

    Args:
        store: OUTPUT.
        fence: asked before each file takes its name.
    """

    def __init__(self, store: Store, fence: Fence) -> None:
        self._store, self._fence = store, fence
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="publish")
        self._waiting: dict[str, Future[Entry]] = {}

    @contextmanager
    def staged(self, key: str, token: str, *, replace: bool) -> Iterator[BinaryIO]:
        """Give a handle to write a file with; after the block `arrived` tells how it went.

        Args and errors within the block: as `Store.staged`.
        """
        with ExitStack() as stack:
            sink = stack.enter_context(self._store.staged(key, token, replace=replace))
            yield sink
            size = sink.seek(0, io.SEEK_END)
            whole = stack.pop_all()
        self._waiting[key] = self._pool.submit(self._publish, whole, key, size)

    def _publish(self, whole: ExitStack, key: str, size: int) -> Entry:
        with whole:
            self._fence.check()
        return check_arrived(self._store, key, size)

    def arrived(self, key: str) -> Entry:
        """Wait until a file has its name.

        Raises:
            OSError: it could not be written.
            WritePhotoError: it is not there, or not whole.
            LockedError: the run of this worker is over.
        """
        return self._waiting.pop(key).result()

    def settle(self) -> None:
        """Wait for files that nobody asked for, so that none arrives after its batch."""
        wait(self._waiting.values())
        self._waiting.clear()
