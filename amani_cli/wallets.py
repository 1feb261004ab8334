"""The wallets that amani knows: which one is meant, where its keys are, what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from amani_cli import errors, keys, models
from amani_cli.models import Access
from amani_cli.store import Row, Transaction, new_id, now
from amani_cli.store import audit as audit_log
from amani_cli.store import wallets as store_wallets
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    from amani_cli.providers.lnbits import Lnbits

ENV = "env"
KeyKind = Literal["read", "admin"]

GET_A_KEY = (
    "Four steps: (1) choose an LNbits, (2) make a wallet there, (3) open its 'API keys' and copy the Admin key"
    " (not the Invoice key), (4) run: amani wallet add NAME --url URL. Or set LNBITS_API_KEY and LNBITS_BASE_URL."
)


@dataclass
class KnownWallet:
    """A wallet as amani keeps it. `id` is local (0 for the one in the environment), `remote_id` the server's."""

    ws: Workspace
    id: int
    name: str
    provider: models.Provider
    url: str
    remote_id: str | None
    access: Access
    key_source: str
    has_read_key: bool
    sandbox: bool
    live: bool
    default: bool
    server_version: str | None
    login: str | None
    insecure_http: bool
    created_at: str | None

    def key(self, kind: KeyKind) -> keys.Key:
        """The key for reading or for spending; a read never loads the paying key where the other is at hand.

        Raises `errors.NotAuthorised` when there is none, or when the wallet is read-only and `kind` is admin.
        """
        if kind == "admin" and self.access == "read":
            raise errors.NotAuthorised(
                f"wallet '{self.name}' is read-only: amani holds its invoice key, which can't pay",
                code="READ_ONLY_WALLET",
                hint=f"Add the wallet with its Admin key: amani wallet add NAME --url {self.url}",
            )
        environ = self.ws.environ
        if self.id != 0 and environ.get("AMANI_KEY_FILE"):
            return keys.from_file(Path(environ["AMANI_KEY_FILE"]).expanduser())
        if self.id != 0 and environ.get("AMANI_KEY_COMMAND"):
            return keys.from_command(environ["AMANI_KEY_COMMAND"], environ)
        place, _, where = self.key_source.partition(":")
        if place == "keyring":
            return self._from_keyring(where, kind)
        if place == "file":
            return keys.from_file(Path(where))
        if place == "command":
            return keys.from_command(where, environ)
        if place == "credential":
            return keys.from_credential(where, environ)
        if place == "sandbox":
            found = keys.sandbox_keys(self.ws.paths.sandbox / "keys.json", where)
            return keys.Key(found["adminkey" if kind == "admin" else "inkey"], "the sandbox's own file")
        found_variable = self.ws.config.variable("LNBITS_API_KEY")
        if found_variable is None:
            raise _not_configured()
        return keys.Key(keys.clean(found_variable[0], "LNBITS_API_KEY"), found_variable[1])

    def _from_keyring(self, slot: str, kind: KeyKind) -> keys.Key:
        name = f"{slot}:{'read' if kind == 'read' and self.has_read_key else 'key'}"
        value = keys.keyring_get(name)
        if value is None:
            raise errors.NotAuthorised(
                f"the keyring holds no key for wallet '{self.name}'",
                code="NO_KEY",
                hint=f"Remove and add it again, or for one run set AMANI_KEY_FILE. {keys.OTHER_WAYS}",
            )
        return keys.Key(value, "keyring")

    def lnbits(self, kind: KeyKind) -> Lnbits:
        """A client of this wallet's LNbits with the key for reading or spending. Close it."""
        if self.provider != "lnbits":
            raise errors.Usage(f"wallet '{self.name}' is not an LNbits wallet", code="WRONG_PROVIDER")
        key = self.key(kind)
        return lnbits_client(self.ws, self.url, key.value)

    def spending_id(self, client: Lnbits) -> str:
        """The wallet's id at its server, which says which records are its own; asked for if it is not known yet."""
        if self.remote_id is None:
            remote = client.wallet()
            if remote.id is None:
                raise errors.NotAuthorised(
                    f"this is the invoice key of wallet '{remote.name}'; paying needs the Admin key",
                    code="INVOICE_KEY",
                    hint="In LNbits open the wallet, then 'API keys', and take the Admin key, not the Invoice key.",
                )
            self.remote_id = remote.id
        return self.remote_id

    def view(self) -> models.Wallet:
        """The wallet as it is shown: never a key."""
        return models.Wallet(
            name=self.name,
            provider=self.provider,
            url=self.url,
            access=self.access,
            default=self.default,
            id=self.remote_id,
            key_source=_source_words(self.key_source),
            sandbox=self.sandbox,
            live=self.live,
            login=self.id != 0 and store_wallets.login_for(self.ws.store, self.url) is not None,
            server_version=self.server_version,
            created_at=self.created_at,
        )


def lnbits_client(ws: Workspace, url: str, key: str | None = None) -> Lnbits:
    """A client for an LNbits, with a key or none, within this command's time."""
    from amani_cli.providers.http import Line
    from amani_cli.providers.lnbits import Lnbits

    return Lnbits(Line(url, deadline=ws.deadline, timeout=ws.timeout), key)


def _known(ws: Workspace, row: Row) -> KnownWallet:
    return KnownWallet(
        ws=ws,
        id=row["id"],
        name=row["name"],
        provider=row["provider"],
        url=row["url"],
        remote_id=row["remote_id"],
        access=row["access"],
        key_source=row["key_source"],
        has_read_key=bool(row["has_read_key"]),
        sandbox=bool(row["sandbox"]),
        live=bool(row["live"]),
        default=bool(row["is_default"]),
        server_version=row["server_version"],
        login=row["login"],
        insecure_http=bool(row["insecure_http"]),
        created_at=row["created_at"],
    )


def _from_environment(ws: Workspace) -> KnownWallet | None:
    """The wallet `env`: LNBITS_API_KEY, and the address that stands in the same place.

    An address from a `.env` is never used for a key from elsewhere: a hostile folder must not redirect it.
    """
    found = ws.config.variable("LNBITS_API_KEY")
    if found is None:
        return None
    if found[1] == "environment":
        url = ws.environ.get("LNBITS_BASE_URL") or ws.config.get("default_url")
        if ws.config.dotenv().get("LNBITS_BASE_URL") and not ws.environ.get("LNBITS_BASE_URL"):
            ws.warn("LNBITS_BASE_URL in .env was not used: the key comes from the environment, not from that file")
    else:
        url = ws.config.dotenv().get("LNBITS_BASE_URL") or ws.environ.get("LNBITS_BASE_URL")
        url = url or ws.config.get("default_url")
    from amani_cli.providers.http import clean_url

    return KnownWallet(
        ws=ws,
        id=0,
        name=ENV,
        provider="lnbits",
        url=clean_url(url),
        remote_id=None,
        access="spend",
        key_source=ENV,
        has_read_key=False,
        sandbox=False,
        live=True,
        default=False,
        server_version=None,
        login=None,
        insecure_http=False,
        created_at=None,
    )


def registered(ws: Workspace) -> list[KnownWallet]:
    """Every wallet that was added or made, the default first; makes no database."""
    if not ws.has_store:
        return []
    return [_known(ws, row) for row in store_wallets.all_wallets(ws.store)]


def everything(ws: Workspace) -> list[KnownWallet]:
    """The registered wallets, or the one in the environment when no real one is registered."""
    wallets = registered(ws)
    if all(wallet.sandbox for wallet in wallets):
        env = _from_environment(ws)
        if env is not None:
            return [*wallets, env]
    return wallets


def resolve(ws: Workspace, name: str | None) -> KnownWallet:
    """The wallet that is meant: by name, AMANI_WALLET, the default, or the only one there is.

    Raises `errors.NotFound` for an unknown name, `errors.NotAuthorised` when there is none at all, and
    `errors.Usage` with the list when it is not clear.
    """
    name = name or ws.environ.get("AMANI_WALLET") or None
    if name is not None:
        if ws.has_store:
            row = store_wallets.by_name(ws.store, name)
            if row is not None:
                return _known(ws, row)
        env = _from_environment(ws) if name.strip().lower() == ENV else None
        if env is not None:
            return env
        known = ", ".join(wallet.name for wallet in everything(ws)) or "none yet"
        raise errors.NotFound(f"no wallet '{name[:80]}'", code="NO_SUCH_WALLET", hint=f"Wallets: {known}.")
    if ws.config.variable("LNBITS_API_KEY") and ws.config.variable("FINCRA_API_KEY") and not registered(ws):
        raise errors.Usage(
            "both LNBITS_API_KEY and FINCRA_API_KEY are set: which wallet is meant?",
            code="AMBIGUOUS_WALLET",
            hint="Say --wallet env (Lightning) or --wallet fincra-env.",
        )
    wallets = everything(ws)
    if not wallets:
        raise _not_configured()
    chosen = [wallet for wallet in wallets if wallet.default and not any(each.id == 0 for each in wallets)]
    if chosen:
        return chosen[0]
    if len(wallets) == 1:
        return wallets[0]
    names = ", ".join(wallet.name for wallet in wallets)
    raise errors.Usage(
        "which wallet? There is more than one and no default",
        code="AMBIGUOUS_WALLET",
        hint=f"Say --wallet NAME, or choose one with 'amani wallet use NAME'. Wallets: {names}.",
    )


def _not_configured() -> errors.AmaniError:
    return errors.NotAuthorised("LNbits API key not configured", code="NO_KEY", hint=GET_A_KEY)


# -- adding and making -------------------------------------------------------------------------------------


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
    from amani_cli.providers.http import clean_url, is_loopback
    from amani_cli.providers.lnbits import DOUBLE_SPENDING_VERSION

    url = clean_url(url, insecure_http=insecure_http)
    name = _free_name(ws, name)
    with lnbits_client(ws, url, key.value) as client:
        remote = client.wallet()
        if remote.id is not None:
            _refuse_known(ws, url, remote.id)
        both = client.keys_by_admin_key(remote.name) if remote.can_spend and key_source == "keyring" else None
        try:
            version = client.version()
        except errors.Unreachable:
            version = None
    spends = remote.can_spend and not read_only
    if version == DOUBLE_SPENDING_VERSION:
        ws.warn(_unsafe_version(name))
    if key_source == "keyring":
        if read_only and both is not None:
            stored = store_key("keyring", both.read_key, None)
        else:
            stored = store_key("keyring", key.value, both.read_key if both else None)
    else:
        stored = (key_source, False)
    known = _register(
        ws,
        name=name,
        url=url,
        remote_id=remote.id,
        access="spend" if spends else "read",
        key_source=stored[0],
        has_read_key=int(stored[1]),
        insecure_http=int(insecure_http),
        server_version=version,
    )
    if not remote.can_spend:
        ws.note("This is an invoice key: the wallet can look and ask for money, but not pay.")
    if not is_loopback(url):
        ws.note(f"Whoever runs {url} holds this wallet's money: keep on it only what you would lose.")
    ws.note(f"Limits, PIN and journal are kept in {ws.paths.data}, not in the wallet on the server.")
    return known


def create(
    ws: Workspace, name: str, url: str | None, *, key_source: str = "keyring", reference: str | None = None
) -> models.Wallet:
    """Make a wallet on an LNbits and register it: as the logged-in user where there is a login, else nameless.

    Raises `errors.NotAuthorised` with "log in again" when the stored token is refused.
    """
    from amani_cli import logins
    from amani_cli.providers.http import clean_url
    from amani_cli.store import references

    url = clean_url(url or ws.config.get("default_url"))
    if reference is not None:
        with ws.store.write() as db:
            target = references.claim(db, reference, f"wallet create {store_wallets.name_key(name)} {url}")
        if target is not None:
            row = store_wallets.by_id(ws.store, int(target))
            if row is not None:
                return _known(ws, row).view()
    name = _free_name(ws, name)
    login = store_wallets.login_for(ws.store, url)
    fake = login is not None and bool(login["sandbox"])
    if fake:
        key_source = "sandbox"
    elif key_source == "keyring":
        keys.keyring_name()  # a wallet whose keys can't be kept must not be made
    elif Path(key_source[5:]).exists():
        raise errors.Usage(f"{key_source[5:]} exists already", code="FILE_EXISTS", hint="Name a new file.")
    token = logins.token(ws, url)
    with lnbits_client(ws, url) as client:
        made = client.create_wallet(token, name) if token else client.create_account(name)
    keys.SEEN.update((made.admin_key, made.read_key))
    if fake:
        file = ws.paths.sandbox / "keys.json"
        keys.add_sandbox_keys(file, name, made.id, made.admin_key, made.read_key)
        source, has_read_key = f"sandbox:{made.id}", True
    else:
        source, has_read_key = store_key(key_source, made.admin_key, made.read_key)
    view = _register(
        ws,
        name=name,
        url=url,
        remote_id=made.id,
        access="spend",
        key_source=source,
        has_read_key=int(has_read_key),
        login=url if token else None,
        sandbox=int(fake),
        live=int(not fake),
        what="wallet create",
        reference=reference,
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


def register_sandbox(ws: Workspace, url: str, wallets: list[tuple[str, str]], username: str) -> None:
    """Make the sandbox's wallets (name, id) known, marked as fake; names that are taken get `sandbox-` before them."""
    with ws.store.write() as db:
        for row in db.execute("SELECT * FROM wallet WHERE sandbox=1").fetchall():
            if row["remote_id"] not in [remote_id for _, remote_id in wallets]:
                store_wallets.delete(db, row["id"])
        for name, remote_id in wallets:
            row = db.execute("SELECT * FROM wallet WHERE sandbox=1 AND remote_id=?", (remote_id,)).fetchone()
            if row is not None:
                store_wallets.update(db, row["id"], url=url)
                continue
            taken = db.execute("SELECT 1 FROM wallet WHERE name_key=?", (store_wallets.name_key(name),)).fetchone()
            own = f"sandbox-{name}" if taken else name
            store_wallets.insert(
                db,
                name=own,
                name_key=store_wallets.name_key(own),
                provider="lnbits",
                url=url,
                remote_id=remote_id,
                access="spend",
                key_source=f"sandbox:{remote_id}",
                has_read_key=1,
                sandbox=1,
                live=0,
                login=url,
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
        db.execute("DELETE FROM wallet WHERE sandbox=1")
        db.execute("DELETE FROM login WHERE sandbox=1")


def _register(
    ws: Workspace, *, name: str, what: str = "wallet add", reference: str | None = None, **columns: object
) -> models.Wallet:
    from amani_cli.store import references

    try:
        with ws.store.write() as db:
            real = db.execute("SELECT 1 FROM wallet WHERE sandbox=0 LIMIT 1").fetchone()
            wallet_id = store_wallets.insert(
                db, name=name, name_key=store_wallets.name_key(name), provider="lnbits", **columns
            )
            if not real and not columns.get("sandbox"):
                store_wallets.make_default(db, wallet_id)
            if reference is not None:
                references.point(db, reference, str(wallet_id))
            audit_log.append(db, what, wallet=name, subject=str(columns["url"]), outcome="done", actor=ws.actor)
    except errors.Bug as error:  # the other of two at once was first
        raise errors.Usage(f"wallet '{name}' exists already", code="NAME_TAKEN") from error
    if not real and not columns.get("sandbox"):
        ws.note(f"'{name}' is now the default wallet; 'amani wallet use NAME' changes that.")
    row = store_wallets.by_id(ws.store, wallet_id)
    assert row is not None
    return _known(ws, row).view()


def _free_name(ws: Workspace, name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise errors.Usage("a wallet's name is 1 to 80 printable characters", code="BAD_NAME")
    if len(name) == 32 and all(c in "0123456789abcdefABCDEF" for c in name):
        raise errors.Usage(
            "that looks like a key, not a name; a key never goes on the command line",
            code="KEY_IN_ARGUMENT",
            hint="Give it at the prompt, by --key-stdin or by --key-file. This one is in your shell's history now.",
        )
    if store_wallets.name_key(name) == ENV:
        raise errors.Usage("'env' is the wallet in the environment; choose another name", code="BAD_NAME")
    if ws.has_store and store_wallets.by_name(ws.store, name) is not None:
        raise errors.Usage(
            f"there is a wallet '{name}' already",
            code="NAME_TAKEN",
            hint="Choose another name, or 'amani wallet rename' the other one.",
        )
    return name


def _refuse_known(ws: Workspace, url: str, remote_id: str) -> None:
    row = store_wallets.by_remote(ws.store, url, remote_id) if ws.has_store else None
    if row is not None:
        raise errors.Usage(
            f"this wallet is known already, as '{row['name']}'",
            code="WALLET_KNOWN",
            hint=f"Use it, or rename it: amani wallet rename '{row['name']}' NEW",
        )


def _unsafe_version(name: str) -> str:
    return (
        f"the LNbits of wallet '{name}' is version 1.0.0, which can spend a balance twice when payments overlap:"
        " have it upgraded, and pay one thing at a time until then"
    )


def warn_of_version(wallet: KnownWallet) -> None:
    """Say so, before anything is paid, when the wallet's server is known to double-spend."""
    if wallet.server_version == "1.0.0":
        wallet.ws.warn(_unsafe_version(wallet.name))


def _source_words(source: str) -> str:
    place, _, where = source.partition(":")
    words = {"keyring": "keyring", "sandbox": "the sandbox's own file", "env": "environment"}
    return words.get(place, f"{place} {where}")


# -- looking -------------------------------------------------------------------------------------


def balance(ws: Workspace, wallet: KnownWallet, max_age_s: int = 0) -> models.Balance:
    """What the wallet holds: asked live, or from the cache when that is younger than `max_age_s` seconds."""
    cached = _cached_balance(ws, wallet, max_age_s)
    if cached is not None:
        return cached
    with wallet.lnbits("read") as client:
        balance_msat = client.wallet().balance_msat
    return _balance_seen(ws, wallet, balance_msat)


def balances(
    ws: Workspace, wallets: list[KnownWallet], max_age_s: int = 0
) -> tuple[models.Balances, list[errors.AmaniError]]:
    """Several wallets' balances, asked at the same time; what could not be asked comes back as errors."""
    import threading

    found: dict[int, models.Balance | errors.AmaniError] = {}
    clients: list[tuple[int, KnownWallet, Lnbits]] = []
    for index, wallet in enumerate(wallets):
        cached = _cached_balance(ws, wallet, max_age_s)
        if cached is not None:
            found[index] = cached
            continue
        try:
            clients.append((index, wallet, wallet.lnbits("read")))
        except errors.AmaniError as error:
            found[index] = error
    seen: dict[int, int | errors.AmaniError] = {}

    def ask(index: int, client: Lnbits) -> None:
        try:
            with client:
                seen[index] = client.wallet().balance_msat
        except errors.AmaniError as error:
            seen[index] = error

    threads = [threading.Thread(target=ask, args=(index, client)) for index, _, client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, wallet, _ in clients:
        result = seen.get(index, errors.Bug(f"no answer about '{wallet.name}'"))
        found[index] = result if isinstance(result, errors.AmaniError) else _balance_seen(ws, wallet, result)
    items = [found[index] for index in range(len(wallets))]
    good = [item for item in items if isinstance(item, models.Balance)]
    failed = []
    for wallet, item in zip(wallets, items, strict=True):
        if isinstance(item, errors.AmaniError):
            item.message = f"wallet '{wallet.name}': {item.message}"
            failed.append(item)
    total = sum(item.balance_msat or 0 for item in good if not item.sandbox)
    fake = sum(item.balance_msat or 0 for item in good if item.sandbox)
    return models.Balances(good, total, fake), failed


def _cached_balance(ws: Workspace, wallet: KnownWallet, max_age_s: int) -> models.Balance | None:
    if max_age_s <= 0 or wallet.id == 0:
        return None
    row = store_wallets.by_id(ws.store, wallet.id)
    if row is None or row["balance"] is None:
        return None
    age = from_rfc3339(now()) - from_rfc3339(row["balance_at"])
    if not 0 <= age.total_seconds() <= max_age_s:
        return None
    return models.Balance(
        wallet.name, wallet.provider, row["balance_at"], True, int(row["balance"]), sandbox=wallet.sandbox
    )


def _balance_seen(ws: Workspace, wallet: KnownWallet, balance_msat: int) -> models.Balance:
    as_of = now()
    if wallet.id != 0:
        with ws.store.write() as db:
            store_wallets.update(db, wallet.id, balance=str(balance_msat), balance_at=as_of)
    return models.Balance(wallet.name, wallet.provider, as_of, False, balance_msat, sandbox=wallet.sandbox)


def clear_cached_balance(db: Transaction, wallet_id: int) -> None:
    """Forget a cached balance, in the transaction that journals what changes it."""
    db.execute("UPDATE wallet SET balance=NULL, balance_at=NULL WHERE id=?", (wallet_id,))


# -- changing -------------------------------------------------------------------------------------


def use(ws: Workspace, name: str) -> models.Wallet:
    """Make a wallet the default."""
    wallet = resolve(ws, name)
    if wallet.id == 0:
        raise errors.Usage("the wallet in the environment is used when no other is registered", code="ENV_WALLET")
    if wallet.sandbox and any(not each.sandbox for each in registered(ws)):
        raise errors.Usage(
            "a sandbox wallet can't be the default beside a real one: fake and real sats would be confused",
            code="SANDBOX_DEFAULT",
            hint=f"Say --wallet '{wallet.name}' each time, or set AMANI_WALLET for this shell.",
        )
    with ws.store.write() as db:
        store_wallets.make_default(db, wallet.id)
    return resolve(ws, name).view()


def rename(ws: Workspace, name: str, new: str) -> models.Wallet:
    """Give a wallet another local name; the server's name for it stays."""
    wallet = resolve(ws, name)
    if wallet.id == 0:
        raise errors.Usage("the wallet in the environment is always called 'env'", code="ENV_WALLET")
    if store_wallets.name_key(new) != store_wallets.name_key(wallet.name):
        new = _free_name(ws, new)
    with ws.store.write() as db:
        store_wallets.update(db, wallet.id, name=new, name_key=store_wallets.name_key(new))
        for table in ("payment", "invoice"):
            db.execute(f"UPDATE {table} SET wallet=? WHERE wallet_id=?", (new, wallet.id))
        audit_log.append(db, "wallet rename", wallet=new, subject=wallet.name, outcome="done", actor=ws.actor)
    return resolve(ws, new).view()


def remove(
    ws: Workspace, name: str, *, delete_remote: bool, confirm: Callable[[str], None]
) -> models.Removed:
    """Forget a wallet and its stored keys; with `delete_remote` delete it at the server, once it is proven empty.

    `confirm` is asked with what will be lost. Raises `errors.RefusedByPolicy` while outcomes are open, or for a
    remote wallet that holds anything.
    """
    wallet = resolve(ws, name)
    if wallet.id == 0:
        raise errors.Usage("'env' lives in the environment: unset LNBITS_API_KEY to remove it", code="ENV_WALLET")
    waiting = ws.store.all("SELECT id FROM payment WHERE wallet_id=? AND status='unknown'", wallet.id)
    if waiting:
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has {len(waiting)} open outcome(s); without its key they could never be settled",
            code="OPEN_OUTCOMES",
            hint="Run: amani reconcile",
        )
    if delete_remote:
        _delete_remote(ws, wallet, confirm)
    else:
        confirm(
            f"amani forgets wallet '{wallet.name}' and its stored keys. The wallet and its money stay on {wallet.url},"
            " but without another copy of the Admin key nobody reaches them."
        )
    place, _, slot = wallet.key_source.partition(":")
    if place == "keyring":
        keys.keyring_delete(f"{slot}:key")
        if wallet.has_read_key:
            keys.keyring_delete(f"{slot}:read")
    with ws.store.write() as db:
        store_wallets.delete(db, wallet.id)
        audit_log.append(db, "wallet remove", wallet=wallet.name, subject=wallet.url, outcome="done", actor=ws.actor)
    return models.Removed(wallet.name, keys_deleted=place == "keyring", remote_deleted=delete_remote)


def _delete_remote(ws: Workspace, wallet: KnownWallet, confirm: Callable[[str], None]) -> None:
    from amani_cli import logins

    token = logins.token(ws, wallet.url)
    if token is None or wallet.remote_id is None:
        raise errors.NotAuthorised(
            f"only its user can delete a wallet on {wallet.url}", code="LOGIN_NEEDED", hint=f"Run: amani login {wallet.url}"
        )

    def prove_empty() -> None:
        with wallet.lnbits("read") as client:
            left = client.wallet().balance_msat
        if left:
            raise errors.RefusedByPolicy(
                f"wallet '{wallet.name}' still holds {left} msat, which deleting would destroy",
                code="NOT_EMPTY",
                hint="Move it away first; LNbits does not look at the balance when it deletes.",
            )

    prove_empty()
    confirm(f"Wallet '{wallet.name}' is empty. It is deleted on {wallet.url} for good, with its keys.")
    prove_empty()
    with lnbits_client(ws, wallet.url) as client:
        client.delete_wallet(token, wallet.remote_id)


def rotate_keys(ws: Workspace, name: str | None, confirm: Callable[[str], None]) -> models.Wallet:
    """Have the server make two new keys and store them; the old ones are dead at once.

    Needs a login. If amani dies before the new keys are stored, running this again makes and stores newer ones.
    """
    from amani_cli import logins

    wallet = resolve(ws, name)
    place, _, where = wallet.key_source.partition(":")
    if place not in ("keyring", "file", "sandbox"):
        raise errors.RefusedByPolicy(
            f"amani can't write to where this wallet's key lives ({_source_words(wallet.key_source)})",
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
    confirm(f"The keys of wallet '{wallet.name}' die at once; whatever else uses them stops working.")
    with ws.store.write() as db:
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="begun", actor=ws.actor)
    with lnbits_client(ws, wallet.url) as client:
        fresh = client.rotate_keys(token, wallet.remote_id)
    keys.SEEN.update((fresh.admin_key, fresh.read_key))
    reads = wallet.access == "read"
    if place == "keyring":
        keys.keyring_set(f"{where}:key", fresh.read_key if reads else fresh.admin_key)
        if wallet.has_read_key:
            keys.keyring_set(f"{where}:read", fresh.read_key)
    elif place == "file":
        keys.replace_key_file(Path(where), fresh.read_key if reads else fresh.admin_key)
    else:
        keys.replace_sandbox_keys(ws.paths.sandbox / "keys.json", where, fresh.admin_key, fresh.read_key)
    with ws.store.write() as db:
        audit_log.append(db, "key rotation", wallet=wallet.name, outcome="done", actor=ws.actor)
    return wallet.view()
