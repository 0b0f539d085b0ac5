"""Probes run side by side, and one that hangs or breaks holds up nobody."""

import threading
import time

import pytest
from django.utils import translation

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.describing import name_server
from incoming_email.monitoring.health import probing
from incoming_email.monitoring.health.examinations import Probe
from tests.waiting import PATIENCE_SECONDS

FIRST, SECOND, THIRD = (Finding(step, Answer.YES) for step in ("first", "second", "third"))
STEPS = ("first", "second", "third")


def answers(findings):
    return [(finding.step, finding.answer.value) for finding in findings]


def test_findings_keep_the_order_of_the_probes():
    both = [Probe(("first",), lambda: iter([FIRST]), 60), Probe(STEPS[1:], wait_a_little, 60)]
    assert probing.run(both) == [[FIRST], [SECOND, THIRD]]
    assert probing.run([]) == []


def wait_a_little():
    time.sleep(0.05)
    yield from (SECOND, THIRD)


def test_probe_that_hangs_is_left_behind():
    released = threading.Event()

    def hang():
        yield FIRST
        released.wait(PATIENCE_SECONDS)

    started = time.monotonic()
    (findings,) = probing.run([Probe(STEPS, hang, 1)])
    assert time.monotonic() - started < PATIENCE_SECONDS / 2
    released.set()
    assert answers(findings) == [("first", "yes"), ("second", "no"), ("third", "skipped")]
    assert findings[1].detail == "no answer within 1 seconds"


def test_step_that_takes_too_long_counts_as_unanswered_while_the_whole_has_time():
    released = threading.Event()

    def dawdle():
        yield FIRST
        released.wait(PATIENCE_SECONDS)
        yield from (SECOND, THIRD)

    started = time.monotonic()
    (findings,) = probing.run([Probe(STEPS, dawdle, 60, step_seconds=0.5)])
    assert time.monotonic() - started < 30
    released.set()
    assert answers(findings) == [("first", "yes"), ("second", "no"), ("third", "skipped")]
    assert findings[1].detail == "no answer within 0.5 seconds"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_probe_that_breaks_says_so():
    def fail():
        yield FIRST
        raise RuntimeError("a bug")

    (findings,) = probing.run([Probe(STEPS, fail, 60)])
    assert answers(findings) == [("first", "yes"), ("second", "no"), ("third", "skipped")]
    assert findings[1].detail == "the step failed because of an internal error"


def test_threads_speak_the_language_of_the_caller():
    def tell():
        yield Finding("language", Answer.YES, translation.get_language() or "")

    with translation.override("ko"):
        assert probing.run([Probe(("language",), tell, 60)])[0][0].detail == "ko"


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [("imap.example.com", 993, "imap.example.com:993"), ("::1", 143, "[::1]:143")],
)
def test_name_of_a_server(host, port, name):
    assert name_server(host, port) == name
