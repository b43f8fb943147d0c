"""Models side by side on pictures without a truth: what is shown, in what order, what hidden."""

import base64
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toys import drawn

from archive_colorizer.cli.main import main
from archive_colorizer.models.table import MODELS
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

SETTINGS = {"width": 4, "levels": 1}
Run = Callable[..., int]


def make_model(folder: Path, colour: float) -> str:
    """An untrained network that gives everything one colour, so strong."""
    torch.manual_seed(3)
    module: Any = MODELS["cwgan_gp"].build_from(SETTINGS)
    with torch.no_grad():
        module.last.weight.zero_()
        module.last.bias.copy_(torch.tensor([colour, colour]))
    card = ModelCard(name=folder.name, version="1", family="cwgan_gp", config=SETTINGS)
    save_model(folder, module, card)
    return str(folder)


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    """Two untrained networks, one of them stronger in colour."""
    strengths = {"pale": 0.02, "bright": 0.3}
    return [make_model(tmp_path / "models" / name, value) for name, value in strengths.items()]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three grey scans; there is more to colour in the middle grey than in black."""
    folder = tmp_path / "scans"
    (folder / "gate").mkdir(parents=True)
    middle = np.full((90, 120), 128, np.uint8) + (np.arange(120) % 7).astype(np.uint8)
    Image.fromarray(middle).save(folder / "gate" / "middle & <grey>.png")
    dark = np.full((90, 120), 12, np.uint8) + (np.arange(120) % 7).astype(np.uint8)
    Image.fromarray(dark).save(folder / "dark.jpg")
    Image.fromarray(drawn(1, 100, 80)).convert("L").save(folder / "drawn.tif")
    return folder


@pytest.fixture
def run(scans: Path, models: list[str], tmp_path: Path) -> Run:
    def call(*more: str, places: tuple[str, ...] = (), name: str = "out") -> int:
        of_models = [] if places else ["--model", models[0], "--model", models[1]]
        words = ["compare", *(places or (str(scans),)), *of_models]
        if not places:
            words += ["--engine", "local", "--proxy-px", "64"]
        return main([*words, "--output", str(tmp_path / name), *more])

    return call


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def figures_of(page: str) -> list[list[tuple[str, np.ndarray]]]:
    """Captions and pictures of each section of a page."""
    return [
        [
            (caption, np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(float))
            for data, caption in re.findall(
                r'src="data:image/jpeg;base64,([^"]+)"><figcaption>(.*?)</figcaption>', section
            )
        ]
        for section in page.split("<section")[1:]
    ]


def test_a_page_shows_the_models_beside_each_other_where_they_differ_most_first(
    run: Run, tmp_path: Path, models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    said = capsys.readouterr().out
    assert "3 pictures side by side" in said
    rows = table(tmp_path / "out" / "compare.csv")
    assert [row["result"] for row in rows] == models * 3
    names = [row["picture"] for row in rows[::2]]
    assert sorted(names) == ["dark.jpg", "drawn.tif", "gate/middle & <grey>.png"]
    assert names[-1] == "dark.jpg"
    apart = [float(row["difference"]) for row in rows[::2]]
    assert apart == sorted(apart, reverse=True)
    assert apart[0] > 2 * apart[-1] > 0
    for pale, bright in zip(rows[::2], rows[1::2], strict=True):
        assert float(pale["colourfulness"]) < float(bright["colourfulness"])
        assert pale["doubt_mean"] == "0"
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    sections = figures_of(page)
    assert len(sections) == 3
    assert "gate/middle &amp; &lt;grey&gt;.png" in page
    for (grey, plain), (one, pale), (other, bright), (label, far) in sections:
        assert (grey, label) == ("grey", "where they differ")
        assert one.startswith(f"{models[0]}<br>colourfulness ")
        assert other.startswith(f"{models[1]}<br>colourfulness ")
        assert "doubt 0.00" in one
        assert np.ptp(plain, axis=2).max() <= 4
        assert np.ptp(pale, axis=2).mean() < np.ptp(bright, axis=2).mean()
        assert far.shape == bright.shape
    with Image.open(tmp_path / "out" / "compare.png") as sheet:
        assert sheet.height > 3 * 300


def test_a_limit_holds_over_all_calls(
    run: Run, scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run("--limit", "1") == 0
        assert "1 pictures side by side" in capsys.readouterr().out
    assert run("--limit", "2") == 0
    assert "2 pictures side by side" in capsys.readouterr().out


def test_the_page_loads_nothing_from_elsewhere(run: Run, tmp_path: Path) -> None:
    assert run() == 0
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "default-src 'none'; img-src data:" in page
    without_pictures = re.sub(r'src="data:[^"]*"', "", page)
    assert not re.search(r"(src|href)=|https?://|<script|url\(", without_pictures)


def test_a_blind_page_hides_who_is_who_and_the_key_says_it(
    run: Run, tmp_path: Path, models: list[str], scans: Path
) -> None:
    for number in range(8):
        Image.fromarray(drawn(number + 5, 60, 60)).convert("L").save(scans / f"more{number}.png")
    assert run() == 0
    assert run("--blind", "--seed", "4") == 0  # takes what is coloured already
    page = (tmp_path / "out" / "blind.html").read_text(encoding="utf-8")
    assert not any(word in page for word in ("pale", *models, "colourfulness", "doubt"))
    key = table(tmp_path / "out" / "blind.key.csv")
    orders = {row["picture"]: [] for row in key}
    for row in sorted(key, key=lambda row: int(row["position"])):
        orders[row["picture"]].append(row["result"])
    assert {tuple(order) for order in orders.values()} == {tuple(models), tuple(models[::-1])}
    for (_, (first, one), (second, two), _), name in zip(figures_of(page), orders, strict=True):
        assert (first, second) == ("1", "2")
        brighter = np.ptp(two, axis=2).mean() > np.ptp(one, axis=2).mean()
        assert orders[name] == (models if brighter else models[::-1])
    assert (tmp_path / "out" / "compare.html").exists()
    before = (tmp_path / "out" / "blind.key.csv").read_text()
    assert run("--blind", "--seed", "4") == 0
    assert (tmp_path / "out" / "blind.key.csv").read_text() == before
    assert run("--blind", "--seed", "5") == 0
    assert (tmp_path / "out" / "blind.key.csv").read_text() != before


def test_a_blind_page_of_three_models_has_all_in_orders_drawn_for_each_picture(
    run: Run, tmp_path: Path, models: list[str], scans: Path
) -> None:
    for number in range(9):
        Image.fromarray(drawn(number + 5, 60, 60)).convert("L").save(scans / f"more{number}.png")
    third = make_model(tmp_path / "models" / "vivid", 0.8)
    assert run("--model", third, "--blind", "--seed", "1", "--sheet-rows", "12") == 0
    page = (tmp_path / "out" / "blind.html").read_text(encoding="utf-8")
    assert not any(word in page for word in ("pale", "vivid", "colourfulness", "doubt"))
    orders: dict[str, list[str]] = {}
    for row in sorted(table(tmp_path / "out" / "blind.key.csv"), key=lambda r: int(r["position"])):
        orders.setdefault(row["picture"], []).append(row["result"])
    sections = figures_of(page)
    assert len(orders) == len(sections) == 12
    assert len({tuple(order) for order in orders.values()}) > 2
    for _, *results, _ in sections:
        assert [title for title, _ in results] == ["1", "2", "3"]
    # `orders` has the page's order: the least colour is where the key says that the pale one is.
    for (_, *results, _), order in zip(sections, orders.values(), strict=True):
        colours = [np.ptp(picture, axis=2).mean() for _, picture in results]
        assert order[int(np.argmin(colours))] == models[0]
        assert order[int(np.argmin(colours))] == models[0]


def test_two_outputs_are_compared_without_colouring_anything(
    run: Run, tmp_path: Path, scans: Path, models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = (str(tmp_path / "one"), str(tmp_path / "two"))
    quick = ("--engine", "local", "--proxy-px", "64")
    for model, output in zip(models, outputs, strict=True):
        assert main(["colorize", str(scans), output, "--model", model, *quick]) == 0
    (scans / "late.png").write_bytes(b"no picture")
    assert main(["colorize", str(scans), outputs[0], *quick, "--model", models[0]]) == 3
    capsys.readouterr()
    assert run(places=outputs) == 0
    said = capsys.readouterr().out
    assert "3 pictures side by side" in said
    assert "not compared: late.png: not coloured by all: failed unreadable / no row" in said
    rows = table(tmp_path / "out" / "compare.csv")
    assert [row["result"] for row in rows] == list(outputs) * 4
    assert [row["status"] for row in rows[-2:]] == ["failed", ""]
    assert rows[-2]["error_class"] == "unreadable"
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "1 pictures cannot be compared" in page
    assert not (tmp_path / "out" / "coloured").exists()


def test_a_picture_that_fails_is_exit_code_3(run: Run, scans: Path) -> None:
    (scans / "bad.jpg").write_bytes(b"nothing of the kind")
    assert run() == 3


def test_what_cannot_be_compared_is_one_line(
    run: Run, tmp_path: Path, scans: Path, models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one = str(tmp_path / "one")
    quick = ("--engine", "local", "--proxy-px", "64")
    assert main(["colorize", str(scans), one, "--model", models[0], *quick]) == 0
    other = scans.with_name("other")
    other.mkdir()
    Image.fromarray(drawn(3)).convert("L").save(other / "x.png")
    assert main(["colorize", str(other), str(tmp_path / "two"), "--model", models[0], *quick]) == 0
    cases = [
        ((one, str(tmp_path / "two")), (), "have no picture in common"),
        ((one, str(scans)), (), "has no manifest"),
        ((one,), (), "two OUTPUTs are compared, or one SOURCE with two --model"),
        ((one, one), (), "two OUTPUTs are compared"),
        ((one, str(tmp_path / "two")), ("--limit", "3"), "select.limit: is for colouring"),
        ((str(scans),), ("--model", models[0]), "at least two are compared"),
        ((one, str(scans)), ("--model", "a", "--model", "b"), "--model colours one SOURCE"),
    ]
    for places, more, words in cases:
        capsys.readouterr()
        assert run(*more, places=places) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
        assert line.startswith("archive-colorizer: ")
        assert words in line
