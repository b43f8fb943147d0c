"""The published start of the encoder."""

import importlib.util

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from skimage import data
from torch import Tensor

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.efficientnet_lite import EfficientNetLite2
from archive_colorizer.weights import pretrained
from archive_colorizer.weights.pretrained import PACKAGE, load_imagenet_encoder, published_file
from archive_colorizer.weights.state import read_state

needs_package = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="the extra `pretrained` is not installed"
)
ESPRESSO, CATS = 967, range(281, 286)
"""Of ImageNet's 1,000 classes."""


def most_likely(gray_hw: Tensor) -> int:
    """The class that the published head names, from our encoder's features."""
    encoder = EfficientNetLite2(4)
    load_imagenet_encoder(encoder)
    head = read_state(published_file())
    planes = torch.cat((gray_hw[None, None], torch.zeros(1, 3, *gray_hw.shape)), dim=1)
    features = F.conv2d(encoder.eval()(planes)[-1], head["_conv_head.weight"])
    norm = [head[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    pooled = F.relu6(F.batch_norm(features, *norm, eps=1e-3)).mean(dim=(2, 3))
    return int((pooled @ head["_fc.weight"].T + head["_fc.bias"]).argmax())


@needs_package
@torch.inference_mode()
def test_with_the_published_head_it_knows_a_grey_cat_and_a_grey_espresso() -> None:
    found = []
    for picture in (data.chelsea(), data.coffee()):
        gray = torch.from_numpy(picture.copy()).float().mean(dim=2)[None, None]
        gray = F.interpolate(gray, size=(256, 256), mode="bilinear", antialias=True)
        found.append(most_likely((gray[0, 0] - 127) / 128))
    assert found[0] in CATS
    assert found[1] == ESPRESSO


@needs_package
def test_the_planes_of_hints_start_at_nothing() -> None:
    encoder = EfficientNetLite2(4)
    load_imagenet_encoder(encoder)
    weight = encoder.state_dict()["stem.0.weight"]
    assert weight[:, :1].abs().sum() > 0
    assert torch.equal(weight[:, 1:], torch.zeros_like(weight[:, 1:]))


def test_a_missing_package_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"archive-colorizer\[pretrained\]") as caught:
        load_imagenet_encoder(EfficientNetLite2(4))
    assert "\n" not in str(caught.value)
