"""How large is an installation: of what colouring a local folder needs, and of each extra on top.

    python benchmarks/installed_size.py

From pyproject.toml's requirements, and what they require in turn, as installed here: sizes of the
files that each distribution lists, compiled Python included. torch is the build that is installed.
"""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from common import ROOT, save
from packaging.requirements import Requirement

Extras = frozenset[str]


def close(requirements: list[str]) -> set[str]:
    """Names of all distributions that some requirements bring; those not installed are left out."""
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, Extras]] = set()
    while waiting:
        one = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", one.name).lower(), frozenset(one.extras))
        found = find(key[0])
        if key in seen or found is None:
            continue
        seen.add(key)
        for text in found.requires or ():
            needed = Requirement(text)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *one.extras)):
                waiting.append(needed)
    return {name for name, _ in seen}


def find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def size_mb(names: set[str]) -> int:
    """Megabytes on disk."""
    files = {
        path for name in names if (found := find(name)) is not None
        for path in map(found.locate_file, found.files or ())
    }  # fmt: skip
    sizes = (path.stat().st_size for path in map(ROOT.joinpath, map(str, files)) if path.is_file())
    return round(sum(sizes) / 1e6)


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = ROOT / "archive_colorizer"
    own_mb = round(sum(p.stat().st_size for p in own.rglob("*") if p.is_file()) / 1e6)
    base, torch = close(project["dependencies"]), close(["torch"])
    extras = {}
    for name, requirements in sorted(project["optional-dependencies"].items()):
        if name not in ("all", "dev") and all(find(Requirement(r).name) for r in requirements):
            extras[name] = size_mb(close(requirements) - base)
    save(
        "installed_size",
        {
            "what": "megabytes in site-packages; torch with what it requires",
            "package": own_mb,
            "colour_only_without_torch": own_mb + size_mb(base - torch),
            "torch": size_mb(torch),
            "colour_only": own_mb + size_mb(base | torch),
            "largest": dict(
                sorted(((name, size_mb({name})) for name in base), key=lambda i: -i[1])[:8]
            ),
            "extras_beside_it": extras,
        },
    )


if __name__ == "__main__":
    main()
