"""seed_demo before the processes start: a port that somebody else has is said, and how to move."""

import socket

import pytest
from django.core.management import CommandError, call_command

from incoming_email import demo
from incoming_email.models import Mailbox
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("taken", ["WEB_PORT", "SMTP_LISTENER_PORT"])
def test_a_taken_port_is_said_with_the_setting_that_moves_it(settings, taken):
    settings.WEB_PORT, settings.SMTP_LISTENER_PORT = free_ports(2)
    with socket.create_server(("127.0.0.1", getattr(settings, taken))) as other:
        port = other.getsockname()[1]
        sentence = rf"127.0.0.1:{port}\..* {taken}={port + 1} make run"
        with pytest.raises(CommandError, match=sentence):
            call_command("seed_demo", "--check-ports")


def test_free_ports_are_no_fault(settings, capsys):
    settings.WEB_PORT, settings.SMTP_LISTENER_PORT = free_ports(2)
    call_command("seed_demo", "--check-ports")
    assert "First message" in capsys.readouterr().out


def test_no_banner_where_nothing_answers(settings, capsys, monkeypatch):
    settings.WEB_PORT, settings.SMTP_LISTENER_PORT = free_ports(2)
    monkeypatch.setattr("incoming_email.management.commands.seed_demo.WAIT_SECONDS", 0.1)
    with pytest.raises(CommandError, match="do not answer"):
        call_command("seed_demo", "--when-up")
    assert capsys.readouterr().out == ""


def test_a_demo_mailbox_of_another_address_stays_the_only_one():
    Mailbox.objects.create(
        name=demo.MAILBOX, address="incoming+%{key}@letterbox.localhost", inbox_method="smtp"
    )
    call_command("seed_demo", verbosity=0)
    assert Mailbox.objects.get().address == "incoming+%{key}@letterbox.localhost"
