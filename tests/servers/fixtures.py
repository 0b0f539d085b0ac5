"""pytest fixtures that start the servers of this folder."""

from collections.abc import Iterator

import pytest

from tests.servers.dovecot import Dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot() as server:
        yield server


@pytest.fixture
def imap_user(dovecot: Dovecot) -> str:
    """A user with an empty mailbox of the session's server."""
    return dovecot.take_user()


@pytest.fixture(scope="session")
def plain_dovecot() -> Iterator[Dovecot]:
    """A server that can neither IDLE nor expunge by UID."""
    with Dovecot(capability="IMAP4rev1 LITERAL+ UNSELECT") as server:
        yield server
