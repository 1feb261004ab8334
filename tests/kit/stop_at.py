"""Runs amani and kills it, as `kill -9` would, right after its Nth step that lasts.

    python -m tests.kit.stop_at N -m amani_cli WORDS…

A step is what outlives the process: a transaction committed, a secret kept or dropped, an answer of a server. N from 1
until a run survives stops it between each two of them. What the last step was is said on stderr.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any


class _Steps:
    def __init__(self, last: int) -> None:
        self._left = last

    def done(self, what: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.write(2, f"killed after: {what}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _after(function: Callable[..., Any], done: Callable[..., None]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        done(*args)
        return result

    return wrapped


def _count_commits(steps: _Steps) -> None:
    from amani_cli.store.ledger import Store
    from amani_cli.store.sqlite import SqliteStore

    kind: type[Store] = SqliteStore
    if "AMANI_STORE" in os.environ:
        from amani_cli.store.postgres import PostgresStore

        kind = PostgresStore
    write = kind.write

    @contextlib.contextmanager
    def written(self: Store) -> Iterator[Any]:
        with write(self) as db:
            yield db
        steps.done("a commit")

    kind.write = written  # type: ignore[method-assign]


def lay(steps: _Steps) -> None:
    """Count every step that lasts."""
    from amani_cli import keys
    from amani_cli.providers import http

    _count_commits(steps)
    keys.keep = _after(keys.keep, lambda place, name, value: steps.done(f"keeping {name.partition(':')[0]}"))
    keys.unkeep = _after(keys.unkeep, lambda place, name: steps.done(f"dropping {name.partition(':')[0]}"))
    http.Line.send = _after(  # type: ignore[method-assign]
        http.Line.send, lambda line, method, path: steps.done(f"{method} {path}")
    )


def main() -> None:
    """Lay the steps, then be amani."""
    lay(_Steps(int(sys.argv[1])))
    sys.argv[1:4] = []
    from amani_cli.__main__ import main as amani

    amani()


if __name__ == "__main__":
    main()
