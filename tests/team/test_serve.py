"""`serve` on a ledger that several machines share: links where it runs, and the truth also while the ledger is away."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import Held
from tests.faults.tally import Tally
from tests.kit import ledgers
from tests.kit.books import compared
from tests.kit.cheque_world import through
from tests.kit.driver import PATIENCE_S, Amani, Environment
from tests.kit.fault_proxy import FaultProxy, kill, only_pay
from tests.kit.ledger_proxy import LedgerProxy, between
from tests.kit.outside_pair import OutsidePair
from tests.kit.persons import filed
from tests.kit.postgres_server import PostgresServer
from tests.kit.serve_world import BROWSER, InProcess, Phone, in_process, serving, write_link
from tests.serve.test_other_wallets import await_sat, scanned

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

OK = {"status": "OK"}


@pytest.fixture
def elsewhere(amani: Amani, giver: Held, home: Path, base_url: str) -> Environment:
    """Another machine of the ledger, which has the wallet's key and the same setting."""
    env: Environment = {"AMANI_HOME": str(home.with_name("second"))}
    words = ("wallet", "add", giver.name, "--url", giver.server.url, "--key-file", giver.key_file)
    assert amani(*words, env=env).code == 0
    assert amani("config", "set", "base_url", base_url, env=env).code == 0
    return env


class TestWhereLinksAreWritten:
    @pytest.fixture(autouse=True)
    def served(self, base_url: str, giver: Held) -> None:
        """It was served here once."""
        with serving(base_url):
            pass

    def test_nowhere_else(
        self,
        amani: Amani,
        giver: Held,
        elsewhere: Environment,
        base_url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Refused with the name of the machine that serves, before anything is begun."""
        from amani_cli.cheques import links

        serves = links.machine()
        table = tmp_path / "table.csv"
        table.write_text("to,amount\nlink,100\n")
        bare = amani("cheque", "create", "100", "--outside", "--yes", "--json").data
        amani.secrets.add(bare["code"])
        monkeypatch.setattr(links, "machine", lambda: "till-2")
        for words in (
            ("cheque", "create", "100", "--link", "--yes"),
            ("cheque", "create", "100", "--link", "--request"),
            ("cheque", "reissue", bare["id"], "--link", "--yes"),
            ("address", "add", "ada", "--wallet", "giver"),
        ):
            refused = amani(*words, "--json", env=elsewhere)
            assert (refused.code, refused.error["code"]) == (9, "SERVED_ELSEWHERE"), words
            assert f"{base_url} is served by {serves}" in refused.error["message"]
            assert serves in refused.error["hint"]
        planned = amani("batch", "plan", table, "-o", tmp_path / "plan", "--wallet", "giver", env=elsewhere)
        assert planned.code == 2
        assert serves in planned.stderr
        assert len(amani("cheque", "list", "--json").data["items"]) == 1
        assert amani("request", "list", "--json").data["items"] == []

    def test_wherever_it_moved_to(
        self, amani: Amani, giver: Held, elsewhere: Environment, base_url: str, home: Path
    ) -> None:
        ledgers.change(home, "UPDATE mark SET value='till-2' WHERE name LIKE 'serve %'")
        with serving(base_url) as run:
            assert run.poll() is None
        assert write_link(amani).url.startswith(base_url)
        listed = amani("cheque", "list", "--json", env=elsewhere).data["items"]
        assert [each["status"] for each in listed] == ["open"]


class TestServed:
    def test_a_link_claimed_by_a_real_lnbits(
        self, amani: Amani, giver: Held, outside: OutsidePair, base_url: str, elsewhere: Environment
    ) -> None:
        other = outside_wallet(outside)
        link = write_link(amani)
        with serving(base_url):
            assert "<h1>1,000 sat</h1>" in page(link.url).text
            offer = scanned(other, link.lnurl)
            body = {"out": False, "amount": 1000, "memo": "a link", "lnurl_withdraw": offer}
            other.server.call("POST", "/api/v1/payments", key=other.read_key, json=body)
            await_sat(other, 3000)
        shown = amani("cheque", "show", link.id, "--json", env=elsewhere)
        assert shown.data["status"] == "claimed"
        assert amani("cheque", "sweep").code == 0
        assert giver.sat == 4000

    def test_an_address(
        self, amani: Amani, giver: Held, outside: OutsidePair, base_url: str, elsewhere: Environment
    ) -> None:
        other = outside_wallet(outside)
        assert amani("address", "add", "ada", "--wallet", "giver").code == 0
        with serving(base_url):
            offer = scanned(other, f"lnurlp://{base_url.removeprefix('http://')}/.well-known/lnurlp/ada")
            body = {"res": offer, "amount": 21_000, "comment": "hello"}
            paid = other.server.call("POST", "/api/v1/payments/lnurl", key=other.admin_key, json=body)
            assert paid["status"] == "success", paid
        assert giver.sat == 5021
        assert amani("history", "sync", env=elsewhere).code == 0
        listed = amani("invoice", "list", "--json", env=elsewhere).data["items"]
        assert [(each["status"], each["memo"].rpartition(": ")[2]) for each in listed] == [("paid", "hello")]

    @pytest.mark.faults
    @pytest.mark.parametrize("after", [False, True], ids=["before it heard", "after it acted"])
    def test_killed_while_it_pays(
        self, amani: Amani, giver: Held, taker: Held, home: Path, base_url: str, after: bool
    ) -> None:
        with FaultProxy(giver.server.url) as lnbits:
            through(lnbits, home)
            link, invoice = write_link(amani), taker.invoice(1000)
            lnbits.on(only_pay(kill(after=after)), "POST", "/api/v1/payments")
            with serving(base_url) as run:
                lnbits.victim = run
                with pytest.raises(httpx.HTTPError):
                    Phone(lambda _: invoice).take(link)
                assert run.wait(PATIENCE_S) == -signal.SIGKILL
            lnbits.victim = None
            lnbits.heal()
            with serving(base_url):
                assert Phone(lambda _: taker.invoice(1000)).take(link)["status"] == "ERROR"
                await_text(link.url, 'class="state claimed"')
            assert taker.sat == 1000
            assert amani("reconcile").code == 0
            compared(amani, giver)


def outside_wallet(outside: OutsidePair) -> Held:
    outside.second.call(
        "PATCH",
        "/admin/api/v1/settings",
        token=outside.second.admin_token,
        json={"lnbits_lnurl_allow_private_ips": True},
    )
    return Held("other", outside.second, *outside.second.new_wallet(2000), key_file=outside.second.root / "none")


def page(url: str) -> httpx.Response:
    return httpx.get(url, headers=BROWSER, trust_env=False, timeout=60)


def await_text(url: str, text: str) -> None:
    """Wait for it: `serve` looks less and less often, and that something never arrived takes 20 s to be certain."""
    ends = time.monotonic() + 4 * PATIENCE_S
    while text not in page(url).text:
        assert time.monotonic() < ends, page(url).text
        time.sleep(0.1)


class TestWithoutItsLedger:
    """Nobody can tell how anything stands: the page says so, and tells the truth again once somebody can."""

    def test_it_says_so_and_recovers(
        self, amani: Amani, giver: Held, taker: Held, base_url: str, home: Path, proxy: LedgerProxy
    ) -> None:
        assert amani("address", "add", "ada", "--wallet", "giver").code == 0
        link = write_link(amani)
        offered = f"{base_url}/.well-known/lnurlp/ada"
        with serving(base_url, "--timeout", "2s") as run:
            assert 'class="state open"' in page(link.url).text
            proxy.is_away = True
            proxy.cut()
            seen = page(link.url)
            assert (seen.status_code, seen.headers["Retry-After"]) == (503, "60")
            assert "answer at the moment" in seen.text
            assert "Traceback" not in seen.text
            assert page(f"{base_url}/c/{'A' * 26}").status_code == 503  # it can't be told from one that is there
            for url in (f"{link.url}/lnurl", f"{link.url}/callback?k1=x&pr=lnbc1", offered):
                told = httpx.get(url, trust_env=False, timeout=60)
                assert (told.status_code, told.json()["status"]) == (503, "ERROR"), url
            assert httpx.get(f"{base_url}/health", trust_env=False).status_code == 200
            assert run.poll() is None
            proxy.is_away = False
            await_text(link.url, 'class="state open"')
            assert httpx.get(offered, trust_env=False).json()["tag"] == "payRequest"
            assert Phone(taker.invoice).take(link) == OK
            run.terminate()
            _, stderr = run.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in stderr
        assert taker.sat == 1000

    def test_a_server_that_crashes_and_comes_back(
        self, amani: Amani, giver: Held, taker: Held, base_url: str, postgres_server: PostgresServer
    ) -> None:
        link = write_link(amani)
        with serving(base_url):
            assert 'class="state open"' in page(link.url).text
            postgres_server.stop()
            try:
                assert page(link.url).status_code == 503
            finally:
                postgres_server.start()
            await_text(link.url, 'class="state open"')
            assert Phone(taker.invoice).take(link) == OK
        assert taker.sat == 1000

    @pytest.mark.faults
    def test_gone_at_each_message_of_a_claim(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        base_url: str,
        home: Path,
        postgres_server: PostgresServer,
        ledger: str,
        tally: Tally,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whatever a wallet was told, its invoice is paid once or never, and the page says which."""
        giver.server.fund(giver.id, 90_000)
        assert amani("config", "set", "limit.cheque", "off").code == 0
        monkeypatch.setattr("amani_cli.cheques.by_link.RESEND_AFTER_S", 0.0)
        for nth in range(1, 200):
            link, invoice, before = write_link(amani, 100), taker.invoice(100), taker.sat
            with between(postgres_server.port) as proxy:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("AMANI_STORE", proxy.address(ledger))
                    site = in_process(base_url)
                    proxy.seen.clear()
                    proxy.at = lambda number, _, nth=nth: "during" if number == nth else None  # type: ignore[misc]
                    told = site.take(link, invoice)
                    broke = len(proxy.seen) >= nth
                is_paid(in_process(base_url), link.path, told, taker, before)
            if not broke:
                break
            tally("faults")
        else:
            pytest.fail("it never came through")
        assert amani("reconcile").code == 0
        compared(amani, giver)


def is_paid(site: InProcess, path: str, told: dict[str, object], taker: Held, before: int) -> None:
    """With the ledger there again: what was told is what happened, or the page said that it was on its way."""
    site.keep()
    state = site.get(path).text
    paid = taker.sat - before
    assert paid in (0, 100)
    assert ('class="state claimed"' if paid else 'class="state open"') in state, (told, state)
    if told == OK:
        assert paid == 100


def test_requests_are_on_no_page(amani: Amani, giver: Held, base_url: str, site: InProcess) -> None:
    """What waits for a second person, who asked and whose approval it takes is nobody's business out there."""
    assert amani("approver", "init", "--key-file", "own.approver").code == 0
    public = amani("approver", "show", "-q").stdout.strip()
    assert amani("approver", "add", "ana", public).code == 0
    assert amani("wallet", "limit", "giver", "--approve-above", "1500sat").code == 0
    asked = filed(amani("cheque", "create", "2000", "--memo", "for Obi", "--link", "--request", "--json"))
    assert amani("address", "add", "ada", "--wallet", "giver").code == 0
    link = write_link(amani)
    tokens = (link.token, "A" * 26, asked["id"], asked["digest"], asked["reference"])
    paths = [f"/c/{token}{more}" for token in tokens for more in ("", "/lnurl", "/callback")]
    paths += [
        f"/{word}{more}" for word in ("request", "requests", "r", "a/ada", "") for more in ("", f"/{asked['id']}")
    ]
    paths += ["/.well-known/lnurlp/ada", f"/.well-known/lnurlp/{asked['id']}", "/health", "/page.css", "/metrics"]
    for path in paths:
        seen = site.get(path)
        for secret in (asked["id"], asked["digest"], "for Obi", "2,000", "approve", "approval", public):
            assert secret not in seen.text, path
        assert seen.status_code in (200, 404), path
