"""An LNbits of memory, as far as amani speaks with it: the answers of 1.6.2, checked against the real one.

Amounts are msat. What it does is what `test_conformance.py` has seen the real server do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

from tests.kit.make_invoice import bech32

if TYPE_CHECKING:
    from tests.simulation.network import Network, Paper


@dataclass
class Wallet:
    """A wallet at a server."""

    id: str
    user: str
    name: str
    adminkey: str
    inkey: str
    deleted: bool = False
    at: float = 0.0
    by: Any = None


@dataclass
class Record:
    """A payment as one wallet has it; `amount` is negative when it left. `by` is the run of amani that sent it."""

    wallet: str
    paper: Paper
    amount: int
    fee: int
    status: str
    time: float
    extra: dict[str, Any] = field(default_factory=dict)
    updated: float = 0.0
    by: Any = None
    internal: bool = False


@dataclass
class Link:
    """An LNURL-withdraw over a wallet, for one taker: it sets nothing aside."""

    wallet: str
    msat: int
    is_spent: bool = False


class Request(NamedTuple):
    """What came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    by: Any = None


class Answer(NamedTuple):
    """What goes out: a status, and a body that is JSON unless it is text."""

    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        """What the body is."""
        return "text/html" if isinstance(self.body, str) else "application/json"


Later = Callable[[float, Callable[[], None]], None]


class Lnbits:
    """One server. `later` has the world do something after so many seconds; `rng` decides what nobody chooses."""

    def __init__(self, url: str, network: Network, now: Callable[[], float], later: Later, version: str = "1.6.2"):
        self.url, self.network, self.now, self.later, self.version = url, network, now, later, version
        self.rng = random.Random(0)
        self.wallets: dict[str, Wallet] = {}
        self.records: list[Record] = []
        self.by_wallet: dict[str, list[Record]] = {}
        self.by_hash: dict[str, list[Record]] = {}
        self.tokens: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.links: dict[str, Link] = {}
        self.has_withdraw = False
        self.given: int = 0  # msat that came from nowhere, by an admin
        self.on_record: Callable[[Record], None] = lambda record: None
        self.others: list[Lnbits] = []
        # What becomes of the next payments that leave: drawn by the world.
        self.fate: Callable[[Paper], tuple[str, float, bool, int]] = lambda paper: ("now", 0.0, True, 0)
        # Whether it can't say for certain that a payment failed which did, and shows its record in place of a no.
        self.shows_failed: Callable[[], bool] = lambda: self.rng.random() >= 0.5
        self.rates: dict[str, float] = {"USD": 1000.0}

    # -- what the world does directly ----------------------------------------------------------------------------

    def new_wallet(self, rng: random.Random, user: str, name: str) -> Wallet:
        """Make a wallet."""
        made = Wallet(rng.randbytes(16).hex(), user, name, rng.randbytes(16).hex(), rng.randbytes(16).hex())
        self.wallets[made.id] = made
        made.at = self.now()
        return made

    def give(self, rng: random.Random, wallet: Wallet, msat: int) -> None:
        """Put money into a wallet, as an admin does: a paid invoice from nowhere."""
        paper = self.network.invoice(rng, msat, self.now(), memo="Admin credit", maker=self)
        paper.paid += 1
        self.given += msat
        self._keep(Record(wallet.id, paper, msat, 0, "success", self.now(), updated=self.now()))

    def balance(self, wallet: str) -> int:
        """What a wallet holds, in msat: what came, less what left or may."""
        total = 0
        for record in self.by_wallet.get(wallet, ()):
            if record.status == "success" or (record.amount < 0 and record.status == "pending"):
                total += record.amount + record.fee
        return total

    def of(self, wallet: str, payment_hash: str) -> Record | None:
        """A wallet's record of a hash, the outgoing one first."""
        mine = [record for record in self.by_hash.get(payment_hash, ()) if record.wallet == wallet]
        return min(mine, key=lambda record: record.amount, default=None)

    def incoming(self, payment_hash: str) -> Record | None:
        """The record of whoever asked for it here."""
        return next((record for record in self.by_hash.get(payment_hash, ()) if record.amount > 0), None)

    # -- requests ----------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        path, method = request.path, request.method
        if path == "/openapi.json":
            return Answer(200, {"info": {"version": self.version}})
        if path == "/api/v1/health":
            return Answer(200, {"server_time": int(self.now()), "up_time": "1:00:00"})
        if path.startswith("/api/v1/rate/"):
            unit = path.rpartition("/")[2]
            rate = self.rates.get(unit, 0.0)
            return Answer(200, {"rate": rate, "price": 100_000_000 / rate if rate else 0.0})
        if path == "/api/v1/payments/fee-reserve":
            paper = self.network.by_text.get(request.query.get("invoice", [""])[0])
            return Answer(200, {"fee_reserve": _reserve(paper.amount_msat)}) if paper else Answer(500, {"detail": "?"})
        if path == "/api/v1/payments/decode" and method == "POST":
            return self._decode(request)
        if path == "/api/v1/auth" and method == "POST":
            return self._log_in(request)
        if path == "/api/v1/account" and method == "POST":
            return self._made(request, self.rng.randbytes(16).hex())
        if path.startswith("/withdraw/") and not self.has_withdraw:
            return Answer(404, {"detail": "Not Found"})
        if path.startswith(("/api/v1/wallets", "/api/v1/wallet/reset/")) or (
            path.startswith("/api/v1/wallet") and (method in ("POST", "DELETE"))
        ):
            return self._as_user(request)
        return self._by_key(request)

    def _by_key(self, request: Request) -> Answer:
        path, method = request.path, request.method
        key = request.headers.get("x-api-key", "")
        wallet = next((w for w in self.wallets.values() if key in (w.adminkey, w.inkey) and not w.deleted), None)
        admin = wallet is not None and key == wallet.adminkey
        if path.startswith("/api/v1/payments/") and method == "GET" and path != "/api/v1/payments/paginated":
            return self._status(wallet, unquote(path.rpartition("/")[2]))
        if not key:
            return Answer(401, {"detail": "No Api Key provided."})
        if wallet is None:
            return Answer(404, {"detail": "Wallet not found."})
        if path == "/withdraw/api/v1/links":
            return self._link(request, wallet, admin=admin)
        if path == "/api/v1/wallet" and method == "GET":
            told: dict[str, Any] = {"name": wallet.name, "balance": self.balance(wallet.id)}
            return Answer(200, told | {"id": wallet.id} if admin else told)
        if path == "/api/v1/wallet" and method == "PATCH":
            if not admin:
                return Answer(403, {"detail": "Invalid adminkey."})
            wallet.name = _name(request)
            return Answer(200, self._wallet(wallet))
        if path == "/api/v1/payments/paginated" and method == "GET":
            return self._paginated(wallet, request.query)
        if path == "/api/v1/payments" and method == "POST" and isinstance(request.body, dict):
            if request.body.get("out", True):
                if not admin:
                    return Answer(403, {"detail": "Invoice (or Admin) key required."})
                return self.pay(wallet, request.body, request.by)
            return self._create(wallet, request.body)
        return Answer(404, {"detail": "Not Found"})

    def _as_user(self, request: Request) -> Answer:
        path, method = request.path, request.method
        user = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            return Answer(401, {"detail": "Missing user ID or access token."})
        if path == "/api/v1/wallets" and method == "GET":
            return Answer(200, [self._wallet(w) for w in self.wallets.values() if w.user == user and not w.deleted])
        if path == "/api/v1/wallet" and method == "POST":
            return self._made(request, user)
        wallet = self.wallets.get(path.rpartition("/")[2])
        if wallet is None or wallet.user != user or wallet.deleted:
            return Answer(404, {"detail": "Wallet not found"})
        if method == "DELETE":
            wallet.deleted = True
            return Answer(200, None)
        self.rotate(self.rng, wallet)
        return Answer(200, self._wallet(wallet))

    def _made(self, request: Request, user: str) -> Answer:
        made = self.new_wallet(self.rng, user, _name(request))
        made.by = request.by
        return Answer(200, self._wallet(made))

    def rotate(self, rng: random.Random, wallet: Wallet) -> None:
        """Give a wallet new keys."""
        wallet.adminkey, wallet.inkey = rng.randbytes(16).hex(), rng.randbytes(16).hex()

    def _log_in(self, request: Request) -> Answer:
        body = request.body if isinstance(request.body, dict) else {}
        name = str(body.get("username"))
        if self.passwords.get(name, "") != body.get("password"):
            return Answer(401, {"detail": "Invalid credentials."})
        token = "eyJ" + self.rng.randbytes(24).hex()
        self.tokens[token] = name
        return Answer(200, {"access_token": token, "token_type": "bearer"})

    def _decode(self, request: Request) -> Answer:
        paper = self.network.by_text.get(str((request.body or {}).get("data")))
        if paper is None:
            return Answer(400, {"message": "Failed to decode: Bech32 string is not valid."})
        return Answer(200, {"payment_hash": paper.payment_hash, "amount_msat": paper.amount_msat})

    # -- invoices and payments ------------------------------------------------------------------------------------

    def _create(self, wallet: Wallet, body: dict[str, Any]) -> Answer:
        amount = body.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            return Answer(520, {"detail": "Amountless invoices not supported.", "status": "failed"})
        if amount > 10_000_000:
            said = f"Invoice amount {amount} sats is too high. Max allowed: 10000000 sats."
            return Answer(520, {"detail": said, "status": "failed"})
        described = str(body.get("unhashed_description") or "")
        paper = self.network.invoice(
            self.rng,
            amount * 1000,
            self.now(),
            expiry=int(body.get("expiry") or 3600),
            memo=str(body.get("memo") or "LNbits"),
            maker=self,
            description_hash=sha256(bytes.fromhex(described)).hexdigest() if described else None,
        )
        record = Record(wallet.id, paper, amount * 1000, 0, "pending", self.now(), dict(body.get("extra") or {}))
        self._keep(record)
        return Answer(201, self._payment(record))

    def pay(self, wallet: Wallet, body: dict[str, Any], by: Any) -> Answer:
        """Pay a bolt11 out of a wallet; in this order LNbits looks at things."""
        text = str(body.get("bolt11") or "")
        if not text:
            return Answer(400, {"detail": "Missing BOLT11 invoice"})
        paper = self.network.by_text.get(text.lower())
        if paper is None:
            return _failed("Bolt11 decoding failed.")
        extra = dict(body.get("extra") or {})
        theirs = self.incoming(paper.payment_hash)
        if theirs is not None:
            return self._pay_inside(wallet, paper, theirs, extra, by)
        balance = self.balance(wallet.id)
        reserve = _reserve(paper.amount_msat)
        if balance < paper.amount_msat:
            return _failed("Insufficient balance.")
        if balance < paper.amount_msat + reserve:
            return _failed(f"You must reserve at least ({reserve // 1000}  sat) to cover potential routing fees.")
        for earlier in self.by_hash.get(paper.payment_hash, ()):
            if earlier.amount < 0:
                if earlier.status == "success":
                    return Answer(520, {"detail": "Payment already paid.", "status": "success"})
                if earlier.status == "pending":
                    return Answer(520, {"detail": "Payment is still pending.", "status": "pending"})
                if self.shows_failed():
                    return Answer(201, self._payment(earlier))
                return _failed("Payment is failed node, retrying is not possible.")
        return self._send(wallet, paper, reserve, extra, by)

    def _pay_inside(self, wallet: Wallet, paper: Paper, theirs: Record, extra: dict[str, Any], by: Any) -> Answer:
        if theirs.status == "success":
            return _failed("Internal invoice already paid.")
        if theirs.status == "failed":
            return Answer(201, self._payment(theirs))
        if self.balance(wallet.id) < paper.amount_msat:
            return _failed("Insufficient balance.")
        record = Record(wallet.id, paper, -paper.amount_msat, 0, "success", self.now(), extra, self.now(), by, True)
        self._keep(record)
        self._arrive(paper)
        if self.wallets[theirs.wallet].deleted:
            return _failed(f"Could not fetch wallet '{theirs.wallet}'.")
        return Answer(201, self._payment(record))

    def _send(self, wallet: Wallet, paper: Paper, reserve: int, extra: dict[str, Any], by: Any) -> Answer:
        record = Record(wallet.id, paper, -paper.amount_msat, -reserve, "pending", self.now(), extra, 0.0, by)
        self._keep(record)
        when, after, fine, fee = self.fate(paper)
        fee = min(fee, reserve)
        if when == "now":
            self._decide(record, fine, fee)
            if record.status == "failed":
                return _failed("Payment failed: no route.")
        else:
            self.later(after, lambda: self._decide(record, fine, fee))
        return Answer(201, self._payment(record))

    def _decide(self, record: Record, fine: bool, fee: int) -> None:
        """What becomes of a payment that left: the payee takes a hash once."""
        paper = record.paper
        record.updated = self.now()
        if not fine or paper.paid or (paper.is_over(self.now()) and record.time == self.now()):
            record.status, record.fee = "failed", 0
            return
        record.status, record.fee = "success", -fee
        self._arrive(paper)

    def _arrive(self, paper: Paper) -> None:
        """Money has come to whoever made an invoice."""
        paper.paid += 1
        if paper.maker is not None:
            theirs = paper.maker.incoming(paper.payment_hash)
            theirs.status, theirs.updated = "success", self.now()
        for told in paper.arrived:
            told()

    def take(self, paper: Paper) -> bool:
        """Somebody outside pays an invoice of ours; whether it could be."""
        record = self.incoming(paper.payment_hash)
        if record is None or record.status != "pending" or paper.is_over(self.now()):
            return False
        self._arrive(paper)
        self.given += paper.amount_msat
        return True

    def _keep(self, record: Record) -> None:
        self.records.append(record)
        self.by_wallet.setdefault(record.wallet, []).append(record)
        self.by_hash.setdefault(record.paper.payment_hash, []).append(record)
        self.on_record(record)

    # -- the withdraw extension (https://github.com/lnbits/withdraw, views_api.py and views_lnurl.py) --------------

    def _link(self, request: Request, wallet: Wallet, *, admin: bool) -> Answer:
        """Make a link over the key's wallet, or list those there are."""
        if request.method == "GET":
            return Answer(200, [])
        if not admin:
            return Answer(403, {"detail": "Invalid adminkey."})
        url = f"{self.url}/withdraw/api/v1/lnurl/{self.rng.randbytes(11).hex()}"
        bits = "".join(f"{byte:08b}" for byte in url.encode())
        lnurl = bech32("lnurl", [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)])
        self.links[lnurl] = Link(wallet.id, int(request.body["max_withdrawable"]) * 1000)
        return Answer(201, {"wallet": wallet.id, "lnurl": lnurl})

    def draw(self, lnurl: str, paper: Paper) -> None:
        """Somebody's phone shows its invoice to a link. A use is taken once the payment went through: after any
        failure, an ambiguous one too, the link is good again."""
        link = self.links[lnurl]
        wallet = self.wallets[link.wallet]
        if link.is_spent or wallet.deleted or paper.amount_msat != link.msat:
            return
        answer = self.pay(wallet, {"bolt11": paper.bolt11, "extra": {"tag": "withdraw"}}, None)
        link.is_spent = isinstance(answer.body, dict) and answer.body.get("status") == "success"

    # -- telling ----------------------------------------------------------------------------------------------------

    def _status(self, wallet: Wallet | None, payment_hash: str) -> Answer:
        for each in self.by_hash.get(payment_hash, ()):
            if each.amount > 0 and each.status == "pending":
                self._expire(each)
        if wallet is None:
            known = self.by_hash.get(payment_hash, [])
            if not known:
                return Answer(404, {"detail": "Payment does not exist."})
            paid = any(each.status == "success" for each in known)
            return Answer(200, {"paid": paid, "preimage": known[0].paper.preimage if paid else None})
        record = self.of(wallet.id, payment_hash)
        if record is None:
            return Answer(404, {"detail": "Payment does not exist."})
        details = self._payment(record)
        if record.status == "success":
            return Answer(200, {"paid": True, "preimage": record.paper.preimage, "details": details})
        return Answer(200, {"paid": False, "status": record.status, "preimage": None, "details": details})

    def _expire(self, record: Record) -> None:
        if record.paper.is_over(self.now()):
            record.status, record.updated = "failed", self.now()

    def _paginated(self, wallet: Wallet, query: dict[str, list[str]]) -> Answer:
        records = list(self.by_wallet.get(wallet.id, ()))
        upper = query.get("time[le]")
        if upper:
            records = [record for record in records if record.time <= float(upper[0])]
        wanted = query.get("payment_hash")
        if wanted:
            records = [record for record in records if record.paper.payment_hash == wanted[0]]
        status = query.get("status")
        if status:
            records = [record for record in records if record.status == status[0]]
        if query.get("sortby"):
            backward = query.get("direction", ["asc"])[0] == "desc"
            records.sort(key=lambda record: record.time, reverse=backward)
        offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["10"])[0])
        page = records[offset : offset + min(limit, self.page)]
        return Answer(200, {"data": [self._payment(record) for record in page], "total": len(records)})

    page = 1000

    def _payment(self, record: Record) -> dict[str, Any]:
        paper = record.paper
        told = record.status == "success" or record.amount > 0
        return {
            "checking_id": ("internal_" if record.internal else "") + paper.payment_hash,
            "payment_hash": paper.payment_hash,
            "wallet_id": record.wallet,
            "amount": record.amount,
            "fee": record.fee,
            "bolt11": paper.bolt11,
            "payment_request": paper.bolt11,
            "status": record.status,
            "memo": paper.memo,
            "expiry": _iso(paper.created + paper.expiry),
            "preimage": paper.preimage if told else None,
            "time": _iso(record.time),
            "created_at": _iso(record.time),
            "updated_at": _iso(record.updated or record.time),
            "extra": record.extra,
        }

    def _wallet(self, wallet: Wallet) -> dict[str, Any]:
        return {
            "id": wallet.id,
            "user": wallet.user,
            "name": wallet.name,
            "adminkey": wallet.adminkey,
            "inkey": wallet.inkey,
            "balance_msat": self.balance(wallet.id),
            "deleted": wallet.deleted,
        }


def _failed(reason: str) -> Answer:
    return Answer(520, {"detail": reason, "status": "failed"})


def _reserve(amount_msat: int) -> int:
    """The fee reserve by LNbits' defaults."""
    return max(2000, amount_msat // 100)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _name(request: Request) -> str:
    return str((request.body or {}).get("name") or "LNbits wallet")


def read_query(text: str) -> dict[str, list[str]]:
    """A query string as a dictionary."""
    return parse_qs(text, keep_blank_values=True)
