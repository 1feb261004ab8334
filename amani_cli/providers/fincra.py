"""Fincra's HTTP API, one method an endpoint: answers become records, refusals become errors.

Source: https://docs.fincra.com and https://github.com/FincraNG/docs; where they disagree, both forms are read.
Amounts are decimals in major units. Nothing here retries a POST.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Self

from amani_cli import errors
from amani_cli.amounts import padded
from amani_cli.models.money import CurrencyBalance
from amani_cli.providers import fincra_wire as wire
from amani_cli.providers.base import FiatRecord, PayAnswer
from amani_cli.providers.fiat import Bank, Business, Checkout, CurrencyAccount, Movement, Payee, Quote
from amani_cli.providers.http import Answer, Line, Lost, NotSent

SANDBOX_URL = "https://sandboxapi.fincra.com"
LIVE_URL = "https://api.fincra.com"
CHECKOUT = "/checkout"  # some of Fincra's pages say /checkout-core; both are routed
PAGE = 100  # the most that a page of a list holds
ID_LENGTH = 24  # of a business' id
LOG_MARGIN_S = 86400  # how far Fincra's clock may be behind this one
NOISE = Decimal("0.01")  # what Fincra's floats may leave behind an amount
_HINT = (
    "Three things can be wrong: the key, the environment (a live key works on {live} only, with --live; a test key"
    " on {sandbox}), or the address of this machine, which a live business must have on its IP allow-list."
)


class Fincra:
    """One Fincra business, spoken to with its secret key. Use it as a context manager."""

    def __init__(self, line: Line, key: str, *, business: str | None = None, public_key: str | None = None) -> None:
        self.line = line
        self.url = line.url
        self._headers = {"api-key": key}
        self._business = business
        self._public_key = public_key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

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
        body = self._object(self._get(f"/wallets/{_path(wallet_number)}/get-by-wallet-number"))
        name, currency = wire.text(body.get("businessName")), wire.text(body.get("currency"))
        if name is None or currency is None:
            raise self._odd("a wallet without an owner or a currency")
        self._is_about(body, "walletNumber", wallet_number, "wallet")
        return name, currency

    def movements(self, first: int = 1) -> Iterator[list[Movement]]:
        """Every page of the wallet's log from the page `first`, newest first; new lines push old ones further back."""
        for page in self._pages("/wallets/logs", "movements", first):
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

    def resolve(self, body: dict[str, str]) -> str | None:
        """The holder's name of an account, or None when Fincra can't find it; free and without effect."""
        answer = self.line.send("POST", "/core/accounts/resolve", headers=self._headers, body=body)
        said = wire.refusal(answer)
        unresolved = ("ACCOUNT_RESOLVE_FAILED", "UNPROCESSABLE_ENTITY", "RESOURCE_NOT_FOUND")
        if said is not None and said.status in (200, 201, 404, 422) and said.code in unresolved:
            return None
        data = self._data(answer)
        if not isinstance(data, dict):
            return None
        self._is_about(data, "accountNumber", body["accountNumber"], "account")
        return wire.text(data.get("accountName"))

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
        fee, rate = wire.decimal(made.get("fee")) or Decimal(0), wire.decimal(made.get("rate")) or Decimal(0)
        return Quote(reference, source, destination, sent, charged, received, fee, rate, expires)

    def record(self, our_reference: str) -> FiatRecord | None:
        """The payout of our reference as Fincra keeps it, or None when it knows none."""
        return self._found(f"/disbursements/payouts/customer-reference/{_path(our_reference)}", our_reference)

    def conversion(self, our_reference: str, provider_reference: str | None, sent_at: float) -> FiatRecord | None:
        """The conversion of our reference, sent at `sent_at` (unix seconds); None when nothing tells of it.

        It is asked for by Fincra's own reference: as it is known, or as the wallet's log says it. Else it is looked for
        in the list, whose older form does not say whose a conversion is. Raises `errors.Unreachable` where one may be
        ours.
        """
        told = provider_reference or self._logged(our_reference, sent_at)
        if told:
            found = self._found(f"/conversions/reference/{_path(told)}", our_reference)
            if found is not None or provider_reference is not None:
                return found
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

    def _logged(self, our_reference: str, sent_at: float) -> str | None:
        """Fincra's reference for what moved under our reference, as the wallet's log has it."""
        for page in self.movements():
            for line in page:
                if line.our_reference == our_reference:
                    return line.provider_reference or ""
            if page and (wire.seconds(page[-1].created_at) or sent_at) < sent_at - LOG_MARGIN_S:
                return None
        return None

    def checkout(self, our_reference: str) -> Checkout | None:
        """What became of the payment page of our reference, or None when Fincra knows none."""
        headers = {**self._headers, "x-business-id": self.identity()}
        answer = self.line.read(f"{CHECKOUT}/payments/merchant-reference/{_path(our_reference)}", headers=headers)
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
        memo: str,
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
            "paymentDestination": rail_of(payee),
            "description": memo,
            "beneficiary": beneficiary(payee, destination),
        }
        if quote is not None:
            body["quoteReference"] = quote
        return self._move("/disbursements/payouts", body, our_reference)

    def pay_wallet(self, our_reference: str, amount: Decimal, wallet_number: str, *, memo: str) -> PayAnswer:
        """Pay another business' wallet of the same currency: as `pay`, free and mostly settled at once."""
        body = {
            "business": self.identity(),
            "beneficiaryWalletNumber": wallet_number,
            "amount": amount,
            "customerReference": our_reference,
            "description": memo,
        }
        return self._move("/disbursements/payouts/wallets", body, our_reference)

    def convert(self, our_reference: str, quote: str) -> PayAnswer:
        """Exchange between two own currencies at a quote: as `pay`."""
        body = {"business": self.identity(), "quoteReference": quote, "customerReference": our_reference}
        return self._move("/conversions/initiate", body, our_reference)

    def _move(self, path: str, body: dict[str, Any], our_reference: str) -> PayAnswer:
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
        heard = wire.heard(said)
        if heard == "silence":
            return PayAnswer(heard, None, said.text or f"{self.line.host} answered {said.status} without a meaning")
        code = "KEY_REFUSED" if said.status in (401, 403) else said.code
        code = "INSUFFICIENT_FUNDS" if code == "NO_ENOUGH_MONEY_IN_WALLET" else code
        return PayAnswer(heard, None, said.text or said.code, code=code if heard == "refused" else "")

    # -- reading answers ------------------------------------------------------------------------------------

    def _get(self, path: str, **query: object) -> Any:
        return self._data(self.line.read(path, headers=self._headers, params=query or None))

    def _post(self, path: str, body: Any) -> Any:
        return self._data(self.line.send("POST", path, headers=self._headers, body=body))

    def _pages(self, path: str, what: str, first: int = 1) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list from the page `first`, newest first."""
        page, seen, before = first, (first - 1) * PAGE, None
        while True:
            body = self._object(self._get(path, business=self.identity(), page=page, perPage=PAGE))
            results = body.get("results")
            if not isinstance(results, list):
                raise self._odd(f"a list of {what} that is none")
            seen += len(results)
            yield [each for each in results if isinstance(each, dict)]
            total = None if body.get("totalIsApproximate") else body.get("total")
            if not results or (isinstance(total, int) and seen >= total):
                return
            if results == before:
                raise self._odd(f"the same page of {what} again")
            page, before = page + 1, results

    def _found(self, path: str, our_reference: str) -> FiatRecord | None:
        try:
            body = self._object(self._get(path))
        except errors.NotFound:
            return None
        self._is_about(body, "customerReference", our_reference, "movement")
        return wire.movement_record(body)

    def _data(self, answer: Answer) -> Any:
        """What an answer's envelope holds. Raises the error that it stands for."""
        said = wire.refusal(answer)
        if said is None:
            return answer.body.get("data")
        raise self._error(answer, said)

    def _object(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self._odd("an answer without data")
        return data

    def _list(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list):
            raise self._odd("an answer without a list")
        return [each for each in data if isinstance(each, dict)]

    def _is_about(self, body: dict[str, Any], name: str, asked: str, noun: str) -> None:
        """Refuse an answer that says itself that it is about something else: proxies and caches mix answers up."""
        if wire.text(body.get(name)) not in (None, asked):
            raise self._odd(f"another {noun} than the one asked for")

    def _odd(self, what: str) -> errors.AmaniError:
        return errors.Unreachable(f"{self.line.host} sent {what}", code="ODD_ANSWER", hint="Try again later.")

    def _error(self, answer: Answer, said: wire.Refusal) -> errors.AmaniError:
        host, status, text = self.line.host, said.status, said.text or said.code
        if status in (301, 302, 303, 307, 308):
            return errors.Unreachable(
                f"{self.url} redirects elsewhere; amani does not follow, so that your key goes nowhere else",
                code="REDIRECT",
            )
        if status == 429:
            return errors.Unreachable(
                f"{host} takes no more requests for now (429)",
                code="RATE_LIMITED",
                hint="Wait a moment: Fincra allows 50 requests a second to one account.",
            )
        if not isinstance(answer.body, dict):
            return errors.Unreachable(
                f"{self.url} answered {status} with something that is not Fincra's JSON",
                code="SERVER_ERROR" if status >= 500 else "NOT_FINCRA",
                hint="Fincra or the proxy before it is in trouble; try again later.",
            )
        if status in (401, 403):
            return self._unauthorised(text)
        if status == 404 and not said.code and not _is_nest(answer):
            return errors.Unreachable(f"{self.url} has no Fincra API at this path ({text})", code="NOT_FINCRA")
        if status == 404 or said.code == "RESOURCE_NOT_FOUND":
            return errors.NotFound(f"{host}: {text or 'not found'}", code=said.code or None)
        if status >= 500 or said.code in ("SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"):
            return errors.Unreachable(
                f"{host} failed to answer ({status}{': ' + text if text else ''})",
                code="SERVER_ERROR",
                hint="Fincra is in trouble; try again later.",
            )
        if said.code == "NO_ENOUGH_MONEY_IN_WALLET":
            return errors.InsufficientFunds(f"{host} says: {text}", hint="See: amani wallet balance")
        return errors.Rejected(f"{host} refused: {text or status}", code=said.code or None)

    def _unauthorised(self, text: str) -> errors.AmaniError:
        host = self.line.host
        if "ip address" in text.lower():
            return errors.NotAuthorised(
                f"{host} does not serve this machine's IP address: it is not on the business' allow-list",
                code="IP_NOT_ALLOWED",
                hint="Add it in Fincra's dashboard under Settings, API keys & webhooks (three addresses at most).",
            )
        return errors.NotAuthorised(
            f"{host} refused the key ({text or 'no reason given'})",
            code="KEY_REFUSED",
            hint=_HINT.format(live=LIVE_URL, sandbox=SANDBOX_URL),
        )


def check_environment(key: str, url: str) -> None:
    """Refuse, before it is sent anywhere, a key that says itself that it belongs to the other environment."""
    words = key.lower().split("_")
    if url == LIVE_URL and "test" in words[:2]:
        raise errors.NotAuthorised(
            "this is a test key, and the wallet is live",
            code="WRONG_ENVIRONMENT",
            hint="Leave --live out, or copy the key from the dashboard's live mode.",
        )
    if url == SANDBOX_URL and "live" in words[:2]:
        raise errors.NotAuthorised(
            "this is a live key, and Fincra's sandbox knows test keys only",
            code="WRONG_ENVIRONMENT",
            hint="Add the wallet with --live if real money is meant, or copy the key from the dashboard's test mode.",
        )


def rail_of(payee: Payee) -> str:
    """Fincra's word for the way that money takes to a payee."""
    return "mobile_money_wallet" if payee.mobile else "bank_account"


def beneficiary(payee: Payee, currency: str) -> dict[str, str]:
    """A payee as a payout names it: banks by code, but Ghana's by SWIFT code; phones without a plus sign."""
    given, _, family = payee.name.partition(" ")
    names = {"accountHolderName": payee.name}
    if not payee.company:
        names |= {"firstName": given, "lastName": family or given}
    where = "mobileMoneyCode" if payee.mobile else "bankSwiftCode" if currency == "GHS" else "bankCode"
    return {
        "type": "corporate" if payee.company else "individual",
        **names,
        "accountNumber": payee.account,
        where: payee.bank,
        "country": payee.country,
    }


def name_check(currency: str, account: str, bank: str, *, mobile: bool) -> dict[str, str] | None:
    """What `resolve` is asked for an account, or None where Fincra has no such check."""
    if mobile:
        known = {"type": "mobile_money", "accountNumber": account, "mobileMoneyCode": bank}
        return known if currency in ("GHS", "KES") else None
    if currency == "NGN":
        return {"type": "nuban", "accountNumber": account, "bankCode": bank}
    if currency == "GHS":
        return {"type": "bank_account", "accountNumber": account, "bankSwiftCode": bank}
    return {"type": "bank_account", "accountNumber": account, "bankCode": bank} if currency == "KES" else None


def _is_nest(answer: Answer) -> bool:
    return isinstance(answer.body, dict) and "statusCode" in answer.body


def _path(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
