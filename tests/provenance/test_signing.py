"""One file: signed in place, read, changed, grown old."""

import io
import json
import pickle
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from toys import drawn

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.provenance.c2pa_reading import read_c2pa
from archive_colorizer.provenance.certificates import read_credentials
from archive_colorizer.provenance.manifest import define_manifest
from archive_colorizer.provenance.signing import Signer, open_signer
from archive_colorizer.provenance.trial_certificates import Algorithm, write_test_certificate

c2pa = pytest.importorskip("c2pa")


def row(form: str, **columns: Any) -> dict[str, Any]:
    return {
        "row_id": "a" * 64, "source_sha256": "b" * 64, "derivative_mime": f"image/{form}",
        "digital_source_type": DIGITAL_SOURCE_TYPE, "version": "1", **columns,
    }  # fmt: skip


def encoded(form: str) -> io.BytesIO:
    file = io.BytesIO()
    if form == "bigtiff":
        tifffile.imwrite(file, drawn(1), bigtiff=True, photometric="rgb", rowsperstrip=16)
    else:
        Image.fromarray(drawn(1)).save(file, form, dpi=(300, 300))
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("form", "algorithm"),
    [("jpeg", "es256"), ("png", "ps256"), ("tiff", "ed25519"), ("bigtiff", "es256")],
)
def test_what_is_signed_is_valid_until_one_byte_is_another(
    form: str, algorithm: Algorithm, tmp_path: Path
) -> None:
    signer = open_signer(*map(str, write_test_certificate(tmp_path, algorithm)))
    assert signer.credentials.algorithm == algorithm
    file = encoded(form)
    mime = f"image/{form.removeprefix('big')}"
    before = np.asarray(Image.open(file)) if form != "bigtiff" else tifffile.imread(file)
    signature = signer.sign(file, row(form.removeprefix("big")))
    file.seek(0)
    after = np.asarray(Image.open(file)) if form != "bigtiff" else tifffile.imread(file)
    assert np.array_equal(before, after)
    reading = read_c2pa(file, mime)
    assert (reading.state, reading.said["row_id"]) == ("valid", "a" * 64)
    assert reading.said["master"]["sha256"] == "b" * 64
    assert reading.said["signer"]["name"] == "TEST signer"
    assert signature.c2pa_certificate_sha256 == signer.credentials.fingerprint

    data = bytearray(file.getvalue())
    at = data.find(b"IDAT") + 40 if form == "png" else len(data) // 2 if "tiff" in form else -60
    data[at] ^= 1
    changed = read_c2pa(io.BytesIO(bytes(data)), mime)
    assert (changed.state, changed.said["row_id"]) == ("changed", "a" * 64)
    assert "dataHash" in changed.reason


@pytest.mark.slow
def test_an_expired_certificate_is_told_as_expired_and_a_change_as_a_change(
    tmp_path: Path,
) -> None:
    pair = write_test_certificate(tmp_path, valid_for=timedelta(minutes=5, seconds=3))
    signer = Signer(read_credentials(*map(str, pair)))
    file = encoded("jpeg")
    signer.sign(file, row("jpeg"))
    while (reading := read_c2pa(file, "image/jpeg")).state == "valid":
        time.sleep(0.2)
    assert reading.state == "expired"
    assert reading.said["row_id"] == "a" * 64
    data = bytearray(file.getvalue())
    data[-60] ^= 1
    assert read_c2pa(io.BytesIO(bytes(data)), "image/jpeg").state == "changed"


def test_a_masters_own_manifest_goes_on_in_ours(tmp_path: Path) -> None:
    signer = open_signer(*map(str, write_test_certificate(tmp_path)))
    master, file = encoded("png"), encoded("jpeg")
    signer.sign(master, row("png"))
    described = row("jpeg", mime="image/png")
    signer.sign(file, described, master.getvalue())
    plain = encoded("jpeg")
    signer.sign(plain, described, encoded("png").getvalue())
    for one, count in ((file, 2), (plain, 1)):
        one.seek(0)
        with c2pa.Reader("image/jpeg", one) as reader:
            assert len(json.loads(reader.json())["manifests"]) == count
        assert read_c2pa(one, "image/jpeg").state == "valid"
    broken = master.getvalue().replace(
        b"org.archive-colorizer.color", b"org.archive-colorizer.XXXXX"
    )
    again = encoded("jpeg")
    signer.sign(again, described, broken)
    assert read_c2pa(again, "image/jpeg").state == "valid"


def test_a_certificate_that_is_another_on_this_machine_is_refused(tmp_path: Path) -> None:
    pair = map(str, write_test_certificate(tmp_path))
    with pytest.raises(Exception, match="another certificate here"):
        open_signer(*pair, fingerprint="0" * 64)


def test_credentials_do_not_travel_and_do_not_show_their_key(tmp_path: Path) -> None:
    credentials = read_credentials(*map(str, write_test_certificate(tmp_path)))
    assert "PRIVATE" not in repr(credentials)
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_a_manifest_names_no_folder_of_the_house() -> None:
    steps = [
        {"op": "chroma_unet", "model_ref": "/srv/models/mine", "model_version": "3",
         "weights_sha256": "c" * 64},
        {"op": "rrdb", "model_ref": "builtin:upscale-x2", "model_version": "1",
         "weights_sha256": "d" * 64},
    ]  # fmt: skip
    made = define_manifest(
        row("jpeg", steps=steps, source_path="absolute/srv/secret/one.tif", flags=("enlarged",),
            derivative_key="box/one.colorized.jpg", luminance_relation="identical",
            luminance_p99=0.0)
    )  # fmt: skip
    text = str(made)
    assert "/srv" not in text
    assert made["title"] == "one.colorized.jpg"
    assert made["ingredients"][0]["title"] == "one.tif"
    actions, own, luminance = made["assertions"]
    assert [model["name"] for model in own["data"]["models"]] == ["mine", "builtin:upscale-x2"]
    assert "detail" in actions["data"]["actions"][1]["description"]
    assert luminance["data"] == {"luminance_relation": "identical", "luminance_p99": 0.0}
