"""Proxies of the environment: SOCKS5, so Tor too; NO_PROXY; and whose fault it is when nothing comes through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import AddWallet, change_database, write_key
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer, free_port
from tests.kit.socks import WAYS, socks_proxy
from tests.test_startup import loaded

ONION = "http://" + "a" * 56 + ".onion"


def test_an_onion_s_wallet_is_added_by_plain_http_and_pays_through_tor(
    amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, tmp_path: Path
) -> None:
    """Its name proves the server and its line is encrypted, so no --insecure-http is asked for."""
    payee = add_wallet("payee")
    add_wallet("main", 1000)
    amani("wallet", "remove", "main", "--yes")
    with socks_proxy(lnbits_server.port) as proxy:
        env = {"ALL_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}
        key = tmp_path / "main.key"
        added = amani("wallet", "add", "tor", "--url", ONION[7:], "--key-file", key, "--json", env=env)
        assert added.data["url"] == ONION
        paid = amani("pay", payee.invoice(21), "--wallet", "tor", "--yes", "--json", env=env)
        assert (paid.data["status"], payee.sat) == ("settled", 21)
    assert set(proxy.asked) == {(ONION[7:], 80)}


def test_an_onion_without_a_proxy_is_never_asked_for_in_the_dns(amani: Amani, tmp_path: Path) -> None:
    key = write_key(tmp_path / "key", "k" * 32)
    words = ("wallet", "add", "tor", "--url", ONION, "--key-file", key, "--json")
    refused = amani(*words)
    assert (refused.code, refused.error["code"]) == (10, "NEEDS_TOR")
    assert "socks5h://127.0.0.1:9050" in refused.error["hint"]
    # Nor does a key go in the clear to a proxy that is another machine.
    seen = amani(*words, env={"ALL_PROXY": "socks5h://proxy.example:9050"})
    assert (seen.code, seen.error["code"]) == (10, "NEEDS_TOR")
    assert "proxy.example:9050 is another machine" in seen.error["message"]


def test_a_proxy_with_a_login(amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path) -> None:
    add_wallet("main", 7)
    change_database(home, "UPDATE wallet SET url=?", "http://lnbits.example")
    with socks_proxy(lnbits_server.port, login=b"ada:word-of-the-proxy") as proxy:
        amani.secrets.add("word-of-the-proxy")
        for word, code in (("word-of-the-proxy", 0), ("another-word", 10)):
            url = proxy.url.replace("//", f"//ada:{word}@")
            answer = amani("wallet", "balance", "--json", env={"ALL_PROXY": url})
            assert answer.code == code
    assert answer.error["code"] == "PROXY"
    assert f"the proxy 127.0.0.1:{proxy.port} would not connect to lnbits.example" in answer.error["message"]


@pytest.mark.parametrize("way", ["dead", "dead http", *WAYS])
def test_a_proxy_that_fails_is_named_and_not_the_server(
    amani: Amani, add_wallet: AddWallet, home: Path, way: str
) -> None:
    """Nothing was sent, whatever it does before it has connected: a payment is not in doubt."""
    held = add_wallet("main", 1000)
    invoice = add_wallet("payee").invoice(21)
    change_database(home, "UPDATE wallet SET url=?", "http://lnbits.example")
    with socks_proxy(free_port(), way) as proxy:
        port = free_port() if way.startswith("dead") else proxy.port
        name = f"127.0.0.1:{port}"
        scheme = "http" if way == "dead http" else "socks5h"
        answer = amani("wallet", "balance", "--timeout", "1s", "--json", env={"ALL_PROXY": f"{scheme}://{name}"})
        assert (answer.code, answer.error["code"]) == (10, "PROXY"), answer
        assert answer.error["message"].startswith(f"the proxy {name} "), answer
        env = {"ALL_PROXY": f"{scheme}://{name}"}
        paid = amani("pay", invoice, "--wallet", "main", "--yes", "--timeout", "1s", "--json", env=env)
        assert (paid.code, paid.error["money_moved"]) == (10, "no"), paid
    assert held.sat == 1000


@pytest.mark.parametrize("proxy", ["socks5h://127.0.0.1:9", "ftp://127.0.0.1:9", "socks4://127.0.0.1:9"])
def test_what_no_proxy_names_needs_none_that_works(
    amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path, proxy: str
) -> None:
    add_wallet("main", 7)
    change_database(home, "UPDATE wallet SET url=?", f"http://localhost:{lnbits_server.port}")
    assert amani("wallet", "balance", "-q", env={"ALL_PROXY": proxy}).stdout == "7\n"
    change_database(home, "UPDATE wallet SET url=?", f"http://0.0.0.0:{lnbits_server.port}")
    refused = amani("wallet", "balance", "--json", env={"ALL_PROXY": proxy})
    assert refused.error["code"] in ("PROXY", "BAD_PROXY")
    # Directly, that is: the tests' own network lets nothing go there.
    with pytest.raises(AssertionError, match=r"a test tried to reach 0\.0\.0\.0"):
        amani("wallet", "balance", env={"ALL_PROXY": proxy, "NO_PROXY": "0.0.0.0"})


def test_socks_is_loaded_where_it_is_used_alone(
    amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_wallet("main", 7)
    assert "socksio" not in loaded("wallet", "balance", "--json")[1]
    with socks_proxy(lnbits_server.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        code, modules = loaded("wallet", "balance", "--json")
        assert (code, "socksio" in modules, proxy.asked) == (0, False, [])  # loopback goes straight there
        change_database(home, "UPDATE wallet SET url=?", "http://lnbits.example")
        code, modules = loaded("wallet", "balance", "--json")
        assert (code, "socksio" in modules, set(proxy.asked)) == (0, True, {("lnbits.example", 80)})
