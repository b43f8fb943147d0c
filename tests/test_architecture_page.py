"""docs/architecture.md: its drawing is the source's, and its walks name what is there."""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "archive_colorizer"
PAGE = ROOT / "docs" / "architecture.md"
STOP = re.compile(r"^\| `([\w/]+)\.py` ((?:`[\w.]+`,? )+)\|", re.MULTILINE)
"""A row of a walk: a file, and the names in it that the row speaks of."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "docs" / "draw_architecture.py"
    spec = importlib.util.spec_from_file_location("draw_architecture", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def house(folder: Path, **imports: str) -> Path:
    """A package whose rooms have one import line each."""
    package = folder / "archive_colorizer"
    package.mkdir()
    for room, line in imports.items():
        (package / f"{room}.py").write_text(f'"""Room {room}: for tests."""\n\n{line}\n')
    return package


def test_the_drawing_is_that_of_the_source(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0, "run python docs/draw_architecture.py"


def test_a_room_stands_above_what_it_imports_and_implied_arrows_are_left_out(
    script: ModuleType, tmp_path: Path
) -> None:
    package = house(
        tmp_path,
        ground="",
        middle="from archive_colorizer import ground",
        top="def go():\n    import archive_colorizer.ground\n    import archive_colorizer.middle",
    )
    graph = script.read_graph(script.list_rooms(package))
    assert graph["top"] == {"ground", "middle"}
    assert script.find_floors(graph) == [["ground"], ["middle"], ["top"]]
    assert script.find_arrows(graph) == [("middle", "ground"), ("top", "middle")]
    assert "| 1 | `middle` | Room middle: for tests |" in script.draw(package)


def test_rooms_in_a_circle_share_a_floor_and_show_both_arrows(
    script: ModuleType, tmp_path: Path
) -> None:
    package = house(
        tmp_path,
        one="from archive_colorizer.two import x",
        two="from archive_colorizer.one import x",
        three="from archive_colorizer.one import x",
    )
    graph = script.read_graph(script.list_rooms(package))
    assert script.find_floors(graph) == [["one", "two"], ["three"]]
    assert {("one", "two"), ("two", "one")} < set(script.find_arrows(graph))


def test_another_source_gives_another_page(script: ModuleType, tmp_path: Path) -> None:
    page = f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n"
    new = script.replace_drawing(page, script.draw(house(tmp_path, only="")))
    assert new.startswith("before\n")
    assert new.endswith("after\n")
    assert "| 0 | `only` |" in new
    assert "old" not in new
    with pytest.raises(ValueError, match="lacks"):
        script.replace_drawing("no marks", "")


def defined(path: Path) -> set[str]:
    """Functions, classes, methods (as Class.method) and values of a file."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{x.name}" for x in node.body if isinstance(x, ast.FunctionDef)}
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_the_walks_name_files_and_functions_that_are_there() -> None:
    stops = STOP.findall(PAGE.read_text(encoding="utf-8"))
    assert len(stops) > 25
    lost = []
    for file, names in stops:
        path = PACKAGE / f"{file}.py"
        there = defined(path) if path.is_file() else set()
        missing = [name for name in re.findall(r"`([\w.]+)`", names) if name not in there]
        lost += [f"{file}.py {name}" for name in missing] or [file] * (not path.is_file())
    assert not lost
