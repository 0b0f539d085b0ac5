"""`.dockerignore` is read as Docker reads it, and the image has no file that it keeps out."""

import pytest

from tests.deploy.copying import make_image, read_ignored
from tests.deploy.recipes import copy_checkout


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        ("issues/models.py", False),
        ("issues/__pycache__/models.pyc", True),
        ("manage.py", False),
        ("manage.pyc", True),
        ("var/db.sqlite3", True),
        (".env", True),
        ("docs/issues/notes.md", True),
    ],
)
def test_the_last_rule_that_matches_decides(path, is_ignored):
    rules = ["# what is copied", "*", "!manage.py", "!issues", "**/__pycache__"]
    assert read_ignored(rules)(path) is is_ignored


@pytest.mark.parametrize(
    ("rule", "path", "is_ignored"),
    [
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "issues/a.pyc", False),
        ("**/*.pyc", "issues/views/a.pyc", True),
        ("**/*.pyc", "a.pyc", True),
        ("/var/", "var/secret.env", True),
        ("v?r", "var", True),
        ("deploy/**/secret*", "deploy/a/b/secrets", True),
    ],
)
def test_wildcards(rule, path, is_ignored):
    assert read_ignored([rule])(path) is is_ignored


def test_the_image_has_the_code_and_nothing_that_python_made_of_it(tmp_path):
    source = copy_checkout(tmp_path / "letterbox")
    (source / "config" / "__pycache__").mkdir()
    (source / "config" / "__pycache__" / "settings.cpython-311.pyc").write_text("")
    app = make_image(tmp_path, source=source)
    assert not list(app.rglob("__pycache__"))
    assert (app / "config" / "locale" / "ko" / "LC_MESSAGES" / "django.mo").exists()
