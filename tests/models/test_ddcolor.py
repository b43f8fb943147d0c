"""DDColor through its library, which has an environment of its own.

torchvision beside a CPU torch lacks two operators (placeholders here), and torchmetrics fails where
it finds such a one: so neither is in the development environment.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.models import ddcolor
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import resolve

HERE = find_spec("spandrel_extra_arches") is not None
needs_library = pytest.mark.skipif(not HERE, reason="run by the slow test below")
PACKAGES = ("spandrel-extra-arches", "spandrel", "torchvision", "einops")
ROOT = Path(__file__).parents[2]
SMALL = {"encoder_name": "convnext-t", "num_queries": 8, "num_scales": 3,
         "dec_layers": 3, "input_px": 64}  # fmt: skip


@pytest.fixture(scope="module")
def library() -> torch.library.Library:
    """What torchvision asks torch for when it is imported."""
    defined = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                 "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):  # fmt: skip
        defined.define(name)
    return defined


@pytest.fixture(scope="module")
def public(library: torch.library.Library) -> dict[str, torch.Tensor]:
    """A state dict with the public names, of random weights."""
    torch.manual_seed(0)
    module = MODELS["ddcolor"].build_from(SMALL)
    return module.network.state_dict()


@needs_library
def test_a_public_file_is_imported_and_colours(
    public: dict[str, torch.Tensor], tmp_path: Path, rows: object
) -> None:
    torch.save({"params": public}, tmp_path / "net_g.pth")
    words = ["models", "import", str(tmp_path / "net_g.pth"), "--output", str(tmp_path / "model")]
    assert main(words) == 0
    card = resolve(str(tmp_path / "model")).card
    assert card.family == "ddcolor"
    assert {k: card.config[k] for k in ("encoder_name", "num_queries", "dec_layers")} == {
        "encoder_name": "convnext-t", "num_queries": 8, "dec_layers": 3,
    }  # fmt: skip
    (tmp_path / "scans").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (70, 90)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scans" / "one.png")
    words = ["colorize", str(tmp_path / "scans"), str(tmp_path / "out"), "--engine", "local"]
    assert main([*words, "--model", str(tmp_path / "model"), "--proxy-px", "64"]) == 0
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["steps"][0]["op"]) == ("ok", "ddcolor")


@needs_library
@torch.inference_mode()
def test_chroma_has_the_inputs_size_and_the_tensors_are_the_files(
    public: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    config, tensors = ddcolor.from_public(public)
    module = MODELS["ddcolor"].build_from({**config, "input_px": 64}).eval()
    module.load_state_dict(tensors)
    said = module.predict(torch.rand(1, 1, 50, 70))
    assert said.ab_b2hw.shape == (1, 2, 50, 70)
    assert not said.doubt_b1hw.any()
    assert torch.equal(module.network.encoder.arch.norm.weight, public["encoder.arch.norm.weight"])
    del public["encoder.arch.stages.0.0.norm.weight"]
    with pytest.raises(ValueError, match=r"encoder\.arch\.stages\.0\.0\.norm\.weight"):
        ddcolor.from_public(public)


@pytest.mark.slow
@pytest.mark.skipif(HERE, reason="the library is here")
def test_with_the_library_in_a_place_of_its_own(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    constraints = ["-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(tmp_path / "site"), *constraints, *PACKAGES], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__,
         "-k", "imported or chroma"],
        capture_output=True, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_without_the_library_it_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel_extra_arches.architectures", None)
    torch.save(dict.fromkeys(ddcolor.MARKS, torch.zeros(1)), tmp_path / "net_g.pth")
    words = ["models", "import", str(tmp_path / "net_g.pth"), "--output", str(tmp_path / "model")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "pip install 'archive-colorizer[ddcolor]'" in said
    assert len(said.strip().splitlines()) == 1
