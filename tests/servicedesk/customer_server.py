"""A customer's mail server for tests: asks for a password, or stays silent."""

import email.policy
import socket
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from issues.models import OutgoingEmail
from issues.outbox.messages import build_message
from servicedesk.models import CustomEmail, LoginMethod, ServiceDesk, Verification
from tests.issues.smtp_sink import Sink, free_port

PASSWORD = "customer-secret-of-no-value"
ADDRESS = "support@customer.example"


class CustomerServer(Sink):
    """Takes mail from whoever has the password."""

    mechanisms: list[str]

    def authenticate(self, server, session, envelope, mechanism, data):
        self.mechanisms.append(mechanism)
        if isinstance(data, LoginPassword):
            return AuthResult(success=data.password == PASSWORD.encode(), handled=False)
        return AuthResult(success=False, handled=False)

    def forwarded(self, number: int = -1, **changes: str) -> bytes:
        """The mail as the customer's forwarding hands it on, with other fields if need be."""
        mail = self.messages[number]
        for name, value in changes.items():
            field = name.replace("_", "-")
            del mail[field]
            if value:
                mail[field] = value
        return mail.as_bytes(policy=email.policy.SMTP)


def forwarded_challenge() -> bytes:
    """The newest mail by our own server, as the forwarding of the address hands it on."""
    row = OutgoingEmail.objects.filter(kind="custom_email_challenge").latest("pk")
    return build_message(row).message().as_bytes().replace(b"\n", b"\r\n")


@contextmanager
def running_customer_server():
    sink = CustomerServer(port=free_port())
    sink.mechanisms = []
    controller = Controller(
        sink,
        hostname="127.0.0.1",
        port=sink.port,
        authenticator=sink.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@contextmanager
def silent_server():
    """Takes the connection and says nothing; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def custom_email(desk: ServiceDesk, port: int = 25, **fields: object) -> CustomEmail:
    """A desk's address that was verified, and is on."""
    given = {
        "address": ADDRESS,
        "host": "127.0.0.1",
        "port": port,
        "encryption": "none",
        "user": "support",
        "password": PASSWORD,
        "login_method": LoginMethod.AUTO,
        "state": Verification.FINISHED,
        "verified_at": desk.project.created_at,
        "enabled": True,
    } | fields
    return CustomEmail.objects.create(desk=desk, **given)
