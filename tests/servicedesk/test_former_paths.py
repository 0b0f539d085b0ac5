"""Addresses with the slug of a former path still take mail."""

import pytest
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from tests.factories import IssueFactory, ProjectFactory
from tests.incoming_email.world import make_mail, make_smtp_mailbox
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_address_of_the_desk_with_its_former_slug_takes_mail():
    desk = make_desk(project=ProjectFactory(path="acme/old"))
    before = desk.address
    desk.project.path = "corp/new"
    services.save_project(project=desk.project)
    assert desk.address != before
    assert str(desk.open_ticket(to=before)) == "corp/new#1"


def test_so_does_the_short_one():
    desk = make_desk(project=ProjectFactory(path="acme/old"), key="help")
    mailbox = make_smtp_mailbox(
        name="desk", purpose="service_desk_email", address="desk+%{key}@desk.letterbox.localhost"
    )
    desk.project.path = "corp/new"
    services.save_project(project=desk.project)
    row = type(desk)(mailbox, desk.settings, desk.agent).receive(
        make_mail(to="desk+acme-old-help@desk.letterbox.localhost", sender="c@customer.example")
    )
    assert row.outcome == "ticket corp/new#1"


def test_a_command_names_an_issue_by_the_former_path():
    desk = make_desk(project=ProjectFactory(path="acme/old"))
    issue, original = IssueFactory.create_batch(2, project=desk.project)
    desk.project.path = "corp/new"
    services.save_project(project=desk.project)
    body = typed(f"/duplicate acme/old#{original.iid}")
    written = quick_actions.write_note(item=issue, author=desk.agent, body=body, now=timezone.now())
    assert written.refused == ()
