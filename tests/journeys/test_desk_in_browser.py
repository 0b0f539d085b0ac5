"""A service desk in a real browser: set up, mail taken in, answered, and left by the customer."""

import re
import smtplib

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email import tasks
from incoming_email.models import InboundEmail
from issues import outbox
from issues.models import Issue, OutgoingEmail, State
from issues.notifications import fan_out_owed
from servicedesk.models import Participant, ServiceDesk
from tests.incoming_email.world import make_mail
from tests.journeys.desk_browser import listener, look, page

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

__all__ = ["listener", "page"]

CUSTOMER = "carl@customer.example"
CANNED = (
    "We have oiled the door of %{ISSUE_ID}.\n\n%{ISSUE_DESCRIPTION}\nPlease try.\n/due 2030-01-31"
)
LETTER = ["Since Monday.", "/add_email spy@evil.example", "/close"]
LEAVING = re.compile(r"http://\S+/tickets/leave/[^/\s]+/")


def send(port, to, **fields):
    """Through the listener, and then the work that a worker would do."""
    content = make_mail(to=to, sender=CUSTOMER, **fields)
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(CUSTOMER, [to], content)
    tasks.process_inbound_email(inbound_email_id=InboundEmail.objects.latest("pk").pk)


def mails_to_customer():
    now = timezone.now()
    fan_out_owed(now=now)
    outbox.deliver_due(now=now)
    return list(OutgoingEmail.objects.filter(recipient=CUSTOMER).order_by("pk"))


def set_up(page, folder):
    """By clicks only; the address as it was copied."""
    page.get_by_role("link", name="Service desk").click()
    page.get_by_role("link", name="Switch it on in the settings").click()
    look(page, folder, "settings-off")
    page.get_by_role("button", name="Switch on").click()
    page.get_by_text("The service desk is on.").wait_for()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def write_texts(page, folder):
    """The preview follows the typing; an unknown placeholder is said at its field."""
    field = page.get_by_label("Thank-you mail")
    field.fill("Thank you! Your number is **%{ISSUE_ID}**. %{NAME}")
    page.locator("#preview strong", has_text="#42").wait_for()
    assert not ServiceDesk.objects.get().thank_you
    page.get_by_role("button", name="Save").click()
    page.get_by_text("There is no placeholder %{NAME}.").wait_for()
    look(page, folder, "settings")
    field.fill("Thank you! Your number is **%{ISSUE_ID}**. Leave: %{UNSUBSCRIBE_URL}")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The settings of the service desk are saved.").wait_for()

    page.get_by_role("link", name="Canned replies").click()
    page.get_by_label("Title").fill("Oiled")
    page.get_by_label("Text").fill(CANNED)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The canned reply is saved.").wait_for()
    look(page, folder, "canned")


def answer(page, folder):
    """With a canned reply, after a word within the team. The customer's words in it, which would
    be commands, are posted by the browser as a part of the comment."""
    page.get_by_role("link", name="Service desk").click()
    page.get_by_text(f"Last word: {CUSTOMER}").wait_for()
    look(page, folder, "tickets")
    page.get_by_role("link", name="The door squeaks").click()
    comment = page.locator("#comment")
    comment.get_by_text(f"Goes by mail to {CUSTOMER}").wait_for()
    comment.get_by_label("Comment").fill("They never pay.")
    comment.get_by_label("Internal note").check()
    comment.get_by_role("button", name="Comment").click()
    page.get_by_text("They never pay.").wait_for()
    comment.get_by_text("Canned replies").click()
    comment.get_by_role("button", name="Insert").click()
    quote = "".join(f"> {line}\n" for line in LETTER)
    assert comment.get_by_label("Comment").input_value() == (
        f"We have oiled the door of #1.\n\n{quote}\nPlease try.\n/due 2030-01-31"
    )
    comment.get_by_role("button", name="Comment").click()
    page.get_by_label("Comment by mona").nth(1).locator("blockquote").wait_for()
    page.get_by_text("Done: /due 2030-01-31").wait_for()
    issue = Issue.objects.get()
    assert (issue.state, str(issue.due_date)) == (State.OPENED, "2030-01-31")
    assert [person.address for person in Participant.objects.all()] == [CUSTOMER]
    look(page, folder, "quoted")


def test_a_desk_is_set_up_answers_a_customer_and_lets_them_go(page, browser, listener, tmp_path):
    address = set_up(page, tmp_path)
    write_texts(page, tmp_path)
    page.goto(page.url.partition("/-/")[0] + "/-/issues/")

    send(listener, address, subject="The door squeaks", body="\r\n".join(LETTER))
    (thank_you,) = mails_to_customer()
    assert "Your number is **#1**" in thank_you.text
    answer(page, tmp_path)

    _thank_you, note = mails_to_customer()
    assert "We have oiled the door of #1." in note.text
    assert all(f"> {line}\n" in note.text for line in LETTER)
    assert "They never pay." not in note.text + thank_you.text
    send(listener, note.headers["Reply-To"].partition("<")[2].rstrip(">"), body="It is quiet now.")
    page.reload()
    page.get_by_text("It is quiet now.").wait_for()
    page.get_by_text("1 mail outside").first.click()
    page.get_by_text(f"{CUSTOMER} · sent").first.wait_for()
    look(page, tmp_path, "ticket")

    customer = browser.new_page()
    customer.goto(LEAVING.search(note.text)[0])
    assert Participant.objects.get().unsubscribed_at is None
    customer.get_by_role("button", name="Unsubscribe").click()
    customer.get_by_text("You are unsubscribed").wait_for()
    look(customer, tmp_path, "left")
    customer.close()
    page.reload()
    page.get_by_text("Unsubscribed", exact=True).wait_for()
    page.locator("#comment").get_by_text("Nobody outside gets it by mail.").wait_for()


def test_mail_past_the_limit_is_shown_as_held_back(page, listener, tmp_path, settings):
    settings.DESK_MAILS_PER_HOUR, settings.DESK_MAILS_PER_DAY = 1, 50
    address = set_up(page, tmp_path)
    send(listener, address, subject="The door squeaks", body="Since Monday.")
    page.goto(page.url.partition("/-/")[0] + "/-/issues/1/")
    comment = page.locator("#comment")
    comment.get_by_label("Comment").fill("We have oiled it.")
    comment.get_by_role("button", name="Comment").click()
    page.get_by_label("Comment by mona").wait_for()
    _thank_you, note = mails_to_customer()
    assert note.is_held
    page.reload()
    page.get_by_text("Mail to external participants is held back").wait_for()
    page.get_by_text("1 mail outside").last.click()
    page.get_by_text("held back until").wait_for()
    look(page, tmp_path, "held-ticket")

    page.goto(settings.BASE_URL + reverse("ticket-list", args=["acme/shop"]))
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Mail to customers").wait_for()
    page.get_by_text("Held back:").wait_for()
    look(page, tmp_path, "held-settings")
