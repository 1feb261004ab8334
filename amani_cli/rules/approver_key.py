"""This person's own approver key: made once, kept in the keyring or a file of theirs, never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from amani_cli import errors, keys, private
from amani_cli.files import write_private
from amani_cli.models.requests import Approver
from amani_cli.rules import signatures
from amani_cli.rules.signatures import Person
from amani_cli.workspace import Workspace


class Own(NamedTuple):
    """An approver's private key (hex) and whose it is."""

    private: str
    person: Person


def init(ws: Workspace, key_file: Path | None) -> Approver:
    """Make this person's key, bound to the OS user and host of now. Raises `errors.Usage` where there is one."""
    about = ws.paths.approver
    if private.check(about):
        raise errors.Usage(
            "there is an approver key here already",
            code="APPROVER_SET",
            hint="'amani approver show' prints its public half. A lost one is replaced by another approver.",
        )
    me = signatures.myself()
    made = signatures.new_key()
    public = signatures.public_of(made)
    place = "keyring" if key_file is None else f"file:{key_file}"
    if key_file is None:
        with keys.otherwise("Say --key-file PATH, a new file."):
            keys.keyring_keeps()
        keys.keyring_set(_slot(public), made)
    else:
        keys.write_key_file(key_file, made)
    kept = {"public_key": public, "place": place, "os_user": me.os_user, "host": me.host}
    write_private(about, json.dumps(kept) + "\n", replace=False)
    return _view(Own(made, me))


def shown(ws: Workspace) -> Approver:
    """The public half of this person's key. Raises what `own` raises."""
    return _view(own(ws))


def own(ws: Workspace) -> Own:
    """This person's key. Raises `errors.NotAuthorised` where there is none, or for anybody but who made it."""
    about = ws.paths.approver
    if not private.check(about):
        raise errors.NotAuthorised(
            "you have no approver key here", code="NO_APPROVER_KEY", hint="Make one: amani approver init"
        )
    try:
        kept = json.loads(about.read_text(encoding="utf-8"))
        place, public = str(kept["place"]), str(kept["public_key"])
        person = Person(str(kept["os_user"]), str(kept["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise _broken(f"{about} can't be read") from None
    me = signatures.myself()
    if me != person:
        raise errors.NotAuthorised(
            f"this approver key was made by {person}, and you are {me}",
            code="NO_APPROVER_KEY",
            hint="An approver is whoever made the key, on the machine where it was made. Make your own.",
        )
    if place == "keyring":
        found = keys.keyring_get(_slot(public))
    else:
        found = keys.from_file(Path(place.partition(":")[2])).value
    if found is None or signatures.public_of(found) != public:
        raise _broken("the private half of your approver key is not where it was kept")
    return Own(found, person)


def _slot(public: str) -> str:
    return f"approver:{public[:16]}"


def _broken(words: str) -> errors.NotAuthorised:
    return errors.NotAuthorised(
        words,
        code="NO_APPROVER_KEY",
        hint="Restore it from your own copy; a lost key is replaced by another approver's signature.",
    )


def _view(made: Own) -> Approver:
    return Approver(
        name=made.person.os_user,
        public_key=signatures.public_of(made.private),
        os_user=made.person.os_user,
        host=made.person.host,
        public_half=signatures.public_half(made.private, made.person),
    )
