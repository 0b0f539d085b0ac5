"""Whose marks of spam count: those of the server that the mail came through last."""

import pytest

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.parsing.message import parse
from incoming_email.sender_auth import find_evidence

OURS = "Received: from a.example by mx.example.com (Postfix) with ESMTPS id 1; Fri, 3 May 2024"
INNER = "Received: from localhost by localhost (amavis) with ESMTP id 1; Fri, 3 May 2024"
THEIRS = "Received: from b.example by mail.list.example with ESMTP; Fri, 3 May 2024"
EXCHANGE = "Received: from a by AM0.eurprd0.prod.outlook.com with HTTPS; Fri, 3 May 2024"
FLAG = "X-Spam-Flag: YES"
SCL = "X-MS-Exchange-Organization-SCL: 6"
RELAY, OTHER = "192.0.2.25", "192.0.2.99"


def found(*lines, peer=None, trusted="", policy="hold"):
    content = "\r\n".join([*lines, "From: bob@example.com", "", "Hello."]).encode()
    mailbox = Mailbox(trusted_authserv_id=trusted, spam_policy=policy)
    row = InboundEmail(peer=peer, raw=content)
    ((_proof, spam),) = find_evidence(mailbox, [row], [parse(content)])
    return spam


@pytest.fixture(autouse=True)
def _relay(settings):
    settings.TRUSTED_RELAY_NETWORKS = [f"{RELAY}/32"]


@pytest.mark.parametrize(
    "lines",
    [
        [FLAG, OURS, THEIRS],
        [OURS, FLAG, THEIRS],
        [OURS, INNER, FLAG, THEIRS],
        [FLAG, THEIRS],
        [FLAG],
        [EXCHANGE, THEIRS, SCL],
        [EXCHANGE, THEIRS, "X-Forefront-Antispam-Report: SCL:1;SFV:SKS;DIR:INB"],
    ],
)
def test_of_the_server_that_mail_is_fetched_from(lines):
    assert found(*lines).result


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ([OURS, THEIRS, FLAG], "it stands below Received of mail.list.example"),
        ([OURS, THEIRS, SCL], "it stands below Received of mail.list.example"),
        ([OURS, EXCHANGE, SCL], "it stands below Received of am0.eurprd0.prod.outlook.com"),
        ([OURS, "X-Spam-Flag: NO", FLAG], "another one of its name stands above it"),
        ([OURS, "X-Spam-Flag: NO", THEIRS], ""),
    ],
)
def test_of_anybody_else(lines, note):
    channel = found(*lines)
    assert channel.result is None
    assert channel.note.rpartition("ignored: ")[2] == note


@pytest.mark.parametrize("lines", [[OURS, THEIRS, FLAG], [FLAG, OURS], [OURS, FLAG, THEIRS]])
def test_the_listener_takes_the_word_of_trusted_relays(lines):
    """A milter adds its fields at the end."""
    assert found(*lines, peer=RELAY).result == "X-Spam-Flag: yes"
    channel = found(*lines, peer=OTHER)
    assert channel.result is None
    assert "not in TRUSTED_RELAY_NETWORKS" in channel.note


def test_between_the_servers_of_others_even_a_relay_has_written_nothing():
    assert found(OURS, THEIRS, FLAG, THEIRS, peer=RELAY).result is None
    assert found(OURS, THEIRS, FLAG, "X-Spam-Flag: NO", peer=RELAY).result is None


def test_exchanges_own_fields_by_an_unknown_peer_do_not_count():
    assert found(EXCHANGE, SCL, peer=OTHER).result is None


def test_the_name_of_the_trusted_server():
    assert found(OURS, FLAG, THEIRS, trusted="mx.example.com").result
    assert found(THEIRS, FLAG, trusted="mx.example.com").result is None


@pytest.mark.parametrize("size", [1_200, 20], ids=["fields", "bytes"])
def test_a_header_that_is_not_read_to_its_end_is_taken_for_marked(size):
    """Or whoever writes enough of it would hide what the filter adds at the end."""
    field = "X-A: " + "0" * (80_000 if size == 20 else 1)
    assert "header cut at" in found(*[field] * size, FLAG, peer=RELAY).result
    assert found(*[field] * size, FLAG, peer=RELAY, policy="off").result is None


def test_off():
    channel = found(FLAG, policy="off")
    assert (channel.result, channel.note) == (None, "")
