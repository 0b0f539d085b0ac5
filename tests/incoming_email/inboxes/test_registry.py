"""What the inbox methods say of themselves fits the mailbox's row, and one another."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks

from incoming_email.inboxes import registry
from incoming_email.inboxes.graph.descriptor import GRAPH
from incoming_email.inboxes.imap.descriptor import IMAP
from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.inboxes.maildir.descriptor import MAILDIR
from incoming_email.inboxes.methods import Field, Option, Preset, Section
from incoming_email.inboxes.opening import open_inbox
from incoming_email.inboxes.smtp.account import Listener
from incoming_email.inboxes.smtp.descriptor import SMTP

UNKNOWN = Section("Carrier pigeon", (Field("pigeon_name"),))


@pytest.fixture
def find_problems(monkeypatch):
    """What the system checks say of these methods: number and sentence."""

    def find(*methods):
        monkeypatch.setattr(registry, "METHODS", methods)
        found = (message for message in run_checks() if message.id.startswith("incoming_email."))
        return [(message.id.partition(".")[2], message.msg) for message in found]

    return find


@pytest.mark.parametrize("place", range(4))
def test_a_choice_without_a_method(find_problems, place):
    methods = [IMAP, GRAPH, MAILDIR, SMTP]
    gone = methods.pop(place)
    sentence = f"The inbox method “{gone.name}” is a choice, and nothing is known of it."
    assert find_problems(*methods) == [("E012", sentence)]


def test_a_method_that_is_no_choice_and_one_that_is_there_twice(find_problems):
    other = replace(SMTP, name="pigeon", presets=(replace(SMTP.presets[0], slug="pigeon"),))
    found = find_problems(IMAP, GRAPH, MAILDIR, SMTP, other)
    assert found == [("E012", "The inbox method “pigeon” can't be chosen.")]
    found = find_problems(IMAP, GRAPH, MAILDIR, SMTP, replace(SMTP, presets=other.presets))
    assert found == [("E012", "2 inbox methods are named “smtp”.")]


@pytest.mark.parametrize(
    ("changes", "number", "sentence"),
    [
        (
            {"form": replace(MAILDIR.form, sections=(*MAILDIR.form.sections, UNKNOWN))},
            *("E013", "asks for: pigeon_name."),
        ),
        (
            {"options": (Option("pigeon", "pigeon_name"),)},
            *("E013", "fills in or reads: pigeon_name."),
        ),
        (
            {"presets": (Preset("pigeon", "Pigeon", {"pigeon_name": "Ada"}, ("Feed it.",)),)},
            *("E013", "fills in or reads: pigeon_name."),
        ),
        (
            {"polling": replace(MAILDIR.polling, folder_columns=("pigeon_name",))},
            *("E013", "fills in or reads: pigeon_name."),
        ),
        (
            {"form": replace(MAILDIR.form, sections=(), needed={})},
            *("E014", "has no section of the form."),
        ),
        ({"presets": ()}, "E014", "has no preset."),
        ({"options": ()}, "E014", "has no option of gitlab.yml."),
        ({"check": replace(MAILDIR.check, steps=())}, "E014", "has no step of the check."),
        (
            {"check": replace(MAILDIR.check, find_secret=IMAP.check.find_secret)},
            *("E014", "has no reason why steps are skipped without a secret."),
        ),
        (
            {"form": replace(MAILDIR.form, needed={"host": "Needed."})},
            *("E014", "has no field of the form for host."),
        ),
        (
            {"options": (Option("pigeon", "host", is_needed=True),)},
            *("E014", "has no field of the form for host."),
        ),
    ],
)
def test_what_is_left_out_of_a_method_is_found(find_problems, changes, number, sentence):
    found = find_problems(IMAP, GRAPH, replace(MAILDIR, **changes), SMTP)
    assert found == [(number, f"The inbox method “maildir” {sentence}")]


def test_presets_and_keys_have_one_meaning(find_problems):
    found = find_problems(IMAP, GRAPH, replace(MAILDIR, presets=SMTP.presets), SMTP)
    assert found == [("E014", "2 presets are named “smtp”.")]
    ambiguous = (Option("mailbox", "maildir_path"),)
    found = find_problems(IMAP, GRAPH, replace(MAILDIR, options=ambiguous), SMTP)
    assert found == [("E014", "The key “mailbox” of gitlab.yml sets several columns.")]


def test_mail_is_fetched_with_accounts_of_polled_methods_only(tmp_path):
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    with open_inbox(MaildirFolder(str(tmp_path))) as inbox:
        assert inbox.count_waiting() == 0
    for account in (Listener("127.0.0.1", 25, 24), object()):
        with pytest.raises(LookupError), open_inbox(account):
            pass
