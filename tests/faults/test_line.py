"""The line: every command that speaks to an LNbits, broken at each of its requests, in every way that lines break.

Exit code, `money_moved` and journal say what the server says happened; the same command again pays once; `reconcile`
ends, and the books are the server's to the millisatoshi. A redirect is never followed: no key goes to another host.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cheques.conftest import PASSWORD, log_in, shared_keyring
from tests.conftest import AddWallet, change_database
from tests.driver import Amani
from tests.fault_proxy import FaultProxy
from tests.faults.line import ALL, BODY_LIMIT, SAT, Command, Line, Stranger, World
from tests.faults.tally import DEEP, Tally
from tests.lnbits_server import LnbitsServer

__all__ = ["shared_keyring"]

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

THERE = frozenset({2})
"""What a second `wallet add` of the same wallet ends with."""

COMMANDS: dict[str, Command] = {
    "wallet add": Command(lambda w: f"wallet add {w.new} --url {w.proxy.url} --key-file {w.key_file}", again=THERE),
    "wallet create": Command(lambda w: f"wallet create {w.new} --url {w.proxy.url} --reference {w.new}"),
    "wallet rotate-keys": Command(lambda w: f"wallet rotate-keys {w.own} --yes", login=True),
    "wallet balance": Command(lambda w: "wallet balance payer"),
    "wallet balance --all": Command(lambda w: "wallet balance --all"),
    "invoice create": Command(lambda w: f"invoice create {SAT} -w payee --memo {w.new}"),
    "invoice create --reference": Command(lambda w: f"invoice create {SAT} -w payee --reference {w.new}"),
    "invoice check": Command(lambda w: f"invoice check {w.paid}"),
    "invoice show": Command(lambda w: f"invoice show {w.invoice}"),
    "invoice wait": Command(lambda w: f"invoice wait {w.paid}"),
    "invoice list": Command(lambda w: f"invoice list -w payee {w.invoice and ''}"),
    "pay": Command(lambda w: f"pay {w.foreign} --yes", SAT),
    "pay --no-wait": Command(lambda w: f"pay {w.foreign} --yes --no-wait", SAT),
    "pay --max-fee": Command(lambda w: f"pay {w.foreign} --yes --max-fee 10", SAT),
    "pay --reference": Command(lambda w: f"pay {w.foreign} --yes --reference {w.new}", SAT),
    "pay --dry-run": Command(lambda w: f"pay {w.foreign} --dry-run"),
    "transfer": Command(lambda w: f"transfer payee {SAT} --yes --reference {w.new}", SAT),
    "faucet claim": Command(lambda w: f"faucet claim -w payee --reference {w.faucet}", SAT),
    "faucet status": Command(lambda w: f"faucet status {w.faucet and ''}"),
    "cheque create": Command(lambda w: f"cheque create {SAT} --yes --reference {w.new}", SAT, login=True),
    "cheque create, no login": Command(lambda w: f"cheque create {SAT} --yes --reference {w.new}", SAT),
    "cheque create --count": Command(lambda w: f"cheque create {SAT} --count 2 --yes --reference {w.new}", 2 * SAT),
    "cheque claim": Command(lambda w: f"cheque claim {w.code} --to payee"),
    "cheque claim --to bolt11": Command(lambda w: f"cheque claim {w.big_code} --to {w.foreign}", keyless=True),
    "cheque list": Command(lambda w: f"cheque list {w.cheque and ''}"),
    "cheque show": Command(lambda w: f"cheque show {w.cheque}"),
    "cheque void": Command(lambda w: f"cheque void {w.cheque} --yes", login=True),
    "cheque void, no login": Command(lambda w: f"cheque void {w.cheque} --yes"),
    "cheque reissue": Command(lambda w: f"cheque reissue {w.cheque} --yes", login=True),
    "cheque sweep": Command(lambda w: f"cheque sweep --yes {w.expired and ''}", login=True),
    "batch run": Command(lambda w: f"batch run {w.plan} --yes --jobs 1", 2 * SAT),
    "batch run --jobs 2": Command(lambda w: f"batch run {w.plan} --yes --jobs 2", 2 * SAT),
    "history sync": Command(lambda w: f"history sync {w.paid and ''}"),
    "reconcile": Command(lambda w: f"reconcile {w.in_doubt}"),
    "trace": Command(lambda w: f"trace {w.paid}"),
    "close": Command(lambda w: "close"),
    "doctor": Command(lambda w: "doctor"),
    "metrics": Command(lambda w: f"metrics -o {w.folder / w.new}"),
    "login": Command(lambda w: f"login {w.proxy.url} -u {w.user} --password-stdin", stdin=PASSWORD),
}
"""A command that speaks to an LNbits is one line here."""


@pytest.fixture
def world(
    amani: Amani,
    add_wallet: AddWallet,
    home: Path,
    lnbits_server: LnbitsServer,
    shared_keyring: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    payee, payer = add_wallet("payee"), add_wallet("payer", 9000)
    assert amani("wallet", "use", "payer").code == 0
    for limit in ("invoice", "check", "cheque", "transfer"):
        assert amani("config", "set", f"limit.{limit}", "off").code == 0
    monkeypatch.setattr("amani_cli.payments.LAST_LOOK_S", 0.3)
    monkeypatch.setattr("amani_cli.providers.http.BODY_LIMIT", BODY_LIMIT)
    stranger = Stranger()
    with FaultProxy(lnbits_server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        yield World(amani, home, proxy, payer, payee, tmp_path, stranger)
    stranger.stop()


def chosen(command: int, request: int) -> list[tuple[str, bool]]:
    """The faults for a request, and whether each lasts: all of them, or two that another request has not."""
    if DEEP:
        return [(fault, lasting) for fault in ALL for lasting in (False, True)]
    start = 7 * command + 2 * request  # 7 and the number of faults have no divisor in common
    return [(ALL[at % len(ALL)], (command + request) % 2 == 0) for at in (start, start + 1)]


def test_the_selection_leaves_no_fault_out() -> None:
    tried = {fault for command in range(len(COMMANDS)) for fault, _ in chosen(command, 0)}
    assert tried == set(ALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_request(amani: Amani, world: World, name: str, tally: Tally) -> None:
    command = COMMANDS[name]
    if command.login:
        log_in(amani, world.payer.server, world.proxy.url)
    line = Line(world, command)
    asked = line.clean()
    fallen = []
    for request in range(len(asked)):
        for fault, lasting in chosen(list(COMMANDS).index(name), request):
            tally("faults")
            try:
                line.broken(asked, request, fault, lasting=lasting)
            except AssertionError as error:
                fallen.append("\n".join([str(error), *getattr(error, "__notes__", [])]))
    assert fallen == [], "\n\n".join(fallen)
