"""Which wallets amani knows: added, made, renamed, removed, their keys rotated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from amani_cli import deletions, errors, files, identities, keys, locks, logins, models
from amani_cli.servers import server_of
from amani_cli.store import audit as audit_log
from amani_cli.store import faucet, holds, marks, new_id, references
from amani_cli.store import invoices as invoice_queries
from amani_cli.store import wallets as store_wallets
from amani_cli.text import is_secret
from amani_cli.wallets import (
    DOUBLE_SPENDING_VERSION,
    ENVIRONMENT,
    KnownWallet,
    key_place,
    known,
    lnbits_client,
    own_mark,
    registered,
    resolve,
    shared_wallet,
    told_version,
    unsafe_version,
)
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    pass


def store_key(source: str, admin_or_only: str, read: str | None) -> tuple[str, bool]:
    """Put a new wallet's keys where they shall live; returns the key source and whether a read key stands beside.

    `source` is `keyring` or `file:PATH`; nothing is ever written in the clear unless the user named the file.
    """
    if source.startswith("file:"):
        keys.write_key_file(Path(source[5:]), admin_or_only)
        return source, False
    slot = new_id("key")
    keys.keyring_set(f"{slot}:key", admin_or_only)
    if read is not None:
        keys.keyring_set(f"{slot}:read", read)
    return f"keyring:{slot}", read is not None


def add(
    ws: Workspace,
    name: str,
    url: str,
    key: keys.Key,
    *,
    key_source: str,
    read_only: bool = False,
    insecure_http: bool = False,
) -> models.Wallet:
    """Register a wallet by its key; the server is asked which kind of key it is.

    `key_source` is where the key lives from now on (`keyring` stores it there). Raises `errors.Usage` for a name or
    wallet that is known already, `errors.NotAuthorised` for a key that the server refuses.
    """
    from amani_cli.providers.addresses import is_loopback
    from amani_cli.providers.http import clean_url

    url = clean_url(url, insecure_http=insecure_http)
    elsewhere = store_wallets.by_name(ws.store, name) if ws.has_store else None
    if elsewhere is None or elsewhere["provider"] != "lnbits" or elsewhere["url"] == url:
        name, elsewhere = free_name(ws, name), None  # which needs nobody to be asked
    with lnbits_client(ws, url, key.value) as client:
        remote = client.wallet()
        # An invoice key is not told its wallet's id, but every record of the wallet bears it.
        remote_id = remote.id or client.wallet_id()
        if elsewhere is not None and remote_id is not None and remote_id == elsewhere["remote_id"]:
            identities.move(ws, known(ws, elsewhere), url, client)
            return resolve(ws, name).view()
        name = free_name(ws, name)
        if remote_id is not None:
            refuse_known(ws, remote_id, url)
            if ws.has_store:
                identities.meet(ws.store, client, remote_id, told_of=False)
        shared = client.is_shared(remote) if remote.can_spend else None
        if shared:
            raise shared_wallet(name)
        both = client.keys_by_admin_key(remote.name) if remote.can_spend and key_source == "keyring" else None
        version = told_version(client)
    spends = remote.can_spend and not read_only
    if version == DOUBLE_SPENDING_VERSION:
        ws.warn(unsafe_version(name))
    stored = (key_source, False)
    if key_source == "keyring":
        reads = both.read_key if both is not None else None
        stored = store_key("keyring", reads, None) if read_only and reads else store_key("keyring", key.value, reads)
    added = register(
        ws,
        name=name,
        url=url,
        remote_id=remote_id,
        access="spend" if spends else "read",
        key_source=stored[0],
        has_read_key=int(stored[1]),
        insecure_http=int(insecure_http),
        server_version=version,
        own=shared is False,
    )
    if not remote.can_spend:
        ws.note("This is an invoice key: the wallet can look and ask for money, but not pay.")
    if not is_loopback(url):
        ws.note(f"Whoever runs {url} holds this wallet's money: keep on it only what you would lose.")
    ws.note(f"Limits, PIN and journal are kept in {ws.paths.data}, not in the wallet on the server.")
    return added


def create(
    ws: Workspace, name: str, url: str | None, *, key_source: str = "keyring", reference: str | None = None
) -> models.Wallet:
    """Make a wallet on an LNbits and register it: as the logged-in user where there is a login, else nameless.

    Raises `errors.NotAuthorised` with "log in again" when the stored token is refused.
    """
    from amani_cli.providers.http import clean_url

    url = clean_url(url or ws.config.get("default_url"))
    if reference is not None:
        with ws.store.write() as db:
            target = references.claim(db, reference, f"wallet create {store_wallets.name_key(name)} {url}")
        if target is not None:
            row = store_wallets.by_id(ws.store, int(target))
            if row is not None:
                return known(ws, row).view()
    name = free_name(ws, name)
    login = store_wallets.login_for(ws.store, url)
    fake = login is not None and bool(login["sandbox"])
    if fake:
        key_source = "sandbox"
    elif key_source == "keyring":
        keys.keyring_keeps()  # a wallet whose keys can't be kept must not be made
    elif Path(key_source[5:]).exists():
        raise errors.Usage(f"{key_source[5:]} exists already", code="FILE_EXISTS", hint="Name a new file.")
    token = logins.token(ws, url)
    with ws.store.write() as db:  # what can't be written down must not be made either
        audit_log.append(db, "wallet create", wallet=name, subject=url, outcome="sending", actor=ws.actor)
    with lnbits_client(ws, url) as client:
        version = told_version(client)
        made = client.create_wallet(token, name) if token else client.create_account(name)
    if version == DOUBLE_SPENDING_VERSION:
        ws.warn(unsafe_version(name))
        if ws.has_store:
            identities.meet(ws.store, client, made.id, told_of=False)
    keys.SEEN.update((made.admin_key, made.read_key))
    if fake:
        file = ws.paths.sandbox / "keys.json"
        keys.add_sandbox_keys(file, name, made.id, made.admin_key, made.read_key)
        source, has_read_key = f"sandbox:{made.id}", True
    else:
        source, has_read_key = store_key(key_source, made.admin_key, made.read_key)
    view = register(
        ws,
        name=name,
        url=url,
        remote_id=made.id,
        access="spend",
        key_source=source,
        has_read_key=int(has_read_key),
        login=url if token else None,
        server_version=version,
        sandbox=int(fake),
        live=int(not fake),
        what="wallet create",
        reference=reference,
        own=True,
    )
    if fake:
        ws.note("Made on the sandbox: its sats are fake. Fund it with: amani sandbox fund NAME AMOUNT")
    elif token:
        ws.note(f"Made with your login on {url}: its keys can be rotated, and it can be deleted there.")
    else:
        ws.note(
            f"Made without a login on {url}: nobody can ever list it there, rotate its keys or delete it,"
            " and whoever loses the keys loses the money. For more, run 'amani login' first."
        )
    return view


def register_sandbox(
    ws: Workspace,
    url: str,
    wallets: list[tuple[str, str]],
    username: str,
    *,
    outside: list[tuple[str, str, str]] | None = None,
) -> None:
    """Make the sandbox's wallets (name, id) known, marked as fake; names that are taken get `sandbox-` before them.

    `outside` are those (name, id, url) of its second LNbits, to which there is no login.
    """
    from amani_cli.sandbox import LNBITS_VERSION

    everywhere = [*((name, remote_id, url) for name, remote_id in wallets), *(outside or [])]
    with ws.store.write() as db:
        for row in db.execute("SELECT * FROM wallet WHERE sandbox=1").fetchall():
            if row["remote_id"] not in [remote_id for _, remote_id, _ in everywhere]:
                holds.release(db, row["remote_id"])
                store_wallets.delete(db, row["id"])
        for name, remote_id, its_url in everywhere:
            row = db.execute("SELECT * FROM wallet WHERE sandbox=1 AND remote_id=?", (remote_id,)).fetchone()
            if row is not None:
                store_wallets.update(db, row["id"], url=its_url, server_version=LNBITS_VERSION)
                continue
            taken = db.execute("SELECT 1 FROM wallet WHERE name_key=?", (store_wallets.name_key(name),)).fetchone()
            own = f"sandbox-{name}" if taken else name
            store_wallets.insert(
                db,
                name=own,
                name_key=store_wallets.name_key(own),
                provider="lnbits",
                url=its_url,
                remote_id=remote_id,
                access="spend",
                key_source=f"sandbox:{remote_id}",
                has_read_key=1,
                server_version=LNBITS_VERSION,
                sandbox=1,
                live=0,
                login=url if its_url == url else None,
            )
        real = db.execute("SELECT 1 FROM wallet WHERE sandbox=0 LIMIT 1").fetchone()
        default = db.execute("SELECT 1 FROM wallet WHERE is_default=1").fetchone()
        first = db.execute("SELECT id FROM wallet WHERE sandbox=1 AND remote_id=?", (wallets[0][1],)).fetchone()
        if not real and not default and first:
            store_wallets.make_default(db, first["id"])
        for row in db.execute("SELECT url FROM login WHERE sandbox=1 AND url<>?", (url,)).fetchall():
            store_wallets.delete_login(db, row["url"])
        store_wallets.save_login(db, url, username, sandbox=True)


def forget_sandbox(ws: Workspace) -> None:
    """Forget the sandbox's wallets and login; the journal keeps what they did."""
    if not ws.has_store:
        return
    with ws.store.write() as db:
        holds.release_sandbox(db)
        db.execute("DELETE FROM wallet WHERE sandbox=1")
        db.execute("DELETE FROM login WHERE sandbox=1")


def register(
    ws: Workspace,
    *,
    name: str,
    provider: models.Provider = "lnbits",
    what: str = "wallet add",
    reference: str | None = None,
    own: bool = False,
    **columns: object,
) -> models.Wallet:
    """Enter a wallet into the database. The first real one becomes the default, never one with play money beside it.

    `own` says that it is surely its user's own, and not another's that is shared.
    """
    live = bool(columns.get("live", 1))
    try:
        with ws.store.write() as db:
            holds.spread(db)  # what is added now a copy did not know
            real = db.execute("SELECT 1 FROM wallet WHERE live=1 LIMIT 1").fetchone()
            others = db.execute("SELECT 1 FROM wallet LIMIT 1").fetchone()
            chosen = not columns.get("sandbox") and (not real if live else not others)
            wallet_id = store_wallets.insert(
                db, name=name, name_key=store_wallets.name_key(name), provider=provider, **columns
            )
            if chosen:
                store_wallets.make_default(db, wallet_id)
            if own:
                marks.make(db, own_mark(str(columns["remote_id"])), "")
            if reference is not None:
                references.point(db, reference, str(wallet_id))
            audit_log.append(db, what, wallet=name, subject=str(columns["url"]), outcome="done", actor=ws.actor)
    except errors.Bug as error:  # the other of two at once was first
        raise errors.Usage(f"wallet '{name}' exists already", code="NAME_TAKEN") from error
    if chosen:
        ws.note(f"'{name}' is now the default wallet; 'amani wallet use NAME' changes that.")
    row = store_wallets.by_id(ws.store, wallet_id)
    assert row is not None
    if holds.of_wallet(ws.store, row["remote_id"]) is not None:
        ws.note(
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


def refuse_known(ws: Workspace, remote_id: str, url: str) -> None:
    """Refuse a wallet that is registered already, under whatever name and address."""
    row = store_wallets.by_remote(ws.store, remote_id) if ws.has_store else None
    if row is not None and row["provider"] == "lnbits" and server_of(row["url"]) != server_of(url):
        raise errors.Usage(
            f"a wallet of this id is known already, as '{row['name']}' at {row['url']}",
            code="WALLET_KNOWN",
            hint=f"If its server has moved to {url}, say so by its name: amani wallet add '{row['name']}' --url {url}."
            " If not, one of the two servers lies.",
        )
    if row is not None:
        raise errors.Usage(
            f"this wallet is known already, as '{row['name']}'",
            code="WALLET_KNOWN",
            hint=f"Use it, or rename it: amani wallet rename '{row['name']}' NEW",
        )


def use(ws: Workspace, name: str) -> models.Wallet:
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


def rename(ws: Workspace, name: str, new: str) -> models.Wallet:
    """Give a wallet another local name; the server's name for it stays."""
    wallet = resolve(ws, name)
    if wallet.in_environment:
        raise errors.Usage(f"the wallet in the environment is always called '{wallet.name}'", code="ENV_WALLET")
    same = store_wallets.name_key(new) == store_wallets.name_key(wallet.name)
    new = new.strip() if same else free_name(ws, new)
    with ws.store.write() as db:
        store_wallets.update(db, wallet.id, name=new, name_key=store_wallets.name_key(new))
        for table in ("payment", "invoice"):
            db.execute(f"UPDATE {table} SET wallet=? WHERE wallet_id=?", (new, wallet.id))  # noqa: S608 (one of two tables)
        audit_log.append(db, "wallet rename", wallet=new, subject=wallet.name, outcome="done", actor=ws.actor)
    return resolve(ws, new).view()


def remove(ws: Workspace, name: str, *, delete_remote: bool, confirm: Callable[[str], None]) -> models.Removed:
    """Forget a wallet and its stored keys; with `delete_remote` delete it at the server, once it is proven empty.

    `confirm` is asked with what will be lost. Raises `errors.RefusedByPolicy` while outcomes are open, or for a
    remote wallet that holds anything.
    """
    wallet = resolve(ws, name)
    if wallet.in_environment:
        raise errors.Usage(
            f"'{wallet.name}' lives in the environment: unset {ENVIRONMENT[wallet.provider].key} to remove it",
            code="ENV_WALLET",
        )
    waiting = ws.store.all("SELECT id FROM payment WHERE wallet_id=? AND status='unknown'", wallet.id)
    waiting += [row for row in invoice_queries.shown_to_a_payer(ws.store) if row["wallet_id"] == wallet.id]
    if waiting:
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has {len(waiting)} open outcome(s); without its key they could never be settled",
            code="OPEN_OUTCOMES",
            hint="Run: amani reconcile",
        )
    if faucet.is_from(ws.store, wallet.id):
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' is the faucet",
            code="IS_FAUCET",
            hint="Make another wallet the faucet first: amani faucet configure --wallet W",
        )
    outstanding = ws.store.all(
        "SELECT id FROM cheque WHERE wallet_id=? AND status IN ('funding', 'open', 'voiding', 'unknown')", wallet.id
    )
    if outstanding:
        raise errors.RefusedByPolicy(
            f"{len(outstanding)} cheque(s) of wallet '{wallet.name}' are outstanding; their money comes back to it",
            code="CHEQUES_OUTSTANDING",
            hint="Void them first: amani cheque list",
        )
    if delete_remote:
        wallet.must_be("lnbits")
        deletions.delete(ws, wallet, confirm)
    else:
        key = "Admin key" if wallet.provider == "lnbits" else "key"
        confirm(
            f"amani forgets wallet '{wallet.name}' and its stored keys. The wallet and its money stay on {wallet.url},"
            f" but without another copy of the {key} nobody reaches them."
        )
    place, _, slot = wallet.key_source.partition(":")
    if place == "keyring":
        keys.keyring_delete(f"{slot}:key")
        if wallet.has_read_key:
            keys.keyring_delete(f"{slot}:read")
    with ws.store.write() as db:
        holds.spread(db)  # it is held under its id, whoever adds it again
        if delete_remote:
            holds.release(db, wallet.remote_id)  # it is gone, and nothing can be spent from it
        store_wallets.delete(db, wallet.id)
        audit_log.append(db, "wallet remove", wallet=wallet.name, subject=wallet.url, outcome="done", actor=ws.actor)
    return models.Removed(wallet.name, keys_deleted=place == "keyring", remote_deleted=delete_remote)


def rotate_keys(ws: Workspace, name: str | None, confirm: Callable[[str], None]) -> models.Wallet:
    """Have the server make two new keys and store them; the old ones are dead at once.

    Needs a login. If amani dies before the new keys are stored, running this again makes and stores newer ones. In the
    keyring they get a slot of their own, whose name says since when, and are relied on once both are there. One at a
    time per wallet, or each would make the other's keys dead and the last to store them keep dead ones: raises
    `errors.Locked` for the second.
    """
    with locks.held(ws, f"keys-{resolve(ws, name).id}", "this wallet's keys"):
        # Read anew: whoever had the lock before may have put the keys into another place.
        return _rotate(ws, resolve(ws, name), confirm)


def _rotate(ws: Workspace, wallet: KnownWallet, confirm: Callable[[str], None]) -> models.Wallet:
    wallet.must_be("lnbits")
    place, _, where = wallet.key_source.partition(":")
    if place not in ("keyring", "file", "sandbox"):
        raise errors.RefusedByPolicy(
            f"amani can't write to where this wallet's key lives ({key_place(wallet.key_source)})",
            code="KEY_SOURCE_READ_ONLY",
            hint="Rotate it in LNbits, then put the new key there yourself.",
        )
    token = logins.token(ws, wallet.url)
    if token is None or wallet.remote_id is None:
        raise errors.NotAuthorised(
            f"only its user can rotate a wallet's keys on {wallet.url}",
            code="LOGIN_NEEDED",
            hint=f"Run: amani login {wallet.url}",
        )
    if place == "file":
        files.check_writable(Path(where))  # once rotated, new keys that can't be stored are lost
    confirm(f"The keys of wallet '{wallet.name}' die at once; whatever else uses them stops working.")
    with ws.store.write() as db:
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="begun", actor=ws.actor)
    with lnbits_client(ws, wallet.url) as client:
        fresh = client.rotate_keys(token, wallet.remote_id)
    keys.SEEN.update((fresh.admin_key, fresh.read_key))
    reads = wallet.access == "read"
    if place == "keyring":
        other = None if reads else fresh.read_key
        wallet.key_source, wallet.has_read_key = store_key(
            "keyring", fresh.read_key if reads else fresh.admin_key, other
        )
    elif place == "file":
        keys.write_key_file(Path(where), fresh.read_key if reads else fresh.admin_key, replace=True)
    else:
        keys.replace_sandbox_keys(ws.paths.sandbox / "keys.json", where, fresh.admin_key, fresh.read_key)
    with ws.store.write() as db:
        columns = {"key_source": wallet.key_source, "has_read_key": int(wallet.has_read_key)}
        store_wallets.update(db, wallet.id, **columns)
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="done", actor=ws.actor)
    if place == "keyring":
        for kind in ("key", "read"):
            keys.keyring_delete(f"{where}:{kind}")
    return wallet.view()
