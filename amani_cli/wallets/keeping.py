"""A wallet's entry: its name, its place as the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors, keys
from amani_cli.models.wallets import Access, Provider, Wallet
from amani_cli.servers import server_of
from amani_cli.store import audit as audit_log
from amani_cli.store import holds, marks, references
from amani_cli.store import wallets as store_wallets
from amani_cli.store.rows import WalletRow
from amani_cli.text import is_secret
from amani_cli.wallets.finding import registered, resolve
from amani_cli.wallets.known import known
from amani_cli.wallets.servers import own_mark
from amani_cli.wallets.variables import ENVIRONMENT
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from typing import Unpack

    from amani_cli.store.new_rows import WalletChanges, WalletPlace


def register(
    ws: Workspace,
    *,
    name: str,
    provider: Provider = "lnbits",
    what: str = "wallet add",
    reference: str | None = None,
    own: bool = False,
    **columns: Unpack[WalletPlace],
) -> Wallet:
    """Enter a wallet into the database. The first real one becomes the default, never one with play money beside it.

    `own` says that it is surely its user's own, and not another's that is shared.
    """
    live = bool(columns.get("live", 1))
    try:
        with ws.store.write() as db:
            holds.spread(db)  # what is added now a copy did not know
            chosen = not columns.get("sandbox") and store_wallets.is_first(db, live=live)
            wallet_id = store_wallets.insert(
                db, name=name, name_key=store_wallets.name_key(name), provider=provider, **columns
            )
            if chosen:
                store_wallets.make_default(db, wallet_id)
            if own:
                marks.make(db, own_mark(str(columns["remote_id"])), "")
            if reference is not None:
                references.point(db, reference, str(wallet_id))
            audit_log.append(db, what, wallet=name, subject=columns["url"], outcome="done", actor=ws.said.actor)
    except errors.Duplicate as error:  # the other of two at once was first
        raise errors.Usage(f"wallet '{name}' exists already", code="NAME_TAKEN") from error
    if chosen:
        ws.talk.note(f"'{name}' is now the default wallet; 'amani wallet use NAME' changes that.")
    row = store_wallets.by_id(ws.store, wallet_id)
    assert row is not None
    if holds.of_wallet(ws.store, row.remote_id) is not None:
        ws.talk.note(
            "It was known when this copy of the journal was made: nothing is spent from it before 'amani reconcile'."
        )
    return known(ws, row).view()


def free_name(ws: Workspace, name: str) -> str:
    """A name, trimmed, that a new wallet can have. Raises `errors.Usage`."""
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise errors.Usage("a wallet's name is 1 to 80 printable characters", code="BAD_NAME")
    if is_secret(name):
        raise errors.Usage(
            "that looks like a key, not a name; a key never goes on the command line",
            code="KEY_IN_ARGUMENT",
            hint="Give it at the prompt, by --key-stdin or by --key-file. This one is in your shell's history now.",
        )
    if store_wallets.name_key(name) in [about.name for about in ENVIRONMENT.values()]:
        raise errors.Usage(f"'{name}' is the wallet in the environment; choose another name", code="BAD_NAME")
    if ws.has_store and store_wallets.by_name(ws.store, name) is not None:
        raise errors.Usage(
            f"there is a wallet '{name}' already",
            code="NAME_TAKEN",
            hint="Choose another name, or 'amani wallet rename' the other one.",
        )
    return name


def kept_in(ws: Workspace) -> str:
    """Where limits, PIN and journal are, in words: they hold there, and nowhere else."""
    return f"the ledger at {ws.store.where}" if ws.is_shared else str(ws.paths.data)


def lacks_key(ws: Workspace, row: WalletRow) -> bool:
    """Whether a wallet of a ledger that several machines share has no key on this one, or its file is gone."""
    wallet = known(ws, row)
    return not wallet.has_key_here or wallet.key_source.is_gone


def without_key_here(
    ws: Workspace, remote_id: str | None, url: str, named: WalletRow | None = None
) -> WalletRow | None:
    """The wallet of this id at this server, where the ledger knows it and this machine has no key for it.

    `named` is the one that was meant. Raises `errors.NotAuthorised` (WRONG_KEY) where the key is another's.
    """
    if named is not None and named.remote_id not in (None, remote_id):
        raise errors.NotAuthorised(
            f"that is not the key of '{named.name}', but another wallet's",
            code="WRONG_KEY",
            hint="Give this wallet a name that is free, or the key of the one that has it.",
        )
    row = store_wallets.by_remote(ws.store, remote_id) if ws.has_store and remote_id is not None else None
    if row is None or server_of(row.url) != server_of(url) or not lacks_key(ws, row):
        return None
    return row


def add_key(ws: Workspace, row: WalletRow, stored: tuple[keys.KeySource, bool], access: Access, name: str) -> Wallet:
    """Give this machine a key to a wallet that others of the ledger pay from, or say where the one it had is now.

    `name` is what it was called here.
    """
    own = store_wallets.own_keys(ws.store)
    about: WalletChanges = {"key_source": stored[0], "has_read_key": int(stored[1]), "access": access}
    if own is not None:
        own.keep(row.id, **about, server=server_of(row.url))
    with ws.store.write() as db:
        if own is None:  # the ledger was on a server, and is this machine's alone now
            store_wallets.update(db, row.id, **about)
        audit_log.append(db, "wallet key", wallet=row.name, subject=row.url, outcome="added", actor=ws.said.actor)
    ws.talk.note("The ledger knows this wallet: this machine has a key for it now, and its rules hold here too.")
    if store_wallets.name_key(name) != row.name_key:
        ws.talk.note(f"It is called '{row.name}' on every machine of this ledger.")
    return known(ws, row).view()


def refuse_known(ws: Workspace, remote_id: str, url: str) -> None:
    """Refuse a wallet that is registered already, under whatever name and address."""
    row = store_wallets.by_remote(ws.store, remote_id) if ws.has_store else None
    if row is not None and row.provider == "lnbits" and server_of(row.url) != server_of(url):
        raise errors.Usage(
            f"a wallet of this id is known already, as '{row.name}' at {row.url}",
            code="WALLET_KNOWN",
            hint=f"One of the two servers lies, unless the wallet's has moved to {url}. If so, say it by its name:"
            f" amani wallet add '{row.name}' --url {url}",
        )
    if row is not None:
        raise errors.Usage(
            f"this wallet is known already, as '{row.name}'",
            code="WALLET_KNOWN",
            hint=f"Use it, or rename it: amani wallet rename '{row.name}' NEW",
        )


def use(ws: Workspace, name: str) -> Wallet:
    """Make a wallet the default."""
    wallet = resolve(ws, name)
    if wallet.in_environment:
        raise errors.Usage("the wallet in the environment is used when no other is registered", code="ENV_WALLET")
    if not wallet.live and any(each.live for each in registered(ws)):
        raise errors.Usage(
            "a sandbox wallet can't be the default beside a real one: fake and real money would be confused",
            code="SANDBOX_DEFAULT",
            hint=f"Say --wallet '{wallet.name}' each time, or set AMANI_WALLET for this shell.",
        )
    with ws.store.write() as db:
        store_wallets.make_default(db, wallet.id)
    return resolve(ws, name).view()


def rename(ws: Workspace, name: str, new: str) -> Wallet:
    """Give a wallet another local name; the server's name for it stays."""
    wallet = resolve(ws, name)
    if wallet.in_environment:
        raise errors.Usage(f"the wallet in the environment is always called '{wallet.name}'", code="ENV_WALLET")
    same = store_wallets.name_key(new) == store_wallets.name_key(wallet.name)
    new = new.strip() if same else free_name(ws, new)
    with ws.store.write() as db:
        store_wallets.rename(db, wallet.id, new)
        audit_log.append(db, "wallet rename", wallet=new, subject=wallet.name, outcome="done", actor=ws.said.actor)
    return resolve(ws, new).view()
