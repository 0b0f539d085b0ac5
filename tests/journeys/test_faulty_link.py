"""A link that breaks at random bytes while mail keeps coming: nothing is lost, nothing twice."""

import random
from collections import Counter

import pytest

from incoming_email import fetching
from incoming_email.inboxes.base import InboxError
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import password_of
from tests.servers.faulty_link import FaultyLink

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROUNDS = 60
MAILS_A_ROUND = 5
CUTS = range(1, 5_000)
PATIENCE = 20


@pytest.mark.parametrize("kept", [{"delete_after_delivery": False}, {"expunge_deleted": True}])
def test_cuts_at_random_bytes(dovecot, imap_user, kept):
    """The cut may fall into a greeting, a message, a flag's answer, or our own command."""
    choose = random.Random(20261125)
    world = make_world()
    address = world.reply_address()
    Mailbox.objects.update(enabled=False)
    cuts = 0
    with FaultyLink(dovecot.port) as link:
        mailbox = MailboxFactory(
            address=world.mailbox.address,
            host="127.0.0.1",
            port=link.port,
            user=imap_user,
            password=password_of(imap_user),
            **kept,
        )
        for round_number in range(ROUNDS):
            numbers = range(round_number * MAILS_A_ROUND, (round_number + 1) * MAILS_A_ROUND)
            dovecot.deliver(imap_user, *(mail_of(world, address, each) for each in numbers))
            link.split = choose.choice([0, 0, 1, 1000])
            setattr(link, choose.choice(["drop_after", "drop_up_after"]), choose.choice(CUTS))
            cuts += not try_to_fetch(mailbox)
        link.split = link.drop_after = link.drop_up_after = 0
        assert any(try_to_fetch(mailbox) for _ in range(PATIENCE))
    process_what_is_left()
    assert cuts > ROUNDS / 10
    bodies = Counter(world.issue.notes.values_list("body", flat=True))
    assert bodies == {f"Answer {n}.": 1 for n in range(ROUNDS * MAILS_A_ROUND)}
    rows = InboundEmail.objects.filter(mailbox=mailbox)
    assert rows.count() == rows.filter(status=Status.PROCESSED).count() == len(bodies)


def mail_of(world, address, number):
    body = f"Answer {number}."
    filling = {"X_Filling": "y" * 60} if number % 7 else {"X_Filling": "z" * 900}
    return make_mail(to=address, sender=world.member.email, body=body, **filling)


def try_to_fetch(mailbox):
    """Whether it went through without a cut."""
    try:
        fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="test")
    except InboxError:
        return False
    return True


def process_what_is_left():
    for row in InboundEmail.objects.filter(status=Status.PENDING):
        InboundEmail.objects.filter(pk=row.pk).update(next_attempt_at=row.received_at)
        fetching.processing.process(row.pk)
