"""However many ask, one thread finds the signs out, nobody waits for long, and the site lives."""

import json
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from incoming_email.monitoring.health import keeping
from incoming_email.monitoring.health.signs import Sign
from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports, is_taken
from tests.servers.talking import talking
from tests.waiting import wait_until

GOOD = [Sign("broker", is_good=True)]
BAD = [Sign("broker", is_good=False)]
start_thread = keeping._start
"""Before the fixture of all tests replaces it."""


@pytest.fixture
def kept(monkeypatch):
    """As in a web process, with a patience that suits a test."""
    monkeypatch.setattr(keeping, "_start", start_thread)
    monkeypatch.setattr(keeping, "KEPT_SECONDS", 60.0)
    monkeypatch.setattr(keeping, "SECONDS", 0.3)
    monkeypatch.setattr(keeping, "OTHERS_SECONDS", 0.01)


def use(monkeypatch, find):
    monkeypatch.setitem(keeping.PARTS, "broker", keeping.Part(find, BAD[0]))


def test_an_answer_is_kept(kept, monkeypatch):
    asked = []
    use(monkeypatch, lambda: asked.append(1) or GOOD)
    monkeypatch.setattr(keeping, "SECONDS", 60.0)
    assert [keeping.find_signs(["broker"]) for _ in range(3)] == [GOOD] * 3
    assert asked == [1]


def test_what_hangs_is_asked_by_one_thread_and_counts_as_failing(kept, monkeypatch):
    monkeypatch.setattr(keeping, "KEPT_SECONDS", 0.0)
    asked, goes_on = [], threading.Event()

    def hang():
        asked.append(1)
        goes_on.wait(60)
        return GOOD

    use(monkeypatch, hang)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: keeping.find_signs(["broker"]), range(12)))
    # One waited until the deadline; the others did not wait for what nobody knows.
    assert answers.count(None) == 11
    assert [answer for answer in answers if answer] == [BAD]
    assert keeping.find_signs(["broker"]) == BAD
    assert asked == [1]

    goes_on.set()
    wait_until(lambda: keeping.find_signs(["broker"]) == GOOD)


def test_a_fault_is_a_bad_sign_and_the_next_one_asks_again(kept, monkeypatch):
    monkeypatch.setattr(keeping, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "SECONDS", 60.0)
    answers = [GOOD]

    def find():
        if answers:
            return answers.pop()
        raise LookupError

    use(monkeypatch, find)
    assert [keeping.find_signs(["broker"]) for _ in range(2)] == [GOOD, BAD]


def test_who_asks_while_nothing_is_known_is_told_to_come_again(client, monkeypatch):
    monkeypatch.setattr(keeping, "find_signs", lambda _names: None)
    monkeypatch.setattr("incoming_email.monitoring.health.find_signs", lambda _names: None)
    answer = client.get("/health/?only=broker")
    assert (answer.status_code, answer.json()["status"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.django_db(transaction=True)
def test_a_thread_of_its_own_reads_the_database(client, kept, monkeypatch):
    monkeypatch.setattr(keeping, "SECONDS", 60.0)
    answer = client.get("/health/?only=database")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": {"ok": True}})


def ask(port, path, seconds=60):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


@pytest.mark.slow
def test_a_dozen_who_ask_for_a_silent_broker_do_not_stop_the_site(tmp_path):
    """Gunicorn as the Procfile starts it, with its four threads."""
    (port,) = free_ports(1)
    with talking(b"") as silent:
        url = f"redis://127.0.0.1:{silent}/0"
        made = Installation(tmp_path / "data", CELERY_BROKER_URL=url)
        made.set_up()
        line = f"{read_procfile_lines()['web']} --bind 127.0.0.1:{port}"
        with made.running_lines({"web": line}, log=tmp_path / "log"):
            wait_until(lambda: is_taken(port))
            ask(port, "/account/login/")
            with ThreadPoolExecutor(13) as pool:
                asked = [pool.submit(ask, port, "/health/?only=broker") for _ in range(12)]
                began = time.monotonic()
                # Before, none of them ever ended, and this one neither.
                assert pool.submit(ask, port, "/account/login/").result()[0] == 200
                answers = [each.result() for each in asked]
            assert time.monotonic() - began < 45
    assert {status for status, _ in answers} == {503}
    found = [json.loads(body)["checks"] for _, body in answers]
    assert {"broker": {"ok": False}} in found
