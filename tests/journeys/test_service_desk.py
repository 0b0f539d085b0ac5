"""A customer, two people in Cc and an agent write to each other: ten turns, one thread each."""

from dataclasses import dataclass
from email.utils import getaddresses

import pytest

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import fetching
from issues import services
from issues.models import Issue, Note, OutgoingEmail, Role
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.journeys.mail_programs import connected_mail_programs, ids_in, new_mail, wire
from tests.servers.dovecot import password_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@dataclass(frozen=True)
class Person:
    username: str

    @property
    def email(self):
        return f"{self.username}@example.com"


TRUSTED = "mx.example.test"
"""Our mail server, which has confirmed every sender."""

CARL, ANN, BOB, EVE = map(Person, ("carl", "ann", "bob", "eve"))
"""Eve is the agent; the others are outside."""


@dataclass
class Post:
    """Takes mail to everybody it is for: people get their copy, our addresses are fetched."""

    programs: object
    dovecot: object
    user: str
    mailbox: Mailbox

    def send(self, mail):
        """Carries out one turn; what the desk made of it goes out, too."""
        fields = [str(mail[name]) for name in ("To", "Cc") if mail[name]]
        for _name, address in getaddresses(fields):
            if self.mailbox.template.matches(address):
                content = f"Authentication-Results: {TRUSTED}; dmarc=pass\r\n".encode() + wire(mail)
                self.dovecot.deliver(self.user, content, recipient=address)
            else:
                self.programs.folder(Person(address.partition("@")[0])).append(mail)
        fetching.fetch(self.mailbox, holder="test")
        self.programs.collect()


@pytest.fixture
def post(settings, dovecot, imap_user):
    name, _, domain = imap_user.partition("@")
    mailbox = Mailbox.objects.create(
        name="imap",
        enabled=True,
        address=f"{name}+%{{key}}@{domain}",
        host="127.0.0.1",
        port=dovecot.port,
        user=imap_user,
        password=password_of(imap_user),
        trusted_authserv_id=TRUSTED,
    )
    with connected_mail_programs(settings) as programs:
        yield Post(programs, dovecot, imap_user, mailbox)


@pytest.fixture
def desk():
    project = ProjectFactory(path="acme/shop")
    MembershipFactory(project=project, user__username="eve", role=Role.DEVELOPER)
    return ServiceDesk.objects.create(
        project=project, enabled=True, add_cc=True, template="/assign @eve"
    )


def says(message, words):
    """In its own words, not in what it quotes."""
    lines = message.get_body(("plain",)).get_content().splitlines()
    return any(words in line for line in lines if not line.startswith(">"))


def find(folder, words):
    """The mail of ours that brought these words."""
    return next(m for m in folder if m["X-Letterbox-Origin"] and says(m, words))


def answer(person, message, text, *, to, ids, cc=()):
    """An answer to a message; `ids`: the fields in which the mail program names it."""
    mail = new_mail(
        person,
        to=to,
        subject="Re: " + str(message["Subject"]).removeprefix("Re: "),
        text=f"{text}\r\n",
    )
    if cc:
        mail["Cc"] = ", ".join(cc)
    if "In-Reply-To" in ids:
        mail["In-Reply-To"] = message["Message-ID"]
    if "References" in ids:
        mail["References"] = " ".join([*ids_in(message, "References"), message["Message-ID"]])
    return mail


BOTH = ("In-Reply-To", "References")
TURNS = [f"turn {number:02}." for number in range(11)]
DIRECT, OURS, SENT = "direct", "ours", "sent"


def describe(person, message):
    """Which turn's words it brings, and by whom it came; the desk's own words by their kind."""
    if str(message["From"]).endswith(f"<{person.email}>"):
        how = SENT
    else:
        how = OURS if message["X-Letterbox-Origin"] else DIRECT
    told = [turn for turn in TURNS if says(message, turn)]
    assert len(told) <= 1, told
    kinds = dict(OutgoingEmail.objects.values_list("message_id", "kind"))
    kind = kinds.get(str(message["Message-ID"]).strip("<>"), "")
    return (told[0] if told else kind, how)


def count_threads(dovecot, user, messages, algorithm):
    """As a real server threads the folder (RFC 5256; REFS does not look at subjects)."""
    dovecot.create_folder(user, algorithm)
    dovecot.append(user, *map(wire, messages), folder=algorithm)
    with dovecot.session(user, algorithm) as client:
        return len(client.thread(algorithm))


def test_ten_turns(post, desk, dovecot):
    folder, send = post.programs.folder, post.send
    address = post.mailbox.template.address_for(f"acme-shop-{desk.project.pk}-issue-")

    def keep(person, mail):
        folder(person).append(mail)
        return mail

    first = new_mail(CARL, to=address, subject="The shop is down", text="turn 00.")
    first["Cc"] = f"{ANN.email}, {BOB.email}"
    send(keep(CARL, first))
    issue = Issue.objects.get()
    eve = issue.assignees.get()
    assert eve.email == EVE.email

    # 1: the agent answers the notification of the new ticket.
    send(post.programs.answer(eve, post.programs.last(eve), "turn 01."))
    # 2: the customer answers that by its key.
    mail = find(folder(CARL), "turn 01.")
    send(keep(CARL, answer(CARL, mail, "turn 02.", to=mail["Reply-To"], ids=BOTH)))
    # 3: Ann answers an old mail, her welcome.
    mail = next(m for m in folder(ANN) if m["X-Letterbox-Origin"])
    send(keep(ANN, answer(ANN, mail, "turn 03.", to=mail["Reply-To"], ids=BOTH)))
    # 4: Bob answers the customer's own mail, to all.
    cc = [address, ANN.email]
    send(keep(BOB, answer(BOB, first, "turn 04.", to=CARL.email, cc=cc, ids=BOTH)))
    # 5: the customer writes to the desk's address; In-Reply-To names the thank-you.
    mail = next(m for m in folder(CARL) if m["X-Letterbox-Origin"])
    send(keep(CARL, answer(CARL, mail, "turn 05.", to=address, ids=["In-Reply-To"])))
    # 6: the agent comments on the page.
    services.create_note(item=issue, author=eve, body="turn 06.")
    post.programs.collect()
    # 7: Ann's program writes References only.
    mail = find(folder(ANN), "turn 02.")
    send(keep(ANN, answer(ANN, mail, "turn 07.", to=address, ids=["References"])))
    # 8: the agent answers an old notification.
    send(post.programs.answer(eve, find(folder(eve), "turn 02."), "turn 08."))
    # 9: Bob answers an old comment, to all: its key, with the desk in Cc.
    mail = find(folder(BOB), "turn 01.")
    send(keep(BOB, answer(BOB, mail, "turn 09.", to=mail["Reply-To"], cc=[address], ids=BOTH)))
    # An internal note, which is nobody's outside.
    services.create_note(item=issue, author=eve, body="Between us.", internal=True)
    post.programs.collect()
    # 10: the customer answers Bob's own mail, to all.
    mail = next(m for m in folder(CARL) if says(m, "turn 04.") and not m["X-Letterbox-Origin"])
    cc = [address, ANN.email]
    send(keep(CARL, answer(CARL, mail, "turn 10.", to=BOB.email, cc=cc, ids=BOTH)))

    assert Issue.objects.count() == 1
    bodies = Note.objects.filter(system=False, internal=False).order_by("pk")
    assert list(bodies.values_list("body", flat=True)) == TURNS[1:]
    got = {p: [describe(p, m) for m in folder(p)] for p in (CARL, ANN, BOB, EVE)}
    t = TURNS
    assert got == {
        CARL: [
            (t[0], SENT),
            ("desk_thank_you", OURS),
            *((t[1], OURS), (t[2], SENT), (t[3], OURS)),
            (t[4], DIRECT),  # by Bob himself, and not by us as well
            *((t[5], SENT), (t[6], OURS), (t[7], OURS), (t[8], OURS), (t[9], OURS)),
            (t[10], SENT),
        ],
        ANN: [
            *((t[0], DIRECT), ("desk_participant", OURS)),
            *((t[1], OURS), (t[2], OURS), (t[3], SENT)),
            (t[4], DIRECT),
            *((t[5], OURS), (t[6], OURS), (t[7], SENT), (t[8], OURS), (t[9], OURS)),
            (t[10], DIRECT),
        ],
        BOB: [
            *((t[0], DIRECT), ("desk_participant", OURS)),
            *((t[1], OURS), (t[2], OURS), (t[3], OURS), (t[4], SENT)),
            *((t[5], OURS), (t[6], OURS), (t[7], OURS), (t[8], OURS), (t[9], SENT)),
            (t[10], DIRECT),
        ],
        EVE: [
            *((t[0], OURS), ("new_note", OURS)),  # of the ticket, and that it is hers
            *((t[1], SENT), (t[2], OURS), (t[3], OURS), (t[4], OURS), (t[5], OURS)),
            *((t[7], OURS), (t[8], SENT), (t[9], OURS), (t[10], OURS)),
        ],
    }
    for person in (CARL, ANN, BOB, EVE):
        user = dovecot.take_user()
        for algorithm in ("REFS", "REFERENCES"):
            assert count_threads(dovecot, user, folder(person), algorithm) == 1, person
    assert_mails_are_personal(folder)
    statuses = list(InboundEmail.objects.order_by("pk").values_list("status", "reason"))
    assert [s for s in statuses if s != ("processed", "")] == [("ignored", "duplicate")]


def assert_mails_are_personal(folder):
    """Nobody reads the address, the key or the ids of anybody else in a mail of ours."""
    secrets = {}
    for person in (CARL, ANN, BOB):
        ours = [m for m in folder(person) if m["X-Letterbox-Origin"]]
        assert not any(other.email in wire(m).decode() for m in ours for other in others_of(person))
        secrets[person] = {str(m["Reply-To"]) for m in ours}
        secrets[person] |= {word for m in ours for word in ids_in(m, "Message-ID")}
        assert len({str(m["Reply-To"]) for m in ours}) == 1
    for person, theirs in secrets.items():
        for other in others_of(person):
            assert theirs.isdisjoint(secrets[other])


def others_of(person):
    return [p for p in (CARL, ANN, BOB) if p != person]
