"""Many amani processes at the same time."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.kit.driver import Amani, Environment, Result

_PATIENCE_S = 240.0  # fifty of them share what processors there are
Run = tuple[Sequence[object], Environment | None]


def at_once(amani: Amani, runs: Iterable[Run]) -> list[Result]:
    """Start all of them, then wait for each; in the order they were given."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(amani.started(*words, env=env)) for words, env in runs]
        for each in started:
            each.wait(_PATIENCE_S)  # what they print fits into a pipe
        return [amani.ended(each) for each in started]


def codes(results: Iterable[Result]) -> dict[int, int]:
    """How many ended with which exit code."""
    return dict(Counter(result.code for result in results))
