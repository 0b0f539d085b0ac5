"""A ticket goes to another project: what comes along, who reads it, where later mail arrives."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services, uploads
from issues.marked_text import typed
from issues.models import FormerNumber, Issue, Label, Note, Role, Upload, Visibility
from issues.uploads import NewFile, path_of
from servicedesk.models import ServiceDesk
from servicedesk.moving import move
from tests.factories import (
    IssueFactory,
    LabelFactory,
    MembershipFactory,
    ProjectFactory,
    UserFactory,
)
from tests.incoming_email.factories import SenderTokenFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def desk():
    return make_desk(project=ProjectFactory(visibility=Visibility.PRIVATE))


@pytest.fixture
def other(desk):
    """Another project with a desk, where the agent is a reporter."""
    project = ProjectFactory(path="acme/other", visibility=Visibility.PRIVATE)
    ServiceDesk.objects.create(project=project, enabled=True)
    MembershipFactory(project=project, user=desk.agent, role=Role.REPORTER)
    return project


@pytest.fixture
def issue(desk):
    return desk.open_ticket(Message_ID="<first@customer.example>", **PROVEN)


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_notes_files_and_labels_come_along(desk, other, issue, media_root):
    for name in ("Bug", "urgent"):
        issue.labels.add(LabelFactory(project=desk.project, name=name))
    LabelFactory(project=other, name="bug")
    outsider = MembershipFactory(project=desk.project).user
    issue.assignees.set([desk.agent, outsider])
    file = NewFile("plan.txt", "text/plain", b"plan", source="test-1")
    services.create_note(item=issue, author=desk.agent, body="See this", files=[file])
    former = str(issue)
    assert write(issue, desk.agent, "/move acme/other").refused == ()
    issue.refresh_from_db()
    assert str(issue) == "acme/other#1"
    assert [label.project for label in issue.labels.all()] == [other]
    assert list(issue.assignees.all()) == [desk.agent]
    upload = Upload.objects.get()
    assert upload.project == other
    assert path_of(upload).read_bytes() == b"plan"
    assert files_in(media_root) == [path_of(upload)]
    assert issue.notes.filter(body=f"moved this here from {former}", system=True).exists()


@pytest.mark.parametrize("by", ["key", "thread"])
def test_the_customer_answers_as_before(desk, other, issue, by):
    (thank_you,) = sent_to(CUSTOMER)
    move(issue=issue, actor=desk.agent, project=other)
    if by == "key":
        row = desk.receive(answer(thank_you, body="Any news?"))
    else:
        row = desk.write(In_Reply_To="<first@customer.example>", body="Any news?", **PROVEN)
    assert row.outcome == f"note {Note.objects.latest('pk').pk} on issue acme/other#1"
    assert Issue.objects.count() == 1
    services.create_note(item=Issue.objects.get(), author=desk.agent, body="Yes")
    assert "Yes" in sent_to(CUSTOMER)[-1].text


def test_a_copy_of_the_first_mail_opens_nothing(desk, other, issue):
    move(issue=issue, actor=desk.agent, project=other)
    row = desk.write(Message_ID="<first@customer.example>", Cc="x@y.example", **PROVEN)
    assert row.reason == "duplicate"
    assert Issue.objects.count() == 1


def test_mail_to_the_private_address_of_its_former_number_arrives(desk, other, issue):
    token = SenderTokenFactory(user=desk.agent)
    to = f"incoming+x-{desk.project.pk}-{token.token}-issue-{issue.iid}@letterbox.localhost"
    move(issue=issue, actor=desk.agent, project=other)
    row = desk.receive(make_mail(to=to, sender=desk.agent.email, body="Done"))
    assert (row.status, row.issue) == ("processed", issue)


def test_the_former_number_leads_there_for_those_who_may_read_it(client, desk, other, issue):
    former = reverse("issue-detail", args=[desk.project.path, issue.iid])
    move(issue=issue, actor=desk.agent, project=other)
    stranger = MembershipFactory(project=desk.project).user
    client.force_login(stranger)
    assert client.get(former).status_code == 404
    client.force_login(desk.agent)
    here = reverse("issue-detail", args=["acme/other", 1])
    assert client.get(f"{former}?note=7").headers["Location"] == f"{here}?note=7"
    sent_again = client.post(former, {"body": "Typed before it was moved"})
    assert (sent_again.status_code, sent_again.headers["Location"]) == (307, here)
    response = client.post(former, {"body": "Typed before it was moved"}, follow=True)
    assert response.status_code == 200
    assert issue.notes.filter(body="Typed before it was moved").count() == 1


def test_moved_on_all_former_numbers_lead_there(client, desk, other, issue):
    first = reverse("issue-detail", args=[desk.project.path, issue.iid])
    move(issue=issue, actor=desk.agent, project=other)
    back = Issue.objects.get()
    move(issue=back, actor=desk.agent, project=desk.project)
    client.force_login(desk.agent)
    here = reverse("issue-detail", args=[desk.project.path, 2])
    assert client.get(first).headers["Location"] == here
    assert client.get("/acme/other/-/issues/1/").headers["Location"] == here
    assert FormerNumber.objects.count() == 2


@pytest.mark.parametrize(
    ("before", "after", "shared", "confidential"),
    [
        (Visibility.PUBLIC, Visibility.PRIVATE, False, False),
        (Visibility.PUBLIC, Visibility.PUBLIC, False, False),
        (Visibility.INTERNAL, Visibility.INTERNAL, False, False),
        (Visibility.INTERNAL, Visibility.PUBLIC, False, True),
        (Visibility.PRIVATE, Visibility.INTERNAL, False, True),
        (Visibility.PRIVATE, Visibility.PRIVATE, False, True),
        (Visibility.PRIVATE, Visibility.PRIVATE, True, False),
    ],
)
def test_who_may_read_never_widens(before, after, shared, confidential):
    member = MembershipFactory(project__visibility=before, role=Role.REPORTER)
    target = ProjectFactory(visibility=after)
    MembershipFactory(project=target, user=member.user, role=Role.REPORTER)
    guest = MembershipFactory(project=target, role=Role.GUEST).user
    if shared:
        MembershipFactory(project=member.project, user=guest, role=Role.GUEST)
    stranger = UserFactory()
    issue = IssueFactory(project=member.project, author=member.user)
    could = {user for user in (guest, stranger) if user.has_perm("issues.read_item", issue)}
    services.move_issue(issue=issue, actor=member.user, project=target)
    issue = Issue.objects.get()
    assert issue.confidential is confidential
    assert {u for u in (guest, stranger) if u.has_perm("issues.read_item", issue)} <= could


def test_what_is_confidential_stays_so_and_a_ticket_of_a_public_project_is(desk, issue):
    public = make_desk(mailbox=desk.mailbox).project
    MembershipFactory(project=public, user=desk.agent, role=Role.REPORTER)
    assert issue.confidential
    move(issue=issue, actor=desk.agent, project=public)
    assert Issue.objects.get().confidential


@pytest.mark.parametrize(
    ("role", "why"),
    [
        (None, "There is no such project, or you may not see it."),
        (Role.GUEST, "Your role in the project does not include this."),
        (Role.REPORTER, ""),
    ],
)
def test_it_takes_a_reporter_of_both(desk, issue, role, why):
    private = ProjectFactory(visibility=Visibility.PRIVATE)
    project = make_desk(mailbox=desk.mailbox, project=private).project
    if role is not None:
        MembershipFactory(project=project, user=desk.agent, role=role)
    refused = write(issue, desk.agent, f"/move {project.path}").refused
    assert [refusal.why.startswith(why) for refusal in refused] == [True] * bool(why)
    assert (Issue.objects.get().project == project) is not bool(why)


def test_a_ticket_needs_a_desk_there_and_an_issue_none(desk, issue):
    project = MembershipFactory(user=desk.agent, role=Role.REPORTER).project
    (refusal,) = write(issue, desk.agent, f"/move {project.path}").refused
    assert refusal.why.startswith(f"{project.path} has no service desk.")
    (refusal,) = write(issue, desk.agent, f"/move {desk.project.path}").refused
    assert refusal.why == "It is in this project already."
    plain = IssueFactory(project=desk.project)
    assert write(plain, desk.agent, f"/move {project.path}").refused == ()


def test_a_dry_run_touches_no_file(desk, other, issue, media_root):
    file = NewFile("plan.txt", "text/plain", b"plan", source="test-1")
    services.create_note(item=issue, author=desk.agent, body="See this", files=[file])
    before = files_in(media_root)
    with uploads.discarded():
        services.move_issue(issue=issue, actor=desk.agent, project=other)
        assert files_in(media_root) == before


def test_what_fails_leaves_the_files_where_they_were(desk, other, issue, media_root, monkeypatch):
    file = NewFile("plan.txt", "text/plain", b"plan", source="test-1")
    services.create_note(item=issue, author=desk.agent, body="See this", files=[file])
    before = files_in(media_root)

    def fail(*_args, **_values):
        raise RuntimeError

    monkeypatch.setattr("issues.services.moving.announce_change", fail)
    with pytest.raises(RuntimeError):
        services.move_issue(issue=issue, actor=desk.agent, project=other)
    assert files_in(media_root) == before
    assert str(Issue.objects.get()) == str(Upload.objects.get().note.issue)


def test_by_the_form_on_the_page(client, desk, other, issue):
    client.force_login(desk.agent)
    url = reverse("issue-move", args=[desk.project.path, issue.iid])
    assert url in client.get(reverse("issue-detail", args=[desk.project.path, issue.iid])).text
    response = client.post(url, {"project": "acme/nowhere"}, follow=True)
    assert "There is no such project, or you may not see it." in response.text
    response = client.post(url, {"project": "ACME/Other"}, follow=True)
    assert "It is in acme/other now." in response.text
    assert response.context["item"].project == other
    assert Label.objects.count() == 0


def test_names_and_held_mail_come_along(desk, other, issue, client):
    named = answer(sent_to(CUSTOMER)[0], body="It hums.", sender=f"Carl Cole <{CUSTOMER}>")
    assert desk.receive(named).note is not None
    fields = {"In_Reply_To": "<first@customer.example>", "subject": "Re: it"}
    held = desk.write("eve@elsewhere.example", **fields)
    move(issue=issue, actor=desk.agent, project=other)
    held.refresh_from_db()
    assert (held.issue, held.project) == (issue, other)
    client.force_login(desk.agent)
    page = client.get(reverse("issue-detail", args=[other.path, issue.iid])).text
    assert "Carl Cole (customer)" in page
    assert "eve@elsewhere.example" in page
