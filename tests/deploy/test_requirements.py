"""Packages are pinned by version and by the digests of their files."""

import re
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.reading import ROOT

PAIRS = (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt"))
DIGESTS = re.compile(r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+")


def find_pins(text: str) -> set[tuple[str, str, str]]:
    """Name, version and marker of each line that is neither comment nor option."""
    lines = [line for line in text.splitlines() if line and line[0] not in "#-"]
    pins = map(Requirement, lines)
    return {(canonicalize_name(p.name), str(p.specifier), str(p.marker)) for p in pins}


@pytest.mark.parametrize(("source", "made"), PAIRS)
def test_both_files_name_the_same_versions(source, made):
    locked = (ROOT / made).read_text()
    pins = find_pins((ROOT / source).read_text())
    assert find_pins(DIGESTS.sub("", locked)) == pins, "make hashes"
    assert len(DIGESTS.findall(locked)) == len(pins)
    assert "\n--require-hashes\n" in locked


@pytest.mark.slow
def test_pip_refuses_a_file_with_another_digest(tmp_path):
    (entry,) = re.findall(
        r"(?m)^six==(\S+)( (?:.*\\\n)+.*)", (ROOT / "requirements.txt").read_text()
    )
    version, digests = entry
    (tmp_path / "requirements.txt").write_text(f"--require-hashes\nsix=={version}{digests}\n")
    with zipfile.ZipFile(tmp_path / f"six-{version}-py2.py3-none-any.whl", "w") as wheel:
        name = f"six-{version}.dist-info"
        wheel.writestr("six.py", "print('not the one we had')\n")
        wheel.writestr(
            f"{name}/METADATA", f"Metadata-Version: 2.1\nName: six\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{name}/WHEEL", "Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{name}/RECORD", "")
    words = [
        "install",
        "--no-index",
        "--find-links",
        ".",
        "--target",
        "t",
        "-r",
        "requirements.txt",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr, done.stderr
    assert not (tmp_path / "t" / "six.py").exists()
