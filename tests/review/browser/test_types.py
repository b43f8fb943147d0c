"""The pages' JavaScript holds its own types: TypeScript's checker, strict, nothing emitted."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / "tests" / "tools" / "node_modules"
OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "noEmit": True,
    "strict": True,
    "noImplicitOverride": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "exactOptionalPropertyTypes": True,
    "target": "ES2022",
    "module": "ES2022",
    "moduleResolution": "Bundler",
    "lib": ["ES2023", "DOM", "DOM.Iterable"],
    "types": [],
    "preserveSymlinks": True,
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (TOOLS / "typescript").is_dir() or shutil.which("node") is None,
        reason="no node, or nothing in tests/tools/node_modules: npm ci in tests/tools",
    ),
]


def test_every_module_passes_the_strict_type_checker(tmp_path: Path) -> None:
    for name, folder in {"desk": "review", "web": "web"}.items():
        source = ROOT / "archive_colorizer" / folder / "assets"
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("vendor"))
    (tmp_path / "node_modules").symlink_to(TOOLS)
    config = {"compilerOptions": OPTIONS, "include": ["desk", "web"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    words = ["node", str(TOOLS / "typescript" / "bin" / "tsc"), "--project", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
