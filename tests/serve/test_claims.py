"""A cheque by its link: whoever holds it takes the money, once, by any wallet; nothing is taken twice or lost."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from amani_cli import clocks
from amani_cli.cheques import by_link
from amani_cli.times import to_rfc3339
from tests.conftest import AddWallet, Held, change_database, take_server_away
from tests.kit.books import compared
from tests.kit.cheque_world import User, grow_older, through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, answer, cut, only_pay
from tests.kit.going_back import Copied
from tests.kit.lnurl_server import LnurlServer
from tests.kit.machine import Machine
from tests.kit.make_invoice import make_invoice
from tests.kit.serve_world import InProcess, Link, in_process, write_link

pytestmark = pytest.mark.lnbits

OK = {"status": "OK"}


@pytest.fixture
def link(giver: Held, taker: Held, amani: Amani, base_url: str) -> Link:
    """A link worth 1,000 sat."""
    return write_link(amani)


def ago(seconds: int) -> str:
    """A moment so many seconds ago."""
    return to_rfc3339(int(time.time()) - seconds)


def payments(proxy: FaultProxy) -> list[str]:
    """The invoices that were told to be paid."""
    return [each.json["bolt11"] for each in proxy.those("POST", "/api/v1/payments") if each.json.get("out") is True]


class TestOnce:
    def test_by_a_wallet(self, amani: Amani, giver: Held, taker: Held, link: Link, site: InProcess) -> None:
        assert giver.sat == 3990  # the reserve is set aside on top: nobody knows whose server the wallet is on
        offer = site.json(f"{link.path}/lnurl")
        assert (offer["tag"], offer["minWithdrawable"], offer["maxWithdrawable"]) == (
            "withdrawRequest",
            1_000_000,
            1_000_000,
        )
        assert offer["callback"] == f"{link.url}/callback"
        assert taker.sat == 0
        assert site.take(link, taker.invoice(1000)) == OK
        assert (taker.sat, site.state(link)) == (1000, "claimed")
        shown = amani("cheque", "show", link.id, "--json").data
        assert (shown["status"], shown["outstanding_msat"]) == ("claimed", 0)
        assert amani("reconcile", "--json").data["unknown"] == 0
        assert amani("cheque", "sweep").code == 0
        assert giver.sat == 4000  # what was left of the reserve is home
        compared(amani, giver)

    def test_by_the_page(self, taker: Held, link: Link, site: InProcess) -> None:
        sent = site.post(link, f" lightning:{taker.invoice(1000)}\n")
        assert (sent.status_code, sent.headers["Location"]) == (303, link.path)
        assert (taker.sat, site.state(link)) == (1000, "claimed")

    def test_by_an_address_on_the_page(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        home: Path,
        base_url: str,
        site: InProcess,
        lnurl_server: LnurlServer,
    ) -> None:
        change_database(home, "UPDATE wallet SET sandbox=1")
        address = lnurl_server.pay_to("ada", lambda msat, _: taker.invoice(msat // 1000))
        link = write_link(amani)
        assert site.post(link, address).status_code == 303
        assert (taker.sat, site.state(link)) == (1000, "claimed")
        assert site.post(link, address).status_code == 409
        assert taker.sat == 1000

    def test_by_amani_itself(self, amani: Amani, giver: Held, taker: Held, home: Path, base_url: str) -> None:
        from tests.kit.serve_world import serving

        change_database(home, "UPDATE wallet SET sandbox=1")
        by_link, by_lnurl = write_link(amani), write_link(amani)
        with serving(base_url):
            for text in (by_link.url, by_lnurl.lnurl):
                claimed = amani("invoice", "claim", text, "--wallet", "taker", "--json")
                assert claimed.data["status"] == "paid", claimed
        assert taker.sat == 2000

    def test_the_same_invoice_again_is_no_second_payment(
        self, amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, base_url: str, site: InProcess
    ) -> None:
        through(proxy, home)
        link, invoice = write_link(amani), taker.invoice(1000)
        proxy.seen.clear()
        assert [site.take(link, invoice), site.json(f"{link.path}/callback", k1=k1(site, link), pr=invoice)] == [OK, OK]
        assert payments(proxy) == [invoice]
        other = site.json(f"{link.path}/callback", k1=k1(site, link), pr=taker.invoice(1000))
        assert other == {"status": "ERROR", "reason": "This money has been claimed before."}
        assert payments(proxy) == [invoice]

    def test_two_phones_at_once(
        self, giver: Held, taker: Held, link: Link, base_url: str, add_wallet: AddWallet
    ) -> None:
        phones = [taker, add_wallet("other")]
        sites = [in_process(base_url), in_process(base_url)]  # as two processes
        invoices = [phone.invoice(1000) for phone in phones]
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda at: sites[at].take(link, invoices[at]), range(2)))
        assert sorted(each["status"] for each in told) == ["ERROR", "OK"]
        assert [phone.sat for phone in phones] == [1000 if each == OK else 0 for each in told]

    def test_a_head_of_the_callback_pays_nothing(self, taker: Held, link: Link, site: InProcess) -> None:
        query = {"k1": k1(site, link), "pr": taker.invoice(1000)}
        answered = site.client.head(f"{link.path}/callback", base_url=site.base_url, query_string=query)
        assert answered.status_code == 405
        assert (taker.sat, site.state(link)) == (0, "open")

    def test_previews_spend_nothing(self, taker: Held, link: Link, site: InProcess) -> None:
        for agent in ("TelegramBot (like TwitterBot)", "WhatsApp/2", "facebookexternalhit/1.1"):
            for accept in ("*/*", "text/html", ""):
                seen = site.client.get(
                    link.path, base_url=site.base_url, headers={"User-Agent": agent, "Accept": accept}
                )
                assert "<h1>1,000 sat</h1>" in seen.text
            site.client.head(link.path, base_url=site.base_url)
        assert site.state(link) == "open"


def k1(site: InProcess, link: Link) -> str:
    from amani_cli.serve.withdraw import k1_of

    return k1_of(link.token)


class TestRefused:
    def test_another_amount(self, taker: Held, link: Link, site: InProcess) -> None:
        for sat in (999, 1001, 1):
            told = site.take(link, taker.invoice(sat))
            assert told["status"] == "ERROR"
            assert "exactly 1,000 sat" in told["reason"]
        assert (taker.sat, site.state(link)) == (0, "open")

    def test_what_is_no_invoice_over_it(self, amani: Amani, link: Link, site: InProcess) -> None:
        odd = {
            "none": "",
            "cut": "lnbc1",
            "words": "hello",
            "amountless": make_invoice(amount_msat=None),
            "odd": make_invoice(amount_msat=1_000_500),
            "testnet": make_invoice(amount_msat=1_000_000, network="testnet"),
            "expired": make_invoice(amount_msat=1_000_000, created_at=1_600_000_000),
        }
        for name, invoice in odd.items():
            assert site.take(link, invoice)["status"] == "ERROR", name
            answered = site.post(link, invoice)
            assert answered.status_code == 400, name
            assert 'role="alert"' in answered.text
        assert site.state(link) == "open"
        assert amani("history", "list", "--direction", "out", "--json").data["items"][0]["memo"] == "cheque"

    def test_k1_of_another(self, amani: Amani, taker: Held, link: Link, site: InProcess) -> None:
        other = write_link(amani)
        for wrong in (k1(site, other), "", "0" * 64, link.token):
            assert site.take(link, taker.invoice(1000), k1=wrong)["status"] == "ERROR"
        assert (taker.sat, site.state(link)) == (0, "open")

    def test_an_invoice_that_another_cheque_has_paid(
        self, amani: Amani, taker: Held, link: Link, site: InProcess
    ) -> None:
        other, invoice = write_link(amani), taker.invoice(1000)
        assert site.take(link, invoice) == OK
        assert "used before" in site.take(other, invoice)["reason"]
        assert (taker.sat, site.state(other)) == (1000, "open")

    def test_the_giver_s_own_invoice_brings_it_home(self, giver: Held, link: Link, site: InProcess) -> None:
        assert site.take(link, giver.invoice(1000)) == OK
        assert giver.sat == 4990

    def test_whom_a_stranger_may_not_name(self, link: Link, site: InProcess) -> None:
        named = ("main", "taker", "bank:NG/058/0123456789", "https://10.0.0.1/x", "ada@192.168.1.1", "ada@localhost")
        for text in (*named, "x@[::1]", "lnurlp://127.0.0.1/x"):
            assert site.post(link, text).status_code == 400, text
        assert site.state(link) == "open"

    def test_a_contact_s_name_is_no_destination(self, amani: Amani, link: Link, site: InProcess) -> None:
        assert amani("contact", "add", "ada", "ada@wallet.example").code == 0
        answered = site.post(link, "ada")
        assert answered.status_code == 400
        assert "wallet.example</" not in answered.text

    def test_a_form_without_the_page(self, taker: Held, link: Link, site: InProcess) -> None:
        invoice = taker.invoice(1000)
        for proof in ("", "0" * 64):
            assert site.post(link, invoice, proof=proof).status_code == 400
        assert site.post(link, invoice, **{"Sec-Fetch-Site": "cross-site"}).status_code == 400
        assert (taker.sat, site.state(link)) == (0, "open")

    def test_too_many_tries_of_one(self, amani: Amani, taker: Held, link: Link, site: InProcess) -> None:
        other = write_link(amani)
        told = [site.json(f"{link.path}/callback", k1=k1(site, link), pr="lnbc1")["reason"] for _ in range(25)]
        assert "Too many at once" in told[-1]
        assert site.take(other, taker.invoice(1000)) == OK  # nobody else is held up


class TestInDoubt:
    def test_an_answer_that_was_lost(
        self, amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, base_url: str, site: InProcess
    ) -> None:
        through(proxy, home)
        link, invoice = write_link(amani), taker.invoice(1000)
        proxy.on(only_pay(cut(after=True)), "POST", "/api/v1/payments")
        assert site.take(link, invoice) == OK
        assert (taker.sat, site.state(link)) == (1000, "claimed")

    def test_on_its_way_until_it_is_known(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        home: Path,
        proxy: FaultProxy,
        base_url: str,
        site: InProcess,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("amani_cli.serve.site.CLAIM_S", 0.5)
        monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
        through(proxy, home)
        link, invoice = write_link(amani), taker.invoice(1000)
        proxy.on(only_pay(cut(after=False)), "POST", "/api/v1/payments")  # it never arrived; nobody can know that yet
        assert site.take(link, invoice) == OK
        page = site.get(link.path)
        assert ('class="state claiming"' in page.text, page.headers["Refresh"]) == (True, "5")
        assert "Look again" in page.text
        assert "<form" not in page.text
        second = site.json(f"{link.path}/callback", k1=k1(site, link), pr=taker.invoice(1000))
        on_its_way = {
            "status": "ERROR",
            "reason": "Another claim has begun and is on its way. Nothing more was sent.",
        }
        assert [second, site.json(f"{link.path}/lnurl")] == [on_its_way] * 2
        assert site.post(link, taker.invoice(1000)).status_code == 409
        assert site.json(f"{link.path}/callback", k1=k1(site, link), pr=invoice) == OK
        assert amani("cheque", "show", link.id, "--json").data["status"] == "claiming"
        for words in (("cheque", "void", link.id, "--yes"), ("reconcile",)):
            assert amani(*words).code == 8
        assert amani("cheque", "reissue", link.id, "--yes").code == 6
        assert len(payments(proxy)) == 2  # the one that funded it, and this one
        # Later its invoice has ended, and it failed for certain: the cheque is open again.
        for _ in range(2):
            grow_older(home)
        assert amani("reconcile").code == 0
        assert site.state(link) == "open"
        assert site.take(link, taker.invoice(1000)) == OK
        assert taker.sat == 1000

    def test_what_never_arrived_is_sent_again_by_itself(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        home: Path,
        proxy: FaultProxy,
        base_url: str,
        site: InProcess,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("amani_cli.serve.site.CLAIM_S", 0.5)
        monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
        through(proxy, home)
        link, invoice = write_link(amani), taker.invoice(1000)
        proxy.on(only_pay(cut(after=False)), "POST", "/api/v1/payments")
        assert site.take(link, invoice) == OK
        site.keep()
        assert site.state(link) == "claiming"  # its record may yet come
        monkeypatch.setattr(by_link, "RESEND_AFTER_S", 0.0)
        site.keep()
        assert (taker.sat, site.state(link)) == (1000, "claimed")
        assert payments(proxy)[1:] == [invoice, invoice]

    @pytest.mark.parametrize(
        "why", ["no route", "You must reserve at least (40  sat) to cover potential routing fees."]
    )
    def test_failed_for_certain(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        home: Path,
        proxy: FaultProxy,
        base_url: str,
        site: InProcess,
        why: str,
    ) -> None:
        through(proxy, home)
        link = write_link(amani)
        no_route = answer(520, {"detail": why, "status": "failed"})
        proxy.on(only_pay(no_route), "POST", "/api/v1/payments")
        assert "did not go through" in site.take(link, taker.invoice(1000))["reason"]
        assert site.state(link) == "open"
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=link.code).code == 0
        assert in_process(base_url).state(link) == "claimed"  # it looks again, though a claim had failed
        assert site.take(link, taker.invoice(1000))["status"] == "ERROR"
        assert taker.sat == 1000

    def test_pending_at_the_server(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        home: Path,
        proxy: FaultProxy,
        base_url: str,
        site: InProcess,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A 520 that says "pending" is on its way, whatever came of it."""
        monkeypatch.setattr("amani_cli.serve.site.CLAIM_S", 0.5)
        monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
        through(proxy, home)
        link, invoice = write_link(amani), taker.invoice(1000)
        slow_down = answer(520, {"detail": "rate-limited: slow down, please", "status": "pending"})
        proxy.on(only_pay(slow_down), "POST", "/api/v1/payments")
        assert site.take(link, invoice) == OK
        assert site.state(link) == "claiming"
        site.keep()
        assert len(payments(proxy)) == 2

    def test_nothing_left_at_all(self, taker: Held, link: Link, site: InProcess, home: Path) -> None:
        invoice = taker.invoice(1000)
        url = taker.server.url
        take_server_away(home)
        change_database(home, "UPDATE cheque SET url=(SELECT url FROM wallet LIMIT 1)")
        assert "did not go through" in site.take(link, invoice)["reason"]
        change_database(home, "UPDATE cheque SET url=?", url)
        change_database(home, "UPDATE wallet SET url=?", url)
        assert site.state(link) == "open"
        assert site.take(link, invoice) == OK

    def test_drawn_by_its_code_meanwhile(
        self, amani: Amani, taker: Held, link: Link, base_url: str, site: InProcess
    ) -> None:
        assert site.state(link) == "open"
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=link.code, env={"AMANI_HOME": None}).code != 0
        other = in_process(base_url)  # which asks for itself
        done = amani("cheque", "claim", "-", "--to", "taker", stdin=link.code)
        assert done.code == 0
        assert other.state(link) == "claimed"
        assert other.take(link, taker.invoice(1000))["status"] == "ERROR"
        assert taker.sat == 1000

    def test_being_drawn_by_its_code(self, link: Link, site: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        """What its server says is on its way out of it, by whoever has the code, can't be taken meanwhile."""
        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.cheques.standing.drawn_from", lambda ws, row: (row, True))
            assert site.state(link) == "claiming"
            assert site.state(link) == "claiming"  # as last seen
        site.desk.look_again(link.id)
        assert site.state(link) == "open"


class TestEnds:
    def test_taken_back(self, amani: Amani, giver: Held, taker: Held, link: Link, site: InProcess) -> None:
        assert amani("cheque", "void", link.id, "--yes").code == 0
        assert site.state(link) == "void"
        assert site.take(link, taker.invoice(1000))["status"] == "ERROR"
        assert "<form" not in site.get(link.path).text
        assert site.post(link, taker.invoice(1000)).status_code == 410
        assert (giver.sat, taker.sat) == (5000, 0)

    def test_expired_and_swept(
        self, amani: Amani, giver: Held, taker: Held, link: Link, site: InProcess, home: Path
    ) -> None:
        change_database(home, "UPDATE cheque SET expires_at=?", "2026-01-02T03:04:05Z")
        change_database(home, "UPDATE cheque SET expires_at=?", ago(3600))
        assert site.state(link) == "expired"
        assert site.take(link, taker.invoice(1000))["status"] == "ERROR"
        assert amani("cheque", "sweep").code == 0
        assert site.state(link) == "expired"
        assert giver.sat == 5000

    def test_a_clock_that_is_ahead_here_ends_nothing(
        self, taker: Held, link: Link, site: InProcess, machine: Machine
    ) -> None:
        """Its server's clock says when it ends: that was what it was dated by."""
        machine.set(3 * 86400)
        page = site.get(link.path)
        assert 'class="state open"' in page.text
        assert re.search("2[34] hours left", page.text)  # all of them within the second in which it was written
        clocks.forget()  # as a process that was just started
        site.desk.look_again(link.id)
        assert site.take(link, taker.invoice(1000)) == OK
        assert taker.sat == 1000

    def test_long_ago_is_like_never(self, link: Link, site: InProcess, home: Path, amani: Amani) -> None:
        assert amani("cheque", "void", link.id, "--yes").code == 0
        change_database(home, "UPDATE cheque SET expires_at=?", ago(31 * 86400))
        for path in ("", "/lnurl", "/callback?k1=x&pr=y"):
            gone, never = (site.get(f"/c/{token}{path}") for token in (link.token, "A" * 26))
            assert (gone.status_code, gone.data, gone.headers) == (404, never.data, never.headers)

    def test_reissued(self, amani: Amani, giver: Held, taker: Held, user: User, base_url: str, site: InProcess) -> None:
        old = write_link(amani)
        again = amani("cheque", "reissue", old.id, "--yes", "--json").data
        new = Link(old.id, again["link"], again["lnurl"], again["code"], again["amount_msat"])
        assert site.get(old.path).status_code == 404
        assert site.take(new, taker.invoice(1000)) == OK
        assert taker.sat == 1000

    @pytest.mark.sqlite
    def test_reissued_after_the_copy_that_is_restored(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        user: User,
        base_url: str,
        copied: Copied,
    ) -> None:
        """The copy knows the old link alone, and the keys are the new ones: the old link is worthless all the same."""
        old = write_link(amani)
        restore = copied()
        again = amani("cheque", "reissue", old.id, "--yes", "--json").data
        amani.secrets |= {again["code"], again["link"].rpartition("/")[2]}
        restore()
        assert amani("reconcile").code == 0
        assert in_process(base_url).take(old, taker.invoice(1000))["status"] == "ERROR"
        assert taker.sat == 0
        assert amani("cheque", "void", old.id, "--yes").code == 0
        assert giver.sat == 5000

    def test_reissued_as_a_link_only_where_it_could_leave(
        self, amani: Amani, giver: Held, user: User, base_url: str, site: InProcess
    ) -> None:
        bare = amani("cheque", "create", "7", "--yes", "--json").data
        refused = amani("cheque", "reissue", bare["id"], "--link", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "NO_RESERVE")
        outside = amani("cheque", "create", "7", "--outside", "--yes", "--json").data
        again = amani("cheque", "reissue", outside["id"], "--link", "--yes", "--json").data
        amani.secrets.add(again["link"].rpartition("/")[2])
        assert site.get(f"/c/{again['link'].rpartition('/')[2]}").status_code == 200
        assert amani("config", "set", "base_url", "off").code == 0
        kept = amani("cheque", "reissue", outside["id"], "--yes", "--json")
        assert kept.error["code"] == "NO_BASE_URL"  # before the old ones are dead
        assert site.get(f"/c/{again['link'].rpartition('/')[2]}").status_code == 200

    def test_a_wallet_that_is_held_pays_nothing(
        self, amani: Amani, giver: Held, taker: Held, link: Link, site: InProcess, home: Path
    ) -> None:
        change_database(
            home,
            "INSERT INTO hold SELECT remote_id, name, 1, 'a restored copy', created_at FROM wallet WHERE name='giver'",
        )
        assert site.take(link, taker.invoice(1000))["reason"].startswith("This can’t be claimed just now")
        assert site.state(link) == "held"
        assert amani("reconcile").code == 0
        assert site.state(link) == "open"
        assert site.take(link, taker.invoice(1000)) == OK


def test_the_ledger_lets_one_claim_begin(
    amani: Amani,
    giver: Held,
    taker: Held,
    home: Path,
    proxy: FaultProxy,
    base_url: str,
    site: InProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that have both seen an open cheque: what decides is the transaction in which a claim is written down."""
    monkeypatch.setattr(by_link, "refuse_ended", lambda *_: None)
    monkeypatch.setattr("amani_cli.serve.site.CLAIM_S", 0.5)
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    through(proxy, home)
    link = write_link(amani)
    proxy.on(only_pay(cut(after=False)), "POST", "/api/v1/payments")
    first, second = (site.json(f"{link.path}/callback", k1=k1(site, link), pr=taker.invoice(1000)) for _ in range(2))
    assert [first["status"], second["status"]] == ["OK", "ERROR"]
    assert len(payments(proxy)) == 2  # the one that funded it among them
    assert amani("cheque", "void", link.id, "--yes").code == 8
    change_database(home, "UPDATE payment SET status='failed' WHERE status='unknown'")
    assert amani("cheque", "void", link.id, "--yes").code == 0
    assert site.json(f"{link.path}/callback", k1=k1(site, link), pr=taker.invoice(1000))["status"] == "ERROR"
    assert taker.sat == 0


def test_who_asks_again_and_again_is_told_no_lie(taker: Held, link: Link, site: InProcess) -> None:
    invoice = taker.invoice(1000)
    told = [site.json(f"{link.path}/callback", k1=k1(site, link), pr=invoice) for _ in range(30)]
    assert told == [OK] * 30
    assert taker.sat == 1000


def test_nobody_listens(taker: Held, link: Link, base_url: str) -> None:
    def told(_: object) -> None:
        raise BrokenPipeError

    site = in_process(base_url)
    site.site.claims._told = told
    assert site.take(link, taker.invoice(1000)) == OK
    assert (taker.sat, site.state(link)) == (1000, "claimed")
