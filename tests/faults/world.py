"""Commands that talk to LNbits, each with what has to be there before it, on a world of two wallets and one proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit.cheque_world import PASSWORD, log_in
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy

EXIT_CODES = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}
PRICE = {"rate": 1000.5, "price": 99950.02}
"""What the server at hand, being offline, can't tell."""


@dataclass
class World:
    """Two wallets on a server that is reached through the proxy, and what the commands below ask for besides."""

    amani: Amani
    home: Path
    folder: Path
    main: Held
    other: Held
    proxy: FaultProxy
    words: dict[str, str]

    def do(self, *words: str, stdin: str = "") -> Result:
        result = self.amani(*words, "--json", stdin=stdin)
        assert result.code == 0, result
        return result

    def owed(self) -> None:
        self.words["bolt11"] = self.other.invoice(21)

    def asked(self) -> None:
        made = self.do("invoice", "create", "55").data
        self.words |= {"hash": made["payment_hash"], "own": made["bolt11"]}

    def paid(self) -> None:
        self.other.pay(self.main.invoice(34, memo="from outside"))
        self.do("pay", self.other.invoice(8, memo="lunch"), "--yes")

    def was_paid(self) -> None:
        self.asked()
        self.other.pay(self.words["own"])

    def in_doubt(self) -> None:
        self.paid()
        change_database(self.home, "UPDATE payment SET status='unknown', settled_at=NULL, preimage=NULL")

    def user(self) -> None:
        log_in(self.amani, self.main.server, self.proxy.url)

    def registered(self) -> None:
        self.words["user"], _ = self.main.server.new_user(PASSWORD)
        self.amani.secrets.add(PASSWORD)

    def made(self) -> None:
        self.user()
        self.do("wallet", "create", "made", "--url", self.proxy.url)

    def cheque(self) -> None:
        self.user()
        cheque = self.do("cheque", "create", "34", "--yes").data
        self.amani.secrets.add(cheque["code"])
        self.words |= {"cheque": cheque["id"], "code": cheque["code"]}

    def stranger(self) -> None:
        _, key, _ = self.main.server.new_wallet(21)
        self.amani.secrets.add(key)
        self.words["key_file"] = str(write_key(self.folder / "new.key", key))

    def faucet(self) -> None:
        self.do("faucet", "configure", "--wallet", "other")

    def batch(self) -> None:
        table = self.folder / "people.csv"
        table.write_text(f"to,memo\n{self.other.invoice(5)},one\n{self.other.invoice(6)},two\n")
        self.words["plan"] = str(self.folder / "plan.json")
        self.do("batch", "plan", str(table), "-o", self.words["plan"])


def nothing(_: World) -> None: ...


COMMANDS: dict[str, Callable[[World], None]] = {
    "wallet balance": nothing,
    "wallet balance --in USD": nothing,
    "wallet add new --url {url} --key-file {key_file}": World.stranger,
    "login {url} --username {user} --password-stdin": World.registered,
    "wallet create fresh --url {url}": nothing,
    "wallet create fresh --url {url} ": World.user,
    "wallet rotate-keys made --yes": World.made,
    "wallet remove made --delete-remote --yes": World.made,
    "invoice create 21 --memo coffee": nothing,
    "invoice check {hash}": World.was_paid,
    "invoice wait {hash}": World.was_paid,
    "pay {bolt11} --yes": World.owed,
    "pay {bolt11} --yes --max-fee 50": World.owed,
    "pay {bolt11} --dry-run": World.owed,
    "transfer other 21 --yes": nothing,
    "history sync": World.paid,
    "reconcile": World.in_doubt,
    "close --month last": World.paid,
    "trace {hash}": World.was_paid,
    "metrics": World.paid,
    "doctor": nothing,
    "cheque create 21 --yes": World.user,
    "cheque claim - --yes --wallet other": World.cheque,
    "cheque void {cheque} --yes": World.cheque,
    "faucet claim --wallet main": World.faucet,
    "batch run {plan} --yes": World.batch,
}


@pytest.fixture
def world(
    amani: Amani,
    add_wallet: AddWallet,
    home: Path,
    tmp_path: Path,
    shared_keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Its waiting is cut short: how long amani is patient is not what is looked at here."""
    for name in ("amani_cli.payments.engine.LAST_LOOK_S", "amani_cli.providers.http.FIRST_PAUSE_S"):
        monkeypatch.setattr(name, 0.02)
    monkeypatch.setattr("amani_cli.options._seconds", lambda text: 0.05 if text else None)
    other, main = add_wallet("other", 500), add_wallet("main", 5000)
    assert amani("wallet", "use", "main").code == 0
    with FaultProxy(main.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        yield World(amani, home, tmp_path, main, other, proxy, {"url": proxy.url})


def words_of(line: str, world: World) -> tuple[list[str], str]:
    """A line of `COMMANDS`, its world being prepared for it, as words and stdin."""
    COMMANDS[line](world)
    words = [word.format(**world.words) for word in line.split()]
    return words, world.words.get("code", "") if "claim" in words else PASSWORD
