"""Comparisons of masters and OUTPUTs on a real object store."""

import csv
import io
from pathlib import Path

import boto3
import pytest

from archive_colorizer.cli.main import main

pytestmark = pytest.mark.s3


def test_masters_and_outputs_may_lie_on_an_object_store(
    bucket: str, masters: Path, tiny_model: str, tmp_path: Path
) -> None:
    s3 = boto3.client("s3")
    for path in sorted(masters.rglob("*")):
        if path.is_file():
            key = str(path.relative_to(masters)).replace("a/four.jpg", "a b/사진 #1%41.jpg")
            s3.upload_file(str(path), bucket, f"in/{key}")
    source, quick = f"s3://{bucket}/in", ("--engine", "local", "--proxy-px", "64")
    models = ("--model", tiny_model, "--model", "builtin:default")
    there = ["compare", source, *models, *quick, "--output", str(tmp_path / "one")]
    assert main(there) == 0
    outputs = [f"s3://{bucket}/{name}" for name in ("x", "y")]
    for output, model in zip(outputs, (tiny_model, "builtin:default"), strict=True):
        assert main(["colorize", source, output, "--model", model, *quick]) == 0
    assert main(["compare", *outputs, "--output", str(tmp_path / "two")]) == 0
    tables = [
        list(csv.DictReader(io.StringIO((tmp_path / name / "compare.csv").read_text("utf-8"))))
        for name in ("one", "two")
    ]
    wanted = ("picture", "difference", "colourfulness", "doubt_mean")
    one, two = ([[row[column] for column in wanted] for row in table] for table in tables)
    assert one == two
    assert len(one) == 10
    assert "a b/사진 #1%41.jpg" in {row[0] for row in one}
