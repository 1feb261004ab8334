"""Fincra's HTTP API, one method an endpoint: answers become records, refusals become errors.

Source: https://docs.fincra.com and https://github.com/FincraNG/docs; where they disagree, both forms are read.
Amounts are decimals in major units. Nothing here retries a POST.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

from amani_cli import errors
from amani_cli.amounts import padded
from amani_cli.models.money import CurrencyBalance
from amani_cli.providers import fincra_wire as wire
from amani_cli.providers.base import FiatRecord, PayAnswer
from amani_cli.providers.corridors import CORRIDORS
from amani_cli.providers.fiat import (
    Bank,
    Business,
    Checkout,
    Collection,
    CurrencyAccount,
    Holder,
    Movement,
    Payee,
    Quote,
    Refund,
    Statement,
    VirtualAccount,
)
from amani_cli.providers.fincra_line import ID_LENGTH, FincraLine, NotThere, as_path
from amani_cli.providers.http import Lost, NotSent

CHECKOUT = "/checkout"  # some of Fincra's pages say /checkout-core; both are routed
LOG_MARGIN_S = 86400  # how far Fincra's clock may be behind this one
NOISE = Decimal("0.01")  # what Fincra's floats may leave behind an amount


class Fincra(FincraLine):
    """One Fincra business, spoken to with its secret key. Use it as a context manager."""

    # -- looking ------------------------------------------------------------------------------------

    def identity(self) -> str:
        """The business' id, which most calls want; asked for once if it is not known."""
        if self._business is None:
            self._business = self.business().id
        return self._business

    def business(self) -> Business:
        """The key's business: the call that tells whether the key is any good."""
        body = self._object(self._get("/profile/business/me"))
        found = wire.text(body.get("_id")) or wire.text(body.get("id"))
        if found is None or len(found) != ID_LENGTH:
            raise self._odd("a business without an id")
        return Business(found, wire.text(body.get("name")) or "")

    def accounts(self) -> list[CurrencyAccount]:
        """Every currency of the business' wallet."""
        accounts = []
        for each in self._list(self._get("/wallets", businessID=self.identity())):
            currency, available = wire.text(each.get("currency")), wire.decimal(each.get("availableBalance"))
            if currency is None or available is None:
                raise self._odd("a wallet without a currency or a balance")
            self._is_about(each, "business", self.identity(), "wallet")
            ledger = wire.decimal(each.get("ledgerBalance"))
            locked = wire.decimal(each.get("lockedBalance")) or Decimal(0)
            number = wire.text(each.get("walletNumber"))
            total = available + locked if ledger is None else ledger
            accounts.append(CurrencyAccount(currency, available, total, locked, number))
        return accounts

    def held(self) -> list[CurrencyBalance]:
        """What the wallet holds, currency by currency."""
        return [
            CurrencyBalance(
                padded(each.available, each.currency),
                each.currency,
                padded(each.ledger, each.currency),
                padded(each.locked, each.currency),
            )
            for each in self.accounts()
        ]

    def owner(self, wallet_number: str) -> tuple[str, str]:
        """Whose wallet a number is, and its currency: shown before money is sent there."""
        body = self._object(self._get(f"/wallets/{as_path(wallet_number)}/get-by-wallet-number"))
        name, currency = wire.text(body.get("businessName")), wire.text(body.get("currency"))
        if name is None or currency is None:
            raise self._odd("a wallet without an owner or a currency")
        self._is_about(body, "walletNumber", wallet_number, "wallet")
        return name, currency

    def movements(self, first: int = 1) -> Iterator[list[Movement]]:
        """Every page of the wallet's log from the page `first`, newest first; new lines push old ones further back."""
        for page in self._pages("/wallets/logs", "movements", first=first):
            lines = [wire.movement(each) for each in page]
            yield [line for line in lines if line is not None]

    def banks(self, currency: str, *, mobile: bool) -> list[Bank]:
        """The banks, or the mobile-money operators, that a currency can be paid to."""
        kind = "mobile_money_wallet" if mobile else "bank_account"
        found = []
        told = self._list(self._get("/core/banks", currency=currency, paymentDestination=kind))
        for each in told:
            code, name = wire.text(each.get("code")), wire.text(each.get("name"))
            if code is None or name is None:
                continue
            swift = wire.text(each.get("swiftCode")) or wire.text(each.get("bic"))
            found.append(Bank(code, name, swift, each.get("isMobileVerified") is True))
        if told and not found:
            raise self._odd("a list of banks without codes and names")
        return [bank for bank in found if bank.mobile == mobile]

    def resolve(self, body: dict[str, str]) -> Holder:
        """Whose an account is: free, and without effect.

        A refusal of the request itself (its currency, for one) says nothing of the account, nor does one that says that
        this business may not ask: both come back with Fincra's words.
        """
        answer = self.line.send("POST", "/core/accounts/resolve", headers=self._headers, body=body)
        said = wire.refusal(answer)
        if said is not None and (wire.is_malformed(said) or said.code == "OPERATION_FORBIDDEN"):
            return Holder(None, said.text or said.code)
        unresolved = ("ACCOUNT_RESOLVE_FAILED", "UNPROCESSABLE_ENTITY", "RESOURCE_NOT_FOUND")
        if said is not None and said.status in (200, 201, 404, 422) and said.code in unresolved:
            return Holder(None)
        data = self._data(answer)
        if not isinstance(data, dict):
            return Holder(None)
        self._is_about(data, "accountNumber", body["accountNumber"], "account")
        return Holder(wire.text(data.get("accountName")))

    def quote(self, source: str, destination: str, amount: Decimal, *, receive: bool, rail: str | None) -> Quote:
        """A rate for about 30 s: for a payout on `rail`, or (None) for a conversion between own currencies.

        `receive` says that `amount` is what shall arrive.
        """
        body: dict[str, Any] = {
            "business": self.identity(),
            "sourceCurrency": source,
            "destinationCurrency": destination,
            "amount": amount,
            "action": "receive" if receive else "send",
            "transactionType": "disbursement" if rail else "conversion",
            "feeBearer": "business",
            # Old conversions are said to need this word and the newest don't mind it.
            "paymentDestination": rail or "fliqpay_wallet",
        }
        made = self._object(self._post("/quotes/generate", body))
        reference = wire.text(made.get("reference"))
        amounts = [wire.decimal(made.get(name)) for name in ("sourceAmount", "amountToCharge", "amountToReceive")]
        expires = wire.seconds(made.get("expireAt"))
        if reference is None or expires is None or any(each is None for each in amounts):
            raise self._odd("a quote without a reference, an amount or an expiry")
        sent, charged, received = (each for each in amounts if each is not None)
        self._is_about(made, "sourceCurrency", source, "quote")
        self._is_about(made, "destinationCurrency", destination, "quote")
        if abs((received if receive else sent) - amount) > NOISE:
            raise self._odd("a quote for another amount")
        if charged < sent - NOISE:
            raise self._odd("a quote that charges less than it sends")
        rate = wire.decimal(made.get("rate")) or Decimal(0)
        return Quote(reference, source, destination, sent, max(sent, charged), received, rate, expires)

    def record(self, our_reference: str) -> FiatRecord | None:
        """The payout of our reference as Fincra keeps it, or None when it knows none."""
        return self._found(f"/disbursements/payouts/customer-reference/{as_path(our_reference)}", our_reference)

    def payouts(self) -> Iterator[list[tuple[FiatRecord, float | None]]]:
        """Every page of the payouts, newest first: each with when it was made, in unix seconds.

        Whether a list says whose reference a payout has, the sources differ on: S1 shows none, D has it. See `payout`.
        """
        for page in self._pages("/disbursements/payouts", "payouts"):
            yield [(wire.movement_record(each), wire.seconds(each.get("createdAt"))) for each in page]

    def payout(self, provider_reference: str) -> FiatRecord | None:
        """The payout of a reference of Fincra's, or None when it knows none."""
        try:
            body = self._object(self._get(f"/disbursements/payouts/reference/{as_path(provider_reference)}"))
        except errors.NotFound:
            return None
        self._is_about(body, "reference", provider_reference, "payout")
        return wire.movement_record(body)

    def conversion(self, our_reference: str, provider_reference: str | None, sent_at: float) -> FiatRecord | None:
        """The conversion of our reference, sent at `sent_at` (unix seconds); None when nothing tells of it.

        It is asked for by our reference. An older Fincra has no such path: there it is asked for by Fincra's own
        reference, as it is known or as the wallet's log says it, and looked for in the list, which does not say whose a
        conversion is. Raises `errors.Unreachable` where one may be ours.
        """
        asked = self._by_ours(our_reference)
        if isinstance(asked, FiatRecord):
            return asked
        told = provider_reference or self._logged(our_reference, sent_at)
        if told:
            found = self._found(f"/conversions/reference/{as_path(told)}", our_reference)
            if found is not None or provider_reference is not None:
                return found
        if asked == "none" and told is None:
            return None
        unnamed = False
        for page in self._pages("/conversions", "conversions"):
            for each in page:
                ours = wire.text(each.get("customerReference"))
                if ours == our_reference:
                    return wire.movement_record(each)
                unnamed = unnamed or ours is None
        if told is not None or unnamed:
            raise self._odd("a conversion without saying whose it is")
        return None

    def _by_ours(self, our_reference: str) -> FiatRecord | Literal["none", "no such path"]:
        try:
            body = self._object(self._get(f"/conversions/customer-reference/{as_path(our_reference)}"))
        except NotThere as error:
            return "none" if error.code_there == "CONVERSION_NOT_FOUND" else "no such path"
        except errors.Unreachable as error:
            if error.code != "NOT_FINCRA":
                raise
            return "no such path"
        return self._record(body, our_reference)

    def _logged(self, our_reference: str, sent_at: float) -> str | None:
        """Fincra's reference for what moved under our reference, as the wallet's log has it."""
        for page in self.movements():
            for line in page:
                if line.our_reference == our_reference:
                    return line.provider_reference or ""
            if page and (wire.seconds(page[-1].created_at) or sent_at) < sent_at - LOG_MARGIN_S:
                return None
        return None

    def refunds(self) -> Iterator[list[Refund]]:
        """Every page of the payouts that came back after they had settled, newest first."""
        for page in self._pages("/disbursements/refunds", "refunds"):
            yield [found for found in map(wire.refund, page) if found is not None]

    def collections(self, account: str | None = None) -> Iterator[list[Collection]]:
        """Every page of what others sent, newest first; to one virtual account if it is named."""
        more = {"virtualAccount": account} if account else {}
        for page in self._pages("/collections", "collections", more):
            yield [found for found in map(wire.collection, page) if found is not None]

    def virtual_accounts(self, currency: str) -> list[VirtualAccount]:
        """The business' virtual accounts of a currency that can be paid to."""
        found: list[VirtualAccount] = []
        # No business in the query: the key says whose, and unknown keys are refused.
        for page in self._pages(
            "/profile/virtual-accounts", "virtual accounts", {"business": None, "currency": currency}
        ):
            found += [each for each in map(wire.virtual_account, page) if each is not None]
        return [each for each in found if each.currency == currency]

    def statement(self, currency: str, since: str, until: str) -> Statement | None:
        """What a currency held at both ends of a time (RFC 3339), by Fincra's own statement; None where it has none."""
        query = {"business": self.identity(), "currency": currency, "dateFrom": since, "dateTo": until, "perPage": 1}
        try:
            body = self._object(self._get("/wallets/logs/statement", **query))
        except (errors.NotFound, errors.Rejected):
            return None
        opening, closing = (wire.decimal(body.get(f"{end}LedgerBalance")) for end in ("opening", "closing"))
        return None if opening is None or closing is None else Statement(opening, closing)

    def checkout(self, our_reference: str) -> Checkout | None:
        """What became of the payment page of our reference, or None when Fincra knows none."""
        headers = {**self._headers, "x-business-id": self.identity()}
        answer = self.line.read(f"{CHECKOUT}/payments/merchant-reference/{as_path(our_reference)}", headers=headers)
        if answer.status == 404 and "statusCode" in (answer.body if isinstance(answer.body, dict) else {}):
            return None
        found = wire.checkout(self._object(self._data(answer)))
        if found is None or found.our_reference != our_reference:
            raise self._odd("a checkout that is not the one asked for")
        return found

    # -- asking for money ------------------------------------------------------------------------------------

    def create_checkout(
        self,
        amount: Decimal,
        currency: str,
        our_reference: str,
        *,
        name: str,
        email: str,
        methods: list[str],
        memo: str = "",
        redirect: str | None = None,
    ) -> tuple[str, str | None]:
        """Make a payment page under our reference; returns its link and Fincra's code for it. Sent once."""
        if self._public_key is None:
            raise errors.NotAuthorised(
                "asking for money needs the business' public key too",
                code="NO_PUBLIC_KEY",
                hint="Set FINCRA_PUBLIC_KEY, or add the wallet again with --public-key pk_…: it is no secret.",
            )
        body: dict[str, Any] = {
            "amount": amount,
            "currency": currency,
            "reference": our_reference,
            "customer": {"name": name, "email": email},
        }
        if methods:
            body["paymentMethods"] = methods
        if redirect:
            body["redirectUrl"] = redirect
        if memo:
            body["metadata"] = {"memo": memo}
        headers = {**self._headers, "x-pub-key": self._public_key, "x-business-id": self.identity()}
        made = self._object(self._data(self.line.send("POST", f"{CHECKOUT}/payments", headers=headers, body=body)))
        self._is_about(made, "reference", our_reference, "checkout")
        link = wire.text(made.get("link"))
        if link is None or not link.startswith(("https://", "http://")):
            raise self._odd("a checkout without a link")
        return link, wire.text(made.get("payCode"))

    def fund(self, currency: str, amount: Decimal) -> None:
        """Put test money into the sandbox's wallet; Fincra has this call in its sandbox alone."""
        self._post("/wallets/fund", {"business": self.identity(), "currency": currency, "amount": amount})

    # -- what moves money ------------------------------------------------------------------------------------

    def pay(
        self,
        our_reference: str,
        amount: Decimal,
        source: str,
        destination: str,
        payee: Payee,
        *,
        description: str,
        quote: str | None = None,
    ) -> PayAnswer:
        """Pay out to a bank account or a phone: one POST, sent once. Raises `NotSent` when it provably never left.

        Everything else is an answer: `success: true` only means accepted, and the record says what became of it.
        """
        body: dict[str, Any] = {
            "business": self.identity(),
            "sourceCurrency": source,
            "destinationCurrency": destination,
            "amount": amount,
            "customerReference": our_reference,
            "paymentDestination": wire.rail_of(payee),
            "description": description,
            "beneficiary": wire.beneficiary(payee, destination),
        }
        if CORRIDORS[destination].payer and not payee.mobile:
            body["customerName"] = payee.name
        if quote is not None:
            body["quoteReference"] = quote
        return self._move("/disbursements/payouts", body, our_reference, wire.PAYOUT_REFUSALS)

    def pay_wallet(self, our_reference: str, amount: Decimal, wallet_number: str, *, description: str) -> PayAnswer:
        """Pay another business' wallet of the same currency: as `pay`, free and mostly settled at once."""
        body = {
            "business": self.identity(),
            "beneficiaryWalletNumber": wallet_number,
            "amount": amount,
            "customerReference": our_reference,
            "description": description,
        }
        return self._move("/disbursements/payouts/wallets", body, our_reference, wire.PAYOUT_REFUSALS)

    def convert(self, our_reference: str, quote: str) -> PayAnswer:
        """Exchange between two own currencies at a quote: as `pay`."""
        body = {"business": self.identity(), "quoteReference": quote, "customerReference": our_reference}
        return self._move("/conversions/initiate", body, our_reference, wire.CONVERSION_REFUSALS)

    def _move(self, path: str, body: dict[str, Any], our_reference: str, proofs: frozenset[str]) -> PayAnswer:
        try:
            answer = self.line.send("POST", path, headers=self._headers, body=body)
        except NotSent:
            raise
        except Lost as error:
            return PayAnswer("silence", None, error.message)
        said = wire.refusal(answer)
        if said is None:
            data = answer.body.get("data")
            record = wire.movement_record(data) if isinstance(data, dict) else None
            if record is None or record.our_reference != our_reference:  # it may be the answer to another's
                return PayAnswer("pending", None, "accepted")
            return PayAnswer(record.status, record, record.reason or record.status)
        heard = wire.heard(said, proofs)
        if heard == "silence":
            return PayAnswer(heard, None, said.text or f"{self.line.host} answered {said.status} without a meaning")
        code = "KEY_REFUSED" if said.status in (401, 403) and said.code != "OPERATION_FORBIDDEN" else said.code
        code = "INSUFFICIENT_FUNDS" if code == "NO_ENOUGH_MONEY_IN_WALLET" else code
        return PayAnswer(heard, None, said.text or said.code, code=code if heard == "refused" else "")
