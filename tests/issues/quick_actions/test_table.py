"""A quick action stands in one row: whatever else must know of it is derived, or missed here."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.functional import Promise

from issues import quick_actions
from issues.marked_text import typed
from issues.models import Issue, MergeRequest, Role
from issues.permissions import WHO_MAY
from issues.quick_actions import acts, find_actions
from issues.quick_actions.table import ACTIONS
from tests.factories import MembershipFactory, ProjectFactory

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
AT_OPENING = [(kind, action) for action in ACTIONS if action.set_opening for kind in action.kinds]


def open_item(kind, *lines):
    """By a maintainer of a project of its own."""
    member = MembershipFactory(project=ProjectFactory(), role=Role.MAINTAINER)
    asked = {
        "project": member.project,
        "author": member.user,
        "title": "It squeaks",
        "description": typed("\n".join(("Text", *lines))),
        "now": NOW,
    }
    if kind is Issue:
        return quick_actions.open_issue(**asked).item, member.user
    branches = {"source_branch": "oil", "target_branch": "old"}
    return quick_actions.open_merge_request(**asked, **branches).item, member.user


def columns_of(item):
    own = {"id", "project_id", "author_id", "created_at", "iid"}
    names = [field.attname for field in item._meta.concrete_fields]
    return {name: getattr(item, name) for name in names if name not in own}


def differences(kind, line):
    """Between an item that a command opened so, and one that it changed afterwards."""
    opened, _author = open_item(kind, line)
    changed, author = open_item(kind)
    written = quick_actions.write_note(item=changed, author=author, body=typed(line), now=NOW)
    assert written.done == (line,)
    changed.refresh_from_db()
    before, after = columns_of(opened), columns_of(changed)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "action"), AT_OPENING)
def test_what_sets_an_opening_does_what_the_change_does(kind, action):
    assert differences(kind, action.usage) == set(), (
        f"an item opened with {action.usage} is another than one changed by it:"
        " pass the new field of Opening on in quick_actions/writing.py and proposing.py"
    )


@pytest.mark.django_db
def test_an_opening_that_nobody_passes_on_is_found(monkeypatch):
    (confidential,) = (each for each in ACTIONS if each.name == "confidential")
    forgotten = replace(confidential, set_opening=lambda opening, _argument: opening)
    table = {**find_actions(), "confidential": forgotten}
    monkeypatch.setattr("issues.quick_actions.writing.find_actions", lambda: table)
    assert differences(Issue, "/confidential") == {"confidential"}


def give_usage(kind, name):
    item, member = open_item(kind)
    usage = find_actions()[name].usage
    return quick_actions.write_note(item=item, author=member, body=typed(usage), now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Issue, MergeRequest])
@pytest.mark.parametrize("name", list(find_actions()))
def test_a_row_names_the_kinds_that_its_action_can_change(kind, name):
    written = give_usage(kind, name)
    assert written.done or written.refused


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "kind"),
    [("confidential", MergeRequest), ("draft", Issue), ("add_email", MergeRequest)],
)
def test_forgotten_kinds_are_found(monkeypatch, name, kind):
    """Silence would be told to the writer as done."""
    forgotten = replace(find_actions()[name], kinds=(Issue, MergeRequest))
    table = {**find_actions(), name: forgotten}
    monkeypatch.setattr("issues.quick_actions.writing.find_actions", lambda: table)
    with pytest.raises(TypeError, match="its row needs kinds="):
        give_usage(kind, name)


def test_only_the_kinds_of_a_row_are_opened_so():
    draft = quick_actions.read(typed("/draft\n/title New")).commands
    opening = quick_actions.split_opening(draft, Issue)
    assert (opening.title, opening.draft, opening.done) == ("New", None, ("/title New",))
    assert [command.line for command in opening.others] == ["/draft"]
    assert quick_actions.split_opening(draft, MergeRequest).draft


def test_whatever_can_be_done_has_a_row():
    made = {
        function
        for name, function in vars(acts).items()
        if callable(function) and getattr(function, "__module__", "") == acts.__name__
    }
    assert made - {action.run for action in ACTIONS} == set(), "add a QuickAction to table.py"


def test_every_description_is_marked_for_translation():
    texts = [*(action.description for action in find_actions().values()), *WHO_MAY.values()]
    assert [text for text in texts if not isinstance(text, Promise)] == [], "wrap it in _()"


def test_every_table_is_named_in_the_settings():
    """A table that is not would be no error: its actions would stay text."""
    root = settings.BASE_DIR
    tables = {
        ".".join((*path.relative_to(root).with_suffix("").parts, name))
        for app in ("issues", "incoming_email", "servicedesk")
        for path in Path(root, app).rglob("*.py")
        for name in find_tables(path.read_text())
    }
    assert tables == set(settings.ISSUES_QUICK_ACTIONS)


def find_tables(source):
    return re.findall(r"(?m)^([A-Z_]+)\b[^=\n]* = [(\[]\n    QuickAction\(", source)


def test_a_table_is_found_by_its_form():
    assert find_tables("MORE: tuple[QuickAction, ...] = (\n    QuickAction(\n") == ["MORE"]
