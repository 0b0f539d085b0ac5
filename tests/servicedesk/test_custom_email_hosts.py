"""Which hosts a project may name as its mail server."""

import pytest

from servicedesk.custom_email.hosts import is_allowed


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::10.1.2.3", False),
        ("64:ff9b::93.184.216.34", True),
        ("64:ff9b:1::1", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
    ],
)
def test_a_local_network_is_no_place_for_a_projects_server(settings, address, allowed):
    settings.DESK_SMTP_LOCAL_NETWORKS = False
    assert is_allowed(address) is allowed
