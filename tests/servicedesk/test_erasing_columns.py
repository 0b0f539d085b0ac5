"""Every column that can hold words is emptied with the person, or stays for a reason named here."""

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from incoming_email.models import BlockedSender, RefusedRecipient, RetiredReplyKey
from incoming_email.upkeep import erasing
from issues.models import ExternalPerson, OutgoingAccount, OutgoingEmail, Upload
from servicedesk.models import CustomEmail, Participant, ServiceDesk, Ticket
from tests.factories import (
    EmailAddressFactory,
    IssueFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)
from tests.incoming_email.factories import InboundEmailFactory as Inbound
from tests.incoming_email.factories import ReplyKeyFactory, SenderTokenFactory, SeriesPartFactory

APPS = ("account", "mfa", "issues", "incoming_email", "servicedesk")
ADDRESS, NOW = "ada@example.com", timezone.now()
HERS = {
    "issues.User": lambda ada: ada,
    "account.EmailAddress": lambda ada: ada.emailaddress_set.get(),
    "mfa.Authenticator": lambda ada: Authenticator.objects.create(user=ada, data={}),
    "issues.Issue": lambda ada: IssueFactory(author=ada),
    "issues.MergeRequest": lambda ada: MergeRequestFactory(author=ada),
    "issues.Note": lambda ada: NoteFactory(author=ada, issue=IssueFactory()),
    "issues.Upload": lambda ada: Upload.objects.create(
        project=ProjectFactory(), uploader=ada, secret="s", size=1
    ),
    "issues.OutgoingEmail": lambda _ada: OutgoingEmail.objects.create(
        recipient=ADDRESS, state="sent", created_at=NOW, next_attempt_at=NOW
    ),
    "issues.ExternalPerson": lambda _ada: ExternalPerson.objects.create(
        project=ProjectFactory(), address=ADDRESS, proven=True
    ),
    "issues.OutgoingAccount": lambda _ada: OutgoingAccount.objects.create(),
    "incoming_email.BlockedSender": lambda _ada: BlockedSender.objects.create(pattern=ADDRESS),
    "incoming_email.ReplyKey": lambda _ada: ReplyKeyFactory(recipient=None, external_email=ADDRESS),
    "incoming_email.RetiredReplyKey": lambda _ada: RetiredReplyKey.objects.create(
        key="a" * 25, external_email=ADDRESS, project=ProjectFactory()
    ),
    "incoming_email.SenderToken": lambda ada: SenderTokenFactory(user=ada),
    "incoming_email.SeriesPart": lambda ada: SeriesPartFactory(author=ada, inbound_email=Inbound()),
    "incoming_email.RefusedRecipient": lambda _ada: RefusedRecipient.objects.create(
        at=NOW, sender=ADDRESS, recipient=ADDRESS
    ),
    "servicedesk.Ticket": lambda _ada: make_ticket(),
    "servicedesk.Participant": lambda _ada: Participant.objects.create(
        ticket=make_ticket(), address=ADDRESS, joined_at=NOW
    ),
    "servicedesk.ServiceDesk": lambda _ada: ServiceDesk.objects.create(project=ProjectFactory()),
    "servicedesk.CustomEmail": lambda ada: CustomEmail.objects.create(
        desk=ServiceDesk.objects.create(project=ProjectFactory()), triggerer=ada
    ),
}
"""How a row that is hers, or of her, is made."""

TABLES_THAT_STAY = {
    "account.EmailConfirmation": "links are signed, and no row is made",
    "issues.Project": "of a team",
    "issues.FormerPath": "of a team",
    "issues.Label": "of a team",
    "issues.MergeRequestVersion": "commits",
    "issues.Merge": "commits",
    "issues.NotePosition": "places in a diff",
    "incoming_email.Mailbox": "set up by administrators",
    "incoming_email.WebhookAlert": "what servers say of a mailbox",
    "incoming_email.Erasure": "digests only",
    "incoming_email.Heartbeat": "names of processes",
    "incoming_email.HourCount": "numbers, and names of ours",
    "incoming_email.InboundEmail": "its columns have a table of their own: ledger_columns",
    "incoming_email.MessageContent": "goes with the last row of the ledger that refers to it",
    "incoming_email.Probe": "mail of ours to ourselves",
    "servicedesk.CannedReply": "of a team",
    "servicedesk.ThreadMessage": "ids stay, so that an answer of somebody else finds the ticket",
}
OURS = "a name that we made, by which nothing is done twice"
SET_UP = "set up by maintainers for customers"
BRANCH = "a name in the repository"
COLUMNS_THAT_STAY = {
    "issues.MergeRequest.source_branch": BRANCH,
    "issues.MergeRequest.target_branch": BRANCH,
    "issues.Note.discussion": OURS,
    "issues.Upload.secret": OURS,
    "issues.Upload.filename": "files stay, by a removed person",
    "issues.Upload.content_type": "files stay, by a removed person",
    "issues.Upload.digest": OURS,
    "issues.OutgoingEmail.kind": OURS,
    "issues.OutgoingEmail.effect_key": OURS,
    "issues.OutgoingEmail.message_id": OURS,
    "issues.OutgoingEmail.account": OURS,
    "issues.OutgoingEmail.budget": OURS,
    "issues.OutgoingAccount.account": OURS,
    "servicedesk.ServiceDesk.key": SET_UP,
    "servicedesk.ServiceDesk.outgoing_name": SET_UP,
    "servicedesk.ServiceDesk.template": SET_UP,
    "servicedesk.ServiceDesk.thank_you": SET_UP,
    "servicedesk.ServiceDesk.new_note": SET_UP,
    "servicedesk.ServiceDesk.new_participant": SET_UP,
    "servicedesk.CustomEmail.address": SET_UP,
    "servicedesk.CustomEmail.host": SET_UP,
    "servicedesk.CustomEmail.user": SET_UP,
    "servicedesk.CustomEmail.password": SET_UP,
    "servicedesk.CustomEmail.token": OURS,
}


def make_ticket():
    return Ticket.objects.create(issue=IssueFactory(), requester=ADDRESS)


def holds_words(field):
    kinds = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    return isinstance(field, kinds) and not field.choices


def find_tables():
    """Those of ours that can hold words."""
    for model in apps.get_models():
        if model._meta.app_label in APPS and any(map(holds_words, model._meta.concrete_fields)):
            yield model


def stays(model, field):
    """Whether the address in this column of a row of hers is still there after an erasing."""
    value = ADDRESS.encode() if isinstance(field, models.BinaryField) else ADDRESS
    with transaction.atomic():
        ada = UserFactory(username="ada", address=False)
        EmailAddressFactory(user=ada, email=ADDRESS)
        row = HERS[model._meta.label](ada)
        rows = model._default_manager.filter(pk=row.pk)
        assert rows.update(**{field.name: value}) == 1
        erasing.erase(erasing.find_person(ADDRESS), by=None, now=NOW)
        left = [getattr(each, field.name) for each in rows]
        transaction.set_rollback(True)
    return ADDRESS in str(left)


def find_faults(tables, columns_that_stay):
    for model in tables:
        label = model._meta.label
        if label in TABLES_THAT_STAY:
            continue
        if label not in HERS:
            yield f"{label}: say in HERS how a row of a person is made, or why the table stays"
            continue
        for field in filter(holds_words, model._meta.concrete_fields):
            name = f"{label}.{field.name}"
            if stays(model, field) != (name in columns_that_stay):
                yield f"{name}: let erasing.py of its app empty it, or say why it stays"


@pytest.mark.slow
@pytest.mark.django_db
def test_what_is_of_a_person_goes_and_what_stays_has_a_reason():
    assert list(find_faults(find_tables(), COLUMNS_THAT_STAY)) == []


@pytest.mark.django_db
def test_a_column_or_a_table_that_nobody_thought_of_is_named(monkeypatch):
    said = dict(COLUMNS_THAT_STAY)
    del said["issues.Upload.filename"]
    assert list(find_faults([Upload], said)) == [
        "issues.Upload.filename: let erasing.py of its app empty it, or say why it stays"
    ]
    monkeypatch.delitem(HERS, "servicedesk.Ticket")
    assert list(find_faults([Ticket], said)) == [
        "servicedesk.Ticket: say in HERS how a row of a person is made, or why the table stays"
    ]


def test_the_lists_name_what_there_is():
    tables = {model._meta.label: model for model in find_tables()}
    assert {*HERS, *TABLES_THAT_STAY} == set(tables)
    known = {f"{label}.{f.name}" for label, m in tables.items() for f in m._meta.concrete_fields}
    assert set(COLUMNS_THAT_STAY) - known == set()
