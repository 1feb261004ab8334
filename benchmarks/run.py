"""What `make bench` runs: every row of the table, or those that are named.

It installs the wheel into `.cache/bench/venv`, starts a sandbox LNbits on a port of its own and compares whole
processes in alternating rounds. Ratios within a round stand up to a busy machine; milliseconds do not.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from benchmarks import books, bulk, pages, peers, report, shared, starts
from benchmarks.measure import Failed
from benchmarks.report import Report, Row
from benchmarks.world import World, made, server
from tests.kit.lnbits_server import LnbitsServer

WITHOUT_SERVER: dict[str, Callable[[World, int], Iterable[Row]]] = {
    "start": starts.start,
    "history": books.history,
    "export": books.export,
    "journal": books.journal_write,
    "sync": books.sync,
    "tls": starts.tls,
}
WITH_SERVER: dict[str, Callable[[World, int, LnbitsServer], Iterable[Row]]] = {
    "tab": starts.tab,
    "balance": starts.balance,
    "keyring": starts.keyring,
    "invoice": starts.invoice,
    "pay": starts.pay,
    "all": starts.every_wallet,
    "pages": pages.pages,
    "shared": shared.shared,
    "peers": peers.peers,
}
ROWS = (
    *("start", "tab", "balance", "tls", "keyring", "invoice", "pay", "history", "sync", "export", "journal", "batch"),
    *("all", "pages", "shared", "peers"),
)


def main() -> int:
    """Measure, print the table, write the files; 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description="Measure amani beside the floor.")
    parser.add_argument("rows", nargs="*", help=f"which rows: {', '.join(ROWS)} (all of them)")
    parser.add_argument("-n", type=int, default=20, help="rounds (20)")
    parser.add_argument("--payments", type=int, default=1000, help="how many a batch has (1000)")
    parser.add_argument("--json", type=Path, help="write the figures to this file", metavar="FILE")
    parser.add_argument("--picture", type=Path, help="draw them into this SVG", metavar="FILE")
    said = parser.parse_args()
    unknown = set(said.rows) - set(ROWS)
    if unknown:
        parser.error(f"no rows {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    wanted = [name for name in ROWS if not said.rows or name in said.rows]
    rows, skipped = measured(wanted, said.n, said.payments)
    found = Report(rows, skipped, time.strftime("%Y-%m-%d"), machine(), said.n)
    sys.stdout.write(report.text(found))
    report.write(found, said.json, said.picture)
    return int(any(row.met is False for row in rows) or not rows)


def measured(wanted: list[str], times: int, payments: int) -> tuple[list[Row], list[str]]:
    """The rows that were asked for, and those that this machine can't measure."""
    rows: list[Row] = []
    skipped = peers.missing() if "peers" in wanted else []

    def take(name: str, measure: Callable[[], Iterable[Row]]) -> None:
        begun = time.monotonic()
        sys.stderr.write(f"measuring {name} … ")
        sys.stderr.flush()
        try:
            rows.extend(measure())
        except Failed as error:
            skipped.append(f"{name}: {error}")
        sys.stderr.write(f"{time.monotonic() - begun:.0f} s\n")

    with made() as world:
        lacking = {
            "keyring": starts.keyring_missing(),
            "shared": shared.missing(),
            "batch": None if bulk.has_batch(world) else "no such command",
        }
        for name in [name for name in wanted if lacking.get(name)]:
            skipped.append(f"{name}: {lacking[name]}")
            wanted.remove(name)
        for name in wanted:
            if name in WITHOUT_SERVER:
                take(name, partial(WITHOUT_SERVER[name], world, times))
        if any(name in WITH_SERVER for name in wanted):
            with server(world) as running:
                for name in wanted:
                    if name in WITH_SERVER:
                        take(name, partial(WITH_SERVER[name], world, times, running))
        if "batch" in wanted:
            take("batch", partial(bulk.batch, world, payments))
    return rows, skipped


def machine() -> str:
    """The class of machine, without its name."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux") if sys.platform == "linux" else sys.platform
    return f"{os.cpu_count()} shared cores, {system}, {platform.python_implementation()} {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
