"""The page of a row shows the message as it looked, and its source, without secrets."""

import base64

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import OutOfTime, ParserProcess
from tests.admin_site import incoming_url, make_operator, page_of
from tests.factories import UserFactory
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory

pytestmark = pytest.mark.django_db
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"
HTML = b"From: a@example.com\nSubject: Hi\nContent-Type: text/html\n\n<p>Dear <b>Ada</b></p>\n"


@pytest.fixture
def reader(client):
    client.force_login(make_operator("download_raw"))
    return client


def frame(client, row):
    return client.get(incoming_url("inboundemail", "html", row.pk))


def test_html_is_in_a_frame_that_can_do_nothing(operator):
    row = InboundEmailFactory(raw=HTML)
    address = incoming_url("inboundemail", "html", row.pk)
    assert f'<iframe class="mail-html" sandbox src="{address}"' in page_of(operator, row).text
    answer = frame(operator, row)
    assert "<p>Dear <b>Ada</b></p>" in answer.text
    policy = answer["Content-Security-Policy"].split("; ")
    assert policy[0] == "sandbox"
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"} <= {*policy}
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in answer["Cache-Control"]


def test_without_a_parser_the_page_has_facts_and_a_sentence(operator, without_parser):
    row = InboundEmailFactory(raw=HTML, sender="a@example.com")
    page = page_of(operator, row).text
    assert "the process that reads messages does not start" in page
    assert "a@example.com" in page
    assert "Dear" not in page
    assert frame(operator, row).status_code == 404


def test_who_may_not_look_sees_no_frame(client, operator):
    row = InboundEmailFactory(raw=HTML)
    client.force_login(UserFactory(is_staff=True))
    assert frame(client, row).status_code == 403
    client.force_login(UserFactory())
    assert frame(client, row).status_code == 302


def test_a_message_without_html_shows_its_text(operator):
    row = InboundEmailFactory(raw=b"From: a@example.com\n\nOnly <text>.\n")
    page = page_of(operator, row)
    assert "<iframe" not in page.text
    assert page.text.count("Only &lt;text&gt;.") == 3, "as reply, as text, and as it looked"
    assert frame(operator, row).status_code == 404


def test_keys_are_cut_in_the_frame_and_in_the_source(reader):
    address = f"incoming+shop-1-{KEY}-issue@example.com"
    coded = base64.b64encode(f"for {address}".encode()).decode()
    mailbox = MailboxFactory(address="incoming+%{key}@example.com")
    raw = (
        f"From: a@example.com\nTo: {address}\nSubject: =?utf-8?b?{coded}?=\n"
        f"References: <reply-{KEY}@letterbox.localhost>\nX-Odd: {'k' * 25}\n"
        f"Content-Type: text/html\n\n<p>{address}</p>"
        f'<a href="mailto:{address.replace("+", "%2B")}">x</a>\n'
    ).encode()
    row = InboundEmailFactory(raw=raw, mailbox=mailbox)
    page, shown = page_of(reader, row), frame(reader, row)
    assert all(KEY not in answer.text for answer in (page, shown))
    assert coded not in page.text
    assert "k" * 25 not in page.text
    look = page.context["look"]
    assert "To: incoming+shop…@example.com" in look.header
    assert "Subject: for incoming+shop…@example.com" in look.header
    assert "<p>incoming+shop…@example.com</p>" in look.body
    assert 'title="mailto:incoming+shop…@example.com"' in shown.text


def test_the_body_of_the_source_is_for_those_who_may_download(operator, client):
    row = InboundEmailFactory(raw=HTML)
    link = incoming_url("inboundemail", "raw", row.pk)
    page = page_of(operator, row)
    assert "Subject: Hi" in page.context["look"].header
    assert page.context["look"].body is None
    assert link not in page.text
    client.force_login(make_operator("download_raw"))
    page = page_of(client, row)
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page.text
    assert link in page.text
    assert not LogEntry.objects.exists()


def test_a_message_without_bytes_has_no_look(operator):
    row = InboundEmailFactory(raw=b"", raw_purged_at=timezone.now())
    assert "As it looked" not in page_of(operator, row).text
    assert frame(operator, row).status_code == 404


def test_a_message_that_takes_too_long_says_so(operator, monkeypatch):
    row = InboundEmailFactory(raw=HTML)
    read_answer = ParserProcess.read_answer

    def stop(self, kind, **limits):
        if kind is reading.Look:
            assert limits["seconds"] == reading.LOOK_SECONDS
            raise OutOfTime
        return read_answer(self, kind, **limits)

    monkeypatch.setattr(ParserProcess, "read_answer", stop)
    page = page_of(operator, row)
    assert "The message takes too long to show." in page.text
    assert frame(operator, row).status_code == 404
