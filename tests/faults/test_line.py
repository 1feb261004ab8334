"""The line: every command that speaks to an LNbits, broken at each of its requests, in every way that lines break.

Exit code, `money_moved` and journal say what the server says happened; the same command again pays once; `reconcile`
ends, and the books are the server's to the millisatoshi. A redirect is never followed: no key goes to another host.
"""

from __future__ import annotations

import pytest

from tests.faults.line import ALL, COMMANDS, Line, World, world
from tests.faults.tally import DEEP, Tally

__all__ = ["world"]

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]


def chosen(command: int, request: int) -> list[tuple[str, bool]]:
    """The faults for a request, and whether each lasts: all of them, or two that another request has not."""
    if DEEP:
        return [(fault, lasting) for fault in ALL for lasting in (False, True)]
    start = 7 * command + 2 * request  # 7 and the number of faults have no divisor in common
    return [(ALL[at % len(ALL)], (command + request) % 2 == 0) for at in (start, start + 1)]


def test_the_selection_leaves_no_fault_out() -> None:
    tried = {fault for command in range(len(COMMANDS)) for fault, _ in chosen(command, 0)}
    assert tried == set(ALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_request(world: World, name: str, tally: Tally) -> None:
    line = Line(world, COMMANDS[name])
    asked = line.clean()
    fallen = []
    for request in range(len(asked)):
        for fault, lasting in chosen(list(COMMANDS).index(name), request):
            tally("faults")
            try:
                line.broken(asked, request, fault, lasting=lasting)
            except AssertionError as error:
                fallen.append("\n".join([str(error), *getattr(error, "__notes__", [])]))
    assert fallen == [], "\n\n".join(fallen)
