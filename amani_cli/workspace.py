"""What one run of amani works with: folders, settings, the database and the clock it must finish by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from amani_cli import errors
from amani_cli.config import Config, Paths, paths
from amani_cli.store.address import HERE
from amani_cli.store.ledger import Store


def _silent(text: str) -> None:
    """Progress that nobody watches."""


def _stay_behind(wallet: Any) -> object:
    """Nothing is brought in."""
    return None


def _no_pin(wallet: str) -> str | None:
    """A PIN that nobody gives."""
    return None


class Untold:
    """The ids of what was journaled to be sent and whose outcome nobody has been told yet.

    Shared by the threads of a run. It says what an interrupt or a crash leaves in doubt.
    """

    def __init__(self) -> None:
        self.has_moved = False
        """Whether the user was told of something that moved money: no error after it may say that none did."""
        self._ids: dict[str, bool] = {}
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, entry: str) -> None:
        """Note what is about to be journaled and sent. Raises `errors.Interrupted` when the run is ending."""
        with self._lock:
            if self._closed:
                raise errors.Interrupted
            self._ids[entry] = False

    def sent(self, entry: str) -> None:
        """Note that a byte of it may leave from now on."""
        with self._lock:
            if entry in self._ids:
                self._ids[entry] = True

    def told(self, entry: str | None, *, moved: bool = False) -> None:
        """Strike off what the user was told of, or what provably moved no money; `moved` says that it did."""
        with self._lock:
            self.has_moved = self.has_moved or moved
            self._ids.pop(entry or "", None)

    def close(self) -> tuple[str, ...]:
        """What is left, in the order it was begun; nothing more can begin."""
        with self._lock:
            self._closed = True
            return tuple(self._ids)

    def behind(self, error: errors.AmaniError) -> tuple[str, ...]:
        """What was sent and is left, where an error of the ledger came behind it and says all the same that no money
        moved; nothing more can begin then. Nothing for any other error."""
        if not error.code.startswith("LEDGER_") or error.money_moved != "no":
            return ()
        return tuple(entry for entry in self.close() if self._ids[entry])


def _no_choice(names: list[str]) -> str | None:
    return None


@dataclass
class Said:
    """What the user of a run said of themselves and of what they want done.

    `actor` is who is behind the call, `reason` what a movement of money is for: both go into the audit log. `category`
    is what the books shall file it under; it goes into the journal. `is_agent` says that the actor came by the agents'
    door, and may spend only what the agent of that name was given. `ask_pin` is asked for the PIN of a wallet by name,
    `choose_wallet` which of some wallets is meant; both give None when there is nobody to ask. `tell_wrong` tells
    whoever can be asked again that it was wrong, and is None when nobody can. `lock_wait_s` is how long another amani's
    lock is waited for.
    """

    actor: str | None = None
    reason: str | None = None
    category: str | None = None
    is_agent: bool = False
    ask_pin: Callable[[str], str | None] = _no_pin
    choose_wallet: Callable[[list[str]], str | None] = _no_choice
    tell_wrong: Callable[[str], None] | None = None
    lock_wait_s: float = 0


@dataclass
class Talk:
    """What the user of a run is to be told beside the answer.

    `warnings` is what they should hear, `notes` what is said in passing; `progress` is told what is being waited for,
    and `untold` knows what would be in doubt if the run ended now.
    """

    progress: Callable[[str], None] = _silent
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    untold: Untold = field(default_factory=Untold)

    def warn(self, text: str) -> None:
        """Have the user told something, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def note(self, text: str) -> None:
        """Have the user told something that is no warning: it goes to stderr alone."""
        self.notes.append(text)

    @contextmanager
    def once_paid(self, otherwise: str) -> Iterator[None]:
        """Do what is written down after money has moved: it may fail, and the payment has settled all the same.

        Then the user is warned of what is missing (`otherwise`), and gets the receipt.
        """
        try:
            yield
        except errors.AmaniError as error:
            self.warn(f"paid, but {otherwise}: {error.message}")


@dataclass
class Mandate:
    """What a run may send as a whole, and by whose leave; the threads of a run share it.

    `request` is the request that is carried out, `plan` the hash of the batch that is run, `base_url` where links lead
    that were agreed to. `whole` is what one command comes to, by a wallet's identity and a unit: a line that it is
    above is not passed under in parts.
    """

    request: str | None = None
    plan: str | None = None
    base_url: str | None = None
    whole: dict[tuple[str, str], Decimal] = field(default_factory=dict)


@dataclass
class Workspace:
    """What a run works with, each made when first used, so that cheap commands build nothing.

    `prices` are those of bitcoin that were just asked for, by server and currency, with the moment on the monotonic
    clock; `rules` are the settings of which it is known by now that they count. `catch_up` brings in what a wallet's
    provider has on record by now, for those who need it and stand below the books.
    """

    environ: Mapping[str, str]
    timeout_s: float | None = None
    said: Said = field(default_factory=Said)
    talk: Talk = field(default_factory=Talk)
    wallet_in_use: int | None = None
    prices: dict[tuple[str, str], tuple[Decimal, float]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    mandate: Mandate = field(default_factory=Mandate)
    catch_up: Callable[[Any], object] = _stay_behind

    @cached_property
    def paths(self) -> Paths:
        """Where things are kept."""
        return paths(self.environ)

    @cached_property
    def config(self) -> Config:
        """Settings and the providers' variables."""
        config = Config(self.paths, self.environ)
        config.warnings = self.talk.warnings
        return config

    @cached_property
    def store(self) -> Store:
        """The ledger: the file of this machine, made on first use, or the one that the setting `store` names."""
        if not self.is_shared:
            from amani_cli.store.sqlite import open_store

            return open_store(self.paths.database)
        from amani_cli.store.opening import open_shared

        return open_shared(*self.ledger)

    @property
    def ledger(self) -> tuple[str, Mapping[str, str], Path, str]:
        """What it takes to open a ledger on a server: its address, variables, a folder here, and a password's command.

        The folder keeps what this machine remembers of the ledger by itself.
        """
        command = self.config.get("store_password_command")
        return self.config.get("store"), self.environ, self.paths.data, "" if command == "off" else command

    @cached_property
    def is_shared(self) -> bool:
        """Whether the ledger is on a server, for several machines."""
        return self.config.get("store") != HERE

    @property
    def opened_store(self) -> Store | None:
        """The database if this run has opened it."""
        found: Store | None = self.__dict__.get("store")
        return found

    @property
    def has_store(self) -> bool:
        """Whether there is a ledger yet; looking makes none. One that can't be looked at says so when opened."""
        if self.opened_store is not None:
            return True
        try:
            if self.is_shared:
                return True
            self.paths.database.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, errors.AmaniError):
            return True
        return True

    @cached_property
    def deadline(self) -> float:
        """The moment, on the monotonic clock, by which this command should be done."""
        return time.monotonic() + self.timeout

    @cached_property
    def timeout(self) -> float:
        """Seconds this command may wait: --timeout, then the setting."""
        if self.timeout_s is not None:
            return self.timeout_s
        from amani_cli.times import parse_duration

        return float(parse_duration(self.config.get("timeout")))

    def restart_clock(self) -> None:
        """Give what follows the whole time again: a person has answered, or the next of many things begins."""
        self.deadline = time.monotonic() + self.timeout
