"""Watching wallets: each payment as it settles, once, by the provider's own record; and a balance that falls too low.

Where the server has a websocket, word from it has us ask at once; beneath it, and where there is none, the balance is
asked for now and then, which costs a server next to nothing. When it has changed, and every so often all the same, the
newest records are read into the journal, and what is new there is told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from amani_cli import clocks, errors, keys
from amani_cli.books import history
from amani_cli.models.document import as_json
from amani_cli.models.operations import Event
from amani_cli.payments import receipts
from amani_cli.requests import standing
from amani_cli.store import journal, requests
from amani_cli.store.entries import Entry
from amani_cli.times import now, to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.pushes import Word

EVERY_S = 2.0
FULL_LOOK_S = 30.0
LONGEST_PAUSE_S = 30.0
# Whoever knows the address of a websocket can push: so much apart two looks are at least, and so many payments are
# asked about one by one.
APART_S = 0.2
MOST_HASHES = 20
COMMAND_CAP_S = 60
# How far back a record's own time may lie when it is first seen: the server's clock may differ from ours.
LATE_S = 3600


@dataclass
class _Watched:
    """A wallet, and when (`due`, on the monotonic clock) it is to be looked at next.

    `hashes` are payments that the websocket named since the last look, `all` that the records must be read anyway.
    Nothing that settled before `since` is news.
    """

    wallet: KnownWallet
    every_s: float
    balance: object = None
    looked: float = 0.0
    read: float = 0.0
    due: float = 0.0
    is_pushed: bool = False
    all: bool = True
    hashes: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    failures: int = 0
    since: str = ""

    def heard(self, word: Word) -> None:
        """Take in what the websocket said; without replay, what happened while it was not up has to be read."""
        self.is_pushed = word.what != "down"
        if word.payment_hash is not None and len(self.hashes) < MOST_HASHES:
            self.hashes.add(word.payment_hash)
        else:
            self.all = True
        self.due = min(self.due, max(time.monotonic(), self.looked + APART_S))

    def has_looked(self) -> None:
        """Set the next time: soon where nobody tells us, less and less soon while the server is away."""
        self.looked = time.monotonic()
        pause = max(self.every_s, FULL_LOOK_S) if self.is_pushed and not self.all else self.every_s
        if self.failures:
            pause = max(pause, min(LONGEST_PAUSE_S, EVERY_S * 2**self.failures))
        self.due = self.looked + pause


def watch(
    ws: Workspace,
    chosen: list[KnownWallet],
    *,
    every_s: float = EVERY_S,
    for_s: float | None = None,
    below_msat: int | None = None,
    ready: Callable[[], object] = lambda: None,
) -> Iterator[Event]:
    """Events as they happen: payments that settled since the start, and `below` once a balance is under the mark.

    Each wallet is asked every `every_s` seconds, and less often while its websocket is up. Ends after `for_s` seconds,
    or with the `below` event. A server that goes away is asked again, less and less often. `ready` is called once the
    first look is over: what settles from then on is told. Raises what a first look that fails raises.
    """
    ends = None if for_s is None else time.monotonic() + for_s
    watched = [_Watched(wallet, every_s) for wallet in chosen]

    def below(each: _Watched, balance_msat: int | None) -> Event | None:
        if below_msat is None or balance_msat is None or balance_msat >= below_msat:
            return None
        return Event(now(), "below", each.wallet.name, balance_msat, None)

    for each in watched:
        event = below(each, _look(ws, each))
        each.told = {row.id for row in _settled(ws, each)}
        if event is not None:
            yield event
            return
    filed = _Filed(ws, chosen)
    ready()
    with ExitStack() as ears:
        words = _listen(ws, watched, ears)
        while ends is None or time.monotonic() < ends:
            soon = time.monotonic() + every_s  # a request comes without anybody's word
            _wait(words, min([soon, *[each.due for each in watched]] + ([] if ends is None else [ends])))
            try:
                yield from filed.since()
            except errors.Unreachable as error:  # a ledger that is away is waited for, as a server is
                ws.talk.progress(f"{error.message}; trying again")
                time.sleep(every_s)
                continue
            for each in watched:
                if time.monotonic() < each.due:
                    continue
                if (found := _found(ws, each)) is None:
                    continue
                balance_msat, settled = found
                event = below(each, balance_msat)
                if event is not None:
                    with suppress(errors.AmaniError):  # what took it there is told before
                        history.sync(ws, each.wallet)
                        settled = _settled(ws, each)
                for row in settled:
                    if row.id not in each.told:
                        each.told.add(row.id)
                        yield Event(now(), "payment", each.wallet.name, balance_msat, receipts.receipt(row))
                if event is not None:
                    yield event
                    return


class _Filed:
    """Requests of the watched wallets, and changes of the rules, that are filed from now on."""

    def __init__(self, ws: Workspace, chosen: list[KnownWallet]) -> None:
        self._ws = ws
        self._identities = {"", *(wallet.identity for wallet in chosen)}
        newest = requests.page(ws.store, None, 1)
        self._last = newest[0].id if newest else ""

    def since(self) -> Iterator[Event]:
        """Those that were filed since the last look."""
        for row in requests.newer(self._ws.store, self._last):
            self._last = row.id
            if row.identity in self._identities:
                shown = standing.view(self._ws, row)
                yield Event(now(), "request", shown.wallet, None, None, shown)


def _listen(ws: Workspace, watched: list[_Watched], ears: ExitStack) -> SimpleQueue[tuple[_Watched, Word]]:
    """Open an ear for each wallet whose server can have one; what they hear arrives in the queue."""
    words: SimpleQueue[tuple[_Watched, Word]] = SimpleQueue()
    for each in watched:
        wallet = each.wallet
        if wallet.provider != "lnbits":
            continue
        from amani_cli.providers.pushes import Ear, can_dial

        if not can_dial(wallet.url):
            continue
        ws.restart_clock()
        try:
            with wallet.lnbits("read") as client:
                key = client.listening_key()
        except errors.Unreachable:
            continue
        if key is not None:
            keys.SEEN.add(key)
            ear = Ear(wallet.url, key, lambda word, each=each: words.put((each, word)))  # type: ignore[misc]
            ears.callback(ear.stop)
            ear.start()
    return words


def _wait(words: SimpleQueue[tuple[_Watched, Word]], until: float) -> None:
    """Wait for a word or a moment, and have the wallets take in all the words that are there."""
    try:
        each, word = words.get(timeout=max(0.0, until - time.monotonic()))
        while True:
            each.heard(word)
            each, word = words.get_nowait()
    except Empty:
        pass


def _look(ws: Workspace, each: _Watched) -> int | None:
    """Ask for the balance, and about what the websocket named, or read the newest records; returns msat.

    Those are read when it is time to, and when the balance has changed without a word.
    """
    ws.restart_clock()  # each look has a command's usual time
    hashes, each.hashes = each.hashes, set()
    try:
        with each.wallet.client("read") as client:
            held = shown = client.held()
            is_news = held != each.balance and not hashes
            if each.all or is_news or time.monotonic() - each.read > FULL_LOOK_S:
                history.sync(ws, each.wallet)
                each.read = time.monotonic()
                each.all = False
                shown = client.held()  # what has just been read may have settled after the first look
            elif hashes and not history.confirm(ws, each.wallet, hashes):
                each.all = True
        each.balance, each.failures = held, 0
    except errors.AmaniError:
        each.failures, each.all = each.failures + 1, True
        raise
    finally:
        each.has_looked()
    return shown if isinstance(shown, int) else None


def _found(ws: Workspace, each: _Watched) -> tuple[int | None, list[Entry]] | None:
    """The balance and what settled of late; None while the server, or the ledger, is away."""
    try:
        return _look(ws, each), _settled(ws, each)
    except errors.Unreachable as error:
        ws.talk.progress(f"{error.message}; trying again")
        return None


def _settled(ws: Workspace, each: _Watched) -> list[Entry]:
    """What settled of late, oldest first; a clock that is set back makes nothing older news.

    Late is counted from the last look that could be had: while a server is away for hours, others may pay there.
    """
    late = lately(each.wallet)
    rows = journal.settled_since(ws.store, each.wallet.id, each.since or late)
    each.since = max(each.since, late)
    return rows[::-1]


def lately(wallet: KnownWallet) -> str:
    """From when on what settles is news, by the clock of its server, whose records are told by that one."""
    return to_rfc3339(int(clocks.best(wallet.url)) - LATE_S)


def run(ws: Workspace, line: str, event: Event) -> None:
    """Run a command with the event as JSON on its stdin; no shell, no keys in its environment, a minute at most.

    What it prints goes to stderr. One that fails is warned of, and the watch goes on.
    """
    import shlex
    import subprocess
    import sys

    try:
        done = subprocess.run(
            shlex.split(line),
            input=json.dumps(as_json(event)) + "\n",
            text=True,
            stdout=sys.__stderr__,
            timeout=COMMAND_CAP_S,
            check=False,
            env={name: value for name, value in ws.environ.items() if name not in keys.SECRET_VARIABLES},
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        ws.talk.warn(f"--exec failed: {getattr(error, 'strerror', None) or type(error).__name__}")
        return
    if done.returncode != 0:
        ws.talk.warn(f"--exec ended with exit code {done.returncode}")
