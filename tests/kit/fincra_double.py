"""A stand-in for Fincra's API on loopback, for tests alone: strict about what it is sent, faithful in what it answers.

It keeps ledgers and locks, refuses unknown paths and unknown keys, lets quotes expire by a clock of its own, settles
a payout on its Nth read, and can be told to fail in every way that the client must survive. It is no Fincra: what is
documented in two ways is switchable, and what nobody documents (an account that fails) is a choice made here.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

WHOLE = {"UGX", "XAF", "XOF", "RWF"}  # currencies without decimals
FAILING_ACCOUNT = "9999999999"  # a choice of the double's: Fincra's sandbox documents no account that fails
QUOTE_LIFE_S = 30
BANKS: dict[str, list[dict[str, Any]]] = {
    "NGN": [
        {"id": 1, "code": "044", "name": "Access Bank"},
        {"id": "2", "code": "058", "name": "Guaranty Trust Bank"},
        {"id": 3, "code": "305", "name": "OPay"},
    ],
    "GHS": [
        {"id": 4, "code": "MTN", "name": "MTN", "isMobileVerified": True},
        {"id": 5, "code": "AIRTEL", "name": "AirtelTigo", "isMobileVerified": True},
        {"id": 6, "code": "GH130100", "name": "Ecobank Ghana", "swiftCode": "ECOCGHAC"},
    ],
    "KES": [
        {"id": 7, "code": "MPESA", "name": "M-Pesa", "isMobileVerified": True},
        {"id": 8, "code": "AIRTEL", "name": "Airtel Kenya", "isMobileVerified": True},
        {"id": 9, "code": "01", "name": "Kenya Commercial Bank"},
    ],
    "UGX": [
        {"id": 10, "code": "MTN", "name": "MTN Uganda", "isMobileVerified": True},
        {"id": 11, "code": "AIRTEL", "name": "Airtel Uganda", "isMobileVerified": True},
    ],
    "XOF": [{"id": 12, "code": "ORANGE", "name": "Orange Money", "isMobileVerified": True}],
}
ACCOUNTS = {  # (account, bank or operator): the holder; what Fincra's own pages give as sandbox accounts
    ("0987654321", "305"): "Grace Okoro",
    ("2345678901", "058"): "Chinwe Eze",
    (FAILING_ACCOUNT, "058"): "Fails Always",
    ("233541234567", "AIRTEL"): "Ama Boateng",
    ("254731234567", "AIRTEL"): "Mary Atieno",
    ("254722345678", "MPESA"): "James Kariuki",
    ("1441000000001", "ECOCGHAC"): "Kofi Mensah",
}
RATES = {("USD", "NGN"): Decimal(1500), ("NGN", "USD"): Decimal("0.00066"), ("USD", "GHS"): Decimal(15)}
_PAYOUT_KEYS = {
    "business",
    "sourceCurrency",
    "destinationCurrency",
    "amount",
    "customerReference",
    "paymentDestination",
    "description",
    "quoteReference",
    "paymentScheme",
    "sender",
    "customerName",
    "files",
    "beneficiary",
}
_BENEFICIARY_KEYS = {
    "type",
    "firstName",
    "lastName",
    "accountHolderName",
    "accountNumber",
    "bankCode",
    "bankSwiftCode",
    "mobileMoneyCode",
    "country",
}
_CHECKOUT_KEYS = {
    "amount",
    "currency",
    "customer",
    "reference",
    "redirectUrl",
    "feeBearer",
    "paymentMethods",
    "defaultPaymentMethod",
    "settlementDestination",
    "metadata",
    "successMessage",
}
_METHODS = {
    "NGN": {"card", "bank_transfer", "payattitude", "palmpay"},
    "GHS": {"mobile_money"},
    "KES": {"mobile_money"},
    "USD": {"card"},
}


@dataclass
class Account:
    """One currency of a merchant."""

    id: int
    number: str
    available: Decimal = Decimal(0)
    locked: Decimal = Decimal(0)

    @property
    def ledger(self) -> Decimal:
        """What the account holds, locked money included."""
        return self.available + self.locked


@dataclass
class Merchant:
    """A business with its key and its accounts, by currency."""

    key: str
    public_key: str
    business: str
    name: str
    accounts: dict[str, Account] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Fault:
    """How the next `times` requests of `method` to a path that begins with `path` go wrong.

    `what`: `drop`, `500`, `503`, `429`, `html`, `false`, `null`, `422` or `empty`. `stored` says whether the request
    was carried out before.
    """

    what: str
    method: str
    path: str
    stored: bool = True
    times: int = 1


class Refused(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def service_error(status: int, kind: str, text: str, errors: object = None) -> Refused:
    """A refusal in the services' shape."""
    body: dict[str, Any] = {"success": False, "error": text, "errorType": kind}
    if errors is not None:
        body["errors"] = errors
    return Refused(status, body)


def nest_error(status: int, message: object, words: str) -> Refused:
    """A refusal in the shape of the checkout service."""
    return Refused(status, {"statusCode": status, "message": message, "error": words})


class Double:
    """The server and all that it knows; its switches are plain attributes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.merchants: dict[str, Merchant] = {}
        self.payouts: list[dict[str, Any]] = []
        self.quotes: dict[str, dict[str, Any]] = {}
        self.conversions: list[dict[str, Any]] = []
        self.checkouts: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.clock_ahead_s = 0.0
        self.settle_on_read = 1
        self.fee = Decimal("10.75")
        self.ids_as_text = False
        self.new_field_names = False
        self.created = 201
        self.mode = "sandbox"
        self.noise = Decimal(0)
        self.forget_for_reads = 0  # how many look-ups a stored payout stays invisible for
        self.unlisted_ip = False
        self.unnamed_conversions = False  # the list does not say whose they are, as it did not before 2026
        self._number = 1000
        self.url = ""

    # -- what tests say ------------------------------------------------------------------------------------

    def merchant(self, name: str, **balances: str) -> Merchant:
        """Open a business with these balances."""
        self._number += 1
        made = Merchant(
            key=f"sk_test_{uuid.uuid4().hex}",
            public_key=f"pk_test_{uuid.uuid4().hex[:16]}",
            business=uuid.uuid4().hex[:24],
            name=name,
        )
        for currency, value in balances.items():
            self.account(made, currency).available = Decimal(value)
        self.merchants[made.key] = made
        return made

    def account(self, merchant: Merchant, currency: str) -> Account:
        """A merchant's account in a currency, opened if need be."""
        if currency not in merchant.accounts:
            self._number += 1
            number = f"1000001{self._number:08}"
            merchant.accounts[currency] = Account(self._number, number)
        return merchant.accounts[currency]

    def fail(self, what: str, method: str, path: str, *, stored: bool = True, times: int = 1) -> None:
        """Have requests go wrong."""
        self.faults.append(Fault(what, method, path, stored, times))

    def posts(self, path: str) -> list[Any]:
        """The bodies that were posted to a path."""
        return [body for method, where, body in self.requests if method == "POST" and where == path]

    def receive(self, reference: str, received: str | None, status: str = "success") -> None:
        """Have somebody pay a checkout: all of it (None) or some amount; or let it expire or fail."""
        with self.lock:
            row = next(each for each in self.checkouts if each["merchantReference"] == reference)
            got = row["amountExpected"] if received is None else Decimal(received)
            row["amountReceived"], row["status"] = got, status
            row["varianceType"] = (
                None
                if got == row["amountExpected"]
                else "underpayment"
                if got < row["amountExpected"]
                else "overpayment"
            )
            if got:
                merchant = self.merchants[row["key"]]
                self.account(merchant, row["currency"]).available += got
                self._log(merchant, "credit", got, row["currency"], "collections", reference, row["reference"])

    def now(self) -> float:
        """The double's own clock."""
        return time.time() + self.clock_ahead_s

    # -- money ------------------------------------------------------------------------------------

    def _log(
        self, merchant: Merchant, action: str, amount: Decimal, currency: str, reason: str, ours: str, theirs: str
    ) -> None:
        self._number += 1
        line = {
            "id": self._id(self._number),
            "reference": theirs,
            "merchantReference": ours,
            "action": action,
            "amount": amount,
            "currency": currency,
            "reason": reason,
            "description": f"{reason} {ours}",
            "availableBalanceAfter": self.account(merchant, currency).available,
            "createdAt": _iso(self.now()),
        }
        merchant.log.insert(0, line)

    def _id(self, number: int) -> int | str:
        return str(number) if self.ids_as_text else number

    def settle(self, payout: dict[str, Any]) -> None:
        """Bring a payout to its end: the lock goes away with the money, or gives it back."""
        merchant = self.merchants[payout["key"]]
        account = self.account(merchant, payout["sourceCurrency"])
        account.locked -= payout["total"]
        if payout["recipient"].get("accountNumber") == FAILING_ACCOUNT:
            account.available += payout["total"]
            payout["status"], payout["text"] = "failed", "The beneficiary's bank refused it"
        else:
            payout["status"], payout["text"] = "successful", "Approved"
            self._log(
                merchant,
                "debit",
                payout["total"],
                payout["sourceCurrency"],
                "payout initiated",
                payout["customerReference"],
                payout["reference"],
            )
        payout["settled"] = _iso(self.now())

    # -- endpoints ------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> tuple[int, Any]:
        """Carry a request out."""
        for verb, pattern, act in self._routes():
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                key = headers.get("api-key")
                if not key:
                    raise Refused(401, {"message": "No API key found in request", "request_id": "0"})
                merchant = self.merchants.get(key)
                if merchant is None:
                    raise Refused(401, {"message": "Invalid authentication credentials", "request_id": "0"})
                if self.unlisted_ip:
                    raise service_error(403, "ACCESS_DENIED", "Your IP address is not allowed to access this service")
                call = Call(self, merchant, query, headers, body)
                return act(call, *map(unquote, match.groups()))
        raise Refused(404, {"message": "no Route matched with those values"})

    def _routes(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        return [
            ("GET", "/profile/business/me", Call.business),
            ("GET", "/wallets", Call.wallets),
            ("POST", "/wallets/fund", Call.fund),
            ("GET", "/wallets/logs", Call.logs),
            ("GET", "/wallets/([^/]+)/get-by-wallet-number", Call.by_number),
            ("GET", "/core/banks", Call.banks),
            ("POST", "/core/accounts/resolve", Call.resolve),
            ("POST", "/disbursements/payouts", Call.payout),
            ("POST", "/disbursements/payouts/wallets", Call.wallet_payout),
            ("GET", "/disbursements/payouts/customer-reference/([^/]+)", Call.payout_by_customer_reference),
            ("GET", "/disbursements/payouts/reference/([^/]+)", Call.payout_by_reference),
            ("POST", "/quotes/generate", Call.quote),
            ("POST", "/conversions/initiate", Call.convert),
            ("GET", "/conversions/reference/([^/]+)", Call.conversion),
            ("GET", "/conversions", Call.conversion_list),
            ("POST", "/checkout/payments", Call.checkout),
            ("GET", "/checkout/payments/merchant-reference/([^/]+)", Call.checkout_by_reference),
        ]

    @contextmanager
    def running(self) -> Iterator[Double]:
        """Serve on a free port of loopback."""
        server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Call:
    """One request of a merchant."""

    def __init__(self, double: Double, merchant: Merchant, query: dict[str, str], headers: Any, body: Any) -> None:
        self.double, self.merchant, self.query, self.headers, self.body = double, merchant, query, headers, body

    def business(self) -> tuple[int, Any]:
        """GET /profile/business/me."""
        data = {"_id": self.merchant.business, "name": self.merchant.name, "status": "enabled", "country": "NG"}
        return _fine("Parent business fetched successfully", data)

    def wallets(self) -> tuple[int, Any]:
        """GET /wallets."""
        business = self.query.get("businessID")
        if business is None:
            raise service_error(422, "UNPROCESSABLE_ENTITY", "No payload sent")
        if len(business) != 24:
            text = "Error occurred during payload validation. businessID length must be 24 characters long"
            raise service_error(422, "VALIDATION_FAILED", text, [text])
        if business != self.merchant.business:
            raise service_error(404, "RESOURCE_NOT_FOUND", "Cannot fetch wallets. Business not found")
        data = [
            {
                "id": self.double._id(account.id),
                "_id": str(account.id),
                "business": business,
                "businessId": 14424,
                "ledgerBalance": account.ledger,
                "availableBalance": account.available,
                "lockedBalance": account.locked,
                "rollingReserveBalance": 0,
                "walletNumber": int(account.number),
                "currency": currency,
                "status": "enabled",
                "overdraftEnabled": 0,
            }
            for currency, account in self.merchant.accounts.items()
            if self.query.get("currency") in (None, currency)
        ]
        return _fine("Wallets fetched successfully. Stablecoin wallets are listed apart", data)

    def fund(self) -> tuple[int, Any]:
        """POST /wallets/fund; the sandbox only."""
        if self.double.mode != "sandbox":
            raise Refused(404, {"message": "no Route matched with those values"})
        self._keys({"business", "currency", "amount"})
        self._business()
        self.double.account(self.merchant, self.body["currency"]).available += _amount(self.body["amount"])
        return _fine(f"{self.body['currency']} Wallet funded successfully", None)

    def logs(self) -> tuple[int, Any]:
        """GET /wallets/logs."""
        page, size = int(self.query.get("page", 1)), min(100, int(self.query.get("perPage", 20)))
        lines = self.merchant.log[(page - 1) * size : page * size]
        return _fine("Logs fetched", {"results": lines, "total": len(self.merchant.log)})

    def by_number(self, number: str) -> tuple[int, Any]:
        """GET /wallets/{number}/get-by-wallet-number."""
        owner, currency, account = self._wallet(number)
        data = {"id": account.id, "walletNumber": number, "businessName": owner.name, "currency": currency}
        return _fine("Wallet fetched", data)

    def _wallet(self, number: str) -> tuple[Merchant, str, Account]:
        for owner in self.double.merchants.values():
            for currency, account in owner.accounts.items():
                if account.number == number:
                    return owner, currency, account
        raise service_error(404, "RESOURCE_NOT_FOUND", "Wallet not found")

    def banks(self) -> tuple[int, Any]:
        """GET /core/banks."""
        currency = self.query.get("currency")
        if currency is None and "country" not in self.query:
            raise service_error(422, "VALIDATION_FAILED", "Either country or currency is required")
        mobile = self.query.get("paymentDestination")
        found = [
            {"swiftCode": None, "isMobileVerified": None, "isCashPickUp": False, "branches": None, **bank}
            for bank in BANKS.get(currency or "", [])
            if mobile is None or bool(bank.get("isMobileVerified")) == (mobile == "mobile_money_wallet")
        ]
        return _fine("Banks fetched successfully", found)

    def resolve(self) -> tuple[int, Any]:
        """POST /core/accounts/resolve."""
        kind = self.body.get("type", "nuban")
        code = {
            "nuban": "bankCode",
            "mobile_money": "mobileMoneyCode",
            "bank_account": "bankSwiftCode" if "bankSwiftCode" in self.body else "bankCode",
        }.get(kind)
        if code is None:
            raise service_error(422, "VALIDATION_FAILED", "type is not known")
        self._keys({"type", "accountNumber", code}, needed={"accountNumber", code})
        account, bank = self.body["accountNumber"], self.body[code]
        if kind == "nuban" and not re.fullmatch("[0-9]{10}", account):
            raise service_error(422, "VALIDATION_FAILED", "accountNumber must be 10 digits")
        holder = ACCOUNTS.get((account, bank))
        if holder is None:
            raise service_error(422, "ACCOUNT_RESOLVE_FAILED", "Account could not be resolved")
        return _fine("Account resolve successful", {"accountName": holder, "accountNumber": account, "bankCode": bank})

    # -- payouts ------------------------------------------------------------------------------------

    def payout(self) -> tuple[int, Any]:
        """POST /disbursements/payouts."""
        needed = _PAYOUT_KEYS - {"quoteReference", "paymentScheme", "sender", "customerName", "files"}
        self._keys(_PAYOUT_KEYS, needed=needed)
        self._business()
        body, to = self.body, self.body["beneficiary"]
        source, destination = body["sourceCurrency"], body["destinationCurrency"]
        amount = _amount(body["amount"])
        if set(to) - _BENEFICIARY_KEYS:
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(set(to) - _BENEFICIARY_KEYS)} is not allowed")
        mobile = body["paymentDestination"] == "mobile_money_wallet"
        where = "mobileMoneyCode" if mobile else "bankSwiftCode" if destination == "GHS" else "bankCode"
        wanted = {"type", "accountHolderName", "accountNumber", where, "country"}
        if to.get("type") == "individual":
            wanted |= {"firstName", "lastName"}
        if not wanted <= set(to) or not all(isinstance(value, str) and value for value in to.values()):
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(wanted - set(to))} is required")
        if mobile and not to["accountNumber"].isdigit():
            raise service_error(422, "VALIDATION_FAILED", "accountNumber holds digits alone")
        if destination == "NGN" and not mobile and not re.fullmatch("[0-9]{10}", to["accountNumber"]):
            raise service_error(422, "VALIDATION_FAILED", "accountNumber must be 10 digits")
        whole = source in WHOLE or (mobile and to["mobileMoneyCode"] == "AIRTEL")
        if amount % (1 if whole else Decimal("0.01")):
            raise service_error(422, "UNPROCESSABLE_ENTITY", "AIRTEL requires a whole num amount")
        self._new_reference(body["customerReference"])
        received = amount
        if source != destination:
            received = self._take_quote(body.get("quoteReference"), source, destination, amount)
        return _fine("Payout initiated successfully.", self._store(source, destination, amount, received, to))

    def _new_reference(self, reference: str) -> None:
        for each in self.double.payouts:
            if each["customerReference"] == reference:
                raise service_error(
                    422, "DUPLICATE_CUSTOMER_REFERENCE", "Cannot continue, Duplicate Customer Reference Passed"
                )

    def _take_quote(self, reference: str | None, source: str, destination: str, amount: Decimal) -> Decimal:
        if reference is None:
            raise service_error(422, "VALIDATION_FAILED", "quoteReference is required")
        quote = self.double.quotes.pop(reference, None)
        if quote is None or quote["expires"] < self.double.now():
            raise service_error(404, "RESOURCE_NOT_FOUND", "Quote not found. Kindly do a re-quote to continue")
        if (quote["source"], quote["destination"], quote["sourceAmount"]) != (source, destination, amount):
            raise service_error(422, "INVALID_QUOTE", "The quote is for something else")
        received: Decimal = quote["receives"]
        return received

    def _store(
        self, source: str, destination: str, amount: Decimal, received: Decimal, to: dict[str, str]
    ) -> dict[str, Any]:
        account = self.double.account(self.merchant, source)
        total = amount + self.double.fee
        if account.available < total:
            text = "You dont have enough money in your wallet to make this payout"
            raise service_error(422, "NO_ENOUGH_MONEY_IN_WALLET", text)
        account.available -= total
        account.locked += total
        self.double._number += 1
        payout = {
            "id": self.double._id(self.double._number),
            "key": self.merchant.key,
            "reference": uuid.uuid4().hex[:16],
            "customerReference": self.body["customerReference"],
            "status": "processing",
            "sourceCurrency": source,
            "destinationCurrency": destination,
            "amount": amount,
            "received": received,
            "total": total,
            "recipient": to,
            "description": self.body.get("description"),
            "reads": 0,
            "hidden": self.double.forget_for_reads,
            "text": None,
            "settled": None,
        }
        self.double.payouts.append(payout)
        shown = ("id", "reference", "customerReference", "status")
        return {**{name: payout[name] for name in shown}, "isDocumentRequired": False, "documentsRequired": []}

    def wallet_payout(self) -> tuple[int, Any]:
        """POST /disbursements/payouts/wallets: settled at once, free."""
        self._keys({"business", "beneficiaryWalletNumber", "amount", "customerReference", "description"})
        self._business()
        amount = _amount(self.body["amount"])
        self._new_reference(self.body["customerReference"])
        owner, currency, account = self._wallet(self.body["beneficiaryWalletNumber"])
        fee, self.double.fee = self.double.fee, Decimal(0)
        try:
            data = self._store(currency, currency, amount, amount, {"name": owner.name})
        finally:
            self.double.fee = fee
        payout = self.double.payouts[-1]
        payout["recipient"] = {"accountHolderName": owner.name}
        self.double.settle(payout)
        account.available += amount
        ours = self.body["customerReference"]
        self.double._log(owner, "credit", amount, currency, "wallet transfer", ours, payout["reference"])
        return _fine("Payout processed successfully", {**data, "status": "successful"})

    def payout_by_customer_reference(self, reference: str) -> tuple[int, Any]:
        """GET /disbursements/payouts/customer-reference/{reference}."""
        return self._read_payout("customerReference", reference)

    def payout_by_reference(self, reference: str) -> tuple[int, Any]:
        """GET /disbursements/payouts/reference/{reference}."""
        return self._read_payout("reference", reference)

    def _read_payout(self, name: str, reference: str) -> tuple[int, Any]:
        for payout in self.double.payouts:
            if payout[name] == reference and payout["key"] == self.merchant.key:
                if payout["hidden"]:
                    payout["hidden"] -= 1
                    break
                payout["reads"] += 1
                if payout["status"] == "processing" and payout["reads"] >= self.double.settle_on_read:
                    self.double.settle(payout)
                return _fine("Payout fetched successfully", self._shown(payout))
        raise service_error(404, "RESOURCE_NOT_FOUND", "Payout not found")

    def _shown(self, payout: dict[str, Any]) -> dict[str, Any]:
        same = ("id", "reference", "customerReference", "status", "sourceCurrency", "destinationCurrency")
        shown = {name: payout[name] for name in same} | {
            "fee": payout["total"] - payout["amount"],
            "amountReceived": payout["received"],
            "createdAt": _iso(self.double.now()),
        }
        to = payout["recipient"]
        if self.double.new_field_names:
            person = {"name": to.get("accountHolderName"), "accountNumber": to.get("accountNumber")}
            return shown | {"amountCharged": payout["amount"], "reason": payout["text"], "recipient": person}
        more = {"amountSent": payout["amount"], "message": payout["text"], "recipient": to, "isDocumentRequired": 0}
        return shown | more | {"valuedAt": payout["settled"], "updatedAt": _iso(self.double.now())}

    # -- quotes and conversions ------------------------------------------------------------------------------------

    def quote(self) -> tuple[int, Any]:
        """POST /quotes/generate."""
        needed = {"business", "sourceCurrency", "destinationCurrency", "amount", "action", "transactionType"}
        self._keys(
            needed | {"feeBearer", "paymentDestination", "beneficiaryType", "paymentScheme"},
            needed=needed | {"feeBearer"},
        )
        self._business()
        pair = (self.body["sourceCurrency"], self.body["destinationCurrency"])
        going, amount = rate(pair), _amount(self.body["amount"])
        if going is None:
            raise service_error(422, "INVALID_CURRENCY_PAIR", "Currency pair is not supported")
        if self.body["action"] == "receive":
            if self.body["transactionType"] != "disbursement":
                raise service_error(422, "VALIDATION_FAILED", "receive is for payouts")
            receives, sends = amount, _cents(amount / going)
        else:
            receives, sends = _cents(amount * going), amount
        fee = Decimal("0.50")
        expires = self.double.now() + QUOTE_LIFE_S
        reference = str(uuid.uuid4())
        self.double.quotes[reference] = {
            "source": pair[0],
            "destination": pair[1],
            "sourceAmount": sends,
            "receives": receives,
            "charge": sends + fee,
            "expires": expires,
            "kind": self.body["transactionType"],
        }
        data = {
            "sourceCurrency": pair[0],
            "destinationCurrency": pair[1],
            "sourceAmount": sends,
            "destinationAmount": receives,
            "action": self.body["action"],
            "transactionType": self.body["transactionType"],
            "fee": fee,
            "rate": going,
            "amountToCharge": sends + fee + self.double.noise,
            "amountToReceive": receives,
            "reference": reference,
            "expireAt": _iso(expires),
        }
        return _fine("Quote generated successfully", data)

    def convert(self) -> tuple[int, Any]:
        """POST /conversions/initiate."""
        self._keys({"business", "quoteReference", "customerReference"})
        self._business()
        if any(each["customerReference"] == self.body["customerReference"] for each in self.double.conversions):
            raise service_error(422, "DUPLICATE_CUSTOMER_REFERENCE", "Duplicate customer reference")
        quote = self.double.quotes.pop(self.body["quoteReference"], None)
        if quote is None or quote["expires"] < self.double.now() or quote["kind"] != "conversion":
            raise service_error(400, "QUOTE_EXPIRED", "Quote has expired")
        source = self.double.account(self.merchant, quote["source"])
        if source.available < quote["charge"]:
            raise service_error(400, "NO_ENOUGH_MONEY_IN_WALLET", "You dont have enough money")
        source.available -= quote["charge"]
        self.double.account(self.merchant, quote["destination"]).available += quote["receives"]
        self.double._number += 1
        row = {
            "id": self.double._id(self.double._number),
            "key": self.merchant.key,
            "reference": uuid.uuid4().hex[:16],
            "customerReference": self.body["customerReference"],
            "status": "processing",
            "amountCharged": quote["charge"],
            "amountReceived": quote["receives"],
            "sourceCurrency": quote["source"],
            "destinationCurrency": quote["destination"],
            "sourceFee": quote["charge"] - quote["sourceAmount"],
            "message": None,
            "settledAt": None,
            "reads": 0,
        }
        self.double.conversions.append(row)
        for action, amount, currency in (
            ("debit", quote["charge"], quote["source"]),
            ("credit", quote["receives"], quote["destination"]),
        ):
            self.double._log(
                self.merchant, action, amount, currency, "conversion", row["customerReference"], row["reference"]
            )
        shown = {name: row[name] for name in ("id", "reference", "customerReference")}
        return _fine("Conversion initiated successfully", {**shown, "_id": str(row["id"])})

    def conversion(self, reference: str) -> tuple[int, Any]:
        """GET /conversions/reference/{reference}."""
        for row in self.double.conversions:
            if row["reference"] == reference and row["key"] == self.merchant.key:
                return _fine("Conversion fetched successfully", self._conversion_shown(row))
        raise service_error(404, "CONVERSION_NOT_FOUND", "Conversion not found")

    def conversion_list(self) -> tuple[int, Any]:
        """GET /conversions."""
        rows = [row for row in self.double.conversions if row["key"] == self.merchant.key]
        page, size = int(self.query.get("page", 1)), min(100, int(self.query.get("perPage", 10)))
        results = [self._conversion_shown(row) for row in rows[::-1][(page - 1) * size : page * size]]
        if self.double.unnamed_conversions:
            results = [{**each, "customerReference": None} for each in results]
        return _fine("Conversions fetched", {"results": results, "total": len(rows)})

    def _conversion_shown(self, row: dict[str, Any]) -> dict[str, Any]:
        row["reads"] += 1
        if row["reads"] >= self.double.settle_on_read and row["status"] == "processing":
            row["status"], row["settledAt"] = "successful", _iso(self.double.now())
        return {name: value for name, value in row.items() if name not in ("key", "reads")}

    # -- checkout ------------------------------------------------------------------------------------

    def checkout(self) -> tuple[int, Any]:
        """POST /checkout/payments; unknown keys are dropped silently, as the checkout service does."""
        if self.headers.get("x-pub-key") != self.merchant.public_key:
            raise nest_error(401, "x-pub-key must be provided in the header", "Unauthorized")
        customer = self.body.get("customer") or {}
        wrong = [f"{name} is unknown" for name in set(self.body) - _CHECKOUT_KEYS]
        if not isinstance(self.body.get("amount"), (int, Decimal)) or self.body["amount"] < 1:
            wrong.append("amount must not be less than 1")
        if " " not in customer.get("name", ""):
            wrong.append("Customer's full name is required")
        if "@" not in customer.get("email", ""):
            wrong.append("customer.email must be an email")
        currency = self.body.get("currency")
        if set(self.body.get("paymentMethods", [])) - _METHODS.get(currency, set()):
            wrong.append("Invalid payment method for the currency")
        if wrong:
            raise nest_error(400, wrong, "Bad Request")
        reference = self.body.get("reference") or uuid.uuid4().hex
        if any(row["merchantReference"] == reference for row in self.double.checkouts):
            raise nest_error(409, "Payment reference already exists", "Conflict")
        code = f"fcr-p-{uuid.uuid4().hex[:8]}"
        self.double._number += 1
        self.double.checkouts.append(
            {
                "id": self.double._id(self.double._number),
                "key": self.merchant.key,
                "reference": code,
                "merchantReference": reference,
                "amount": _amount(self.body["amount"]),
                "amountExpected": _amount(self.body["amount"]),
                "amountReceived": Decimal(0),
                "currency": currency,
                "status": "pending",
                "varianceType": None,
                "customer": customer,
                "createdAt": _iso(self.double.now()),
                "updatedAt": _iso(self.double.now()),
            }
        )
        data = {"link": f"https://sandbox-checkout.fincra.com/pay/{code}", "reference": reference, "payCode": code}
        return self.double.created, {"status": True, "message": "Hosted link generated", "data": data}

    def checkout_by_reference(self, reference: str) -> tuple[int, Any]:
        """GET /checkout/payments/merchant-reference/{reference}."""
        if self.headers.get("x-business-id") != self.merchant.business:
            raise nest_error(401, "x-business-id must be provided in the header", "Unauthorized")
        for row in self.double.checkouts:
            if row["merchantReference"] == reference and row["key"] == self.merchant.key:
                shown = {name: value for name, value in row.items() if name != "key"}
                return 200, {"status": True, "message": "Payment details fetched", "data": shown}
        raise nest_error(404, "Payment not found", "Not Found")

    # -- what is refused ------------------------------------------------------------------------------------

    def _keys(self, allowed: set[str], needed: set[str] | None = None) -> None:
        extra, missing = set(self.body) - allowed, (allowed if needed is None else needed) - set(self.body)
        if extra or missing:
            text = f"not allowed: {sorted(extra)}, required: {sorted(missing)}"
            raise service_error(422, "VALIDATION_FAILED", text, [text])

    def _business(self) -> None:
        if self.body["business"] != self.merchant.business:
            raise service_error(403, "ACCESS_DENIED", "Cannot proceed with payout. Invalid business supplied")


def rate(pair: tuple[str, str]) -> Decimal | None:
    """What one unit of the first currency is in the second."""
    return RATES.get(pair)


def _amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise service_error(422, "VALIDATION_FAILED", "amount must be a number")
    if value <= 0:
        raise service_error(422, "VALIDATION_FAILED", "amount must be positive")
    return Decimal(value)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _fine(message: str, data: object) -> tuple[int, Any]:
    return 200, {"success": True, "message": message, "data": data}


def _iso(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else headers and body, sent apart, wait 40 ms for each other

        def log_message(self, *_: object) -> None:
            return None

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.loads(raw, parse_float=Decimal) if raw else None
            with double.lock:
                double.requests.append((method, parts.path, body))
                fault = self._fault(method, parts.path)
                status, answer = 200, None
                if fault is None or fault.stored:
                    try:
                        query = dict(parse_qsl(parts.query))
                        status, answer = double.answer(method, parts.path, query, self.headers, body)
                    except Refused as refused:
                        status, answer = refused.status, refused.body
            self._reply(status, answer, fault)

        def _fault(self, method: str, path: str) -> Fault | None:
            for fault in double.faults:
                if fault.method == method and path.startswith(fault.path) and fault.times:
                    fault.times -= 1
                    return fault
            return None

        def _reply(self, status: int, answer: Any, fault: Fault | None) -> None:
            what = fault.what if fault else ""
            if what == "drop":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            broken = {
                "500": (500, "INTERNAL_SERVER_ERROR", "Error occured during operation."),
                "503": (503, "SERVICE_UNAVAILABLE", "Service unavailable"),
                "422": (422, "SERVICE_UNAVAILABLE", "Service unavailable"),
            }
            if what in broken:
                refused = service_error(*broken[what])
                status, answer = refused.status, refused.body
            elif what == "429":
                status, answer = 429, {"message": "API rate limit exceeded"}
            elif what == "false":
                status, answer = 200, {"success": False, "error": "It did not work", "errorType": "SOMETHING_NEW"}
            elif what == "null":
                answer = {**answer, "data": None}
            if what in ("html", "empty"):
                self._send(502, "text/html", b"<html><h1>502 Bad Gateway</h1></html>" if what == "html" else b"")
                return
            self._send(status, "application/json; charset=utf-8", json.dumps(answer, default=_number).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _number(value: object) -> int | float:
    """Decimals as the JSON numbers that a JavaScript server sends, noise and all."""
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)
