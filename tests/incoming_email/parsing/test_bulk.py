"""Mail through lists is a person's mail, and is never answered automatically."""

import pytest

from incoming_email.parsing.message import parse
from incoming_email.parsing.types import Kind


@pytest.mark.parametrize(
    ("header", "bulk"),
    [
        (b"List-Id: <team.example.com>", True),
        (b"Precedence: Bulk", True),
        (b"Precedence: list", True),
        (b"Precedence: junk", True),
        (b"Precedence: first-class", False),
        (b"X-Other: bulk", False),
    ],
)
def test_lists_and_bulk(header, bulk):
    email = parse(header + b"\r\nFrom: ann@example.com\r\n\r\nHello.")
    assert (email.is_bulk, email.kind) == (bulk, Kind.PERSONAL)
