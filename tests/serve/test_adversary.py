"""Everything that can be done to links, in any order: each cheque's money is had once, and its page says so.

AMANI_TEST_DEEP=1 has more of it.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from amani_cli import keys
from amani_cli.encodings.bolt11 import decode_invoice
from amani_cli.serve.withdraw import k1_of
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.books import compared
from tests.kit.cheque_world import User, grow_older
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Exchange, FaultProxy, answer, cut
from tests.kit.machine import Machine
from tests.kit.serve_world import InProcess, Link, Phone, in_process, serving, write_link

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

ACTS = 400 if DEEP else 90
SAT = 100
PIN = "4825"
WEIGHTS = dict.fromkeys(("write", "look", "paste", "by_code", "void"), 3)
WEIGHTS |= {"take": 6, "take_in_doubt": 5, "reissue": 5, "expire": 2, "set_clock": 2, "keep": 2}
WEIGHTS |= dict.fromkeys(("sweep", "reconcile", "another_process", "hold"), 1) | {"copy": 2, "go_back": 2}
"""What happens, and how often beside the rest."""


@dataclass
class Story:
    """Links, and whoever does things to them: `taken` counts who had the money of each."""

    amani: Amani
    site: InProcess
    home: Path
    giver: Held
    taker: Held
    proxy: FaultProxy
    machine: Machine
    pin_file: Path
    dice: random.Random
    links: list[Link] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    lost: list[Link] = field(default_factory=list)

    def any(self) -> Link:
        return self.dice.choice(self.links)

    def invoice(self, link: Link) -> str:
        made = self.taker.invoice(SAT, memo=link.id)
        self.asked[decode_invoice(made).payment_hash] = link.id
        return made

    def write(self) -> None:
        held = "SELECT 1 FROM hold UNION ALL SELECT 1 FROM mark WHERE name='spending held'"
        is_held = ledgers.ask(self.home, held) != []
        if len(self.links) < 12 and not self.machine.wrong and not is_held:
            self.links.append(write_link(self.amani, SAT, "--pin-file", self.pin_file))

    def look(self) -> None:
        assert self.site.get(self.any().path).status_code in (200, 404, 503)

    def take(self) -> None:
        link = self.any()
        self.site.json(f"{link.path}/callback", k1=k1_of(link.token), pr=self.invoice(link))

    def paste(self) -> None:
        link = self.any()
        self.site.post(link, self.invoice(link))

    def take_in_doubt(self) -> None:
        """The answer is lost, before or after it acted, or says that nobody knows."""
        fault = self.dice.choice((cut(after=True), cut(after=False), answer(520, {"status": "pending", "detail": "?"})))

        def fall(exchange: Exchange) -> None:
            fault(exchange) if (exchange.json or {}).get("out") else exchange.reply(exchange.forward())

        self.proxy.on(fall, "POST", "/api/v1/payments", times=2)
        self.take()
        self.proxy.heal()

    def by_code(self) -> None:
        link = self.any()
        done = self.amani("cheque", "claim", "-", "--to", "taker", "--json", stdin=link.code)
        if done.code == 0 and not done.data["replayed"]:
            self.taken[link.id] += 1

    def void(self) -> None:
        self.amani("cheque", "void", self.any().id, "--yes")

    def reissue(self) -> None:
        at = self.dice.randrange(len(self.links))
        again = self.amani("cheque", "reissue", self.links[at].id, "--yes", "--json")
        if again.code == 0:
            made = again.data
            self.links[at] = Link(made["id"], made["link"], made["lnurl"], made["code"], made["amount_msat"])
            self.amani.secrets |= {self.links[at].token, made["code"], made["lnurl"]}

    def expire(self) -> None:
        if self.dice.random() < 0.3:
            change_database(self.home, "UPDATE cheque SET expires_at=created_at WHERE id=?", self.any().id)

    def sweep(self) -> None:
        self.amani("cheque", "sweep")

    def set_clock(self) -> None:
        self.machine.set(self.dice.choice((-7200, 0, 0, 7200, 90_000)))

    def reconcile(self) -> None:
        self.amani("reconcile")

    def keep(self) -> None:
        self.site.keep()

    def another_process(self) -> None:
        self.site = in_process(self.site.base_url)

    def hold(self) -> None:
        """As a copy that was restored is, until it was read back."""
        change_database(
            self.home,
            "INSERT INTO hold SELECT remote_id, name, 1, 'a copy', created_at FROM wallet WHERE name='giver'"
            " ON CONFLICT DO NOTHING",
        )

    def copy(self) -> None:
        """A copy of the ledger, as a backup keeps one."""
        _copied(self.home / "amani.db", self.home / "copy.db")

    def go_back(self) -> None:
        """That copy takes the ledger's place; the keys are those in use, and what was written since is in none."""
        if self.dice.random() < 0.5 or not (self.home / "copy.db").exists():
            return
        _copied(self.home / "copy.db", self.home / "amani.db")
        change_database(self.home, "INSERT INTO mark VALUES ('spending held', 'a copy', '2026') ON CONFLICT DO NOTHING")
        known = {row[0] for row in ledgers.ask(self.home, "SELECT id FROM cheque")}
        self.lost += [link for link in self.links if link.id not in known]
        self.links = [link for link in self.links if link.id in known]

    def go_on(self) -> None:
        (name,) = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        self.told.append(name)
        getattr(self, name)()
        self.pages_are_true()

    def pages_are_true(self) -> None:
        """What one look at a page can be held to: nothing is said to be open that was had, nor gone that was not."""
        paid = self.paid()
        for link in self.links:
            state = self.site.state(link)
            if state == "open":
                assert not paid[link.id], (link.id, self.told[-5:])
            if state == "claimed":
                assert paid[link.id], (link.id, self.told[-5:])

    def paid(self) -> Counter[str]:
        """How often each cheque's money was had by somebody."""
        settled = [each for each in self.taker.records() if each["amount"] > 0 and each["status"] == "success"]
        by_link = Counter(self.asked[each["payment_hash"]] for each in settled if each["payment_hash"] in self.asked)
        return by_link + self.taken

    def end(self) -> None:
        """Everything gets well and certain; what is open still is taken, and each was had once or is home."""
        self.proxy.heal()
        self.machine.set(0)
        for _ in range(3):
            grow_older(self.home)
            self.amani("reconcile")
        assert self.amani("reconcile").code == 0
        self.site = in_process(self.site.base_url)
        for link in self.links:
            if self.site.state(link) == "open":
                assert self.site.take(link, self.invoice(link)) == {"status": "OK"}
        # Who draws by a code may be at it until its end: what that leaves of a reserve comes home then.
        change_database(self.home, "UPDATE cheque SET expires_at=created_at")
        assert self.amani("cheque", "sweep").code == 0
        had = self.paid()
        ends = {each["id"]: each["status"] for each in self.amani("cheque", "list", "--json").data["items"]}
        for link in self.links:
            assert had[link.id] == (ends[link.id] == "claimed"), (link.id, ends[link.id], had[link.id])
        assert set(ends.values()) <= {"claimed", "void", "expired"}
        assert self.taker.sat == SAT * sum(had.values())
        home = 20_000 - self.taker.sat
        assert home - len(self.lost) * (SAT + 2) <= self.giver.sat <= home
        compared(self.amani, self.giver)
        assert self.amani("audit", "verify").code == 0


def _copied(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.mark.sqlite
@pytest.mark.parametrize("login", [True, False], ids=["login", "no login"])
@pytest.mark.parametrize("seed", range(4 if DEEP else 1))
def test_any_order(
    amani: Amani,
    add_wallet: AddWallet,
    request: pytest.FixtureRequest,
    base_url: str,
    home: Path,
    tmp_path: Path,
    machine: Machine,
    tally: Tally,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    login: bool,
) -> None:
    """Without a login no keys can be made new, and what was taken back leaves its wallet behind."""
    user: User | None = request.getfixturevalue("user") if login else None
    monkeypatch.setattr("amani_cli.serve.site.CLAIM_S", 0.3)
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.3)
    monkeypatch.setattr("amani_cli.serve.desk.LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr("amani_cli.cheques.by_link.RESEND_AFTER_S", 0.0)
    giver, taker = add_wallet("giver", 20_000), add_wallet("taker")
    for limit in ("cheque", "transfer", "invoice"):
        assert amani("config", "set", f"limit.{limit}", "off").code == 0
    pin_file = write_key(tmp_path / "pin", PIN)
    assert amani("pin", "set", "--always", "--wallet", "giver", "--pin-file", pin_file).code == 0
    with FaultProxy(giver.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        if user is not None:
            keys.keyring_set(f"login:{proxy.url}", user.token)
            change_database(home, "UPDATE login SET url=?", proxy.url)
        story = Story(*(amani, in_process(base_url), home, giver, taker, proxy, machine, pin_file, random.Random(seed)))
        for _ in range(3):
            story.write()
        for _ in range(ACTS):
            story.go_on()
        story.end()
    tally("faults", story.told.count("take_in_doubt"))


def test_all_at_once(amani: Amani, add_wallet: AddWallet, user: User, base_url: str, home: Path, tally: Tally) -> None:
    """A phone, its twin, the code, the giver who takes back and the giver who gives it anew, all in one moment."""
    giver, taker = add_wallet("giver", 20_000), add_wallet("taker")
    for limit in ("cheque", "transfer", "invoice"):
        assert amani("config", "set", f"limit.{limit}", "off").code == 0
    links = [write_link(amani, SAT) for _ in range(12 if DEEP else 4)]
    invoices = [[taker.invoice(SAT, memo=f"{nth} {turn}") for turn in range(2)] for nth in range(len(links))]
    with serving(base_url), ThreadPoolExecutor(8) as pool:
        for nth, link in enumerate(links):
            words: list[tuple[tuple[object, ...], str]] = [
                (("cheque", "claim", "-", "--to", "taker"), link.code),
                (("cheque", "void", link.id, "--yes"), ""),
                (("cheque", "reissue", link.id, "--yes"), ""),
            ]
            random.Random(nth).shuffle(words)
            runs = [pool.submit(amani.process, *each, stdin=stdin) for each, stdin in words]
            phones = [pool.submit(Phone(lambda _, made=made: made).take, link) for made in invoices[nth]]  # type: ignore[misc]
            told = [each.result() for each in phones]
            ended = [each.result() for each in runs]
            tally("processes", len(ended))
            assert {each.code for each in ended} <= {0, 3, 6, 8, 9, 12}, ended
            assert all(each["status"] in ("OK", "ERROR") for each in told), told
    taker.server.end_invoices(taker.id)  # whose key died before it could look knows by that alone that nothing came
    for _ in range(3):
        grow_older(home)
        amani("reconcile")
    assert amani("reconcile").code == 0
    change_database(home, "UPDATE cheque SET expires_at=created_at")
    assert amani("cheque", "sweep").code == 0
    ends = Counter(each["status"] for each in amani("cheque", "list", "--json").data["items"])
    assert set(ends) <= {"claimed", "void", "expired"}, ends
    assert taker.sat == SAT * ends["claimed"]
    assert giver.sat == 20_000 - taker.sat
    compared(amani, giver)
    compared(amani, taker)
    assert amani("audit", "verify").code == 0
