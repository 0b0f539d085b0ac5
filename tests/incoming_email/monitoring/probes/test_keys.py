"""The secret of a probe: ours are known, and nobody else can make one."""

import pytest

from incoming_email.keys import probe_keys
from incoming_email.models import Purpose
from incoming_email.parsing.addresses import MAX_KEY_LENGTH, parse_template
from incoming_email.parsing.message import parse
from incoming_email.pipeline.resolving import find_matches
from tests.incoming_email.world import make_mail

KEYED = parse_template("incoming+%{key}@example.com")
DEDICATED = parse_template("incoming@example.com")


def test_a_key_of_ours_is_read():
    assert probe_keys.read_key(probe_keys.make_key(12)) == 12


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.replace("-12-", "-13-"),
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key + "0",
        lambda key: key.upper(),
        lambda key: "probe-12-" + "0" * 25,
        lambda key: "probe-012" + key[8:],
    ],
    ids=["another number", "another letter", "longer", "upper case", "guessed", "padded"],
)
def test_a_key_that_was_changed_or_guessed_is_none(change):
    assert probe_keys.read_key(change(probe_keys.make_key(12))) is None


def test_another_installation_makes_other_keys(settings):
    key = probe_keys.make_key(12)
    settings.SECRET_KEY = "of-another-installation"
    assert probe_keys.read_key(key) is None


def test_the_longest_key_fits_every_address():
    assert len(probe_keys.make_key(999_999_999)) <= MAX_KEY_LENGTH


@pytest.mark.parametrize("purpose", [Purpose.INCOMING_EMAIL])
def test_no_handler_takes_such_a_key(purpose):
    assert find_matches(probe_keys.make_key(12), purpose) == []


@pytest.mark.parametrize(
    ("template", "to", "message_id", "found"),
    [
        (KEYED, "incoming+{key}@example.com", "<rewritten@gateway.example>", 12),
        (KEYED, "list@example.org", "<{key}@letterbox.localhost>", 12),
        (DEDICATED, "incoming@example.com", "<{key}@letterbox.localhost>", 12),
        (KEYED, "other+{key}@example.com", "<1@example.com>", None),
        (DEDICATED, "incoming+{key}@example.com", "<1@example.com>", None),
        (KEYED, "incoming+probe-12-aaaaaaaaaaaaaaaaaaaaaaaaa@example.com", "<1@a.example>", None),
    ],
    ids=["by address", "by id", "dedicated", "foreign address", "no key there", "imitated"],
)
def test_a_message_is_known_by_address_or_id(template, to, message_id, found):
    key = probe_keys.make_key(12)
    content = make_mail(
        to=to.format(key=key), sender="a@example.com", Message_ID=message_id.format(key=key)
    )
    email = parse(content)
    addresses = {candidate.address for candidate in email.candidates}
    keys = {each: key for each in addresses if (key := template.find_key(each))}
    assert probe_keys.find_number(email, keys) == found
