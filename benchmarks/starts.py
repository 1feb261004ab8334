"""Whole processes beside the floor: starts, TABs, balances, invoices, a payment."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import records
from benchmarks.measure import Command, Sample, alternate, run, spread
from benchmarks.report import Row
from benchmarks.world import CLONE, World
from tests.keyring.conftest import NEEDED, service
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.tls import self_signed


def compare(
    taken: Mapping[str, Sequence[Sample]], name: str, other: str, bar: float | None, against: str = "the floor"
) -> Row:
    """A row of CPU time; the ratio is the median of those within each round."""
    ours = [sample.cpu_ms for sample in taken[name]]
    theirs = [sample.cpu_ms for sample in taken[other]]
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    return Row(name, "ms", spread(ours), spread(theirs), spread(ratios), bar, against=against)


def start(world: World, times: int) -> Iterator[Row]:
    """What is done before any work: the version, help into a pipe, a mistake."""
    taken = alternate(
        {
            "python -c pass": Command([world.python, "-c", "pass"], world.environment()),
            "floor --help": world.floor("--help"),
            "--version": world.command("--version"),
            "--help, piped": world.command("--help"),
            "wallet balance --help, piped": world.command("wallet", "balance", "--help"),
            "a usage error": Command(
                [world.amani, "wallet", "balance", "--no-such-option"], world.environment(), code=2
            ),
        },
        times,
    )
    yield compare(taken, "floor --help", "python -c pass", None, "python -c pass")
    for name in ("--version", "--help, piped", "wallet balance --help, piped", "a usage error"):
        yield compare(taken, name, "floor --help", 2.2, "floor --help")


def tab(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """A TAB: on names, which amani is asked for, and on words, for which no Python may start."""
    add_wallets(world, server, "tab", 3)
    kinds = {"wallets": "TAB on wallet names", "contacts": "TAB on contacts", "cheques": "TAB on open cheques"}
    asked = {name: world.command("completion", "values", kind, home="tab") for kind, name in kinds.items()}
    taken = alternate({"amani --version": world.command("--version"), **asked}, times)
    for name in asked:
        yield compare(taken, name, "amani --version", 1.5, "amani --version")
    started = float(len(_started_by_words(world)))
    yield Row("TAB on a word: programs started", "", spread([started]), None, spread([started]), 0)


def _started_by_words(world: World) -> list[str]:
    """How often a TAB on commands and flags runs `amani`, for which a script that takes notes stands in."""
    folder, notes = world.root / "tab-bin", world.root / "tab-notes"
    folder.mkdir()
    stand_in = folder / "amani"
    stand_in.write_text(f"#!/bin/sh\necho \"$*\" >>'{notes}'\n")
    stand_in.chmod(0o755)
    script = f"source '{CLONE}/completions/amani.bash'\n"
    for line in ("amani wal", "amani wallet ba", "amani pay x --max-f", "amani history list --status se"):
        words = line.split()
        script += f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _amani '{stand_in}'\n"
        script += '[ "${#COMPREPLY[@]}" -gt 0 ] || exit 1\n'
    run(Command(["bash", "-c", script], world.environment()))
    return notes.read_text().splitlines() if notes.exists() else []


def balance(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """What a wallet holds: by a key in the environment and in a file, and as a table at a terminal."""
    key, where = add_wallets(world, server, "balance", 1)[0]
    variables = {"LNBITS_BASE_URL": server.url, "LNBITS_API_KEY": key}
    in_file = {"LNBITS_BASE_URL": server.url, "FLOOR_KEY_FILE": str(where)}
    words, home = ("wallet", "balance", "--json"), "balance"
    at_terminal = Command([world.amani, "wallet", "balance"], world.environment(home), terminal=True)
    taken = alternate(
        {
            "floor, environment": world.floor(*words, **variables),
            "wallet balance --json, key in the environment": world.command(*words, home="none", **variables),
            "floor, file": world.floor(*words, **in_file),
            "wallet balance --json, key in a file": world.command(*words, home=home),
            "wallet balance, table at a terminal": at_terminal,
        },
        times,
    )
    yield compare(taken, "wallet balance --json, key in the environment", "floor, environment", 2.5)
    yield compare(taken, "wallet balance --json, key in a file", "floor, file", 2.5)
    yield compare(taken, "wallet balance, table at a terminal", "floor, file", 3.3)


def tls(world: World, times: int) -> Iterator[Row]:
    """The same over TLS: what one waits for with a server that is not on this machine."""
    certificate = self_signed(world.root / "certificate.pem", "localhost")
    with records.serving(1, certificate) as url:
        env = {"LNBITS_BASE_URL": url, "LNBITS_API_KEY": records.KEY, "SSL_CERT_FILE": str(certificate)}
        words = ("wallet", "balance", "--json")
        commands = {"floor": world.floor(*words, **env), "amani": world.command(*words, home="none", **env)}
        taken = alternate(commands, times)
    name = "wallet balance --json, over TLS"
    yield compare({name: taken["amani"], "floor": taken["floor"]}, name, "floor", 2.0)


def keyring(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """The same with the key in a Secret Service, which the floor asks by secretstorage, the library keyring uses."""
    home = world.root / "keyring-home"
    home.mkdir(mode=0o700)
    with service(home, "pw") as address:
        session = {"DBUS_SESSION_BUS_ADDRESS": address, "LNBITS_BASE_URL": server.url}
        _, key, _ = server.new_wallet(1000)
        given = world.root / "keyring-key"
        write_key(given, key)
        script = 'exec "$0" wallet add main --url "$1" --key-stdin <"$2"'
        run(Command(["sh", "-c", script, world.amani, server.url, given], world.environment("keyring", **session)))
        slot = _slot(world.root / "keyring" / "amani.db")
        words = ("wallet", "balance", "--json")
        taken = alternate(
            {
                "floor, environment": world.floor(*words, LNBITS_API_KEY=key, **session),
                "floor, keyring": world.floor(*words, FLOOR_KEYRING=f"{slot}:read", **session),
                "wallet balance --json, key in a keyring": world.command(*words, home="keyring", **session),
            },
            times,
        )
    yield compare(taken, "wallet balance --json, key in a keyring", "floor, keyring", 3.0, "the floor with a keyring")
    yield compare(
        taken, "wallet balance --json, key in a keyring", "floor, environment", None, "the floor without a keyring"
    )


def keyring_missing() -> str | None:
    """Why the keyring's row can't be measured."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else None


def _slot(database: Path) -> str:
    with closing(sqlite3.connect(database)) as db:
        (source,) = db.execute("SELECT key_source FROM wallet").fetchone()
    return str(source).removeprefix("keyring:")


def invoice(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """To ask for money, and whether it came."""
    _, where = add_wallets(world, server, "invoice", 1)[0]
    env = {"LNBITS_BASE_URL": server.url, "FLOOR_KEY_FILE": str(where)}
    world.do("config", "set", "limit.invoice", "off", home="invoice")
    world.do("config", "set", "limit.check", "off", home="invoice")
    made = server.call(
        "POST", "/api/v1/payments", key=where.read_text().strip(), json={"out": False, "amount": 21, "memo": "x"}
    )
    held = made["payment_hash"]
    taken = alternate(
        {
            "floor create": world.floor("invoice", "create", "21", "--json", **env),
            "invoice create --json": world.command("invoice", "create", "21", "--json", home="invoice"),
            "floor check": world.floor("invoice", "check", held, "--json", **env),
            "invoice check --json": world.command("invoice", "check", held, "--json", home="invoice"),
        },
        times,
    )
    yield compare(taken, "invoice create --json", "floor create", 2.5)
    yield compare(taken, "invoice check --json", "floor check", 2.5)


def pay(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """To pay an invoice of another wallet on the same server; each is new."""
    _, where = add_wallets(world, server, "pay", 1, sat=100_000)[0]
    _, payee, _ = server.new_wallet()
    env = {"LNBITS_BASE_URL": server.url, "FLOOR_KEY_FILE": str(where)}

    def fresh() -> list[str]:
        body = {"out": False, "amount": 21, "memo": "bench"}
        return [str(server.call("POST", "/api/v1/payments", key=payee, json=body)["bolt11"])]

    ours = Command([world.amani, "pay", "--yes", "--json"], world.environment("pay"), prepare=fresh)
    theirs = Command([world.venv / "bin" / "floor", "pay", "--yes", "--json"], world.environment(**env), prepare=fresh)
    taken = alternate({"floor pay": theirs, "pay --yes --json": ours}, times)
    yield compare(taken, "pay --yes --json", "floor pay", 4.0)


def every_wallet(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """`wallet balance --all` over twenty wallets beside one, on the clock."""
    add_wallets(world, server, "twenty", 20)
    add_wallets(world, server, "one", 1)
    taken = alternate(
        {
            "one": world.command("wallet", "balance", "--json", home="one"),
            "twenty": world.command("wallet", "balance", "--all", "--json", home="twenty"),
        },
        times,
    )
    ours = [sample.wall_ms for sample in taken["twenty"]]
    theirs = [sample.wall_ms for sample in taken["one"]]
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    name = "wallet balance --all, 20 wallets, on the clock"
    yield Row(name, "ms", spread(ours), spread(theirs), spread(ratios), 3.0, against="one wallet")


def add_wallets(
    world: World, server: LnbitsServer, home: str, number: int, sat: int = 1000, **env: str
) -> list[tuple[str, Path]]:
    """New wallets of a home, each with its key in a file; returns the keys and the files."""
    made = []
    for each in range(number):
        _, key, _ = server.new_wallet(sat)
        where = world.root / f"{home}-{each}.key"
        write_key(where, key)
        world.do("wallet", "add", f"wallet {each}", "--url", server.url, "--key-file", where, home=home, **env)
        made.append((key, where))
    return made


def write_key(path: Path, key: str) -> None:
    """A key file as amani wants it."""
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(key)
