"""What a run says of itself: the seed of its order, and at the end what was skipped, and why.

pytest-randomly tells its seed in the header, which `-q` hides. pytest tells of each skipped test;
here it is one line for each program that is missing.
"""

from collections import Counter

import pytest

from tests.servers.programs import parse_reason


def tell_seed(config: pytest.Config) -> str:
    """Empty where the order is not random."""
    seed = config.getoption("randomly_seed", None)
    if seed is None or not config.getoption("randomly_reorganize"):
        return ""
    return f"Random order; the same again: make test SEED={seed}"


def tell_skipped(reasons: list[str]) -> list[str]:
    """One line for each program, most tests first."""
    missing = Counter(name for name, _ in map(parse_reason, reasons))
    remedies = dict(map(parse_reason, reversed(reasons)))
    return [
        f"{name}: {count} {'test' if count == 1 else 'tests'}; {remedies[name]}".removesuffix("; ")
        for name, count in missing.most_common()
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before the first test, so that a run that is cut off can be repeated."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and (line := tell_seed(session.config)):
        terminal.write_line(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With xdist in the process that collects the reports of all."""
    reports = terminalreporter.stats.get("skipped", [])
    texts = [each.longrepr[2].removeprefix("Skipped: ") for each in reports]
    if texts:
        terminalreporter.section("skipped")
        for line in tell_skipped(texts):
            terminalreporter.write_line(line)
    if line := tell_seed(terminalreporter.config):
        terminalreporter.write_line(line)
