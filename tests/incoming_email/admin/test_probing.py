"""Probes in the admin: the button, the history on a mailbox's page, the line of the dashboard."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from incoming_email.models import Mailbox, Probe
from issues.models import OutgoingEmail
from tests.admin_site import incoming_url as url
from tests.admin_site import page_of
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_smtp(settings):
    """As if a server were there; nothing is sent in these tests."""
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"


def press(client, mailbox: Mailbox):
    return client.post(url("mailbox", "probe", mailbox.pk), follow=True)


def probed(mailbox: Mailbox, state: str, *, ago: int = 60, took: float | None = None, **more):
    written = timezone.now() - timedelta(seconds=ago)
    times = {}
    if took is not None:
        times = {
            "sent_at": written + timedelta(seconds=took / 4),
            "received_at": written + timedelta(seconds=took / 2),
            "processed_at": written + timedelta(seconds=took),
        }
    given = {"mailbox": mailbox, "created_at": written, "state": state}
    return Probe.objects.create(**(given | times | more))


def test_the_button_writes_a_probe_and_says_so(admin, by_smtp):
    mailbox = MailboxFactory()
    page = press(admin, mailbox)
    assert "A probe is on its way." in page.text
    probe = Probe.objects.get()
    assert (probe.mailbox, probe.is_scheduled) == (mailbox, False)
    assert OutgoingEmail.objects.get().kind == "probe"
    assert LogEntry.objects.get().get_change_message() == f"Sent probe {probe.pk}."
    assert "the mail is still waiting to be sent" in page.text


def test_where_mail_is_kept_the_button_says_why_there_is_none(admin):
    assert "EMAIL_URL names no mail server" in press(admin, MailboxFactory()).text
    assert (Probe.objects.count(), LogEntry.objects.count()) == (0, 0)


def test_where_the_mailbox_is_off_the_button_says_so(admin, by_smtp):
    assert "The mailbox is switched off" in press(admin, MailboxFactory(enabled=False)).text
    assert Probe.objects.count() == 0


def test_an_operator_sees_the_history_and_has_no_button(operator, by_smtp):
    mailbox = MailboxFactory()
    probed(mailbox, "done", took=8.0)
    assert press(operator, mailbox).status_code == 403
    page = page_of(operator, mailbox)
    assert "Last probes" in page.text
    assert "/probe/" not in page.text


def test_it_is_no_page_to_be_asked_for(admin):
    assert admin.get(url("mailbox", "probe", MailboxFactory().pk)).status_code == 405


def test_the_history_tells_each_part_and_links_the_row(admin):
    mailbox = MailboxFactory()
    row = InboundEmailFactory(mailbox=mailbox)
    probed(mailbox, "done", took=8.0, inbound=row)
    page = page_of(admin, mailbox)
    (line,) = page.context["probes"].lines
    assert line.times == ("2.0", "2.0", "4.0", "8.0")
    assert (line.state, line.state_class, line.message) == ("came round", "answer-yes", "")
    assert url("inboundemail", "change", row.pk) in page.text
    assert '<svg class="chart"' in page.text
    assert "<desc" in page.text


@pytest.mark.parametrize(("state", "css_class"), [("lost", "answer-no"), ("late", "answer-warn")])
def test_one_that_is_not_back_says_where_it_stopped_and_what_to_do(admin, state, css_class):
    mailbox = MailboxFactory()
    probed(mailbox, state, stopped_in="sending")
    (line,) = page_of(admin, mailbox).context["probes"].lines
    assert line.state_class == css_class
    assert line.message == "the mail is still waiting to be sent"
    assert line.remedy.startswith("Start worker and beat")
    assert line.times == ("–",) * 4


def test_the_newest_stands_first_in_the_table_and_last_in_the_chart(admin):
    mailbox = MailboxFactory()
    probed(mailbox, "done", ago=900, took=1.0)
    probed(mailbox, "done", ago=300, took=600.0 / 2)
    history = page_of(admin, mailbox).context["probes"]
    assert [line.times[3] for line in history.lines] == ["300.0", "1.0"]
    dots = [shape for shape in history.chart.shapes if shape.css_class == "median dot"]
    assert dots[0].x < dots[1].x
    assert dots[0].y > dots[1].y


def test_a_mailbox_without_probes_shows_none(admin):
    assert "Last probes" not in page_of(admin, MailboxFactory()).text
    assert admin.get(url("mailbox", "add")).status_code == 200


def test_the_interval_can_be_set(admin):
    mailbox = MailboxFactory()
    assert 'name="probe_minutes"' in page_of(admin, mailbox).text


def test_the_dashboard_has_a_word_for_each_mailbox(operator):
    for name, state, took in (("a", "done", 8.0), ("b", "lost", None), ("c", None, None)):
        mailbox = MailboxFactory(name=name, probe_minutes=5 if state else 0)
        if state:
            probed(mailbox, state, took=took, is_scheduled=True)
    page = operator.get("/admin/dashboard/")
    lines = {
        line.mailbox.name: (line.probe, line.probe_class) for line in page.context["mailboxes"]
    }
    assert lines["a"] == ("8.0 s", "answer-yes")
    assert lines["b"][0].startswith("did not come back (")
    assert lines["b"][1] == "answer-no"
    assert lines["c"] == ("", "")
