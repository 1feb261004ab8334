"""`amani watch` on a real server: each payment once, commands run on it, marks for cron."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest

from amani_cli import clocks
from amani_cli.operations import watching as watching_module
from tests.conftest import AddWallet, change_database
from tests.kit import json_schema
from tests.kit.driver import PATIENCE_S, Amani, environment, schema_of
from tests.kit.fault_proxy import Exchange, FaultProxy, html

pytestmark = pytest.mark.lnbits


class Watch:
    """A running watch, and the documents it has printed."""

    def __init__(self, run: subprocess.Popen[str], talk: list[str]) -> None:
        self.run = run
        self.talk = talk
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.run.stdout is not None
        for line in self.run.stdout:
            self._lines.put(line)

    def next(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        document = json.loads(self._lines.get(timeout=patience_s))
        json_schema.check(document, schema_of("amani.event/1"))
        data = document["data"]
        assert isinstance(data, dict)
        return data

    def silent(self) -> bool:
        try:
            self._lines.get(timeout=3)
        except Empty:
            return True
        return False


@contextmanager
def watching(*options: object, until: str = "websocket is up") -> Iterator[Watch]:
    """`amani watch --json` that has had its first look, and whose log said `until`."""
    words = [sys.executable, "-m", "amani_cli", "watch", "--json", "-v", *[str(word) for word in options]]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as run:
        assert run.stderr is not None
        talk: list[str] = []
        reader = threading.Thread(target=talk.extend, args=(run.stderr,), daemon=True)
        try:
            while not talk or until not in talk[-1]:
                talk.append(run.stderr.readline())
                assert talk[-1], f"it ended: {talk}"
            reader.start()
            yield Watch(run, talk)
        finally:
            run.kill()
            if reader.ident is not None:  # it reads to the end before the stream is closed beneath it
                reader.join()


def move_to(amani: Amani, url: str) -> None:
    """Have every wallet's server be at another address."""
    change_database(Path(os.environ["AMANI_HOME"]), "UPDATE wallet SET url=?", url)


def test_each_payment_is_told_once_with_its_record(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    main.pay(other.invoice(1, "before"))
    with watching("main") as watch:
        main.pay(other.invoice(20, "out"))
        seen = watch.next()
        assert (seen["what"], seen["wallet"], seen["balance_msat"]) == ("payment", "main", 79_000)
        assert (seen["payment"]["direction"], seen["payment"]["amount_msat"]) == ("out", 20_000)
        assert seen["payment"]["status"] == "settled"
        other.pay(main.invoice(5, "in"))
        seen = watch.next()
        assert (seen["payment"]["direction"], seen["payment"]["memo"]) == ("in", "in")
        assert watch.silent()
    memos = [item["memo"] for item in amani("history", "list", "-w", "main", "--json").data["items"]]
    # LNbits tells the time in whole seconds: what was there before may share one, in either order.
    assert memos[:2] == ["in", "out"]
    assert set(memos[2:]) == {"Admin credit", "before"}


@pytest.mark.parametrize(("wrong_s", "then_s"), [(7200, 7200), (7200, 0), (-7200, -7200), (-7200, 0)])
def test_a_clock_that_is_wrong_or_set_hides_nothing_and_tells_nothing_twice(
    amani: Amani, add_wallet: AddWallet, monkeypatch: pytest.MonkeyPatch, wrong_s: float, then_s: float
) -> None:
    main, other = add_wallet("main", 100), add_wallet("other", 50)
    other.pay(main.invoice(3, "before it began"))
    invoice, clock, ahead = main.invoice(7, "it came"), time.time, [wrong_s, then_s]
    monkeypatch.setattr(time, "time", lambda: clock() + ahead[0])

    wait = watching_module._wait

    def paid_meanwhile(*args: Any) -> None:
        if ahead[1:]:
            ahead[:] = ahead[1:]
            other.pay(invoice)
        wait(*args)

    monkeypatch.setattr(watching_module, "_wait", paid_meanwhile)
    seen = amani("watch", "-w", "main", "--for", "5s").stdout
    assert seen.count("it came") == 1
    assert "before it began" not in seen


def test_what_came_while_the_server_was_away_for_hours(
    amani: Amani, add_wallet: AddWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, other = add_wallet("main", 100), add_wallet("other", 50)
    other.pay(main.invoice(3, "before it began"))
    invoice, best, away_s = main.invoice(7, "it came"), clocks.best, [0.0]
    monkeypatch.setattr(clocks, "best", lambda url: best(url) + away_s[0])
    wait = watching_module._wait

    def paid_and_three_hours_later(*args: Any) -> None:
        if not away_s[0]:
            other.pay(invoice)
            away_s[0] = 3 * 3600
        wait(*args)

    monkeypatch.setattr(watching_module, "_wait", paid_and_three_hours_later)
    seen = amani("watch", "-w", "main", "--for", "5s").stdout
    assert seen.count("it came") == 1
    assert "before it began" not in seen


def test_what_amani_itself_pays_is_told_too(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 100)
    other = add_wallet("other")
    with watching() as watch:
        assert amani("pay", other.invoice(3), "--yes", "-w", "main").code == 0
        told = {watch.next()["wallet"], watch.next()["wallet"]}
        assert told == {"main", "other"}


def test_a_command_is_run_with_the_event(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    out = tmp_path / "seen.json"
    script = tmp_path / "on-event"
    script.write_text(f'#!/bin/sh\necho talk\nenv | grep -c LNBITS_API_KEY\ncat > "{out}"\n')
    script.chmod(0o700)
    os.environ["LNBITS_API_KEY"] = other.read_key
    try:
        with watching("main", "--exec", script) as watch:
            main.pay(other.invoice(20))
            assert watch.next()["payment"]["amount_msat"] == 20_000
            ends = time.monotonic() + PATIENCE_S
            while not out.exists() or not out.read_text().endswith("\n"):
                assert time.monotonic() < ends
                time.sleep(0.05)
            assert watch.silent()  # what the command prints is no answer
    finally:
        del os.environ["LNBITS_API_KEY"]
    assert json.loads(out.read_text())["payment"]["amount_msat"] == 20_000


def test_marks_for_cron(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    low = amani("watch", "main", "--below", "200sat", "--for", "1m", "--json")
    assert low.code == 7
    assert low.json["data"]["what"] == "below"
    assert "BELOW" in amani("wallet", "watch", "main", "--below", "200sat").stdout
    fine = amani("watch", "main", "--below", "50sat", "--for", "1s")
    assert (fine.code, fine.stdout) == (0, "")
    with watching("main", "--below", "50sat", "--for", "60s") as watch:
        main.pay(other.invoice(60))
        told = watch.next()
        if told["what"] == "payment":  # LNbits takes it off the balance a moment before it has settled
            told = watch.next()
        assert told["what"] == "below"
        assert watch.run.wait(PATIENCE_S) == 7


def test_what_took_it_below_is_told_before(amani: Amani, add_wallet: AddWallet) -> None:
    """It settles just after the records were read, and just before the balance is asked for."""
    main, other = add_wallet("main", 100), add_wallet("other")
    more: list[str] = []

    def pay_more(exchange: Exchange) -> None:
        answer = exchange.forward()
        if more:
            main.pay(more.pop())
        exchange.reply(answer)

    with FaultProxy(main.server.url) as proxy:
        proxy.on(pay_more, "GET", "/api/v1/payments/paginated.*", times=None)
        move_to(amani, proxy.url)
        with watching("main", "--every", "1s", "--below", "50sat", until="Watching main") as watch:
            more.append(other.invoice(59))
            main.pay(other.invoice(1))
            told = [watch.next() for _ in range(3)]
    assert [each["what"] for each in told] == ["payment", "payment", "below"]
    assert sorted(each["payment"]["amount_msat"] for each in told[:2]) == [1000, 59_000]


def test_it_outlives_the_server(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    with watching("main") as watch:
        main.server.stop()
        try:
            time.sleep(2.5)
        finally:
            main.server.start()
        main.pay(other.invoice(20))
        assert watch.next()["payment"]["amount_msat"] == 20_000
        assert watch.run.poll() is None


def test_a_first_look_that_fails_is_an_error(amani: Amani, add_wallet: AddWallet) -> None:
    held = add_wallet("main")
    held.key_file.unlink()
    assert amani("watch", "main", "--json").error["code"] == "KEY_FILE"


def test_the_websocket_tells_at_once_and_never_by_the_key_that_pays(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    with FaultProxy(main.server.url, websockets=True) as proxy:
        move_to(amani, proxy.url)
        with watching("main", "--every", "1h") as watch:
            for sat in (1, 2, 3):  # it looks by itself in an hour: what is told before that, the websocket told
                main.pay(other.invoice(sat))
                assert watch.next()["payment"]["amount_msat"] == sat * 1000
            assert watch.silent()
        assert [each.path for each in proxy.those("GET", "/api/v1/ws/.*")] == [f"/api/v1/ws/{main.read_key}"]
        for secret in amani.secrets:
            assert secret not in "".join(watch.talk)


def test_a_websocket_that_dies_loses_nothing_and_tells_nothing_twice(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    with FaultProxy(main.server.url, websockets=True) as proxy:
        move_to(amani, proxy.url)
        with watching("main", "--every", "1h") as watch:
            main.pay(other.invoice(1))
            assert watch.next()["payment"]["amount_msat"] == 1000
            proxy.cut_tunnels()
            proxy.down()
            main.pay(other.invoice(2))
            other.pay(main.invoice(1))
            proxy.up()
            told = [watch.next()["payment"], watch.next()["payment"]]
            assert sorted(each["amount_msat"] for each in told) == [1000, 2000]
            main.pay(other.invoice(3))
            assert watch.next()["payment"]["amount_msat"] == 3000
            assert watch.silent()


@pytest.mark.parametrize("answered", [None, 503])
def test_without_a_websocket_it_asks(amani: Amani, add_wallet: AddWallet, answered: int | None) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    with FaultProxy(main.server.url) as proxy:
        if answered:
            proxy.on(html(answered), "GET", "/api/v1/ws/.*", times=None)
        move_to(amani, proxy.url)
        with watching("main", "--every", "1s", until="websocket is down") as watch:
            main.pay(other.invoice(4))
            assert watch.next()["payment"]["amount_msat"] == 4000
            assert watch.silent()
        dialled = proxy.count("GET", "/api/v1/ws/.*")
        assert dialled == 1 if answered is None else dialled >= 2


def test_what_others_push_is_not_believed(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other", 10)
    unpaid, paid = main.invoice(5), main.invoice(6)
    hashes = [amani("invoice", "decode", bolt11, "--json").data["payment_hash"] for bolt11 in (unpaid, paid)]
    forged = {"wallet_balance": 1, "payment": {"payment_hash": hashes[0], "amount": 5000, "status": "success"}}
    with watching("main", "--every", "1h", "--below", "50sat") as watch:
        for data in ("", "[]", "{" * 9000, json.dumps({"payment": {"payment_hash": "ab" * 32}}), json.dumps(forged)):
            pushed = httpx.post(f"{main.server.url}/api/v1/ws/{main.read_key}", params={"data": data}, trust_env=False)
            assert pushed.json()["sent"]
        assert watch.silent()
        other.pay(paid)
        assert watch.next()["payment"]["payment_hash"] == hashes[1]
        assert watch.run.poll() is None
