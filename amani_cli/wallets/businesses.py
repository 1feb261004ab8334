"""Fincra businesses as wallets: which environment a key is for, and how one is added."""

from __future__ import annotations

from amani_cli import errors, keys
from amani_cli.amounts import Fiat, names_currency, parse_fiat
from amani_cli.models.wallets import Wallet
from amani_cli.providers.fiat import CurrencyAccount
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import finding, keeping, rotating
from amani_cli.wallets.fincra_environment import check_public_key, environment, variables
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def to_ask_by(ws: Workspace, name: str | None) -> KnownWallet | None:
    """The Fincra wallet that questions about accounts are asked by: the one that is named, or the first there is."""
    if name is not None:
        found = finding.resolve(ws, name)
        return found if found.provider == "fincra" else None
    known = [each for each in finding.everything(ws) if each.provider == "fincra"]
    return known[0] if known else None


def fund(wallet: KnownWallet, amount: Fiat) -> None:
    """Put test money into a wallet of Fincra's sandbox. Raises `errors.RefusedByPolicy` for a live one."""
    if wallet.live:
        raise errors.RefusedByPolicy(
            f"'{wallet.name}' is live: only test money can be made from nothing", code="LIVE_WALLET", retry="never"
        )
    with wallet.fincra("admin") as client:
        client.fund(amount.currency, amount.value)


def amount(wallet: KnownWallet, text: str) -> Fiat:
    """The amount of fiat in `text`; a bare number is taken only where the wallet holds one currency.

    Raises `errors.Usage`, for a bare number with the currencies there are.
    """
    if names_currency(text):
        return parse_fiat(text)
    with wallet.fincra("read") as client:
        currencies = [account.currency for account in client.accounts()]
    if len(currencies) != 1:
        raise errors.Usage(
            f"'{text[:24]}' of which currency? Wallet '{wallet.name}' holds more than one",
            code="BAD_AMOUNT",
            hint=f"Write it behind: {', '.join(text.strip()[:24].replace(',', '') + each for each in currencies[:4])}.",
        )
    return parse_fiat(text, currencies[0])


def holds_no(wallet: KnownWallet, currency: str, accounts: list[CurrencyAccount]) -> errors.NotFound:
    """The error for a currency that a wallet does not hold."""
    return errors.NotFound(
        f"wallet '{wallet.name}' holds no {currency[:10]}",
        code="NO_SUCH_CURRENCY",
        hint=f"It holds: {', '.join(each.currency for each in accounts) or 'nothing'}.",
    )


def held(wallet: KnownWallet, currency: str) -> list[CurrencyAccount]:
    """The account that `max` is of, in `currency` or the only one with something in it; none where nothing is left.

    Raises `errors.Usage` where it is not clear which currency is meant, `errors.NotFound` for one it does not hold.
    """
    with wallet.fincra("read") as client:
        accounts = client.accounts()
    if currency and currency not in {each.currency for each in accounts}:
        raise holds_no(wallet, currency, accounts)
    found = [each for each in accounts if each.available > 0 and currency in ("", each.currency)]
    if len(found) > 1:
        raise errors.Usage(
            f"'max' of which currency? Wallet '{wallet.name}' holds {', '.join(each.currency for each in found)}",
            code="BAD_AMOUNT",
            hint=f"Write an amount, or for a payout add --from-currency {found[0].currency}.",
        )
    return found


def add(
    ws: Workspace,
    name: str,
    url: str | None,
    key: keys.Key,
    *,
    key_source: keys.KeySource,
    live: bool,
    read_only: bool,
    public_key: str | None,
) -> Wallet:
    """Register a Fincra business by its secret key; Fincra is asked whose key it is.

    Raises `errors.Usage` for a name or business that is known already, `errors.NotAuthorised` for a key that Fincra
    refuses, or that says itself that it belongs to the other environment.
    """
    from amani_cli.providers.fincra import Fincra
    from amani_cli.providers.fincra_line import check_environment
    from amani_cli.providers.http import Line

    address, is_live = environment(url, live=live)
    elsewhere = store_wallets.by_name(ws.store, name) if ws.has_store else None
    if elsewhere is None or not keeping.lacks_key(ws, elsewhere):
        name = keeping.free_name(ws, name)
    check_environment(key.value, address)
    public_key = check_public_key(public_key) if public_key else variables(ws)[1]
    with Fincra(Line(address, deadline=ws.deadline, timeout=ws.timeout, name="FinCra"), key.value) as client:
        business = client.business()
    known_here = keeping.without_key_here(ws, business.id, address)
    if known_here is None:
        name = keeping.free_name(ws, name)
        keeping.refuse_known(ws, business.id, address)
    source, _ = rotating.store_key(key_source, key.value, None) if key_source == "keyring" else (key_source, False)
    if known_here is not None:
        return keeping.add_key(ws, known_here, (source, False), "read" if read_only else "spend", name)
    added = keeping.register(
        ws,
        name=name,
        provider="fincra",
        url=address,
        remote_id=business.id,
        access="read" if read_only else "spend",
        key_source=source,
        live=int(is_live),
        public_key=public_key,
    )
    kind = "LIVE: real money" if is_live else "Fincra's sandbox: test money"
    ws.talk.note(f"This is the business '{business.name}' ({kind}).")
    if public_key is None:
        ws.talk.note(
            "To ask for money it needs the public key too: add it with --public-key, or set FINCRA_PUBLIC_KEY."
        )
    if read_only:
        ws.talk.note("Fincra has one kind of key: it is amani that does not pay with it, not Fincra that would refuse.")
    ws.talk.note(f"Limits, PIN and journal are kept in {keeping.kept_in(ws)}, not at Fincra.")
    return added
