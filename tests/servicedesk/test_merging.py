"""Two tickets become one: what comes along, who reads it, and where later mail arrives."""

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Announcement, Event, Issue, Note, Role, State, Upload, Visibility
from issues.uploads import NewFile
from servicedesk import joining
from servicedesk.links import find_leaver, leaving_url
from servicedesk.merging import merge_ticket
from servicedesk.models import Participant, ThreadMessage, Ticket, UnprovenNote
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory, UserFactory
from tests.incoming_email.pipeline.test_races import at_once
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
DORA = "dora@customer.example"


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def desk():
    return make_desk(project=ProjectFactory(visibility=Visibility.PRIVATE))


@pytest.fixture
def first(desk):
    return desk.open_ticket(subject="First", Message_ID="<first@customer.example>", **PROVEN)


@pytest.fixture
def second(desk):
    """Of another customer."""
    return desk.open_ticket(
        DORA, subject="Second", body="It hums.", Message_ID="<second@customer.example>", **PROVEN
    )


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def merge(issue, into, actor):
    merge_ticket(issue=issue, actor=actor, into=into, now=timezone.now())
    issue.refresh_from_db()
    into.refresh_from_db()


def bodies(issue, **which):
    return list(
        issue.notes.filter(**which).order_by("created_at", "pk").values_list("body", flat=True)
    )


def addresses(issue):
    people = Participant.objects.filter(ticket=issue.pk).order_by("pk")
    return list(people.values_list("address", flat=True))


def test_all_that_was_said_and_all_who_take_part_come_along(desk, first, second):
    file = NewFile("plan.txt", "text/plain", b"plan", source="test-1")
    services.create_note(item=second, author=desk.agent, body="See this", files=[file])
    services.create_note(item=second, author=desk.agent, body="For us", internal=True)
    services.subscribe(user=UserFactory(is_superuser=True), item=second)
    assert write(second, desk.agent, f"/merge_into #{first.iid}").refused == ()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.state, second.merged_into, first.state) == (State.CLOSED, first, State.OPENED)
    said, see, ours = bodies(first, system=False)
    assert said == "Second\n\nIt hums."
    assert see.startswith("See this")
    assert ours == "For us"
    assert first.notes.get(body="For us").internal
    assert Upload.objects.get().note.issue == first
    assert addresses(first) == [CUSTOMER, DORA]
    assert addresses(second) == []
    assert bodies(first, system=True) == [f"merged #{second.iid} into this"]
    assert bodies(second) == [f"merged this into #{first.iid}"]
    assert first.subscriptions.count() == 1
    assert Ticket.objects.get(pk=second.pk).waiting_since is None


def test_the_text_of_the_other_stands_where_it_was_written(client, desk, first, second):
    services.create_note(item=first, author=desk.agent, body="Later")
    merge(second, first, desk.agent)
    client.force_login(desk.agent)
    url = reverse("issue-detail", args=[desk.project.path, second.iid])
    response = client.get(f"{url}?note=1", follow=True)
    assert response.redirect_chain == [
        (reverse("issue-detail", args=[desk.project.path, first.iid]) + "?note=1", 302)
    ]
    assert response.text.index("It hums.") < response.text.index("Later")


@pytest.mark.parametrize("by", ["key", "thread"])
def test_the_customer_answers_the_former_ticket(desk, first, second, by):
    (thank_you,) = sent_to(DORA)
    merge(second, first, desk.agent)
    if by == "key":
        row = desk.receive(answer(thank_you, body="Any news?"))
    else:
        thread = {"In_Reply_To": "<second@customer.example>"}
        row = desk.write(DORA, body="Any news?", **thread, **PROVEN)
    assert row.outcome == f"note {Note.objects.latest('pk').pk} on issue {first}"
    assert row.issue == first
    assert ThreadMessage.objects.filter(ticket=second.pk).count() == 0
    assert Issue.objects.get(pk=second.pk).state == State.CLOSED
    assert Ticket.objects.get(pk=first.pk).waiting_since is not None


@pytest.mark.parametrize("internal", [False, True])
def test_a_member_answers_a_mail_about_the_former_ticket(desk, first, second, internal):
    other = MembershipFactory(project=desk.project, role=Role.REPORTER).user
    services.subscribe(user=other, item=second)
    note = services.create_note(item=second, author=desk.agent, body="Hm", internal=internal)
    *_opened, mail = sent_to(other.email)
    merge(second, first, desk.agent)
    row = desk.receive(answer(mail, body="I know it."))
    assert row.status == "processed"
    assert (row.note.issue, row.note.internal) == (first, internal)
    assert row.note.discussion == note.discussion


def test_an_answer_to_a_mail_about_a_record_arrives_as_well(desk, first, second):
    other = MembershipFactory(project=desk.project, role=Role.REPORTER).user
    services.subscribe(user=other, item=second)
    services.close_item(item=second, actor=desk.agent)
    *_opened, mail = sent_to(other.email)
    merge(second, first, desk.agent)
    row = desk.receive(answer(mail, body="Really?"))
    assert (row.status, row.issue) == ("processed", first)
    assert f"closed this (#{second.iid})" in bodies(first, system=True)


def test_nobody_gets_by_mail_what_was_written_for_others(desk, first, second):
    services.create_note(item=first, author=desk.agent, body="To the first")
    services.create_note(item=second, author=desk.agent, body="To the second")
    merge(second, first, desk.agent)
    services.create_note(item=first, author=desk.agent, body="To both")
    texts = {who: "".join(mail.text for mail in sent_to(who)) for who in (CUSTOMER, DORA)}
    assert "To the first" in texts[CUSTOMER]
    assert "To the second" not in texts[CUSTOMER]
    assert "To the second" in texts[DORA]
    assert "To the first" not in texts[DORA]
    assert all("To both" in text and "hums" not in text for text in texts.values())


def test_a_comment_with_the_command_goes_to_those_it_was_written_for(desk, first, second):
    """By mail, with others of its batch: what is announced is gathered until the end."""
    with services.announced_together():
        note = write(second, desk.agent, f"We work on it.\n/merge_into #{first.iid}").note
    assert Note.objects.get(pk=note.pk).issue == first
    recipients = {row.recipient for row in sent() if "We work on it." in row.text}
    assert DORA in recipients
    assert CUSTOMER not in recipients


@pytest.mark.parametrize(
    ("source", "target", "after"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_what_is_confidential_stays_so(desk, first, second, source, target, after):
    Issue.objects.filter(pk=second.pk).update(confidential=source)
    Issue.objects.filter(pk=first.pk).update(confidential=target)
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    merge(second, first, desk.agent)
    assert first.confidential is after
    assert guest.has_perm("issues.read_item", first) is not after


@pytest.mark.parametrize("tie", ["author", "assignee"])
def test_who_reads_the_other_by_a_tie_of_their_own_reads_no_more(desk, first, second, tie):
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    if tie == "author":
        Issue.objects.filter(pk=first.pk).update(author=guest, confidential=True)
    else:
        first.assignees.add(guest)
    first.refresh_from_db()
    (refusal,) = write(second, desk.agent, f"/merge_into #{first.iid}").refused
    assert f"@{guest.username} reads #{first.iid}" in refusal.why
    second.refresh_from_db()
    assert (second.merged_into, second.state, addresses(second)) == (None, State.OPENED, [DORA])


@pytest.mark.parametrize(
    ("role", "why"),
    [(None, "There is nothing"), (Role.GUEST, "There is nothing"), (Role.REPORTER, "")],
)
def test_it_takes_a_reporter(desk, first, second, role, why):
    person = UserFactory()
    if role is not None:
        MembershipFactory(project=desk.project, user=person, role=role)
    if why:
        with pytest.raises(services.NotVisible, match=why):
            merge_ticket(issue=second, actor=person, into=first, now=timezone.now())
    else:
        merge(second, first, person)
    assert (Issue.objects.get(pk=second.pk).merged_into is None) is bool(why)


def test_what_can_not_be_merged_is_said(desk, first, second, settings):
    issue = IssueFactory(project=desk.project)
    private = ProjectFactory(visibility=Visibility.PRIVATE)
    hidden = make_desk(mailbox=desk.mailbox, project=private).open_ticket()
    tries = {
        f"#{issue.iid}": f"#{issue.iid} is no ticket.",
        f"#{second.iid}": "It cannot be merged into itself.",
        str(hidden): "There is no such issue, or you may not see it.",
        "#99": "There is no such issue, or you may not see it.",
    }
    for named, why in tries.items():
        (refusal,) = write(second, desk.agent, f"/merge_into {named}").refused
        assert refusal.why.startswith(why), named
    settings.DESK_MAX_PARTICIPANTS = 1
    (refusal,) = write(second, desk.agent, f"/merge_into #{first.iid}").refused
    assert refusal.why.startswith("A ticket takes at most 1 external participants.")
    assert (addresses(first), addresses(second)) == ([CUSTOMER], [DORA])
    assert bodies(first) == bodies(second) == []


def test_one_customer_of_both_is_there_once_and_leaves_by_either_link(desk, first):
    again = desk.open_ticket(subject="Again", **PROVEN)
    old = Participant.objects.get(ticket=again.pk)
    merge(again, first, desk.agent)
    assert addresses(first) == [CUSTOMER]
    token = leaving_url(old).rstrip("/").rpartition("/")[2]
    assert find_leaver(token) == Participant.objects.get(ticket=first.pk)
    services.create_note(item=first, author=desk.agent, body="Once")
    assert sum("Once" in mail.text for mail in sent_to(CUSTOMER)) == 1
    _thanks, thanks_again, *_rest = sent_to(CUSTOMER)
    unsubscribing = thanks_again.headers["List-Unsubscribe"].partition("mailto:")[2].partition(">")
    desk.receive(make_mail(to=unsubscribing[0].partition("?")[0], sender=CUSTOMER))
    assert Participant.objects.get(ticket=first.pk).unsubscribed_at is not None


def test_an_unproven_text_stays_one(desk, first):
    unproven = desk.open_ticket(DORA)
    merge(unproven, first, desk.agent)
    assert UnprovenNote.objects.get().note.body.startswith("It is broken")


def test_the_longest_waiting_time_counts_and_an_open_request_opens_the_other(desk, first, second):
    since = Ticket.objects.get(pk=second.pk).waiting_since
    Ticket.objects.filter(pk=first.pk).update(waiting_since=None)
    services.close_item(item=first, actor=desk.agent)
    merge(second, first, desk.agent)
    assert first.state == State.OPENED
    assert Ticket.objects.get(pk=first.pk).waiting_since == since


def test_a_chain_leads_to_its_end(desk, first, second):
    (thank_you,) = sent_to(DORA)
    third = desk.open_ticket("eve@customer.example", subject="Third", **PROVEN)
    merge(second, first, desk.agent)
    merge(first, third, desk.agent)
    assert set(third.merged.all()) == {first, second}
    assert desk.receive(answer(thank_you, body="More")).issue == third


def test_what_was_merged_is_not_changed_any_more(client, desk, first, second):
    merge(second, first, desk.agent)
    (refusal,) = write(second, desk.agent, "/close").refused
    assert refusal.why == f"This was merged into {first}. Go on there."
    client.force_login(desk.agent)
    url = reverse("issue-detail", args=[desk.project.path, second.iid])
    response = client.post(url, {"body": "For Dora only"})
    assert response.status_code == 400
    assert "For Dora only" in response.text
    assert "your comment is not stored yet" in response.text
    assert f'action="/{desk.project.path}/-/issues/{first.iid}/"' in response.text
    assert not Note.objects.filter(body="For Dora only").exists()


def test_a_note_of_the_same_moment_is_brought_along(desk, first, second):
    merge(second, first, desk.agent)
    stray = Note.objects.create(issue=second, author=desk.agent, body="At the same moment")
    Announcement.objects.create(event=Event.NEW_NOTE, note=stray, actor=desk.agent)
    mails = [mail.recipient for mail in sent() if "same moment" in mail.text]
    assert sorted(mails) == [CUSTOMER, DORA]
    assert Note.objects.get(pk=stray.pk).issue == first


@pytest.mark.parametrize("_time", range(3))
def test_a_mail_of_the_same_moment_is_in_the_one_that_goes_on(desk, first, second, _time):
    (thank_you,) = sent_to(DORA)
    mail = answer(thank_you, body="Same moment")
    at_once(
        lambda: merge_ticket(issue=second, actor=desk.agent, into=first, now=timezone.now()),
        lambda: desk.receive(mail),
    )
    sent()
    assert Note.objects.get(body="Same moment").issue == first
    assert Ticket.objects.get(pk=second.pk).waiting_since is None
    assert Ticket.objects.get(pk=first.pk).waiting_since is not None


def test_one_of_another_project_is_moved_first(desk, first):
    private = ProjectFactory(visibility=Visibility.PRIVATE)
    other = make_desk(mailbox=desk.mailbox, project=private)
    ticket = other.open_ticket(DORA, **PROVEN)
    (thank_you,) = sent_to(DORA)
    (refusal,) = write(ticket, other.agent, f"/merge_into {first}").refused
    assert refusal.why == "There is no such issue, or you may not see it."
    MembershipFactory(project=other.project, user=desk.agent, role=Role.REPORTER)
    former = str(ticket)
    assert write(ticket, desk.agent, f"/merge_into {first}").refused == ()
    ticket.refresh_from_db()
    assert (ticket.project, ticket.merged_into) == (first.project, first)
    assert desk.receive(answer(thank_you, body="More")).issue == first
    (moved,) = [body for body in bodies(first) if body.startswith("moved")]
    assert moved == f"moved this here from {former} (#{ticket.iid})"


@pytest.mark.parametrize("given", ["{iid}", "#{iid}", "{path}#{iid}"])
def test_by_the_form_on_the_page(client, desk, first, second, given):
    client.force_login(desk.agent)
    url = reverse("ticket-merge", args=[desk.project.path, second.iid])
    page = client.get(reverse("issue-detail", args=[desk.project.path, second.iid])).text
    assert url in page
    named = given.format(iid=first.iid, path=desk.project.path)
    response = client.post(url, {"into": named}, follow=True)
    assert response.context["item"] == first
    assert f"#{second.iid} is merged into this one." in response.text
    response = client.post(
        reverse("ticket-merge", args=[desk.project.path, first.iid]), {"into": "#99"}, follow=True
    )
    assert "There is no such issue, or you may not see it." in response.text


def test_the_form_is_for_reporters(client, desk, first, second):
    Issue.objects.update(confidential=False)
    client.force_login(MembershipFactory(project=desk.project, role=Role.GUEST).user)
    url = reverse("ticket-merge", args=[desk.project.path, second.iid])
    assert client.post(url, {"into": str(first.iid)}).status_code == 403
    assert url not in client.get(reverse("issue-detail", args=[desk.project.path, second.iid])).text
    client.logout()
    assert client.post(url, {"into": str(first.iid)}).status_code == 302
    assert Issue.objects.filter(merged_into=None).count() == 2


def test_added_people_are_told_of_neither_description(desk, first, second):
    """Who joined by merging reads later mail only, also of those who are added after."""
    merge(second, first, desk.agent)
    joining.add_people(
        issue=first, actor=desk.agent, addresses=["eve@customer.example"], now=timezone.now()
    )
    (welcome,) = sent_to("eve@customer.example")
    assert "hums" not in welcome.text


def test_held_mail_is_decided_about_on_the_other_ticket(desk, first, second, client):
    stranger = "eve@elsewhere.example"
    fields = {"In_Reply_To": "<first@customer.example>", "subject": "Re: First"}
    held = desk.write(stranger, **fields)
    assert held.issue == first
    merge(first, second, desk.agent)
    held.refresh_from_db()
    assert held.issue == second
    client.force_login(desk.agent)
    page = client.get(reverse("issue-detail", args=[desk.project.path, second.iid]))
    assert stranger in page.text
