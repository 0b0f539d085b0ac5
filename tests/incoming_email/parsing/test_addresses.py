"""Our own addresses: templates, keys, ids of replies, redaction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.addresses import (
    InvalidTemplate,
    find_reply_keys,
    parse_template,
    project_key,
    redact_address,
    redact_key,
    reply_message_id,
)

SUBADDRESS = parse_template("incoming+%{key}@example.com")
CATCH_ALL = parse_template("incoming-%{key}@example.com")
DEDICATED = parse_template("incoming@example.com")


def test_a_template_is_taken_apart():
    template = parse_template(" Incoming+%{key}-x@Example.com ")
    assert template.text == "Incoming+%{key}-x@Example.com"
    assert (template.local_before, template.local_after) == ("Incoming+", "-x")
    assert template.domain == "Example.com"
    assert template.has_key
    assert not DEDICATED.has_key


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("incoming", "The address must have exactly one @."),
        ("a@b@example.com", "The address must have exactly one @."),
        ("in@%{key}.example.com", "%{key} must stand before the @, not in the domain."),
        ("%{key}-%{key}@example.com", "%{key} must not occur more than once."),
        ("in@exa mple.com", "“exa mple.com” is not a valid domain."),
        ("in@example..com", "“example..com” is not a valid domain."),
        ("in@", "“” is not a valid domain."),
        ("@example.com", "Nothing stands before the @."),
        ("in+%{id}@example.com", "The only placeholder is %{key}."),
        ("in coming@example.com", "“in coming” is not a valid name before the @."),
        ("in..x@example.com", "“in..x” is not a valid name before the @."),
        (
            "nineteen-characters%{key}@example.com",
            "With the longest key (46 characters) the part before the @ would have"
            " 65 characters; mail servers accept 64.",
        ),
    ],
)
def test_an_impossible_template_is_refused_with_the_reason(text, sentence):
    with pytest.raises(InvalidTemplate) as caught:
        parse_template(text)
    assert str(caught.value) == sentence


def test_the_longest_part_before_the_key_still_fits():
    assert parse_template("gitlab-incoming+%{key}@example.com").local_before == "gitlab-incoming+"
    assert len(parse_template("eighteen-character%{key}@example.com").local_before) == 18


@pytest.mark.parametrize(
    ("template", "address", "key"),
    [
        (SUBADDRESS, "incoming+abc@example.com", "abc"),
        (SUBADDRESS, "INCOMING+ABC@EXAMPLE.COM", "abc"),
        (SUBADDRESS, "incoming+acme-shop-20-tok-issue@example.com", "acme-shop-20-tok-issue"),
        (SUBADDRESS, "incoming+@example.com", None),
        (SUBADDRESS, "incoming@example.com", None),
        (SUBADDRESS, "xincoming+abc@example.com", None),
        (SUBADDRESS, "incoming+abc@example.com.attacker.example", None),
        (SUBADDRESS, "incoming+abc@sub.example.com", None),
        (SUBADDRESS, "incoming+a b@example.com", None),
        (SUBADDRESS, "incoming+a@x@example.com", None),
        (SUBADDRESS, "ıncoming+abc@example.com", None),
        (CATCH_ALL, "incoming-abc-issue@example.com", "abc-issue"),
        (DEDICATED, "incoming@example.com", None),
        (DEDICATED, "incoming+abc@example.com", None),
    ],
)
def test_the_key_of_an_address(template, address, key):
    assert template.find_key(address) == key


@pytest.mark.parametrize(
    ("template", "address", "ours"),
    [
        (SUBADDRESS, "incoming+abc@example.com", True),
        (SUBADDRESS, "Incoming@Example.com", True),
        (SUBADDRESS, "incoming+@example.com", True),
        (SUBADDRESS, "other@example.com", False),
        (SUBADDRESS, "incoming@example.org", False),
        (SUBADDRESS, "incoming", False),
        (CATCH_ALL, "incoming@example.com", True),
        (CATCH_ALL, "incoming-abc@example.com", True),
        (DEDICATED, "incoming@example.com", True),
        (DEDICATED, "incoming+tag@example.com", True),  # H31
        (DEDICATED, "incoming-tag@example.com", False),
        (parse_template("%{key}@example.com"), "@example.com", False),
    ],
)
def test_which_addresses_are_those_of_the_mailbox(template, address, ours):
    assert template.matches(address) is ours


def test_an_address_for_a_key():
    assert SUBADDRESS.address_for("abc") == "incoming+abc@example.com"
    assert DEDICATED.address_for("abc") == "incoming@example.com"


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=46))
def test_a_key_put_into_an_address_is_found_again(key):
    assert SUBADDRESS.find_key(SUBADDRESS.address_for(key)) == key
    assert CATCH_ALL.find_key(CATCH_ALL.address_for(key).upper()) == key


def test_a_slug_is_cut_so_that_the_address_fits():
    rest = "20-" + "t" * 25 + "-issue"
    assert project_key("shop", rest, template=SUBADDRESS) == "shop-" + rest
    key = project_key("acme-very-long-name-of-a-shop", rest, template=SUBADDRESS)
    assert key == "acme-very-long-name-" + rest
    assert len(SUBADDRESS.address_for(key).partition("@")[0]) == 63


def test_a_slug_is_cut_to_nothing_if_need_be():
    assert project_key("acme-shop", "r" * 54, template=SUBADDRESS) == "r" * 54
    assert project_key("acme-shop", "r" * 50, template=SUBADDRESS) == "acme-" + "r" * 50
    assert project_key("", "20-issue-", template=SUBADDRESS) == "20-issue-"


def test_keys_in_message_ids_are_ours_only_on_our_host():
    ids = [
        reply_message_id("abc1", "letterbox.example"),
        "reply-123-456-1700000000@other.example",  # D07
        "<REPLY-Def2@Letterbox.Example>",
        "xreply-abc@letterbox.example",
        "reply-@letterbox.example",
    ]
    assert ids[0] == "reply-abc1@letterbox.example"
    assert list(find_reply_keys(ids, "LETTERBOX.example")) == ["abc1", "def2"]


def test_secrets_are_shown_by_their_beginning_only():
    assert redact_key("abcdefghij") == "abcd…"
    assert redact_key("abcdefg") == "…"
    assert redact_address("incoming+abcdefghij@example.com", [CATCH_ALL, SUBADDRESS]) == (
        "incoming+abcd…@example.com"
    )
    assert redact_address("ann@example.org", [SUBADDRESS]) == "ann@example.org"
