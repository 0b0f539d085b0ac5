"""What the machine lacks is said at the start."""

from django.core.checks import run_checks


def ids():
    return [message.id for message in run_checks() if message.id.startswith("issues.")]


def test_git_is_missed(monkeypatch, tmp_path):
    assert ids() == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ids() == ["issues.W001"]
