"""A web process is replaced after so many requests or so much memory, and no request is lost."""

import urllib.request

import pytest

from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports, is_taken
from tests.servers.processes import find_descendants
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("limits", "requests"),
    [({"WEB_MAX_REQUESTS": "10"}, 40), ({"WEB_MAX_MEMORY_BYTES": "1000000"}, 6)],
    ids=["requests", "memory"],
)
def test_a_web_process_is_replaced(tmp_path, limits, requests):
    (port,) = free_ports(1)
    made = Installation(tmp_path / "data", **limits)
    made.set_up()
    page = f"http://127.0.0.1:{port}/login/"
    line = f"{read_procfile_lines()['web']} --bind 127.0.0.1:{port}"
    with made.running_lines({"web": line}, log=tmp_path / "log") as processes:
        wait_until(lambda: is_taken(port))
        answered, pids = set(), set()
        for _ in range(requests):
            with urllib.request.urlopen(page, timeout=PATIENCE_SECONDS) as answer:
                answered.add(answer.status)
            pids |= {each.pid for each in find_descendants(processes["web"].pid)}
    assert answered == {200}
    assert len(pids) > 2, "the first process answered all the time"
