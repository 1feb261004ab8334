"""Names for those who are paid again and again, and what was seen of each at the first payment.

As ssh does with a host's key: what was seen first is pinned (the domain, the server it goes on to, the node that the
money goes to; for a bank account the name the bank gave), and a later difference stops the payment.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.destinations import forms
from amani_cli.destinations.forms import Destination
from amani_cli.models.payments import Contact, Contacts
from amani_cli.payees import canonical
from amani_cli.store import audit as audit_log
from amani_cli.store import contacts as store_contacts
from amani_cli.store.rows import ContactRow
from amani_cli.text import did_you_mean
from amani_cli.wallets import typed_keys
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.fiat import holders, orders
    from amani_cli.wallets.known import KnownWallet

Seen = dict[str, str]
_WORDS = {
    "domain": "domain",
    "callback": "server behind it",
    "node": "node that is paid",
    "bank": "account",
    "name": "name at the bank",
}

# Letters and digits that are taken for one another, each with the one that stands for all of its kind: the Latin
# ones that a person mistypes, then Cyrillic and Greek ones that look the same. Not all of Unicode's; those in use.
_ALIKE = str.maketrans(
    "01!|i5" + "авсԁеһіјӏмнорԛѕтѵѡхуʏ" + "αβεικνορτυχ",
    "ollll" + "s" + "abcdehljlmhopqstvwxyy" + "abelkvoptux",
)


def add(ws: Workspace, name: str, found: Destination, wallet: KnownWallet | None = None, currency: str = "") -> Contact:
    """Name a destination; a bank account or a phone is looked up as `pay` would, by a Fincra `wallet`.

    Raises `errors.Usage` for one that a single payment uses up, and for a name that is taken; what looking an account
    up raises, but where Fincra can't say whose it is: then it is kept unchecked, and said so.
    """

    name = _good_name(name)
    if found.contact is not None:
        raise errors.Usage(f"'{found.contact}' is a contact already", hint="Give the address or link itself.")
    if found.kind == "bolt11" or found.amount_msat is not None:
        raise errors.Usage(
            "an invoice can be paid once, so there is no point in keeping it",
            code="USED_UP",
            hint="A contact is a Lightning address, an LNURL-pay link, a bank account or mobile money.",
        )
    if found.link is not None and found.link.purpose not in (None, "pay"):
        raise errors.Usage("this link is not one to pay to", code="NOT_PAY")
    _point_out(ws, name, found.shown)
    destination = found.link.address if found.link and found.link.address else found.text
    if store_contacts.by_name(ws.store, name) is not None:
        raise errors.Usage(f"there is a contact '{name}'", code="NAME_TAKEN", hint="Remove it first.")
    checked = _looked_up(ws, found.payout, wallet, currency) if found.payout is not None else None
    with ws.store.write() as db:
        if store_contacts.by_name(ws.store, name) is not None:
            raise errors.Usage(f"there is a contact '{name}'", code="NAME_TAKEN", hint="Remove it first.")
        store_contacts.insert(db, name, destination if checked is None else checked.shown)
        if checked is not None and checked.verified:
            holder = checked.payee.name
            store_contacts.check(db, name, holder)
            store_contacts.pin(db, name, json.dumps({"bank": checked.shown, "name": holder}))
        audit_log.append(db, "contact add", subject=name, outcome="done", reason=found.shown, actor=ws.said.actor)
    return shown(ws, name)


def _looked_up(
    ws: Workspace, to: orders.Destination, wallet: KnownWallet | None, currency: str
) -> holders.Found | None:
    """Whose a bank account, a phone or a Fincra wallet is; None where nobody can be asked."""
    from amani_cli.fiat import holders

    if wallet is None:
        ws.talk.warn("not checked: there is no Fincra wallet to ask by")
        return None
    try:
        found = holders.whose(ws, wallet, to, currency)
        if found is None:
            ws.talk.warn(f"not checked: which currency {to} is paid in is not clear; say it by --currency, e.g. NGN")
        return found
    except errors.RefusedByPolicy as error:
        if error.code != "NAME_UNVERIFIED":
            raise
        ws.talk.warn(f"not checked: {error.message.removesuffix('; nothing was sent')}")
        return None


def every(ws: Workspace) -> Contacts:
    """All contacts, by name."""
    return Contacts([_view(row) for row in store_contacts.every(ws.store)] if ws.has_store else [])


def shown(ws: Workspace, name: str) -> Contact:
    """One contact. Raises `errors.NotFound`."""
    return _view(_must(ws, name))


def remove(ws: Workspace, name: str) -> Contact:
    """Forget a contact and what was pinned of it."""
    view = _view(_must(ws, name))
    with ws.store.write() as db:
        store_contacts.delete(db, name)
        audit_log.append(db, "contact remove", subject=view.name, outcome="done", actor=ws.said.actor)
    return view


def find(ws: Workspace, name: str) -> ContactRow | None:
    """The contact of that name, if there is one."""
    return store_contacts.by_name(ws.store, name) if ws.has_store else None


def check(ws: Workspace, name: str, seen: Seen, *, accept_change: bool, so_far: bool = False) -> None:
    """Stop a payment to a contact that is not what it was when it was paid first.

    `so_far` says that not everything was seen yet. Raises `errors.RefusedByPolicy` (code PAYEE_CHANGED) with what was
    and what is. The first payment is always right.
    """
    pinned: Seen = json.loads(_must(ws, name).seen or "{}")
    what = changed({key: old for key, old in pinned.items() if key in seen or not so_far}, seen)
    if not what or accept_change:
        return
    raise errors.RefusedByPolicy(
        f"'{name}' is not what it was when it was paid last: {what}",
        code="PAYEE_CHANGED",
        retry="never",
        hint="Ask them by another way whether this is right. If it is, pay with --accept-change.",
    )


def refuse_other(shown: str, planned: Seen, seen: Seen) -> None:
    """Stop a payment behind which another stands than its plan found. Raises `errors.RefusedByPolicy`."""
    what = changed(planned, seen)
    if what:
        raise errors.RefusedByPolicy(
            f"{shown} is not what it was when the plan was made: {what}",
            code="PAYEE_CHANGED",
            retry="never",
            hint="Ask the payee whether this is right. If it is, plan again.",
        )


def changed(old: Seen, new: Seen) -> str:
    """What of a payee is not what it was, in words; empty if it is the same, however it is spelled."""
    others = [key for key in sorted(old) if key not in new or _bare(key, old[key]) != _bare(key, new[key])]
    return "; ".join(f"{_WORDS.get(key, key)} was {old[key]} and is {new.get(key, 'none')}" for key in others)


def _bare(key: str, value: str) -> str:
    """What counts of something seen: a name's letters, a host without the port that it has anyway."""
    if key == "name":
        from amani_cli.payees import banks

        return banks.folded(value)
    return canonical.host(value) if key in ("domain", "callback") else value.casefold()


def pin(ws: Workspace, name: str, seen: Seen) -> None:
    """Keep what was seen of a contact whose payment settled; a change that was accepted replaces what was kept.

    The next payment pins it where it can't be written down.
    """
    row = find(ws, name)
    if row is None or row.seen == json.dumps(seen):
        return
    with ws.talk.once_paid(f"what was seen of '{name}' is not kept yet"), ws.store.write() as db:
        store_contacts.pin(db, name, json.dumps(seen))
        audit_log.append(
            db,
            "contact pin",
            subject=name,
            outcome="changed" if row.seen else "first",
            reason=json.dumps(seen),
            actor=ws.said.actor,
        )


def point_out_look_alikes(ws: Workspace, destination: str) -> None:
    """Warn before a destination is paid that looks like a contact's and is another."""
    if not ws.has_store:
        return
    for row in store_contacts.every(ws.store):
        if canonical.of_lightning(row.destination) != canonical.of_lightning(destination) and looks_like(
            destination, row.destination
        ):
            ws.talk.warn(f"{destination} looks like {row.destination} of your contact '{row.name}', and is another")


def looks_like(one: str, other: str) -> bool:
    """Whether two names can be taken for each other: the same to the eye, or one slip of the hand apart."""
    first, second = skeleton(one), skeleton(other)
    return first == second or (min(len(first), len(second)) > 3 and _one_edit_apart(first, second))


def skeleton(text: str) -> str:
    """What is left of a text when everything is taken away that an eye may miss: case, accents, space, look-alikes."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in bare if not unicodedata.combining(c) and (c.isalnum() or c in "!|@.+"))
    return bare.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def _one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or other, or two swapped, makes one of the other."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    return one[at + 1 :] == other[at + 1 :] or (
        one[at + 2 :] == other[at + 2 :] and one[at : at + 2] == other[at : at + 2][::-1]
    )


def _point_out(ws: Workspace, name: str, destination: str) -> None:
    for row in store_contacts.every(ws.store):
        if looks_like(name, row.name):
            ws.talk.warn(f"'{name}' looks like your contact '{row.name}'")
    point_out_look_alikes(ws, destination)


def _good_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise errors.Usage("a contact's name is 1 to 80 printable characters", code="BAD_NAME")
    typed_keys.check_name(name, "a contact's name")
    if forms.is_form(name):
        raise errors.Usage(f"'{name}' could be taken for what is paid itself", code="BAD_NAME", hint="Choose a name.")
    return name


def _must(ws: Workspace, name: str) -> ContactRow:
    row = find(ws, name)
    if row is None:
        meant = did_you_mean(name, [each.name for each in every(ws).items])
        raise errors.NotFound(
            f"no contact '{name[:80]}'", code="NO_SUCH_CONTACT", hint=f"{meant}'amani contact list' shows who there is."
        )
    return row


def _view(row: ContactRow) -> Contact:
    seen = json.loads(row.seen or "{}")
    return Contact(row.name, row.destination, seen, row.seen_at, row.checked, row.checked_at)
