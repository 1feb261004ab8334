"""Many amani processes at the same time."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.kit.driver import Amani, Environment, Result

_PATIENCE_S = 240.0  # fifty of them share what processors there are
Run = tuple[Sequence[object], Environment | None]


def at_once(amani: Amani, runs: Iterable[Run], *, crowded: bool = False) -> list[Result]:
    """Start all of them, then wait for each; in the order they were given.

    Where it is `crowded` each has more than the usual half minute: what one server has no time for within that would be
    told "unknown", which is true, and not what is asked here.
    """
    time: dict[str, str | None] = {"AMANI_TIMEOUT": "200s"} if crowded else {}
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(amani.started(*words, env={**time, **(env or {})})) for words, env in runs]
        for each in started:
            each.wait(_PATIENCE_S)  # what they print fits into a pipe
        return [amani.ended(each) for each in started]


def codes(results: Iterable[Result]) -> dict[int, int]:
    """How many ended with which exit code."""
    return dict(Counter(result.code for result in results))
