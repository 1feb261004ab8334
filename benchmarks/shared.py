"""A ledger on PostgreSQL beside the file: what a payment, a balance and a list of a million cost who asks."""

from __future__ import annotations

import compileall
import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import books
from benchmarks.measure import Command, Sample, alternate, run, spread
from benchmarks.report import Row
from benchmarks.starts import add_wallets, compare
from benchmarks.world import World
from tests.kit import postgres_server
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.postgres_server import PostgresServer

DRIVER = ("psycopg", "psycopg_binary", "psycopg-*.dist-info", "psycopg_binary-*.dist-info", "psycopg_binary.libs")
ALLOWED = 1.3
"""How much of what a bare program of the driver takes may come on top of what the file costs."""


def missing() -> str | None:
    """Why these rows can't be measured."""
    if not postgres_server.FOLDERS:
        return "no PostgreSQL server installed"
    return None if importlib.util.find_spec("psycopg") else "psycopg is not installed"


def shared(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """The rows of a ledger on a server of this machine, by its socket."""
    _add_driver(world)
    with postgres_server.running() as ledgers:
        yield from _spending(world, times, server, ledgers)
        yield from _history(world, times, ledgers)


def _spending(world: World, times: int, server: LnbitsServer, ledgers: PostgresServer) -> Iterator[Row]:
    address = ledgers.by_socket(ledgers.database())
    kinds: dict[str, dict[str, str]] = {"file": {}, "server": {"AMANI_STORE": address}}
    _, payee, _ = server.new_wallet()

    def fresh() -> list[str]:
        body = {"out": False, "amount": 21, "memo": "bench"}
        return [str(server.call("POST", "/api/v1/payments", key=payee, json=body)["bolt11"])]

    commands = {"bare": _bare(world, address)}
    for kind, env in kinds.items():
        home = f"shared-{kind}"
        add_wallets(world, server, home, 1, sat=100_000, **env)
        commands[f"balance, {kind}"] = world.command("wallet", "balance", "--json", home=home, **env)
        pay = world.command("pay", "--yes", "--json", home=home, **env)
        commands[f"pay, {kind}"] = Command(pay.words, pay.env, prepare=fresh)
    taken = alternate(commands, times)
    for what, name in {"pay": "pay --yes --json", "balance": "wallet balance --json"}.items():
        yield _on_top(taken, f"{name}, ledger on PostgreSQL", f"{what}, server", f"{what}, file")


def _on_top(taken: Mapping[str, Sequence[Sample]], name: str, ours: str, file: str) -> Row:
    mine = [sample.cpu_ms for sample in taken[ours]]
    theirs = [one.cpu_ms + ALLOWED * bare.cpu_ms for one, bare in zip(taken[file], taken["bare"], strict=True)]
    ratios = [each / other for each, other in zip(mine, theirs, strict=True)]
    against = f"the file's + {ALLOWED} × bare psycopg"
    return Row(name, "ms", spread(mine), spread(theirs), spread(ratios), 1.0, against=against)


def _bare(world: World, address: str) -> Command:
    """What any program pays for the driver: to import it, connect and ask one thing."""
    script = f"import psycopg; psycopg.connect({address!r}, autocommit=True).execute('SELECT 1').fetchone()"
    return Command([world.python, "-c", script], world.environment())


def _history(world: World, times: int, ledgers: PostgresServer) -> Iterator[Row]:
    """`store copy` of both journals, `history list` of what came, and back into a file."""
    samples, lists, addresses = {}, {}, {}
    for number in (books.FEW, books.MANY):
        home = f"shared-{number}"
        (world.root / home).mkdir(mode=0o700)
        shutil.copy(books.kept(number), world.root / home / "amani.db")
        (world.root / home / "amani.db").chmod(0o600)
        plain = ledgers.empty()
        ledgers.run("CREATE EXTENSION pg_trgm", plain)
        address = addresses[number] = ledgers.by_socket(plain)
        world.do("store", "upgrade", home=home, AMANI_STORE=address)
        samples[number] = run(world.command("store", "copy", "--to", address, "--yes", home=home))
        ledgers.run("VACUUM ANALYZE", plain)  # as the server does by itself before long
        lists[number] = {
            name: world.command("history", "list", "--json", *words, home=home, AMANI_STORE=address)
            for name, words in {
                "": (),
                "--status": ("--status", "failed"),
                "--search, rare": ("--search", "needle"),
            }.items()
        }
    yield from _copied("to PostgreSQL", samples)
    for what in lists[books.FEW]:
        taken = alternate({str(number): lists[number][what] for number in lists}, times)
        row = f"history list {what} of {books.MANY:,} on PostgreSQL".replace("  ", " ")
        taken[row] = taken[str(books.MANY)]
        yield compare(taken, row, str(books.FEW), 3.0 if "search" in what else 1.15, f"the same of {books.FEW:,}")
    back = {}
    for number, address in addresses.items():
        home, file = f"shared-{number}", world.root / f"back-{number}.db"
        words = ("store", "copy", "--to", f"sqlite:{file}", "--yes")
        back[number] = run(world.command(*words, home=home, AMANI_STORE=address))
    yield from _copied("from there into a file", back)


def _copied(where: str, samples: Mapping[int, Sample]) -> Iterator[Row]:
    """What a move took: its memory must not grow with the journal."""
    few, many = samples[books.FEW], samples[books.MANY]
    name = f"store copy of {books.MANY:,} {where}"
    memory, less = spread([many.peak_kib / 1024]), spread([few.peak_kib / 1024])
    grown = spread([many.peak_kib / few.peak_kib])
    yield Row(f"{name}, memory", "MiB", memory, less, grown, 1.5, against=f"that of {books.FEW:,}")
    yield Row(f"{name}, on the clock", "s", spread([many.wall_ms / 1000]), None, None)


def _add_driver(world: World) -> None:
    """Have the installed amani find the driver, as the extra brings it: the one of this very environment."""
    spec = importlib.util.find_spec("psycopg")
    assert spec is not None
    assert spec.origin is not None
    here = Path(spec.origin).parent.parent
    (there,) = (world.venv / "lib").glob("python*/site-packages")
    for pattern in DRIVER:
        for found in here.glob(pattern):
            shutil.copytree(found, there / found.name, dirs_exist_ok=True)
    compileall.compile_dir(there / "psycopg", quiet=2)
