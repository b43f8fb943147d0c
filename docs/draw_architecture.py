"""Draw the house into docs/architecture.md: rooms, floors and who imports whom, from the source.

    python docs/draw_architecture.py            # writes the page
    python docs/draw_architecture.py --check    # exit code 1 where the page is not up to date

A room is a package or a module directly under `archive_colorizer`. A room's floor is one above the
highest that it imports; rooms that import each other in a circle share a floor. An arrow that
others imply is left out.
"""  # noqa: INP001 (a script, not a package)

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "archive_colorizer"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by docs/draw_architecture.py -->", "<!-- end of the drawing -->"
Graph = Mapping[str, frozenset[str]]
"""Room -> the rooms that it imports."""


def list_rooms(package: Path) -> dict[str, list[Path]]:
    """Rooms and their files; `__init__` and `__main__` of the package are none."""
    rooms = {path.stem: [path] for path in sorted(package.glob("*.py")) if path.stem[0] != "_"}
    for folder in sorted(path.parent for path in package.glob("*/__init__.py")):
        rooms[folder.name] = sorted(folder.rglob("*.py"))
    return rooms


def read_imports(path: Path) -> Iterator[str]:
    """Dotted names under the package that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{NAME}."))
        elif isinstance(node, ast.ImportFrom) and node.module == NAME:
            yield from (f"{NAME}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{NAME}."):
            yield str(node.module)


def read_graph(rooms: Mapping[str, list[Path]]) -> Graph:
    """Which room imports which."""
    found = {
        room: {name.split(".")[1] for file in files for name in read_imports(file)}
        for room, files in rooms.items()
    }
    return {room: frozenset(found[room] & rooms.keys() - {room}) for room in rooms}


def reach(graph: Graph, start: str) -> set[str]:
    """All rooms that can be reached over arrows; the start itself only by a circle."""
    waiting, seen = list(graph[start]), set()
    while waiting:
        room = waiting.pop()
        if room not in seen:
            seen.add(room)
            waiting += graph[room]
    return seen


def find_circles(below: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Each room with those that it imports in a circle, from what can be reached; itself alone
    where there is none.
    """
    return {room: {room} | {r for r in below[room] if room in below[r]} for room in below}


def find_arrows(graph: Graph) -> list[tuple[str, str]]:
    """Imports that no way over a third room implies."""
    below = {room: reach(graph, room) for room in graph}
    circle = find_circles(below)
    return [
        (room, other)
        for room in sorted(graph)
        for other in sorted(graph[room])
        if not any(
            other in below[third] for third in graph[room] - {other} - circle[room] - circle[other]
        )
    ]


def find_floors(graph: Graph) -> list[list[str]]:
    """Rooms floor by floor, the ground first."""
    below = {room: reach(graph, room) for room in graph}
    circle = find_circles(below)
    height: dict[str, int] = {}
    while len(height) < len(graph):
        for room in graph.keys() - height.keys():
            under = below[room] - circle[room]
            if under <= height.keys():
                height[room] = 1 + max((height[r] for r in under), default=-1)
    floors: list[list[str]] = [[] for _ in range(max(height.values()) + 1)]
    for room in sorted(graph):
        floors[height[room]].append(room)
    return floors


def describe(files: list[Path], room: str) -> str:
    """The first sentence of a room's docstring."""
    first = next((path for path in files if path.parent.name == room), files[0])
    text = ast.get_docstring(ast.parse(first.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".").replace("|", "\\|")


def list_files(files: list[Path], folder: Path) -> str:
    """Names of a room's files, those of its wings after the wing's name."""
    wings: dict[str, list[str]] = {}
    for path in files:
        if path.stem != "__init__":
            wings.setdefault(path.parent.relative_to(folder).as_posix(), []).append(path.stem)
    own = ", ".join(wings.pop(".", []))
    return "; ".join([*filter(None, [own]), *(f"**{w}/** {', '.join(wings[w])}" for w in wings)])


def draw(package: Path) -> str:
    """The drawing: a Mermaid flowchart, and a table of floors from the top down."""
    rooms = list_rooms(package)
    graph = read_graph(rooms)
    floors = find_floors(graph)
    lines = ["```mermaid", "flowchart TD"]
    for number, floor in reversed(list(enumerate(floors))):
        lines.append(f'  subgraph f{number}["floor {number}"]')
        lines += [f"    {room}" for room in floor]
        lines.append("  end")
    lines += [f"  {room} --> {other}" for room, other in find_arrows(graph)]
    lines += ["```", "", "| floor | room | its purpose | its files |", "|---:|---|---|---|"]
    for number, floor in reversed(list(enumerate(floors))):
        for room in floor:
            whole = (package / room).is_dir()
            names = list_files(rooms[room], package / room) if whole else ""
            about = describe(rooms[room], room)
            lines.append(f"| {number} | `{room}{'/' * whole}` | {about} | {names} |")
    return "\n".join(lines)


def replace_drawing(page: str, drawing: str) -> str:
    """The page with another drawing between its marks.

    Raises:
        ValueError: a mark is missing.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks {BEGIN} or {END}")
    return f"{head}{BEGIN}\n\n{drawing}\n\n{END}{tail}"


def main(words: list[str]) -> int:
    """Write the page, or only compare it."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = replace_drawing(page, draw(ROOT / NAME))
    if wanted == page:
        return 0
    if "--check" in words:
        sys.stderr.write(f"{PAGE.name} is not up to date: python docs/draw_architecture.py\n")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
