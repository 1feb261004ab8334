"""`amani history` and `amani reconcile` on a real server: the journal searched, and brought up to date."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from amani_cli.encodings import bolt11
from tests.conftest import AddWallet, Held, change_database, mark_on_server, take_server_away, write_key
from tests.kit import fault_proxy
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 1,000 sat."""
    return add_wallet("main", 1000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    """Another wallet on the same server."""
    return add_wallet("other", 500)


@pytest.fixture
def pay(amani: Amani, other: Held) -> Callable[..., str]:
    """Pays `other` and returns the payment's id."""

    def pay(sat: int, *words: str, memo: str = "test") -> str:
        paid = amani("pay", other.invoice(sat, memo), *words, "--yes", "--json")
        return str(paid.data["id"])

    return pay


def ids(amani: Amani, *words: str) -> list[str]:
    listed = amani("history", "list", *words, "-q")
    assert listed.code == 0, listed
    return listed.stdout.split()


class TestList:
    def test_newest_first(self, amani: Amani, pay: Callable[..., str]) -> None:
        made = [pay(sat) for sat in (1, 2, 3)]
        assert ids(amani) == made[::-1]
        shown = amani("history", "list").stdout.splitlines()
        assert [line.split("\t")[3] for line in shown] == ["-3 sat", "-2 sat", "-1 sat"]

    def test_pages(self, amani: Amani, pay: Callable[..., str]) -> None:
        made = [pay(sat) for sat in (1, 2, 3, 4, 5)]
        seen, words = [], ["--limit", "2"]
        for _ in range(3):
            page = amani("history", "list", *words, "--json").data
            seen += [item["id"] for item in page["items"]]
            words = ["--limit", "2", "--after", page["next"] or ""]
        assert (seen, page["next"]) == (made[::-1], None)
        assert "more: --after" in amani("history", "list", "--limit", "2", tty=True).stdout
        assert amani("history", "list", "--after", "nothing").code == 4

    def test_filters(self, amani: Amani, main: Held, other: Held, pay: Callable[..., str], home: Path) -> None:
        tea, rent = pay(10, memo="Tea 100%"), pay(200, "--reference", "rent_8", memo="Rent")
        assert amani("pay", make_invoice(amount_msat=50_000, description="abroad"), "--yes").code == 6
        (failed,) = ids(amani, "--status", "failed")
        incoming = amani("invoice", "create", "30", "--memo", "Ticket", "-q").stdout.strip()
        other.pay(incoming)
        assert amani("invoice", "check", incoming).code == 0
        (ticket,) = ids(amani, "--direction", "in")
        for words, expected in (
            (("--status", "settled"), {tea, rent, ticket}),
            (("--direction", "out"), {tea, rent, failed}),
            (("--direction", "out", "--status", "settled"), {tea, rent}),
            (("--min", "50"), {rent, failed}),
            (("--max", "30sat"), {tea, ticket}),
            (("--min", "10001msat", "--max", "50"), {failed, ticket}),
            (("--search", "tea"), {tea}),
            (("--search", "%"), {tea}),
            (("--search", "rent_8"), {rent}),
            (("--search", "entx8"), set()),
            (("--wallet", "main"), {tea, rent, failed, ticket}),
            (("--wallet", "other"), set()),
            (("--since", "1h"), {tea, rent, failed, ticket}),
            (("--until", "1h"), set()),
        ):
            assert set(ids(amani, *words)) == expected, words
        change_database(home, "UPDATE payment SET created_at='2026-08-01T12:00:00Z' WHERE id=?", tea)
        assert ids(amani, "--since", "2026-08-01T12:00Z", "--until", "2026-08-01T12:00:01Z") == [tea]
        assert ids(amani, "--since", "2026-08-01T11:00Z", "--until", "2026-08-01T12:00Z") == []  # half-open
        assert ids(amani, "--until", "2026-08-02") == [tea]

    @pytest.mark.parametrize("verb", ["list", "chart", "export --format csv", "audit list"])
    @pytest.mark.parametrize("times", [("today", "today"), ("2026-08-02", "2026-08-01")])
    def test_a_time_in_which_nothing_can_lie_is_refused(self, amani: Amani, verb: str, times: tuple[str, str]) -> None:
        words = verb.split() if verb.startswith("audit") else ["history", *verb.split()]
        refused = amani(*words, "--since", times[0], "--until", times[1])
        assert (refused.code, refused.stdout) == (2, "")
        assert "nothing can lie between --since and --until" in refused.stderr

    @pytest.mark.parametrize(
        "words", [("--status", "lost"), ("--direction", "up"), ("--since", "soon"), ("--min", "x"), ("--limit", "0")]
    )
    def test_filters_that_can_t_be(self, amani: Amani, words: tuple[str, str]) -> None:
        assert amani("history", "list", *words, "--json").code == 2

    def test_nothing_yet(self, amani: Amani, home: Path) -> None:
        empty = amani("history", "list")
        assert (empty.code, empty.stdout, empty.stderr) == (0, "", "No payments.\n")
        assert amani("history", "list", "--json").data == {"items": [], "next": None, "read": []}
        assert not home.exists()  # looking makes nothing

    def test_text_from_outside_is_harmless(self, amani: Amani, pay: Callable[..., str]) -> None:
        pay(1, memo="\x1b[2Jevil\nsecond line")
        assert r"\x1b[2Jevil\nsecond line" in amani("history", "list").stdout
        assert "\x1b[2J" not in amani("history", "list", tty=True).stdout


class TestShow:
    def test_by_anything_that_names_it(self, amani: Amani, other: Held) -> None:
        text = other.invoice(5)
        payment_hash = bolt11.decode_invoice(text).payment_hash
        paid = amani("pay", text, "--reference", "r-1", "--yes", "--json").data
        for name in (paid["id"], paid["id"][:20], payment_hash, payment_hash[:10], "r-1", text, f"lightning:{text}"):
            assert amani("history", "show", name, "--json").data == paid

    def test_unknown_and_ambiguous(self, amani: Amani, pay: Callable[..., str]) -> None:
        assert amani("history", "show", "pay_0").code == 4
        first, second = pay(1), pay(2)
        assert first[:8] == second[:8]
        ambiguous = amani("history", "show", first[:8], "--json")
        assert (ambiguous.code, ambiguous.error["code"]) == (2, "AMBIGUOUS")
        missing = amani("history", "show", "nothing", "--json")
        assert (missing.code, missing.error["code"]) == (4, "NOT_FOUND")

    def test_of_several_attempts_the_one_that_counts(self, amani: Amani, main: Held, other: Held) -> None:
        text = other.invoice(1001)
        assert amani("pay", text, "--yes").code == 7
        main.server.fund(main.id, 1)
        paid = amani("pay", text, "--yes", "--json").data
        assert amani("history", "show", text, "--json").data["id"] == paid["id"]

    def test_between_our_own_wallets_the_one_that_left(self, amani: Amani, other: Held) -> None:
        text = amani("invoice", "create", "5", "-w", "other", "-q").stdout.strip()
        assert amani("pay", text, "--yes").code == 0
        assert amani("invoice", "check", text).code == 0
        assert amani("history", "show", text, "--json").data["direction"] == "out"


class TestSync:
    def test_what_other_clients_did_comes_in_once(self, amani: Amani, main: Held, other: Held) -> None:
        main.pay(other.invoice(40, "by the web page"))
        other.pay(main.invoice(7, "into the web page"))
        main.invoice(9, "never paid")
        with contextlib.suppress(Exception):
            main.pay(make_invoice(amount_msat=3000, description="to nowhere"))
        first = amani("history", "sync", "-w", "main", "--json").data
        assert (first["wallets"], first["new"], first["updated"]) == (["main"], 4, 0)
        for _ in range(2):
            again = amani("history", "sync", "--json", "-w", "main").data
            assert (again["new"], again["updated"]) == (0, 0)
        items = amani("history", "list", "-w", "main", "--json").data["items"]
        assert {(item["direction"], item["status"], item["amount_msat"], item["memo"]) for item in items} == {
            ("in", "settled", 1_000_000, "Admin credit"),
            ("out", "settled", 40_000, "by the web page"),
            ("in", "settled", 7000, "into the web page"),
            ("out", "failed", 3000, "to nowhere"),
        }

    def test_every_wallet_without_a_name(self, amani: Amani, main: Held, other: Held) -> None:
        main.pay(other.invoice(40))
        synced = amani("history", "sync", "--json").data
        assert (set(synced["wallets"]), synced["new"]) == ({"main", "other"}, 4)  # a payment has two sides

    def test_one_that_can_t_be_read_keeps_nobody_from_the_others(
        self, amani: Amani, main: Held, other: Held, home: Path
    ) -> None:
        change_database(home, "UPDATE wallet SET url='http://127.0.0.1:1' WHERE name='main'")
        synced = amani("history", "sync", "--json")
        assert (synced.code, synced.json["data"]["wallets"]) == (10, ["other"])
        assert "warning: wallet 'main': " in synced.stderr
        listed = amani("history", "list", "--sync", "--json")
        assert (listed.code, "warning: wallet 'main': " in listed.stderr) == (10, True)
        assert {each["wallet"]: each["as_of"] is None for each in listed.json["data"]["read"]} == {
            "main": True,
            "other": False,
        }
        change_database(home, "UPDATE wallet SET url='http://127.0.0.1:1'")
        refused = amani("history", "sync", "--json")
        assert refused.code == 10
        assert refused.error["message"].startswith("wallet 'main': ")

    def test_a_paid_invoice_of_ours_keeps_its_memo_and_reference(self, amani: Amani, main: Held, other: Held) -> None:
        made = amani("invoice", "create", "7", "--memo", "order", "--reference", "o-1", "--json").data
        other.pay(made["bolt11"])
        assert amani("history", "sync", "-w", "main", "--json").data["new"] == 2  # the top-up and this
        (item,) = amani("history", "list", "--search", "o-1", "--json").data["items"]
        assert (item["memo"], item["reference"], item["direction"]) == ("order", "o-1", "in")
        assert amani("invoice", "list", "--status", "paid", "-q").stdout == made["payment_hash"] + "\n"

    @pytest.mark.parametrize("by", ["removed", "environment"])
    def test_a_wallet_that_is_added_again_has_its_own_history(
        self, amani: Amani, main: Held, other: Held, by: str
    ) -> None:
        """It is the same wallet, whatever number it has here: nothing stands twice, and the books agree."""
        again = ("wallet", "add", "again", "--url", main.server.url, "--key-file", main.key_file)
        if by == "environment":
            for name in ("main", "other"):
                assert amani("wallet", "remove", name, "--yes").code == 0
        env = {"LNBITS_API_KEY": main.admin_key, "LNBITS_BASE_URL": main.server.url} if by == "environment" else {}
        assert amani("pay", other.invoice(4), "--yes", env=env).code == 0
        code = amani("cheque", "create", "5", "--yes", "-q", env=env).stdout.strip() if by == "removed" else ""
        amani.secrets |= {code} if code else set()
        if by == "removed":
            assert amani("cheque", "void", code, "--yes").code == 0
            assert amani("wallet", "remove", "main", "--yes").code == 0
        assert amani(*again).code == 0
        assert amani("history", "sync", "-w", "again", "--json").data["new"] == 1  # the top-up alone
        hashes = [item["payment_hash"] for item in amani("history", "list", "-w", "again", "--json").data["items"]]
        assert len(set(hashes)) == len(hashes) == (4 if by == "removed" else 2)
        assert amani("reconcile").code == 0

    def test_it_closes_what_is_open(
        self, amani: Amani, main: Held, other: Held, pay: Callable[..., str], home: Path
    ) -> None:
        paid = pay(40)
        amani("history", "sync", "-w", "main")
        change_database(home, "UPDATE payment SET status='unknown', preimage=NULL WHERE id=?", paid)
        assert amani("history", "sync", "-w", "main", "--json").data["updated"] == 1
        shown = amani("history", "show", paid, "--json").data
        assert (shown["status"], len(shown["preimage"])) == ("settled", 64)

    def test_it_brings_in_what_is_still_pending_as_open(self, amani: Amani, main: Held) -> None:
        text = make_invoice(amount_msat=3000)
        with contextlib.suppress(Exception):
            main.pay(text)
        mark_on_server(main, bolt11.decode_invoice(text).payment_hash, "pending")
        synced = amani("history", "sync", "-w", "main")
        assert "1 outcome is open" in synced.stderr
        assert ids(amani, "--status", "unknown") == [amani("history", "show", text, "--json").data["id"]]
        mark_on_server(main, bolt11.decode_invoice(text).payment_hash, "success")
        assert amani("reconcile", "--json").data["settled"] == 1

    def test_a_failed_one_that_the_server_calls_settled_is_corrected_and_said(
        self, amani: Amani, main: Held, pay: Callable[..., str], home: Path
    ) -> None:
        paid = pay(40)
        amani("history", "sync", "-w", "main")
        change_database(home, "UPDATE payment SET status='failed', failure='x' WHERE id=?", paid)
        synced = amani("history", "sync", "-w", "main", "--json")
        assert "says it settled" in synced.json["warnings"][0]
        shown = amani("history", "show", paid, "--json").data
        assert (shown["status"], "failure" in shown) == ("settled", False)


class TestReconcile:
    def test_nothing_to_do(self, amani: Amani, home: Path) -> None:
        counts = dict.fromkeys(("checked", "settled", "failed", "unknown", "compared", "reversed"), 0)
        nothing = {**counts, "items": [], "differences": [], "unasked": [], "open": [], "given_up": []}
        assert amani("reconcile", "--json").data == nothing
        assert not home.exists()

    def test_only_those_named(self, amani: Amani, main: Held, pay: Callable[..., str], home: Path) -> None:
        first, second = pay(1), pay(2)
        change_database(home, "UPDATE payment SET status='unknown'")
        assert amani("reconcile", first, "--json").data["settled"] == 1
        assert ids(amani, "--status", "unknown") == [second]
        assert amani("reconcile", "nothing").code == 4
        done = amani("reconcile", first, "--json").data  # a settled one is shown as it is
        assert (done["checked"], done["settled"]) == (1, 1)

    def test_older_than(self, amani: Amani, main: Held, pay: Callable[..., str], home: Path) -> None:
        young, old = pay(1), pay(2)
        change_database(home, "UPDATE payment SET status='unknown'")
        change_database(home, "UPDATE payment SET created_at='2026-08-01T12:00:00Z' WHERE id=?", old)
        assert [item["id"] for item in amani("reconcile", "--older-than", "10m", "--json").data["items"]] == [old]
        assert ids(amani, "--status", "unknown") == [young]

    def test_with_the_server_gone_it_stays_open(
        self, amani: Amani, main: Held, pay: Callable[..., str], home: Path
    ) -> None:
        paid = pay(1)
        change_database(home, "UPDATE payment SET status='unknown'")
        take_server_away(home)
        answer = amani("reconcile", "--json")
        assert (answer.code, answer.json["data"]["unknown"]) == (8, 1)
        assert paid in answer.json["warnings"][0]

    @pytest.mark.parametrize("key", ["admin_key", "read_key"])
    def test_a_payment_that_never_arrived_fails_only_when_that_is_certain(
        self, amani: Amani, main: Held, pay: Callable[..., str], home: Path, key: str
    ) -> None:
        pay(1)
        # The server has no record of this hash: as if amani had died between journaling and sending.
        change_database(home, "UPDATE payment SET status='unknown', payment_hash=?", "ab" * 32)
        assert amani("reconcile").code == 8
        change_database(home, "UPDATE payment SET expires_at='2026-08-01T12:00:00Z'")
        assert amani("reconcile").code == 8  # sent a moment ago: it may still arrive
        change_database(home, "UPDATE payment SET created_at='2026-08-01T11:00:00Z'")
        write_key(main.key_file, getattr(main, key))
        answer = amani("reconcile", "--json").data
        assert answer["failed"] == 1
        assert "never reached the provider" in answer["items"][0]["failure"]

    @pytest.mark.parametrize("resume", [False, True])
    def test_the_answer_to_another_question_proves_nothing(
        self, amani: Amani, main: Held, pay: Callable[..., str], home: Path, resume: bool
    ) -> None:
        """ "No such payment" does not say which: a line that mixes up answers would have it paid a second time."""
        paid = pay(1)
        long_ago = "2026-08-01T11:00:00Z"
        with FaultProxy(main.server.url) as proxy:
            change_database(home, "UPDATE payment SET status='unknown', created_at=?1, expires_at=?1", long_ago)
            change_database(home, "UPDATE wallet SET url=? WHERE name='main'", proxy.url)
            proxy.on(
                fault_proxy.answer(404, {"detail": "Payment does not exist."}), "GET", "/api/v1/payments/[0-9a-f]+"
            )
            words = ("--resume", paid, "--yes") if resume else (paid,)
            assert amani("reconcile", *words).code == 0
            assert proxy.count("POST", "/api/v1/payments") == 0
        assert amani("history", "show", paid, "--json").data["status"] == "settled"

    @pytest.mark.parametrize("key", ["admin_key", "read_key"])
    def test_the_key_of_another_wallet_proves_nothing(
        self, amani: Amani, main: Held, add_wallet: AddWallet, pay: Callable[..., str], home: Path, key: str
    ) -> None:
        """It has no record of the payment either; called failed, it would be paid a second time."""
        paid = pay(1)
        long_ago = "2026-08-01T11:00:00Z"
        change_database(home, "UPDATE payment SET status='unknown', created_at=?1, expires_at=?1", long_ago)
        write_key(main.key_file, getattr(add_wallet("third", 5), key))
        assert amani("reconcile").code == 8
        write_key(main.key_file, getattr(main, key))
        assert amani("reconcile", paid, "--json").data["settled"] == 1

    def test_a_wallet_that_was_renamed_or_added_again_still_settles_it(
        self, amani: Amani, main: Held, pay: Callable[..., str], home: Path
    ) -> None:
        paid = pay(1)
        assert amani("wallet", "remove", "main", "--yes").code == 0
        change_database(home, "UPDATE payment SET status='unknown' WHERE id=?", paid)
        lost = amani("reconcile", "--json")
        assert lost.code == 8
        assert "not known here any more" in lost.json["warnings"][0]
        words = ("wallet", "add", "again", "--url", main.server.url, "--key-file", main.key_file)
        assert amani(*words).code == 0
        assert amani("reconcile", "--json").data["settled"] == 1
