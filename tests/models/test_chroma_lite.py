"""The chroma classifier with an EfficientNet-Lite2 encoder, beyond the contract."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from safetensors.torch import load_file

from archive_colorizer.models.blocks import SamePaddedConv
from archive_colorizer.models.chroma_classifier import spread_factor
from archive_colorizer.models.chroma_lite import ChromaLite, ChromaLiteConfig

TINY = ChromaLiteConfig(widths=(16, 8, 8, 8), head=8)
HANDED_OVER = Path(__file__).parents[3] / "shared" / "models"


def tiny() -> ChromaLite:
    torch.manual_seed(0)
    return ChromaLite(TINY).eval()


def test_it_has_nine_and_a_half_million_parameters() -> None:
    assert sum(p.numel() for p in ChromaLite(ChromaLiteConfig()).parameters()) == 9_533_669


@pytest.mark.skipif(not HANDED_OVER.is_dir(), reason="needs ../shared/models beside the clone")
@torch.inference_mode()
def test_the_tensors_that_were_handed_over_give_their_known_logits() -> None:
    known = np.load(HANDED_OVER / "check.npz")
    state = {
        name.replace("block.", "decoder.") if name.startswith("block.") else name: value.float()
        for name, value in load_file(HANDED_OVER / "chroma-lite2.safetensors").items()
    }
    counters = {k: v.long() for k, v in state.items() if k.endswith("num_batches_tracked")}
    model = ChromaLite(ChromaLiteConfig()).eval()
    model.load_state_dict(state | counters)
    logits = model(torch.from_numpy(known["gray"]), torch.from_numpy(known["hints"])).numpy()
    assert np.abs(logits - known["logits"]).max() < 1e-3


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_strided_convolutions_are_padded_as_tensorflow_pads_even_sides(
    kernel: int, before: int, after: int
) -> None:
    conv = SamePaddedConv(2, 3, kernel, stride=2)
    x = torch.rand(1, 2, 16, 12)
    padded = F.pad(x, (before, after, before, after))
    assert torch.allclose(conv(x), F.conv2d(padded, conv.weight, stride=2))


@torch.inference_mode()
def test_vividness_multiplies_a_whole_pictures_chroma_by_one_factor() -> None:
    model, gray = tiny(), torch.rand(2, 1, 64, 96)
    muted, vivid = (model.predict(gray, vividness=v).ab_b2hw for v in (0.0, 1.0))
    for plain, lifted in zip(muted, vivid, strict=True):
        at = plain.abs() > 0.1
        factors = lifted[at] / plain[at]
        assert factors.std() < 1e-3
        assert factors.mean() > 1.01


def test_the_factor_is_one_where_a_single_colour_is_certain() -> None:
    bins = torch.tensor([[50.0, 0.0], [-50.0, 0.0]])
    certain, torn = torch.tensor([1.0, 0.0]), torch.tensor([0.75, 0.25])
    for share, expected in ((certain, 1.0), (torn, 2.0)):
        share_bhwq = share.expand(1, 4, 4, 2)
        factor = spread_factor(share_bhwq, share_bhwq @ bins, bins)
        assert factor.flatten().tolist() == pytest.approx([expected])


def test_blocks_are_left_out_in_training_alone() -> None:
    torch.manual_seed(1)
    model = ChromaLite(replace(TINY, drop_path=0.5)).train()
    x = torch.rand(8, 4, 32, 32)
    block = model.encoder.stages[6 - 1][-1]
    inner = torch.rand(8, 208, 4, 4)
    block.eval()
    assert torch.equal(block(inner), block(inner))
    block.train()
    untouched = (block(inner) == inner).flatten(1).all(dim=1)
    assert 0 < int(untouched.sum()) < 8
    assert model.encoder(x)[-1].shape == (8, 352, 1, 1)


@pytest.mark.parametrize(("key", "value"), [("drop_path", 1.0), ("work_px", (16,))])
def test_settings_out_of_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        replace(TINY, **{key: value})
