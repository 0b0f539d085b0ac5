"""A placeholder stands in one table: it is filled in, offered and marked by that row alone."""

import inspect
from types import ModuleType

import pytest
from django.db import models
from django.forms import models as form_models
from django.urls import reverse

from issues.models import Issue, Role, Visibility
from servicedesk import placeholders, wording
from servicedesk.forms import NO_SETTINGS, DeskForm
from servicedesk.models import TEXTS, CannedReply, ServiceDesk
from servicedesk.placeholders import (
    IN_CANNED_REPLIES,
    NAMES,
    PLACEHOLDERS,
    Placeholder,
    PlaceholderContext,
)
from servicedesk.previewing import Preview
from tests.factories import MembershipFactory, ProjectFactory

ROW = 'Placeholder("TRIAL", lambda about: about.issue.project.name),'
EVERYTHING = " ".join(f"%{{{name}}}" for name in sorted(NAMES))


@pytest.fixture
def issue():
    return Issue(project=ProjectFactory.build(path="acme/shop", name="Shop"), iid=3, title="It")


def make_texts(issue, own=EVERYTHING):
    desk = ServiceDesk(project=issue.project, **dict.fromkeys(TEXTS, own))
    return {
        "thank_you": wording.thank_you(desk, issue, unsubscribe_url="u"),
        "new_participant": wording.new_participant(desk, issue, unsubscribe_url="u"),
        "new_note": wording.new_note(desk, issue, "n", unsubscribe_url="u"),
    }


def test_every_placeholder_is_filled_in_wherever_it_is_known(issue):
    texts = make_texts(issue)
    assert set(texts) == set(TEXTS), "fill in the new text here too"
    assert [name for name, text in texts.items() if "%{" in text] == []
    canned = " ".join(f"%{{{name}}}" for name in sorted(IN_CANNED_REPLIES))
    assert "%{" not in wording.canned_reply(canned, issue).source


@pytest.mark.parametrize("language", ["en", "ko"])
def test_our_own_texts_have_no_other(settings, language, issue):
    settings.LANGUAGE_CODE = language
    texts = make_texts(issue, own="")
    assert [name for name, text in texts.items() if "%{" in text or not text] == []


def test_a_placeholder_without_a_value_would_be_noticed(monkeypatch, issue):
    rows = [row for row in PLACEHOLDERS if row.name != "ISSUE_ID"]
    monkeypatch.setattr(placeholders, "PLACEHOLDERS", rows)
    assert all("%{ISSUE_ID}" in text for text in make_texts(issue).values())


def test_a_new_one_needs_its_row_only(issue):
    source = inspect.getsource(placeholders)
    grown = ModuleType("grown")
    grown.__dict__["__name__"] = placeholders.__name__
    start = "PLACEHOLDERS = (\n"
    assert source.count(start) == 1
    exec(source.replace(start, f"{start}    {ROW}\n"), grown.__dict__)
    for name in ("NAMES", "IN_CANNED_REPLIES"):
        added = getattr(grown, name) - getattr(placeholders, name)
        assert added == {"TRIAL"}
    assert grown.find_unknown("%{TRIAL} %{NOBODY}") == ["NOBODY"]
    values = grown.find_values(grown.PlaceholderContext(issue=issue))
    assert grown.fill_in("of %{ TRIAL }", values) == "of Shop"


def test_names_are_written_as_placeholders_are_read():
    for name in NAMES:
        assert placeholders.PLACEHOLDER.fullmatch(f"%{{{name}}}"), f"nobody could write {name}"
    assert len(NAMES) == len(PLACEHOLDERS)


def find_unmarked(issue):
    """Placeholders that repeat a text which external participants can fill, without the mark."""
    texts = [
        field.name
        for field in Issue._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and not field.choices
    ]
    assert {"title", "description", "external_author"} <= set(texts)
    said = "said@outside.example"
    for name in texts:
        setattr(issue, name, said)
    about = PlaceholderContext(issue=issue, words=said, note=said)
    speaking = {row for row in placeholders.PLACEHOLDERS if "said" in row.value(about)}
    assert {row.name for row in speaking} >= {"ISSUE_DESCRIPTION", "NOTE_TEXT"}
    return {row.name for row in speaking if not row.is_of_others}


def test_words_of_others_are_marked(issue):
    """Subject, text, name or address of a customer: unmarked, they could command."""
    assert find_unmarked(issue) == set(), "give the row is_of_others=True"


@pytest.mark.parametrize("name", ["title", "description", "external_author"])
@pytest.mark.parametrize("is_marked", [True, False])
def test_a_forgotten_mark_is_found(monkeypatch, issue, name, is_marked):
    row = Placeholder("TRIAL", lambda about: getattr(about.issue, name), is_of_others=is_marked)
    monkeypatch.setattr(placeholders, "PLACEHOLDERS", (*PLACEHOLDERS, row))
    assert find_unmarked(issue) == (set() if is_marked else {"TRIAL"})


@pytest.mark.django_db
def test_the_pages_offer_them(client):
    project = ProjectFactory(path="acme/shop", visibility=Visibility.PRIVATE)
    client.force_login(MembershipFactory(project=project, role=Role.MAINTAINER).user)
    for page, names in (("desk-settings", NAMES), ("canned-replies", IN_CANNED_REPLIES)):
        shown = client.get(reverse(page, args=[project.path])).context["placeholders"]
        assert set(shown) == names
    reply = CannedReply(project=project, title="t", text="%{UNSUBSCRIBE_URL}")
    assert "UNSUBSCRIBE_URL" not in IN_CANNED_REPLIES
    with pytest.raises(form_models.ValidationError, match="UNSUBSCRIBE_URL"):
        reply.full_clean()


def test_every_setting_of_a_desk_and_every_text_is_on_its_page():
    columns = {field.name for field in ServiceDesk._meta.concrete_fields}
    assert set(DeskForm.base_fields) == columns - NO_SETTINGS
    assert set(Preview.__slots__) == set(TEXTS)
