"""The import contracts catch wrong imports: each is tried on a copy of the source."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
APPLICATIONS = ("config", "servicedesk", "incoming_email", "issues")

WRONG = [
    ("incoming_email/parsing/types.py", "import django.db"),
    ("incoming_email/parsing/addresses.py", "import incoming_email.models"),
    ("incoming_email/inboxes/imap/reader.py", "import incoming_email.models"),
    ("incoming_email/inboxes/graph/folders.py", "import incoming_email.inboxes.imap.wire"),
    ("incoming_email/inboxes/jmap.py", "import incoming_email.inboxes.imap.wire"),
    ("incoming_email/monitoring/health/clocks.py", "import incoming_email.inboxes.imap.wire"),
    ("issues/permissions.py", "import incoming_email.outcomes"),
    ("issues/rendering/markdown.py", "import email"),
    ("incoming_email/pipeline/notices.py", "import servicedesk.apps"),
    ("incoming_email/utils.py", "import json"),
    ("incoming_email/handlers/note.py", "import incoming_email.handlers.issue"),
    ("incoming_email/pipeline/processing.py", "import incoming_email.handlers.note"),
    ("incoming_email/pipeline/receiving.py", "import incoming_email.pipeline.processing"),
    ("incoming_email/pipeline/receiving.py", "import incoming_email.parsing.message"),
    ("incoming_email/handlers/base.py", "import incoming_email.pipeline.notices"),
    ("servicedesk/apps.py", "import incoming_email.pipeline.receiving"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # Through python -c, so that the copy's packages come first on the path.
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command;"
    return subprocess.run(
        [sys.executable, "-c", f"{code} lint_imports_command(['--no-cache'])"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for application in APPLICATIONS:
        shutil.copytree(
            ROOT / application,
            tmp_path / application,
            ignore=shutil.ignore_patterns("__pycache__", "locale"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_are_kept(copy):
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("file", "wrong"), WRONG, ids=[f"{f}: {w}" for f, w in WRONG])
def test_a_wrong_import_breaks_a_contract(copy, file, wrong):
    path = copy / file
    path.write_text((path.read_text() if path.exists() else "") + f"\n{wrong}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout
