"""A model of ours as MLflow calls it: encoded pictures in, coloured pictures out.

`registry.servable` writes the MLmodel file that names this module.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from archive_colorizer.api.colorizer import Colorizer
from archive_colorizer.errors import ArchiveColorizerError


class ServedColorizer:
    """A colorizer with the method that MLflow's pyfunc asks for."""

    def __init__(self, colorizer: Colorizer) -> None:
        self._colorizer = colorizer

    def predict(
        self,
        data: pd.DataFrame | Iterable[bytes],
        params: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Colour pictures.

        Args:
            data: a table whose one column holds encoded pictures (bytes of any format that a job
                reads), or an array or list of them.
            params: `vividness`, from safe (0) to vivid (1); None takes the model's own.

        Returns:
            A row for each picture: `image` (bytes, PNG), `doubt` (mean, 0 to 1) and `error`; a
            picture that cannot be coloured has an error alone.
        """
        pictures = data.iloc[:, 0] if isinstance(data, pd.DataFrame) else data
        vividness = (params or {}).get("vividness")
        rows = [self._colour(picture, vividness) for picture in pictures]
        return pd.DataFrame(rows, columns=["image", "doubt", "error"])

    def _colour(self, picture: bytes, vividness: float | None) -> tuple[Any, Any, Any]:
        try:
            done = self._colorizer(bytes(picture), vividness=vividness)
        except (ArchiveColorizerError, TypeError) as error:
            return None, None, str(error)
        sink = io.BytesIO()
        done.picture.save(sink, "PNG")
        return sink.getvalue(), float(done.doubt.mean()), None


def _load_pyfunc(path: str) -> ServedColorizer:
    """Load the model of a folder; MLflow calls this.

    Raises:
        ModelReferenceError: there is none that colours.
    """
    return ServedColorizer(Colorizer.load(str(Path(path).resolve())))
