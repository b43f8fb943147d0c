"""A store whose machine goes down at the n-th change."""

from archive_colorizer.storage.local import LocalStore


class Breaking(LocalStore):
    """Breaks off at the n-th change."""

    left = 10**9

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "the machine went down")

    def write_atomic(self, key: str, data: bytes) -> None:
        self._count()
        super().write_atomic(key, data)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)
