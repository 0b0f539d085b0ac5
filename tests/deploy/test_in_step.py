"""Procfile, systemd, compose and Kubernetes start the same processes, with settings there are."""

import json
import re
import shlex

import pytest
import yaml

from config.environment import IN_FILES
from config.queues import WORKER_QUEUES
from incoming_email.monitoring.health import SIGNS
from tests.deploy.reading import (
    DEPLOY,
    KUBERNETES,
    ROOT,
    SYSTEMD,
    containers_of,
    own_services,
    read_compose,
    read_image,
    read_manifests,
    read_procfile,
    read_procfile_lines,
    read_units,
    read_workloads,
)

PROCESSES = read_procfile()
ONCE = {"migrate": ["python", "manage.py", "migrate"]}
OPEN = ["--bind", "0.0.0.0:8000"]
"""A container has a network of its own."""
IN_CONTAINERS = PROCESSES | ONCE | {"web": PROCESSES["web"] + OPEN}
OTHERS = {"PATH", "HOME", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT = r"(?m)^Environment=(.*)$"
GIVEN = r"(?m)(?:SECRET_KEY|ENCRYPTION_KEYS|PASSWORD)[ \t]*[=:][ \t]*(\S+)"
POSTGRES = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}


def settings_there_are():
    names = set(re.findall(r"(?m)^#([A-Z_]+)=", (ROOT / ".env.example").read_text()))
    return names | {f"{name}_FILE" for name in IN_FILES}


def settings_that_are_given():
    """Each with the place that gives it."""
    for name, service in read_compose()["services"].items():
        yield from ((f"compose {name}", each) for each in service.get("environment", {}))
    for path in (KUBERNETES / "settings.env", KUBERNETES / "secret.env.example"):
        yield from ((path.name, each) for each in re.findall(r"(?m)^([A-Z_]+)=", path.read_text()))
    lines = [("Dockerfile", rest) for word, rest in read_image() if word == "ENV"]
    for path in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.d/*.conf")):
        lines += [(path.name, rest) for rest in re.findall(ENVIRONMENT, path.read_text())]
    for place, line in lines:
        yield from ((place, each.partition("=")[0]) for each in shlex.split(line))


def test_the_procfile_has_every_process():
    workers = {f"worker-{queue}" for queue in WORKER_QUEUES}
    assert set(PROCESSES) == {"web", *workers, "beat", "watcher", "listener"}


def find_queues(words):
    return words[words.index("-Q") + 1].split(",") if "-Q" in words else []


def test_make_run_runs_the_same_with_fewer_workers():
    lines = read_procfile_lines("Procfile.run")
    assert all(line.startswith("deploy/keep-running ") for line in lines.values())
    commands = [shlex.split(line)[1:] for line in lines.values()]
    assert [c for c in commands if not find_queues(c)] == [
        words for words in PROCESSES.values() if not find_queues(words)
    ]
    for words in (commands, PROCESSES.values()):
        served = [queue for each in words for queue in find_queues(each)]
        assert sorted(served) == sorted(WORKER_QUEUES)


def test_systemd_runs_what_the_procfile_runs():
    assert read_units() == PROCESSES | ONCE


def test_the_target_wants_every_process():
    (wanted,) = re.findall(r"(?m)^Wants=(.*)$", (SYSTEMD / "letterbox.target").read_text())
    assert wanted.split() == [f"letterbox-{name}.service" for name in PROCESSES]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_unit_waits_for_the_tables_and_is_started_again(name):
    lines = (SYSTEMD / f"letterbox-{name}.service").read_text().splitlines()
    assert "Requires=letterbox-migrate.service" in lines
    assert "After=letterbox-migrate.service" in lines
    assert "Restart=always" in lines
    assert "WantedBy=letterbox.target" in lines


def test_compose_runs_what_the_procfile_runs():
    (default,) = [json.loads(rest) for word, rest in read_image() if word == "CMD"]
    commands = {name: s.get("command", default) for name, s in own_services().items()}
    assert commands == IN_CONTAINERS


def test_kubernetes_runs_what_the_procfile_runs():
    commands = {name: containers_of(each)[-1]["command"] for name, each in read_workloads().items()}
    assert commands == IN_CONTAINERS


@pytest.mark.parametrize(("place", "name"), sorted(set(settings_that_are_given())))
def test_a_setting_that_is_given_exists(place, name):
    assert name in settings_there_are() | OTHERS | (POSTGRES if "postgres" in place else set())


def test_machines_that_share_work_are_given_the_same_secrets():
    shared = {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL"}
    example = (KUBERNETES / "secret.env.example").read_text()
    assert shared <= set(re.findall(r"(?m)^([A-Z_]+)=$", example))
    for service in own_services().values():
        assert shared <= {name.removesuffix("_FILE") for name in service["environment"]}


def test_secrets_are_in_no_file_that_git_knows():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/deploy/secrets/", "/deploy/compose.env", "/deploy/kubernetes/secret.env"} <= set(
        ignored
    )
    for path in DEPLOY.rglob("*"):
        if path.is_file() and "secrets" not in path.parts:
            assert re.findall(GIVEN, path.read_text()) == [], path.name


def find_health_addresses():
    for path in (*DEPLOY.glob("*.yaml"), DEPLOY / "Dockerfile", *KUBERNETES.glob("*.yaml")):
        for only in re.findall(r"/health/\?only=([a-z,]+)", path.read_text()):
            yield path.name, only


def test_probes_ask_for_what_health_knows():
    found = list(find_health_addresses())
    assert {name for name, _ in found} == {"compose.yaml", "Dockerfile", "web.yaml", "worker.yaml"}
    assert {part for _, only in found for part in only.split(",")} <= set(SIGNS)


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_of_compose_has_a_health_check(name):
    service = own_services()[name]
    image_has = any(word == "HEALTHCHECK" for word, _ in read_image())
    assert "test" in service.get("healthcheck", {}) or (name == "web" and image_has)


@pytest.mark.parametrize("name", ["beat", "watcher"])
def test_there_is_one_of_those_of_which_there_is_one(name):
    spec = read_workloads()[name]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("name", ["web", "listener"])
def test_who_listens_has_probes_and_a_service(name):
    (container,) = read_workloads()[name]["spec"]["template"]["spec"]["containers"]
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    (service,) = [
        each
        for each in read_manifests()
        if each["kind"] == "Service" and each["metadata"]["name"] == f"letterbox-{name}"
    ]
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in container["ports"]}


def test_a_failing_mailbox_takes_no_page_away():
    for name, workload in read_workloads().items():
        for container in containers_of(workload):
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                path = container.get(kind, {}).get("httpGet", {}).get("path", "")
                assert path in {"", "/health/?only=database"}, name


def test_kustomize_lists_every_manifest():
    text = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(text["resources"]) == there
