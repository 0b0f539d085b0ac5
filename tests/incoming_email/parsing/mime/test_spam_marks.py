"""Which fields say spam, as filters really write them, and where each stands."""

import pytest

from incoming_email.parsing.message import parse
from incoming_email.parsing.mime.spam_marks import MAX_MARKS

RECEIVED = "Received: from a.example by mx.example.com; Fri, 3 May 2024 14:20:01 +0200"


def marks(*lines):
    return parse("\r\n".join([*lines, "From: a@example.com", "", "x"]).encode()).stamps.spam_marks


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("X-Spam-Flag: YES", "yes"),
        ("x-spam-flag:yes", "yes"),
        ("X-Spam-Status: Yes, score=9.4 required=5.0 tests=GTUBE,\r\n\tA_B autolearn=no", "yes"),
        ("X-Spam-Status: Yes, hits=7.9 tagged_above=0 required=6.6", "yes"),
        ("X-Spam-Status:\r\n Yes, score=9.4", "yes"),
        ("X-Spam: Yes", "yes"),
        ("X-Spamd-Result: default: True [16.60 / 15.00];\r\n\tGTUBE(0.00)[]", "True"),
        ("X-Rspamd-Action: add header", "add header"),
        ("X-Rspamd-Action: Rewrite subject", "rewrite subject"),
        ("X-Gm-Spam: 1", "1"),
        ("X-Gm-Phishy: 1", "1"),
        ("X-MS-Exchange-Organization-SCL: 5", "5"),
        ("X-MS-Exchange-Organization-SCL: 9", "9"),
        ("X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:5;SFV:SPM;DIR:INB;", "SCL:5"),
        ("X-Forefront-Antispam-Report:\r\n\tCIP:192.0.2.1;CTRY:;\r\n\tSCL:9;SRV:;DIR:INB", "SCL:9"),
        ("X-Forefront-Antispam-Report: EFV:NLI;SFV:SKB;DIR:INB", "SFV:SKB"),
    ],
)
def test_spam(line, said):
    (mark,) = marks(line)
    assert mark.field.lower() == f"{line.partition(':')[0]}: {said}".lower()


@pytest.mark.parametrize(
    "line",
    [
        "X-Spam-Flag: NO",
        "X-Spam-Flag:",
        "X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00",
        "X-Spam-Status: Not yet",
        "X-Spam: No",
        "X-Spam-Level: ******",
        "X-Spamd-Result: default: False [8.10 / 15.00]; TRUE(0.00)[]",
        "X-Rspamd-Action: no action",
        "X-Rspamd-Action: greylist",
        "X-Rspamd-Action: soft reject",
        "X-Gm-Spam: 0",
        "X-Gm-Phishy: 0",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-MS-Exchange-Organization-SCL: 1",
        "X-MS-Exchange-Organization-SCL: many",
        "X-MS-Exchange-Organization-SCL: 999999999999999999999",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:1;SFV:NSPM;DIR:INB;",
        "X-Forefront-Antispam-Report: SFV:SPM;DIR:OUT;SFP:1501;SCL:9;LANG:de;",
        "X-Forefront-Antispam-Report-Untrusted: SFV:SPM;DIR:INB;SCL:9",
        "X-Forefront-Antispam-Report: ;;;:::",
        "Subject: X-Spam-Flag: YES",
    ],
)
def test_no_spam(line):
    assert marks(line) == ()


def test_where_marks_stand():
    found = marks(
        "X-Spam-Flag: YES", RECEIVED, "X-Gm-Spam: 1", RECEIVED, "X-Spam-Flag: NO", "X-Gm-Spam: 1"
    )
    places = [(mark.received_above, mark.is_first, mark.is_last) for mark in found]
    assert places == [(0, True, False), (1, True, False), (2, False, True)]


def test_what_was_delivered_by_exchange():
    by = "Received: from a by AM0PR0.eurprd0.prod.outlook.com (2603::1) with HTTPS; Fri, 3 May 2024"
    on_premises = "Received: from a by ex.corp.local with Microsoft SMTP Server id 15.1; x"
    assert parse(f"{by}\r\n\r\nx".encode()).stamps.is_from_exchange
    assert parse(f"{on_premises}\r\n\r\nx".encode()).stamps.is_from_exchange
    assert not parse(f"{RECEIVED}\r\n{by}\r\n\r\nx".encode()).stamps.is_from_exchange


def test_many_are_read_in_linear_time():
    lines = ["X-Spam-Flag: YES"] * 5000
    assert len(marks(*lines)) == MAX_MARKS


@pytest.mark.parametrize("count", [MAX_MARKS - 1, MAX_MARKS, 500])
def test_fields_of_the_sender_hide_no_mark_at_either_end(count):
    senders = ["X-Gm-Spam: 0"] * count
    for lines in ([*senders, RECEIVED, "X-Spam: Yes"], ["X-Spam: Yes", RECEIVED, *senders]):
        (mark,) = marks(*lines)
        assert mark.field == "X-Spam: yes"


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("spam-spamassassin-on-top", [("X-Spam-Flag", 0), ("X-Spam-Status", 0)]),
        ("spam-spamassassin-wrapped", [("X-Spam-Flag", 1), ("X-Spam-Status", 1)]),
        ("spam-rspamd-at-end", [("X-Spam-Status", 3), ("X-Rspamd-Action", 3), ("X-Spam", 3)]),
        ("spam-rspamd-below-received", [("X-Spam-Flag", 1), ("X-Spam", 3)]),
        ("spam-gmail-routing", [("X-Gm-Spam", 3), ("X-Gm-Phishy", 3)]),
        (
            "spam-exchange-online",
            [("X-MS-Exchange-Organization-SCL", 3), ("X-Forefront-Antispam-Report", 3)],
        ),
        ("spam-exchange-of-sender", []),
    ],
)
def test_samples(parse_sample, name, places):
    found = parse_sample(name).stamps.spam_marks
    assert [(m.field.partition(":")[0], m.received_above) for m in found] == places
