"""The faucet: any wallet may give others a little, once per cool-down, within a day's cap; it really pays."""

from __future__ import annotations

from decimal import Decimal

from amani_cli import amounts, errors
from amani_cli.lightning.transfers import Between, arrived, between
from amani_cli.models.cheques import Faucet
from amani_cli.models.payments import Payment
from amani_cli.payments import receipts
from amani_cli.rules import approval, consent, lines
from amani_cli.store import audit as audit_log
from amani_cli.store import faucet, rules
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import FaucetRow, Transaction
from amani_cli.times import local, to_rfc3339
from amani_cli.wallets import balances, known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

DAY_S = 86400


def configure(
    ws: Workspace, wallet: KnownWallet, *, amount_msat: int, cooldown_s: int, daily_cap_msat: int | None
) -> Faucet:
    """Make a wallet the faucet. A claim must be small enough to need no PIN: nobody is there to give it."""
    wallet.must_be("lnbits")
    amounts.require_whole_sat(amount_msat)
    if wallet.in_environment or wallet.access == "read":
        raise errors.Usage(f"'{wallet.name}' can't be the faucet: it is not a registered wallet that can pay")
    _refuse_guarded(ws, wallet, amount_msat)
    if daily_cap_msat is not None and daily_cap_msat < amount_msat:
        raise errors.Usage("the daily cap is less than one claim", code="BAD_AMOUNT")
    old = faucet.settings(ws.store)
    before = ""
    if old is not None:
        before = f", before: {old.amount_msat} msat, {_limits(old.cooldown_s, old.daily_cap_msat)}"
    if old is None or _is_looser(old, wallet, amount_msat, cooldown_s, daily_cap_msat):
        consent.require_pin(ws, wallet, "having the faucet give more")
    with ws.store.write() as db:
        faucet.configure(db, wallet.id, amount_msat, cooldown_s, daily_cap_msat)
        audit_log.append(
            db,
            "faucet configure",
            wallet=wallet.name,
            amount_msat=amount_msat,
            outcome=_limits(cooldown_s, daily_cap_msat) + before,
            actor=ws.said.actor,
        )
    if old is not None and old.daily_cap_msat is not None and daily_cap_msat is None:
        ws.talk.warn(
            f"the faucet has no daily cap any more; to keep the one it had: --daily-cap {old.daily_cap_msat}msat"
        )
    return status(ws, None)


def _refuse_guarded(ws: Workspace, wallet: KnownWallet, amount_msat: int) -> None:
    """Refuse what would need a PIN or somebody's approval: whoever claims can give neither."""
    ways = "amani faucet configure --amount A, or another --wallet"
    if approval.check_pin(ws, wallet, amount_msat):
        raise errors.RefusedByPolicy(
            f"a claim would need the PIN of '{wallet.name}', and nobody is there to give it",
            code="PIN_NEEDED",
            hint=f"Choose a smaller amount ({ways}), or raise the PIN's threshold: amani pin change --threshold A",
        )
    try:
        lines.check(ws, wallet, "msat", Decimal(amount_msat))
    except errors.RefusedByPolicy as error:
        error.hint = f"A claim is not filed for approval. Choose a smaller amount: {ways}."
        raise


def _limits(cooldown_s: int, daily_cap_msat: int | None) -> str:
    return f"cool-down {cooldown_s} s, daily cap {f'{daily_cap_msat} msat' if daily_cap_msat else 'none'}"


def _is_looser(
    old: FaucetRow, wallet: KnownWallet, amount_msat: int, cooldown_s: int, daily_cap_msat: int | None
) -> bool:
    """Whether the faucet would give more, sooner, or from another wallet than before."""
    most = old.daily_cap_msat
    more = daily_cap_msat is None if most is not None else False
    more = more or (most is not None and daily_cap_msat is not None and daily_cap_msat > most)
    more = more or amount_msat > old.amount_msat or cooldown_s < old.cooldown_s
    return more or wallet.id != old.wallet_id


def status(ws: Workspace, claimer: KnownWallet | None) -> Faucet:
    """How the faucet is set up, what is left in it, and when `claimer` may claim next."""
    row = faucet.settings(ws.store) if ws.has_store else None
    if row is None:
        return Faucet(False, None, None, None, None, None, 0, None)
    source = _source(ws, row)
    balance_msat: int | None = None
    try:
        balance_msat = balances.balance(ws, source).balance_msat
    except errors.AmaniError as error:
        ws.talk.warn(f"the faucet's balance is not known: {error.message}")
    db = ws.store
    last = faucet.last_claim(db, claimer.identity) if claimer is not None else None
    today = sum(amount for _, amount in faucet.claims_since(db, ws.store.clock.now() - DAY_S))
    opens = last + row.cooldown_s if last is not None else 0
    return Faucet(
        configured=True,
        wallet=source.name,
        amount_msat=row.amount_msat,
        cooldown_s=row.cooldown_s,
        daily_cap_msat=row.daily_cap_msat,
        balance_msat=balance_msat,
        claimed_today_msat=today,
        next_claim_at=_shown(ws, opens) if opens > ws.store.clock.now() else None,
    )


def claim(ws: Workspace, claimer: KnownWallet, *, reference: str | None = None) -> Payment:
    """Have the faucet pay a wallet. One claim per wallet and cool-down, whatever the number of processes or the clock.

    An empty faucet or a definite failure uses up nothing; an unknown outcome holds the claim until it is reconciled.
    """
    row = faucet.settings(ws.store) if ws.has_store else None
    if row is None:
        raise errors.NotFound(
            "there is no faucet yet", code="NO_FAUCET", hint="Set one up: amani faucet configure --wallet W"
        )
    source = _source(ws, row)
    if claimer.identity == source.identity:
        raise errors.RefusedByPolicy(
            "the faucet can't claim from itself", code="SAME_WALLET", hint="Say --wallet NAME."
        )
    known.identify(claimer)

    def hold(db: Transaction, entry: str) -> None:
        _refuse_claim(ws, db, claimer, row)
        rules.add_event(db, claimer.identity, "faucet", ws.store.clock.now(), actor=ws.said.actor, subject=entry)

    def amount_msat() -> int:
        _refuse_claim(ws, ws.store, claimer, row)
        _refuse_guarded(ws, source, row.amount_msat)
        return row.amount_msat

    paid = between(
        ws,
        source,
        claimer,
        Between(
            "faucet",
            amount_msat,
            asked="amani faucet",
            memo=f"faucet claim of {claimer.name}",
            reference=reference,
            meaning=lambda: f"faucet {claimer.identity}",
            on_journal=hold,
        ),
        confirm=None,
    )
    assert paid is not None  # a faucet gives a sat at least
    return _claimed(ws, claimer, paid, row)


def _claimed(ws: Workspace, claimer: KnownWallet, paid: Payment, row: FaucetRow) -> Payment:
    """The receipt as the claimer has it."""
    next_claim_at = _shown(ws, ws.store.clock.now() + row.cooldown_s)
    try:
        last = faucet.last_claim(ws.store, claimer.identity) or ws.store.clock.now()
        next_claim_at = _shown(ws, last + row.cooldown_s)
        entry = arrived(ws, claimer, paid, kind="faucet", memo="amani faucet")
        return receipts.receipt(entry, replayed=paid.replayed)._replace(next_claim_at=next_claim_at)
    except errors.AmaniError as error:
        ws.talk.warn(f"paid, but the arrival is not written down yet: {error.message}")
        return paid._replace(next_claim_at=next_claim_at)


def _refuse_claim(ws: Workspace, db: Ledger, claimer: KnownWallet, row: FaucetRow) -> None:
    """Refuse a second claim within the cool-down, and one beyond the day's cap; decides when in a write transaction."""
    moment = ws.store.clock.now()
    last = faucet.last_claim(db, claimer.identity)
    if last is not None and last + row.cooldown_s > moment:
        opens = _shown(ws, last + row.cooldown_s)
        raise errors.RefusedByPolicy(
            f"'{claimer.name}' has claimed already; it can again at {local(opens)}",
            code="COOL_DOWN",
            details={"opens_at": opens},
            hint="One claim per wallet and cool-down.",
        )
    if row.daily_cap_msat is None:
        return
    claims = faucet.claims_since(db, moment - DAY_S)
    if sum(amount for _, amount in claims) + row.amount_msat > row.daily_cap_msat:
        opens = _shown(ws, claims[0][0] + DAY_S)
        raise errors.RefusedByPolicy(
            "the faucet has given all that it may in 24 hours",
            code="DAILY_CAP",
            details={"opens_at": opens},
            hint=f"Some comes free at {local(opens)}.",
        )


def _shown(ws: Workspace, opens: float) -> str:
    """The second at which something works again, as this machine's clock will show it."""
    return to_rfc3339(int(ws.store.clock.on_the_wall(opens)) + 1)


def _source(ws: Workspace, row: FaucetRow) -> KnownWallet:
    found = store_wallets.by_id(ws.store, row.wallet_id)
    if found is None:
        raise errors.NotFound(
            "the faucet's wallet is not known here any more", code="NO_FAUCET", hint="amani faucet configure --wallet W"
        )
    return known.known(ws, found)
