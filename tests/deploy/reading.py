"""What the files of deploy/ say, as values that can be compared."""

import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
KUBERNETES = DEPLOY / "kubernetes"
BIN = "/opt/letterbox/.venv/bin/"
WORKLOADS = ("Deployment", "Job")


def read_procfile_lines(name="Procfile"):
    """The command of each process as a shell reads it, by the process's name."""
    lines = (DEPLOY / name).read_text().splitlines()
    named = (line.partition(":") for line in lines)
    return {name: command.strip() for name, _, command in named}


def read_procfile():
    """The words of each command by the process's name."""
    return {name: shlex.split(command) for name, command in read_procfile_lines().items()}


def read_units():
    """The command of each service by the process's name; `env` stands for the unit's variables."""
    found = {}
    for path in SYSTEMD.glob("letterbox-*.service"):
        (command,) = re.findall(r"(?m)^ExecStart=(.*)$", path.read_text())
        assert command.startswith(BIN)
        variables = re.findall(r"(?m)^Environment=(.*)$", path.read_text())
        program = ["env", *variables] if variables else []
        name = path.stem.removeprefix("letterbox-")
        # A single % begins a specifier of systemd's.
        words = shlex.split(command.removeprefix(BIN).replace("%%", "%"))
        found[name] = [*program, *words]
    return found


def read_compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def own_services():
    """Those of the image; the others are servers."""
    return {n: s for n, s in read_compose()["services"].items() if s["image"] == "letterbox"}


def read_image():
    """Instructions of the last stage of the Dockerfile, as (word, rest)."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(n for n, line in enumerate(lines) if line.startswith("FROM "))
    return [tuple(line.split(maxsplit=1)) for line in lines[last:]]


def read_manifests():
    paths = sorted(set(KUBERNETES.glob("*.yaml")) - {KUBERNETES / "kustomization.yaml"})
    return [each for path in paths for each in yaml.safe_load_all(path.read_text())]


def read_workloads():
    """Deployments and jobs by the process's name."""
    return {
        each["metadata"]["name"].removeprefix("letterbox-"): each
        for each in read_manifests()
        if each["kind"] in WORKLOADS
    }


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def containers_of(workload):
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]
