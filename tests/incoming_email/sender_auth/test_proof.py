"""What counts as a trusted server's word for the sender's domain, and what only looks like it."""

import time

import pytest

from incoming_email.sender_auth import find_proof

TRUSTED = "mx.example.net"


def vouched(*results, sender="bob@example.com", trusted=TRUSTED):
    return find_proof(sender, results, trusted=trusted).passed


@pytest.mark.parametrize(
    "methods",
    [
        "dmarc=pass header.from=example.com",
        "dmarc=pass (p=REJECT sp=NONE) header.from=example.com",
        "DMARC = Pass header.From=Example.COM",
        "spf=fail smtp.mailfrom=x@example.org; dmarc=pass header.from=example.com",
        "dkim=pass header.d=example.com header.s=s1",
        'dkim=pass header.d="example.com"',
        "dkim=pass header.i=@example.com",
        "dkim=fail header.d=example.org; dkim=pass header.d=example.com",
        "spf=pass smtp.mailfrom=bounce@example.com",
        "spf=pass smtp.mailfrom=example.com",
        'spf=pass smtp.mailfrom="bounce@example.com"',
        "spf=pass (a (nested (comment)) here) smtp.mailfrom=example.com",
    ],
)
def test_a_pass_of_the_senders_domain_counts(methods):
    assert vouched(f"{TRUSTED}; {methods}")


@pytest.mark.parametrize(
    "methods",
    [
        "none",
        "dmarc=fail header.from=example.com",
        "dmarc=pass header.from=example.org",
        "dmarc=bestguesspass header.from=example.com",
        "dkim=pass header.d=example.org",
        "dkim=pass header.d=notexample.com",
        "dkim=pass header.d=mail.example.com",
        "dkim=pass",
        "spf=pass smtp.helo=example.com",
        "spf=softfail smtp.mailfrom=example.com",
        "(dmarc=pass header.from=example.com)",
        "spf=fail (; dmarc=pass header.from=example.com;) smtp.mailfrom=example.org",
        "spf=fail (a \\) ; dmarc=pass header.from=example.com",
        "spf=fail (never closed ; dmarc=pass header.from=example.com",
    ],
)
def test_anything_else_does_not(methods):
    assert not vouched(f"{TRUSTED}; {methods}")


@pytest.mark.parametrize(
    "mailfrom",
    [
        '"x@example.com"@evil.example',
        '"example.com"@evil.example',
        '"; dmarc=pass header.from=example.com; x"@evil.example',
        '"\\"; dmarc=pass header.from=example.com; x"@evil.example',
        '"x ; dmarc=pass header.from=example.com',
        "dmarc=pass@evil.example",
    ],
)
def test_a_local_part_that_the_sender_chose_proves_nothing(mailfrom):
    assert not vouched(f"{TRUSTED}; spf=pass smtp.mailfrom={mailfrom}")


def test_a_quoted_reason_is_no_method():
    assert not vouched(f'{TRUSTED}; dkim=fail reason="bad; dmarc=pass" header.d=evil.example')


def test_a_subdomain_of_the_signer_is_vouched_for():
    assert vouched(f"{TRUSTED}; dkim=pass header.d=example.com", sender="b@mail.example.com")


def test_only_the_topmost_field_of_the_trusted_server_counts():
    good = "dmarc=pass header.from=example.com"
    assert vouched(f"other.example.net; {good}", f"{TRUSTED} 1; {good}")
    assert not vouched(f"{TRUSTED}; none", f"{TRUSTED}; {good}")
    assert not vouched(f"other.example.net; {good}")
    assert vouched(f"MX.Example.Net; {good}")


def test_without_a_trusted_name_or_a_sender_nothing_counts():
    good = f"{TRUSTED}; dmarc=pass header.from=example.com"
    assert not vouched(good, trusted="")
    assert not vouched(good, sender="")
    assert not vouched("; dmarc=pass header.from=example.com", trusted="")
    assert not vouched()


@pytest.mark.parametrize("piece", ["(", '"', '\\"', "a=", '"a', ";", "spf=pass "])
def test_a_hostile_field_takes_no_time(piece):
    start = time.process_time()
    assert not vouched(f"{TRUSTED}; " + piece * 100_000)
    assert time.process_time() - start < 5
