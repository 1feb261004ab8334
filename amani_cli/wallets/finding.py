"""The wallets that amani knows: which one is meant, where its keys are, who may spend from it."""

from __future__ import annotations

from collections.abc import Iterable

from amani_cli import errors
from amani_cli.store import wallets as store_wallets
from amani_cli.text import did_you_mean, quoted
from amani_cli.wallets.environment import from_environment, in_environment
from amani_cli.wallets.known import KnownWallet, identify, known
from amani_cli.wallets.variables import ENVIRONMENT, not_configured
from amani_cli.workspace import Workspace


def registered(ws: Workspace) -> list[KnownWallet]:
    """Every wallet that was added or made, the default first; makes no database."""
    if not ws.has_store:
        return []
    return [known(ws, row) for row in store_wallets.all_wallets(ws.store)]


def real(known: list[KnownWallet]) -> list[KnownWallet]:
    """Those whose money is real, or the others if there is no other."""
    return [wallet for wallet in known if not wallet.is_play] or known


def everything(ws: Workspace) -> list[KnownWallet]:
    """The registered wallets, or those in the environment when no real one is registered."""
    wallets = registered(ws)
    return [*wallets, *in_environment(ws)] if all(wallet.sandbox for wallet in wallets) else wallets


def with_key_here(ws: Workspace) -> list[KnownWallet]:
    """Everything that can be asked from here, warning of the rest; all of it if this machine has no key at all.

    On a ledger that several machines share, each has the keys that it was given.
    """
    known = everything(ws)
    here = [wallet for wallet in known if wallet.has_key_here]
    if not here or len(here) == len(known):
        return known
    names = ", ".join(f"'{wallet.name}'" for wallet in known if not wallet.has_key_here)
    ws.talk.warn(f"left out, for this machine has no key for them: {names}")
    return here


def with_identity(candidates: Iterable[KnownWallet], identity: str) -> KnownWallet | None:
    """The one of some wallets that has an identity; one that does not know its own yet is asked for it."""
    for wallet in candidates:
        if wallet.identity != identity:
            identify(wallet)
        if wallet.identity == identity:
            return wallet
    return None


def resolve(ws: Workspace, name: str | None) -> KnownWallet:
    """The wallet that is meant: by name, AMANI_WALLET, the default, or the only one there is.

    The first one asked for in a run is the one that AMANI_KEY_FILE and AMANI_KEY_COMMAND are for. Raises
    `errors.NotFound` for an unknown name, `errors.NotAuthorised` when there is none at all, and `errors.Usage` with
    the list when it is not clear, or for a name of which nothing is there: of a variable that was not set.
    """
    if name is not None and not name.strip():
        raise errors.Usage("the wallet's name is empty", code="BAD_NAME", hint="'amani wallet list' shows the names.")
    wallet = _resolved(ws, name)
    if ws.wallet_in_use is None:
        ws.wallet_in_use = wallet.id
    return wallet


def named(ws: Workspace, name: str | None, said: str | None) -> KnownWallet:
    """The wallet that a command's own word names (`name`), or else --wallet (`said`).

    Raises `errors.Usage` where those are two wallets, and what `resolve` raises.
    """
    wallet = resolve(ws, said if name is None else name)
    if name is not None:
        refuse_two(ws, name, said)
    return wallet


def refuse_two(ws: Workspace, name: str, said: str | None) -> None:
    """Refuse a command's own word for a wallet and a --wallet (`said`) that are two wallets.

    Raises `errors.Usage`, and what `resolve` raises.
    """
    if said is not None and resolve(ws, said).id != resolve(ws, name).id:
        raise errors.Usage(
            f"{quoted(name)} and --wallet {quoted(said)} are two wallets", hint="Say which one is meant, once."
        )


def _resolved(ws: Workspace, name: str | None) -> KnownWallet:
    name = name if name is not None else ws.environ.get("AMANI_WALLET") or None
    if name is not None:
        if ws.has_store:
            row = store_wallets.by_name(ws.store, name)
            if row is not None:
                return known(ws, row)
        for provider, about in ENVIRONMENT.items():
            env = from_environment(ws, provider) if name.strip().lower() == about.name else None
            if env is not None:
                return env
        known_names = [wallet.name for wallet in everything(ws)]
        meant, names = did_you_mean(name, known_names), ", ".join(known_names) or "none yet"
        raise errors.NotFound(f"no wallet {quoted(name)}", code="NO_SUCH_WALLET", hint=f"{meant}Wallets: {names}.")
    if ws.config.variable("LNBITS_API_KEY") and ws.config.variable("FINCRA_API_KEY") and not registered(ws):
        raise errors.Usage(
            "both LNBITS_API_KEY and FINCRA_API_KEY are set: which wallet is meant?",
            code="AMBIGUOUS_WALLET",
            hint="Say --wallet env (Lightning) or --wallet fincra-env.",
        )
    wallets = everything(ws)
    if not wallets:
        for provider in ENVIRONMENT:
            from_environment(ws, provider)  # which may say what is missing
        raise not_configured()
    chosen = [wallet for wallet in wallets if wallet.default and not any(each.in_environment for each in wallets)]
    if chosen:
        return chosen[0]
    if len(wallets) == 1:
        return wallets[0]
    choice = ws.said.choose_wallet([wallet.name for wallet in wallets])
    if choice is not None:
        return _resolved(ws, choice)
    names = ", ".join(wallet.name for wallet in wallets)
    raise errors.Usage(
        "which wallet? There is more than one and no default",
        code="AMBIGUOUS_WALLET",
        hint=f"Say --wallet NAME, or choose one with 'amani wallet use NAME'. Wallets: {names}.",
    )
