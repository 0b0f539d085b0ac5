"""Delivery reports in the forms that servers write them, regular and odd."""

import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.message import parse
from issues import services
from issues.models import Role
from servicedesk.delivery_reports import RETURNED, find_failures, find_returned_ids
from servicedesk.models import Participant
from servicedesk.participants import record_bounce
from tests.factories import MembershipFactory
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent_to

HEAD = (
    "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nSubject: Undelivered\r\n"
    "Return-Path: <>\r\nMIME-Version: 1.0\r\n"
)


def report(*groups, part="message/delivery-status", report_type="delivery-status"):
    status = "\r\n\r\n".join(["Reporting-MTA: dns; mx.example", *groups])
    return (
        f"{HEAD}Content-Type: multipart/report; report-type={report_type}; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nIt was not 5.9.9 delivered.\r\n"
        f"--b\r\nContent-Type: {part}\r\n\r\n{status}\r\n--b--\r\n"
    )


def in_words(text, *, fields=""):
    return f"{HEAD}{fields}Content-Type: text/plain\r\n\r\n{text}"


FAILED = "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1"
QMAIL = (
    "Hi. This is the qmail-send program at mx.example.\r\n\r\n<a@b.example>:\r\n"
    "192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 no such user\r\n"
    "Giving up on 192.0.2.1.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
    "Return-Path: <x@y.example>\r\nSubject: 5.2.2\r\n"
)
EXIM = (
    "This message was created automatically by mail delivery software.\r\n\r\n"
    "A message that you sent could not be delivered to one or more of its\r\n"
    "recipients. This is a permanent error. The following address(es) failed:\r\n\r\n"
    "  a@b.example\r\n    host mx.b.example [192.0.2.1]\r\n"
    "    SMTP error from remote mail server after RCPT TO:<a@b.example>:\r\n"
    "    550 Unrouteable address\r\n\r\n"
    "------ This is a copy of the message, including all the headers. ------\r\n"
)
EXCHANGE = (
    "Final-recipient: RFC822; a@b.example\r\nAction: failed\r\nStatus: 5.1.10\r\n"
    "Remote-MTA: dns;mail.b.example\r\n"
    "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\r\n"
    "X-Display-Name: A"
)
EXIM_WARNING = (
    "A message that you sent has not yet been delivered to one or more of its\r\n"
    "recipients after more than 24 hours on the queue. It is delayed; 4.4.1, 550 once.\r\n"
)


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (report(FAILED), "5.1.1"),
        (report(EXCHANGE), "5.1.10 smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"),
        (report("Final-Recipient: x\r\nAction: delayed\r\nStatus: 4.4.1", FAILED), "5.1.1"),
        (report("Final-Recipient: x\r\nStatus: 5.2.1"), "5.2.1"),
        (report(FAILED.upper()), "5.1.1"),
        (
            report(
                FAILED,
                part="message/global-delivery-status",
                report_type="global-delivery-status",
            ),
            "5.1.1",
        ),
        (in_words(QMAIL), "Remote host said: 550 5.1.1 no such user"),
        (in_words(EXIM, fields="X-Failed-Recipients: a@b.example\r\n"), "550 Unrouteable address"),
        (
            HEAD + "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\n<a@b.example>: 554 5.7.1 Refused\r\n--b--\r\n",
            "<a@b.example>: 554 5.7.1 Refused",
        ),
    ],
    ids=[
        *("postfix", "exchange", "second of two", "no action", "capitals", "beyond ascii"),
        *("qmail", "exim", "no status part"),
    ],
)
def test_a_final_failure_is_found_with_its_words(mail, reason):
    assert [f.reason for f in find_failures(parse(mail.encode()))] == [reason]


@pytest.mark.parametrize(
    "mail",
    [
        report("Final-Recipient: x\r\nAction: delayed\r\nStatus: 4.4.1"),
        report("Final-Recipient: x\r\nAction: delayed\r\nStatus: 5.0.0"),
        report("Final-Recipient: x\r\nAction: delivered\r\nStatus: 2.1.5"),
        report("Final-Recipient: x\r\nAction: failed\r\nStatus: 4.4.7"),
        report("Final-Recipient: x\r\nAction: relayed"),
        report(),
        in_words(EXIM_WARNING),
        in_words("The price is 551.50 and version 15.5.1 is out."),
        "From: carl@b.example\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\n"
        "Call 550 5.1.1\r\n",
        "From: carl@b.example\r\nSubject: Hello\r\n\r\n550 5.1.1\r\n",
    ],
    ids=[
        *("delayed", "delayed with 5", "delivered", "failed for now", "relayed", "no recipient"),
        *("exim's warning", "other numbers", "absence notice", "person"),
    ],
)
def test_all_else_is_no_failure(mail):
    assert find_failures(parse(mail.encode())) == []


@pytest.mark.parametrize(
    "head",
    [
        "From: x@y.example\r\nMessage-ID: <a.1@b.example>",
        "From: x@y.example\r\nMessage-ID:\r\n <a.1@b.example>",
        "message-id :\r\n\t <a.1@b.example>\r\nFrom: x@y.example",
        "From x@y.example Mon Jan  5\nMessage-Id: <a.1@b.example>\n\nMessage-ID: <in@text>",
        "Message-ID: a.1@b.example\r\n\r\nHello",
    ],
    ids=["plain", "folded as Outlook does", "tab and space", "mbox line", "no brackets"],
)
@pytest.mark.parametrize("part", sorted(RETURNED))
def test_the_id_of_what_is_returned_is_read_however_its_line_is_folded(head, part):
    mail = report(FAILED).replace("--b--", f"--b\r\nContent-Type: {part}\r\n\r\n{head}\r\n--b--")
    assert find_returned_ids(parse(mail.encode())) == ["a.1@b.example"]


def test_what_is_returned_without_an_id_marks_nothing():
    part = "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: x@y.example\r\n--b--"
    mail = report(FAILED).replace("--b--", part)
    assert find_returned_ids(parse(mail.encode())) == []


@pytest.mark.growth
def test_reading_a_report_takes_linear_time():
    lines = "Action: failed\r\nStatus: 4.0.0\r\n\r\n" * 20_000 + "5." * 100_000
    started = time.process_time()
    assert find_failures(parse(report(lines).encode())) == []
    assert find_failures(parse(in_words("delaye " * 100_000 + "5." * 100_000).encode())) == []
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "mail",
    [
        report(FAILED),
        report(FAILED.replace("a@b.example", "<A@B.Example>")),
        report(FAILED.replace("rfc822; a@", "utf-8;a@")),
        report("Original-Recipient: rfc822;a@b.example\r\nFinal-Recipient: x\r\nStatus: 5.1.1"),
        in_words(QMAIL),
        in_words(EXIM, fields="X-Failed-Recipients: a@b.example\r\n"),
    ],
    ids=range(6),
)
def test_whom_a_report_is_about_is_read(mail):
    (failure,) = find_failures(parse(mail.encode()))
    assert "a@b.example" in failure.recipients


def test_the_id_in_a_copy_below_the_words_is_read():
    mail = in_words(QMAIL + "Message-ID: <a.1@b.example>\r\n")
    assert find_returned_ids(parse(mail.encode())) == ["a.1@b.example"]


def returned(message_id, address="else@other.example"):
    """A report about another address, with the head of the mail that came back."""
    part = f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n--b--"
    return report(FAILED.replace("a@b.example", address)).replace("--b--", part)


def for_customer(mail):
    return mail.replace("a@b.example", CUSTOMER)


def bounces():
    return dict(Participant.objects.values_list("address", "bounces"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mail", [report(FAILED), in_words(QMAIL)], ids=["report", "words"])
def test_it_counts_for_the_participant_whose_envelope_sender_it_came_to(mail):
    desk = make_desk(add_cc=True)
    desk.open_ticket(Cc="ann@customer.example")
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.receive(for_customer(mail).encode(), recipient=thank_you.envelope_sender)
    assert row.status == Status.PROCESSED
    assert bounces() == {CUSTOMER: 1, "ann@customer.example": 0}
    again = desk.receive(for_customer(mail).encode(), recipient=thank_you.envelope_sender)
    assert (again.status, again.reason) == (Status.IGNORED, Reason.DUPLICATE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mail", [report(FAILED), in_words(QMAIL), returned("x@y.example")])
def test_a_report_about_somebody_else_silences_nobody(mail):
    desk = make_desk()
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.receive(mail.encode(), recipient=thank_you.envelope_sender)
    assert row.outcome == f"report about somebody else on issue {issue}"
    assert bounces() == {CUSTOMER: 0}


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_was_sent_to_them_counts_once_whoever_it_was_forwarded_to():
    desk = make_desk()
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    for address in ("one@other.example", "two@other.example"):
        mail = returned(thank_you.message_id, address)
        row = desk.receive(mail.encode(), recipient=thank_you.envelope_sender)
        assert row.outcome.startswith("delivery failure on issue")
    assert bounces() == {CUSTOMER: 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("days", "is_over"), [(29, True), (31, False)])
def test_failures_of_a_while_count_together(settings, days, is_over):
    settings.DESK_MAX_BOUNCES = 2
    desk = make_desk()
    desk.open_ticket()
    person = Participant.objects.get()
    now = timezone.now()
    record_bounce(person, "5.1.1", now=now - timedelta(days=days))
    record_bounce(person, "5.1.1", now=now)
    person.refresh_from_db()
    assert (person.undeliverable_at is not None) is is_over


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("limit", "is_over"), [(0, False), (4, False), (3, True)])
def test_0_failures_are_no_limit(settings, limit, is_over):
    settings.DESK_MAX_BOUNCES = limit
    desk = make_desk()
    desk.open_ticket()
    for _ in range(3):
        record_bounce(Participant.objects.get(), "5.1.1", now=timezone.now())
    person = Participant.objects.get()
    assert (person.bounces, person.undeliverable_at is not None) == (3, is_over)


def make_undeliverable(desk, settings):
    settings.DESK_MAX_BOUNCES = 1
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    mail = for_customer(report(FAILED))
    desk.receive(mail.encode(), recipient=thank_you.envelope_sender)
    services.create_note(item=issue, author=desk.agent, body="Not sent")
    assert len(sent_to(CUSTOMER)) == 1
    return issue, thank_you


@pytest.mark.django_db(transaction=True)
def test_the_key_in_the_words_of_a_server_is_cut():
    desk = make_desk()
    desk.open_ticket()
    sender = sent_to(CUSTOMER)[0].envelope_sender
    record_bounce(Participant.objects.get(), f"550 <{sender}>: refused", now=timezone.now())
    key = sender.partition("+")[2].partition("-")[0]
    assert Participant.objects.get().bounce_reason == (
        f"550 <{sender.replace(key, key[:4] + '…')}>: refused"
    )


@pytest.mark.django_db(transaction=True)
def test_who_writes_is_reachable_again(settings):
    desk = make_desk()
    issue, thank_you = make_undeliverable(desk, settings)
    desk.receive(answer(thank_you, body="I am back"))
    person = Participant.objects.get()
    assert (person.bounces, person.bounce_reason, person.undeliverable_at) == (0, "", None)
    services.create_note(item=issue, author=desk.agent, body="Sent")
    assert len(sent_to(CUSTOMER)) == 2


@pytest.mark.django_db(transaction=True)
def test_who_opens_another_ticket_is_reachable_on_the_first_one_too(settings):
    desk = make_desk()
    issue, _thank_you = make_undeliverable(desk, settings)
    desk.open_ticket(CUSTOMER.title(), subject="Something else")
    services.create_note(item=issue, author=desk.agent, body="Sent")
    assert [mail.text.partition("\n")[0] for mail in sent_to(CUSTOMER)][-1] == "Sent"
    assert set(Participant.objects.values_list("bounces", flat=True)) == {0}


@pytest.mark.django_db(transaction=True)
def test_a_member_has_mail_tried_again(settings, client):
    desk = make_desk()
    issue, _thank_you = make_undeliverable(desk, settings)
    page = reverse("issue-detail", args=[desk.project.path, issue.iid])
    retry = reverse("participant-retry", args=[desk.project.path, issue.iid])
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    client.force_login(guest)
    assert client.post(retry, {"address": CUSTOMER}).status_code in {403, 404}
    client.force_login(desk.agent)
    assert retry in client.get(page).content.decode()
    client.post(retry, {"address": CUSTOMER})
    assert bounces() == {CUSTOMER: 0}
    assert issue.notes.filter(system=True, body__contains=CUSTOMER).exists()
    assert retry not in client.get(page).content.decode()
    services.create_note(item=issue, author=desk.agent, body="Sent")
    assert len(sent_to(CUSTOMER)) == 2
    said = client.post(retry, {"address": CUSTOMER}, follow=True).content.decode()
    assert f"No mail to {CUSTOMER} has failed." in said


@pytest.mark.django_db(transaction=True)
def test_an_absence_notice_to_the_envelope_sender_is_no_failure():
    """RFC 3834 sends it there."""
    desk = make_desk()
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    to = thank_you.envelope_sender
    desk.write(to=to, Auto_Submitted="auto-replied", subject="Away", body="550 5.1.1")
    desk.write(to=to, subject="I am on holiday", body="550 5.1.1")
    assert Participant.objects.get().bounces == 0
