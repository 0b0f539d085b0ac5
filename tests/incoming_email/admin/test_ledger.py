"""The ledger: what is shown, found and hidden."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from incoming_email.outcomes import Reason, Status
from issues.models import Issue
from tests.admin_site import incoming_url as url
from tests.admin_site import page_of
from tests.factories import IssueFactory, MergeRequestFactory, NoteFactory, UserFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import (
    InboundEmailFactory,
    MailboxFactory,
    ReplyKeyFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"
LETTERS = "abcdefghijklmnopqrstuvwxy"


def test_no_page_of_the_ledger_shows_a_secret(operator):
    mailbox = MailboxFactory(address="incoming+%{key}@example.com")
    private = f"incoming+shop-1-{KEY}-issue@example.com"
    only_letters = f"incoming+{LETTERS}@example.com"
    raw = (
        f"From: {private}\nTo: {only_letters}\nSubject: for {private}\n"
        f"References: <reply-{KEY}@letterbox.localhost>\nReply-To: {private}\n\n"
        f"Mine.\n\nOn Monday Letterbox <{only_letters}> wrote:\n> {private}\n"
        f"> https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/\n"
    ).encode()
    row = ended(
        Status.HELD,
        mailbox=mailbox,
        raw=raw,
        recipient=only_letters,
        sender=private,
        subject=f"for {private}",
        message_id=f"reply-{KEY}@letterbox.localhost",
        last_error=f"IntegrityError: {KEY}",
        defects=[f"odd {KEY}"],
        trace=[{"step": "kind", "because": f"Return-Path: {only_letters}", "result": KEY}],
    )

    pages = [operator.get(url("inboundemail", "changelist")), page_of(operator, row)]

    for secret in (KEY, LETTERS, "WzEsImki:abc:def"):
        assert all(secret not in page.text for page in pages)
    assert "incoming+shop…@example.com" in pages[0].text
    assert "incoming+abcd…@example.com" in pages[1].text
    assert "reply-k3y0…@letterbox.localhost" in pages[1].text


def test_a_key_that_a_mail_program_has_broken_or_wrapped_is_no_more_readable(operator):
    key = ReplyKeyFactory(key=KEY).key
    start, end = key[:12], key[12:]
    wrapped = f"https://urldefense.proofpoint.com/v2/url?u=mailto-3Aincoming-2B{key}-40example.com"
    raw = (
        f"From: eve@example.com\nSubject: Re: Door\n\nMine.\n\n"
        f"incoming+{start}\n{end}@example.com\n"
        f"> incoming+{start}\n> {end}@example.com\n> {wrapped}\n"
    ).encode()

    page = page_of(operator, ended(Status.PROCESSED, raw=raw)).text

    assert "Mine." in page
    assert "incoming+k3y0…" in page
    assert start not in page
    assert end not in page


def test_the_page_shows_how_the_message_is_read(operator):
    raw = (
        b"From: Ada <ada@example.com>\nSubject: <b>Hinge</b>\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
        b"It squeaks <script>.\n\nOn Mon, 1 Jan 2024 at 10:00, Bob <bob@example.com> wrote:\n"
        b"> Does it?\n--x\nContent-Type: text/csv\n"
        b"Content-Disposition: attachment; filename=noise.csv\n\na,b\n--x--\n"
    )
    response = page_of(operator, InboundEmailFactory(raw=raw))

    page = response.context["page"]
    texts = {part.label: part.text for part in page.texts}
    assert texts["Reply"] == "It squeaks <script>."
    assert "> Does it?" in texts["Quoted part"]
    assert [(f.name, f.content_type, f.size) for f in page.files] == [
        ("noise.csv", "text/csv", "3\xa0bytes")
    ]
    assert "It squeaks &lt;script&gt;." in response.text
    assert "&lt;b&gt;Hinge&lt;/b&gt;" in response.text


def test_the_page_tells_whose_message_was_forwarded(operator):
    raw = (
        b"From: Bob <bob@example.com>\nSubject: Fwd: Hinge\n\n"
        b"---------- Forwarded message ---------\nFrom: Ada <ada@example.com>\n"
        b"Date: Mon, 3 Jun 2024 10:00:00 +0000\nSubject: Hinge\n\nIt squeaks.\n"
    )
    page = page_of(operator, InboundEmailFactory(raw=raw)).context["page"]
    (told,) = [fact.value for fact in page.reading if fact.label == "Forwarded"]
    assert told.startswith("Ada <ada@example.com> · ")
    assert told.endswith(" · Hinge")


@pytest.mark.parametrize("raw", [b"", b"\xff\x00\xfe", b"\n\n\n", b"x" * 100_000])
def test_the_page_of_any_bytes_opens(operator, raw):
    assert page_of(operator, InboundEmailFactory(raw=raw)).status_code == 200


def test_the_page_of_an_oversize_message_says_what_is_stored(operator):
    row = InboundEmailFactory(oversize=True)

    assert "Only the header: the message is larger than the limit." in page_of(operator, row).text


def test_the_ledger_opens_beside_a_mailbox_whose_address_is_broken(operator):
    row = InboundEmailFactory(mailbox__address="no address at all")

    assert page_of(operator, row).status_code == 200
    assert operator.get(url("inboundemail", "changelist")).status_code == 200


def test_a_long_text_is_cut(operator):
    row = InboundEmailFactory(raw=b"From: a@example.com\n\n" + b"squeak " * 20_000)

    page = page_of(operator, row).context["page"]

    assert [(len(part.text), part.is_cut) for part in page.texts] == [(100_000, True)] * 2


def test_the_outcome_links_to_what_was_made(operator):
    note, issue, merge_request = NoteFactory(), IssueFactory(), MergeRequestFactory()
    rows = [
        (
            ended(Status.PROCESSED, note=note, issue=note.issue),
            note.issue,
            f"?note={note.pk}#note-{note.pk}",
        ),
        (ended(Status.PROCESSED, issue=issue), issue, ""),
        (ended(Status.PROCESSED, merge_request=merge_request), merge_request, ""),
    ]

    for row, item, anchor in rows:
        page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
        address = reverse(page, args=[item.project.path, item.iid]) + anchor
        assert f'<a href="{address}">note 1 on issue acme/shop#1</a>' in page_of(operator, row).text


def test_a_duplicate_links_to_the_first(operator):
    first = ended(Status.PROCESSED)
    copy = ended(Status.IGNORED, reason=Reason.DUPLICATE, duplicate_of=first)

    assert f'<a href="{url("inboundemail", "change", first.pk)}">' in page_of(operator, copy).text


def test_the_filters_find(operator):
    held, failed = ended(Status.HELD), ended(Status.FAILED)
    done = ended(Status.PROCESSED, received_at=NOW)

    def found(query):
        response = operator.get(f"{url('inboundemail', 'changelist')}?{query}")
        return set(response.context["cl"].result_list)

    assert found("status__exact=held") == {held}
    assert found("reason=sender_mismatch") == {held}
    assert found("handler=note") == {done}
    assert found("received_at__gte=2024-05-02+00:00:00%2B00:00") == {held, failed}


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("ada@example.com", True),
        ("<door-1@example.com>", True),
        ("door-1@example.com", True),
        ("squeaks", True),
        ("incoming+secret@example.com", True),
        ("incoming+sec", False),
        ("nobody", False),
    ],
)
def test_the_search_finds(operator, query, is_found):
    row = ended(
        Status.REJECTED,
        sender="ada@example.com",
        subject="It squeaks",
        message_id="door-1@example.com",
        recipient="incoming+secret@example.com",
    )

    response = operator.get(url("inboundemail", "changelist"), {"q": query})

    assert list(response.context["cl"].result_list) == ([row] if is_found else [])


def test_held_mail_is_counted_for_who_may_see_it(client, admin_user):
    ended(Status.HELD)
    ended(Status.HELD)
    words = "2 messages wait for a person"
    pages = [reverse("admin:index"), url("inboundemail", "changelist")]

    client.force_login(admin_user)
    assert all(words in client.get(page).text for page in pages)
    client.force_login(UserFactory(is_staff=True))
    assert words not in client.get(pages[0]).text


def test_nothing_held_is_not_mentioned(admin):
    assert "held-mail" not in admin.get(reverse("admin:index")).text
