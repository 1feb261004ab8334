"""A batch of a thousand payments beside a bare loop that sends the same requests on one connection."""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measure import Command, Failed, run, spread
from benchmarks.report import Row
from benchmarks.starts import add_wallets
from benchmarks.world import World, server
from tests.kit.lnbits_server import LnbitsServer

REPEATS = 5


def batch(world: World, payments: int) -> Iterator[Row]:
    """`batch run` of internal payments, each repeat beside the loop, both on fresh servers."""
    ours, theirs, cpu, their_cpu, posts = [], [], [], [], []
    for repeat in range(REPEATS):
        for side in ("amani", "loop") if repeat % 2 else ("loop", "amani"):
            with server(world, f"batch-{side}-{repeat}") as running:
                if side == "amani":
                    rate, cost, sent = _by_amani(world, running, f"batch-{repeat}", payments)
                    ours.append(rate)
                    cpu.append(cost)
                    posts.append(sent)
                else:
                    rate, cost = _by_loop(running, payments)
                    theirs.append(rate)
                    their_cpu.append(cost)
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    name = f"batch run of {payments:,}, payments a second"
    yield Row(name, "/s", spread(ours), spread(theirs), spread(ratios), 0.8, at_least=True, against="a bare loop")
    beside = [mine / its for mine, its in zip(cpu, their_cpu, strict=True)]
    about = f"batch run of {payments:,}, CPU for each"
    yield Row(about, "ms", spread(cpu), spread(their_cpu), spread(beside), 1.6, against="a bare loop")
    yield Row(f"batch run of {payments:,}, POSTs for each", "", spread(posts), None, spread(posts), 1.0, against="")


def _invoices(running: LnbitsServer, payments: int) -> list[str]:
    _, _, payee = running.new_wallet()
    line, headers = _line(running), {"X-Api-Key": payee, "Content-Type": "application/json"}
    made = []
    for number in range(payments):
        body = {"out": False, "amount": 1, "memo": f"bench {number}"}
        line.request("POST", "/api/v1/payments", json.dumps(body), headers)
        made.append(str(json.loads(line.getresponse().read())["bolt11"]))
    return made


def _by_loop(running: LnbitsServer, payments: int) -> tuple[float, float]:
    """Payments a second on the clock, and CPU milliseconds for each."""
    invoices = _invoices(running, payments)
    _, key, _ = running.new_wallet(10 * payments)
    line, headers = _line(running), {"X-Api-Key": key, "Content-Type": "application/json"}
    begun, cpu_s = time.perf_counter(), time.process_time()
    for bolt11 in invoices:
        line.request("POST", "/api/v1/payments", json.dumps({"out": True, "bolt11": bolt11}), headers)
        answer = line.getresponse()
        if answer.status != 201:
            raise Failed(f"the loop was answered {answer.status}: {answer.read()!r}")
        answer.read()
    return payments / (time.perf_counter() - begun), (time.process_time() - cpu_s) * 1000 / payments


def _by_amani(world: World, running: LnbitsServer, home: str, payments: int) -> tuple[float, float, float]:
    """Payments a second on the clock, CPU milliseconds and POSTs for each."""
    invoices = _invoices(running, payments)
    add_wallets(world, running, home, 1, sat=10 * payments)
    table, plan = world.root / f"{home}.csv", world.root / f"{home}.plan"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["to"])
        writer.writerows([bolt11] for bolt11 in invoices)
    world.do("batch", "plan", table, "--output", plan, home=home)
    start = run(world.command("batch", "status", plan, home=home))
    took = run(Command([world.amani, "batch", "run", plan, "--yes", "--quiet"], world.environment(home)))
    seconds = (took.wall_ms - start.wall_ms) / 1000
    return (
        payments / seconds,
        (took.cpu_ms - start.cpu_ms) / payments,
        _posts(world.root / home / "amani.db") / payments,
    )


def _posts(database: Path) -> int:
    """How many POSTs amani sent, as its metrics have counted them."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        (number,) = db.execute("SELECT sum(calls) FROM provider_call WHERE method='POST'").fetchone()
    return int(number)


def _line(running: LnbitsServer) -> http.client.HTTPConnection:
    parts = urlsplit(running.url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def has_batch(world: World) -> bool:
    """Whether this amani has the command."""
    try:
        run(world.command("batch", "--help"))
    except Failed:
        return False
    return True
