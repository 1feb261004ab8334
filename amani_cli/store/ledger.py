"""The one door to what amani keeps: a ledger, written in short durable transactions, whichever engine keeps it.

`sqlite` keeps it in a file, `postgres` on a server for several machines; nothing outside this package knows which. No
secret is ever stored here, and no network call but to the ledger itself is made while a transaction is open.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Literal, TypeVar

from amani_cli import clocks, errors
from amani_cli.store.clock import LedgerClock
from amani_cli.store.rows import Answer, Row, Transaction
from amani_cli.text import quoted

SCHEMA_VERSION = 17


BUSY_TIMEOUT_S = 30


# What a database of this schema has, so that one that lost a part is told from it without importing the migrations.
TABLES = frozenset(
    {
        *(
            "audit",
            "bank_list",
            "budget",
            "cheque",
            "clock",
            "closed_month",
            "command_success",
            "contact",
            "event",
            "faucet",
        ),
        *("invoice", "login", "mark", "payment", "pin", "pin_threshold", "provider_call", "reference", "resolution"),
        *("met", "rule", "wallet", "read_back", "awaited", "hold", "link", "address", "served"),
        *("request", "approval", "approver", "approval_rule", "approval_line", "agent"),
    }
)


R = TypeVar("R", bound=Row)


class Store:
    """An open ledger. Use `write()` for anything that changes it. `where` says in words where it is kept."""

    engine: ClassVar[Literal["sqlite", "postgresql"]]
    where: str
    clock: LedgerClock
    wrote: bool = False

    def write(self) -> AbstractContextManager[Transaction]:
        """A durable transaction: kept for certain when the block ends, rolled back when it raises.

        Nobody else writes meanwhile. Raises `errors.Locked` after `BUSY_TIMEOUT_S` of waiting for that.
        """
        raise NotImplementedError

    def in_passing(self, write: Callable[[Transaction], object]) -> None:
        """Write what is worth keeping and not worth waiting for; whatever goes wrong with it is let go."""
        raise NotImplementedError

    def before_long(self, write: Callable[[Transaction], object]) -> None:
        """Change what nobody waits for, asking nothing: in a durable transaction, now or along with the next one.

        What is asked of the ledger from now on knows of it. It may be lost with the process.
        """
        with self.write() as db:
            write(db)

    def reading(self) -> AbstractContextManager[None]:
        """Queries that all see the ledger as it stood at the first of them; writers are not held up."""
        raise NotImplementedError

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        raise NotImplementedError

    @contextmanager
    def join(self) -> Iterator[Transaction]:
        """The transaction that a caller has begun, or a durable one of its own."""
        if self.in_transaction:
            yield self.current
        else:
            with self.write() as db:
                yield db

    @property
    def current(self) -> Transaction:
        """What a function that takes a transaction can ask: the one that is open, or the ledger as it stands."""
        raise NotImplementedError

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """A query outside of any transaction; what a function that takes a `Ledger` asks either of the two."""
        raise NotImplementedError

    def all(self, kind: type[R], sql: str, *values: Any) -> list[R]:
        """Every row of a query, as rows of that kind."""
        return self.execute(sql, values).fetchall()

    def one(self, kind: type[R], sql: str, *values: Any) -> R | None:
        """The first row of a query, or None."""
        row: R | None = self.execute(sql, values).fetchone()
        return row

    def each(self, kind: type[R], sql: str, *values: Any) -> Iterator[R]:
        """The rows of a query one at a time, so that any number of them takes no memory."""
        raise NotImplementedError

    def expect(self, sql: str, *values: Any) -> None:
        """Be told of a query that is asked soon: an engine that is far away asks it along with the next message."""

    def take_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write many rows into a table, inside the transaction that is open; returns how many. Memory stays flat."""
        raise NotImplementedError

    def last_number(self, table: str) -> int:
        """The highest number that a table which numbers its rows has ever given."""
        raise NotImplementedError

    def go_on_from(self, table: str, number: int) -> None:
        """Have a table number its next row above this."""
        raise NotImplementedError

    def is_whole(self) -> bool:
        """Whether the engine finds its data as they should be."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file or the line."""
        raise NotImplementedError


Ledger = Store | Transaction
"""The ledger as it stands, or as the caller's transaction sees it: for queries that both have a use for."""


def upsert(table: str, key: str, *columns: str) -> str:
    """The statement that writes a row in place of the one with the same key, if there is one: `key`, then `columns`."""
    names = [*key.split(", "), *columns]
    marks = ",".join("?" * len(names))
    rest = ", ".join(f"{column}=excluded.{column}" for column in columns)
    then = f"UPDATE SET {rest}" if columns else "NOTHING"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT ({key}) DO {then}"


def beyond(text: str) -> str:
    """The first text after all that begin with this one: a range is looked up in an index, where LIKE is not."""
    return text[:-1] + chr(ord(text[-1]) + 1)


def literal(text: str) -> str:
    """A text for the pattern of a LIKE with ESCAPE '\\', in which it stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A fresh id that sorts by time of making: 48 bits of milliseconds and 40 random ones, in base 32."""
    number = (int(clocks.wall() * 1000) << 40) | int.from_bytes(os.urandom(5), "big")
    digits = []
    for _ in range(18):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def new_ids(prefix: str, number: int) -> list[str]:
    """Fresh ids as `new_id` makes them, all of one moment: the random part of each is eight whole digits."""
    import base64

    head = new_id(prefix)[:-8]
    standard = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    tails = base64.b32encode(os.urandom(5 * number)).translate(bytes.maketrans(standard, _CROCKFORD.encode())).decode()
    return [f"{head}{tails[at : at + 8]}" for at in range(0, 8 * number, 8)]


def made_at(id: str) -> float:
    """When `new_id` made an id, in unix seconds."""
    number = 0
    for digit in id.rpartition("_")[2]:
        number = number * 32 + _CROCKFORD.index(digit)
    return (number >> 40) / 1000


def only(rows: list[R], asked: str, noun: str) -> R:
    """The only row, or `errors.NotFound` / `errors.Usage` when there is none or more than one."""
    if not rows:
        raise errors.NotFound(f"no {noun} {quoted(asked)}", hint=f"'amani {noun_list(noun)}' shows what there is.")
    if len(rows) > 1:
        raise errors.Usage(
            f"{quoted(asked)} fits more than one {noun}", code="AMBIGUOUS", hint="Give more of its characters."
        )
    return rows[0]


def noun_list(noun: str) -> str:
    """The command that lists a noun."""
    return {"payment": "history list", "cheque": "cheque list", "invoice": "invoice list"}.get(noun, f"{noun} list")
