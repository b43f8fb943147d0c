"""An object store as a file system of pyarrow, for libraries that ask for one.

It pickles as its location and settings: each machine finds its own credentials, as everywhere.
"""

import io
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs

from archive_colorizer.storage.location import parse_location
from archive_colorizer.storage.s3 import S3Store
from archive_colorizer.storage.s3_ranges import open_ranges
from archive_colorizer.storage.settings import S3Settings

KIND: Final = "archive-colorizer-s3"


def object_file_system(settings: S3Settings) -> fs.FileSystem:
    """Make a file system whose paths are BUCKET/KEY."""
    return fs.PyFileSystem(_Handler(settings))


class _Handler(fs.FileSystemHandler):  # type: ignore[misc] # pyarrow is untyped
    """What pyarrow asks of a file system. Folders are prefixes: there are none to make."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handler) and other._settings == self._settings

    def __hash__(self) -> int:
        return hash(self._settings)

    def _open(self, path: str) -> tuple[S3Store, str]:
        bucket, _, key = path.strip("/").partition("/")
        return S3Store(parse_location(f"s3://{bucket}"), self._settings), key

    def get_type_name(self) -> str:
        return KIND

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[Any]:
        return [self._look_up(path) for path in paths]

    def _look_up(self, path: str) -> Any:  # noqa: ANN401
        store, key = self._open(path)
        entry = store.find(key) if key else None
        if entry is not None:
            return fs.FileInfo(path, fs.FileType.File, size=entry.size_bytes)
        there = next(iter(store.list(key)), None) is not None
        return fs.FileInfo(path, fs.FileType.Directory if there else fs.FileType.NotFound)

    def get_file_info_selector(self, selector: Any) -> list[Any]:  # noqa: ANN401
        found = list(self._list(selector.base_dir.strip("/"), recursive=selector.recursive))
        if not found and not selector.allow_not_found:
            raise FileNotFoundError(selector.base_dir)
        return found

    def _list(self, base: str, *, recursive: bool) -> Iterator[Any]:
        store, key = self._open(base)
        folders: set[str] = set()
        for entry in store.list(key):
            name = f"{store.bucket}/{entry.key}"
            *above, _ = name.removeprefix(f"{base}/").split("/")
            for depth in range(1, len(above) + 1):
                folder = "/".join([base, *above[:depth]])
                if folder not in folders and (recursive or depth == 1):
                    folders.add(folder)
                    yield fs.FileInfo(folder, fs.FileType.Directory)
            if recursive or not above:
                yield fs.FileInfo(name, fs.FileType.File, size=entry.size_bytes)

    def create_dir(self, path: str, recursive: bool) -> None:
        """A prefix is there as soon as a key has it."""

    def delete_dir(self, path: str) -> None:
        store, key = self._open(path)
        store.delete_tree(key)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self.delete_dir(path)

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError("all buckets are not deleted")

    def delete_file(self, path: str) -> None:
        store, key = self._open(path)
        store.delete(key)

    def copy_file(self, src: str, dest: str) -> None:
        source, (store, key) = self._open(src), self._open(dest)
        store.write_atomic(key, source[0].read(source[1]))

    def move(self, src: str, dest: str) -> None:
        self.copy_file(src, dest)
        self.delete_file(src)

    def open_input_stream(self, path: str) -> Any:  # noqa: ANN401
        return self.open_input_file(path)

    def open_input_file(self, path: str) -> Any:  # noqa: ANN401
        store, key = self._open(path)
        return pa.PythonFile(open_ranges(parse_location(store.uri_of(key)), self._settings), "r")

    def open_output_stream(self, path: str, metadata: Any) -> Any:  # noqa: ANN401
        return pa.PythonFile(_Output(*self._open(path)), "w")

    def open_append_stream(self, path: str, metadata: Any) -> Any:  # noqa: ANN401
        raise NotImplementedError("objects are written whole")


class _Output(io.BytesIO):
    """An object that is written when it is closed: pyarrow cannot say that a stream broke off."""

    def __init__(self, store: S3Store, key: str) -> None:
        super().__init__()
        self._store, self._key = store, key

    def close(self) -> None:
        if not self.closed:
            self._store.write_atomic(self._key, self.getvalue())
        super().close()
