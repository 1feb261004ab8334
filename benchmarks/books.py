"""What must not grow with the history: lists and exports of a thousand and of a million payments, and a write."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from amani_cli.store import journal
from amani_cli.store.entries import NewEntry, Whose
from amani_cli.store.ledger import SCHEMA_VERSION, new_id
from amani_cli.store.sqlite import open_store
from benchmarks import records
from benchmarks.measure import Command, alternate, run, spread
from benchmarks.report import Row
from benchmarks.starts import compare, write_key
from benchmarks.world import CACHE, World
from tests.kit.journals import add_wallet

FEW, MANY = 1_000, 1_000_000
BEGIN, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 900
WRITES = 60
SYNCED = 50_000


def history(world: World, times: int) -> Iterator[Row]:
    """`history list` and each of its filters, over both journals."""
    homes = {number: _home(world, number) for number in (FEW, MANY)}
    middle = {number: _middle(world.root / home / "amani.db") for number, home in homes.items()}
    for home in homes.values():
        world.do("history", "list", "--search", "needle", home=home)  # makes the index that the others find
    filters: dict[str, tuple[str, ...]] = {
        "": (),
        "--wallet": ("--wallet", "rare"),
        "--since": ("--since", _day(DAYS - 1)),
        "--until": ("--until", _day(100)),
        "--status": ("--status", "failed"),
        "--direction": ("--direction", "in"),
        "--min": ("--min", "999ksat"),
        "--max": ("--max", "1sat"),
        "--after": ("--after",),
        "--search, rare": ("--search", "needle"),
        "--search, often": ("--search", "coffee"),
    }
    for name, words in filters.items():
        commands = {}
        for number, home in homes.items():
            more = (middle[number],) if words == ("--after",) else ()
            commands[str(number)] = world.command("history", "list", "--json", *words, *more, home=home)
        taken = alternate(commands, times)
        taken[f"history list {name} of 1,000,000".replace("  ", " ")] = taken[str(MANY)]
        bar = 3.0 if "search" in name else 1.15
        yield compare(taken, f"history list {name} of 1,000,000".replace("  ", " "), str(FEW), bar, "the same of 1,000")


def export(world: World, times: int) -> Iterator[Row]:
    """`history export`: memory beside that of a thousand rows, speed beside the sqlite3 shell's."""
    homes = {number: _home(world, number) for number in (FEW, MANY)}
    commands = {
        str(number): world.command("history", "export", "--format", "csv", home=home) for number, home in homes.items()
    }
    few = [run(commands[str(FEW)]) for _ in range(3)]
    shell = Command(_shell(world, world.root / homes[MANY] / "amani.db"), world.environment())
    many, plain = [], []
    for _ in range(max(1, min(3, times // 5))):
        many.append(run(commands[str(MANY)]))
        plain.append(run(shell))
    memory = spread([sample.peak_kib / 1024 for sample in many])
    small = spread([sample.peak_kib / 1024 for sample in few])
    grown = spread([sample.peak_kib / 1024 / small.median for sample in many])
    yield Row("history export of 1,000,000, memory", "MiB", memory, small, grown, 1.5, against="that of 1,000")
    ours = spread([MANY / sample.cpu_ms for sample in many])
    theirs = spread([MANY / sample.cpu_ms for sample in plain])
    ratios = [its.cpu_ms / mine.cpu_ms for its, mine in zip(plain, many, strict=True)]
    name = "history export of 1,000,000, speed"
    against = "sqlite3 -csv, same columns" if shutil.which("sqlite3") else "sqlite3 and csv, same columns"
    yield Row(name, "rows/ms", ours, theirs, spread(ratios), 0.5, at_least=True, against=against)


def _shell(world: World, database: Path) -> list[object]:
    """What writes the same columns of the same rows, as far as SQL can say them."""
    query = (
        "SELECT date(settled_at, 'localtime'), settled_at, wallet, direction, kind,"
        " printf('%s%d.%03d', iif(direction='in', '', '-'), amount_msat/1000, amount_msat%1000),"
        " printf('%d.%03d', fee_msat/1000, fee_msat%1000),"
        " sum(iif(direction='in', amount_msat, -amount_msat)-fee_msat) OVER"
        " (PARTITION BY wallet_id ORDER BY settled_at, id ROWS UNBOUNDED PRECEDING),"
        " 'sat', rate, rate_currency, rate_source, rate_at, category, memo, destination,"
        " EXISTS (SELECT 1 FROM payment other WHERE other.payment_hash=payment.payment_hash"
        " AND other.direction<>payment.direction AND other.status='settled'),"
        " reference, actor, payment_hash, id, sandbox"
        " FROM payment WHERE status='settled' AND sandbox=0 ORDER BY settled_at, id"
    )
    if shutil.which("sqlite3"):
        return ["sqlite3", "-readonly", "-csv", database, query]
    script = (
        "import csv, sqlite3, sys\n"
        f"csv.writer(sys.stdout).writerows(sqlite3.connect({str(database)!r}).execute({query!r}))"
    )
    return [world.python, "-c", script]


def journal_write(world: World, times: int) -> Iterator[Row]:
    """A payment written down durably, beside the same INSERT and COMMIT by sqlite3 alone, one after the other."""
    folder = world.root / "journal"
    store = open_store(folder / "amani.db")
    bare = open_store(folder / "bare.db").connection
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    chance = random.Random(7)
    clocks = {"on the clock": time.perf_counter, "CPU": time.process_time}
    for what, clock in clocks.items():
        ours, theirs, ratios = [], [], []
        for _ in range(times):
            for name in took:
                took[name] = []
            for _ in range(WRITES):
                columns = _columns(chance, new_id("pay"), "2026-08-01T00:00:00Z", 1)
                entry = _entry(columns)
                begun = clock()
                with store.write() as db:
                    journal.insert(db, entry)
                took["ours"].append(clock() - begun)
                columns |= {"id": new_id("pay"), "payment_hash": chance.randbytes(32).hex()}
                insert = f"INSERT INTO payment ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
                values = tuple(columns.values())
                begun = clock()
                bare.execute("BEGIN IMMEDIATE")
                bare.execute(insert, values)
                bare.execute("COMMIT")
                took["bare"].append(clock() - begun)
            ours.append(spread(took["ours"]).median * 1000)
            theirs.append(spread(took["bare"]).median * 1000)
            ratios.append(ours[-1] / theirs[-1])
        name = f"a durable journal write, {what}"
        yield Row(name, "ms", spread(ours), spread(theirs), spread(ratios), 1.5, against="INSERT and COMMIT")
    store.close()
    bare.close()


def sync(world: World, times: int) -> Iterator[Row]:
    """`history sync` of many records beside a bare read of the same pages with one insert each, into such a journal."""
    key = world.root / "sync-key"
    write_key(key, records.KEY)
    with records.serving(SYNCED) as url:
        world.do("wallet", "add", "bench", "--url", url, "--key-file", key, home="sync")

        def anew(home: str) -> list[str]:
            shutil.rmtree(world.root / home, ignore_errors=True)
            shutil.copytree(world.root / "sync", world.root / home)
            return []

        ours = Command(
            [world.amani, "history", "sync"], world.environment("sync-ours"), prepare=lambda: anew("sync-ours")
        )
        env = {"FLOOR_JOURNAL": str(world.root / "sync-bare" / "amani.db"), "LNBITS_BASE_URL": url}
        bare = world.floor("history", "sync", FLOOR_KEY_FILE=str(key), **env)
        theirs = Command(bare.words, bare.env, prepare=lambda: anew("sync-bare"))
        name = f"history sync of {SYNCED:,}"
        taken = alternate({name: ours, "bare": theirs}, max(1, min(5, times // 4)))
    yield compare(taken, name, "bare", 1.5, "reading and inserting alone")


# -- journals of any length ------------------------------------------------------------------------------------


def _home(world: World, number: int) -> str:
    """A home with a journal of so many payments, a copy of one that is made once for each schema."""
    home = f"history-{number}"
    if not (world.root / home).exists():
        (world.root / home).mkdir(mode=0o700)
        os.link(kept(number), world.root / home / "amani.db")
    return home


def kept(number: int) -> Path:
    """A journal of so many payments, to copy: it is made once for each schema."""
    path = CACHE / f"history-{number}-{SCHEMA_VERSION}.db"
    if not path.exists():
        for old in CACHE.glob(f"history-{number}-*"):
            old.unlink()
        half = path.with_suffix(".half")
        _fill(half, number)
        half.rename(path)
    return path


def _fill(path: Path, number: int) -> None:
    store = open_store(path)
    with store.write() as db:
        often, rare = add_wallet(db, "often"), add_wallet(db, "rare")
    db = store.connection
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name='payment' AND sql LIKE 'CREATE%INDEX%'")
    dropped = indexes.fetchall()
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    for name, _ in dropped:
        db.execute(f"DROP INDEX {name}")
    chance = random.Random(number)
    first = _columns(chance, "pay", "", often)
    insert = f"INSERT INTO payment ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
    db.executemany(insert, (tuple(each.values()) for each in _payments(chance, number, often, rare)))
    for _, sql in dropped:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def _payments(chance: random.Random, number: int, often: int, rare: int) -> Iterator[dict[str, object]]:
    """Three years of payments, oldest first; ten of them can be found by a word of their own."""
    for each in range(number):
        at = BEGIN + timedelta(seconds=each * DAYS * 86400 // number)
        made = _columns(
            chance, f"pay_{each:018d}", at.strftime("%Y-%m-%dT%H:%M:%SZ"), rare if each % 97 == 0 else often
        )
        if each % (number // 10) == number // 20:
            made |= {"memo": "a needle in a haystack", "direction": "in"}
        yield made


def _columns(chance: random.Random, id: str, at: str, wallet_id: int) -> dict[str, object]:
    """A payment as the journal has it."""
    failed = chance.random() < 0.0002
    return {
        "id": id,
        "wallet_id": wallet_id,
        "wallet": "main",
        "remote_wallet_id": "1dea" * 8,
        "provider": "lnbits",
        "direction": "out",
        "kind": "pay",
        "status": "failed" if failed else "settled",
        "amount_msat": int(10 ** chance.uniform(3, 9)),
        "fee_msat": chance.randrange(5000),
        "payment_hash": chance.randbytes(32).hex(),
        "bolt11": "lnbc" + chance.randbytes(120).hex(),
        "preimage": None if failed else chance.randbytes(32).hex(),
        "destination": "02" + chance.randbytes(32).hex(),
        "memo": chance.choice(("coffee", "rent for August", "airtime", "school fees", "market, stall 7")),
        "reference": id if chance.random() < 0.1 else None,
        "created_at": at,
        "settled_at": None if failed else at,
    }


def _entry(columns: dict[str, object]) -> NewEntry:
    """The same payment, before it is journaled."""
    whose = Whose(1, "main", "1dea" * 8, "lnbits", 0)
    return NewEntry(whose, **{name: columns[name] for name in NewEntry._fields if name in columns})  # type: ignore[arg-type]


def _day(number: int) -> str:
    return (BEGIN + timedelta(days=number)).strftime("%Y-%m-%d")


def _middle(database: Path) -> str:
    connection = sqlite3.connect(database)
    (number,) = connection.execute("SELECT count(*) FROM payment").fetchone()
    connection.close()
    return f"pay_{number // 2:018d}"
