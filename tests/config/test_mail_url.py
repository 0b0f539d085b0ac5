"""EMAIL_URL: schemes and ports, and a sentence for what can't be taken apart."""

import os
import subprocess
import sys
import traceback

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import mail_server
from config.mail_url import parse_mail_url


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://mail.example.com", 25, False, False),
        ("smtp+tls://ann:pw@mail.example.com", 587, True, False),
        ("smtps://ann:pw@mail.example.com", 465, False, True),
        ("smtp+ssl://ann:pw@mail.example.com", 465, False, True),
        ("SMTP+TLS://mail.example.com:2525", 2525, True, False),
        ("smtps://mail.example.com:25", 25, False, True),
        ("smtp://mail.example.com?EMAIL_USE_TLS=True", 25, True, False),
    ],
)
def test_schemes_and_ports(url, port, starttls, tls):
    server = parse_mail_url(url)
    assert server.backend == "issues.sending.EmailBackend"
    found = (server.host, server.port, server.uses_starttls, server.uses_tls)
    assert found == ("mail.example.com", port, starttls, tls)


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("p%23w%2F%3F%40%3A%25", "p#w/?@:%"),
        ("a+b", "a+b"),
        ("100%pure", "100%pure"),
        ("a@b:c", "a@b:c"),
        ("geh%C3%A9im", "gehéim"),
    ],
)
def test_passwords(written, password):
    server = parse_mail_url(f"smtp://ann%40example.com:{written}@mail.example.com")
    assert (server.user, server.password) == ("ann@example.com", password)
    assert password not in repr(server)


@pytest.mark.parametrize("url", ["filemail:////srv/mail", "consolemail://"])
def test_what_is_no_server(url):
    server = parse_mail_url(url)
    assert (server.host, server.folder) == ("", "/srv/mail" if "srv" in url else "")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://ann:s3cr#et@mail.example.com",
        "smtp://ann:#s3cret@mail.example.com",
        "smtp://ann:s3cr/et@mail.example.com",
        "smtp://ann:12/s3cret@mail.example.com",
        "smtp://ann:12?s3cret@mail.example.com",
        "smtp://ann:s3cr?et@mail.example.com",
        "smtp://ann:s3[cret@mail.example.com",
        "smtp://ann:s3cret@mail.example.com:smtp",
        "smtp://ann:s3cret\u2100@mail.example.com",
    ],
)
def test_what_cannot_be_taken_apart_is_told_without_its_value(url):
    with pytest.raises(ImproperlyConfigured, match=r"^EMAIL_URL can't be taken apart.*# is %23"):
        parse_mail_url(url)
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_mail_url(url)
    assert "s3" not in "".join(traceback.format_exception(caught.value)).replace(__file__, "")


@pytest.mark.parametrize("url", ["s3cret", "http://ann:s3cret@mail.example.com", "ann:s3cret@h"])
def test_another_scheme(url):
    with pytest.raises(ImproperlyConfigured, match=r"^EMAIL_URL is not the URL of a mail"):
        parse_mail_url(url)


def test_a_program_says_the_sentence_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(tmp_path),
            "EMAIL_URL": "smtp://ann:s3cr#et@mail.example.com",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("EMAIL_URL can't be taken apart.")
    assert "s3cr" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "message_id_host", "machine", "name"),
    [
        ("mx.example.com", "desk.example.com", "box", "mx.example.com"),
        ("", "desk.example.com", "box.example.com", "desk.example.com"),
        ("", "letterbox.localhost", "box.example.com", "box.example.com"),
        ("", "letterbox.localhost", "box", ""),
        ("", "desk", "box.localdomain", ""),
    ],
)
def test_the_name_for_ehlo(monkeypatch, given, message_id_host, machine, name):
    monkeypatch.setenv("EMAIL_EHLO_NAME", given)
    monkeypatch.setattr(mail_server.socket, "gethostname", lambda: machine)
    assert mail_server.find_ehlo_name(message_id_host) == name
