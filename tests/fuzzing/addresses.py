"""Targets that read what names people: keys in addresses, and results of other servers."""

import re

from incoming_email.models import Purpose
from incoming_email.parsing.addresses import (
    MAX_KEY_LENGTH,
    MAX_LOCAL_PART,
    SHORT_SECRET,
    InvalidTemplate,
    find_reply_keys,
    lower_ascii,
    parse_template,
    project_key,
    redact_address,
)
from incoming_email.pipeline.resolving import canonical_key, find_matches
from incoming_email.sender_auth.results import drop_instance, is_vouched_for, read_authserv_id
from issues.mail_addresses import canonical_address
from tests.fuzzing.texts import decode
from tests.issues.test_bearer_secrets import KEY as REPLY_KEY

# Authentication-Results

DOMAIN = "a.example"


def read_results(data: bytes) -> list[object]:
    value = decode(data)
    return [
        read_authserv_id(value),
        drop_instance(value),
        is_vouched_for(DOMAIN, value, is_from=True),
    ]


def check_results(data: bytes) -> None:
    """Nothing that a server repeats in quotes or in a comment is a result, or hides one."""
    value = decode(data)
    assert "pass" in value.lower() or not is_vouched_for(DOMAIN, value, is_from=True)
    assert read_authserv_id(value) == read_authserv_id(value).lower()
    quoted = f'"{_escape(value)}"@x.example'
    comment = f"({_escape(value)})"
    for failed in (
        f"mx; spf=fail smtp.mailfrom={quoted}",
        f"mx; dmarc=fail {comment} header.from={DOMAIN}; dkim=pass header.d={DOMAIN}",
        f"mx; dkim=pass {comment} header.d=other.example",
        f"mx {comment}; none",
    ):
        assert not is_vouched_for(DOMAIN, failed, is_from=True), failed
    for passed in (
        f"mx; spf=fail smtp.mailfrom={quoted}; dmarc=pass header.from={DOMAIN}",
        f"mx {comment}; dmarc=pass {comment} header.from={DOMAIN}",
    ):
        assert is_vouched_for(DOMAIN, passed, is_from=True), passed
        assert read_authserv_id(passed) == "mx"


def _escape(value: str) -> str:
    return re.sub(r'([()"\\])', r"\\\1", value)


def find_results() -> list[bytes]:
    return [
        b"mx.example; dmarc=pass (p=none) header.from=a.example; spf=fail smtp.mailfrom=x@y.z",
        b'mx.example 1; dkim=pass (2048-bit key) reason="ok" header.d=a.example header.b=aB+/c==',
        b"i=1; mx.google.com; arc=pass (i=1 spf=pass); dmarc = fail header.from=a.example",
        b'"mx" ; spf=pass (a (nested \\) comment)) smtp.mailfrom="a b"@a.example',
    ]


# Keys in addresses

TEMPLATES = [
    "incoming+%{key}@example.com",
    "in-%{key}-x@example.com",
    "%{key}@k.example",
    "d@e.example",
]


def _find_canonical(key: str, purpose: str) -> str:
    return canonical_key(key, find_matches(key, purpose))


def read_keys(data: bytes) -> list[object]:
    text = decode(data)
    templates = [parse_template(each) for each in TEMPLATES]
    found: list[object] = [(each.find_key(text), each.matches(text)) for each in templates]
    found += find_reply_keys(text.split(), "letterbox.localhost")
    found += [_find_canonical(lower_ascii(text), purpose) for purpose in Purpose.values]
    return [*found, redact_address(text, templates)]


def check_keys(data: bytes) -> None:
    read_keys(data)
    text = decode(data)
    for template in map(parse_template, TEMPLATES):
        key = template.find_key(text)
        if key is not None:
            assert canonical_address(template.address_for(key)) == canonical_address(text)
            assert template.matches(text)
            shown = redact_address(text, [template]).rpartition("@")[0]
            shown = shown.removeprefix(template.local_before)
            assert len(key) < SHORT_SECRET or key not in shown
            for purpose in Purpose.values:
                canonical = _find_canonical(key, purpose)
                assert _find_canonical(canonical, purpose) == canonical
    try:
        template = parse_template(text)
    except InvalidTemplate:
        return
    slug, rest = "s" * 80, "9" * MAX_KEY_LENGTH
    address = template.address_for(project_key(slug, rest, template=template))
    assert len(address.rpartition("@")[0]) <= MAX_LOCAL_PART
    assert not template.has_key or template.find_key(template.address_for("k")) == "k"


def find_addresses() -> list[bytes]:
    keys = [REPLY_KEY, f"{REPLY_KEY}-unsubscribe", f"acme-12-{REPLY_KEY}-issue-3", "acme-12-issue-"]
    keys += [f"12-{REPLY_KEY}-merge-request", f"{REPLY_KEY}-bounce", "acme-12-verify", "a-support"]
    found = [template.replace("%{key}", key) for template in TEMPLATES for key in keys]
    return [
        each.encode() for each in (*found, *TEMPLATES, f"<reply-{REPLY_KEY}@letterbox.localhost>")
    ]
