"""Answers of LNURL servers and of Fincra that are wrong in any one way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amani_cli import errors
from amani_cli.providers.links import Link, link_to
from amani_cli.providers.lnurl import Lnurl, PayRequest, WithdrawRequest
from tests.conftest import change_database
from tests.faults.depth import examples
from tests.faults.spoiled import spoiled, spoilers
from tests.faults.tally import Tally
from tests.faults.world import EXIT_CODES
from tests.fiat.test_payouts import shop
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Answer, Exchange, FaultProxy
from tests.kit.fincra_double import Double, Merchant
from tests.kit.lnurl_server import METADATA, LnurlServer
from tests.kit.make_invoice import make_invoice

__all__ = ["shop"]

pytestmark = pytest.mark.faults

MSAT = 21_000
ACTION = {"tag": "url", "description": "the receipt", "url": ""}


def offer(server: LnurlServer, tag: str) -> dict[str, Any]:
    """What an honest server says first."""
    here = {"tag": tag, "callback": f"{server.url}/callback"}
    if tag == "payRequest":
        return {**here, "minSendable": 1000, "maxSendable": 10**9, "metadata": METADATA, "commentAllowed": 20}
    return {**here, "k1": "ab" * 16, "minWithdrawable": 1000, "maxWithdrawable": 10**9, "defaultDescription": "for you"}


def second(server: LnurlServer, tag: str) -> dict[str, Any]:
    """And then."""
    if tag == "payRequest":
        action = {**ACTION, "url": f"{server.url}/receipt"}
        return {"pr": make_invoice(amount_msat=MSAT), "routes": [], "successAction": action}
    return {"status": "OK"}


def follow(link: Link) -> PayRequest | WithdrawRequest | None:
    """What amani does with a link, up to where money would be sent; None where it stops."""
    refused: errors.AmaniError = errors.Unreachable("a login, which amani does not do")
    with Lnurl(deadline=time.monotonic() + 0.05, timeout=0.05, private=True) as net:
        try:
            asked = net.ask(link)
            if isinstance(asked, PayRequest):
                made = net.invoice(asked, MSAT, "", "bitcoin")
                assert made.invoice.amount_msat == MSAT
                return asked
            if isinstance(asked, WithdrawRequest):
                net.withdraw(asked, make_invoice(amount_msat=MSAT))
                return asked
        except errors.AmaniError as error:
            refused = error
    assert refused.exit_code in EXIT_CODES
    assert "\n" not in refused.message
    return None


@pytest.mark.parametrize("tag", ["payRequest", "withdrawRequest"])
def test_what_an_lnurl_server_answers(tag: str, lnurl_server: LnurlServer, tally: Tally) -> None:
    link = link_to(f"{lnurl_server.host}/first", None)
    first, then = offer(lnurl_server, tag), second(lnurl_server, tag)
    tried = 0

    @examples(80)
    @given(st.one_of(st.tuples(st.just("/first"), spoiled(first)), st.tuples(st.just("/callback"), spoiled(then))))
    def holds(wrong: tuple[str, bytes]) -> None:
        nonlocal tried
        tried += 1
        lnurl_server.paths = {"/first": lambda _: first, "/callback": lambda _: then}
        lnurl_server.paths[wrong[0]] = lambda _: wrong[1]
        begun = time.monotonic()
        asked = follow(link)
        assert time.monotonic() - begun < 20
        if asked is not None:
            assert type(asked.min_msat) is int
            assert type(asked.max_msat) is int
            assert asked.min_msat <= MSAT <= asked.max_msat or isinstance(asked, WithdrawRequest)

    holds()
    tally("inputs", tried)


FINCRA = (
    "wallet balance",
    "wallet show shop",
    "pay bank:058/2345678901 5NGN --yes",
    "pay bank:058/2345678901 5NGN --dry-run",
    "wallet convert 5USD --to NGN --yes",
    "invoice create 50NGN --name Ada_Obi --email ada@example.com",
    "contact banks NGN",
    "history sync",
    "reconcile",
    "doctor",
    "trace 2345678901",
)
MOVES = r"/disbursements/payouts|/conversions/initiate"


@pytest.mark.parametrize("line", FINCRA)
def test_what_fincra_answers(
    line: str, amani: Amani, double: Double, shop: Merchant, home: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Each time one answer of the double's, the true one of that moment, with one thing wrong in it."""
    for name in ("payments.engine.LAST_LOOK_S", "providers.http.FIRST_PAUSE_S"):
        monkeypatch.setattr(f"amani_cli.{name}", 0.02)
    monkeypatch.setattr("amani_cli.options._seconds", lambda text: 0.05 if text else None)
    words = [*(word.replace("_", " ") for word in line.split()), "--json", "--timeout", "short"]
    tried = 0
    with FaultProxy(double.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        if line == "reconcile":
            amani("pay", "bank:058/2345678901", "5NGN", "--yes")
            change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL")
        proxy.seen.clear()
        true = amani(*words)
        assert true.code in (0, 4, 8, 13), true
        requests = max(1, proxy.count())

        @examples(25)
        @given(st.integers(1, requests), spoilers())
        def holds(nth: int, spoil: Callable[[Any], bytes]) -> None:
            nonlocal tried
            tried += 1
            change_database(home, "DELETE FROM bank_list")

            def wrong(exchange: Exchange) -> None:
                heard = exchange.forward()
                exchange.reply(Answer(heard.status, spoil(json.loads(heard.body)), heard.content_type))

            proxy.heal()
            proxy.seen.clear()
            proxy.on(wrong, nth=nth)
            result = amani(*words)
            assert result.code in EXIT_CODES, result
            documents = [json.loads(each) for each in result.stdout.splitlines()]
            assert result.stderr.count("error: ") == sum(not each["ok"] for each in documents), result
            sent = proxy.count("POST", MOVES)
            assert sent <= 1
            if line.startswith("pay") and sent:
                assert result.code in (0, 8), result
                if result.code == 0:
                    assert result.data["amount"] == {"value": "5.00", "currency": "NGN"}
            elif line == "reconcile" and result.code == 10:  # what came back is not known of this wallet
                assert result.json["data"]["unasked"] == ["shop"], result
            elif result.code not in (0, 4, 8, 13):
                assert result.error["money_moved"] == "no", result

        holds()
    tally("inputs", tried)
