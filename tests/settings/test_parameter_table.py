"""The parameter table of reference system A."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive_colorizer.cli.job import build_job_config
from archive_colorizer.cli.main import build_parser
from archive_colorizer.cli.parameters import (
    COLORIZING,
    OF_FAMILIES,
    TRAINING,
    list_parsers,
    list_places,
    read_for_colorizing,
    read_for_training,
)
from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.parameter_table import (
    Parse,
    Value,
    make_choice_parser,
    make_number_parser,
    make_parser,
    make_yes_no_parser,
    read_overrides,
)
from archive_colorizer.settings.schema import Setting, list_settings
from archive_colorizer.training.config import has_setting
from archive_colorizer.training.table import RECIPES

KNOWN = {
    "RESOL": make_number_parser(int, Setting(ge=64, le=2048)),
    "KSIZE": make_number_parser(int, Setting(ge=2, le=9)),
    "LR": make_number_parser(float, Setting(ge=0, le=1)),
    "HOMOMORPHIC": make_yes_no_parser(),
    "GAN": make_choice_parser("bce", "lsgan"),
}
HEADER = "CATEGORY,PARAM_NAME,PARAM_VALUE,USE_YN\n"


def table(folder: Path, *lines: str) -> str:
    path = folder / "parameters.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_a_categorys_rows_lie_over_the_common_ones(tmp_path: Path) -> None:
    path = table(
        tmp_path, "COMMON,RESOL,256,Y", "COMMON,KSIZE,4,Y", "GOGUNG,RESOL,1024,Y", "SEA,KSIZE,5,Y"
    )
    assert read_overrides(path, "GOGUNG", KNOWN) == {"RESOL": 1024, "KSIZE": 4}
    assert read_overrides(path, "COMMON", KNOWN) == {"RESOL": 256, "KSIZE": 4}
    assert read_overrides(path, "sea", KNOWN) == {"RESOL": 256, "KSIZE": 5}


def test_rows_with_n_are_ignored_even_where_they_are_wrong(tmp_path: Path) -> None:
    path = table(tmp_path, "COMMON,RESOL,256,Y", "GOGUNG,RESOL,1024,N", "GOGUNG,OLD,?,n")
    assert read_overrides(path, "GOGUNG", KNOWN) == {"RESOL": 256}


def test_values_have_types(tmp_path: Path) -> None:
    path = table(tmp_path, "COMMON,LR,2e-4,Y", "COMMON,HOMOMORPHIC,y,Y", "common,gan,LSGAN,y")
    assert read_overrides(path, "", KNOWN) == {"LR": 2e-4, "HOMOMORPHIC": True, "GAN": "lsgan"}


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    columns = {
        "CATEGORY": ["COMMON", "GOGUNG"],
        "PARAM_NAME": ["RESOL", "RESOL"],
        "PARAM_VALUE": ["256", "512"],
        "USE_YN": ["Y", "Y"],
    }
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    assert read_overrides(str(tmp_path / "p.parquet"), "GOGUNG", KNOWN) == {"RESOL": 512}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("COMMON,COLOUR,red,Y", r"row 3: unknown parameter COLOUR \(known: GAN, HOMO"),
        ("COMMON,KSIZE,four,Y", "row 3: KSIZE is 'four': must be a whole number from 2 to 9"),
        ("COMMON,KSIZE,40,Y", "row 3: KSIZE is '40'"),
        ("COMMON,LR,nan,Y", "row 3: LR is 'nan'"),
        ("COMMON,HOMOMORPHIC,maybe,Y", "row 3: .* must be Y or N"),
        ("COMMON,GAN,wgan,Y", "row 3: .* must be one of bce, lsgan"),
        ("OTHER,KSIZE,0,Y", "row 3: KSIZE is '0'"),
        ("COMMON,KSIZE,4,X", "row 3: USE_YN is 'X'"),
        ("COMMON,RESOL,512,Y", "row 3: RESOL is given twice for COMMON"),
        ("COMMON,KSIZE", "row 3: nothing for PARAM_VALUE, USE_YN"),
    ],
)
def test_a_wrong_row_is_refused_with_its_number(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_overrides(table(tmp_path, "COMMON,RESOL,256,Y", line), "COMMON", KNOWN)


def test_enlarging_is_by_1_2_or_4(tmp_path: Path) -> None:
    assert read_for_colorizing(table(tmp_path, "COMMON,UPSCALE,4,Y"), "") == {
        "color": {"upscale": 4}
    }
    with pytest.raises(ConfigError, match="row 2: UPSCALE is '3': must be one of 1, 2, 4"):
        read_for_colorizing(table(tmp_path, "COMMON,UPSCALE,3,Y"), "")


def test_a_category_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no category 'SEE' \(there are: COMMON\)"):
        read_overrides(table(tmp_path, "COMMON,RESOL,256,Y"), "SEE", KNOWN)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="no column CATEGORY"):
        read_overrides(str(tmp_path / "x.csv"), "COMMON", KNOWN)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_overrides(str(tmp_path / "none.csv"), "COMMON", KNOWN)


def test_one_table_serves_training_and_prediction(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "COMMON,RESOL,256,Y", "COMMON,QUALITY,80,Y", "COMMON,EPOCHS,5,Y", "COMMON,L1,50,Y",
        "GOGUNG,RESOL,1024,Y", "GOGUNG,KSIZE,5,Y", "GOGUNG,HOMOMORPHIC,Y,Y",
    )  # fmt: skip
    assert read_for_colorizing(path, "GOGUNG") == {
        "color": {"proxy_px": 1024, "homomorphic": True}, "output": {"quality": 80}
    }  # fmt: skip
    assert read_for_training(path, "GOGUNG", partial(has_setting, "pix2pix")) == {
        "feed": {"crop_px": 1024},
        "model": {"resolution": 1024, "kernel": 5},
        "loop": {"epochs": 5.0},
        "recipe": {"l1": 50.0},
        "data": {"homomorphic": True},
    }
    plain = read_for_training(path, "", partial(has_setting, "autoencoder"))
    assert plain == {"feed": {"crop_px": 256}, "loop": {"epochs": 5.0}}


def test_a_name_has_one_range_in_training_and_in_prediction() -> None:
    ranges: dict[str, set[str]] = {}
    for sections in (COLORIZING, TRAINING):
        for name, place in list_places(sections):
            section, _, key = place.partition(".")
            ranges.setdefault(name, set()).add(list_settings(sections[section])[key].said.bounds)
    assert all(len(found) == 1 for found in ranges.values())
    assert {"RESOL", "LR", "QUALITY"} <= ranges.keys()
    assert not ranges.keys() & OF_FAMILIES.keys()


@pytest.mark.parametrize("name", OF_FAMILIES)
def test_the_parameters_of_families_are_read_as_some_recipe_declares(name: str) -> None:
    _, place = OF_FAMILIES[name]
    assert any(has_setting(recipe, place) for recipe in RECIPES)
    section, _, key = place.partition(".")
    for spec in RECIPES.values():
        if section == "recipe" and (setting := list_settings(spec.config).get(key)):
            for text in ("bce", "LSGAN", "0", "1e7", "-1", "wgan", "inf"):
                assert outcome(list_parsers()[name], text) == outcome(make_parser(setting), text)


def outcome(parse: Parse, text: str) -> Value | None:
    """A cell's value; None if it is refused."""
    try:
        return parse(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("RESOL", "512", 512), ("LR", "2e-4", 2e-4), ("FLIP", "n", False),
        ("FORMAT", "TIFF", "tiff"), ("MODEL", "a", "a"), ("EPOCHS", "5", 5.0), ("SEED", "0", 0),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_its_setting_declares(name: str, text: str, value: object) -> None:
    read = list_parsers()[name](text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("RESOL", "31", "a whole number from 32 to 2048"),
        ("LR", "0", "a number, over 0, at most 10"),
        ("SATURATION", "1", "a number from 0 to under 1"),
        ("VIVIDNESS", "nan", "a number from 0 to 1"),
        ("EPOCHS", "inf", "a number from 0 to 1000000"),
        ("MODEL", "", "not be empty"),
    ],
)
def test_a_cell_that_the_setting_refuses_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^must (be )?{message}$"):
        list_parsers()[name](text)


def test_the_table_reaches_a_job_and_the_command_line_lies_over_it(tmp_path: Path) -> None:
    path = table(tmp_path, "COMMON,RESOL,256,Y", "SEA,RESOL,512,Y", "COMMON,QUALITY,80,Y")
    words = ["colorize", "a", "b", "--params", path, "--category", "sea", "--quality", "95"]
    config = build_job_config(build_parser().parse_args(words))
    assert (config.color.proxy_px, config.deliver.quality) == (512, 95)
    with pytest.raises(ConfigError, match="--category needs --params"):
        build_job_config(build_parser().parse_args(["colorize", "a", "b", "--category", "sea"]))
