"""The link that cuts connections ends with its test."""

import socket
import time

import pytest

from tests.faults.cutting_link import CuttingLink


def test_after_its_end_it_takes_nobody():
    with socket.create_server(("127.0.0.1", 0)) as target:
        with CuttingLink(0, target.getsockname()[1]) as link:
            with socket.create_connection(("127.0.0.1", link.port)):
                target.accept()[0].close()
            time.sleep(0.2)  # it waits for the next one, which close() alone does not end
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", link.port), timeout=5).close()
