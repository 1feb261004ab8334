"""The names that Fincra knows movements of ours by, its customer references; it takes each once."""

from __future__ import annotations

import uuid

from amani_cli.store import journal, references
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger, Store

# What the names made of users' references begin from; another one would make other names of them.
_NAMES = uuid.UUID("6d0f4c1e-6f0b-5b6e-9a53-0c2f8f6d7a41")
# So many tries of a reference that failed are told from something else under it.
MOST_TRIES = 50


def our_reference(db: Ledger, business: str, reference: str | None, meaning: str) -> str:
    """The name of a movement that is about to be made.

    With a reference of the user's it is the same however often it is worked out: a journal that was restored from
    before the payment makes it again, and Fincra refuses a second one. A try that failed has used up its name.
    """
    if reference is None:
        return str(uuid.uuid4())
    return _name(business, reference, meaning, journal.count_tries(db, reference))


def brought_in(store: Store, business: str, reference: str, meaning: str) -> Entry | None:
    """The entry that a sync has made of this very movement; None where none is known by this reference.

    Raises `errors.RefusedByPolicy` where the reference stands for something else, as its name tells.
    """
    known = journal.nameless(store, _of_reference(business, reference))
    if not known:
        return None
    tries = range(MOST_TRIES + journal.count_tries(store, reference))
    ways = references.spellings(meaning)
    same = {_name(business, reference, way, number) for way in ways for number in tries}
    found = [row for row in known if row.our_reference in same]
    if not found:
        raise references.is_taken(reference, known[0].id, known[0].id)
    return next((row for row in found if row.status != "failed"), None)


def _of_reference(business: str, reference: str) -> str:
    """How every name that is made of a user's reference begins, whatever it was used for."""
    return str(uuid.uuid5(_NAMES, f"{business}\n{reference}"))[:18]


def _name(business: str, reference: str, meaning: str, tries: int) -> str:
    """Half of it is of the reference alone, and half of what is meant by it and of the try."""
    meant = uuid.uuid5(_NAMES, "\n".join((business, reference, meaning, str(tries))))
    return _of_reference(business, reference) + str(meant)[18:]
