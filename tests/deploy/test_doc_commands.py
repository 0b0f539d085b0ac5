"""Every block of commands or configuration in README and docs is run as it stands, or carries a
reason why not.
"""

import importlib
import json
import re
import shlex

import pytest

from tests.deploy.doc_blocks import SHOWN, Block, parse_blocks, read_blocks, take_block

RUNNERS = (
    "tests.deploy.test_doc_commands",
    "tests.deploy.test_doc_handler",
    "tests.deploy.test_doc_patches",
    "tests.deploy.test_doc_proxies",
    "tests.deploy.test_doc_security",
    "tests.deploy.test_doc_servers",
    "tests.deploy.test_make_run",
    "tests.deploy.test_systemd_runs",
    "tests.journeys.test_exim",
    "tests.journeys.test_postfix",
    "tests.servers.dovecot",
    "tests.servers.pgbouncer",
)
"""Modules with blocks as constants, which their tests run."""

TRY_OUT = take_block("README.md", ".venv/bin/python manage.py receive_email --dry-run")
SET_UP = take_block("docs/operating.md", "python manage.py migrate")
ADMINISTRATOR = take_block("docs/operating.md", "python manage.py createsuperuser")
SECRET_FILE = take_block("docs/operating.md", "EDITOR=nano python manage.py incoming_email_secret")
LOAD = take_block("docs/operating.md", "python manage.py load_incoming_email_config")
CHECK = take_block("docs/operating.md", "python manage.py check_incoming_email [")
OPERATORS = take_block("docs/operating.md", "python manage.py create_operator_group")
PURGE = take_block("docs/operating.md", "python manage.py purge_inbound_email")
BACKFILL = take_block("docs/operating.md", "python manage.py backfill_mailbox")
TOKENS = take_block("docs/operating.md", "IMAP_TOKEN_COMMANDS=")
ERASE = take_block("docs/operating.md", "python manage.py erase_person")

EXAMPLES = "tests/incoming_email/config_files/examples"
MAILDIR = (
    "Mailbox.objects.create(name='support', enabled=True, inbox_method='maildir',"
    " address='support+%{key}@example.com', maildir_path='work')"
)

pytestmark = pytest.mark.slow


def test_every_block_is_run_or_says_why_not():
    run = {
        each
        for name in RUNNERS
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, Block)
    }
    wanted = {block for block in read_blocks() if block.language not in SHOWN}
    assert [block.name for block in wanted - run if not block.not_run] == []
    assert [block.name for block in run if block.not_run] == []


def test_a_block_is_known_by_its_fence_and_its_reason_by_the_comment_before_it():
    text = (
        "- a\n\n  ```sh\n  make\n  ```\n\n    old\n\n<!-- not run: no net -->\n\n```sh\nget\n```\n"
    )
    nested, old, excused = parse_blocks(text.replace("    old", "b\n\n    old"), page="a.md")
    assert (nested.language, nested.text, nested.not_run) == ("sh", "make\n", "")
    assert (old.language, old.text) == ("", "old\n")
    assert (excused.text, excused.not_run) == ("get\n", "no net")


def expand(synopsis: str) -> list[str]:
    """The shortest and the longest command that it allows, with each choice of `A|B`."""
    line = " ".join(synopsis.split())
    longest = re.sub(r"[][]", "", line)
    while "[" in line:
        line = re.sub(r" ?\[[^][]*\]", "", line)
    commands = dict.fromkeys((line, longest))
    choices = [re.findall(r"\S+", each.replace("|", "\0")) for each in commands]
    return [
        " ".join(word.split("\0")[min(number, word.count("\0"))] for word in words)
        for words in choices
        for number in range(1 + max(word.count("\0") for word in words))
    ]


def test_a_synopsis_has_a_shortest_and_a_longest_form():
    assert expand("do [--all] [--wait [--for N]]\n   A|B") == [
        *("do A", "do B"),
        *("do --all --wait --for N A", "do --all --wait --for N B"),
    ]


def test_a_message_is_tried_out(place):
    address = json.loads(place.follow("python manage.py seed_demo --json"))["users"][0]
    mail = (
        f"From: {address['email']}\nTo: {address['addresses']['new_issue']}\nSubject: Hi\n\nHo.\n"
    )
    place.write("message.eml", mail)
    assert "processed" in place.follow(TRY_OUT.text)
    assert place.ask("print(InboundEmail.objects.count())") == "0"


def test_a_new_installation_has_its_tables_and_static_files(place):
    (place.folder / "var/db.sqlite3").unlink()
    place.follow(SET_UP.text)
    assert place.ask("print(Mailbox.objects.count())") == "0"
    assert "static files" in place.follow(SET_UP.text)


def test_the_first_administrator_is_made_at_a_terminal(place):
    answers = [
        ("sername", "ada"),
        ("mail address:", "ada@example.com"),
        ("Password:", "a bell that rings at noon"),
        ("Password (again):", "a bell that rings at noon"),
    ]
    assert "successfully" in place.answer(ADMINISTRATOR.text, answers)
    question = "user = User.objects.get(username='ada'); print(user.is_staff, user.is_superuser)"
    assert place.ask(question) == "True True"


def test_a_mailbox_has_its_password_in_an_encrypted_file(place):
    place.ask(MAILDIR)
    place.add_program("nano", '#!/bin/sh\necho \'user: "by hand"\' > "$1"\n')
    place.write("secret.yaml", 'user: "a"\npassword: "of no value"\n')
    edit, write, show = SECRET_FILE.text.replace("NAME", "support").splitlines()
    place.follow(edit)
    assert "by hand" in place.follow(show)
    place.follow(write)
    assert 'password: "of no value"' in place.follow(show)


def test_mailboxes_are_made_from_the_files_of_gitlab(place):
    files = f"cp {EXAMPLES}/gmail.rb gitlab.rb; cp {EXAMPLES}/postfix.yml gitlab.yml;"
    place.follow(files + LOAD.text)
    assert place.ask("print(Mailbox.objects.filter(name='support').count())") == "1"


def test_the_check_takes_every_option_of_its_synopsis(place):
    place.ask(MAILDIR)
    words = {"NAME": "support", "ADDRESS": "eve@example.com", "SECONDS": "5"}
    shortest, longest = expand(CHECK.text)
    done = place.run(shortest)
    assert done.returncode == 1, done.stderr  # no worker runs
    assert "worker … no" in done.stdout
    done = place.run(re.sub("|".join(words), lambda found: words[found[0]], longest))
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {"support", ""} == {each["mailbox"] for each in findings}


def test_operators_have_a_group(place):
    for command in expand(OPERATORS.text):
        place.follow(command.replace("NAME", "Watchers"))
    groups = "from django.contrib.auth.models import Group; print(*sorted("
    assert place.ask(f"{groups}g.name for g in Group.objects.all()), sep=', ')").split(", ") == [
        "Read-only operators",
        "Watchers",
    ]


def test_old_mail_is_purged(place):
    place.ask(MAILDIR)
    dry, real = PURGE.text.replace("NAME", "support").splitlines()
    assert place.follow(dry)
    assert place.follow(real)


def test_older_mail_is_counted_and_taken_in(place):
    place.ask(MAILDIR)
    for name in ("tmp", "new", "cur"):
        (place.folder / "work" / name).mkdir()
    (place.folder / "work/cur/1.a:2,S").write_text("Subject: Old\n\nMail.\n")
    preview, take_in, from_now = BACKFILL.text.splitlines()
    told = preview.partition("# ")[2].rstrip(", …").replace("214 messages", "1 message")
    assert told in place.follow(preview)
    place.follow(take_in)
    assert place.ask("print(InboundEmail.objects.count())") == "1"
    place.follow(from_now)
    assert place.ask("print(Mailbox.objects.get(name='support').starts_at is None)") == "False"


def test_programs_that_print_a_token_are_named_in_the_settings(place):
    (line,) = TOKENS.text.splitlines()
    path = place.write(".env", f"{line}\n")
    code = "print(Mailbox(name='support').token_command)"
    try:
        assert "words=('/usr/local/bin/token', '--of', 'support'), host='imap.e" in place.ask(code)
    finally:
        path.unlink()


@pytest.mark.parametrize("choice", [0, 1])
def test_a_person_is_erased(place, choice):
    dry, real = ERASE.text.splitlines()
    words = {"ADDRESS": "rita@letterbox.localhost", "USERNAME": "rita"}
    word = tuple(words)[choice]
    chosen = [expand(line)[choice].replace(word, shlex.quote(words[word])) for line in (dry, real)]
    question = "print(User.objects.filter(username='rita').exists())"
    place.follow(chosen[0])
    assert place.ask(question) == "True"
    place.follow(chosen[1])
    assert place.ask(question) == "False"
