"""The registry on a real SQLite store: register, promote, refuse, roll back, colour, show."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faces import save_faces
from mlflow import MlflowClient
from PIL import Image
from processes import free_port

from archive_colorizer.cli.main import main
from archive_colorizer.evaluation.gates import DEFAULT
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.connection import cache_folder, strip_secrets
from archive_colorizer.registry.mlflow_models import Registry
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.registry.versions import read_decisions, read_jobs
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

SETTINGS = {"width": 4, "resolution": 32}
POLICY = "gates:\n- {metric: psnr_mean, not_worse_by: 0.1}\n- {metric: ciede2000, at_most: 60}\n"


def model(folder: Path, colour: float | tuple[float, float], rights: str = "unknown") -> str:
    """A pix2pix that gives every pixel the same colour: a and b, or how purple."""
    module = MODELS["pix2pix"].build_from(SETTINGS)
    torch.nn.init.zeros_(module.last[1].weight)
    ab = (colour, -colour) if isinstance(colour, float) else np.arctanh(np.array(colour) / 110)
    module.last[1].bias.data = torch.tensor(ab, dtype=torch.float32)
    card = ModelCard(
        name="p", version="1", family="pix2pix", config=SETTINGS, data_rights=rights,
        figures={"psnr": 20.0},
    )  # fmt: skip
    save_model(folder, module, card)
    return str(folder)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)  # reports are written to ./evaluation
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        rgb = np.random.default_rng(seed).integers(60, 200, (4, 4, 3)).astype(np.uint8)
        Image.fromarray(rgb).resize((64, 64)).save(folder / f"{seed}.png")
    (tmp_path / "policy.yaml").write_text(POLICY)
    return folder


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def call(*words: str) -> tuple[int, str]:
        code = main(["models", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def promoted(run: Any, tmp_path: Path, *more: str) -> tuple[int, str]:
    return run("promote", "town", "--on", str(tmp_path / "photos"), "--size", "64",
               "--policy", str(tmp_path / "policy.yaml"), *more)  # fmt: skip


def test_a_better_one_is_promoted_a_worse_one_refused_and_there_is_a_way_back(
    photos: Path, tmp_path: Path, run: Any
) -> None:
    for number, purple in enumerate((0.2, 0.9, 0.0), start=1):
        code, said = run("register", model(tmp_path / str(number), purple), "town")
        assert code == 0
        assert f"models:/town/{number} is the challenger" in said
    assert promoted(run, tmp_path, "--version", "1")[0] == 0
    code, said = promoted(run, tmp_path, "--version", "2")
    assert code == 3
    assert "town version 2 was refused by psnr_mean" in said
    assert "worse by" in said
    registry = Registry()
    assert registry.find_version("models:/town@champion").number == "1"
    code, said = promoted(run, tmp_path)
    assert code == 0
    assert "town version 3 is champion in place of version 1" in said
    assert registry.find_alias("town", "challenger") is None
    assert registry.list_champions("town") == ["1", "3"]
    code, said = run("rollback", "town")
    assert (code, registry.find_version("models:/town@champion").number) == (0, "1")
    code, said = run("rollback", "town")
    assert code == 2
    assert "version 1 is the first champion" in said
    (refusal,) = read_decisions(registry.find_version("models:/town/2"))
    assert (refusal.kind, refusal.over) == ("refused", "1")
    assert refusal.by
    assert refusal.figures["challenger"]["psnr_mean"] < refusal.figures["champion"]["psnr_mean"]
    assert "SHA-256 of names and pixels" in refusal.on
    kinds = [one.kind for one in read_decisions(registry.find_version("models:/town/1"))]
    assert kinds == ["promoted", "rolled back"]
    code, said = run("list")
    assert said.count("town") == 3
    assert "champion" in said


@pytest.mark.parametrize("name", ["default", "restore", "upscale-x2", "day-to-night"])
def test_what_is_shipped_can_be_registered(run: Any, name: str) -> None:
    code, said = run("register", f"builtin:{name}", "own")
    assert (code, "models:/own/1 is the challenger" in said) == (0, True), said
    assert resolve("models:/own/1").card == resolve(f"builtin:{name}").card


def test_a_figure_of_any_name_is_a_metric(tmp_path: Path, run: Any, store: str) -> None:
    figures = {"PSNR over grey, dB": 1.0, "a/../b": 2.0, "%": 3.0, "ab \u03b5": 4.0, "x" * 300: 5.0}
    one = resolve(model(tmp_path / "one", 0.3))
    save_model(tmp_path / "two", load(one), replace(one.card, figures=figures))
    assert run("register", str(tmp_path / "two"), "town")[0] == 0
    client = MlflowClient(store)
    metrics = client.get_run(client.get_model_version("town", "1").run_id).data.metrics
    assert metrics == {"PSNR over grey dB": 1.0, "a..b": 2.0, "figure": 3.0, "ab \u03b5": 4.0,
                       "x" * 250: 5.0}  # fmt: skip


def test_worse_on_skin_of_one_tone_is_refused_and_too_few_faces_are_said(
    tmp_path: Path, run: Any
) -> None:
    people = save_faces(tmp_path / "people", {"very light": 2, "dark": 2})
    gates = [gate for gate in DEFAULT.gates if gate.metric.startswith("skin_")]
    text = "".join(
        f"- {{metric: {gate.metric}, better: lower, not_worse_by: {gate.not_worse_by}, "
        "unmeasured: HOW}\n" for gate in gates
    )  # fmt: skip
    for how in ("pass", "refuse"):
        (tmp_path / f"{how}.yaml").write_text("gates:\n" + text.replace("HOW", how))

    def promote(how: str, faces: int) -> tuple[int, str]:
        return run("promote", "town", "--on", str(people), "--min-faces", str(faces),
                   "--policy", str(tmp_path / f"{how}.yaml"))  # fmt: skip

    for number, ab in enumerate(((8.0, 14.7), (16.0, 29.0)), start=1):  # between the two; too vivid
        run("register", model(tmp_path / str(number), ab), "town")
        code, said = promote("pass", 2)
        assert code == (0, 3)[number - 1], said
    assert "refused by skin_ab_error_worst, skin_ab_error_gap" in said
    assert "pass  skin_left_grey_worst is 0 beside the champion's 0" in said
    (refusal,) = read_decisions(Registry().find_version("models:/town/2"))
    figures = refusal.figures["challenger"], refusal.figures["champion"]
    assert figures[0]["skin_ab_error_gap"] > figures[1]["skin_ab_error_gap"] + 0.5
    code, said = promote("refuse", 3)
    assert code == 3
    assert "skin_ab_error_gap was not measured (faces: very light 2, dark 2: too few)" in said
    code, said = promote("pass", 3)
    assert code == 0
    assert "very light 2, dark 2: too few), so it is not judged" in said


def restorer(folder: Path, brighter: float) -> str:
    """An RDN of scale 1 that adds the same to every pixel: the more, the worse."""
    settings = {"scale": 1, "blocks": 1, "convolutions": 1, "growth": 2, "features": 2}
    module = MODELS["rdn"].build_from(settings)
    torch.nn.init.zeros_(module.last.weight)
    torch.nn.init.constant_(module.last.bias, brighter)
    save_model(folder, module, ModelCard(name="r", version="1", family="rdn", config=settings))
    return str(folder)


def test_what_restores_has_gates_of_its_own(photos: Path, tmp_path: Path, run: Any) -> None:
    asked = ("promote", "clean", "--on", str(photos), "--size", "64")
    policy = tmp_path / "restorers.yaml"
    policy.write_text("enlarging_gates: [{metric: psnr_y_gain, at_least: 0, not_worse_by: 0.05}]\n")
    words = (*asked, "--policy", str(policy))
    run("register", restorer(tmp_path / "one", 0.0), "clean")
    code, said = run(*words)
    assert code == 2
    assert "--jpeg Q or --worn" in said
    code, said = run(*asked, "--jpeg", "30")
    assert code == 3
    assert "clean version 1 was refused by min_pictures, min_px" in said
    assert run(*words, "--jpeg", "30")[0] == 0
    run("register", restorer(tmp_path / "two", 0.1), "clean")
    code, said = run(*words, "--worn")
    assert code == 3
    assert "clean version 2 was refused by psnr_y_gain" in said
    (refusal,) = read_decisions(Registry().find_version("models:/clean/2"))
    assert refusal.figures["challenger"]["psnr_y_gain"] < 0
    assert refusal.figures["champion"]["psnr_y_gain"] == 0
    assert "SHA-256 of names and pixels" in refusal.on
    policy.write_text(f"evidence: {{confidence: 0.95, better_in: [ssim_y]}}\n{policy.read_text()}")
    run("register", restorer(tmp_path / "three", 0.0), "clean")
    assert "clean version 3 was refused by better_in" in run(*words, "--worn")[1], "a tie"
    assert "has no enlarging_gates" in run(*asked, "--worn", "--policy",
                                           str(tmp_path / "policy.yaml"))[1]  # fmt: skip
    run("register", model(tmp_path / "colours", 0.0), "town")
    assert "--worn is for models that restore" in promoted(run, tmp_path, "--worn")[1]
    assert Registry().find_alias("town", "champion") is None


def test_colorize_by_alias_names_version_and_hash_and_is_told_back(
    photos: Path, tmp_path: Path, run: Any, masters: Path, rows: Any
) -> None:
    run("register", model(tmp_path / "one", 0.3), "town")
    promoted(run, tmp_path)
    words = ["colorize", str(masters), str(tmp_path / "out"), "--engine", "local"]
    assert main([*words, "--model", "models:/town@champion", "--proxy-px", "64"]) == 0
    found = rows(tmp_path / "out")
    assert len(found) == 5
    digest = resolve(str(tmp_path / "one")).weights_sha256
    for row in found:
        (step,) = row["steps"]
        assert (step["model_ref"], step["model_version"]) == ("models:/town/1", "1")
        assert step["weights_sha256"] == digest
    (job,) = read_jobs(Registry().find_version("models:/town/1")).values()
    assert job["pictures"] == 5
    code, said = run("show", "town")
    assert code == 0
    assert f"{tmp_path}/out" in said
    assert "promoted by" in said
    assert "# p 1" in said
    assert main([*words, "--model", "models:/town/1", "--proxy-px", "64"]) == 0
    assert len(rows(tmp_path / "out")) == 5  # nothing was done again: the same weights


def test_a_worker_fetches_what_it_does_not_have(tmp_path: Path, run: Any) -> None:
    run("register", model(tmp_path / "one", 0.3), "town")
    found = resolve("models:/town@challenger")
    assert Path(found.path).is_relative_to(cache_folder())
    Path(found.path).unlink()
    assert load(found).config.width == 4


def test_weights_that_changed_are_refused(tmp_path: Path, run: Any) -> None:
    run("register", model(tmp_path / "one", 0.3), "town")
    kept = Path(resolve("models:/town/1").path)
    kept.write_bytes(Path(model(tmp_path / "two", 0.4), "model.safetensors").read_bytes())
    code, said = run("show", "models:/town/1")
    assert code == 2
    assert "registered was" in said


def test_a_training_runs_own_weights_can_be_registered(tmp_path: Path, run: Any) -> None:
    from archive_colorizer.registry.tracking import MlflowTracker

    folder = Path(model(tmp_path / "one", 0.3))
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db", "e", "r", {}, {})
    for path in folder.iterdir():
        tracker.file(path, "model")
    tracker.finish()
    ref = f"runs:/{tracker.run_id}"
    assert resolve(ref).weights_sha256 == resolve(str(folder)).weights_sha256
    assert run("register", ref, "town")[0] == 0
    assert resolve("models:/town@challenger").weights_sha256 == resolve(ref).weights_sha256


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ("models:/town@nobody", "alias nobody not found"),
        ("models:/town/9", "not found"),
        ("models:/absent@champion", "not found"),
        ("models:/twon@champion", "not found: did you mean 'town'?"),
        ("models:/town", "must be models:/NAME@ALIAS"),
        ("runs:/0123456789abcdef0123456789abcdef", "no model/model.safetensors can be had"),
        ("runs:/short", "must be models:/NAME@ALIAS"),
    ],
)
def test_a_reference_that_names_nothing_is_one_clear_line(
    masters: Path, tmp_path: Path, run: Any, ref: str, text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run("register", model(tmp_path / "one", 0.3), "town")
    assert main(["colorize", str(masters), str(tmp_path / "out"), "--model", ref]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_registered_or_promoted(photos: Path, tmp_path: Path, run: Any) -> None:
    one = model(tmp_path / "one", 0.3)
    assert "no / : @" in run("register", one, "a/b")[1]
    assert run("register", str(tmp_path / "absent"), "town")[0] == 2
    assert run("list")[1].strip() == "no models are registered"
    assert promoted(run, tmp_path)[0] == 2
    run("register", one, "town")
    promoted(run, tmp_path)
    assert "is champion already" in promoted(run, tmp_path, "--version", "1")[1]
    assert run("rollback", "nobody")[0] == 2


def test_only_cleared_weights_where_that_is_asked(masters: Path, tmp_path: Path) -> None:
    words = ["colorize", str(masters), str(tmp_path / "out"), "--engine", "local",
             "--proxy-px", "64", "--require-cleared-weights", "--model"]  # fmt: skip
    assert main([*words, model(tmp_path / "one", 0.3, "not_cleared")]) == 2
    assert not (tmp_path / "out").exists()
    assert main([*words, model(tmp_path / "two", 0.3, "cleared")]) == 0


def test_a_server_that_is_away(
    masters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any, rows: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from archive_colorizer.registry import mlflow_models, usage

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run("register", model(tmp_path / "one", 0.3), "town")
    away = f"http://somebody:secret@127.0.0.1:{free_port()}"

    class Away(mlflow_models.Registry):
        def __init__(self, uri: str) -> None:
            super().__init__(away)

    with monkeypatch.context() as patch:  # it goes after the model was resolved
        patch.setattr(usage, "Registry", Away)
        words = ["colorize", str(masters), str(tmp_path / "out"), "--engine", "local"]
        assert main([*words, "--model", "models:/town/1", "--proxy-px", "64"]) == 0
    said = capsys.readouterr().out
    assert "5 coloured" in said
    assert "note: the registry was not told of this job: MLflow at http://127.0.0.1" in said
    assert "secret" not in said
    assert {row["status"] for row in rows(tmp_path / "out")} == {"ok"}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", away)
    assert main(["models", "list"]) == 2
    assert "secret" not in capsys.readouterr().err
    assert usage.note(resolve(str(tmp_path / "one")), "j", {}) == ""


def test_uris_are_told_without_passwords() -> None:
    assert strip_secrets("https://me:pw@host:5000/a") == "https://host:5000/a"
    assert strip_secrets("sqlite:////a/b@c.db") == "sqlite:////a/b@c.db"
