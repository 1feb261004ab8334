"""Rows as PostgreSQL hands them out: tuples whose columns are attributes, as those of SQLite's rows are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from psycopg import Connection
from psycopg.adapt import Loader


@lru_cache(256)
def row_class(names: tuple[str, ...]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """The class of rows with these columns; of two of one name the first is meant."""
    columns = {name: property(itemgetter(at)) for at, name in reversed(list(enumerate(names)))}
    return type("PostgresRow", (tuple,), columns)


class _Sum(Loader):
    """A sum of whole numbers, which PostgreSQL gives as a numeric, is a whole number."""

    def load(self, data: Any) -> int:
        return int(bytes(data))


class _Truth(Loader):
    """A condition is 0 or 1, as SQLite has it."""

    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


def adapt(line: Connection[Any]) -> None:
    """Have a line give the values that SQLite would."""
    line.adapters.register_loader("numeric", _Sum)
    line.adapters.register_loader("bool", _Truth)
