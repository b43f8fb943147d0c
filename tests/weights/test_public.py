"""Public checkpoints: a file of each layout, made of random weights, is imported and runs."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.models.cyclegan import CycleGANConfig
from archive_colorizer.models.cyclegan import Generator as CycleGenerator
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.card import card_from_json

State = dict[str, torch.Tensor]


def conv(state: State, name: str, out: int, inp: int, edge: int = 3, bias: bool = True) -> None:
    state[f"{name}.weight"] = torch.randn(out, inp, edge, edge) * 0.05
    if bias:
        state[f"{name}.bias"] = torch.zeros(out)


def norm(state: State, name: str, width: int) -> None:
    state |= {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width),
              f"{name}.running_mean": torch.zeros(width), f"{name}.running_var": torch.ones(width),
              f"{name}.num_batches_tracked": torch.tensor(3)}  # fmt: skip


def unet(inputs: int, outputs: int, *, instance: bool = False, width: int = 4) -> State:
    """Names as pytorch-CycleGAN-and-pix2pix nests them, five levels."""
    widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
    state: State = {}
    conv(state, "model.model.0", widths[0], inputs, 4, bias=instance)
    at = "model.model.1."
    for level in range(1, 5):
        inner = level == 4
        conv(state, f"{at}model.1", widths[level], widths[level - 1], 4, bias=instance)
        if not inner and not instance:
            norm(state, f"{at}model.2", widths[level])
        wide = widths[level] * (1 if inner else 2)
        up = f"{at}model.{3 if inner else 5}"
        state[f"{up}.weight"] = torch.randn(wide, widths[level - 1], 4, 4) * 0.05
        if instance:
            state[f"{up}.bias"] = torch.zeros(widths[level - 1])
        else:
            norm(state, f"{at}model.{4 if inner else 6}", widths[level - 1])
        at += "model.3."
    state["model.model.3.weight"] = torch.randn(2 * width, outputs, 4, 4) * 0.05
    state["model.model.3.bias"] = torch.zeros(outputs)
    return state


def resnet(blocks: int = 2, width: int = 4) -> State:
    """CycleGAN's generator."""
    state: State = {}
    conv(state, "model.1", width, 3, 7)
    conv(state, "model.4", 2 * width, width)
    conv(state, "model.7", 4 * width, 2 * width)
    for i in range(10, 10 + blocks):
        for inner in (1, 5):
            conv(state, f"model.{i}.conv_block.{inner}", 4 * width, 4 * width)
    at = 10 + blocks
    for place, a, b in ((at, 4 * width, 2 * width), (at + 3, 2 * width, width)):
        state[f"model.{place}.weight"] = torch.randn(a, b, 3, 3) * 0.05
        state[f"model.{place}.bias"] = torch.zeros(b)
    conv(state, f"model.{at + 7}", 3, width, 7)
    return state


def zhang(kind: str, width: int = 2) -> State:
    """Both of Zhang et al.'s, names and shapes as released."""
    w, state = width, {}
    first = 4 if kind == "siggraph17" else 1
    plan = [(1, first, w, 2), (2, w, 2 * w, 2), (3, 2 * w, 4 * w, 3), (4, 4 * w, 8 * w, 3),
            (5, 8 * w, 8 * w, 3), (6, 8 * w, 8 * w, 3), (7, 8 * w, 8 * w, 3)]  # fmt: skip
    for number, inp, out, count in plan:
        for i in range(count):
            conv(state, f"model{number}.{2 * i}", out, inp if i == 0 else out)
        norm(state, f"model{number}.{2 * count}", out)
    if kind == "eccv16":
        state["model8.0.weight"] = torch.randn(8 * w, 4 * w, 4, 4) * 0.05
        state["model8.0.bias"] = torch.zeros(4 * w)
        conv(state, "model8.2", 4 * w, 4 * w)
        conv(state, "model8.4", 4 * w, 4 * w)
        conv(state, "model8.6", 313, 4 * w, 1)
        conv(state, "model_out", 2, 313, 1, bias=False)
        return state
    for name, a, b in (("model8up.0", 8 * w, 4 * w), ("model9up.0", 4 * w, 2 * w),
                       ("model10up.0", 2 * w, 2 * w)):  # fmt: skip
        state[f"{name}.weight"] = torch.randn(a, b, 4, 4) * 0.05
        state[f"{name}.bias"] = torch.zeros(b)
    conv(state, "model8.1", 4 * w, 4 * w)
    conv(state, "model8.3", 4 * w, 4 * w)
    norm(state, "model8.5", 4 * w)
    conv(state, "model9.1", 2 * w, 2 * w)
    norm(state, "model9.3", 2 * w)
    conv(state, "model10.1", 2 * w, 2 * w)
    conv(state, "model3short8.0", 4 * w, 4 * w)
    conv(state, "model2short9.0", 2 * w, 2 * w)
    conv(state, "model1short10.0", 2 * w, w)
    conv(state, "model_class.0", 529, 4 * w, 1)
    conv(state, "model_out.0", 2, 2 * w, 1)
    return state


def esrgan(old: bool = False) -> State:
    state: State = {}
    names = ("model.0", "model.1.sub.1", "model.3", "model.6", "model.8", "model.10") if old else (
        "conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")  # fmt: skip
    for name, out, inp in zip(names, (4, 4, 4, 4, 4, 3), (3, 4, 4, 4, 4, 4), strict=True):
        conv(state, name, out, inp)
    for block in (1, 2, 3):
        for i in range(1, 6):
            out, inp = (4 if i == 5 else 2), 4 + 2 * (i - 1)
            name = f"model.1.sub.0.RDB{block}.conv{i}.0" if old else f"body.0.rdb{block}.conv{i}"
            conv(state, name, out, inp)
    return state


def rdn() -> State:
    state: State = {}
    conv(state, "sfe1", 6, 3)
    conv(state, "sfe2", 6, 6)
    conv(state, "rdbs.0.layers.0.conv", 4, 6)
    conv(state, "rdbs.0.layers.1.conv", 4, 10)
    conv(state, "rdbs.0.lff", 6, 14, 1)
    conv(state, "gff.0", 6, 6, 1)
    conv(state, "gff.1", 6, 6)
    conv(state, "upscale.0.0", 24, 6)
    conv(state, "output", 3, 6)
    return state


FILES: dict[str, tuple[Callable[[], Any], str]] = {
    "pix2pix-colorization": (lambda: unet(1, 2), "pix2pix"),
    "pix2pix-rgb": (lambda: unet(3, 3), "pix2pix"),
    "pix2pix-instance": (lambda: unet(3, 3, instance=True), "pix2pix"),
    "cyclegan": (resnet, "cyclegan"),
    "siggraph17": (lambda: zhang("siggraph17"), "siggraph17"),
    "eccv16": (lambda: zhang("eccv16"), "eccv16"),
    "esrgan": (lambda: {"params_ema": esrgan(), "params": esrgan()}, "rrdb"),
    "esrgan-old": (lambda: esrgan(old=True), "rrdb"),
    "rdn": (lambda: {"state_dict": {f"module.{k}": v for k, v in rdn().items()}}, "rdn"),
}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    y, x = np.mgrid[:70, :90]
    Image.fromarray(((x * 2 + y) % 256).astype(np.uint8)).save(folder / "one.png")
    return folder


def imported(tmp_path: Path, state: Any, *more: str) -> Path:
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "public.pth"
    torch.save(state, path)
    assert main(["models", "import", str(path), "--output", str(tmp_path / "model"), *more]) == 0
    return tmp_path / "model"


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_layout_runs(
    tmp_path: Path, scan: Path, name: str, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    make, family = FILES[name]
    model = imported(tmp_path, make(), "--data-rights", "not_cleared")
    said = capsys.readouterr().out
    assert family in said
    card = resolve(str(model)).card
    assert (card.family, card.data_rights) == (family, "not_cleared")
    assert "SHA-256 of public.pth" in card.training
    if family in ("rrdb", "rdn"):
        words = ["evaluate", str(scan), "--size", "64", "--model", str(model)]
        assert main([*words, "--output", str(tmp_path / "report")]) == 0
        return
    words = ["colorize", str(scan), str(tmp_path / "out"), "--engine", "local", "--proxy-px", "64"]
    more = ["--restore", "off"] if family == "cyclegan" else []
    assert main([*words, "--model", str(model), *more]) == 0
    (row,) = rows(tmp_path / "out")
    assert row["status"] == "ok"
    assert row["steps"][0]["op"] == family
    assert row["steps"][0]["weights_rights"] == "not_cleared"


def test_tensors_are_the_files(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = unet(1, 2)
    module = load(resolve(str(imported(tmp_path, state))))
    assert module.config.resolution == 32
    assert module.config.lightness
    theirs = state["model.model.1.model.3.model.5.weight"]
    assert torch.equal(module.up[2][1].weight, theirs)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    public = resnet()
    network = load(resolve(str(imported(tmp_path / "cycle", public))))
    own = CycleGenerator(CycleGANConfig(width=4, blocks=2))
    own.load_state_dict({k.removeprefix("forth."): v for k, v in network.state_dict().items()})
    assert torch.equal(own.layers[1].weight, public["model.1.weight"])
    assert torch.allclose(own(x), network.forth(x))


def test_both_directions_of_a_cyclegan_are_one_model(tmp_path: Path, scan: Path) -> None:
    back = tmp_path / "back.pth"
    torch.save(resnet(), back)
    model = imported(tmp_path, resnet(), "--back", str(back))
    assert not load(resolve(str(model))).config.one_way
    words = ["colorize", str(scan), str(tmp_path / "out"), "--engine", "local", "--restore", "off"]
    assert main([*words, "--model", str(model), "--back"]) == 0


def test_a_pix2pix_of_three_channels_may_translate(tmp_path: Path) -> None:
    model = imported(tmp_path, unet(3, 3), "--task", "translate")
    assert resolve(str(model)).card.family == "pix2pix_translate"


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (print, ("unpickled",))


def test_what_is_no_model_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.pth"
    torch.save(zhang("eccv16"), good)
    files = {
        "absent.pth": (None, "no such weights file"),
        "cut.pth": (good.read_bytes()[:-5000], "not a state dict that is safe to load"),
        "cut.safetensors": (b"\x10\0\0\0\0\0\0\0{}", "not a state dict"),
        "text.pth": (b"hello", "not a state dict"),
        "code.pth": (pickle.dumps({"x": Evil()}), "not a state dict that is safe to load"),
        "/proc/self/mem": (None, "not a state dict"),  # a file that cannot be read
        "picture.pth": (b"\x89PNG\r\n", "not a state dict"),
    }
    states = {
        "unknown.pth": ({"a.weight": torch.zeros(1)}, "no known layout (1 tensors, first 'a.w"),
        "renamed.pth": ({k.replace("model5", "m5"): v for k, v in zhang("eccv16").items()},
                        "does not fit eccv16"),
        "biggan.pth": ({"shared.weight": torch.zeros(1)}, "this is a BigGAN: name it in"),
        "vgg.pth": ({"features.0.weight": torch.zeros(1)}, "VGG or AlexNet"),
        "nan.pth": (rdn() | {"sfe1.bias": torch.full((6,), float("nan"))}, "not finite"),
        "number.pth": ({"epoch": 3}, "not a state dict (names and tensors)"),
        "list.pth": ([1, 2], "not a state dict"),
    }  # fmt: skip
    for name, (data, _) in files.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    for name, (state, _) in states.items():
        torch.save(state, tmp_path / name)
    for name, (_, text) in (files | states).items():
        words = ["models", "import", str(tmp_path / name), "--output", str(tmp_path / "model")]
        assert main(words) == 2, name
        said = capsys.readouterr()
        assert text in said.err, (name, said.err)
        assert len(said.err.strip().splitlines()) == 1, said.err
        assert "unpickled" not in said.out
        assert name in said.err
    assert not (tmp_path / "model").exists()


def test_a_folder_that_holds_something_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = imported(tmp_path, rdn())
    before = (model / "model.safetensors").read_bytes()
    words = ["models", "import", str(tmp_path / "public.pth"), "--output", str(model)]
    assert main(words) == 2
    assert "not empty" in capsys.readouterr().err
    assert (model / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("family", "parameters"),
    [("siggraph17", 34_187_027), ("eccv16", 32_236_011)],
)
def test_parameters_are_those_that_were_published(family: str, parameters: int) -> None:
    with torch.device("meta"):
        module = MODELS[family].build_from({})
    assert sum(p.numel() for p in module.parameters()) == parameters


def test_the_card_says_where_it_is_from(tmp_path: Path) -> None:
    model = imported(tmp_path, rdn(), "--name", "mine")
    card = card_from_json((model / "card.json").read_text(), "card")
    assert card.name == "mine"
    assert card.data_rights == "unknown"
    assert "RDN (sfe1, rdbs)" in card.summary
