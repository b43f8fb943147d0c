"""S3 and every store that speaks its protocol, through boto3: the only file that knows boto3.

A whole object appears at once, by one put or by the end of a multipart upload, so nothing is ever
renamed. Nothing here needs a conditional put to be atomic: where a store has one it is used, and
whoever needs a lock waits and reads again (`pipeline/output/lease.py`).
"""

import errno
import io
import mimetypes
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, TypeVar, cast

import boto3
import botocore
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as EndpointError

from archive_colorizer.storage.atomic import atomic_path
from archive_colorizer.storage.base import Entry, Unlisted
from archive_colorizer.storage.location import Location
from archive_colorizer.storage.settings import S3Settings

ATTEMPTS: Final = 4
"""Attempts at a request by botocore, with its backoff."""
PATIENCE_S: Final = 90.0
"""How long requests are retried that a store does not answer, or answers by asking for less."""
PAUSE_S: Final = 2.0
BODY_ATTEMPTS: Final = 5
"""Attempts at a download whose body breaks off: each goes on where the last one stopped."""
CHUNK_BYTES: Final = 1 << 20
SPOOL_BYTES: Final = 64 << 20
"""An object larger than this lies on disk while it is read."""
MULTIPART_BYTES: Final = 16 << 20
WORDS: Final = {
    "NoSuchBucket": (errno.ENOENT, "there is no such bucket"),
    "NoSuchKey": (errno.ENOENT, "there is no such object"),
    "404": (errno.ENOENT, "there is no such object"),
    "AccessDenied": (errno.EACCES, "these credentials may not do that"),
    "403": (errno.EACCES, "these credentials may not do that"),
    "InvalidAccessKeyId": (errno.EACCES, "the access key is not known there"),
    "SignatureDoesNotMatch": (errno.EACCES, "the secret key is wrong"),
    "InvalidRange": (errno.ERANGE, "the object has no such bytes"),
    "ExpiredToken": (errno.EACCES, "the credentials have expired"),
    "QuotaExceeded": (errno.EDQUOT, "the quota is used up"),
}
"""Error code of a store -> errno, words for people."""
TAKEN: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
NO_CONDITIONS: Final = frozenset({"NotImplemented", "501", "InvalidRequest", "InvalidArgument"})
"""Error codes of stores that know no conditional put."""

BROKEN: Final = (IncompleteReadError, ResponseStreamingError, HTTPClientError, OSError)
"""Errors of a body that breaks off."""

Result = TypeVar("Result")


class S3Store:
    """A bucket, or a prefix of one, as a store."""

    latency_s = 1.0
    fills_up = False

    def __init__(self, place: Location, settings: S3Settings) -> None:
        self.bucket = place.bucket
        self._prefix = f"{place.key.rstrip('/')}/" if place.key.strip("/") else ""
        self._settings = settings

    @property
    def _client(self) -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
        return client(self._settings)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self._prefix}"

    def uri_of(self, key: str) -> str:
        return f"{self.uri}{key}"

    def key_of(self, uri: str) -> str:
        return uri.removeprefix(self.uri)

    def list(self, prefix: str = "", unlisted: Unlisted | None = None) -> Iterator[Entry]:
        start = f"{self._prefix}{prefix.rstrip('/')}/" if prefix else self._prefix
        request = {"Bucket": self.bucket, "Prefix": start}
        while True:
            page = retry(
                partial(self._client.list_objects_v2, **request), f"s3://{self.bucket}/{start}"
            )
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # a console's mark of a folder
                    yield _make_entry(self, found)
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def open(self, key: str) -> BinaryIO:
        return download(self._client, self.bucket, f"{self._prefix}{key}")

    def read(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    def read_head(self, key: str, size: int) -> bytes:
        name = f"{self._prefix}{key}"
        get = partial(
            self._client.get_object, Bucket=self.bucket, Key=name, Range=f"bytes=0-{size - 1}"
        )
        try:
            return cast(bytes, retry(lambda: get()["Body"].read(), self.uri_of(key)))
        except OSError as error:
            if error.errno == errno.ERANGE:  # an empty object has no such range
                return b""
            raise

    def exists(self, key: str) -> bool:
        return self._head(key) is not None

    def find(self, key: str) -> Entry | None:
        found = self._head(key)
        if found is None:
            return None
        etag = found["ETag"].strip('"')
        return Entry(key, self.uri_of(key), found["ContentLength"], None, etag)

    def _head(self, key: str) -> dict[str, Any] | None:
        call = partial(self._client.head_object, Bucket=self.bucket, Key=f"{self._prefix}{key}")
        try:
            return cast(dict[str, Any], retry(call, self.uri_of(key)))
        except FileNotFoundError:
            return None

    def write_atomic(self, key: str, data: bytes) -> None:
        self._put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        if self.exists(key):
            return False
        try:
            self._put(key, data, IfNoneMatch="*")
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno != errno.ENOSYS:
                raise
            self._put(key, data)  # the lock reads again: see the module's docstring
        return True

    def _put(self, key: str, data: bytes, **conditions: str) -> None:
        name = f"{self._prefix}{key}"
        mime = mimetypes.guess_type(key)[0]
        kind = {"ContentType": mime} if mime else {}  # or a browser saves a page as a file
        retry(
            lambda: self._client.put_object(
                Bucket=self.bucket, Key=name, Body=data, **kind, **conditions
            ),
            self.uri_of(key),
        )

    @contextmanager
    def staged(self, key: str, token: str, *, replace: bool) -> Iterator[BinaryIO]:
        with tempfile.NamedTemporaryFile() as named:  # tifffile asks a handle for its name
            file = cast(BinaryIO, named)
            yield file
            if not replace and self.exists(key):
                raise FileExistsError(errno.EEXIST, "exists", self.uri_of(key))
            self._upload(key, file)

    def flush_folder(self, prefix: str) -> None:
        pass  # an object is durable when its put is answered

    def put_file(self, key: str, path: Path) -> None:
        with path.open("rb") as file:
            self._upload(key, file)

    def get_file(self, key: str, path: Path) -> None:
        name = f"{self._prefix}{key}"
        with atomic_path(path) as temporary:
            download(self._client, self.bucket, name, lambda _: temporary.open("w+b")).close()

    def _upload(self, key: str, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        if size <= MULTIPART_BYTES:
            self._put(key, file.read())
            return
        sizes = TransferConfig(
            multipart_threshold=MULTIPART_BYTES, multipart_chunksize=MULTIPART_BYTES,
            use_threads=False,
        )  # fmt: skip
        name = f"{self._prefix}{key}"
        retry(lambda: self._upload_in_parts(file, name, sizes), self.uri_of(key))

    def _upload_in_parts(self, file: BinaryIO, name: str, sizes: TransferConfig) -> None:
        file.seek(0)
        self._client.upload_fileobj(_Uncloseable(file), self.bucket, name, Config=sizes)

    def delete(self, key: str) -> None:
        name = f"{self._prefix}{key}"
        retry(lambda: self._client.delete_object(Bucket=self.bucket, Key=name), self.uri_of(key))

    def delete_tree(self, prefix: str) -> None:
        for entry in list(self.list(prefix)):
            self.delete(entry.key)


class _Uncloseable:
    """A handle that an upload may not close: botocore would."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def find_entry(place: Location, settings: S3Settings) -> Entry | None:
    """Ask for one object's entry; None where there is none.

    Raises:
        OSError: the store does not say.
    """
    return S3Store(Location(place.text, place.bucket, ""), settings).find(place.key)


def open_object(place: Location, settings: S3Settings) -> BinaryIO:
    """Open one object, whole, as a seekable handle; small ones in memory, larger ones on disk.

    Raises:
        OSError: as `Store.open`.
    """
    return download(client(settings), place.bucket, place.key)


def download(
    s3: Any,  # noqa: ANN401
    bucket: str,
    key: str,
    open_spool: Callable[[int], BinaryIO] | None = None,
) -> BinaryIO:
    """Fetch an object; a body that breaks off is asked for again from where it stopped.

    Args:
        s3: boto3's client.
        bucket: of the object.
        key: of the object.
        open_spool: takes its size and opens what it is written to; by default memory or disk.
    """
    open_spool = open_spool or _open_spool
    uri = f"s3://{bucket}/{key}"
    spool: BinaryIO = io.BytesIO()
    size, etag = -1, ""
    for attempt in range(1, BODY_ATTEMPTS + 1):
        got = spool.tell()
        more = {"Range": f"bytes={got}-", "IfMatch": etag} if got else {}
        try:
            answer = retry(partial(s3.get_object, Bucket=bucket, Key=key, **more), uri)
            if not got:
                size, etag = answer["ContentLength"], answer["ETag"]
                spool = open_spool(size)
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                spool.write(chunk)
        except BROKEN as error:
            if attempt == BODY_ATTEMPTS or isinstance(error, FileNotFoundError | PermissionError):
                spool.close()
                _raise_os_error(error, uri)
        if spool.tell() == size:
            spool.seek(0)
            return spool
        time.sleep(min(8.0, 0.25 * 2**attempt))
    raise OSError(errno.EIO, f"only {spool.tell()} of {size} bytes came", uri)


def _open_spool(size: int) -> BinaryIO:
    if size <= SPOOL_BYTES:
        return io.BytesIO()
    return cast(BinaryIO, tempfile.NamedTemporaryFile())


@lru_cache(maxsize=8)
def client(settings: S3Settings) -> Any:  # noqa: ANN401
    """Make the client for some settings, once a process.

    Raises:
        OSError: a profile that is not there, or an endpoint that is no URL.
    """
    config = Config(
        retries={"max_attempts": ATTEMPTS, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=32,
        s3={"addressing_style": "path"} if settings.endpoint else {},
        **({"signature_version": botocore.UNSIGNED} if settings.anonymous else {}),
    )
    try:
        return boto3.session.Session().client(
            "s3", endpoint_url=settings.endpoint or None, config=config
        )
    except (BotoCoreError, ValueError) as error:
        _raise_os_error(error, settings.endpoint or "s3")


def _make_entry(store: S3Store, found: dict[str, Any]) -> Entry:
    name = found["Key"].removeprefix(store._prefix)
    changed, etag = found.get("LastModified"), found.get("ETag", "").strip('"')
    mtime_ns = int(changed.timestamp()) * 1_000_000_000 if changed else None
    return Entry(name, store.uri_of(name), found.get("Size", 0), mtime_ns, etag or None)


def retry(call: Callable[[], Result], uri: str) -> Result:
    """Make a request; retry it for a while where the store does not answer or asks for less.

    Raises:
        OSError: it refuses, or does not answer for too long.
    """
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return call()
        except (ClientError, BotoCoreError, HTTPClientError, Boto3Error) as error:
            cause = error.__cause__ or error if isinstance(error, Boto3Error) else error
            if time.monotonic() > end_s or not _is_transient(cause):
                _raise_os_error(cause, uri)
        time.sleep(PAUSE_S * (0.5 + random.random()))  # noqa: S311 (so that workers differ)


def _is_transient(error: BaseException) -> bool:
    """Tell whether the error may be gone in a moment."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status in (429, 500, 502, 503, 504) or _error_code(error) in (
            "SlowDown",
            "Throttling",
        )
    return isinstance(error, HTTPClientError | EndpointError | IncompleteReadError)


def _error_code(error: BaseException) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _raise_os_error(error: BaseException, uri: str) -> NoReturn:
    """Raise the OSError that says the same, with the store's URI and without secrets."""
    if isinstance(error, OSError) and error.filename == uri:
        raise error
    code = _error_code(error)
    if code in TAKEN:
        raise FileExistsError(errno.EEXIST, "exists", uri) from error
    if code in NO_CONDITIONS:
        raise OSError(errno.ENOSYS, f"the store does not do that ({code})", uri) from error
    number, words = WORDS.get(code, (errno.EIO, ""))
    if isinstance(error, NoCredentialsError | ProfileNotFound):
        number, words = errno.EACCES, "no credentials (AWS_ACCESS_KEY_ID, a profile, or a role)"
    elif not words:
        first = " ".join(str(error).split())[:200]
        words = f"the store does not answer: {first}" if not code else f"{code}: {first}"
    kinds = {errno.ENOENT: FileNotFoundError, errno.EACCES: PermissionError}
    raise kinds.get(number, OSError)(
        number, f"{words}{f' ({code})' if code else ''}", uri
    ) from error
