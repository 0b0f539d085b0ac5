"""The header fields of our mails: all of them are made of one value."""

import pytest

from issues import outbox
from issues.outbox import Automatic, MailHeaders, make_list_id, make_message_id
from issues.outbox.headers import complete_headers, make_headers
from tests.factories import ProjectFactory
from tests.issues.outgoing import enqueue

ALWAYS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
IDS = [f"{number}@example.com" for number in range(12)]


def test_a_mail_that_nobody_answers_says_only_that_a_machine_wrote_it() -> None:
    assert make_headers(MailHeaders()) == ALWAYS


@pytest.mark.parametrize("automatic", list(Automatic))
def test_every_kind_of_machine_is_said(automatic: Automatic) -> None:
    assert make_headers(MailHeaders(automatic=automatic))["Auto-Submitted"] == automatic.value


def test_a_notification_can_be_answered_sorted_and_left() -> None:
    wanted = MailHeaders(
        in_reply_to="b@example.com",
        thread=("a@example.com", "b@example.com"),
        reply_key_id="reply-key@example.com",
        reply_to="incoming+key@example.com",
        reply_to_name="acme/shop",
        list_id="<shop.example.com>",
        unsubscribe_url="https://example.com/leave/",
        unsubscribe_address="incoming+key-unsubscribe@example.com",
    )
    assert make_headers(wanted) == ALWAYS | {
        "In-Reply-To": "<b@example.com>",
        "References": "<reply-key@example.com> <a@example.com> <b@example.com>",
        "Reply-To": '"acme/shop" <incoming+key@example.com>',
        "List-Id": "<shop.example.com>",
        "List-Unsubscribe": (
            "<https://example.com/leave/>, <mailto:incoming+key-unsubscribe@example.com>"
        ),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_what_can_be_left_by_mail_only_takes_no_post() -> None:
    headers = make_headers(MailHeaders(unsubscribe_address="leave@example.com"))
    assert headers == ALWAYS | {"List-Unsubscribe": "<mailto:leave@example.com>"}


def test_a_long_thread_keeps_its_first_mail_and_the_newest() -> None:
    def references(count: int) -> list[str]:
        headers = make_headers(MailHeaders(thread=IDS[:count], reply_key_id="key@example.com"))
        return headers["References"].split()

    assert references(10) == ["<key@example.com>", *(f"<{each}>" for each in IDS[:10])]
    shortened = [IDS[0], *IDS[3:]]
    assert references(12) == ["<key@example.com>", *(f"<{each}>" for each in shortened)]


@pytest.mark.django_db
def test_a_row_completes_what_it_keeps() -> None:
    row = enqueue(headers=MailHeaders(automatic=Automatic.REPLIED))
    assert row is not None
    headers = complete_headers(row)
    assert headers | {"X-Letterbox-Origin": ""} == {
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "From": "Letterbox <letterbox@letterbox.localhost>",
        "Date": "Wed, 06 May 2026 07:08:09 +0000",
        "Message-ID": "<notice-1@letterbox.localhost>",
        "X-Letterbox-Origin": "",
    }
    assert len(headers["X-Letterbox-Origin"]) == 64


@pytest.mark.django_db
def test_a_row_of_an_earlier_version_that_kept_nothing_is_known_as_a_machines() -> None:
    row = enqueue()
    assert row is not None
    row.headers = {}
    assert ALWAYS.items() <= complete_headers(row).items()


def test_an_id_with_a_salt_stays_the_same_and_can_not_be_guessed() -> None:
    name, host = "note-7.u3", "letterbox.localhost"
    assert make_message_id(name) == f"{name}@{host}"

    proven = make_message_id(name, salt="a")
    assert proven == make_message_id(name, salt="a")
    assert proven.removesuffix(f"@{host}").startswith(f"{name}.")
    assert (
        len({proven, make_message_id(name, salt="b"), make_message_id("note-8.u3", salt="a")}) == 3
    )


def test_ids_that_mails_have_already_are_made_again() -> None:
    """Answers to mails of earlier versions must find their discussion."""
    issue = make_message_id("issue-1.u1", salt="issues.notifications.message_id")
    ticket = make_message_id("ticket-1.p1", salt="servicedesk.message_id")
    assert issue == "issue-1.u1.9aea49801b3177bf@letterbox.localhost"
    assert ticket == "ticket-1.p1.51f155c3d9fd2dcd@letterbox.localhost"


@pytest.mark.django_db
def test_a_list_is_named_after_its_project() -> None:
    project = ProjectFactory(path="acme/shop")
    assert make_list_id(project) == '"acme/shop" <acme-shop.letterbox.localhost>'


@pytest.mark.parametrize(
    ("subject", "shortened", "answer"),
    [
        ("It is broken", "It is broken", "Re: It is broken"),
        ("AW: It is broken", "AW: It is broken", "Re: It is broken"),
        ("Re: Re: AW: Fwd: It", "Re: It", "Re: It"),
        ("RE[2]: sv : R: It", "RE[2]: It", "Re: It"),
        ("답장: 회신: 문", "답장: 문", "Re: 문"),
        ("回复：转发：It", "回复： It", "Re: It"),
        ("Reset: it", "Reset: it", "Re: Reset: it"),
        ("Ref: 12", "Ref: 12", "Re: Ref: 12"),
        ("Re:", "Re:", "Re:"),
        ("", "", "Re:"),
    ],
)
def test_a_chain_of_prefixes_is_cut_to_one(subject, shortened, answer):
    assert outbox.shorten_prefixes(subject) == shortened
    assert outbox.answer_subject(subject) == answer
