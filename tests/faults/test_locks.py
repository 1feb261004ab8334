"""What must not overlap has a lock: the second amani ends with 12, or waits as it was told, and no lock outlives its
process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.line import COMMANDS, Line, World, world
from tests.faults.tally import Tally
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import Exchange

__all__ = ["world"]

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

ALONE = {
    "wallet rotate-keys": ("PUT", "/api/v1/wallet/reset/.*"),
    "cheque void": ("PUT", "/api/v1/wallet/reset/.*"),
    "cheque reissue": ("PUT", "/api/v1/wallet/reset/.*"),
    "batch run": ("POST", "/api/v1/payments"),
}
"""Each command that takes a lock, and a request it makes while it holds it."""


@contextmanager
def stuck(amani: Amani, world: World, name: str) -> Iterator[tuple[list[str], object]]:
    """A process of the command that got as far as that request, and waits for an answer that does not come."""
    line = Line(world, COMMANDS[name])
    words = [*line.command.words(world).split(), "--json"]
    seen = world.proxy.count(*ALONE[name])
    world.proxy.on(_never, *ALONE[name])
    with amani.started(*words) as run:
        while world.proxy.count(*ALONE[name]) == seen:
            assert run.poll() is None
        yield words, run


def _never(exchange: Exchange) -> None:
    exchange.proxy.closing.wait(PATIENCE_S)


@pytest.mark.parametrize("name", ALONE)
def test_the_second_is_refused_and_a_killed_one_leaves_no_lock(
    amani: Amani, world: World, name: str, tally: Tally
) -> None:
    with stuck(amani, world, name) as (words, run):
        second = amani(*words)
        assert (second.code, second.error["code"], second.error["money_moved"]) == (12, "LOCKED", "no")
        assert amani(*words, "--lock-wait", "1s").code == 12
        with amani.started(*words, "--lock-wait", "30s") as waiting:
            run.kill()  # type: ignore[attr-defined]
            run.wait(PATIENCE_S)  # type: ignore[attr-defined]
            assert amani.ended(waiting).code in (0, 8)
    tally("kills")
    assert amani("reconcile").code in (0, 8)
    assert world.payer.sat <= 9000
