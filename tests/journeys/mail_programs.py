"""A person's mail program: gets notifications over SMTP, answers as programs do, shows threads."""

import email.policy
import smtplib
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import parseaddr

from issues.tasks import deliver_outgoing_email
from tests.issues.smtp_sink import running_sink

_numbers = iter(range(1, 10**9))


class MailPrograms:
    """Those of everybody: what each person has got and has sent, oldest first."""

    def __init__(self, sink):
        self._sink = sink
        self._taken = 0
        self._folders = {}
        self.envelope_senders = {}
        """By Message-ID."""

    def folder(self, user):
        return self.folder_of(user.email)

    def folders(self):
        return dict(self._folders)

    def folder_of(self, address):
        return self._folders.setdefault(address, [])

    def collect(self):
        """Let the outbox send all that is due, as its task does; who got mail now."""
        deliver_outgoing_email()
        told = []
        new = self._sink.mails[self._taken :]
        for mail in new:
            self.envelope_senders[str(mail.message["Message-ID"])] = mail.sender
            for recipient in mail.recipients:
                self._folders.setdefault(recipient, []).append(mail.message)
                told.append(recipient)
        self._taken += len(new)
        return sorted(told)

    def last(self, user):
        return self.folder(user)[-1]

    def answer(self, user, message, text):
        """The user's answer to a message, quoting it; it stands in their folder as sent."""
        quoted = "".join(
            f"> {line}\r\n" for line in message.get_body(("plain",)).get_content().splitlines()
        )
        answer = new_mail(
            user,
            to=str(message["Reply-To"]),
            subject="Re: " + str(message["Subject"]).removeprefix("Re: "),
            text=f"{text}\r\n\r\nOn Monday, {message['From']} wrote:\r\n\r\n{quoted}",
        )
        answer["In-Reply-To"] = message["Message-ID"]
        # RFC 5322 section 3.6.4: the parent's references, then the parent.
        answer["References"] = " ".join([*ids_in(message, "References"), message["Message-ID"]])
        self.folder(user).append(answer)
        return answer


def new_mail(user, *, to, subject, text):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f"{user.username} <{user.email}>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{user.username}.{next(_numbers)}@example.com>"
    mail.set_content(text)
    return mail


def ids_in(message, *names):
    return [word for name in names for word in str(message.get(name, "")).split()]


def wire(mail):
    return mail.as_bytes(policy=email.policy.SMTP)


def recipient_of(mail):
    return parseaddr(str(mail["To"]))[1]


def send(port, mail):
    """To the SMTP server at this port, as the sender's own server does."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(parseaddr(str(mail["From"]))[1], [recipient_of(mail)], wire(mail))


def threads(messages):
    """The Message-IDs of each conversation, oldest first, as jwz's algorithm groups them.

    Messages hang together if one names the other, or both name the same third, had or not.
    """
    root = {}

    def find(name):
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for message in messages:
        for name in ids_in(message, "References", "In-Reply-To"):
            root[find(name)] = find(message["Message-ID"])
    groups = {}
    for message in messages:
        groups.setdefault(find(message["Message-ID"]), []).append(message["Message-ID"])
    return list(groups.values())


@contextmanager
def connected_mail_programs(settings):
    """Outgoing mail goes over a real SMTP connection to where these programs get it."""
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_TIMEOUT = 10
        yield MailPrograms(sink)
