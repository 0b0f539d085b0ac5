"""What a stranger can have us send: one mail, to his own address, with words of ours only."""

import re

import pytest
from django.utils import timezone

from incoming_email.limits.answer_budget import find_over_limit, find_spent_in_hour
from issues import services
from issues.models import Note
from servicedesk import joining
from servicedesk.models import UnprovenNote
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"
WORD = "bomb"
LEAVING = re.compile(r"/tickets/leave/[^\s/]+/")
PEOPLE = [f"victim{n}@victim{n}.example" for n in range(6)]
FAILED = {"Authentication_Results": PROVEN["Authentication_Results"].replace("pass", "fail")}


def make_bombed_desk():
    """As talkative as a desk can be."""
    texts = {
        name: f"%{{ISSUE_ID}} %{{ISSUE_PATH}} %{{{words}}} %{{UNSUBSCRIBE_URL}}"
        for name, words in (
            ("thank_you", "ISSUE_DESCRIPTION"),
            ("new_participant", "ISSUE_DESCRIPTION"),
            ("new_note", "NOTE_TEXT} %{ISSUE_DESCRIPTION"),
        )
    }
    return make_desk(add_cc=True, **texts)


def sent_outside(desk):
    return [row for row in sent() if row.recipient != desk.agent.email]


def words_of(row):
    return " ".join([row.subject, row.text, row.html, row.from_header, str(row.headers)]).lower()


@pytest.mark.parametrize(
    "results", [{}, FAILED, {"Authentication_Results": "evil.example; dmarc=pass"}]
)
def test_a_mail_causes_one_mail_with_words_of_ours(results):
    desk = make_bombed_desk()
    desk.open_ticket(
        f"{WORD} <{CUSTOMER}>",
        subject=WORD,
        body=f"{WORD}\n\nhttps://{WORD}.example",
        Cc=", ".join(PEOPLE),
        **results,
    )
    (mail,) = sent_outside(desk)
    assert (mail.recipient, mail.kind) == (CUSTOMER, "desk_thank_you")
    assert WORD not in words_of(mail)


@pytest.mark.parametrize(("results", "is_shown"), [({}, False), (PROVEN, True)])
def test_the_page_to_leave_by_shows_words_of_theirs_only_where_they_are_proven(
    client, results, is_shown
):
    issue = make_bombed_desk().open_ticket(subject=WORD, body=WORD, **results)
    link = LEAVING.search(sent_to(CUSTOMER)[0].text)[0]

    pages = [client.get(link).text, client.post(link).text]

    assert all((WORD in page) is is_shown for page in pages)
    assert f"#{issue.iid}" in pages[0]


def test_a_proven_mail_is_thanked_by_its_subject_and_welcomes_people():
    desk = make_bombed_desk()
    desk.open_ticket(subject=WORD, body=WORD, Cc=PEOPLE[0], **PROVEN)
    thank_you, welcome = sent_outside(desk)
    assert (thank_you.recipient, thank_you.subject) == (CUSTOMER, f"Re: {WORD}")
    assert welcome.recipient == PEOPLE[0]
    assert all(WORD in words_of(mail) for mail in (thank_you, welcome))


@pytest.mark.parametrize(("results", "heard"), [({}, 0), (FAILED, 0), (PROVEN, 1)])
def test_an_answer_reaches_the_others_only_where_it_is_proven(results, heard):
    desk = make_bombed_desk()
    desk.open_ticket(Message_ID=FIRST, Cc=PEOPLE[0], **PROVEN)
    before = len(sent_outside(desk))
    desk.write(CUSTOMER, In_Reply_To=FIRST, body=WORD, Cc=PEOPLE[1], **results)
    assert Note.objects.get(system=False).body == WORD
    assert UnprovenNote.objects.count() == 1 - heard
    mails = sent_outside(desk)[before:]
    assert (PEOPLE[0] in {mail.recipient for mail in mails}) is bool(heard)
    assert bool(mails) is bool(heard)


def test_an_answer_by_its_key_is_proven():
    desk = make_bombed_desk()
    desk.open_ticket(Cc=PEOPLE[0], **PROVEN)
    desk.receive(answer(sent_to(CUSTOMER)[0], body=WORD))
    assert [mail.kind for mail in sent_to(PEOPLE[0])] == ["desk_participant", "desk_note"]


def test_people_who_joined_by_an_unproven_mail_hear_what_members_write():
    """And none of its words, by whatever mail."""
    desk = make_bombed_desk()
    issue = desk.open_ticket(Cc=PEOPLE[0], subject=WORD, body=WORD)
    services.create_note(item=issue, author=desk.agent, body="We look into it.")
    assert [mail.kind for mail in sent_to(PEOPLE[0])] == ["desk_note"]
    desk.receive(answer(sent_to(CUSTOMER)[0], body="It is me.", Cc=PEOPLE[1]))
    mails = sent_outside(desk)
    assert [mail.recipient for mail in mails].count(PEOPLE[0]) == 2
    assert {mail.recipient for mail in mails} == {CUSTOMER, *PEOPLE[:2]}
    for mail in mails:
        assert mail.subject == f"Your request #{issue.iid}"
        assert WORD not in words_of(mail)


def test_a_member_who_adds_somebody_passes_on_what_they_have_read():
    desk = make_bombed_desk()
    issue = desk.open_ticket(subject=WORD, body=WORD)
    joining.add_people(issue=issue, actor=desk.agent, addresses=PEOPLE[:1], now=timezone.now())
    services.create_note(item=issue, author=desk.agent, body="We look into it.")
    mails = sent_to(PEOPLE[0])
    assert [mail.subject for mail in mails] == [f"Re: {WORD}"] * 2


def test_the_addresses_of_one_mailbox_have_one_budget():
    desk = make_desk()
    for number in range(15):
        for spelled in (f"victim+{number}@x.example", f"v.ict.im+{number}@gmail.com"):
            desk.open_ticket(spelled)
        desk.open_ticket(f"v{'.' * (number % 2)}ictim+a{number}@googlemail.com")
    for spelled in ("r@bücher.example", "r@xn--bcher-kva.example") * 15:
        desk.open_ticket(spelled)
    assert sum(row.recipient.startswith("r@") for row in sent()) == 20
    domains = [row.recipient.rpartition("@")[2] for row in sent()]
    assert domains.count("x.example") == 15
    assert domains.count("gmail.com") + domains.count("googlemail.com") == 20


@pytest.mark.parametrize(
    "limit",
    [
        "ANSWER_DOMAIN_LIMIT_PER_HOUR",
        "ANSWER_MAILBOX_LIMIT_PER_HOUR",
        "ANSWER_PROJECT_LIMIT_PER_HOUR",
    ],
)
def test_domains_mailboxes_and_projects_have_budgets(settings, limit, django_assert_num_queries):
    setattr(settings, limit, 2)
    desk = make_desk()
    for number in range(4):
        desk.open_ticket(f"p{number}@customer.example")
    assert len(sent()) == 2
    now = timezone.now()
    with django_assert_num_queries(1):
        spent = find_spent_in_hour(now=now)
    assert spent.domains == {"customer.example": 2}
    assert spent.projects == {desk.project.pk: 2}
    assert spent.mailboxes == {desk.mailbox.pk: 2}
    with django_assert_num_queries(1):
        over = find_over_limit(
            [CUSTOMER, "a@b.example"],
            project_id=desk.project.pk,
            mailbox_id=desk.mailbox.pk,
            now=now,
        )
    assert len(over) == (1 if "DOMAIN" in limit else 2)
