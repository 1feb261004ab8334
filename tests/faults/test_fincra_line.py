"""The line to Fincra breaks at each request of each command, in each way: told truly, never paid twice, books equal.

A covering sample runs with every suite; AMANI_TEST_DEEP=1 runs each command, request and fault, once and from there on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import fiat
from tests.faults.fiat import COMMANDS, PAYOUT, SENDS_MONEY, Command, World
from tests.faults.tally import DEEP, Tally
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    answer,
    cut,
    garbled,
    html,
    refuse_from_here_on,
    stall,
    torn,
)

pytestmark = pytest.mark.faults

LARGEST = 64 * 1024
TOO_LONG = b'{"success": true, "data": "' + b"x" * 2 * LARGEST + b'"}'
# What Fincra says of a payout that is none of ours.
OF_ANOTHER = {
    "success": True,
    "message": "Payout fetched successfully",
    "data": {
        "id": 7,
        "reference": "of-another",
        "customerReference": "another",
        "status": "successful",
        "sourceCurrency": "NGN",
        "destinationCurrency": "NGN",
        "amountSent": 17,
        "amountReceived": 17,
        "fee": 0,
        "sourceAmount": 17,
        "amountToCharge": 17,
        "amountToReceive": 17,
        "rate": 1,
        "expireAt": "2100-01-01T00:00:00Z",
        "accountName": "Somebody Else",
        "accountNumber": "0000000000",
        "walletNumber": "0000000000",
        "businessName": "Somebody Else Ltd",
        "currency": "NGN",
        "merchantReference": "another",
        "amountExpected": 17,
        "link": "https://example.com/pay/of-another",
        "payCode": "of-another",
        "results": [],
        "total": 0,
    },
}
LIST_OF_ANOTHER = {
    "success": True,
    "message": "Wallets fetched successfully",
    "data": [{"business": "f" * 24, "currency": "NGN", "availableBalance": 17, "ledgerBalance": 17, "code": "058"}],
}


def redirect(status: int, to: str) -> Fault:
    """The server did nothing and sends the client on: to itself, or to whoever waits in `trap`."""

    def fault(exchange: Exchange) -> None:
        where = trap.url if to == "elsewhere" else exchange.proxy.url
        handler = exchange.handler
        handler.send_response(status)
        handler.send_header("Location", where + exchange.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return fault


def null_data(exchange: Exchange) -> None:
    """The server acts, and the envelope of its answer is empty."""
    body = json.loads(exchange.forward().body)
    answer(200, {**body, "data": None})(exchange)


ERROR = {"success": False, "error": "Error occured during operation.", "errorType": "INTERNAL_SERVER_ERROR"}
FAULTS: dict[str, Fault] = {
    "cut before": cut(after=False),
    "cut after": cut(after=True),
    "silence before": stall(1.2, after=False),
    "silence after": stall(1.2, after=True),
    "429": answer(429, {"message": "API rate limit exceeded"}),
    "429 page": html(429),
    "500 before": answer(500, ERROR),
    "500 after": answer(500, ERROR, after=True),
    "502 page": html(502),
    "502 page after": html(502, after=True),
    "503 after": answer(503, {**ERROR, "errorType": "SERVICE_UNAVAILABLE"}, after=True),
    "520": answer(520, b"", "text/plain"),
    "520 after": answer(520, b"", "text/plain", after=True),
    "page with 200": html(200),
    "half an answer": garbled,
    "torn": torn,
    "too long": answer(200, TOO_LONG, after=True),
    "no success": answer(200, {"success": False, "error": "It did not work", "errorType": "NEW"}, after=True),
    "null data": null_data,
    "a list": answer(200, [1, 2], after=True),
    "a number": answer(200, b"1e400", after=True),
    "a list of nothing": answer(200, {"success": True, "data": [None, 1, {}]}, after=True),
    "another's": answer(200, OF_ANOTHER, after=True),
    "another's before": answer(200, OF_ANOTHER),
    "another's list": answer(200, LIST_OF_ANOTHER, after=True),
    "302 to itself": redirect(302, "itself"),
    "307 elsewhere": redirect(307, "elsewhere"),
    "308 elsewhere": redirect(308, "elsewhere"),
    "refused": refuse_from_here_on,
}

trap: FaultProxy
"""Another host, as far as a key is concerned: nothing may arrive there."""


@pytest.fixture(scope="module", autouse=True)
def _trap() -> Iterator[None]:
    global trap
    with FaultProxy("http://127.0.0.1:9") as trap:
        yield
        assert trap.seen == [], "amani followed a redirect"


@pytest.fixture
def line(amani: Amani, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.2)
    monkeypatch.setattr("amani_cli.providers.http.BODY_LIMIT", LARGEST)
    with fiat.world(amani, home, tmp_path) as made:
        yield made


def asked(proxy: FaultProxy) -> tuple[str, ...]:
    """What has been asked, with references and numbers left out."""
    blanks = {r"-reference/[^/]+$": "-reference/{ref}", r"(conversions/reference)/.*": r"\1/{ref}"}
    blanks[r"/wallets/\d+/"] = "/wallets/{number}/"
    told = [f"{each.method} {each.path.partition('?')[0]}" for each in proxy.seen]
    for pattern, blank in blanks.items():
        told = [re.sub(pattern, blank, each) for each in told]
    return tuple(told)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_clean_run_asks(line: World, name: str) -> None:
    """The requests that the faults below fall on, and that nothing else is at fault."""
    command = COMMANDS[name]
    line.prepare(command.after)
    line.proxy.seen.clear()
    run = line.run(command)
    assert asked(line.proxy) == command.asks
    assert run.code == (6 if command.fails else 0), run
    line.holds_journal_to_the_record()
    assert (len(line.stored), len(line.pages)) == (command.moves, command.makes_page or "page" in line.blanks)


# -- each request, each fault ------------------------------------------------------------------------------------------

Break = tuple[str, int, str, bool]
"""Which command, at which of its requests, how, and whether it stays so."""


def breaks() -> list[Break]:
    """Every one of them in the deep run; else a sample in which each request and each fault comes up several times."""
    chosen = []
    number = 0
    for name, command in COMMANDS.items():
        for index in range(len(command.asks)):
            number += 1
            for kind, fault in enumerate(FAULTS):
                for lasting in (False, True):
                    if fault == "refused" and not lasting:
                        continue
                    sampled = (2 * kind + lasting + 5 * number) % 17 == 0
                    thorough = name == "pay bank" and command.asks[index] == PAYOUT and lasting == (kind % 2 == 0)
                    if DEEP or sampled or thorough:
                        chosen.append((name, index, fault, lasting))
    return chosen


def named(case: Break) -> str:
    name, index, fault, lasting = case
    return f"{name}: {COMMANDS[name].asks[index]} ({index + 1}): {fault}{', from then on' if lasting else ''}"


def break_line(proxy: FaultProxy, index: int, fault: str, lasting: bool) -> None:
    """From the request at `index` on, or at that one alone."""
    if fault != "refused":
        proxy.on(FAULTS[fault], nth=index + 1, times=None if lasting else 1)
    elif index == 0:
        proxy.down()
    else:
        proxy.on(refuse_from_here_on, nth=index)


@pytest.mark.parametrize("case", breaks(), ids=named)
def test_a_line_that_breaks(line: World, case: Break, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    name, index, fault, lasting = case
    command = COMMANDS[name]
    line.prepare(command.after)
    break_line(line.proxy, index, fault, lasting)
    with monkeypatch.context() as patch:
        if lasting:  # no retry of a read will mend it
            patch.setattr("amani_cli.workspace.Workspace.timeout", 0.55)
        first = line.run(command)
    line.proxy.heal()
    tally("faults")
    line.holds_journal_to_the_record()
    (sends if command.moves else looks)(line, command, first)
    line.never_sent_twice()


def outcome(run: Result) -> tuple[int, str]:
    """The exit code, and whether money moved as far as the command can tell."""
    last = json.loads(run.stdout.splitlines()[-1])
    return run.code, "" if last["ok"] else last["error"]["money_moved"]


def looks(line: World, command: Command, first: Result) -> None:
    """A command that moves nothing: it can do it, or says that it could not; then it can."""
    assert outcome(first) in ((0, ""), (6, "no"), (10, "no"), (8, "maybe")), first
    if command.makes_page:
        assert len(line.pages) <= 1
    second = line.run(command)
    if "new" in command.words.split():
        assert (first.code == 0, second.code) in ((True, 2), (False, 0)), second
        listed = [wallet["name"] for wallet in line.amani("wallet", "list", "--json").data["items"]]
        assert listed.count("new") == 1
        return
    assert second.code == 0, second
    if command.makes_page:
        assert [line.double.checkouts[0]["reference"]] == [second.data["link"].rpartition("/")[2]]
        assert line.pages == [second.data["our_reference"]]
    if "page" in line.blanks:
        assert second.data["status"] == "paid"
    line.books()


def sends(line: World, command: Command, first: Result) -> None:
    """A command that moves money: what it says agrees with Fincra, and its repetition moves none a second time."""
    code, moved = outcome(first)
    sends_itself = bool(SENDS_MONEY & set(command.asks))
    if code == 0 and sends_itself:
        assert list(line.moving.values()) == ["successful"] * command.moves, first
    elif code in (8, 11):
        assert moved in ("maybe", ""), first
    elif sends_itself:
        assert (moved, line.moving) == ("no", {}), first
    else:
        assert code in (0, 10), first
    line.repeats_until_certain(command)
