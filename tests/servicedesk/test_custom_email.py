"""A desk with an address of its own, from its settings to the mail that comes back by it."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.keys.own_addresses import find_own
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.message import parse
from incoming_email.pipeline.resolving import look_up
from issues import outbox, services
from issues.models import Note, OutgoingEmail, OutgoingState, Role
from issues.services import Invalid
from servicedesk import custom_email
from servicedesk.addresses import find_addresses
from servicedesk.custom_email import Server
from servicedesk.custom_email.connecting import find_connection
from servicedesk.models import CustomEmail, Participant, ServiceDesk, Ticket, Verification
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.issues.smtp_sink import running_sink
from tests.servicedesk.customer_server import (
    ADDRESS,
    PASSWORD,
    running_customer_server,
)
from tests.servicedesk.customer_server import (
    custom_email as make_custom_email,
)
from tests.servicedesk.test_tickets import delivery_report
from tests.servicedesk.world import CUSTOMER, answer, as_received, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    return make_desk()


@pytest.fixture
def custom(desk):
    return make_custom_email(desk.settings)


def change(desk, actor, address=ADDRESS, **server):
    given = {"host": "smtp.customer.example", "user": "support", "password": PASSWORD} | server
    return custom_email.set_up(
        desk.settings, actor=actor, address=address, server=Server(**given), now=timezone.now()
    )


@pytest.fixture
def maintainer(desk):
    return MembershipFactory(project=desk.project, role=Role.MAINTAINER).user


def forwarded(desk, content, recipient=""):
    """As it comes when the customer's server hands it on to the desk's address."""
    return desk.receive(content, recipient=recipient or desk.address)


def test_the_desk_writes_from_its_address_by_its_server(desk, settings):
    with running_customer_server() as server, running_sink() as ours:
        settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", ours.port
        make_custom_email(desk.settings, server.port)
        desk.open_ticket()
        assert outbox.deliver_due(now=timezone.now()) == 1
        (mail,) = server.messages
        assert ours.messages == []
    (row,) = sent_to(CUSTOMER)
    key = mail["Reply-To"].partition("support+")[2].partition("@")[0]
    assert (row.state, len(key)) == (OutgoingState.SENT, 25)
    assert mail["From"] == f"{desk.project.name} <{ADDRESS}>"
    assert mail["Reply-To"].endswith(f"<support+{key}@customer.example>")
    assert server.senders == [f"support+{key}-bounce@customer.example"]
    assert f"<mailto:support+{key}-unsubscribe@customer.example>" in mail["List-Unsubscribe"]


def test_a_comment_bears_the_members_name_and_the_desks_address(desk, custom):
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Try again")
    assert as_received(sent_to(CUSTOMER)[-1])["From"] == f"{desk.agent} <{ADDRESS}>"


def test_while_it_is_off_the_desk_writes_by_our_server_and_mail_to_it_is_taken(desk, custom):
    CustomEmail.objects.update(enabled=False)
    row = forwarded(desk, make_mail(to=ADDRESS, sender=CUSTOMER), "incoming@letterbox.localhost")
    assert row.outcome == f"ticket {Ticket.objects.get().issue}"
    (mail,) = sent_to(CUSTOMER)
    assert (mail.account, ADDRESS in mail.from_header) == ("", False)
    assert "<incoming+" in mail.headers["Reply-To"]


@pytest.mark.parametrize(
    "header",
    [
        *("To", "Delivered-To", "Envelope-To", "X-Envelope-To", "Cc", "X-Delivered-To"),
        *("X-Original-To", "X-Forwarded-To", "X-Gm-Original-To"),
    ],
)
def test_it_is_recognised_in_every_header(desk, custom, header):
    headers = {header.replace("-", "_"): f"Support <{ADDRESS.title()}>"}
    to = headers.pop("To", "somebody@elsewhere.example")
    row = desk.receive(make_mail(to=to, sender=CUSTOMER, **headers))
    assert row.outcome == f"ticket {Ticket.objects.get().issue}"


def test_it_is_recognised_in_received(desk, custom):
    trace = f"from a by b with ESMTP for <{ADDRESS}>; Wed, 1 Apr 2026 10:00:00 +0000"
    row = desk.receive(make_mail(to="a@elsewhere.example", sender=CUSTOMER, Received=trace))
    assert row.status == Status.PROCESSED


def test_a_reply_by_key_comes_before_the_address_that_it_is_forwarded_to(desk, custom):
    issue = desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    lost = make_mail(to=mail.headers["Reply-To"], sender=CUSTOMER, body="It works now")
    row = forwarded(desk, lost)
    note = Note.objects.get()
    assert (row.handler, row.outcome) == ("ticket_reply", f"note {note.pk} on issue {issue}")
    assert note.body == "It works now"


def test_a_key_in_such_an_address_is_cut_in_the_trace(desk, custom):
    desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    key = mail.headers["Reply-To"].partition("+")[2].partition("@")[0]
    row = forwarded(desk, answer(mail, body="It works now"))
    assert key not in str(row.trace)
    assert f"support+{key[:4]}…@customer.example" in str(row.trace)


def test_a_strangers_use_of_a_key_is_held(desk, custom):
    desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    row = forwarded(desk, answer(mail, body="Let me in", sender="mallory@evil.example"))
    assert (row.status, row.reason) == (Status.HELD, Reason.SENDER_MISMATCH)


def test_unsubscribing_and_delivery_reports_come_back_by_it(desk, custom):
    desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    forwarded(desk, delivery_report(mail.envelope_sender))
    assert Participant.objects.get().bounces == 1
    address = mail.headers["List-Unsubscribe"].partition("mailto:")[2].rstrip(">")
    row = forwarded(desk, make_mail(to=address, sender=CUSTOMER))
    assert row.handler == "ticket_unsubscribe"
    assert Participant.objects.get().unsubscribed_at is not None
    assert Ticket.objects.count() == 1


def test_a_dead_key_still_reaches_the_desk(desk, custom):
    row = forwarded(desk, make_mail(to=f"support+{'0' * 25}@customer.example", sender=CUSTOMER))
    assert row.outcome == f"ticket {Ticket.objects.get().issue}"


def test_a_detail_that_is_no_key_reaches_the_desk(desk, custom):
    row = desk.receive(make_mail(to="support+sales@customer.example", sender=CUSTOMER))
    assert row.outcome == f"ticket {Ticket.objects.get().issue}"


def test_an_address_that_nobody_has_proven_takes_no_mail(desk):
    """Else a maintainer could claim anybody's address, and get the mail of others."""
    for state in (Verification.NOT_STARTED, Verification.STARTED, Verification.FAILED):
        CustomEmail.objects.all().delete()
        started = timezone.now() if state == Verification.STARTED else None
        fields = {"state": state, "started_at": started, "verified_at": None, "enabled": False}
        make_custom_email(desk.settings, **fields)
        row = desk.receive(make_mail(to=ADDRESS, sender=CUSTOMER))
        assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)


def test_a_reply_to_a_dedicated_mailbox_with_the_desk_in_cc_stays_a_reply():
    """A mailbox without keys finds replies by References: the desk's address must not win."""
    desk = make_desk()
    desk.mailbox.address = "replies@letterbox.localhost"
    desk.mailbox.save()
    make_custom_email(desk.settings, enabled=False)
    desk.receive(make_mail(to=ADDRESS, sender=CUSTOMER))
    (mail,) = sent_to(CUSTOMER)
    reply = answer(mail, body="More of it", Cc=ADDRESS)
    assert desk.receive(reply).handler == "ticket_reply"


def test_it_never_takes_part_in_a_ticket(desk, custom):
    desk.settings.add_cc = True
    desk.settings.save()
    issue = desk.open_ticket(Cc=f"{ADDRESS}, support+x@customer.example, ann@customer.example")
    people = issue.ticket.participants.order_by("pk").values_list("address", flat=True)
    assert list(people) == [CUSTOMER, "ann@customer.example"]
    assert find_own([ADDRESS, "ann@customer.example"]) == {ADDRESS}


def test_a_change_keeps_the_earlier_address(desk, custom, maintainer):
    issue = desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    change(desk, maintainer, "hello@customer.example")
    earlier = CustomEmail.objects.get(address=ADDRESS)
    assert (earlier.password, earlier.enabled) == ("", False)
    row = forwarded(desk, answer(mail, body="By the old address"))
    assert row.outcome == f"note {Note.objects.get().pk} on issue {issue}"
    again = desk.receive(make_mail(to=ADDRESS, sender="new@customer.example"))
    assert again.outcome == f"ticket {Ticket.objects.latest('pk').issue}"
    assert find_connection(mail.account) is None


def test_mail_that_waits_when_the_address_is_replaced_goes_by_our_server(desk, maintainer):
    make_custom_email(desk.settings)
    desk.open_ticket()
    custom_email.retire(CustomEmail.objects.get(), actor=maintainer, now=timezone.now())
    assert outbox.deliver_due(now=timezone.now()) == 1


def test_an_address_that_was_never_proven_leaves_no_history(desk, maintainer):
    change(desk, maintainer, "one@customer.example")
    change(desk, maintainer, "two@customer.example")
    assert list(CustomEmail.objects.values_list("address", flat=True)) == ["two@customer.example"]


def test_an_earlier_address_is_taken_up_again_and_must_be_verified_again(desk, custom, maintainer):
    change(desk, maintainer, "hello@customer.example")
    back = change(desk, maintainer)
    assert back.pk == custom.pk
    assert (back.state, back.enabled, back.retired_at) == (Verification.NOT_STARTED, False, None)
    assert back.verified_at is not None


def test_another_desk_cannot_take_the_address(desk, custom):
    other = ServiceDesk.objects.create(project=ProjectFactory(), enabled=True)
    maintainer = MembershipFactory(project=other.project, role=Role.MAINTAINER).user
    with pytest.raises(Invalid, match="Another service desk"):
        custom_email.set_up(
            other, actor=maintainer, address=ADDRESS, server=Server("a.example"), now=timezone.now()
        )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("incoming+x@letterbox.localhost", "Letterbox itself"),
        ("letterbox@letterbox.localhost", "Letterbox itself"),
        ("sup+port@customer.example", "Use an address such as"),
        ("support@localhost", "Use an address such as"),
        (f"{'s' * 27}@customer.example", "at most 26 characters"),
        ("support@customer.example\nBcc: x@y.example", "Use an address such as"),
    ],
)
def test_an_address_that_cannot_work_is_refused(desk, maintainer, address, words):
    with pytest.raises(Invalid, match=words):
        change(desk, maintainer, address)
    assert CustomEmail.objects.count() == 0


@pytest.mark.parametrize("host", ["https://smtp.example.com", "smtp.example.com:25", "[::1]", ""])
def test_a_host_is_a_name_only(desk, maintainer, host):
    with pytest.raises(Invalid):
        change(desk, maintainer, host=host)


def test_a_password_does_not_go_to_another_server(desk, maintainer):
    """Whoever may name a server must not get the password that somebody else entered."""
    change(desk, maintainer)
    assert change(desk, maintainer, password="").password == PASSWORD
    with pytest.raises(Invalid, match="Enter the password"):
        change(desk, maintainer, password="", host="smtp.evil.example")
    assert CustomEmail.objects.get().host == "smtp.customer.example"


def test_the_password_is_encrypted_and_shown_nowhere(desk, custom):
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM servicedesk_customemail")
        assert PASSWORD not in str(cursor.fetchall())
    assert PASSWORD not in repr(Server("a.example", password=PASSWORD)) + repr(custom)


def test_the_database_keeps_the_promises(desk, custom):
    for change_ in (
        {"state": Verification.FAILED},
        {"retired_at": timezone.now()},
        {"address": "Support@customer.example"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            CustomEmail.objects.update(**change_)


def test_the_shown_address_is_the_custom_one_while_it_is_on(desk, custom):
    assert find_addresses(desk.settings).shown == ADDRESS
    CustomEmail.objects.update(enabled=False)
    assert find_addresses(desk.settings).shown == desk.address


def test_an_account_of_another_name_is_none_of_ours(custom):
    assert find_connection("custom-email-x") is None
    assert find_connection(str(custom.pk)) is None
    assert find_connection(f"custom-email-{custom.pk + 1}") is None


def test_custom_addresses_of_a_batch_cost_one_query(desk, custom):
    mails = [parse(make_mail(to=ADDRESS, sender=f"c{n}@customer.example")) for n in range(9)]
    own = [parse(make_mail(to=desk.address, sender=CUSTOMER))]
    with CaptureQueriesContext(connection) as queries:
        assert look_up(mails, desk.mailbox.template).forwarded[ADDRESS]
    assert ["servicedesk_customemail" in query["sql"] for query in queries].count(True) == 1
    asked = len(queries)
    with CaptureQueriesContext(connection) as queries:
        look_up(own, desk.mailbox.template)
    assert len(queries) == asked - 1


def test_a_comment_of_a_desk_with_its_own_address_costs_the_same_for_many(desk, custom):
    desk.settings.add_cc = True
    desk.settings.save()
    issue = desk.open_ticket(Cc=", ".join(f"p{n}@customer.example" for n in range(5)))
    services.create_note(item=issue, author=desk.agent, body="One")
    sent_to(CUSTOMER)
    services.create_note(item=issue, author=desk.agent, body="Two")
    with CaptureQueriesContext(connection) as queries:
        assert len(sent_to(CUSTOMER)) == 3
    assert len(queries) <= 31
    outside = OutgoingEmail.objects.filter(kind__startswith="desk_")
    assert {row.account for row in outside} == {f"custom-email-{custom.pk}"}
