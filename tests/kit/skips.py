"""In continuous integration nothing is skipped silently: a skip whose reason is not listed here fails the run."""

from __future__ import annotations

import os

import pytest

# The beginning of each reason that is no gap: what it skips can't be on any machine that CI has.
ALLOWED = (
    "the sandbox is always LNbits",  # AMANI_TEST_LNBITS runs the suite against another version
    "on LNbits ",
    "LNbits ",
    "the LNbits of memory is a 1.6",
    "one version is enough for the others",  # each command was shown to ask the same function on the first
    "takes minutes",  # a batch of a thousand: AMANI_TEST_LONG=1
    "a minute is over: the machine is slow",  # the simulated world draws fewer seeds then
    "no disk can be mounted here",  # in a container without the right to
    "file modes don't bind this user",  # root where no rights can be given up
)

_UNEXPECTED: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that was skipped."""
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a whole file that was skipped."""
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Keep the place and the reason of a skip that is not on the list."""
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED):
        _UNEXPECTED.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI in which something was skipped that should have been run."""
    if os.environ.get("CI") and _UNEXPECTED and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which."""
    if os.environ.get("CI") and _UNEXPECTED:
        terminalreporter.section("skipped, and not on the list of tests/kit/skips.py")
        for each in _UNEXPECTED:
            terminalreporter.line(each)
