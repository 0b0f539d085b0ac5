"""pytest fixtures that start the servers of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.graph import FakeGraph
from tests.servers.https import make_server_certificate
from tests.servers.oauth import Introspection, TokenEndpoint
from tests.servers.programs import require_program


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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a certificate for `localhost` and of the authority that signed it."""
    require_program("openssl")
    return make_server_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def graph(certificate: Path) -> Iterator[FakeGraph]:
    with FakeGraph(certificate) as server:
        yield server


@pytest.fixture
def endpoint(certificate: Path) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(certificate, "nobody@example.com") as server:
        yield server


@pytest.fixture(scope="session")
def introspection() -> Iterator[Introspection]:
    with Introspection() as server:
        yield server


@pytest.fixture(scope="session")
def oauth_dovecot(introspection: Introspection) -> Iterator[Dovecot]:
    """A server that takes the tokens that `introspection` knows."""
    with Dovecot(introspection_url=introspection.url) as server:
        yield server
