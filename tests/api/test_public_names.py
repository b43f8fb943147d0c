"""What `import archive_colorizer` offers: names and signatures are a promise."""

import inspect
import subprocess
import sys

import pytest

import archive_colorizer as ac

SIGNATURES = {
    "colorize": "(source: str | os.PathLike[str], output: str | os.PathLike[str], "
    "**settings: object) -> archive_colorizer.pipeline.report.JobReport",
    "Colorizer.load": "(model: str = 'builtin:default', **settings: object) -> Self",
    "Colorizer.__call__": "(self, image: str | os.PathLike[str] | bytes | PIL.Image.Image | "
    "numpy.ndarray[tuple[typing.Any, ...], numpy.dtype[typing.Any]], *, "
    "hints: collections.abc.Sequence[tuple[float, float, str]] = (), "
    "vividness: float | None = None) -> archive_colorizer.api.colorizer.Colorized",
    "Colorized.to_array": "(self, bits: Literal[8, 16] = 8) -> "
    "numpy.ndarray[tuple[typing.Any, ...], numpy.dtype[typing.Any]]",
    "Manifest.open": "(output: str | os.PathLike[str], *, s3_endpoint: str = '', "
    "s3_anonymous: bool = False) -> Self",
    "Manifest.to_arrow": "(self, columns: collections.abc.Sequence[str] | None = None) -> "
    "pyarrow.lib.Table",
    "Manifest.to_pandas": "(self, columns: collections.abc.Sequence[str] | None = None) -> "
    "'pd.DataFrame'",
}


def test_the_public_names() -> None:
    assert ac.__all__ == [
        "ArchiveColorizerError", "Colorized", "Colorizer", "JobReport", "Manifest", "PhotoError",
        "UsageError", "__version__", "colorize",
    ]  # fmt: skip
    assert set(ac.__all__) <= set(dir(ac))
    for name in ac.__all__:
        assert getattr(ac, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'colourise'"):
        _ = ac.colourise


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures(name: str) -> None:
    found: object = ac
    for part in name.split("."):
        found = getattr(found, part)
    assert str(inspect.signature(found)) == SIGNATURES[name]  # type: ignore[arg-type]
    assert inspect.getdoc(found)


def test_what_a_coloured_picture_has() -> None:
    names = [name for name in vars(ac.Colorized)["__annotations__"] if name[0] != "_"]
    assert names == ["chroma", "doubt", "flags", "content_box", "model"]
    assert ac.Colorized.picture.__doc__


def test_the_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, archive_colorizer as ac; ac.__version__; ac.UsageError;"
        "print({'torch', 'ray', 'numpy', 'pyarrow', 'PIL', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
