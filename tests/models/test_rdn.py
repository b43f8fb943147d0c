"""RDN: the published counts, sizes, and the two public layouts."""

import pytest
import torch

from archive_colorizer.models.rdn import RDN, RDNConfig, build, from_public

SMALL = {"blocks": 2, "convolutions": 2, "growth": 4, "features": 6}


def count(config: RDNConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in build(config).parameters())


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({"scale": 2}, 22_123_395),
        ({"scale": 4}, 22_271_107),
        ({"scale": 2, "blocks": 20, "convolutions": 6, "upsampling": "nearest"}, 16_347_635),
    ],
)
def test_parameters_are_those_that_were_published(settings: dict, parameters: int) -> None:
    assert count(RDNConfig(**settings)) == parameters


@pytest.mark.parametrize("upsampling", ["shuffle", "nearest"])
@pytest.mark.parametrize("scale", [1, 2, 4])
@torch.inference_mode()
def test_any_sides_are_enlarged(scale: int, upsampling: str) -> None:
    torch.manual_seed(0)
    made = RDN(RDNConfig(**SMALL, scale=scale, upsampling=upsampling)).enlarge(
        torch.rand(2, 3, 9, 13)
    )
    assert made.shape == (2, 3, 9 * scale, 13 * scale)
    assert 0 <= made.min() <= made.max() <= 1


def yjn(scale: int) -> dict[str, torch.Tensor]:
    """Names of one public release, written down from it."""
    names = {"sfe1": (6, 3, 3), "sfe2": (6, 6, 3), "gff.0": (6, 12, 1), "gff.1": (6, 6, 3),
             "output": (3, 6, 3)}  # fmt: skip
    for i in range(2):
        names |= {f"rdbs.{i}.layers.0.conv": (4, 6, 3), f"rdbs.{i}.layers.1.conv": (4, 10, 3),
                  f"rdbs.{i}.lff": (6, 14, 1)}  # fmt: skip
    names |= {f"upscale.{u}.0": (24, 6, 3) for u in range(scale // 2)}
    return tensors(names)


def edsr(scale: int) -> dict[str, torch.Tensor]:
    """Names of the other."""
    names = {"SFENet1": (6, 3, 3), "SFENet2": (6, 6, 3), "GFF.0": (6, 12, 1), "GFF.1": (6, 6, 3)}
    for i in range(2):
        names |= {f"RDBs.{i}.convs.0.conv.0": (4, 6, 3), f"RDBs.{i}.convs.1.conv.0": (4, 10, 3),
                  f"RDBs.{i}.LFF": (6, 14, 1)}  # fmt: skip
    steps = {2: [0], 4: [0, 2]}[scale]
    names |= {f"UPNet.{u}": (24, 6, 3) for u in steps}
    names[f"UPNet.{2 * len(steps)}"] = (3, 6, 3)
    return tensors(names)


def tensors(names: dict[str, tuple[int, int, int]]) -> dict[str, torch.Tensor]:
    state = {}
    for name, (out, inputs, kernel) in names.items():
        state[f"{name}.weight"] = torch.randn(out, inputs, kernel, kernel)
        state[f"{name}.bias"] = torch.randn(out)
    return state


def keras(scale: int) -> dict[str, torch.Tensor]:
    """Names of the Keras release, whose noise-cancelling weights reference system D uses."""
    names = {"F_m1": (6, 3, 3), "F_0": (6, 6, 3), "GFF_1": (6, 12, 1), "GFF_2": (6, 6, 3),
             "UPN1": (6, 6, 5), "UPN2": (3, 6, 3), "UPN3": (3 * scale**2, 3, 3),
             "SR": (3, 3 * scale**2, 3)}  # fmt: skip
    for i in (1, 2):
        names |= {f"F_{i}_1": (4, 6, 3), f"F_{i}_2": (4, 10, 3), f"LFF_{i}": (6, 14, 1)}
    return tensors(names)


@pytest.mark.parametrize("layout", [yjn, edsr, keras])
@pytest.mark.parametrize("scale", [2, 4])
def test_public_state_dicts_fit(layout: object, scale: int) -> None:
    state = layout(scale)
    config, found = from_public(state)
    upsampling = "nearest" if layout is keras else "shuffle"
    assert config == SMALL | {"scale": scale, "upsampling": upsampling}
    network = RDN(RDNConfig(**config))
    network.load_state_dict(found)
    theirs = {yjn: "rdbs.1.lff", edsr: "RDBs.1.LFF", keras: "LFF_2"}[layout]
    assert torch.equal(network.blocks[1].fusion.weight, state[f"{theirs}.weight"])
    assert len(found) == len(state)


def test_what_is_missing_is_named() -> None:
    state = yjn(2)
    del state["gff.1.bias"]
    with pytest.raises(ValueError, match=r"gff\.1\.bias is missing"):
        from_public(state)
    with pytest.raises(ValueError, match="1 tensors are not RDN's, first more"):
        from_public(yjn(2) | {"more.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="no known RDN layout"):
        from_public({"x": torch.zeros(1)})


@pytest.mark.parametrize("bad", [{"scale": 3}, {"blocks": 0}])
def test_settings_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match=r"must be|at least"):
        RDNConfig(**bad)
