"""The published start of the encoder."""

import importlib.util

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from skimage import data

from archive_colorizer.errors import ConfigError
from archive_colorizer.models.efficientnet_lite import EfficientNetLite2
from archive_colorizer.weights import imagenet_file, pretrained
from archive_colorizer.weights.imagenet_file import PACKAGE
from archive_colorizer.weights.pretrained import load_imagenet_classifier, load_imagenet_encoder

needs_package = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="the extra `pretrained` is not installed"
)
ESPRESSO, CATS = 967, range(281, 286)
"""Of ImageNet's 1,000 classes."""


@needs_package
@torch.inference_mode()
def test_with_the_published_head_it_knows_a_grey_cat_and_a_grey_espresso() -> None:
    classifier, found = load_imagenet_classifier(), []
    for picture in (data.chelsea(), data.coffee()):
        gray = torch.from_numpy(picture.copy()).float().mean(dim=2)[None, None]
        gray = F.interpolate(gray, size=(256, 256), mode="bilinear", antialias=True)
        found.append(int(classifier(gray).argmax()))
    assert found[0] in CATS
    assert found[1] == ESPRESSO


@needs_package
def test_another_file_under_its_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "SHA256", "0" * 64)
    with pytest.raises(ConfigError, match=r"--class auto: .*\.pth is another file than was"):
        load_imagenet_classifier()


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
    monkeypatch.setattr(imagenet_file, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"archive-colorizer\[pretrained\]") as caught:
        load_imagenet_encoder(EfficientNetLite2(4))
    assert "\n" not in str(caught.value)
