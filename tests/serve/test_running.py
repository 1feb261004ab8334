"""`amani serve` as a process: what it refuses to begin, sockets, crowds, kills, and its end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

import amani_cli.serve
from tests.conftest import AddWallet, Held, change_database
from tests.kit.books import compared
from tests.kit.cheque_world import through
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import Exchange, FaultProxy, kill, only_pay, stall
from tests.kit.serve_world import BROWSER, Link, Phone, serving, write_link

pytestmark = pytest.mark.lnbits


def page(link: Link) -> str:
    return httpx.get(link.url, headers=BROWSER, trust_env=False, timeout=30).text


def await_state(link: Link, state: str) -> None:
    ends = time.monotonic() + 4 * PATIENCE_S  # what was begun is looked at again every few seconds
    while f'class="state {state}"' not in page(link):
        assert time.monotonic() < ends, page(link)
        time.sleep(0.1)


def refused(amani: Amani, *options: object) -> str:
    return str(amani("serve", "--json", *options).error["code"])


class TestBegins:
    def test_needs_an_address(self, amani: Amani, giver: Held) -> None:
        assert refused(amani, "--as-root") == "NO_BASE_URL"
        assert amani("cheque", "create", "7", "--link", "--yes", "--json").error["code"] == "NO_BASE_URL"
        assert amani("cheque", "list", "--json").data["items"] == []

    @pytest.mark.parametrize(
        "url", ["http://pay.example.com", "https://pay.example.com/x", "ftp://x", "pay example", "https://a:b@c.de"]
    )
    def test_an_address_that_can_t_be_one(self, amani: Amani, url: str) -> None:
        assert amani("config", "set", "base_url", url).code == 2

    @pytest.mark.parametrize("url", ["https://pay.example.com", "http://abc.onion", "http://127.0.0.1:8190", "off"])
    def test_an_address(self, amani: Amani, url: str) -> None:
        assert amani("config", "set", "base_url", url).code == 0

    def test_not_as_root(self, amani: Amani, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert refused(amani) == "AS_ROOT"

    @pytest.mark.parametrize("listen", ["0.0.0.0:8190", "[::]:8190", "192.0.2.1:80"])
    def test_not_on_a_public_address_without_a_proxy(self, amani: Amani, base_url: str, listen: str) -> None:
        assert refused(amani, "--as-root", "--listen", listen) == "PUBLIC_LISTEN"

    @pytest.mark.parametrize("listen", ["8190", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", ":8190"])
    def test_what_is_no_place(self, amani: Amani, base_url: str, listen: str) -> None:
        assert refused(amani, "--as-root", "--listen", listen) == "BAD_LISTEN"

    def test_links_are_written_where_they_are_served(
        self, amani: Amani, giver: Held, base_url: str, home: Path
    ) -> None:
        with serving(base_url):
            write_link(amani)
        change_database(home, "UPDATE mark SET value='till-2' WHERE name LIKE 'serve %'")
        elsewhere = amani("cheque", "create", "7", "--link", "--yes", "--json")
        assert (elsewhere.code, elsewhere.error["code"]) == (9, "SERVED_ELSEWHERE")
        assert "till-2" in elsewhere.error["message"]
        assert len(amani("cheque", "list", "--json").data["items"]) == 1

    def test_a_port_that_is_taken(self, amani: Amani, base_url: str) -> None:
        with serving(base_url):
            assert refused(amani, "--as-root", "--listen", base_url.removeprefix("http://")) == "PORT_TAKEN"


def test_fifty_cheques_and_fifty_phones(amani: Amani, add_wallet: AddWallet, base_url: str) -> None:
    giver, taker = add_wallet("giver", 5000), add_wallet("taker")
    written = amani("cheque", "create", "21", "--link", "--count", "50", "--yes", "--json").data["items"]
    links = [Link(each["id"], each["link"], each["lnurl"], each["code"], 21_000) for each in written]
    invoices = [taker.invoice(21) for _ in links]
    with serving(base_url), ThreadPoolExecutor(50) as pool:
        phones = [Phone(lambda sat, invoice=invoice: invoice) for invoice in invoices]  # type: ignore[misc]
        told = list(pool.map(lambda at: phones[at].take(links[at]), range(50)))
        assert told == [{"status": "OK"}] * 50
        assert taker.sat == 50 * 21
    assert {each["status"] for each in amani("cheque", "list", "--json").data["items"]} == {"claimed"}
    compared(amani, giver)


def test_two_processes_and_ten_phones_for_one(amani: Amani, giver: Held, taker: Held, base_url: str) -> None:
    link = write_link(amani, 100)
    from tests.kit.lnbits_server import free_port

    other = f"127.0.0.1:{free_port()}"
    with serving(base_url), serving(base_url, "--listen", other):

        def take(at: int) -> str:
            where = base_url if at % 2 else f"http://{other}"
            host = {"Host": urlsplit(base_url).netloc}
            with httpx.Client(timeout=60, trust_env=False, headers=host) as http:
                offer = http.get(f"{where}{link.path}/lnurl").json()
                if "k1" not in offer:
                    return str(offer["status"])
                query = {"k1": offer["k1"], "pr": taker.invoice(100)}
                return str(http.get(f"{where}{link.path}/callback", params=query).json()["status"])

        with ThreadPoolExecutor(10) as pool:
            told = list(pool.map(take, range(10)))
    assert sorted(told) == ["ERROR"] * 9 + ["OK"]
    assert taker.sat == 100


def is_pay(exchange: Exchange) -> bool:
    return bool(exchange.json.get("out") is True)


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True], ids=["before it heard", "after it acted"])
def test_killed_while_it_pays(
    amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, base_url: str, after: bool
) -> None:
    through(proxy, home)
    link, invoice = write_link(amani), taker.invoice(1000)
    proxy.seen.clear()
    proxy.on(only_pay(kill(after=after)), "POST", "/api/v1/payments")
    with serving(base_url) as run:
        proxy.victim = run
        with pytest.raises(httpx.HTTPError):
            Phone(lambda _: invoice).take(link)
        assert run.wait(PATIENCE_S) == -signal.SIGKILL
    proxy.victim = None
    proxy.heal()
    with serving(base_url):  # another one goes on where it was
        other = Phone(lambda _: taker.invoice(1000)).take(link)
        assert other["status"] == "ERROR", other
        await_state(link, "claimed")
    assert taker.sat == 1000
    pays = [each.json["bolt11"] for each in proxy.those("POST", "/api/v1/payments") if is_pay(each)]
    assert set(pays) == {invoice}
    assert len(pays) == (1 if after else 2)
    assert amani("reconcile").code == 0
    compared(amani, giver)


@pytest.mark.faults
def test_killed_between_the_steps_of_a_claim(amani: Amani, add_wallet: AddWallet, base_url: str, home: Path) -> None:
    giver, taker = add_wallet("giver", 50_000), add_wallet("taker")
    with serving(base_url):
        pass  # which machine serves is written down by now
    for step in range(1, 12):
        link, invoice = write_link(amani), taker.invoice(1000)
        before = taker.sat
        with serving(base_url, python=("-m", "tests.kit.stop_at", str(step))) as run:
            try:
                told = Phone(lambda _, invoice=invoice: invoice).take(link)  # type: ignore[misc]
            except httpx.HTTPError:
                told = {}
            died = run.poll() is not None or (not told and run.wait(PATIENCE_S) == -signal.SIGKILL)
        with serving(base_url):
            if "claiming" in page(link) or "claimed" in page(link):
                await_state(link, "claimed")
            else:
                assert Phone(lambda _: taker.invoice(1000)).take(link) == {"status": "OK"}
        assert taker.sat == before + 1000, step
        if not died:
            break
    else:
        pytest.fail("it never survived")
    assert amani("reconcile").code == 0
    compared(amani, giver)


@pytest.mark.faults
def test_a_wallet_that_dies_at_each_byte(amani: Amani, giver: Held, taker: Held, base_url: str) -> None:
    link, invoice = write_link(amani), taker.invoice(1000)
    place = urlsplit(base_url)
    with serving(base_url):
        offer = httpx.get(f"{link.url}/lnurl", trust_env=False).json()
        path = f"{link.path}/callback?k1={offer['k1']}&pr={quote(invoice)}"
        request = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode()
        for length in range(0, len(request), 1 if os.environ.get("AMANI_TEST_DEEP") else 3):
            say(place.port, request[:length])
        say(place.port, request[:-1])
        assert 'class="state open"' in page(link)
        assert taker.sat == 0
        say(place.port, request)  # heard in full, and gone before the answer
        await_state(link, "claimed")
        assert taker.sat == 1000
        assert httpx.get(base_url + path, trust_env=False).json() == {"status": "OK"}  # it asks again
    assert len(taker.records()) == 1


def say(port: int | None, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port or 80), timeout=10) as line:
        line.sendall(data)


def test_what_was_begun_ends_before_it_leaves(
    amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, base_url: str
) -> None:
    through(proxy, home)
    link, invoice = write_link(amani), taker.invoice(1000)
    proxy.on(only_pay(stall(1.5, after=True)), "POST", "/api/v1/payments")
    with serving(base_url) as run, ThreadPoolExecutor(1) as pool:
        taking = pool.submit(Phone(lambda _: invoice).take, link)
        ends = time.monotonic() + PATIENCE_S
        while not any(is_pay(each) and each.json["bolt11"] == invoice for each in proxy.those("POST")):
            assert time.monotonic() < ends
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        assert taking.result() == {"status": "OK"}
        assert run.wait(PATIENCE_S) == 0
    assert taker.sat == 1000


def test_a_slow_provider_holds_up_no_page(
    amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, base_url: str
) -> None:
    through(proxy, home)
    links = [write_link(amani) for _ in range(4)]
    arrived, go_on = threading.Event(), threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.forward()
        arrived.set()
        go_on.wait(PATIENCE_S)
        exchange.cut()

    proxy.on(slow, "POST", "/api/v1/payments", times=None)
    with serving(base_url), ThreadPoolExecutor(3) as pool:
        page(links[3])  # asked about just now
        invoices = [taker.invoice(1000) for _ in range(3)]
        taking = [pool.submit(Phone(lambda _, at=at: invoices[at]).take, links[at]) for at in range(3)]  # type: ignore[misc]
        assert arrived.wait(PATIENCE_S)
        for _ in range(5):
            assert 'class="state open"' in page(links[3])
        assert not any(each.done() for each in taking)
        go_on.set()
        assert [each.result()["status"] for each in taking] == ["OK"] * 3


def test_behind_a_proxy_it_is_the_proxy_that_says_who_asks(amani: Amani, giver: Held, base_url: str) -> None:
    link = write_link(amani)
    assert amani("config", "set", "limit.visitor", "5/1m").code == 0

    def ask(who: str) -> int:
        headers = {**BROWSER, "X-Forwarded-For": who}
        return httpx.get(link.url, headers=headers, trust_env=False, timeout=30).status_code

    with serving(base_url, "--behind-proxy"):
        # What a visitor wrote there itself stands before what the proxy adds.
        assert [ask(f"198.51.100.{at}, 192.0.2.1") for at in range(7)] == [200] * 5 + [429] * 2
        assert ask("192.0.2.2") == 200
    with serving(base_url):  # without a proxy nobody is believed, and this machine is nobody's guest
        assert [ask("192.0.2.1") for _ in range(7)] == [200] * 7


def test_without_its_libraries_it_says_what_to_install(amani: Amani, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("amani_cli.serve.")]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(amani_cli.serve, name.rpartition(".")[2], raising=False)
    for name in ("werkzeug", "werkzeug.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    refused = amani("serve", "--json")
    assert (refused.code, refused.error["code"]) == (2, "NO_SERVE")
    assert "amani-cli[serve]" in refused.error["hint"]
