"""A week at a desk, with the habits of people: nobody reads too much, is told twice, or lost."""

import pytest

from issues.models import Issue
from servicedesk.models import Ticket
from tests.journeys.desk_week.checks import find_faults
from tests.journeys.desk_week.habits import HABITS
from tests.journeys.desk_week.office import Office, open_office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
DAYS = 10
"""Five on which people begin to write, and as many for the last conversations to end."""


def live(office: Office, tickets: int) -> list[str]:
    """The faults, each with its day."""
    begun: list[object] = []
    running: list = []
    faults: list[str] = []
    for day in range(1, DAYS + 1):
        while len(begun) < tickets * min(day, 5) // 5:
            # Each habit at least once, then by chance.
            habit = HABITS[len(begun)] if len(begun) < len(HABITS) else office.dice.choice(HABITS)
            begun.append(habit)
            running.append(habit(office))
        office.dice.shuffle(running)
        running = [steps for steps in running if next(steps, "ended") is None]
        office.settle()
        office.look_at_held()
        office.settle()
        faults += [f"day {day}: {fault}" for fault in find_faults(office)]
        if faults:
            return faults
        office.clock.pass_by(hours=14)
    return faults


def run(settings, monkeypatch, *, seed, tickets):
    with open_office(settings, monkeypatch, seed) as office:
        faults = live(office, tickets)
    assert not faults, "\n".join(faults)
    assert Ticket.objects.count() >= tickets
    assert Issue.objects.count() == Ticket.objects.count()


def test_a_short_week(settings, monkeypatch):
    run(settings, monkeypatch, seed=1, tickets=len(HABITS))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 22))
def test_a_week_of_two_hundred_tickets(settings, monkeypatch, seed):
    run(settings, monkeypatch, seed=seed, tickets=200)
