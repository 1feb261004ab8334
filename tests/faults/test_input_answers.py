"""Answers of LNbits that are wrong in any one way, to every request of every command that talks to it.

The real server answers once; then its answers are played again, one of them spoiled. Whatever comes: an exit code of
the table, one clear line, no number that grew or shrank on its way, and what was sent is never called failed.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.depth import examples
from tests.faults.spoiled import spoiled
from tests.faults.tally import Tally
from tests.faults.tape import Restore, Tape
from tests.faults.world import COMMANDS, EXIT_CODES, PRICE, World, words_of, world
from tests.kit.driver import Result

__all__ = ["world"]

pytestmark = pytest.mark.faults

# Commands whose one payment either is, or is not, or is in doubt: nothing that follows can fail.
ONE_PAYMENT = ("pay", "transfer", "faucet")


@pytest.mark.parametrize("line", COMMANDS)
def test_no_answer_breaks_it(line: str, world: World, tmp_path_factory: pytest.TempPathFactory, tally: Tally) -> None:
    words, stdin = words_of(line, world)

    def run() -> Result:
        with_json = () if words == ["metrics"] else ("--json",)
        return world.amani(*words, *with_json, "--timeout", "short", stdin=stdin)

    restore = Restore((world.home, world.folder), beside=tmp_path_factory.mktemp("kept"))
    tape = Tape(world.proxy)
    true = run()
    tape.retell("/api/v1/rate/.*", PRICE)
    assert true.code in (0, 10, 13), true
    known = numbers(true)
    tried = 0

    def holds(wrong: tuple[int, bytes]) -> None:
        nonlocal tried
        tried += 1
        restore()
        tape.rewind(wrong)
        result = run()
        assert result.code in EXIT_CODES, result
        documents = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        failed = any(not document["ok"] for document in documents) if documents else result.code != 0
        assert result.stderr.count("error: ") == failed, result
        written = {abs(int(number)) for number in re.findall(r"-?\b\d{1,4300}\b", wrong[1].decode("utf-8", "replace"))}
        assert numbers(result) <= known | written, result
        if words[0] in ONE_PAYMENT:
            assert tape.paid() <= 1
            assert tape.paid() == 0 or result.code in (0, 8), result
            assert tape.paid() == 1 or result.code in (0, 8) or result.error["money_moved"] == "no", result

    examples(12)(given(_wrong(tape.bodies()))(holds))()
    tally("inputs", tried)


def _wrong(bodies: list[tuple[int, Any]]) -> st.SearchStrategy[tuple[int, bytes]]:
    """Which answer is spoiled, and how."""
    return st.sampled_from(bodies).flatmap(lambda each: st.tuples(st.just(each[0]), spoiled(each[1])))


def numbers(result: Result) -> set[int]:
    """Every amount of money that an answer names, in msat."""
    if not result.stdout.startswith("{"):
        return set()
    found: set[int] = set()

    def look(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                look(each, key)
        elif isinstance(value, list):
            for each in value:
                look(each, name)
        elif name in ("amount_msat", "fee_msat", "balance_msat", "paid_msat") and value is not None:
            assert type(value) is int, (name, value)
            found.add(abs(value))

    for document in result.stdout.splitlines():
        look(json.loads(document), "")
    return found
