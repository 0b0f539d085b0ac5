"""What is missing on the machine or in a table is said at the start."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks

from issues import extension_points
from tests.issues.quick_actions.more import ACTIONS
from tests.providing import provide

MISNAMED = [replace(ACTIONS[0], permission="issues.raed_item")]
WITHOUT_WHO_MAY = [replace(ACTIONS[0], permission="issues.merge_item")]
NOT_AS_SHOWN = [
    replace(ACTIONS[0], usage="/shrug at it"),  # an argument that does not fit
    replace(ACTIONS[0], name="shrug2", usage="/shrug2"),  # nobody can write this name
    replace(ACTIONS[0], name="weigh", usage="/weight"),
]


def ids():
    return [message.id for message in run_checks() if message.id.startswith("issues.")]


def test_git_is_missed(monkeypatch, tmp_path):
    assert ids() == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ids() == ["issues.W001"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tests.issues.quick_actions.more.ACTIONS", []),
        (f"{__name__}.MISNAMED", ["issues.E002"]),
        (f"{__name__}.WITHOUT_WHO_MAY", ["issues.E006"]),
        (f"{__name__}.NOT_AS_SHOWN", ["issues.E005"] * 3),
        ("issues.quick_actions.table.ACTIONS", ["issues.E001"]),  # each name twice
        ("issues.quick_actions.nowhere.ACTIONS", ["issues.E001"]),
    ],
)
def test_tables_of_quick_actions_are_checked(settings, path, found):
    settings.ISSUES_QUICK_ACTIONS = ["issues.quick_actions.table.ACTIONS", path]

    assert ids() == found


def test_what_no_app_registered_is_missed(monkeypatch):
    points = list(extension_points._declared)
    assert ids() == []
    for point in points:
        provide(monkeypatch, point)
    assert ids() == ["issues.E003"] * len(points)
