"""docs/first-pictures.ipynb: its cells run from top to bottom, and show what they say.

The cells are run without a kernel: nbclient with ipykernel would be some thirty packages more.
"""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first-pictures.ipynb"


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell in a namespace; gives the value of its last expression, as a notebook shows it."""
    body = ast.parse(source, "cell").body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)  # noqa: S102 (our own notebook)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307


def test_it_is_stored_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in codes)


@pytest.mark.slow
def test_its_cells_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names: dict[str, Any] = {"__name__": "notebook"}
    shown = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shown.append(run_cell("".join(cell["source"]), names))
    assert [type(one) for one in shown[1:4]] == [Image.Image] * 3
    assert list(shown[4]["status"]) == ["ok"]
    said = capsys.readouterr().out
    assert "the same pixels: True" in said
    assert "1 coloured, 0 skipped, 0 failed" in said
    assert names["moved"] > 0.5
