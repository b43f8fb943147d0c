"""The import rules of docs/architecture.md, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "archive_colorizer"
FILES = sorted(PACKAGE.rglob("*.py"))
RAY_FILES = {
    "cluster.py",
    "pipeline/engines/ray.py",
    "pipeline/engines/metrics.py",
    "training/ray.py",
    "review/server.py",
}


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def under(path: Path, folder: str) -> bool:
    return name_of(path).startswith(f"{folder}/")


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.startswith("archive_colorizer")}


@pytest.mark.parametrize("folder", ["imaging", "models"])
def test_pure_packages_import_themselves_and_leaves_of_the_other(folder: str) -> None:
    leaves = {
        f"archive_colorizer.{name_of(path).removesuffix('.py').replace('/', '.')}"
        for path in FILES
        if (under(path, "imaging") or under(path, "models")) and not ours(path)
    }
    for path in FILES:
        if under(path, folder):
            foreign = {n for n in ours(path) if not n.startswith(f"archive_colorizer.{folder}")}
            foreign -= {n for n in foreign if leaves & {n, n.rpartition(".")[0]}}
            assert not foreign, f"{name_of(path)} imports {foreign}"


@pytest.mark.parametrize("folder", ["imaging", "models"])
def test_pure_packages_do_no_cluster_registry_or_file_work(folder: str) -> None:
    for path in FILES:
        if under(path, folder):
            banned = roots(path) & {"ray", "mlflow", "boto3", "pathlib", "os", "shutil", "tempfile"}
            assert not banned, f"{name_of(path)} imports {banned}"


def test_the_pipeline_never_imports_training() -> None:
    for path in FILES:
        if under(path, "pipeline"):
            assert not any(n.startswith("archive_colorizer.training") for n in imports(path)), path


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("ray", RAY_FILES),
        ("boto3", {"storage/s3.py"}),
        ("botocore", {"storage/s3.py"}),
    ],
)
def test_a_library_is_used_only_in_its_place(library: str, allowed: set[str]) -> None:
    users = {name_of(path) for path in FILES if library in roots(path)}
    assert users <= allowed


def test_mlflow_is_used_only_in_the_registry() -> None:
    users = {name_of(path) for path in FILES if "mlflow" in roots(path)}
    assert all(name.startswith("registry/") for name in users), users


def test_the_mlflow_folder_holds_no_python() -> None:
    assert not list((ROOT / "mlflow").rglob("*.py")), "it would shadow the mlflow package"


def test_importing_the_package_loads_neither_torch_nor_ray() -> None:
    code = (
        "import sys, archive_colorizer, archive_colorizer.cli.main;"
        "import archive_colorizer.pipeline.config;"
        "print([m for m in ('torch', 'ray', 'mlflow', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_over_400_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for folder in ("archive_colorizer", "tests", "jobs", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_job_scripts_are_thin() -> None:
    for path in (ROOT / "jobs").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path
