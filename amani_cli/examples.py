"""Two or three examples of each command, as its help shows them; a test runs every one of them.

Words in capitals stand for what a reader has: INVOICE, HASH, ID, CODE, LNURL.
"""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("amani sandbox start", "amani status", "amani pay ada@example.com 2100"),
    "wallet add": (
        "amani wallet add shop --url https://lnbits.example.com --key-file shop.key",
        "amani wallet add naira --provider fincra --key-file fincra.key",
    ),
    "wallet create": (
        "amani wallet create till --url https://lnbits.example.com --key-file till.key",
        "amani wallet create bar --url https://lnbits.example.com --reference bar-1",
    ),
    "wallet list": ("amani wallet list", "amani wallet list --quiet"),
    "wallet show": ("amani wallet show", "amani wallet show main --json"),
    "wallet balance": (
        "amani wallet balance",
        "amani wallet balance --all",
        "amani wallet balance main --max-age 1m -q",
    ),
    "wallet use": ("amani wallet use main", "amani wallet use shop"),
    "wallet rename": ("amani wallet rename shop stall", "amani wallet rename stall shop"),
    "wallet limit": (
        "amani wallet limit main",
        "amani wallet limit main --per-payment 50k --per-day 200k",
        "amani wallet limit main --per-day off",
    ),
    "wallet convert": ("amani wallet convert 100USD --to NGN --dry-run -w naira",),
    "wallet rotate-keys": ("amani wallet rotate-keys alice --yes",),
    "wallet remove": ("amani wallet remove shop --yes",),
    "wallet watch": ("amani wallet watch main --for 1s", "amani wallet watch --below 50000sat --for 10m"),
    "invoice create": (
        "amani invoice create 2100 --memo 'order 42'",
        "amani invoice create 21k --expiry 15m --qr",
        "amani invoice create 2100 --reference order-42 --json",
    ),
    "invoice show": ("amani invoice show HASH", "amani invoice show order-42 --qr"),
    "invoice check": ("amani invoice check HASH", "amani invoice check order-42 --quiet"),
    "invoice wait": ("amani invoice wait HASH", "amani invoice wait order-42 --timeout 10m"),
    "invoice list": ("amani invoice list", "amani invoice list --status pending"),
    "invoice decode": ("amani invoice decode INVOICE", "amani invoice decode ada@example.com"),
    "invoice claim": ("amani invoice claim LNURL", "amani invoice claim - --memo 'from the faucet' <link.txt"),
    "pay": (
        "amani pay INVOICE",
        "amani pay ada@example.com 2100 --comment 'for the bread'",
        "amani pay ada@example.com 2100 --reference rent-june --yes --json",
        "amani pay INVOICE --dry-run",
    ),
    "transfer": ("amani transfer shop 1000", "amani transfer main 500 --from shop --memo 'back to the till'"),
    "cheque create": (
        "amani cheque create 1000 --memo 'for Ada'",
        "amani cheque create 500 --expires 72h --qr",
        "amani cheque create 500 --reference prize-1",
        "amani cheque create 1000 --link --count 3 --print cards.html",
    ),
    "cheque claim": ("amani cheque claim CODE --wallet shop", "amani cheque claim - --to shop <code.txt"),
    "cheque list": ("amani cheque list", "amani cheque list --status open"),
    "cheque show": ("amani cheque show ID", "amani cheque show prize-1"),
    "cheque void": ("amani cheque void ID", "amani cheque void prize-1 --reason 'never came' --yes"),
    "cheque sweep": ("amani cheque sweep", "amani cheque sweep --json"),
    "cheque reissue": ("amani cheque reissue ID",),
    "faucet configure": (
        "amani faucet configure --wallet main --amount 100 --daily-cap 10k",
        "amani faucet configure --wallet main --amount 50 --cooldown 1h",
    ),
    "faucet status": ("amani faucet status", "amani faucet status --json"),
    "faucet claim": ("amani faucet claim --wallet shop --reference today",),
    "pin set": ("amani pin set --wallet main --threshold 10k --pin-file pin.txt",),
    "pin status": ("amani pin status", "amani pin status --wallet main --json"),
    "pin verify": ("amani pin verify --pin-file pin.txt", "amani pin verify --pin-stdin <pin.txt"),
    "pin change": (
        "amani pin change --pin-file pin.txt --new-pin-file new-pin.txt",
        "amani pin change --pin-file new-pin.txt --threshold 20k",
    ),
    "pin reset": ("amani pin reset --key-stdin <main.key",),
    "pin remove": ("amani pin remove --pin-file new-pin.txt",),
    "batch plan": ("amani batch plan wages.csv --output june.plan", "amani batch plan - --output july.plan <wages.csv"),
    "batch run": ("amani batch run june.plan", "amani batch run june.plan --yes --jobs 4 --stop-on-failure"),
    "batch status": ("amani batch status june.plan", "amani batch status june.plan --json"),
    "batch results": ("amani batch results june.plan", "amani batch results june.plan --output june-paid.csv"),
    "contact add": (
        "amani contact add bayo bayo@example.com",
        "amani contact add kofi bank:058/2345678901 --currency NGN",
    ),
    "contact list": ("amani contact list", "amani contact list --quiet"),
    "contact show": ("amani contact show ada", "amani contact show ada --json"),
    "contact remove": ("amani contact remove ada",),
    "contact banks": ("amani contact banks NGN -w naira", "amani contact banks GHS -w naira"),
    "history list": (
        "amani history list",
        "amani history list --since 7d --direction out",
        "amani history list --search 'order 42' --status settled",
    ),
    "history show": ("amani history show ID", "amani history show ID --json"),
    "history sync": ("amani history sync", "amani history sync --wallet main"),
    "history export": (
        "amani history export --format csv --month this",
        "amani history export --format ledger --output books.ledger",
    ),
    "history chart": ("amani history chart", "amani history chart --since 90d --wallet main"),
    "reconcile": ("amani reconcile", "amani reconcile --older-than 10m", "amani reconcile --no-books --json"),
    "metrics": ("amani metrics", "amani metrics --output amani.prom --mode 644"),
    "backup create": (
        "amani backup create amani.backup --passphrase-file passphrase.txt",
        "amani backup create all.backup --with-keys --passphrase-file passphrase.txt",
    ),
    "backup verify": ("amani backup verify amani.backup --passphrase-file passphrase.txt",),
    "backup restore": ("amani backup restore amani.backup --passphrase-file passphrase.txt",),
    "trace": ("amani trace HASH", "amani trace 'order 42'", "amani trace INVOICE --redacted"),
    "watch": ("amani watch", "amani watch main --for 1s", "amani watch --below 50000sat --for 10m"),
    "status": ("amani status", "amani status --json", "amani status --watch"),
    "webhook listen": ("amani webhook listen", "amani webhook listen --port 0 --exec ./on-payment"),
    "address add": (
        "amani address add ada --wallet shop",
        "amani address add tips --min 10 --max 100k --comment 200",
    ),
    "address list": ("amani address list", "amani address list --json"),
    "address show": ("amani address show ada",),
    "address remove": ("amani address remove ada",),
    "serve": ("amani serve", "amani serve --base-url https://pay.example.com --behind-proxy"),
    "close": ("amani close", "amani close --month 2026-08"),
    "audit list": ("amani audit list", "amani audit list --since today --what pay"),
    "audit verify": ("amani audit verify", "amani audit verify --json"),
    "login": ("amani login https://lnbits.example.com -u ada --password-stdin <password.txt",),
    "logout": ("amani logout https://lnbits.example.com",),
    "sandbox start": ("amani sandbox start", "amani sandbox start --outside"),
    "sandbox status": ("amani sandbox status", "amani sandbox status --json"),
    "sandbox fund": ("amani sandbox fund alice 100k",),
    "sandbox stop": ("amani sandbox stop",),
    "sandbox reset": ("amani sandbox reset --yes",),
    "doctor": ("amani doctor", "amani doctor --json"),
    "config show": ("amani config show", "amani config show --json"),
    "config set": ("amani config set timeout 60s", "amani config set timeout ''"),
    "config explain": ("amani config explain limit.cheque",),
    "config path": ("amani config path",),
    "completion show": ("amani completion show bash", "amani completion show zsh"),
    "completion install": ("amani completion install bash",),
    "schema": ("amani schema wallet balance", "amani schema amani.balance/1"),
    "explain": ("amani explain 8", "amani explain OUTCOME_UNKNOWN"),
}


def of(path: str) -> list[str]:
    """The examples of a command by its words after `amani`; a group shows the first of each of its commands."""
    if path in EXAMPLES:
        return [*EXAMPLES[path]]
    return [lines[0] for name, lines in EXAMPLES.items() if name.startswith(f"{path} ")][:3]
