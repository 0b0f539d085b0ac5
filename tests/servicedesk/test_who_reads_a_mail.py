"""Every kind of member's mail into every kind of discussion: nobody reads it who could not read
what it is about. It is computed from what is stored, and from all mail that goes out."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues import services
from issues.models import Issue, MergeRequest, Note, OutgoingEmail, Role, State, User, Visibility
from issues.outbox.messages import build_message
from servicedesk.models import Participant
from tests.factories import MembershipFactory, MergeRequestFactory, ProjectFactory, UserFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import as_received, make_desk, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SOURCE = "s3cret source"
_numbers = count(1)


@dataclass
class World:
    """`writer` is told of a note of the agent in `place`, and of a change of the item's state."""

    place: str
    state: str

    def __post_init__(self):
        self.project = ProjectFactory(visibility=Visibility.INTERNAL)
        self.desk = make_desk(project=self.project, confidential=False, add_cc=True)
        self.agent = self.desk.agent
        self.writer = MembershipFactory(project=self.project, role=Role.REPORTER).user
        MembershipFactory(project=self.project, role=Role.GUEST)
        UserFactory()
        self.item = self.make_item()
        services.subscribe(user=self.writer, item=self.item)
        self.public = self.tell("We look into it.", internal=False)
        services.close_item(item=self.item, actor=self.agent)
        self.system = self.newest_mail()
        assert "closed this" in self.system.text
        if self.state != "closed":
            services.reopen_item(item=self.item, actor=self.agent)
        self.told = self.tell(SOURCE, internal="internal" in self.place)
        if self.state == "locked":
            services.set_locked(item=self.item, actor=self.agent, locked=True)
        if self.state == "merged":
            MergeRequest.objects.filter(pk=self.item.pk).update(state=State.MERGED)
        self.stored = find_texts()
        self.mails = len(sent())

    def make_item(self):
        if "merge request" in self.place:
            return MergeRequestFactory(project=self.project, author=self.agent)
        issue = self.desk.open_ticket(Cc="ann@customer.example")
        if self.place != "confidential issue":
            return issue
        services.set_confidential(item=issue, actor=self.agent, confidential=True)
        services.edit_item(item=issue, actor=self.agent, title=f"{SOURCE} of all")
        return issue

    def tell(self, body, *, internal):
        services.create_note(item=self.item, author=self.agent, body=body, internal=internal)
        return self.newest_mail()

    def newest_mail(self):
        return sent_to(self.writer.email)[-1]

    @property
    def desk_address(self):
        return self.desk.address

    @property
    def private_address(self):
        return sender_tokens.new_issue_address(
            user=self.writer, project=self.project, now=timezone.now()
        )

    def write(self, row, *, to="", **fields):
        """A mail of the writer with the ids of an answer to this mail of ours."""
        told = as_received(row)
        ids = f"{told['References']} {told['Message-ID']}"
        given = {"In_Reply_To": told["Message-ID"], "References": ids, "subject": told["Subject"]}
        given |= {"to": to or told["Reply-To"], "sender": self.writer.email} | fields
        return make_mail(**given)


def forward(world, mark, **fields):
    block = (
        f"{mark}\r\n\r\n---------- Forwarded message ---------\r\nFrom: Shop <a@b.example>\r\n"
        f"Subject: it\r\nDate: Mon, 23 Nov 2026 at 11:00\r\nTo: me\r\n\r\n{world.told.text}"
    )
    told = as_received(world.told)
    return world.write(world.told, body=block, subject=f"Fwd: {told['Subject']}", **fields)


def attach(world, mark, **fields):
    return world.write(
        world.told,
        MIME_Version="1.0",
        Content_Type="multipart/mixed; boundary=b",
        body=f"--b\r\nContent-Type: text/plain\r\n\r\n{mark}\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"{as_received(world.told).as_string()}\r\n--b--",
        **fields,
    )


def report(world, mark):
    told = as_received(world.told)
    return make_mail(
        to=told["Reply-To"],
        sender="mailer-daemon@x.example",
        subject="Undelivered",
        MIME_Version="1.0",
        Content_Type="multipart/report; report-type=delivery-status; boundary=b",
        body=f"--b\r\nContent-Type: text/plain\r\n\r\n{mark}\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        f"Final-Recipient: rfc822; {world.writer.email}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{told.as_string()}\r\n--b--",
    )


def redirect(world, _mark):
    """Sent on by a mail program as it is, with Resent fields (RFC 5322, 3.6.6)."""
    resent = f"Resent-From: {world.writer.email}\r\nResent-To: {world.desk_address}\r\n"
    return resent.encode() + build_message(world.told).message().as_bytes()


KINDS: dict[str, Callable[[World, str], bytes]] = {
    "reply": lambda w, mark: w.write(w.told, body=mark),
    "reply to all": lambda w, mark: w.write(w.told, body=mark, Cc=w.desk_address),
    "reply to the desk": lambda w, mark: w.write(w.told, body=mark, to=w.desk_address),
    "reply to the private address": lambda w, mark: w.write(
        w.told, body=mark, to=w.private_address
    ),
    "reply at the key of a public note": lambda w, mark: w.write(
        w.told, body=mark, to=w.public.headers["Reply-To"]
    ),
    "reply from elsewhere": lambda w, mark: w.write(w.told, body=mark, sender="me@home.example"),
    "reply to the desk from elsewhere": lambda w, mark: w.write(
        w.told, body=mark, sender="me@home.example", to=w.desk_address
    ),
    "reply to the system note": lambda w, mark: w.write(w.system, body=mark),
    "commands": lambda w, mark: w.write(w.told, body=f"/title {mark}"),
    "forward to the desk": lambda w, mark: forward(w, mark, to=w.desk_address),
    "forward with the desk in Cc": lambda w, mark: forward(
        w, mark, to="lara@law.example", Cc=w.desk_address
    ),
    "forward with the reply address in Cc": lambda w, mark: forward(
        w, mark, to="lara@law.example", Cc=w.told.headers["Reply-To"]
    ),
    "forward to the private address": lambda w, mark: forward(w, mark, to=w.private_address),
    "attached to a reply": attach,
    "attached to a mail to the desk": lambda w, mark: attach(
        w, mark, to=w.desk_address, In_Reply_To="", References=""
    ),
    "delivery report": report,
    "redirect": redirect,
    "out of office": lambda w, mark: w.write(
        w.told, body=mark, Auto_Submitted="auto-replied (vacation)"
    ),
}
PLACES = [
    *(
        (place, state)
        for place in ("public issue", "internal note", "confidential issue")
        for state in ("open", "closed", "locked")
    ),
    *(
        (place, state)
        for place in ("merge request", "internal note of a merge request")
        for state in ("open", "closed", "merged")
    ),
]


def find_texts():
    """Who may read each stored text, by the text's row: names of users, addresses of others."""
    texts = {}
    for note in Note.objects.select_related("issue__project", "merge_request__project"):
        texts["note", note.pk] = (note.body + note.quoted, find_readers(note.item, note))
    for model in (Issue, MergeRequest):
        for item in model.objects.select_related("project"):
            words = item.title + item.description
            texts[model.__name__, item.pk] = (words, find_readers(item, None))
    return texts


def find_readers(item, note):
    internal = note is not None and note.internal
    readers = {
        user.email
        for user in User.objects.filter(is_active=True).exclude(email="")  # the desk's own
        if user.has_perm("issues.read_item", item)
        and (not internal or user.has_perm("issues.read_internal", item.project))
    }
    if isinstance(item, Issue) and not internal:
        readers |= set(Participant.objects.filter(ticket=item.pk).values_list("address", flat=True))
    return readers


@pytest.mark.parametrize(("place", "state"), PLACES)
def test_nobody_reads_it_who_could_not_before(place, state, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.LOOP_LIMIT_PER_HOUR = 0
    world = World(place, state)
    might_read = find_readers(world.item, Note.objects.filter(body=SOURCE).get())
    assert world.writer.email in might_read
    might_read_system = find_readers(world.item, Note.objects.filter(system=True).first())
    went = {}
    for kind, write in KINDS.items():
        mark = f"m4rk {next(_numbers)} of all"
        row = world.desk.receive(write(world, mark))
        assert row.status not in {Status.PENDING, Status.FAILED}, (kind, row.last_error)
        went[kind] = row
        readers = might_read_system if kind == "reply to the system note" else might_read
        _assert_same_readers(world, kind, mark, readers)
    _assert_expected(world, went)


def _assert_same_readers(world, kind, mark, might_read):
    """`might_read`: what the mail is about. Each row and mail is looked at when it is new."""
    allowed = might_read | ({"me@home.example"} if "elsewhere" in kind else set())
    texts = find_texts()
    for key, (text, readers) in texts.items():
        if (mark in text or SOURCE in text) and text != world.stored.get(key, ("",))[0]:
            # Who forwards something to the desk names those who take part in the new ticket.
            named = {"lara@law.example"} if "forward" in kind and key[0] == "Issue" else set()
            assert readers <= allowed | named, (kind, key, readers - might_read)
    rows = sent()
    for row in rows[world.mails :]:
        words = row.text + row.subject + row.html
        if mark in words or SOURCE in words:
            named = {"lara@law.example"} if "forward" in kind else set()
            assert row.recipient in allowed | named, (kind, row.kind, row.recipient)
    world.stored, world.mails = texts, len(rows)


def _assert_expected(world, went):
    """What is to come of it: a reply is a note where it belongs, and a forward never is one."""
    item = world.item
    for kind in ("reply", "reply to all", "reply to the desk", "reply to the system note"):
        row = went[kind]
        assert row.status == Status.PROCESSED, (kind, row.reason, row.trace)
        assert row.note.item == item, kind
        assert row.note.internal == ("internal" in world.place and "system" not in kind), kind
    for kind in ("forward to the desk", "forward with the desk in Cc"):
        row = went[kind]
        assert row.note is None, kind
        assert row.status == Status.HELD, (kind, row.reason)  # nothing proves that they wrote it
    for kind in ("delivery report", "redirect", "out of office"):
        assert went[kind].status == Status.IGNORED, (kind, went[kind].trace)
    assert InboundEmail.objects.filter(status=Status.HELD).exists()
    assert OutgoingEmail.objects.exists()
