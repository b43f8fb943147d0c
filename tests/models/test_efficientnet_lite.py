"""Folded norms change nothing but the cost."""

import torch

from archive_colorizer.models.efficientnet_lite import EfficientNetLite2, fold_norms


@torch.inference_mode()
def test_folded_norms_give_the_same_maps() -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite2(1).eval()
    for norm in encoder.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.uniform_(-0.1, 0.1)
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    picture = torch.rand(2, 1, 64, 96)
    before = encoder(picture)
    fold_norms(encoder)
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in encoder.modules())
    for old, new in zip(before, encoder(picture), strict=True):
        assert torch.allclose(old, new, atol=1e-4 * float(old.abs().max()))
