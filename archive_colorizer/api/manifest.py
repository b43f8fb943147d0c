"""The manifest of an OUTPUT, as an Arrow table or a pandas frame."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.storage import S3Settings, Store, open_store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rows of an OUTPUT: one for each listed page. Columns: docs/formats.md."""

    store: Store

    @classmethod
    def open(
        cls,
        output: str | os.PathLike[str],
        *,
        s3_endpoint: str = "",
        s3_anonymous: bool = False,
    ) -> Self:
        """Open the manifest of an OUTPUT. It is read when its rows are asked for.

        Args:
            output: folder or `s3://` prefix of a job.
            s3_endpoint: URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL.
            s3_anonymous: sign nothing, for public buckets.

        Raises:
            LocationError: no manifest is there, or it cannot be reached.
        """
        settings = S3Settings(endpoint=s3_endpoint, anonymous=s3_anonymous)
        store = open_store(os.fspath(output), settings)
        try:
            found = manifest.part_keys(store)
        except OSError as error:
            raise LocationError(f"{store.uri}: {error.strerror or error}") from error
        if not found:
            raise LocationError(f"{store.uri}: no manifest there")
        return cls(store)

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the rows; with `columns` only those columns.

        Raises:
            LocationError: they cannot be read.
        """
        return manifest.read(self.store, columns)

    def to_pandas(self, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """Read the rows as a frame; times are UTC, missing values None or NaN.

        Raises:
            LocationError: they cannot be read.
        """
        frame: pd.DataFrame = self.to_arrow(columns).to_pandas()
        return frame
