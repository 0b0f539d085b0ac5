"""The line that says how far a command is: on a terminal, and gone at the end."""

import io
from contextlib import redirect_stderr

import pytest

from incoming_email.management import progress
from incoming_email.management.progress import ERASE, show_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def see(*counts, total=None):
    """What a terminal got of these steps."""
    terminal = Terminal()
    with redirect_stderr(terminal), show_progress("main", total) as show:
        for count in counts:
            show(count)
    return terminal.getvalue()


def test_it_is_written_over_and_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0)
    assert see(1, 2, total=3) == f"{ERASE}main: 1 / 3{ERASE}main: 3 / 3{ERASE}"


def test_many_steps_are_few_lines():
    assert 1 <= see(*[1] * 10_000).count("main: ") < 100


def test_it_is_gone_after_a_fault_too():
    terminal = Terminal()

    def fail():
        with redirect_stderr(terminal), show_progress("main") as show:
            show(1)
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert terminal.getvalue() == f"{ERASE}main: 1{ERASE}"


def test_nothing_is_written_where_nobody_looks(capsys):
    with show_progress("main", total=3) as show:
        show(3)
    assert capsys.readouterr().err == ""
