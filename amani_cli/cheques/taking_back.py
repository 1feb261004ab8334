"""Taking cheques back: voiding one, sweeping those that expired, giving one a new code.

The safe order (LNbits has no time lock and deletes without a look at the balance): make the old key dead, then sweep by
trying to pay, never by trusting a balance read; confirm; only then delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from amani_cli import clocks, errors, keys, locks
from amani_cli.cheques import drawing, links, standing
from amani_cli.cheques.naming import code_of, must
from amani_cli.cheques.standing import advance, audit_step, view
from amani_cli.models.cheques import Cheque, Cheques
from amani_cli.payments import earlier, receipts
from amani_cli.payments.verdict import Verdict
from amani_cli.providers.base import NewWallet, Record
from amani_cli.providers.lnbits import Lnbits
from amani_cli.store import cheques as store_cheques
from amani_cli.store import holds, machine
from amani_cli.store import links as store_links
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow
from amani_cli.times import from_rfc3339, local
from amani_cli.wallets import environment, finding, known, logins
from amani_cli.wallets.clients import hear_time, lnbits_client
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

Ending = Literal["void", "expired"]


def void(ws: Workspace, text: str) -> Cheque:
    """Bring a cheque's money back to the wallet that gave it. Raises `errors.Rejected` if it was claimed before.

    Stopped anywhere, the same command again (or `reconcile`) goes on where it was.
    """
    row = advance(ws, must(ws, text))
    if row.status in ("void", "expired"):
        return view(ws, row, replayed=True)
    if row.status == "funding":
        raise errors.OutcomeUnknown(
            f"cheque {row.id} is still being written; its payment is open",
            hint="Run 'amani reconcile', then void it.",
            id=row.id,
        )
    row = take_back(ws, row, "void")
    if row.status == "claimed":
        came = drawing.earlier(ws, _giver(ws, row), _named(row))
        is_some_back = came is not None and came.status == "settled"
        raise errors.Rejected(
            f"cheque {row.id} was claimed{' at ' + local(row.claimed_at) if row.claimed_at else ''}, before this",
            code="CHEQUE_CLAIMED",
            money_moved="yes" if is_some_back else "no",
            retry="never",
            hint="What the claim left of a fee reserve is back." if is_some_back else "Nothing is left to bring back.",
        )
    return view(ws, row)


def sweep(ws: Workspace, wallet: KnownWallet | None = None) -> tuple[Cheques, list[errors.AmaniError]]:
    """Bring back the money of every expired cheque, what claims left of a fee reserve, and what was left half done.

    Of those alone that `wallet` gave, if it is named. Returns the cheques it dealt with, and what went wrong with any.
    """
    items, failed = [], []
    for row in store_cheques.to_sweep(ws.store) if ws.has_store else []:
        if wallet is not None and row.wallet_id != wallet.id:
            continue
        try:
            expired = _is_expired(ws, row)
            # What a claim by a link left is known at once; who draws by the code may still be at it.
            if not expired and (row.status == "open" or (row.status == "claimed" and row.claim is None)):
                continue
            ws.talk.progress(f"sweeping cheque {row.id}")
            ended = take_back(ws, row, "expired" if expired else "void")
            with _come_home(ended, is_home=ended.status in ("void", "expired")):
                items.append(view(ws, ended))
        except errors.AmaniError as error:
            error.message = f"cheque {row.id}: {error.message}"
            if row.status == "claimed" and not row.reserve_msat and isinstance(error, errors.NotAuthorised):
                ws.talk.warn(error.message)  # most likely there is nothing in it
            elif error.code != "NO_SUCH_WALLET" or not standing.is_had(ws, row):
                failed.append(error)
    left = sum(item.outstanding_msat for item in items)
    return Cheques(items, left), failed


def _is_expired(ws: Workspace, row: ChequeRow) -> bool:
    """Whether a cheque's time is over, by its server's clock too: while ours is ahead its code is still good."""
    if from_rfc3339(row.expires_at).timestamp() > clocks.wall():
        return False
    hear_time(ws, row.url)
    is_over = standing.is_over(row)
    if not is_over:
        ws.talk.warn(f"cheque {row.id} is not over by its server's clock; set this machine's (timedatectl)")
    return is_over


def reissue(ws: Workspace, text: str, *, link: bool = False) -> Cheque:
    """Make a cheque's old code and link worthless and give it new ones; needs a login, which alone can rotate keys.

    It has a link again if it had one, or where `link` asks for it.
    """
    row, claiming = standing.refresh(ws, advance(ws, must(ws, text)))
    if row.status != "open" or claiming or _is_expired(ws, row):  # nobody could claim it by a new code either
        raise standing.not_open(row, "being claimed" if claiming else view(ws, row).status)
    url = None
    if link or store_links.of_cheque(ws.store, row.id) is not None:  # before the old ones are dead
        url = links.base_url(ws)
        links.refuse_without_reserve(row)
    if row.place == "keyring":
        keys.keyring_keeps()
    with locks.held(ws, row.id, f"cheque {row.id}"):
        if (current := must(ws, row.id)).status != "open":  # it was taken back meanwhile
            raise standing.not_open(current, view(ws, current).status)
        # The old link first: stopped between the two, it must not be good for the new keys.
        issued = None if url is None else links.issue(ws, row, url)
        try:
            with _replacing(ws, row, issued):
                fresh = _rotate(ws, row)
        except errors.NotAuthorised as error:
            raise errors.RefusedByPolicy(
                f"nobody can make the old code worthless: {error.message}",
                code="LOGIN_NEEDED",
                hint=f"Run 'amani login {row.url}', as the user who wrote it, before this; or void it."
                if row.has_login
                else f"Run 'amani login {row.url}' before writing cheques; this one can only be voided.",
            ) from None
        _keep(row, fresh)
        with ws.store.write() as db:
            audit_step(ws, db, "cheque reissue", row, "done")
        shown = view(ws, row)._replace(code=code_of(ws, row, fresh.admin_key))
        return shown if issued is None else issued.on(shown)


@contextmanager
def _replacing(ws: Workspace, row: ChequeRow, issued: links.Issued | None) -> Iterator[None]:
    """Have the old link stand again where the keys were provably not made new; else say what is left to do."""
    from amani_cli.providers.http import NotSent

    try:
        yield
    except errors.AmaniError as error:
        if issued is not None:
            if isinstance(error, errors.NotAuthorised | errors.Rejected | NotSent):
                links.put_back(ws, row, issued)
            else:
                error.hint = "The old link is worthless by now, and the code may be. Run the same command again."
        raise


def _rotate(ws: Workspace, row: ChequeRow) -> NewWallet:
    """Have a cheque's keys made new, the old ones dead at once. Of two times the last counts.

    Raises `errors.NotAuthorised` where no login at hand may do that: none, another user's, or one that has expired.
    """
    token = logins.token(ws, row.url) if row.has_login else None
    if token is None:
        written = "" if row.has_login else ", and was none when it was written"
        raise errors.NotAuthorised(
            f"there is no login for {row.url}{written}",
            code="LOGIN_NEEDED",
            hint=f"Run: amani login {row.url}",
        )
    with lnbits_client(ws, row.url) as client:
        assert row.remote_id is not None  # it has a wallet since it was begun
        return client.rotate_keys(token, row.remote_id)


def _keep(row: ChequeRow, fresh: NewWallet) -> None:
    """Keep a cheque's new keys. Where the keyring or folder does not take them, only its login can go on."""
    try:
        standing.keep_keys(row.place, row.id, fresh)
    except errors.NotAuthorised as error:
        raise errors.NotAuthorised(
            f"the old code is worthless now, and the new keys could not be kept: {error.message}",
            code=error.code,
            hint="The money is in the cheque's wallet. Mend that, then run the same command again.",
        ) from error


def _shut_out(ws: Workspace, row: ChequeRow) -> errors.NotAuthorised | None:
    """Make a cheque's code worthless, or say why not: then taking it back is a race, won or lost by the key at hand."""
    try:
        fresh = _rotate(ws, row)
    except errors.NotAuthorised as error:
        if row.has_login:
            ws.talk.warn(
                f"{error.message}: the keys of its cheques can't be rotated, so that taking one back is a race with"
                " whoever has the code"
            )
        return error
    _keep(row, fresh)
    return None


def take_back(ws: Workspace, row: ChequeRow, ending: Ending) -> ChequeRow:
    """Rotate, sweep, confirm, delete; returns the cheque as it ended: `ending`, or `claimed` if somebody was first.

    One at a time per cheque: two would make each other's keys dead. Raises `errors.Locked` for the second.
    """
    with locks.held(ws, row.id, f"cheque {row.id}"):
        ws.restart_clock()
        giver = _giver(ws, row)
        standing.claim_by_link(ws, must(ws, row.id))
        _refuse_elsewhere(ws, giver, row)
        with ws.store.write() as db:
            current = store_cheques.by_id(db, row.id)
            assert current is not None
            if current.status in ("void", "expired"):
                return current
            standing.refuse_claiming(db, current)
            if current.status != "claimed":
                store_cheques.update(db, row.id, status="voiding")
                audit_step(ws, db, "cheque void", row, "begun")
        racing = _shut_out(ws, row)
        try:
            with standing.at_its_server(ws, row) as cheque, _alive(row, racing):
                drawn = _draw_back(ws, giver, row, cheque)
                if drawn is None and holds.stops(ws.store, giver.remote_id):
                    ws.catch_up(giver)  # this is a copy from before it came home
                    drawn = drawing.earlier(ws, giver, _named(row))
                with _come_home(row, is_home=drawn is not None):
                    taken = _taken_by_others(ws, row, cheque)
        except errors.NotAuthorised:
            home = drawing.earlier(ws, giver, _named(row))
            if racing is None or home is None or home.status != "settled":
                raise
            with _come_home(row, is_home=True):
                _end_as_told(ws, row, home, ending)
                return must(ws, row.id)
        with _come_home(row, is_home=drawn is not None):
            _end(ws, row, drawn, taken, ending)
            standing.delete_wallet(ws, row)
            return must(ws, row.id)


def _end(ws: Workspace, row: ChequeRow, drawn: Entry | None, taken: Record | None, ending: Ending) -> None:
    """Write down how a cheque ended: what was drawn came home, unless others had taken it before."""
    if taken is not None:
        standing.claimed(ws, row, taken.payment_hash, taken.settled_at)
        with ws.store.write() as db:
            store_cheques.update(db, row.id, swept=1)
    elif drawn is None:
        for each in standing.own_draws(ws, row):
            if each.status == "unknown":  # whose invoice has ended, and it may be what emptied the wallet
                raise receipts.open_outcome(each, f"cheque {row.id} was drawn before, and the outcome of that is open")
        raise errors.BooksDiffer(
            f"cheque {row.id} is empty, and its server knows of no claim",
            hint="Look at the wallet on the server; nothing was sent.",
        )
    else:
        with ws.store.write() as db:
            store_cheques.update(db, row.id, status=ending, payment_hash=drawn.payment_hash)
            audit_step(ws, db, "cheque void", row, ending)


def _refuse_elsewhere(ws: Workspace, giver: KnownWallet, row: ChequeRow) -> None:
    """Refuse to begin what this machine can't do at all: on a shared ledger the cheque's link is still good, and the
    machine with its keys would go on with what was refused here. Raises `errors.NotAuthorised`."""
    if row.host in (None, machine.host()) or (row.has_login and logins.token(ws, row.url) is not None):
        return
    if drawing.earlier(ws, giver, _named(row)) is None:
        standing.keys_of(row)


def _end_as_told(ws: Workspace, row: ChequeRow, home: Entry, ending: Ending) -> None:
    """End a cheque whose money has come home, and whose wallet is out of reach since: deleted, or its keys gone.

    If less than its face came, somebody claimed it, and that was what a fee reserve left over.
    """
    assert home.amount_msat is not None
    if row.status == "claimed" or home.amount_msat < row.amount_msat:
        standing.claimed(ws, row, None, None)
        with ws.store.write() as db:
            store_cheques.update(db, row.id, swept=1)
        return
    with ws.store.write() as db:
        store_cheques.update(db, row.id, status=ending, payment_hash=home.payment_hash)
        audit_step(ws, db, "cheque void", row, ending)


@contextmanager
def _alive(row: ChequeRow, racing: errors.NotAuthorised | None) -> Iterator[None]:
    """Name the way out where the key that is kept is dead too: a rotation whose answer was lost made another."""
    try:
        yield
    except (errors.NotAuthorised, errors.Rejected) as error:
        if racing is None or not row.has_login or error.code not in ("KEY_REFUSED", "CHEQUE_VOID"):
            raise
        raise errors.NotAuthorised(
            f"the key of cheque {row.id} is dead, and {racing.message}",
            code="LOGIN_NEEDED",
            id=row.id,
            hint=f"Log in as the user who wrote it, and run this again: amani login {row.url}. If nobody can:"
            f" amani reconcile --resolve {row.id}",
        ) from error


@contextmanager
def _come_home(row: ChequeRow, *, is_home: bool) -> Iterator[None]:
    """Have what fails once the money is back not say that none moved; the same command goes on where it was."""
    try:
        yield
    except errors.AmaniError as error:
        if is_home and error.money_moved == "no":
            error.money_moved, error.id = "yes", row.id
            if error.code == "LEDGER_AWAY":
                error.hint = "The money is back. Run the same command again when the ledger is: it goes on from there."
        raise


def _named(row: ChequeRow) -> drawing.Named:
    assert row.remote_id is not None  # it has a wallet since it was begun
    return drawing.Named(row.url, row.remote_id)


def _draw_back(ws: Workspace, giver: KnownWallet, row: ChequeRow, cheque: Lnbits) -> Entry | None:
    """Draw what is in a cheque's wallet into the giver's; None when nothing was left, whoever took it.

    Whoever claims it just then may leave a fee reserve behind, which is drawn then.
    """
    named, tried_sat = _named(row), 0
    drawn = drawing.earlier(ws, giver, named)
    if drawn is not None and drawn.status == "unknown":
        drawn = earlier.ask_again(ws, drawn)
    if drawn is not None and drawn.status == "unknown" and drawing.can_go_on(drawn):
        drawn, verdict = drawing.go_on(ws, giver, cheque, named, drawn)
        if not _came_too_late(drawn, verdict):
            return drawn
    while (held_sat := cheque.wallet().balance_msat // 1000) not in (0, tried_sat):
        memo, tried_sat = store_cheques.memo_of(row), held_sat
        drawn, verdict = drawing.draw(ws, giver, cheque, named, held_sat * 1000, kind="cheque void", memo=memo)
        if not _came_too_late(drawn, verdict):
            return drawn
    return drawn if drawn is not None and drawn.status == "settled" else None


def _came_too_late(drawn: Entry, verdict: Verdict) -> bool:
    """Whether a draw found less than there had been. Raises for one that was refused for anything else."""
    if drawn.status == "failed" and verdict.code != "INSUFFICIENT_FUNDS":
        raise drawing.refused(verdict, drawn.id)
    return drawn.status == "failed"


def _taken_by_others(ws: Workspace, row: ChequeRow, cheque: Lnbits) -> Record | None:
    """The server's record of a payment out of a cheque's wallet that is not the giver's own taking back.

    Raises `errors.OutcomeUnknown` while one is on its way: it may fail, and its money is back in the wallet then.
    """
    own = {each.payment_hash for each in standing.own_draws(ws, row)}
    theirs = [each for each in drawing.payments_out(cheque) if each.payment_hash not in own]
    if any(each.status == "pending" for each in theirs):
        raise errors.OutcomeUnknown(
            f"a payment out of the wallet of cheque {row.id}, by whoever has its code, is still on its way",
            id=row.id,
            hint="Run this again later: until it has settled or failed the wallet is kept.",
        )
    return next((each for each in theirs if each.status == "settled"), None)


def _giver(ws: Workspace, row: ChequeRow) -> KnownWallet:
    """The wallet that a cheque's money goes back to: the one that gave it, under whatever name it is known now."""
    found = store_wallets.by_id(ws.store, row.wallet_id)
    if found is not None:
        return known.known(ws, found)
    everything = [*finding.registered(ws), *environment.in_environment(ws)]
    giver = finding.with_identity((each for each in everything if each.provider == "lnbits"), row.identity)
    if giver is not None:
        return giver
    raise errors.NotFound(
        f"wallet '{row.wallet}', which gave cheque {row.id}, is not known here any more",
        code="NO_SUCH_WALLET",
        hint="Add it again, under any name, and run this again.",
    )


def settle_funded(ws: Workspace, paid: Entry) -> None:
    """Open the cheque that a payment has funded; one that can't be opened now is when it is looked at."""
    with ws.talk.once_paid("the cheque's own entry does not say so yet"):
        for row in store_cheques.with_status(ws.store, "funding"):
            if row.funding_hash == paid.payment_hash:
                advance(ws, row)


def settle_unfinished(ws: Workspace) -> int:
    """Take every cheque that was left half written or half taken back as far as it goes; returns how many stay open."""
    left = 0
    for row in store_cheques.with_status(ws.store, *store_cheques.UNFINISHED):
        try:
            row = advance(ws, row) if row.status == "funding" else take_back(ws, row, "void")
        except errors.AmaniError as error:
            ws.talk.warn(f"cheque {row.id}: {error.message}" + (f". {error.hint}" if error.hint else ""))
        left += must(ws, row.id).status in store_cheques.UNFINISHED
    return left
