"""What counts as a trusted server's word for the sender's domain, and what only looks like it."""

import time

import pytest

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.parsing.message import parse
from incoming_email.sender_auth import find_evidence

TRUSTED = "mx.example.net"
GOOD = f"{TRUSTED}; dmarc=pass header.from=example.com"


def prove(*lines, sender="bob@example.com", trusted=TRUSTED, peer=None):
    """The proof of a message with these lines on top."""
    content = "\r\n".join([*lines, f"From: {sender}", "", "Hello."]).encode()
    mailbox = Mailbox(trusted_authserv_id=trusted, reply_sender_policy="off")
    row = InboundEmail(peer=peer, raw=content)
    ((proof, _spam),) = find_evidence(mailbox, [row], [parse(content)])
    return proof


def vouched(*results, **more):
    return prove(*[f"Authentication-Results: {result}" for result in results], **more).passed


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
        "dmarc/1=pass header.from=example.com",
        "dmarc=pass action=none header.from=example.com; compauth=pass reason=100",
        'dkim=pass (2048-bit key) reason="ok" header.d=example.com x-bits=2048 header.b=aB+/c==',
        "dmarc=none header.from=example.com; dkim=pass header.d=example.com",
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
        "dmarc=fail dmarc=pass",
        "dmarc=fail dmarc=pass header.from=example.com",
        "dmarc=pass dmarc=fail header.from=example.com",
        "dmarc=fail header.from=example.com; dmarc=pass header.from=example.com",
        "dmarc=fail header.from=example.com; dkim=pass header.d=example.com",
        "dmarc=pass header.from=example.org header.from=example.com",
        "dkim=pass header.d=example.org header.d=example.com",
        "dkim=pass header.d=example.org spf=pass smtp.mailfrom=example.com",
        "header.from=example.com dmarc=pass",
        "x dmarc=pass header.from=example.com",
        "dmarc=pass header.from=example.com x",
        "dmarc=passed header.from=example.com",
        "dmarc/2=pass header.from=example.com",
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


def test_a_domain_beyond_ascii_is_compared_as_servers_write_it():
    assert vouched(
        f"{TRUSTED}; dmarc=pass header.from=xn--bcher-kva.example", sender="r@bücher.example"
    )
    assert not vouched(
        f"{TRUSTED}; dmarc=pass header.from=bucher.example", sender="r@bücher.example"
    )


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
    assert not vouched(f"{TRUSTED} 2; dmarc=pass header.from=example.com")
    assert not vouched(f"{TRUSTED} evil.example; dmarc=pass header.from=example.com")
    assert not vouched()


@pytest.mark.parametrize("piece", ["(", '"', '\\"', "a=", '"a', ";", "spf=pass "])
def test_a_hostile_field_takes_no_time(piece):
    start = time.process_time()
    assert not vouched(f"{TRUSTED}; " + piece * 100_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "above",
    [
        [],
        ["Received: from mail.example.com (mail.example.com [192.0.2.1]) by mx.example.net; now"],
        ["Received: by 2002:a05:7300:5b90:b0:11 with SMTP id x", "Received: by mx2.example.net; x"],
        ["Received: from mx (localhost [127.0.0.1]) by localhost (amavis, port 10024)"],
        ["Received: from mx1 by compute5.internal (LMTPProxy); x", "Received: (qmail 12 invoked)"],
        ["Received: from a by [IPv6:2001:db8::1]; x"],
    ],
    ids=range(6),
)
def test_hops_of_the_trusted_server_may_stand_above_its_result(above):
    assert prove(*above, f"Authentication-Results: {GOOD}").passed


@pytest.mark.parametrize(
    "by", ["mail.example.com", "mx.example.net.evil.example", "evilexample.net", "other.co.uk"]
)
def test_below_a_received_of_another_server_nothing_counts(by):
    """Whoever sends can write both, and the trusted server may have written nothing."""
    own = "Received: from mail.example.com (mail.example.com [192.0.2.1]) by mx.example.net; now"
    other = f"Received: from pc ([198.51.100.7]) by {by} with ESMTPSA; now"
    proof = prove(own, other, f"Authentication-Results: {GOOD}")
    assert not proof.passed
    assert f"ignored: it stands below Received of {by}" in proof.because
    assert prove(own, f"Authentication-Results: {GOOD}", other).passed


def test_a_registry_is_no_organisation():
    above = "Received: from pc by relay.other.co.uk; now"
    result = "Authentication-Results: example.co.uk; dmarc=pass header.from=example.com"
    assert not prove(above, result, trusted="example.co.uk").passed
    assert prove("Received: from pc by mx.example.co.uk; now", result, trusted="example.co.uk")


@pytest.mark.parametrize(
    ("networks", "peer", "passed"),
    [
        ([], None, True),
        ([], "127.0.0.1", False),
        (["192.0.2.0/24"], "192.0.2.9", True),
        (["192.0.2.0/24"], "192.0.3.9", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", True),
        (["2001:db8::/32"], "2001:db8::5", True),
        (["127.0.0.0/8"], "127.0.0.1", True),
    ],
)
def test_what_came_by_the_listener_counts_from_trusted_relays_alone(
    settings, networks, peer, passed
):
    settings.TRUSTED_RELAY_NETWORKS = networks
    proof = prove(f"Authentication-Results: {GOOD}", peer=peer)
    assert proof.passed is passed
    assert ("not in TRUSTED_RELAY_NETWORKS" in proof.because) is not passed


@pytest.mark.parametrize(
    "value",
    [
        "mx.google.com;       dkim=pass header.i=@example.com header.s=s1"
        ' header.b="abC/+dE=";       spf=pass (google.com: domain of bob@example.com designates'
        " 192.0.2.1 as permitted sender) smtp.mailfrom=bob@example.com;       dmarc=pass (p=NONE"
        " sp=QUARANTINE dis=NONE) header.from=example.com;       dara=pass header.i=@example.com",
        "mx1.messagingengine.com; arc=none (no signatures found); bimi=none (No BIMI records"
        " found); dkim=pass (2048-bit rsa key sha256) header.d=example.com header.i=@example.com"
        " header.b=A1b2 header.a=rsa-sha256 header.s=s1 x-bits=2048; dmarc=pass"
        " policy.published-domain-policy=none policy.evaluated-disposition=none"
        " (p=none,d=none,d.eval=none) policy.policy-from=p header.from=example.com; iprev=pass"
        " smtp.remote-ip=192.0.2.1 (mail.example.com)",
        "gmx.net; dkim=pass header.i=@example.com",
        "rspamd.example.net; dkim=pass header.d=example.com header.s=s header.b=x; dmarc=pass"
        " (policy=reject) header.from=example.com; spf=pass (rspamd.example.net: domain of"
        " bob@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=bob@example.com",
        "atlas1.yahoo.com; dkim=pass header.i=@example.com header.s=s; dmarc=pass(p=REJECT)"
        " header.from=example.com;",
        "opendkim.example.net; dkim=pass (2048-bit key; unprotected) header.d=example.com"
        " header.i=@example.com header.a=rsa-sha256 header.s=s1 header.b=abc; dkim-atps=neutral",
    ],
    ids=["gmail", "fastmail", "gmx", "rspamd", "yahoo", "opendkim"],
)
def test_fields_of_real_servers_are_read(value):
    assert vouched(value, trusted=value.partition(";")[0])
