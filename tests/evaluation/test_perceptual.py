from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.evaluation import perceptual
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.perceptual import Perceptual
from archive_colorizer.metrics.inception import FID_CLASSES, Inception, load_inception
from archive_colorizer.metrics.lpips import ALEXNET, Lpips, load_lpips
from archive_colorizer.weights import imagenet_file

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    state = Inception().state_dict() | {
        "fc.weight": torch.zeros(FID_CLASSES, 2048),
        "fc.bias": torch.zeros(FID_CLASSES),
        "AuxLogits.fc.bias": torch.zeros(1),
    }
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(state, path)
    return str(path)


def lpips_files(folder: Path) -> tuple[str, str]:
    torch.manual_seed(0)
    state = Lpips(ALEXNET, 3).state_dict()
    backbone = {k: v for k, v in state.items() if k.startswith("features.")}
    heads = {
        f"lin{i}.model.1.weight": state[f"heads.{i}"] + 1.0 / state[f"heads.{i}"].shape[1]
        for i in range(5)
    }
    torch.save(backbone, folder / "alex.pth")
    torch.save(heads, folder / "lin.pth")
    return str(folder / "alex.pth"), str(folder / "lin.pth")


def test_inception_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = Inception()
    assert sum(value.numel() for value in network.parameters()) == 21_785_568


def test_inception_gives_2048_features_and_knows_which_file_it_was_given(
    inception_file: str,
) -> None:
    network, compared = load_inception(inception_file)
    assert "FID network" in compared
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 40, 60)).shape == (1, 2048)


def test_torchvision_s_file_is_not_taken_for_the_fid_network(tmp_path: Path) -> None:
    state = Inception(fid=False).state_dict() | {"fc.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "tv.pth")
    _, compared = load_inception(str(tmp_path / "tv.pth"))
    assert "not to be compared" in compared


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "no such weights file"),
        (b"html", "not a state dict"),
        ({"fc.bias": torch.zeros(10)}, "1008 or 1000"),
        ({"fc.bias": torch.zeros(1008)}, "keys missing"),
        ([torch.zeros(1)], "not a state dict"),
        (nn.Linear(1, 1), "safe to load"),
    ],
)
def test_wrong_weights_are_one_clear_line(tmp_path: Path, content: object, match: str) -> None:
    path = tmp_path / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(LocationError, match=match) as caught:
        load_inception(str(path))
    assert "\n" not in str(caught.value)


def test_lpips_of_identical_pictures_is_zero_and_grows_with_noise(tmp_path: Path) -> None:
    network, name = load_lpips(*lpips_files(tmp_path))
    assert name == "AlexNet"
    torch.manual_seed(1)
    picture = torch.rand(2, 3, 64, 64)
    noise = torch.randn_like(picture)
    with torch.inference_mode():
        same, near, far = (
            network(picture, (picture + amount * noise).clamp(0, 1)) for amount in (0, 0.1, 0.6)
        )
    assert same.tolist() == [0, 0]
    assert (near < far).all()


def test_lpips_refuses_another_backbone(tmp_path: Path) -> None:
    _, heads = lpips_files(tmp_path)
    torch.save({"features.0.weight": torch.zeros(8, 3, 5, 5)}, tmp_path / "other.pth")
    with pytest.raises(LocationError, match="neither AlexNet nor VGG16"):
        load_lpips(str(tmp_path / "other.pth"), heads)


class Moments(nn.Module):
    """Stands for Inception: eight features that are easy to reckon with."""

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        return rgb_b3hw.flatten(1)[:, :8]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Perceptual:
    monkeypatch.setattr(perceptual, "load_inception", lambda path: (Moments(), "a toy"))
    monkeypatch.setattr(perceptual.GivenFeatures, "num_features", 8)
    return Perceptual(EvaluationConfig(data="d", models=("m",), inception="toy"), CPU)


def drawn_set(count: int, shift: float, keep: int | None = None) -> perceptual.Features:
    drawn = torch.randn(count, 8, generator=torch.Generator().manual_seed(count)) + shift
    return {perceptual.INCEPTION: drawn[:keep]}


def test_below_2048_pictures_there_is_kid_and_no_fid(measured: Perceptual) -> None:
    scores = measured.of_set(drawn_set(100, 0.0), drawn_set(101, 0.0, 100))
    assert scores.fid is None
    assert scores.kid == pytest.approx(0, abs=0.5)
    again = measured.of_set(drawn_set(100, 0.0), drawn_set(101, 0.0, 100))
    assert again == scores


def test_kid_and_fid_see_a_shift(measured: Perceptual) -> None:
    truth = drawn_set(2048, 0.0)
    same = measured.of_set(drawn_set(2049, 0.0, 2048), truth)
    other = measured.of_set(drawn_set(2049, 1.0, 2048), truth)
    assert other.kid > same.kid + 1
    assert same.fid == pytest.approx(0, abs=0.2)
    assert other.fid == pytest.approx(8, abs=0.8)  # eight means moved by one each


def test_without_weights_nothing_is_measured() -> None:
    none = Perceptual(EvaluationConfig(data="d", models=("m",)), CPU)
    picture = torch.rand(2, 3, 8, 8)
    assert none.features(picture) == {}
    assert none.of_set({}, {}).kid is None
    assert none.lpips(picture, picture) == [None, None]
    assert none.protocol["kid"] == "not asked for"


def test_kid_on_the_encoder_is_named_so_and_sees_lost_colour() -> None:
    config = EvaluationConfig(data="d", models=("m",), kid_encoder=True)
    measured = Perceptual(config, CPU)
    torch.manual_seed(0)
    pictures = torch.rand(16, 3, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3)
    with torch.inference_mode():
        truth = measured.features(pictures)
        gray = measured.features(pictures.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1))
    assert truth[perceptual.LITE2].shape == (16, 352)
    same, other = measured.of_set(truth, truth), measured.of_set(gray, truth)
    assert (same.kid, same.fid) == (None, None)
    assert other.kid_encoder > same.kid_encoder + 0.01
    assert "not with published KID" in measured.protocol["kid on EfficientNet-Lite2"]
    assert measured.protocol["kid"] == "not asked for"


def test_without_the_encoder_it_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet_file, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--kid-encoder: the published weights are not inst"):
        Perceptual(EvaluationConfig(data="d", models=("m",), kid_encoder=True), CPU)
