"""`train` from the command line's configuration to a model that colours, without Ray."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.training.config import TrainConfig, compose
from archive_colorizer.training.journal import losses, validations
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.recipe import Batch
from archive_colorizer.training.run import train
from archive_colorizer.weights.local import save_model

TINY = {
    "model": {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8},
    "feed": {"crop_px": 32, "batch_size": 4},
    "run": {"engine": "local", "mlflow": False},
}
SLOW_PIX2PIX = pytest.param("pix2pix", marks=pytest.mark.slow)
SLOW_CWGAN = pytest.param("cwgan_gp", marks=pytest.mark.slow)


def config(photos: Path, folder: Path, key: str = "chroma_unet", **sections: dict) -> TrainConfig:
    base = {"data": {"data": str(photos)}, "loop": {"steps": 6, "epoch_steps": 3, "lr": 3e-3}}
    tiny = TINY if key == "chroma_unet" else TINY | {"model": {"width": 4}}
    layers = [("test", base), ("test", tiny), ("test", sections)]
    return compose(key, str(folder), layers)


def test_a_run_leaves_a_model_a_record_and_pictures(photos: Path, tmp_path: Path) -> None:
    report = train(config(photos, tmp_path / "run"))
    run = tmp_path / "run"
    assert report.steps == 6
    assert report.goal == "chroma/cross_entropy"
    assert [line["step"] for line in losses(run)] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in validations(run)] == [0, 3, 6]
    assert {"psnr", "psnr_grey", "colourfulness"} <= set(validations(run)[-1]["figures"])
    assert sorted(p.name for p in (run / "samples").iterdir()) == [
        f"epoch-{n:04d}.png" for n in range(3)
    ]
    assert (run / "losses.png").stat().st_size > 5000
    model = resolve(str(run / "model"))
    assert model.card.family == "chroma_unet"
    assert model.card.data_rights == "unknown"
    assert "6 steps, 24 samples" in model.card.training
    said = load(model).predict(torch.rand(1, 1, 32, 32))
    assert said.ab_b2hw.shape == (1, 2, 8, 8)
    record = json.loads((run / "run.json").read_text())
    assert record["parameters"]["feed.batch_size"] == 4
    assert len(record["parameters"]["data.split_sha256"]) == 64
    assert not list(run.glob("*.tmp"))


def test_a_stopped_run_that_goes_on_ends_like_one_that_was_not(
    photos: Path, tmp_path: Path
) -> None:
    train(config(photos, tmp_path / "whole", loop={"schedule": "cosine"}))
    parts = config(photos, tmp_path / "parts")

    class StoppedError(Exception):
        pass

    kept = Loop.one_step

    def stopping(loop: Loop, batch: Batch) -> dict[str, torch.Tensor]:
        if loop.step == 4:
            loop.save()
        if loop.step == 5:
            raise StoppedError
        return kept(loop, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "one_step", stopping)
        with pytest.raises(StoppedError):
            train(parts)
    with pytest.raises(LocationError, match="go on with --resume"):
        train(parts)
    train(config(photos, tmp_path / "parts", run={"resume": True}))
    first, second = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "parts")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [line["step"] for line in losses(tmp_path / "parts")] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in validations(tmp_path / "parts")] == [0, 3, 6]


def drift(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """From a step on, throw the averaged weights off: what overfitting does to held-out losses."""
    kept = Loop.one_step

    def drifting(loop: Loop, batch: Batch) -> dict[str, torch.Tensor]:
        found = kept(loop, batch)
        if loop.step > after:
            for weight in loop.ema.parameters():
                weight.data.mul_(-3)
        return found

    monkeypatch.setattr(Loop, "one_step", drifting)


def assert_is_ema_of(model: Path, checkpoint: Path, *, best: bool) -> None:
    state = torch.load(checkpoint, weights_only=True)
    held = state["best"]["weights"] if best else state["ema"]
    saved = load_file(model / "model.safetensors")
    assert all(torch.allclose(saved[n].float(), held[n].float(), atol=2e-3) for n in saved)


def test_the_model_is_the_best_that_was_validated_not_the_last(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    drift(monkeypatch, after=6)
    report = train(config(photos, run, loop={"steps": 12}))
    lines = validations(run)
    values = {line["step"]: line["figures"][report.goal] for line in lines}
    best = min((3, 6), key=lambda step: values[step])
    assert max(values[3], values[6]) < min(values[9], values[12])
    assert (report.best_step, report.end, report.steps) == (best, values[best], 12)
    assert [line["step"] for line in lines if line["best"]][-1] == best
    assert_is_ema_of(run / "model", run / "last.pt", best=True)
    card = resolve(str(run / "model")).card
    assert f"{values[best]:.4f} at step {best}, the best validation" in card.training
    assert card.figures[report.goal] == round(values[best], 4)
    assert f"at step {best}, the best" in report.text()


def test_the_best_so_far_survives_a_resumption(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    first = train(config(photos, run))
    before = load_file(run / "model" / "model.safetensors")
    drift(monkeypatch, after=6)
    longer = train(config(photos, run, loop={"steps": 12}, run={"resume": True}))
    assert (longer.steps, longer.best_step, longer.end) == (12, first.best_step, first.end)
    after = load_file(run / "model" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_that_gains_nothing_over_its_start_says_so_and_keeps_the_start(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    first = tmp_path / "first"
    train(config(photos, first))
    drift(monkeypatch, after=0)
    run = tmp_path / "second"
    words = ["train", "chroma_unet", str(photos), "--init", str(first / "model"), "--steps", "2",
             "--set", "feed.crop_px=32", "--batch-size", "4", "--engine", "local",
             "--no-mlflow"]  # fmt: skip
    assert main([*words, "--output", str(run)]) == 3
    assert f"no gain over --init {first / 'model'}" in capsys.readouterr().out
    old, new = (load_file(folder / "model" / "model.safetensors") for folder in (first, run))
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert "at step 0, the best validation" in resolve(str(run / "model")).card.training


def test_a_run_from_scratch_never_gives_its_first_weights(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift(monkeypatch, after=0)
    report = train(config(photos, tmp_path / "run"))
    assert report.best_step > 0
    assert not report.gained_nothing


def test_a_run_does_not_go_on_with_other_settings(photos: Path, tmp_path: Path) -> None:
    train(config(photos, tmp_path / "run"))
    with pytest.raises(ConfigError, match=r"feed\.batch_size was 4, is 2"):
        train(config(photos, tmp_path / "run", feed={"batch_size": 2}, run={"resume": True}))
    longer = config(photos, tmp_path / "run", loop={"steps": 7}, run={"resume": True})
    assert train(longer).steps == 7


def test_fine_tuning_starts_from_a_models_weights(photos: Path, tmp_path: Path) -> None:
    train(config(photos, tmp_path / "first"))
    ref = str(tmp_path / "first" / "model")
    still = compose("chroma_unet", str(tmp_path / "second"), [("test", {
        "data": {"data": str(photos)}, "loop": {"steps": 1, "lr": 1e-12}, "feed": TINY["feed"],
        "run": TINY["run"] | {"init": ref}, "model": {"temperature": 0.3},
    })])  # fmt: skip
    train(still)  # the widths are the first one's
    assert resolve(str(tmp_path / "second" / "model")).card.config["temperature"] == 0.3
    first, second = (load_file(tmp_path / n / "model" / "model.safetensors")["stem.0.weight"]
                     for n in ("first", "second"))  # fmt: skip
    assert torch.allclose(first.float(), second.float(), atol=1e-3)
    with pytest.raises(ConfigError, match="is a chroma_unet, not a autoencoder"):
        train(config(photos, tmp_path / "third", "autoencoder", run={"init": ref}))


@pytest.mark.slow
def test_fine_tuning_inherits_rights_and_what_is_reviewed(photos: Path, tmp_path: Path) -> None:
    train(config(photos, tmp_path / "first", run={"data_rights": "not_cleared"}))
    first = resolve(str(tmp_path / "first" / "model"))
    reviewed = replace(first.card, review_doubt=0.4, trained_on="Postcards.")
    save_model(tmp_path / "reviewed", load(first), reviewed)
    words = {"init": str(tmp_path / "reviewed"), "data_rights": "cleared"}
    train(config(photos, tmp_path / "second", run=words))
    second = resolve(str(tmp_path / "second" / "model")).card
    assert (first.card.review_doubt, second.review_doubt) == (1.0, 0.4)
    assert second.data_rights == "not_cleared"
    assert "split SHA-256" in second.trained_on
    assert second.trained_on.endswith(f"Before, first {first.card.version}: Postcards.")


@pytest.mark.parametrize("key", [SLOW_PIX2PIX, "autoencoder", SLOW_CWGAN, "unet_perceptual"])
def test_fine_tuning_starts_from_the_weights_whatever_the_recipe_draws(
    photos: Path, tmp_path: Path, key: str
) -> None:
    small = {"pix2pix": {"width": 4, "resolution": 32}, "unet_perceptual": {"width": 4, "depth": 4}}
    sections = {"model": small.get(key, {"width": 4})}
    if key in ("cwgan_gp", "unet_perceptual"):
        sections["recipe"] = {"perceptual": 0.0}
    train(config(photos, tmp_path / "first", key, **sections))
    still = {"loop": {"steps": 1, "lr": 1e-12}, "run": {"init": str(tmp_path / "first" / "model")}}
    train(config(photos, tmp_path / "second", key, **sections, **still))
    first, second = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("first", "second")
    )
    learned = [name for name in first if name.endswith("weight")]
    assert all(torch.allclose(first[n], second[n], atol=1e-3) for n in learned)


@pytest.mark.slow
def test_the_cards_command_makes_the_same_model(photos: Path, tmp_path: Path) -> None:
    train(config(photos, tmp_path / "first"))
    command = resolve(str(tmp_path / "first" / "model")).card.command
    assert command.startswith(f"archive-colorizer train chroma_unet {photos} --output RUN")
    words = command.partition("#")[0].split()[1:]
    words[words.index("RUN")] = str(tmp_path / "second")
    words[words.index("train.toml")] = str(tmp_path / "first" / "model" / "train.toml")
    assert main([*words, "--engine", "local", "--no-mlflow"]) == 0
    first, second = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("first", "second")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("recipe", [SLOW_PIX2PIX, "autoencoder"])
def test_the_other_families_train_too(photos: Path, tmp_path: Path, recipe: str) -> None:
    extra = {"model": {"resolution": 32}} if recipe == "pix2pix" else {}
    report = train(config(photos, tmp_path / "run", recipe, **extra))
    assert math.isfinite(report.end)
    assert resolve(str(tmp_path / "run" / "model")).card.family == recipe


def test_pairs_in_colour_make_a_translator(tmp_path: Path) -> None:
    import cv2
    from landscapes import landscape

    for seed in range(12):
        for side in ("source", "target"):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            pixels = landscape(seed) if side == "source" else 255 - landscape(seed)
            cv2.imwrite(str(tmp_path / "pairs" / side / f"{seed}.png"), pixels)
    report = train(config(tmp_path / "pairs", tmp_path / "run", "autoencoder"))
    assert resolve(str(tmp_path / "run" / "model")).card.family == "autoencoder_translate"
    assert "psnr_source" in report.figures
    with pytest.raises(ConfigError, match="cannot learn from sources in colour"):
        train(config(tmp_path / "pairs", tmp_path / "chroma"))


def test_layers_lie_over_each_other_and_budgets_replace_each_other() -> None:
    layers = [
        ("file", {"data": {"data": "x"}, "loop": {"minutes": 5.0}, "feed": {"batch_size": 2}}),
        ("table", {"feed": {"batch_size": 8}, "loop": {"epochs": 3}}),
    ]
    made = compose("pix2pix", "run", layers)
    assert (made.loop.minutes, made.loop.epochs, made.feed.batch_size) == (0, 3, 8)
    assert (made.loop.lr, made.loop.schedule) == (2e-4, "linear")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"feed": {"nonsense": 1}}, r"\[feed\]: unknown key 'nonsense'"),
        ({"model": {"nonsense": 1}}, "unknown key 'nonsense'"),
        ({"model": {"kernel": 20}}, "must be 2 to 9"),
        ({"model": {"widths": "a"}}, "unknown key 'widths'"),
        ({"sauce": {}}, "unknown section 'sauce'"),
        ({"feed": {"zoom": 2.0}}, "must be over 0, at most 1"),
        ({"loop": {"minutes": 0.0}}, r"loop\.minutes=0\.0: must be over 0"),
        ({"recipe": {"gan": "wasserstein"}}, "must be one of bce, lsgan"),
        ({"run": {"workers": 3}, "feed": {"batch_size": 4}}, "cannot share a batch of 4"),
        ({"run": {"workers": 2, "engine": "local"}, "feed": {"batch_size": 4}}, "one process"),
    ],
)
def test_settings_that_are_wrong_are_said_with_their_place(layer: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose("pix2pix", "run", [("here", {"data": {"data": "x"}}), ("here", layer)])


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"unknown recipe 'x' .*chroma_unet, pix2pix"):
        compose("x", "run", [])


def test_a_gpu_that_is_not_there_is_said(photos: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigError, match="no GPU is there"):
        train(config(photos, tmp_path / "run", run={"device": "cuda"}))


@pytest.mark.parametrize("recipe", ["chroma_unet", "autoencoder", "cwgan_gp"])
def test_a_crop_that_the_network_cannot_take_is_said_before_training(
    photos: Path, tmp_path: Path, recipe: str
) -> None:
    quiet = {} if recipe in {"chroma_unet", "autoencoder"} else {"recipe": {"perceptual": 0.0}}
    with pytest.raises(ConfigError, match=r"feed\.crop_px=34 .*must be a multiple of"):
        train(config(photos, tmp_path / "run", recipe, feed={"crop_px": 34}, **quiet))


def test_progress_ends_at_100_percent(
    photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "archive_colorizer")
    short = {"steps": 0, "minutes": 0.02}
    train(config(photos, tmp_path / "run", loop=short))
    lines = [r.message for r in caplog.records if r.message.startswith("step ")]
    assert ", 100 %, " in lines[-1]
    assert lines[-1].endswith("0:00:00 left")
