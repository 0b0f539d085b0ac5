"""What is deployed may do little, and is valid by the programs and schemas that read it."""

import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured

from config import environment
from tests.deploy.reading import (
    DEPLOY,
    KUBERNETES,
    ROOT,
    SYSTEMD,
    containers_of,
    pod_of,
    read_compose,
    read_image,
    read_manifests,
    read_procfile,
    read_workloads,
)
from tests.servers.programs import give_up, name_package, require_module
from tests.waiting import PROCESS_SECONDS

MOST_EXPOSURE = 2.0
"""Of 10, by systemd-analyze: 2 and below is what it calls OK."""


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as installed, in a place where their programs exist."""
    # Not by `require_program`: systemd is no service of ours, and CI may do without it.
    if shutil.which("systemd-analyze") is None:
        pytest.skip(f"systemd-analyze is missing: {name_package('systemd-analyze')}")
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(SYSTEMD, folder, dirs_exist_ok=True)
    for path in folder.glob("*.service"):
        path.write_text(path.read_text().replace("/opt/letterbox/.venv/bin/", "/usr/bin/env "))
    return folder


def analyze(units, *words):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_SECONDS,
    )


def test_systemd_understands_the_units(units):
    files = [str(path) for path in sorted(units.glob("letterbox*")) if path.suffix != ".sysusers"]
    done = analyze(units, "verify", *[file for file in files if Path(file).is_file()])
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fault_in_a_unit_would_be_found(units, tmp_path):
    broken = tmp_path / "letterbox-broken.service"
    broken.write_text((units / "letterbox-web.service").read_text() + "[Service]\nProtectHom=yes\n")
    assert "ProtectHom" in analyze(units, "verify", str(broken)).stderr


@pytest.mark.parametrize("name", [*read_procfile(), "migrate"])
def test_a_unit_may_do_little(units, name):
    unit = str(units / f"letterbox-{name}.service")
    told = analyze(units, "security", "--offline=true", unit).stdout
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert float(exposure) <= MOST_EXPOSURE, told


def find_hadolint():
    found = shutil.which("hadolint", path=Path(sys.executable).parent)
    if found is None:
        give_up("hadolint", "requirements-dev.txt has it for Linux on x86-64 only")
    return found


def test_the_dockerfile_has_no_fault():
    done = subprocess.run(
        [find_hadolint(), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_in_particular_and_has_all_that_runs():
    instructions = read_image()
    assert ("USER", "10001:10001") in instructions
    copied = {name for word, rest in instructions if word == "COPY" for name in rest.split()}
    pyproject = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"root_packages = \[(.*)\]", pyproject)[1].replace('"', "").split(", ")
    assert {*packages, "manage.py", "gunicorn.conf.py", "templates"} <= copied


def test_the_image_gets_nothing_that_is_not_named():
    """Secrets, data and history of a folder where somebody works stay out of its layers."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text())
    named = {name for line in copied for name in line.split()}
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == named
    # `manage.py` would make secrets.
    runs = [rest for word, rest in read_image() if word == "RUN"]
    assert not any("manage.py" in rest for rest in runs)


def test_compose_is_valid():
    compose_spec = require_module("compose_spec")
    compose_spec.ComposeSpecification(**read_compose())


def test_services_of_compose_may_do_little():
    for name, service in read_compose()["services"].items():
        if service["image"] == "letterbox":
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_secrets_of_compose_are_made_once(tmp_path):
    script = Path(shutil.copy(DEPLOY / "make-secrets", tmp_path))
    made = []
    for _ in range(2):
        subprocess.run([script], check=True)
        made.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert made[0] == made[1]
    wanted = {each["file"].removeprefix("secrets/") for each in read_compose()["secrets"].values()}
    assert set(made[0]) == wanted
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    url = urllib.parse.urlsplit(made[0]["database_url"].strip())
    assert url.password == made[0]["postgres_password"].strip()
    assert len({text.strip() for text in made[0].values()}) == 4
    # django-environ would take it for the name of another variable.
    assert not any(text.startswith("$") for text in made[0].values())


def test_no_secret_is_made_where_no_random_bytes_can_be_had(tmp_path):
    script = shutil.copy(DEPLOY / "make-secrets", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "mkdir", "chmod", "cat", "tr"):
        (programs / name).symlink_to(shutil.which(name) or name)
    made = subprocess.run(
        ["/bin/sh", script],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "No random bytes" in made.stderr
    assert list((tmp_path / "secrets").iterdir()) == []


@pytest.mark.parametrize("name", environment.IN_FILES)
def test_a_secret_may_be_in_a_file(monkeypatch, tmp_path, name):
    file = tmp_path / "secret"
    file.write_text("of-no-value\n")
    monkeypatch.setenv(f"{name}_FILE", str(file))
    monkeypatch.setenv(name, "another")
    environment.read_secret_files()
    assert environment.env.str(name) == "of-no-value"


def test_a_file_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names .*gone, which can't"):
        environment.read_secret_files()


def test_manifests_are_valid():
    kubernetes_validate = require_module("kubernetes_validate")
    version = kubernetes_validate.latest_version()
    for each in read_manifests():
        kubernetes_validate.validate(each, version, strict=True)


def test_pods_may_do_little():
    for name, workload in read_workloads().items():
        pod = pod_of(workload)
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers_of(workload):
            limits = container["securityContext"]
            assert limits["allowPrivilegeEscalation"] is False, name
            assert limits["readOnlyRootFilesystem"] is True, name
            assert limits["capabilities"] == {"drop": ["ALL"]}, name


def test_pods_get_secrets_by_reference_only():
    for name, workload in read_workloads().items():
        for container in containers_of(workload):
            sources = [next(iter(each.values()))["name"] for each in container["envFrom"]]
            assert sources == ["letterbox-settings", "letterbox-secrets"], name
            assert "env" not in container, name
    text = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    generated = [*text["configMapGenerator"], *text["secretGenerator"]]
    assert [each["name"] for each in generated] == ["letterbox-settings", "letterbox-secrets"]
