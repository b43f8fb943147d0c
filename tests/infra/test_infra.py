"""infra/ against what reads it: linters, schemas, Ray's and MLflow's own parsers of commands.

Ray is imported in the tests, not here: it reads once, at its import, whether to ask for a token.
"""

import json
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
BIN = Path(sys.executable).parent


def load(name: str) -> Any:
    return yaml.safe_load((INFRA / name).read_text(encoding="utf-8"))


def ran(*words: str | Path) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def parses(command: click.Command, words: list[str]) -> None:
    """The command has these options, of these types."""
    while isinstance(command, click.Group):
        found = command.commands[words[0]]
        words, command = words[1:], found
    command.make_context(command.name, [w.replace("$RAY_HEAD_IP", "127.0.0.1") for w in words])


def test_hadolint_has_nothing_to_say_of_the_image() -> None:
    assert ran(BIN / "hadolint", INFRA / "Dockerfile") == ""


def test_the_image_copies_what_there_is_and_its_context_has_it() -> None:
    lines = (INFRA / "Dockerfile").read_text().splitlines()
    copied = {w for line in lines if line.startswith("COPY") for w in line.split()[1:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()
              if line.startswith("!")}  # fmt: skip
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_compose_is_valid_and_listens_on_loopback_alone() -> None:
    ran(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", INFRA / "compose.yaml")
    services = load("compose.yaml")["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_has_no_secret_of_its_own_and_no_floating_image() -> None:
    for service in load("compose.yaml")["services"].values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("PASSWORD", "TOKEN", "SECRET", "ROOT_USER", "KEY_ID")):
                assert value.startswith("${"), name
                assert ":?" in value, name
        assert not service["image"].endswith(":latest")
        assert ":" in service["image"]


def test_the_commands_of_nodes_are_rays_own() -> None:
    from ray.scripts.scripts import cli as ray_cli

    services, cluster = load("compose.yaml")["services"], load("ray-cluster.yaml")
    commands = [shlex.split(services[name]["command"]) for name in ("head", "worker")]
    commands += [shlex.split(line) for key in ("head", "worker")
                 for line in cluster[f"{key}_start_ray_commands"]]  # fmt: skip
    for words in commands:
        assert words[0] == "ray"
        parses(ray_cli, words[1:])
    with pytest.raises(click.NoSuchOption):
        parses(ray_cli, ["start", "--no-such-option"])


@pytest.mark.filterwarnings("ignore")
def test_the_command_of_the_mlflow_server_is_its_own() -> None:
    from mlflow.cli import cli

    words = load("compose.yaml")["services"]["mlflow"]["command"]
    assert words[0] == "mlflow"
    parses(cli, words[1:])


def test_the_launchers_file_is_what_ray_up_takes() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(load("ray-cluster.yaml"))
    validate_config(config)
    broken = load("ray-cluster.yaml")
    broken["available_node_typs"] = broken.pop("available_node_types")
    with pytest.raises(Exception, match="head_node_type"):
        validate_config(prepare_config(broken))


def groups() -> list[dict[str, Any]]:
    cluster = load("rayjob.yaml")["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


@pytest.mark.parametrize("number", range(3))
def test_a_pod_of_the_ray_job_is_valid_and_not_root(number: int) -> None:
    template = groups()[number]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, **template}
    kubernetes_validate.validate(pod, "1.34", strict=True)
    assert template["spec"]["securityContext"]["runAsNonRoot"]
    pod["spec"]["containers"][0]["imagge"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.34", strict=True)


def test_the_ray_job_names_the_ray_that_is_installed_and_a_command_that_there_is() -> None:
    from archive_colorizer.cli.main import build_parser

    spec = load("rayjob.yaml")["spec"]
    assert spec["rayClusterSpec"]["rayVersion"] == version("ray")
    words = shlex.split(spec["entrypoint"])
    assert words[0] == "archive-colorizer"
    build_parser().parse_args(words[1:])


def test_the_policy_is_json_and_names_two_buckets_alone() -> None:
    policy = json.loads((INFRA / "bucket-policy.json").read_text())
    resources = {s["Resource"].split(":::")[1].split("/")[0] for s in policy["Statement"]}
    assert resources == {"masters", "colour"}
    assert not any("*" in action for s in policy["Statement"] for action in s["Action"])
