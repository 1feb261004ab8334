"""A stand-in for Fincra's API on loopback, for tests alone: strict about what it is sent, faithful in what it answers.

It keeps ledgers and locks, refuses unknown paths and unknown keys, lets quotes expire by a clock of its own, settles
a payout on its Nth read, and can be told to fail in every way that the client must survive. It is no Fincra: what is
documented in two ways is switchable. Each rule names its source: D, C, W, X, L, P, K are `fincra-disbursements`,
`-core`, `-wallets`, `-fx-conversions`, `-collections`, `-profile` and `checkout-core` (.yaml) in FincraNG/docs; S2 is
the OpenAPI description of Fincra's developer relations (Taofiqqq/fincra-openapi-spec), RD the prose beside it.
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

from tests.kit.fincra_book import (
    ACCOUNTS,
    BANKED,
    BANKS,
    BENEFICIARY_KEYS,
    FAILING,
    FAILING_ACCOUNT,
    METHODS,
    PAYOUT_KEYS,
    PAYOUT_NEEDED,
    PHONED,
    RATES,
    WHOLE,
)

__all__ = ["ACCOUNTS", "BANKS", "FAILING_ACCOUNT", "RATES", "Double", "Merchant"]

QUOTE_LIFE_S = 30


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
    virtual: list[dict[str, Any]] = field(default_factory=list)
    collections: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Fault:
    """How the next `times` requests of `method` to a path that begins with `path` go wrong.

    `what`: `drop`, `500`, `503`, `429`, `html`, `false`, `null`, `422`, `empty`, or an error's own type with its HTTP
    status before it (`410 TRADE_EXECUTION_FAILED`). `stored` says whether the request was carried out before.
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
        self.dearer = Decimal(0)  # what a quoted payout is charged more than its quote said
        self.duty = Decimal(0)  # stamp duty on a payout (D); its rate is told nowhere
        self.resolvable = {"NGN", "GHS", "KES", "ZAR"}  # C knows NGN and GHS alone, S2 has KES, RD has ZAR
        self.payload_words = False  # a malformed body is UNPROCESSABLE_ENTITY with words (S2), not VALIDATION_FAILED
        self.unresolved_type = "ACCOUNT_RESOLVE_FAILED"  # or UNPROCESSABLE_ENTITY (S2)
        self.unknown_is_null = False  # an account that is on no list: 200 with data null, as seen in the sandbox
        self.first_status = "processing"  # or initiated (D)
        self.documents: list[str] = []  # what payouts wait for (initiate-transfer.mdx)
        self.late_rules = False  # ZAR's SWIFT code and UGX's customerName are missed later, not at the POST
        self.wallet_payout_status = "successful"  # or processing: the code guarantees neither (PROPOSED-CORRECTIONS)
        self.old_conversion_names = True  # sourceFee and sourceExchangeRate, or X's fee and rate
        self.plain_403 = False  # 403 ACCESS_DENIED "No API Key Provided" in place of Kong's 401 (W, C)
        self.per_page_cap = 100
        self.list_name = "results"  # S1; D and L guess `payouts`, `refunds`, `collections`
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
        after = self.account(merchant, currency).available
        line = {
            "id": self._id(self._number),
            "reference": theirs,
            "merchantReference": ours,
            "action": action,
            "amount": amount,
            "currency": currency,
            "reason": reason,
            "description": f"{reason} {ours}",
            "availableBalanceBefore": after + amount if action == "debit" else after - amount,  # W
            "availableBalanceAfter": after,
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
        if payout["documents"]:  # initiate-transfer.mdx: it waits until each is uploaded
            account.locked += payout["total"]
            return
        if payout["recipient"].get("accountNumber") in FAILING or payout["lacks"]:
            account.available += payout["total"]
            payout["status"] = "failed"
            payout["text"] = payout["lacks"] or "The beneficiary's bank refused it"
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
            if "to_key" in payout:
                owner, amount, currency = self.merchants[payout["to_key"]], payout["amount"], payout["sourceCurrency"]
                self.account(owner, currency).available += amount
                ours = payout["customerReference"]
                self._log(owner, "credit", amount, currency, "wallet transfer", ours, payout["reference"])
        payout["settled"] = _iso(self.now())

    def give_back(self, payout: dict[str, Any], *, logged: str = "ours", fee: bool = True) -> None:
        """Have a payout that settled come back: a refund (D). What its line in the log says is told by nobody.

        `logged`: under `ours` or `theirs`, or (`no`) in the list of refunds alone.
        """
        merchant = self.merchants[payout["key"]]
        back = payout["total"] if fee else payout["amount"]
        self.account(merchant, payout["sourceCurrency"]).available += back
        merchant.refunds.append(
            {
                "id": self._id(len(merchant.refunds) + 1),
                "status": "successful",
                "reference": f"refund-{payout['reference']}",
                "payout": {name: payout[name] for name in ("reference", "customerReference")},
                "amount": back,
                "createdAt": _iso(self.now()),
            }
        )
        if logged != "no":
            ours = payout["customerReference"] if logged == "ours" else f"refund-{payout['reference']}"
            self._log(merchant, "credit", back, payout["sourceCurrency"], "payout refund", ours, payout["reference"])

    def virtual_account(self, merchant: Merchant, number: str, bank: str = "Wema Bank", **more: Any) -> dict[str, Any]:
        """Give a business a virtual account."""
        about = {"accountNumber": number, "accountName": merchant.name, "bankName": bank, "bankCode": "035"}
        made = {
            "_id": uuid.uuid4().hex[:24],
            "status": "approved",
            "isActive": True,
            "accountNumber": number,
            "accountInformation": about,
            "currency": "NGN",
            "accountType": "corporate",
            "isPermanent": True,
            "expiresAt": None,
            **more,
        }
        merchant.virtual.append(made)
        return made

    def collect(
        self,
        merchant: Merchant,
        account: dict[str, Any],
        amount: str,
        *,
        payer: str,
        narration: str = "",
        fee: str = "0",
    ) -> dict[str, Any]:
        """Have somebody send money to a virtual account (L; the fields of an item as S1 shows them)."""
        with self.lock:
            self._number += 1
            reference = f"fcr-va-{self._number}"
            net = Decimal(amount) - Decimal(fee)
            row = {
                "id": self._id(self._number),
                "reference": reference,
                "merchantReference": None,
                "sessionId": f"0900{self._number:026}",
                "status": "successful",
                "paymentMethod": "virtual_account",
                "virtualAccount": account["_id"],
                "sourceAmount": Decimal(amount),
                "amountReceived": net,
                "destinationAmount": Decimal(amount),
                "sourceCurrency": account["currency"],
                "destinationCurrency": account["currency"],
                "fee": Decimal(fee),
                "vat": 0,
                "stampDuty": 0,
                "description": narration,
                "payer": {"name": payer, "account_number": "0123456789", "bank_code": "044", "bank_name": "Access"},
                "createdAt": _iso(self.now()),
            }
            merchant.collections.insert(0, row)
            self.account(merchant, account["currency"]).available += net
            self._log(merchant, "credit", net, account["currency"], "collections", "", reference)
        return row

    # -- endpoints ------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> tuple[int, Any]:
        """Carry a request out."""
        for verb, pattern, act in self._routes():
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                key = headers.get("api-key")
                if path.startswith(("/checkout/", "/checkout-core/")) and not key:
                    key = self._by_public_key(headers)  # K: the api-key is not asked for
                if not key and self.plain_403:
                    raise service_error(403, "ACCESS_DENIED", "No API Key Provided")
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

    def _by_public_key(self, headers: Any) -> str | None:
        """K: absent is 401, a public key that is nobody's 403, a business that is not known 503."""
        public, business = headers.get("x-pub-key"), headers.get("x-business-id")
        if public is None and business is None:
            raise nest_error(401, "x-pub-key must be provided in the header", "Unauthorized")
        for merchant in self.merchants.values():
            if public == merchant.public_key or (public is None and business == merchant.business):
                return merchant.key
        raise nest_error(403 if public else 503, "It could not be resolved", "Forbidden" if public else "Unavailable")

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
            ("POST", "/checkout(?:-core)?/payments", Call.checkout),
            ("GET", "/checkout(?:-core)?/payments/merchant-reference/([^/]+)", Call.checkout_by_reference),
            ("GET", "/wallets/logs/statement", Call.statement),
            ("GET", "/conversions/customer-reference/([^/]+)", Call.conversion_by_customer_reference),
            ("GET", "/disbursements/payouts", Call.payout_list),
            ("GET", "/disbursements/refunds", Call.refund_list),
            ("POST", "/disbursements/payouts/resend-webhook", Call.resend),
            ("GET", "/profile/virtual-accounts", Call.virtual_accounts),
            ("GET", "/profile/virtual-accounts/([^/]+)", Call.virtual_account),
            ("GET", "/collections", Call.collection_list),
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
        if self.body["currency"] not in self.merchant.accounts:  # S2
            raise service_error(404, "RESOURCE_NOT_FOUND", "Wallet not found")
        if _amount(self.body["amount"]) < 1:
            raise service_error(422, "VALIDATION_FAILED", "amount must be greater than or equal to 1")
        self.double.account(self.merchant, self.body["currency"]).available += _amount(self.body["amount"])
        return _fine(f"{self.body['currency']} Wallet funded successfully", None)

    def logs(self) -> tuple[int, Any]:
        """GET /wallets/logs."""
        page, size = int(self.query.get("page", 1)), min(self.double.per_page_cap, int(self.query.get("perPage", 20)))
        lines = self.merchant.log[(page - 1) * size : page * size]
        return _fine("Logs fetched", {"results": lines, "total": len(self.merchant.log)})

    def statement(self) -> tuple[int, Any]:
        """GET /wallets/logs/statement (W, S2): the balances at the ends of a time, and its lines."""
        currency, since, until = (self.query.get(name) for name in ("currency", "dateFrom", "dateTo"))
        if None in (currency, since, until):
            raise service_error(422, "VALIDATION_FAILED", "currency, dateFrom and dateTo are required")
        assert currency is not None
        assert since is not None
        assert until is not None
        if int(self.query.get("perPage", 20)) > 50:
            raise service_error(422, "VALIDATION_FAILED", "perPage must be less than or equal to 50")
        if currency not in self.merchant.accounts or until < since:
            raise service_error(422, "UNPROCESSABLE_ENTITY", "No wallet in that currency, or dateTo before dateFrom")
        held = self.merchant.accounts[currency].available
        lines = [line for line in self.merchant.log if line["currency"] == currency]

        def at(moment: str) -> Decimal:
            later = [line for line in lines if line["createdAt"] >= moment]
            return held - sum((_signed(line) for line in later), Decimal(0))

        inside = [line for line in lines if since <= line["createdAt"] < until]
        data = {
            "openingAvailableBalance": at(since),
            "openingLedgerBalance": at(since),
            "closingAvailableBalance": at(until),
            "closingLedgerBalance": at(until),
            "results": inside[:50],
            "pagination": {"total": len(inside)},
        }
        return _fine("Statement fetched", data)

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
            raise service_error(422, "UNPROCESSABLE_ENTITY", "Either country or currency is required")  # C
        mobile = self.query.get("paymentDestination")
        if mobile not in (None, "bank_account", "mobile_money_wallet", "cash_pick_up", "crypto_wallet"):
            raise service_error(422, "VALIDATION_FAILED", "paymentDestination is not known")
        if len(self.query.get("country", "NG")) != 2:
            raise service_error(422, "VALIDATION_FAILED", "country has two letters")
        found = [
            {"swiftCode": None, "isMobileVerified": None, "isCashPickUp": False, "branches": None, **bank}
            for bank in BANKS.get(currency or "", [])
            if mobile is None or bool(bank.get("isMobileVerified")) == (mobile == "mobile_money_wallet")
        ]
        return _fine("Banks fetched successfully", found)

    def resolve(self) -> tuple[int, Any]:
        """POST /core/accounts/resolve (C, S2, RD): every body but IBAN's names its currency, which is NGN if not."""
        body = self.body
        if body.get("type") == "iban":
            self._malformed_if(set(body) - {"type", "iban"}, "unknown keys")
            return _fine("Account resolve successful", {"accountNumber": body.get("iban"), "bankName": "A bank"})
        currency = body.get("currency", "NGN")
        kind = body.get("type", "nuban" if currency == "NGN" else "bank_account")
        code = (
            "mobileMoneyCode" if kind == "mobile_money" else "bankSwiftCode" if "bankSwiftCode" in body else "bankCode"
        )
        account, bank = body.get("accountNumber"), body.get(code)
        self._malformed_if(set(body) - {"currency", "type", "accountNumber", code}, "is not allowed")
        self._malformed_if(not isinstance(account, str) or not isinstance(bank, str), f"{code} is required")
        self._malformed_if(currency not in self.double.resolvable, f"currency must be one of {self.double.resolvable}")
        rules = {
            ("NGN", "nuban"): ("bankCode", "[0-9]{10}", "[0-9]{3,6}"),
            ("GHS", "mobile_money"): ("mobileMoneyCode", "[0-9]+", "[a-zA-Z]{2,20}"),
            ("GHS", "bank_account"): ("bankSwiftCode", "[0-9]+", "[a-zA-Z]{8,11}"),  # a BIC with digits is refused
            ("KES", "mobile_money"): ("mobileMoneyCode", "[0-9]+", "[a-zA-Z]{2,20}"),
            ("KES", "bank_account"): ("bankCode", "[0-9]+", "[0-9]{1,4}"),
            ("ZAR", "bank_account"): ("bankCode", ".+@.+", "PAYSHAP_ID"),
        }
        rule = rules.get((currency, kind))
        self._malformed_if(rule is None or rule[0] != code, f"{code} is not allowed for {currency} {kind}")
        assert rule is not None
        self._malformed_if(re.fullmatch(rule[1], str(account)) is None, "accountNumber fails to match the pattern")
        self._malformed_if(re.fullmatch(rule[2], str(bank)) is None, f"{code} fails to match the pattern")
        holder = ACCOUNTS.get((str(account), str(bank)))
        if holder is None and self.double.unknown_is_null and account not in FAILING:
            return _fine("Account resolve successful", None)
        if holder is None:
            raise service_error(422, self.double.unresolved_type, "Account could not be resolved")
        data = {"accountName": holder, "accountNumber": account, "bankCode": bank}
        return _fine("Account resolve successful", data)

    def _malformed_if(self, wrong: object, text: str) -> None:
        if wrong:
            words = f"Error occurred during payload validation. {text}"
            kind = "UNPROCESSABLE_ENTITY" if self.double.payload_words else "VALIDATION_FAILED"
            raise service_error(422, kind, words, [text])

    # -- payouts ------------------------------------------------------------------------------------

    def payout(self) -> tuple[int, Any]:
        """POST /disbursements/payouts (D)."""
        self._keys(PAYOUT_KEYS, needed=PAYOUT_NEEDED)
        self._business()
        body, to = self.body, self.body["beneficiary"]
        source, destination = body["sourceCurrency"], body["destinationCurrency"]
        amount = _amount(body["amount"])
        if body.get("description") == "":
            raise service_error(422, "VALIDATION_FAILED", "description is not allowed to be empty")
        if source in WHOLE and amount % 1:
            raise service_error(422, "VALIDATION_FAILED", "amount must be an integer")
        lacks = self._beneficiary(to, destination, body)
        if amount % Decimal("0.01"):
            raise service_error(422, "VALIDATION_FAILED", "amount must have no more than 2 decimal places")
        if source not in self.merchant.accounts:
            raise service_error(404, "RESOURCE_NOT_FOUND", f"The sender has no {source} wallet")
        self._new_reference(body["customerReference"])
        received, charge = amount, amount + self.double.fee + self.double.duty
        if source != destination:
            received, charge = self._take_quote(body.get("quoteReference"), source, destination, amount)
        if to.get("mobileMoneyCode") == "AIRTEL" and received % 1:  # RD: payout-errors
            raise service_error(422, "UNPROCESSABLE_ENTITY", "Payout to AIRTEL requires a whole num amount.")
        made = self._store(source, destination, amount, received, charge, to)
        self.double.payouts[-1]["lacks"] = lacks
        return _fine("Payout initiated successfully.", made)

    def _beneficiary(self, to: dict[str, Any], currency: str, body: dict[str, Any]) -> str | None:
        """Check whom it goes to (D and the country pages); what is missed only later, where that is switched on."""
        mobile = body["paymentDestination"] == "mobile_money_wallet"
        if currency not in (PHONED if mobile else BANKED):
            text = f"Payment destination {body['paymentDestination']} not supported for currency {currency}"
            raise service_error(422, "UNPROCESSABLE_ENTITY", text)
        if set(to) - BENEFICIARY_KEYS:
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(set(to) - BENEFICIARY_KEYS)} is not allowed")
        if not mobile and {"mobileMoneyCode", "mobileMoneyId"} & set(to):
            raise service_error(422, "VALIDATION_FAILED", "mobileMoneyCode is not allowed")
        wanted = {"type", "accountNumber"} | (set() if mobile else {"accountHolderName"})
        wanted |= {"firstName"} if to.get("type") == "individual" else set()
        wanted |= {"mobileMoneyCode"} if mobile else set()
        if not wanted <= set(to) or not all(value for value in to.values()):
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(wanted - set(to))} is required")
        if mobile and "country" not in to:
            raise service_error(422, "UNPROCESSABLE_ENTITY", "Beneficiary country is required")
        if mobile and not to["accountNumber"].isdigit():
            raise service_error(422, "VALIDATION_FAILED", "accountNumber holds digits alone")
        if mobile:
            return None
        if currency == "NGN" and not re.fullmatch("[0-9]{10}", to["accountNumber"]):
            raise service_error(422, "VALIDATION_FAILED", "accountNumber must be 10 digits")
        payshap = to.get("bankCode") == "PAYSHAP_ID"  # docs.fincra.com/docs/payshap-payout
        where = "bankSwiftCode" if currency in ("GHS", "ZAR") and not payshap else "bankCode"
        lacks = None if where in to else f"{where} is required for {currency}"
        if currency == "UGX" and not body.get("customerName"):  # uganda.mdx
            lacks = "customerName is required"
        if lacks and not self.double.late_rules:
            raise service_error(422, "UNPROCESSABLE_ENTITY", lacks)
        return lacks

    def _new_reference(self, reference: str) -> None:
        for each in self.double.payouts:
            if each["customerReference"] == reference:
                raise service_error(
                    422, "DUPLICATE_CUSTOMER_REFERENCE", "Cannot continue, Duplicate Customer Reference Passed"
                )

    def _take_quote(
        self, reference: str | None, source: str, destination: str, amount: Decimal
    ) -> tuple[Decimal, Decimal]:
        """What arrives, and what is charged: what the quote said, no fee on top (RD)."""
        if reference is None:
            raise service_error(422, "UNPROCESSABLE_ENTITY", "quoteReference is required")
        quote = self.double.quotes.pop(reference, None)
        if quote is None or quote["expires"] < self.double.now():
            raise service_error(404, "RESOURCE_NOT_FOUND", "Quote not found. Kindly do a re-quote to continue")
        if (quote["source"], quote["destination"], quote["sourceAmount"]) != (source, destination, amount):
            raise service_error(422, "INVALID_QUOTE", "The quote is for something else")
        return quote["receives"], quote["charge"] + self.double.dearer

    def _store(
        self, source: str, destination: str, amount: Decimal, received: Decimal, total: Decimal, to: dict[str, str]
    ) -> dict[str, Any]:
        account = self.double.account(self.merchant, source)
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
            "status": self.double.first_status,
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
            "made": _iso(self.double.now()),
            "settled": None,
            "documents": list(self.double.documents),
            "lacks": None,
        }
        self.double.payouts.append(payout)
        shown = ("id", "reference", "customerReference", "status")
        asked = payout["documents"]
        return {**{name: payout[name] for name in shown}, "isDocumentRequired": bool(asked), "documentsRequired": asked}

    def wallet_payout(self) -> tuple[int, Any]:
        """POST /disbursements/payouts/wallets: free and settled at once, says the guide; the code promises neither."""
        needed = {"business", "beneficiaryWalletNumber", "amount", "customerReference"}
        self._keys(needed | {"description", "token", "otp"}, needed=needed)
        self._business()
        amount = _amount(self.body["amount"])
        self._new_reference(self.body["customerReference"])
        owner, currency, _ = self._wallet(str(self.body["beneficiaryWalletNumber"]))
        data = self._store(currency, currency, amount, amount, amount, {"accountHolderName": owner.name})
        payout = self.double.payouts[-1]
        payout["to_key"] = owner.key
        if self.double.wallet_payout_status == "successful":
            self.double.settle(payout)
        return _fine("Payout processed successfully", {**data, "status": payout["status"]})

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
                if payout["status"] in ("processing", "initiated") and payout["reads"] >= self.double.settle_on_read:
                    self.double.settle(payout)
                return _fine("Payout fetched successfully", self._shown(payout))
        raise service_error(404, "RESOURCE_NOT_FOUND", "Payout not found")

    def _shown(self, payout: dict[str, Any]) -> dict[str, Any]:
        """A payout as it is read: D's names (amountCharged, with fee and duty in it) or S1's (amountSent)."""
        same = ("id", "reference", "customerReference", "status", "sourceCurrency", "destinationCurrency")
        one = payout["sourceCurrency"] == payout["destinationCurrency"]
        duty = self.double.duty if one and payout["total"] != payout["amount"] else Decimal(0)
        rate = payout["received"] / payout["amount"]
        # Across currencies the fee is told in the one that arrives (RD, the payout webhook's table).
        fee = payout["total"] - payout["amount"] - duty
        shown = {name: payout[name] for name in same} | {
            "fee": fee if one else fee * rate,
            "amountReceived": payout["received"],
            "createdAt": payout["made"],
            "isNip": payout["sourceCurrency"] == "NGN",
            "sessionId": f"09{payout['reference']}" if payout["status"] == "successful" else None,
        }
        to = payout["recipient"]
        if self.double.new_field_names:
            person = {"name": to.get("accountHolderName"), "accountNumber": to.get("accountNumber")}
            duties = {"stampDutySourceAmount": duty, "stampDutyDestinationAmount": duty * rate}
            documents = {"isDocumentRequired": bool(payout["documents"]), "documentsRequired": payout["documents"]}
            told = {"amountCharged": payout["total"], "rate": rate, "reason": payout["text"], "recipient": person}
            return shown | told | duties | documents
        more = {"amountSent": payout["amount"], "message": payout["text"], "recipient": to}
        more |= {"isDocumentRequired": int(bool(payout["documents"])), "documentsRequired": payout["documents"] or None}
        if duty:
            more["stampDutySourceAmount"] = duty
        return shown | more | {"valuedAt": payout["settled"], "updatedAt": _iso(self.double.now())}

    def payout_list(self) -> tuple[int, Any]:
        """GET /disbursements/payouts (D; results and total as S1 shows them).

        S1's items have none of our references and no currency; D says that they are payouts as they are read.
        """
        self._own_business()
        rows = [self._shown(row) for row in self.double.payouts[::-1] if row["key"] == self.merchant.key]
        if not self.double.new_field_names:
            told = ("id", "amountSent", "amountReceived", "fee", "status", "reference", "createdAt")
            rows = [
                {name: row[name] for name in told} | {"beneficiaryName": row["recipient"].get("accountHolderName")}
                for row in rows
            ]
        return _fine("Payouts fetched", self._paged(rows))

    def refund_list(self) -> tuple[int, Any]:
        """GET /disbursements/refunds (D: that there is one; its fields are told nowhere)."""
        self._own_business()
        return _fine("Refunds fetched", self._paged(self.merchant.refunds[::-1]))

    def resend(self) -> tuple[int, Any]:
        """POST /disbursements/payouts/resend-webhook (D): one of these names whose."""
        if not {"payoutIds", "references", "businessId"} & set(self.body):
            raise service_error(422, "VALIDATION_FAILED", "one of payoutIds, references, businessId is required")
        return _fine("Webhooks enqueued", None)

    # -- money in ------------------------------------------------------------------------------------

    def virtual_accounts(self) -> tuple[int, Any]:
        """GET /profile/virtual-accounts (P; the items as S1 shows them)."""
        known = {"page", "perPage", "status", "currency", "accountType", "entityType", "accountNumber"}
        if set(self.query) - known:
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(set(self.query) - known)} is not allowed")
        rows = [
            each
            for each in self.merchant.virtual
            if self.query.get("currency") in (None, each["currency"])
            and self.query.get("status") in (None, each["status"])
        ]
        return _fine("Virtual accounts fetched", self._paged(rows))

    def virtual_account(self, which: str) -> tuple[int, Any]:
        """GET /profile/virtual-accounts/{id} (P)."""
        for each in self.merchant.virtual:
            if each["_id"] == which:
                return _fine("Virtual account fetched", each)
        raise service_error(404, "VIRTUAL_ACCOUNT_NOT_FOUND", "Virtual account not found")

    def collection_list(self) -> tuple[int, Any]:
        """GET /collections (L): unknown keys are refused."""
        self._own_business()
        known = {"business", "page", "perPage", "status", "paymentMethod", "reference", "virtualAccount"}
        known |= {"dateInitiatedFrom", "dateInitiatedTo", "settledDateFrom", "settledDateTo", "sourceCurrency"}
        if set(self.query) - known:
            raise service_error(422, "VALIDATION_FAILED", f"{sorted(set(self.query) - known)} is not allowed")
        wanted = self.query.get("virtualAccount")
        rows = [row for row in self.merchant.collections if wanted in (None, row["virtualAccount"])]
        return _fine("Collections fetched", self._paged(rows))

    def _own_business(self) -> None:
        if self.query.get("business") != self.merchant.business:
            raise service_error(422, "VALIDATION_FAILED", "business is required")

    def _paged(self, rows: list[Any]) -> dict[str, Any]:
        page, size = int(self.query.get("page", 1)), min(self.double.per_page_cap, int(self.query.get("perPage", 10)))
        return {self.double.list_name: rows[(page - 1) * size : page * size], "total": len(rows)}

    # -- quotes and conversions ------------------------------------------------------------------------------------

    def quote(self) -> tuple[int, Any]:
        """POST /quotes/generate (how-payouts-work.mdx, conversion/*.mdx): six keys, others are taken and not needed."""
        needed = {"business", "sourceCurrency", "destinationCurrency", "amount", "action", "transactionType"}
        self._keys(needed | {"feeBearer", "paymentDestination", "beneficiaryType", "paymentScheme"}, needed=needed)
        self._business()
        pair = (self.body["sourceCurrency"], self.body["destinationCurrency"])
        try:
            amount = Decimal(str(self.body["amount"]))  # a number, or text
        except ArithmeticError:
            raise service_error(422, "VALIDATION_FAILED", "amount must be a number") from None
        if amount <= 0:
            raise service_error(422, "SERVICE_UNAVAILABLE", "Service unavailable")
        going = rate(pair)
        if going is None:
            raise service_error(422, "INVALID_CURRENCY_PAIR", "Currency pair is not supported")
        conversion = self.body["transactionType"] == "conversion"
        if self.body["action"] == "receive":
            if conversion:
                raise service_error(422, "VALIDATION_FAILED", "receive is for payouts")
            receives, sends = amount, _cents(amount / going)
        else:
            receives, sends = _cents(amount * going), amount
        fee = Decimal(0) if conversion else Decimal("0.50")  # conversion/quotes.mdx: the rate is all there is
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
            "fee": fee * going,  # RD's worked example: in the currency that arrives
            "rate": going,
            "price": _cents(going),
            "rounding": None,
            "amountToCharge": sends + fee + self.double.noise,
            "amountToReceive": receives,
            "reference": reference,
            "expireAt": _iso(expires),
        }
        return _fine("Quote generated successfully", data)

    def convert(self) -> tuple[int, Any]:
        """POST /conversions/initiate (X): debited at once, credited when it settles; the fee is 0."""
        needed = {"business", "quoteReference", "customerReference"}
        self._keys(needed | {"settlementType", "transactionReference", "transactionType"}, needed=needed)
        self._business()
        if any(each["customerReference"] == self.body["customerReference"] for each in self.double.conversions):
            raise service_error(422, "DUPLICATE_CUSTOMER_REFERENCE", "Customer reference has been used")
        quote = self.double.quotes.pop(self.body["quoteReference"], None)
        if quote is None or quote["expires"] < self.double.now() or quote["kind"] != "conversion":
            raise service_error(400, "QUOTE_EXPIRED", "Quote has expired")
        source = self.double.account(self.merchant, quote["source"])
        if source.available < quote["charge"]:
            raise service_error(400, "NO_ENOUGH_MONEY_IN_WALLET", "You dont have enough money")
        source.available -= quote["charge"]
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
            "message": None,
            "settledAt": None,
            "reads": 0,
        }
        self.double.conversions.append(row)
        ours, theirs = row["customerReference"], row["reference"]
        self.double._log(self.merchant, "debit", quote["charge"], quote["source"], "conversion", ours, theirs)
        shown = {name: row[name] for name in ("id", "reference", "customerReference")}
        return _fine("Conversion initiated successfully", {**shown, "_id": str(row["id"])})

    def conversion(self, reference: str) -> tuple[int, Any]:
        """GET /conversions/reference/{reference}."""
        for row in self.double.conversions:
            if row["reference"] == reference and row["key"] == self.merchant.key:
                return _fine("Conversion fetched successfully", self._conversion_shown(row))
        raise service_error(404, "CONVERSION_NOT_FOUND", "Conversion not found")

    def conversion_by_customer_reference(self, reference: str) -> tuple[int, Any]:
        """GET /conversions/customer-reference/{reference} (X)."""
        if self.double.unnamed_conversions:  # an older Fincra: the path is not there
            raise Refused(404, {"message": "no Route matched with those values"})
        for row in self.double.conversions:
            if row["customerReference"] == reference and row["key"] == self.merchant.key:
                return _fine("Conversion fetched successfully", self._conversion_shown(row))
        raise service_error(404, "CONVERSION_NOT_FOUND", "Conversion not found")

    def conversion_list(self) -> tuple[int, Any]:
        """GET /conversions."""
        rows = [row for row in self.double.conversions if row["key"] == self.merchant.key]
        page, size = int(self.query.get("page", 1)), min(100, int(self.query.get("perPage", 10)))
        results = [self._conversion_shown(row, settle=False) for row in rows[::-1][(page - 1) * size : page * size]]
        if self.double.unnamed_conversions:
            results = [{**each, "customerReference": None} for each in results]
        return _fine("Conversions fetched", {"results": results, "total": len(rows)})

    def _conversion_shown(self, row: dict[str, Any], *, settle: bool = True) -> dict[str, Any]:
        row["reads"] += 1
        if row["reads"] >= self.double.settle_on_read and row["status"] == "processing" and settle:
            row["status"], row["settledAt"] = "successful", _iso(self.double.now())
            amount, currency = row["amountReceived"], row["destinationCurrency"]
            self.double.account(self.merchant, currency).available += amount
            ours, theirs = row["customerReference"], row["reference"]
            self.double._log(self.merchant, "credit", amount, currency, "conversion", ours, theirs)
        shown = {name: value for name, value in row.items() if name not in ("key", "reads")}
        rate_told = row["amountReceived"] / row["amountCharged"]
        if self.double.old_conversion_names:  # create-a-conversion.mdx
            return shown | {"sourceFee": 0, "sourceExchangeRate": rate_told}
        return shown | {"fee": 0, "rate": rate_told}

    # -- checkout ------------------------------------------------------------------------------------

    def checkout(self) -> tuple[int, Any]:
        """POST /checkout/payments (K); unknown keys are dropped silently, as the checkout service does."""
        if self.headers.get("x-pub-key") is None:
            raise nest_error(401, "x-pub-key must be provided in the header", "Unauthorized")
        if self.headers.get("x-pub-key") != self.merchant.public_key:
            raise nest_error(403, "Invalid public key", "Forbidden")
        customer = self.body.get("customer") or {}
        wrong = []
        if not isinstance(self.body.get("amount"), (int, Decimal)) or self.body["amount"] < 1:
            wrong.append("amount must not be less than 1")
        if " " not in customer.get("name", ""):
            wrong.append("Customer's full name is required")
        if "@" not in customer.get("email", ""):
            wrong.append("customer.email must be an email")
        currency = self.body.get("currency")
        if set(self.body.get("paymentMethods", [])) - METHODS.get(currency, set()):
            wrong.append("Invalid payment method for the currency")
        if wrong:
            raise nest_error(400, wrong, "Bad Request")
        reference = self.body.get("reference") or uuid.uuid4().hex
        if any(row["merchantReference"] == reference for row in self.double.checkouts):
            raise nest_error(409, "Duplicate payment reference", "Conflict")
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
        if self.headers.get("x-business-id") is None:
            raise nest_error(401, "x-business-id must be provided in the header", "Unauthorized")
        if self.headers.get("x-business-id") != self.merchant.business:
            raise nest_error(503, "The business could not be resolved", "Service Unavailable")
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


def _signed(line: dict[str, Any]) -> Decimal:
    """What a line of a log did to the balance."""
    return Decimal(line["amount"]) if line["action"] == "credit" else -Decimal(line["amount"])


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

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(double.now() if timestamp is None else timestamp)

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
            typed = re.fullmatch("([0-9]{3}) ([A-Z_]+)", what)
            if what in broken or typed:
                refused = service_error(
                    *(broken[what] if typed is None else (int(typed[1]), typed[2], "It went wrong"))
                )
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
