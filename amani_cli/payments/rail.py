"""What the engine asks of a provider: to send a journaled payment once, and to look for its record."""

from __future__ import annotations

from typing import Protocol

from amani_cli.payments.verdict import Found
from amani_cli.providers.base import PayAnswer
from amani_cli.store.entries import Entry


class Rail(Protocol):
    """What the engine asks of a provider: to send a journaled payment once, and to look for its record."""

    def post(self, row: Entry) -> PayAnswer:
        """Send it: one POST. Raises `NotSent` when it provably never left."""
        ...

    def find(self, row: Entry) -> Found:
        """Our own record of it, whoever sent it. Raises `errors.AmaniError` when it can't be asked for."""
        ...

    def never_arrived(self, row: Entry) -> bool:
        """Whether a record that is absent proves by now that the request never got there."""
        ...
