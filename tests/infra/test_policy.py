"""infra/bucket-policy.json, enforced by a store: enough for a job, and no more."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from processes import command, end_tree, free_port, soft_pictures

POLICY = Path(__file__).parents[2] / "infra" / "bucket-policy.json"
PICTURES = 4
BEFORE_IT_ASKS = 2 + PICTURES + 3
"""Requests of the set-up: buckets, masters, then user, policy and key."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """Moto's server, asking for rights after the set-up; Swift knows no policies."""
    port = free_port()
    env = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(BEFORE_IT_ASKS)}
    words = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "moto.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=env)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1).close()
                break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        end_tree(process.pid)
        process.wait()


@pytest.mark.s3
def test_a_job_runs_with_the_policy_and_cannot_write_masters(
    store: str, tmp_path: Path, tiny_model: str
) -> None:
    owner = {"endpoint_url": store, "aws_access_key_id": "o", "aws_secret_access_key": "o",
             "region_name": "us-east-1"}  # fmt: skip
    s3, iam = boto3.client("s3", **owner), boto3.client("iam", **owner)
    for bucket in ("masters", "colour"):
        s3.create_bucket(Bucket=bucket)
    for path in sorted(soft_pictures(tmp_path / "scans", PICTURES, 96, 80).iterdir()):
        s3.put_object(Bucket="masters", Key=path.name, Body=path.read_bytes())
    iam.create_user(UserName="node")
    iam.put_user_policy(UserName="node", PolicyName="p", PolicyDocument=POLICY.read_text())
    key = iam.create_access_key(UserName="node")["AccessKey"]
    node = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": store,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    words = command("s3://masters/", "s3://colour/one/", tiny_model, "--engine", "local")
    done = subprocess.run(
        words, capture_output=True, text=True, env=os.environ | node, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PICTURES} coloured" in done.stdout
    as_node = boto3.client("s3", endpoint_url=store, region_name="us-east-1",
                           aws_access_key_id=key["AccessKeyId"],
                           aws_secret_access_key=key["SecretAccessKey"])  # fmt: skip
    assert as_node.list_objects_v2(Bucket="colour")["KeyCount"] > PICTURES
    for refused in (
        lambda: as_node.put_object(Bucket="masters", Key="000.jpg", Body=b""),
        lambda: as_node.delete_object(Bucket="masters", Key="000.jpg"),
        lambda: as_node.list_objects_v2(Bucket="elsewhere"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    instead = subprocess.run(
        command("s3://colour/one/", "s3://masters/out/", tiny_model, "--engine", "local"),
        capture_output=True, text=True, env=os.environ | node, timeout=200, check=False,
    )  # fmt: skip
    assert instead.returncode == 2
    assert "s3://masters/out/: OUTPUT cannot be written" in instead.stderr.splitlines()[-1]
