"""An id is what a server says it is: another server that tells one of ours gets nothing that is ours by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amani_cli.encodings import cheque_code
from amani_cli.encodings.cheque_code import ChequeCode
from tests.cheques.test_cheques import wallet_of, write
from tests.cheques.test_voids import the_one
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit.books import compared, held_by
from tests.kit.cheque_world import User
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Answer, Exchange, Fault, FaultProxy

pytestmark = pytest.mark.lnbits

CLAIM = ("cheque", "claim", "-", "--json", "--to")


def telling(real: str, told: str) -> Fault:
    """A server that gives one of its wallets the id of another server's."""

    def fault(exchange: Exchange) -> None:
        heard = exchange.forward()
        exchange.reply(Answer(heard.status, heard.body.replace(real.encode(), told.encode()), heard.content_type))

    return fault


@pytest.fixture
def known(amani: Amani, giver: Held, proxy: FaultProxy) -> None:
    """A wallet of ours at the other server: to one that is on this machine no code could lead otherwise."""
    held = Held("there", giver.server, *giver.server.new_wallet(), key_file=giver.key_file.with_name("there.key"))
    amani.secrets |= {held.admin_key, held.read_key}
    write_key(held.key_file, held.admin_key)
    assert amani("wallet", "add", "there", "--url", proxy.url, "--key-file", held.key_file).code == 0


@pytest.fixture
def theirs(giver: Held) -> Held:
    """A wallet at the other server, with 1,000 sat."""
    return Held("theirs", giver.server, *giver.server.new_wallet(1000), key_file=giver.key_file.with_name("theirs.key"))


def hostile(proxy: FaultProxy, theirs: Held, told: str, sat: int) -> str:
    """A code of the other server's, whose wallet has the id that is `told`."""
    proxy.on(telling(theirs.id, told), times=None)
    ours = ChequeCode(theirs.admin_key, told, b"\\0" * 8, sat * 1000, 2**33, "bitcoin", proxy.url)
    return cheque_code.encode(ours)


@pytest.mark.usefixtures("known")
class TestCodes:
    @pytest.mark.parametrize("hostile_first", [True, False])
    def test_with_the_id_of_an_open_cheque_of_ours(
        self, amani: Amani, giver: Held, taker: Held, theirs: Held, proxy: FaultProxy, hostile_first: bool
    ) -> None:
        """Neither makes the other read claimed, nor answers with the other's receipt."""
        code = write(amani)
        other = hostile(proxy, theirs, wallet_of(code), 1)
        for text, sat in ((other, 1), (code, 100))[:: 1 if hostile_first else -1]:
            got = amani(*CLAIM, "taker", stdin=text).data
            assert (got["amount_msat"], got["replayed"]) == (sat * 1000, False)
            assert amani("cheque", "show", text, "--json").code == (0 if text == code else 4)
            assert amani(*CLAIM, "taker", stdin=text).data["replayed"] is True
            if text == other and hostile_first:
                listed = amani("cheque", "list", "--json").data
                assert (listed["items"][0]["status"], listed["outstanding_msat"]) == ("open", 100_000)
        assert (the_one(amani)["status"], taker.sat) == ("claimed", 101)
        compared(amani, giver, taker)

    def test_it_is_not_what_is_voided(
        self, amani: Amani, giver: Held, taker: Held, theirs: Held, proxy: FaultProxy
    ) -> None:
        code = write(amani)
        other = hostile(proxy, theirs, wallet_of(code), 1)
        assert amani("cheque", "void", other, "--yes").code == 4
        assert held_by(giver.server, [wallet_of(code)]) == 100_000
        amani(*CLAIM, "giver", stdin=other)
        assert amani("cheque", "void", code, "--yes", "--json").data["status"] == "void"
        assert giver.sat == 5001

    def test_of_our_wallet_it_uses_none_of_its_budget(
        self, amani: Amani, giver: Held, taker: Held, theirs: Held, proxy: FaultProxy
    ) -> None:
        assert amani("wallet", "limit", "giver", "--per-day", "200sat", "--yes").code == 0
        other = hostile(proxy, theirs, giver.id, 150)
        assert amani(*CLAIM, taker.invoice(150), stdin=other).code == 0
        assert amani("pay", taker.invoice(100), "--yes").code == 0

    def test_one_invoice_is_not_shown_as_paid_by_another_server_s_cheque(
        self, amani: Amani, giver: Held, taker: Held, theirs: Held, proxy: FaultProxy
    ) -> None:
        code = write(amani, 100, "--outside")
        invoice = taker.invoice(100)
        assert amani(*CLAIM, invoice, stdin=hostile(proxy, theirs, wallet_of(code), 100)).code == 0
        refused = amani(*CLAIM, invoice, stdin=code)
        assert (refused.code, refused.error["code"]) == (6, "PAID_BY_ANOTHER")

    def test_a_claim_from_before_servers_were_told_apart_is_still_found(
        self, amani: Amani, giver: Held, taker: Held, home: Path
    ) -> None:
        code = write(amani)
        first = amani(*CLAIM, "taker", stdin=code).data
        change_database(home, "UPDATE payment SET destination=? WHERE direction='in'", f"cheque {wallet_of(code)}")
        assert amani(*CLAIM, "taker", stdin=code).data == {
            **first,
            "replayed": True,
            "destination": f"cheque {wallet_of(code)}",
        }


class TestWallets:
    """A wallet of another server with the id of one that is known here, or was."""

    @pytest.fixture
    def liar(self, theirs: Held, giver: Held, taker: Held, proxy: FaultProxy, amani: Amani) -> str:
        assert amani("pay", taker.invoice(5), "--yes").code == 0
        write_key(theirs.key_file, theirs.admin_key)
        amani.secrets.add(theirs.admin_key)
        proxy.on(telling(theirs.id, giver.id), times=None)
        return proxy.url

    @pytest.mark.parametrize("known", ["registered", "by its name", "removed"])
    def test_it_is_refused(self, amani: Amani, giver: Held, theirs: Held, liar: str, known: str, home: Path) -> None:
        write(amani)
        if known == "removed":
            change_database(home, "DELETE FROM wallet WHERE name='giver'")
        name = "giver" if known == "by its name" else "shop"
        refused = amani("wallet", "add", name, "--url", liar, "--key-file", theirs.key_file, "--json")
        expected = {"registered": (2, "WALLET_KNOWN")}.get(known, (9, "ID_OF_ANOTHER"))
        assert (refused.code, refused.error["code"]) == expected
        assert giver.server.url.removeprefix("http://127.0.0.1") in refused.error["message"]
        if known == "removed":
            void = amani("cheque", "void", the_one(amani)["id"], "--yes", "--json")
            assert void.error["code"] == "NO_SUCH_WALLET"  # its money comes home, or stays where it is
            assert amani("wallet", "add", "again", "--url", giver.server.url, "--key-file", giver.key_file).code == 0
            assert amani("cheque", "void", the_one(amani)["id"], "--yes").code == 0
            assert giver.sat == 4995

    @pytest.mark.parametrize("known", ["registered", "removed"])
    def test_nor_is_it_made(
        self, amani: Amani, giver: Held, taker: Held, proxy: FaultProxy, home: Path, known: str
    ) -> None:
        assert amani("pay", taker.invoice(5), "--yes").code == 0
        write(amani)
        if known == "removed":
            change_database(home, "DELETE FROM wallet WHERE name='giver'")

        def lie(exchange: Exchange) -> None:
            heard = exchange.forward()
            made = json.loads(heard.body)
            if isinstance(made, dict) and "adminkey" in made:
                amani.secrets.update((made["adminkey"], made["inkey"]))
                made["id"] = giver.id
            exchange.reply(Answer(heard.status, json.dumps(made).encode(), heard.content_type))

        proxy.on(lie, times=None)
        key_file = home.parent / "shop.key"
        refused = amani("wallet", "create", "shop", "--url", proxy.url, "--key-file", key_file, "--json")
        assert (refused.code, refused.error["code"]) == (9, "ID_OF_ANOTHER"), refused
        assert not key_file.exists()
        if known == "registered":
            assert amani("cheque", "void", the_one(amani)["id"], "--yes").code == 0  # its money comes home
            assert giver.sat == 4995

    def test_in_the_environment_it_can_do_nothing(
        self, amani: Amani, giver: Held, taker: Held, theirs: Held, liar: str, home: Path
    ) -> None:
        env = {"LNBITS_API_KEY": theirs.admin_key, "LNBITS_BASE_URL": liar}
        change_database(home, "DELETE FROM wallet WHERE name='giver'")
        change_database(home, "UPDATE payment SET wallet_id=0")
        refused = amani("pay", taker.invoice(3), "--yes", "--wallet", "env", "--json", env=env)
        assert (refused.code, refused.error["code"], taker.sat) == (9, "ID_OF_ANOTHER", 5)
        # Nor does it close what is open of the one that it pretends to be.
        change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL")
        proxy_says = amani("reconcile", "--json", env=env)
        assert proxy_says.code == 8
        assert "tells the id" in " ".join(proxy_says.json["warnings"])


class TestAServerThatMoved:
    """The same server at another address shows the records; then everything is as it was."""

    def test_by_its_name(self, amani: Amani, giver: Held, taker: Held, user: User, proxy: FaultProxy) -> None:
        code = write(amani)
        assert amani("wallet", "limit", "giver", "--per-day", "200sat", "--yes").code == 0
        moved = amani("wallet", "add", "giver", "--url", proxy.url, "--key-file", giver.key_file, "--json")
        assert (moved.data["url"], moved.data["default"]) == (proxy.url, True)
        assert amani("pay", taker.invoice(150), "--yes", "--json").error["code"] == "BUDGET"
        assert amani("cheque", "void", code, "--yes", "--json").code == 4  # the code names the address it was made at
        assert amani("cheque", "void", the_one(amani)["id"], "--yes", "--json").data["status"] == "void"
        assert (the_one(amani)["url"], giver.sat) == (proxy.url, 5000)
        compared(amani, giver)

    def test_removed_and_added(self, amani: Amani, giver: Held, taker: Held, proxy: FaultProxy) -> None:
        assert amani("pay", taker.invoice(5), "--yes").code == 0
        assert amani("wallet", "limit", "giver", "--per-day", "200sat", "--yes").code == 0
        assert amani("wallet", "remove", "giver", "--yes").code == 0
        assert amani("wallet", "add", "g", "--url", proxy.url, "--key-file", giver.key_file).code == 0
        assert len(amani("history", "list", "--wallet", "g", "--json").data["items"]) == 1
        assert amani("pay", taker.invoice(199), "--wallet", "g", "--yes", "--json").error["code"] == "BUDGET"

    def test_other_spellings_of_one_address_are_the_same(
        self, amani: Amani, giver: Held, taker: Held, add_wallet: AddWallet
    ) -> None:
        url = giver.server.url.replace("127.0.0.1", "LocalHost") + "/"
        assert amani("wallet", "remove", "giver", "--yes").code == 0
        assert amani("wallet", "add", "g", "--url", url, "--key-file", giver.key_file).code == 0
        again = amani("wallet", "add", "h", "--url", giver.server.url, "--key-file", giver.key_file, "--json")
        assert (again.code, again.error["code"]) == (2, "WALLET_KNOWN")
