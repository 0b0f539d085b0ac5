"""A custom address is verified by a mail that comes back by its forwarding; each way to fail."""

import datetime as dt
import smtplib

import pytest
from django.utils import timezone

from incoming_email.keys.own_addresses import find_own
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from issues.models import OutgoingEmail, Role
from issues.services import Invalid, NotAllowed
from servicedesk import custom_email
from servicedesk.custom_email import Server
from servicedesk.models import CustomEmail, Fault, LoginMethod, ServiceDesk, Ticket, Verification
from servicedesk.tasks import give_up_verifications
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.issues.smtp_sink import free_port, running_sink
from tests.servicedesk.customer_server import (
    ADDRESS,
    PASSWORD,
    forwarded_challenge,
    running_customer_server,
    silent_server,
)
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    return make_desk(key="help")


@pytest.fixture
def maintainer(desk):
    return MembershipFactory(project=desk.project, role=Role.MAINTAINER).user


@pytest.fixture
def owner(desk):
    return MembershipFactory(project=desk.project, role=Role.OWNER).user


@pytest.fixture
def server():
    with running_customer_server() as server:
        yield server


def set_up(desk, maintainer, port, **fields):
    given = {"user": "support", "password": PASSWORD, "encryption": "none"} | fields
    return custom_email.set_up(
        desk.settings,
        actor=maintainer,
        address=ADDRESS,
        server=Server(host="127.0.0.1", port=port, **given),
        now=timezone.now(),
    )


def start(desk, maintainer, port, **fields):
    custom = set_up(desk, maintainer, port, **fields)
    return custom_email.start_verification(custom, actor=maintainer, now=timezone.now())


def ended():
    custom = CustomEmail.objects.get()
    return custom.state, custom.fault


def told():
    """Who was told of what, oldest first."""
    rows = OutgoingEmail.objects.filter(kind="custom_email").order_by("pk")
    return [(row.recipient, row.subject) for row in rows]


def test_the_mail_goes_by_the_projects_server_from_the_address_to_itself(desk, maintainer, server):
    custom = start(desk, maintainer, server.port)
    (mail,) = server.messages
    assert (mail["From"], mail["To"]) == (ADDRESS, "support+verify@customer.example")
    assert server.senders == [ADDRESS]
    assert mail["Auto-Submitted"] == "no"
    theirs, ours = custom.token.split(":")
    assert f"Verification token: {theirs}\r\n" in mail.get_content()
    assert (len(theirs), len(ours)) == (12, 12)
    assert (custom.state, custom.triggerer) == (Verification.STARTED, maintainer)


def test_the_whole_loop_over_the_listener_verifies_it(desk, maintainer, owner, server):
    port = free_port()
    listener = smtp.start_listener("127.0.0.1", port)
    try:
        start(desk, maintainer, server.port)
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as forwarding:
            forwarding.sendmail(ADDRESS, [desk.address], server.forwarded())
    finally:
        listener.stop()
    row = InboundEmail.objects.get()
    assert processing.process(row.pk)
    row.refresh_from_db()
    assert row.outcome == f"verification goes on in {desk.project}"
    row = desk.receive(forwarded_challenge(), recipient=desk.address)
    assert row.outcome == f"verification finished in {desk.project}"
    assert ended() == (Verification.FINISHED, "")
    custom = CustomEmail.objects.get()
    assert (custom.token, custom.enabled) == ("", False)
    assert custom.verified_at is not None
    assert Ticket.objects.count() == 0
    subjects = [f"Verification of {ADDRESS} started", f"{ADDRESS} is verified"]
    people = {maintainer.email, owner.email}
    assert set(told()) == {(person, subject) for person in people for subject in subjects}
    assert len(told()) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"Message_ID": "<rewritten@mx.customer.example>"},
        {"Auto_Submitted": "auto-forwarded", "Message_ID": "<rewritten@mx.customer.example>"},
        {"Subject": "Fwd: Verification", "X_Letterbox_Origin": ""},
    ],
    ids=["another id", "marked as automatic", "without our mark"],
)
def test_what_forwarding_does_to_the_mail_is_no_matter(desk, maintainer, server, changes):
    start(desk, maintainer, server.port)
    desk.receive(forwarded_challenge(), recipient=desk.address)
    row = desk.receive(server.forwarded(**changes), recipient=desk.address)
    assert (row.handler, ended()) == ("custom_email_verification", (Verification.FINISHED, ""))


def test_a_bare_mailbox_as_target_will_do(desk, maintainer, server):
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(), recipient="incoming@letterbox.localhost")
    desk.receive(forwarded_challenge(), recipient="incoming@letterbox.localhost")
    assert ended() == (Verification.FINISHED, "")


def test_the_owner_of_the_server_proves_no_address_of_others(desk, maintainer, server):
    """They read the mail that goes by their server, and need no mailbox to hand it in."""
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(), recipient=desk.address)
    again = server.forwarded(Message_ID="<again@customer.example>")
    assert ended() == (Verification.STARTED, "")
    desk.receive(again, recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TOKEN)
    custom = CustomEmail.objects.get()
    assert (custom.verified_at, custom.token) == (None, "")
    assert find_own([ADDRESS]) == set()


def test_our_own_mail_goes_by_our_own_server_and_is_no_proof_of_theirs(desk, maintainer, server):
    custom = start(desk, maintainer, server.port)
    challenge = OutgoingEmail.objects.get(kind="custom_email_challenge")
    assert (challenge.account, challenge.recipient) == ("", "support+verify@customer.example")
    assert custom.token.partition(":")[2] in challenge.text
    assert all(custom.token.partition(":")[2] not in str(mail) for mail in server.messages)
    row = desk.receive(forwarded_challenge(), recipient=desk.address)
    assert row.outcome == f"verification goes on in {desk.project}"
    assert ended() == (Verification.STARTED, "")


def test_what_was_proven_once_is_asked_for_the_server_alone(desk, maintainer, server):
    start(desk, maintainer, server.port)
    desk.receive(forwarded_challenge(), recipient=desk.address)
    desk.receive(server.forwarded(), recipient=desk.address)
    start(desk, maintainer, server.port)
    assert OutgoingEmail.objects.filter(kind="custom_email_challenge").count() == 1
    desk.receive(server.forwarded(), recipient=desk.address)
    assert ended() == (Verification.FINISHED, "")


def test_one_that_an_earlier_version_started_is_started_again(desk, maintainer, server):
    custom = start(desk, maintainer, server.port)
    custom.token = custom.token.partition(":")[0]
    custom.save()
    desk.receive(server.forwarded(), recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TOKEN)


def test_a_mail_of_an_earlier_start_has_an_incorrect_token(desk, maintainer, owner, server):
    start(desk, maintainer, server.port)
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(0), recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TOKEN)
    assert CustomEmail.objects.get().token == ""
    assert told()[-2:] == [
        (owner.email, f"Verification of {ADDRESS} failed"),
        (maintainer.email, f"Verification of {ADDRESS} failed"),
    ]


def test_a_mail_without_a_token_is_no_proof(desk, maintainer, server):
    start(desk, maintainer, server.port)
    server.messages[0].set_content("Nothing here")
    desk.receive(server.forwarded(), recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TOKEN)


def test_a_forwarding_that_changes_from_is_told(desk, maintainer, server):
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(From="relay@customer.example"), recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.INCORRECT_FROM)


def test_a_forwarding_to_the_alias_is_told(desk, maintainer, server):
    make_smtp_mailbox(
        name="desks", address="contact+%{key}@letterbox.localhost", purpose="service_desk_email"
    )
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(), recipient="contact+help@letterbox.localhost")
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TARGET)


def test_a_forwarding_to_another_projects_desk_is_told(desk, maintainer, server):
    other = ServiceDesk.objects.create(project=ProjectFactory(), enabled=True).project
    start(desk, maintainer, server.port)
    desk.receive(server.forwarded(), recipient=f"incoming+x-{other.pk}-issue-@letterbox.localhost")
    assert ended() == (Verification.FAILED, Fault.INCORRECT_TARGET)


def test_a_mail_that_comes_too_late_is_no_proof(desk, maintainer, server, settings):
    start(desk, maintainer, server.port)
    settings.DESK_VERIFICATION_MINUTES = 30
    early = timezone.now() - dt.timedelta(minutes=31)
    CustomEmail.objects.update(started_at=early)
    desk.receive(server.forwarded(), recipient=desk.address)
    assert ended() == (Verification.FAILED, Fault.NOT_RECEIVED)


def test_one_that_never_comes_back_is_given_up_by_the_clock(desk, maintainer, server):
    start(desk, maintainer, server.port)
    give_up_verifications()
    assert ended() == (Verification.STARTED, "")
    CustomEmail.objects.update(started_at=timezone.now() - dt.timedelta(minutes=31))
    give_up_verifications()
    give_up_verifications()
    assert ended() == (Verification.FAILED, Fault.NOT_RECEIVED)
    assert [subject for _, subject in told()].count(f"Verification of {ADDRESS} failed") == 1


def test_a_wrong_password_is_told_in_the_servers_words(desk, maintainer, server):
    custom = start(desk, maintainer, server.port, password="wrong-password")
    assert ended() == (Verification.FAILED, Fault.INVALID_CREDENTIALS)
    assert custom.fault_detail.startswith("535 ")
    assert any("535 " in row.text for row in OutgoingEmail.objects.all())
    assert not any("wrong-password" in row.text for row in OutgoingEmail.objects.all())


def test_a_password_that_cannot_be_sent_is_told_without_it(desk, maintainer, server):
    custom = start(desk, maintainer, server.port, password="пароль")
    assert (custom.fault, custom.fault_detail) == (Fault.INVALID_CREDENTIALS, "")


def test_a_server_that_is_not_there_is_told(desk, maintainer):
    custom = start(desk, maintainer, free_port())
    assert ended() == (Verification.FAILED, Fault.SMTP_HOST)
    assert "refused" in custom.fault_detail
    assert {subject for _recipient, subject in told()} == {f"Verification of {ADDRESS} failed"}


def test_a_server_that_does_not_take_the_mail_is_told(desk, maintainer, server):
    server.data_answer = "550 5.7.1 Not from here"
    custom = start(desk, maintainer, server.port)
    assert (custom.fault, custom.fault_detail) == (Fault.SMTP_HOST, "550 5.7.1 Not from here")


def test_a_server_without_starttls_gets_nothing_in_clear(desk, maintainer, server):
    start(desk, maintainer, server.port, encryption="starttls")
    assert ended() == (Verification.FAILED, Fault.SMTP_HOST)
    assert (server.messages, server.mechanisms) == ([], [])


def test_a_server_that_stays_silent_is_told_after_the_time_out(desk, maintainer, settings):
    settings.DESK_SMTP_TIMEOUT_SECONDS = 1
    with silent_server() as port:
        start(desk, maintainer, port)
    assert ended() == (Verification.FAILED, Fault.READ_TIMEOUT)


@pytest.mark.parametrize(
    ("method", "mechanism"), [(LoginMethod.PLAIN, "PLAIN"), (LoginMethod.LOGIN, "LOGIN")]
)
def test_the_log_in_method_is_the_chosen_one(desk, maintainer, server, method, mechanism):
    start(desk, maintainer, server.port, login_method=method)
    assert server.mechanisms == [mechanism]


def test_a_method_that_the_server_does_not_offer_is_not_replaced(desk, maintainer, server):
    start(desk, maintainer, server.port, login_method=LoginMethod.CRAM_MD5)
    assert ended() == (Verification.FAILED, Fault.SMTP_HOST)
    assert server.mechanisms == []


def test_a_server_without_a_user_is_not_logged_in_to(desk, maintainer):
    with running_sink() as sink:
        start(desk, maintainer, sink.port, user="", password="")
        assert len(sink.messages) == 1
    assert ended() == (Verification.STARTED, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1"])
def test_a_host_of_a_local_network_is_refused(desk, maintainer, server, settings, host):
    settings.DESK_SMTP_LOCAL_NETWORKS = False
    custom = set_up(desk, maintainer, server.port)
    CustomEmail.objects.update(host=host)
    custom = custom_email.start_verification(custom, actor=maintainer, now=timezone.now())
    assert custom.fault == Fault.SMTP_HOST
    assert "local network" in custom.fault_detail
    assert server.connections == 0


def test_a_mail_that_nobody_awaits_does_nothing(desk, maintainer, server):
    start(desk, maintainer, server.port)
    desk.receive(forwarded_challenge(), recipient=desk.address)
    desk.receive(server.forwarded(), recipient=desk.address)
    CustomEmail.objects.update(enabled=True)
    before = told()
    again = server.forwarded(Message_ID="<again@customer.example>")
    row = desk.receive(again, recipient=desk.address)
    assert row.outcome == f"no verification is awaited in {desk.project}"
    assert (ended(), told()) == ((Verification.FINISHED, ""), before)
    assert CustomEmail.objects.get().enabled
    assert Ticket.objects.count() == 0


def test_the_key_means_nothing_in_an_address_of_ours(desk, maintainer, server):
    start(desk, maintainer, server.port)
    row = desk.write(to=f"incoming+x-{desk.project.pk}-verify@letterbox.localhost")
    assert row.status == Status.REJECTED
    assert ended() == (Verification.STARTED, "")


def test_starting_and_enabling_are_for_maintainers(desk, maintainer, server):
    custom = set_up(desk, maintainer, server.port)
    for act in (
        lambda: custom_email.start_verification(custom, actor=desk.agent, now=timezone.now()),
        lambda: custom_email.enable(custom, actor=desk.agent),
        lambda: custom_email.disable(custom, actor=desk.agent),
        lambda: custom_email.retire(custom, actor=desk.agent, now=timezone.now()),
        lambda: set_up(desk, desk.agent, server.port),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert server.messages == []


def test_only_a_verified_address_is_enabled_and_a_new_start_takes_it_off(desk, maintainer, server):
    custom = start(desk, maintainer, server.port)
    with pytest.raises(Invalid, match="not verified"):
        custom_email.enable(custom, actor=maintainer)
    desk.receive(forwarded_challenge(), recipient=desk.address)
    desk.receive(server.forwarded(), recipient=desk.address)
    custom_email.enable(custom, actor=maintainer)
    assert CustomEmail.objects.get().enabled
    custom_email.start_verification(custom, actor=maintainer, now=timezone.now())
    assert (CustomEmail.objects.get().enabled, ended()) == (False, (Verification.STARTED, ""))
