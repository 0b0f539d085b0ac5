"""From is one address or nobody."""

import pytest

from incoming_email.parsing.message import parse


def read(*values: bytes):
    fields = b"".join(b"From: " + value + b"\n" for value in values)
    return parse(fields + b"Subject: s\n\nbody")


@pytest.mark.parametrize(
    ("raw", "address", "name"),
    [
        ("Bob <Bob@Example.COM>", "bob@example.com", "Bob"),
        ("bob@example.com", "bob@example.com", ""),
        ("bob@example.com (Bob B)", "bob@example.com", "Bob B"),
        ("(Bob) bob@example.com", "bob@example.com", "Bob"),
        ("Bob bob@example.com", "bob@example.com", "Bob"),
        ("< bob@example.com >", "bob@example.com", ""),
        (
            "some name, some name2@example.com",
            "name2@example.com",
            "some name, some name2@example.com",
        ),  # H05
        ("Doe, Jane <jane@example.com>", "jane@example.com", "Doe, Jane"),
        ("=?iso-8859-1?Q?B=FCrle, =20Bob?= <bob@example.com>", "bob@example.com", "Bürle, Bob"),
        ("=?utf-8?b?SsO2cmc=?= <jorg@example.com>", "jorg@example.com", "Jörg"),  # H22
        ('"=?utf-8?b?SsO2cmc=?=" <jorg@example.com>', "jorg@example.com", "Jörg"),
        ("n" * 300 + " <a@example.com>", "a@example.com", "n" * 300),  # H36
        ("<★x★@example.co.uk>", "★x★@example.co.uk", ""),  # H38
        (
            "=?utf-8?q?=3Cadmin=40example=2Ecom=3E?= <evil@attacker.example>",
            "evil@attacker.example",
            "<admin@example.com>",
        ),  # X10
        (
            '"admin@example.com" <evil@attacker.example>',
            "evil@attacker.example",
            "admin@example.com",
        ),
        ("bob@example.com <BOB@example.com>", "bob@example.com", "bob@example.com"),
        ("m\u0131ke@example.com", "m\u0131ke@example.com", ""),  # X18
        ("mi\u212ae@example.com", "mi\u212ae@example.com", ""),
        ('"john"@example.com', "john@example.com", ""),
        ('"john doe"@example.com', '"john doe"@example.com', ""),
        (
            "dependabot[bot] <1+dependabot[bot]@users.example.com>",
            "1+dependabot[bot]@users.example.com",
            "dependabot[bot]",
        ),  # P07
        ("Support: Team <support@example.com>", "support@example.com", "Team"),
        # Odd forms with one reading.
        ("Ann @ Acme <ann@work.example>", "ann@work.example", "Ann @ Acme"),
        ("c@example.com <forms@example.org>", "forms@example.org", "c@example.com"),
        (
            "c@example.com via Shop <forms@example.org>",
            "forms@example.org",
            "c@example.com via Shop",
        ),
        ("Jane <jane@example.com", "jane@example.com", "Jane"),
        ("<carl@example.com> Carl", "carl@example.com", "Carl"),
        ("Carl <<carl@example.com>>", "carl@example.com", "Carl"),
        ("Carl <mailto:carl@example.com>", "carl@example.com", "Carl"),
        ("MAILTO:carl@example.com", "carl@example.com", ""),
        ("'carl@example.com'", "carl@example.com", ""),
        ("‘carl@example.com’", "carl@example.com", ""),
        ("Carl <'carl@example.com'>", "carl@example.com", "Carl"),
        ("o'hara@example.com", "o'hara@example.com", ""),
        ("Carl <@relay.example:carl@example.com>", "carl@example.com", "Carl"),
    ],
)
def test_one_address_is_the_author(raw, address, name):
    email = read(raw.encode())
    assert (email.sender, email.sender_name) == (address, name)
    assert email.defects == ()


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        ("alice@example.org)<bob@attacker.example>", "From is ambiguous"),  # X08
        ("alice@example.org<bob@attacker.example>", "From is ambiguous"),
        ("a@malicious.example@example.com", "From has no valid address"),  # X09
        ("a@(c)example.com", "From is ambiguous"),
        ("<a@example.com> b@example.org", "From is ambiguous"),
        ("Jane <jane@example.com, b@example.com", "From is ambiguous"),
        ("Jane <jane@example.com b@example.com", "From has no valid address"),
        ("<a@example.com> Ann <b@example.com>", "From is ambiguous"),
        ("<<a@example.com>><b@example.com>", "From is ambiguous"),
        ("<a@example.com>>", "From is ambiguous"),
        ("Ann <a@example.com> (b) b@example.com", "From is ambiguous"),
        ("'a@example.com' 'b@example.com'", "From is ambiguous"),
        ("<mailto:>", "From has no valid address"),
        ('"Jane <jane@example.com>', "From is ambiguous"),
        ("jane@example.com (Jane", "From is ambiguous"),
        ("<a@example.com><b@example.com>", "From is ambiguous"),
        ("=?utf-8?q?x <admin@example.com>?= <a@example.com>", "From is ambiguous"),
        ("a@example.com, b@example.com", "From names several addresses"),
        ("a@example.com; b@example.com", "From names several addresses"),
        ("broken@, b@example.com", "From names several addresses"),
        ("Jane <broken>, b@example.com", "From names several addresses"),
        ("Jane Doe", "From has no valid address"),
        ("<>", "From has no valid address"),
        ("~.*@.*~", "From has no valid address"),  # X25
        ("<" + "a" * 300 + "@example.com>", "From has no valid address"),  # H21
        ("a@" + "b" * 64 + ".example.com", "From has no valid address"),
        ("a @ example.com", "From has no valid address"),
    ],
)
def test_what_is_not_exactly_one_address_is_nobody(raw, defect):
    email = read(raw.encode())
    assert email.sender == ""
    assert defect in email.defects


def test_an_address_of_254_octets_is_the_longest():
    local = "a" * (254 - len("@example.com"))
    assert read(f"{local}@example.com".encode()).sender == f"{local}@example.com"
    assert read(f"{local}b@example.com".encode()).sender == ""


def test_two_from_fields_are_nobody():
    email = read(b"a@example.com", b"b@example.com")
    assert (email.sender, email.defects) == ("", ("several From fields",))
    assert read(b"a@example.com", b"A@example.com").sender == "a@example.com"
    assert read(b"a@example.com <", b"b@example.com <x> c@example.com").sender == ""


@pytest.mark.parametrize("other", [b"[??????]", b"Ann", b"<>"])
def test_a_second_from_without_an_address_takes_nothing_from_the_first(other):
    for email in (read(other, b"Ann <a@example.com>"), read(b"Ann <a@example.com>", other)):
        assert (email.sender, email.sender_name) == ("a@example.com", "Ann")


def test_blanks_before_the_first_line_do_not_hide_from():
    assert parse(b" From: Ann <a@example.com>\nTo: b@example.com\n\nbody").sender == "a@example.com"


def test_no_from_is_a_defect():
    assert parse(b"Subject: x\n\nbody").defects == ("no From",)


@pytest.mark.parametrize(
    ("value", "reply_to", "defects"),
    [
        ("<>", "", ("Reply-To without an address",)),  # H01
        ('"Jane Doe"', "", ("Reply-To without an address",)),  # H02
        ("noreply", "", ("Reply-To without an address",)),  # H19
        ("", "", ()),
        ("Jane <Jane@Example.org>", "jane@example.org", ()),
        (", jane@example.org, b@example.org", "jane@example.org", ()),
    ],
)
def test_reply_to_never_hides_from(value, reply_to, defects):
    email = parse(f"From: Bob <bob@example.com>\nReply-To: {value}\n\nbody".encode())
    assert (email.sender, email.reply_to) == ("bob@example.com", reply_to)
    assert email.defects == defects


GROUPS = {
    "Precedence": "list",
    "Mailing-list": "list support@example.org; contact support+owners@example.org",
    "List-ID": "<support.example.org>",
}
MAILMAN = {"List-Id": "The team <team.lists.example>", "List-Post": "<mailto:team@lists.example>"}


def read_behind(sender: str, **headers: str):
    lines = [f"From: {sender}", *(f"{name}: {value}" for name, value in headers.items())]
    return parse("\n".join([*lines, "", "body"]).encode()).behind


@pytest.mark.parametrize(
    ("sender", "headers", "address", "header", "is_list"),
    [
        (
            "\"'Carla' via Support\" <support@example.org>",
            GROUPS
            | {
                "X-Original-From": "Carla <Carla@customer.example>",
                "Reply-To": "other@customer.example",
            },
            "carla@customer.example",
            "X-Original-From",
            True,
        ),
        (
            '"Carla via Team" <team@lists.example>',
            MAILMAN | {"Reply-To": "Carla <carla@customer.example>"},
            "carla@customer.example",
            "Reply-To",
            True,
        ),
        (
            "Carla über Team <team@lists.example>",
            MAILMAN | {"Reply-To": "team@lists.example, Carla <carla@customer.example>"},
            "carla@customer.example",
            "Reply-To",
            True,
        ),
        ("Team <team@lists.example>", MAILMAN | {"Reply-To": "team@lists.example"}, "", "", True),
        (
            "Team <team@lists.example>",
            MAILMAN | {"Reply-To": "a@x.example, b@x.example"},
            "",
            "",
            True,
        ),
        ("'C' via S <s@example.org>", {"List-Id": "<s.example.org>"}, "", "", True),
        ("Carla <carla@customer.example>", MAILMAN, "", "", False),
        (
            "Carla <carla@customer.example>",
            MAILMAN | {"Reply-To": "team@lists.example"},
            "",
            "",
            False,
        ),
        (
            "GitHub <notifications@github.example>",
            {"List-Post": "<mailto:reply+1@reply.github.example>", "List-ID": "<r.github.example>"}
            | {"Reply-To": "reply+1@reply.github.example"},
            "",
            "",
            False,
        ),
        (
            "Shop <shop@example.com>",
            {"Reply-To": "carla@customer.example"},
            "carla@customer.example",
            "Reply-To",
            False,
        ),
        (
            "Evil via mail <evil@example.com>",
            {"X-Original-From": "carla@customer.example"},
            "carla@customer.example",
            "X-Original-From",
            False,
        ),
        (
            "a@x.example, b@x.example",
            MAILMAN | {"Reply-To": "c@x.example"},
            "c@x.example",
            "Reply-To",
            False,
        ),
    ],
)
def test_who_is_behind_the_address_of_a_list(sender, headers, address, header, is_list):
    found = read_behind(sender, **headers)
    assert (found.address, found.header, found.is_list) == (address, header, is_list)
