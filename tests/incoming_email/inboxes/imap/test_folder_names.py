"""Folder names beyond ASCII, from servers of every kind."""

import pytest

from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import FakeImap
from tests.servers.reading import refusal


def refuse_at_first(server: FakeImap, listed: bytes) -> None:
    server.script("SELECT", b"TAG NO no such folder\r\n")
    server.script("LIST", b'* LIST () "/" ' + listed + b"\r\nTAG OK done\r\n")


@pytest.mark.parametrize("wanted", ["Entwürfe", "Entw&APw-rfe", "entwu\u0308rfe"])
def test_i09_a_server_that_could_speak_utf8_is_spoken_to_in_modified_utf7(wanted: str) -> None:
    """freescout#3502, zammad#5480: nobody asked for UTF-8 (RFC 6855), so the server sends none."""
    with FakeImap({}, capability="IMAP4rev1 UTF8=ACCEPT") as server:
        refuse_at_first(server, b'"Entw&APw-rfe"')
        with open_inbox(server.account(folder=wanted)):
            pass
        assert server.sent("ENABLE") == []
        assert server.sent("SELECT")[-1] == 'SELECT "Entw&APw-rfe"'


@pytest.mark.parametrize("listed", ['"Entwürfe"'.encode(), b'"Entw\xfcrfe"', b'"Entw&!!-rfe"'])
def test_names_in_another_charset_end_in_a_sentence_and_not_in_a_fault(listed: bytes) -> None:
    with FakeImap({}) as server:
        refuse_at_first(server, listed)
        error = refusal(server.account(folder="Posteingang"))
    assert error.remedy
