"""Watching wallets: each payment as it settles, once, by the provider's own record; and a balance that falls too low.

A wallet's balance is asked for every few seconds, which costs a server next to nothing. When it has changed, and now
and then all the same, the newest records are read into the journal, and what is new there is told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from amani_cli import errors, history, keys, models, payments
from amani_cli.store import now
from amani_cli.store import payments as journal
from amani_cli.times import to_rfc3339
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

EVERY_S = 2.0
FULL_LOOK_S = 30.0
LONGEST_PAUSE_S = 30.0
COMMAND_CAP_S = 60
# How far back a record's own time may lie when it is first seen: the server's clock may differ from ours.
LATE_S = 3600


@dataclass
class _Watched:
    wallet: KnownWallet
    balance: object = None
    looked: float = 0.0
    told: set[str] = field(default_factory=set)
    failures: int = 0
    again: float = 0.0


def watch(
    ws: Workspace, chosen: list[KnownWallet], *, for_s: float | None = None, below_msat: int | None = None
) -> Iterator[models.Event]:
    """Events as they happen: payments that settled since the start, and `below` once a balance is under the mark.

    Ends after `for_s` seconds, or with the `below` event. A server that goes away is asked again, less and less often.
    Raises what a first look that fails raises.
    """
    ends = None if for_s is None else time.monotonic() + for_s
    watched = [_Watched(wallet) for wallet in chosen]
    for each in watched:
        balance_msat = _look(ws, each, first=True)
        if below_msat is not None and balance_msat is not None and balance_msat < below_msat:
            yield models.Event(now(), "below", each.wallet.name, balance_msat, None)
            return
    while ends is None or time.monotonic() < ends:
        left = EVERY_S if ends is None else min(EVERY_S, ends - time.monotonic())
        time.sleep(max(0.0, left))
        for each in watched:
            if time.monotonic() < each.again:
                continue
            try:
                balance_msat = _look(ws, each)
            except errors.Unreachable as error:
                each.failures += 1
                each.again = time.monotonic() + min(LONGEST_PAUSE_S, EVERY_S * 2**each.failures)
                ws.progress(f"{error.message}; trying again")
                continue
            each.failures = 0
            for row in reversed(journal.settled_since(ws.store, each.wallet.id, _horizon())):
                if row["id"] not in each.told:
                    each.told.add(row["id"])
                    yield models.Event(now(), "payment", each.wallet.name, balance_msat, payments.receipt(row))
            if below_msat is not None and balance_msat is not None and balance_msat < below_msat:
                yield models.Event(now(), "below", each.wallet.name, balance_msat, None)
                return


def _look(ws: Workspace, each: _Watched, *, first: bool = False) -> int | None:
    """Ask for the balance, and read the newest records if it has changed or it is time to; returns msat."""
    ws.deadline = time.monotonic() + ws.timeout  # each look has a command's usual time
    with each.wallet.client("read") as client:
        held = client.held()
    if first or held != each.balance or time.monotonic() - each.looked > FULL_LOOK_S:
        history.sync(ws, [each.wallet])
        each.balance, each.looked = held, time.monotonic()
    if first:
        each.told = {row["id"] for row in journal.settled_since(ws.store, each.wallet.id, _horizon())}
    return held if isinstance(held, int) else None


def _horizon() -> str:
    return to_rfc3339(int(time.time()) - LATE_S)


def run(ws: Workspace, line: str, event: models.Event) -> None:
    """Run a command with the event as JSON on its stdin; no shell, no keys in its environment, a minute at most.

    What it prints goes to stderr. One that fails is warned of, and the watch goes on.
    """
    import shlex
    import subprocess
    import sys

    try:
        done = subprocess.run(
            shlex.split(line),
            input=json.dumps(models.as_json(event)) + "\n",
            text=True,
            stdout=sys.__stderr__,
            timeout=COMMAND_CAP_S,
            check=False,
            env={name: value for name, value in ws.environ.items() if name not in keys.SECRET_VARIABLES},
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        ws.warn(f"--exec failed: {getattr(error, 'strerror', None) or type(error).__name__}")
        return
    if done.returncode != 0:
        ws.warn(f"--exec ended with exit code {done.returncode}")
