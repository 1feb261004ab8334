"""What each exit code and each error code means: what happened, whether money moved, and what to do.

The words of `amani explain` and of docs/exit-codes.md. A test holds this page to the code: no error can be raised
under a code that is not explained here, nor is one explained that nothing raises.
"""

from __future__ import annotations

from amani_cli import errors
from amani_cli.models.operations import Explanation, Explanations

# exit code: what happened, whether money moved, what to do
EXIT_CODES: dict[int, tuple[str, str, str]] = {
    0: (
        "Done and certain. A replayed receipt, an empty list and a dry run end so too.",
        "as the answer says",
        "Go on.",
    ),
    1: (
        "A bug in amani.",
        "see money_moved",
        "Run `amani reconcile`, then the command again with --debug, and report what it shows.",
    ),
    2: (
        "Bad usage: an amount, invoice, file, setting or option that can't be right.",
        "no",
        "Correct the command as the message says.",
    ),
    3: (
        "No key, a key that is locked or refused, a wrong PIN or password.",
        "no",
        "See where the key comes from with `amani wallet show`; `amani doctor` tries each wallet's key.",
    ),
    4: (
        "What was asked about is not here. That is not proof that it was not paid.",
        "no",
        "Check the id and the wallet.",
    ),
    5: (
        "A yes was needed, and nobody could be asked or the answer was no.",
        "no",
        "Say --yes where nobody can answer.",
    ),
    6: (
        "Definitely failed: rejected, expired, no route, already claimed.",
        "no",
        "It is safe to try again, with a new invoice if the old one expired.",
    ),
    7: (
        "The balance does not cover the amount and the fee reserve.",
        "no",
        "Top the wallet up, pay less, or choose another wallet.",
    ),
    8: (
        "The outcome is unknown or pending. It is not a failure.",
        "maybe",
        "Run `amani reconcile`. Never pay the same thing again by other means; the same command again is safe.",
    ),
    9: (
        "A rule of amani's refused it: PIN, limit, budget, cool-down, a server known to be unsafe.",
        "no",
        "Read the message: it says which rule and when or how it is met. --yes does not skip rules.",
    ),
    10: (
        "The provider could not be reached before anything was sent, or failed to answer a read.",
        "no",
        "Try the same command again later.",
    ),
    11: ("Some rows of a batch are done and some are not.", "some", "Run the same plan again: no row is paid twice."),
    12: ("Another amani holds the lock.", "no", "Try again when it is done, or say --lock-wait 30s."),
    13: (
        "The books do not match, or a check failed.",
        "not by this command",
        "Look at each line that differs or fails; it names the way to mend it.",
    ),
    130: ("Interrupted (Ctrl-C) before anything was sent.", "no", "Run it again when you like."),
    141: (
        "The reader of the output went away, or there is no room for it. The work itself was done.",
        "as the history says",
        "See `amani history list`.",
    ),
    143: ("Ended by SIGTERM before anything was sent.", "no", "Run it again when you like."),
}

# error code: the exit codes it comes with, what happened, what to do
ERROR_CODES: dict[str, tuple[tuple[int, ...], str, str]] = {
    # -- general: one for each exit code, where there is nothing more special to say
    "BUG": ((1,), "amani failed in a way that it should not.", "Run `amani reconcile`, and report it with --debug."),
    "USAGE": ((2,), "The command can't be right as it stands.", "See the command's --help."),
    "NOT_AUTHORISED": ((3,), "A key, token or PIN is missing or was refused.", "Run `amani doctor`."),
    "NOT_FOUND": ((4,), "What was asked about is not here.", "List what there is, and check the id."),
    "NOT_CONFIRMED": ((5,), "A yes was needed and not given.", "Answer y, or say --yes where nobody can answer."),
    "REJECTED": (
        (6,),
        "The provider refused, or says that the payment failed.",
        "Read its reason; try again if you like.",
    ),
    "INSUFFICIENT_FUNDS": (
        (7,),
        "The wallet holds less than the amount and what routing may cost (at LNbits 1 %, at least 2 sat).",
        "Top it up. Payments within one LNbits need no reserve.",
    ),
    "OUTCOME_UNKNOWN": (
        (8,),
        "The payment was sent, and what became of it is not known yet.",
        "Run `amani reconcile`. What never arrived goes on with the same command, or `amani reconcile --resume ID`.",
    ),
    "REFUSED_BY_POLICY": ((9,), "A rule of amani's own refused it.", "Read which one; --yes does not skip it."),
    "UNREACHABLE": ((10,), "The provider could not be reached.", "Check address and network, and try again."),
    "PARTLY_DONE": ((11,), "Part of a batch is done.", "Run the same plan again."),
    "LOCKED": ((12,), "Another amani holds the lock.", "Wait for it, or say --lock-wait 30s."),
    "BOOKS_DIFFER": ((13,), "amani's books and the provider's do not match.", "Look at each entry that is named."),
    "INTERRUPTED": ((130,), "Ended by Ctrl-C before anything was sent.", "Run it again when you like."),
    "TERMINATED": ((143,), "Ended by SIGTERM before anything was sent.", "Run it again when you like."),
    # -- what was typed
    "BAD_TEXT": ((2,), "An argument is not valid text.", "Check what your shell or script puts there (UTF-8)."),
    "AMBIGUOUS": ((2,), "What was given fits more than one.", "Give more of its characters."),
    "AMBIGUOUS_WALLET": ((2,), "There is more than one wallet and no default.", "Say --wallet NAME."),
    "AMOUNTLESS": (
        (2,),
        "The invoice names no amount, and LNbits can't pay such invoices.",
        "Ask for one over the amount.",
    ),
    "AMOUNT_DIFFERS": ((2,), "The amount given is not the invoice's.", "Leave it out, or ask for another invoice."),
    "BAD_AMOUNT": ((2,), "The amount can't be read, or not without guessing.", "Write it as 1000, 1000sat or 5000NGN."),
    "BAD_CATEGORY": ((2,), "The category is not one line of up to 100 characters.", "Shorten it."),
    "BAD_RATES": ((2,), "The file of rates can't be read.", "The message names the line, and what it should hold."),
    "BAD_DATE": ((2,), "The date can't be read.", "Write it as 2026-08-01, 2026-08-01T09:00, today or 7d."),
    "BAD_DURATION": ((2,), "The duration can't be read, or is out of range.", "Write it as 90s, 15m, 24h or 7d."),
    "BAD_HASH": ((2,), "That is not a hash.", "It is 64 hexadecimal digits."),
    "BAD_INVOICE": ((2, 6), "The text is not a sound bolt11 invoice.", "Copy it again, whole."),
    "BAD_MEMO": ((2,), "The memo is too long for an invoice (639 bytes) or not text.", "Shorten it."),
    "BAD_NAME": ((2,), "A name is 1 to 80 printable characters, and 'env' is taken.", "Choose another."),
    "BAD_QR": ((2,), "The QR code can't be made or written.", "Name a new .png or .svg file."),
    "BAD_URL": (
        (2,),
        "The address is not a web address, or carries a login.",
        "Give it as https://lnbits.example.com.",
    ),
    "CANT_WRITE": ((2,), "The file can't be written.", "Check its folder, or name another."),
    "FILE_EXISTS": ((2,), "The file is there already, and amani overwrites none.", "Name a new file."),
    "INSECURE_HTTP": (
        (2,),
        "Plain http would send the key in the clear.",
        "Use https, or --insecure-http on a safe line.",
    ),
    "KEY_IN_ARGUMENT": (
        (2,),
        "What was typed is a key, a PIN or a password, or looks like one; it is in your shell's history now.",
        "Change it, and give it at the prompt, by --key-stdin, --pin-stdin or the like, or by a file.",
    ),
    "NO_SUCH_SETTING": ((2,), "There is no setting of that name.", "See `amani config show`."),
    "WRONG_NETWORK": ((2,), "The invoice is of another network.", "Check where it comes from."),
    "WRONG_PROVIDER": ((2,), "This wallet's provider can't do that.", "Choose another wallet."),
    # -- wallets and settings
    "BAD_SETTINGS": (
        (2,),
        "The settings file can't be read, or a value in it or in the environment can't be right.",
        "Mend what the message names; `amani config path` says where the file is, `amani doctor` lists all of it.",
    ),
    "ENV_WALLET": ((2,), "The wallet in the environment has no entry to change.", "Register it: `amani wallet add`."),
    "NAME_TAKEN": ((2,), "There is a wallet, or an address, of that name.", "Choose another name."),
    "NO_ADDRESS": (
        (2,),
        "A provider's key stands in the environment, and its server's address only in a .env.",
        "Export the address too, or put both into the .env.",
    ),
    "NO_SUCH_INVOICE": ((4,), "No wallet here made that invoice.", "Check the hash and --wallet."),
    "NO_SUCH_WALLET": ((4,), "No wallet of that name is known here.", "See `amani wallet list`."),
    "MONEY_EXPECTED": (
        (9,),
        "An invoice of the wallet can still be paid, and deleting it would lose that money.",
        "Wait until it has ended, or leave out --delete-remote.",
    ),
    "NOT_EMPTY": ((9,), "The wallet still holds money, which deleting it would destroy.", "Move the money first."),
    "OPEN_OUTCOMES": ((9,), "The wallet has open outcomes that only its key can settle.", "Run `amani reconcile`."),
    "ID_OF_ANOTHER": (
        (9,),
        "A server tells the id of a wallet that is known at another one, and does not have that wallet's records.",
        "Do not trust it; or use it with an AMANI_HOME of its own.",
    ),
    "SHARED_WALLET": (
        (9,),
        "The wallet is another user's, shared with this key; its payments can't be followed.",
        "Use a key of the wallet itself, or its Invoice key to look.",
    ),
    "SANDBOX_DEFAULT": ((2,), "A sandbox wallet can't be the default beside a real one.", "Say --wallet each time."),
    "WALLET_KNOWN": (
        (2,),
        "This very wallet is registered already.",
        "Use that one, rename it, or add it by that name at its new address.",
    ),
    # -- keys and logins
    "BAD_KEY": (
        (2, 3),
        "What is stored or given there is not a key.",
        "Store the key alone, without anything around it.",
    ),
    "INVOICE_KEY": (
        (3,),
        "This is an invoice key, which can look and ask for money, but not pay.",
        "Take the Admin key: in LNbits open the wallet, then 'API keys'.",
    ),
    "KEYRING": ((3,), "The keyring did not answer within 3 s, or not as it should.", "Use another key source."),
    "KEYRING_LOCKED": ((3,), "The keyring is locked.", "Unlock it, or use another key source."),
    "KEY_COMMAND": ((3,), "The key command failed or gave no key within 30 s.", "Run it by hand and see."),
    "KEY_CREDENTIAL": ((2, 3), "systemd passed no credential of that name.", "Add LoadCredential= to the unit."),
    "KEY_FILE": ((2, 3), "The key file can't be used, or others may read it.", "Run: chmod 600 on it, as its owner."),
    "KEY_REFUSED": ((3,), "The server does not accept the key.", "Was it rotated, or is it of another server?"),
    "KEY_SOURCE_READ_ONLY": (
        (9,),
        "amani can't write to where this key lives.",
        "Rotate in LNbits, store it there yourself.",
    ),
    "LOGIN_LOCKED": ((3,), "The server locked the login after wrong passwords.", "Wait for a minute or more."),
    "LOGIN_NEEDED": ((3, 9), "Only the wallet's user may do that.", "Run: amani login URL."),
    "OTHER_LOGIN": (
        (3,),
        "The login at hand is not that of the wallet's user, or the wallet was deleted.",
        "Log in as the user who made the wallet: amani login URL.",
    ),
    "NO_KEY": (
        (3,),
        "There is no key.",
        "Four steps to one: see the README, or run `amani wallet add NAME --url URL`.",
    ),
    "NO_KEYRING": (
        (3,),
        "There is no usable keyring here, as on most servers.",
        "Use --key-file, --key-command or systemd.",
    ),
    "NO_LOGIN": ((4,), "No login is stored for that server.", "Run: amani login URL."),
    "READ_ONLY_WALLET": (
        (3,),
        "The wallet was added to look only.",
        "To pay, remove it and add it with its Admin key.",
    ),
    "TOO_OLD": ((6,), "The server's LNbits is too old for this.", "Have it upgraded, or do it on its web page."),
    "TOKEN_EXPIRED": ((3,), "The stored login is no longer valid.", "Run: amani login URL."),
    "WRONG_KEY": ((3,), "The key at hand has become another wallet's.", "See where it comes from: amani wallet show."),
    "WRONG_PASSWORD": ((3,), "The user name or password is wrong.", "Try again; five wrong ones lock the login."),
    # -- a ledger that several machines share
    "BAD_STORE": ((2,), "That is not an address of a ledger.", "Write postgresql://HOST/DATABASE?sslmode=verify-full."),
    "PASSWORD_IN_ADDRESS": (
        (2,),
        "A password stands in the ledger's address.",
        "Keep it in ~/.pgpass or a service file, or set store_password_command.",
    ),
    "NO_STORE_PASSWORD": ((3,), "store_password_command gave no password.", "Run it by hand and see."),
    "INSECURE_STORE": (
        (2,),
        "The ledger is on another machine, and nothing says that its certificate is checked.",
        "Add ?sslmode=verify-full to its address, or the sslmode you mean.",
    ),
    "NO_DRIVER": ((2,), "PostgreSQL's driver is not installed.", "Run: pip install 'amani-cli[postgres]'."),
    "NO_LEDGER": (
        (2,),
        "There is no ledger at that address yet.",
        "Make it, as the role that shall own it: amani store upgrade.",
    ),
    "OLDER_DATABASE": (
        (2,),
        "The ledger's schema is older than this amani's.",
        "Upgrade amani on every machine, then run 'amani store upgrade' once.",
    ),
    "LEDGER_AWAY": (
        (10,),
        "The ledger could not be reached, or its line broke before an entry was certain; nothing was sent.",
        "Run the same command again when it is back.",
    ),
    "LEDGER_REFUSED": (
        (3,),
        "The ledger's server refuses the role, or the role may not do that.",
        "See which role AMANI_STORE names, its line in ~/.pgpass, and what it was granted (docs/team-store.md).",
    ),
    "LEDGER_UNTRUSTED": (
        (10,),
        "The ledger's server shows no certificate that is trusted here for its name; nothing was sent to it.",
        "See docs/team-store.md: the name in the address, and ~/.postgresql/root.crt or sslrootcert.",
    ),
    "LEDGER_READ_ONLY": ((2,), "The ledger's server takes no writes: it is a standby.", "Name the primary."),
    "LEDGER_ELSEWHERE": (
        (2,),
        "The ledger is on a server, and is copied and put back there.",
        "Use pg_dump and pg_restore; --keys-only keeps what is on this machine.",
    ),
    "LEDGER_MOVED": (
        (9,),
        "The ledger was moved to another store, and nothing is spent by this one.",
        "Point at the new one, or lift it with 'amani store copy --undo' while nothing was done there.",
    ),
    "STORE_NOT_EMPTY": ((2,), "A ledger is copied into an empty store alone.", "Name a new file, or a new database."),
    "COPY_DIFFERS": ((13,), "What came of a copied ledger is not what went.", "The old one goes on. Please report it."),
    "NO_KEY_HERE": (
        (3,),
        "Other machines of the ledger have the key, and this one has not.",
        "Add it here: amani wallet add NAME --url URL; a cheque's are where it was written.",
    ),
    # -- paying
    "INVOICE_EXPIRED": ((6,), "The invoice can't be paid any more.", "Ask for a new one."),
    "BAD_ZONE": (
        (2,),
        "TZ names no time zone that this system knows.",
        "Write it as Africa/Nairobi or EAT-3, or unset it.",
    ),
    "STILL_PENDING": (
        (8,),
        "The time to wait is over, and the invoice is not paid yet.",
        "Wait again with the same hash.",
    ),
    "MAX_FEE": ((9,), "The fee may be higher than --max-fee allows.", "Raise --max-fee, or pay within one server."),
    "NOT_SENT": ((6,), "The request never reached the provider.", "Pay again, with a new invoice."),
    "PAID_BY_ANOTHER": (
        (6,),
        "The invoice was paid before, not by this wallet.",
        "Nothing left. Ask for a new invoice.",
    ),
    "REFERENCE_TAKEN": ((9,), "The reference stands for another payment.", "Use one reference for one thing."),
    # -- whom to pay, LNURL
    "BAD_DESTINATION": ((2,), "What to pay is none of the forms that amani knows.", "The message lists them."),
    "BAD_LNURL": ((2,), "The LNURL or address is damaged.", "Copy it again, whole."),
    "BAD_COMMENT": (
        (2,),
        "The payee's server takes no comment, or a shorter one.",
        "Leave --comment out, or shorten it.",
    ),
    "NO_AMOUNT": ((2,), "The destination leaves the amount to you.", "Give it: amani pay DEST AMOUNT."),
    "AMOUNT_OUT_OF_RANGE": (
        (2,),
        "The other side takes or gives another amount.",
        "The message says from what to what.",
    ),
    "NOT_PAY": ((2,), "The link does not take money.", "If it gives money, claim it: amani invoice claim."),
    "NOT_WITHDRAW": ((2,), "The link does not give money.", "If it takes money, pay it: amani pay."),
    "BAD_ROWS": (
        (2,),
        "Rows of the table can't be right.",
        "The message names each row and column; mend and plan again.",
    ),
    "BAD_PLAN": ((2,), "The plan is none, or was changed since it was made.", "Change the table and plan again."),
    "CANT_READ": ((2,), "The file can't be read.", "Check its name and who may read it."),
    "WRONG_WALLET": ((2, 9), "The plan is for another wallet.", "Leave --wallet out, or plan again."),
    "USED_UP": ((2,), "An invoice is used up by one payment, so it can be no contact.", "Give an address or link."),
    "NO_SUCH_CONTACT": ((4,), "There is no contact of that name.", "See `amani contact list`."),
    "PAYEE_CHANGED": (
        (9,),
        "A contact's server, node or name at the bank is not what it was.",
        "Ask them by another way; if it is right, pay with --accept-change.",
    ),
    "NO_RATE": ((10,), "There is no sound price of bitcoin in that currency now.", "Try again later, or write sat."),
    "SLIPPAGE": ((9,), "The price moved by more than --max-slippage allows.", "Look at the new amount, and try again."),
    "NOTHING_LEFT": ((6,), "The link has nothing left to give.", "Ask who gave it to you."),
    "LNURL_CHANNEL": ((2,), "The LNURL is for opening a channel.", "Use a wallet with a node of its own."),
    "WITHDRAW_OPEN": (
        (8,),
        "A link's server was asked to pay an invoice of ours, and it is not certain that it will not.",
        "Wait with `amani invoice wait HASH`, or run `amani reconcile`; `amani invoice list` shows it.",
    ),
    "LNURL_REFUSED": (
        (6,),
        "The other side's server refused, and said why.",
        "Read its reason; try again if you like.",
    ),
    "LNURL_BROKEN": ((6,), "The other side's server breaks the LNURL rules.", "Tell the payee; ask for an invoice."),
    "NOT_LNURL": ((10,), "What answers there is not LNURL.", "Check the address; try again later."),
    "OTHER_PAYEE": (
        (6,),
        "A Lightning address was asked for, and its server answered for another one.",
        "Try again. If it stays so, and you mean the one that it names, pay that address.",
    ),
    "WRONG_INVOICE": (
        (6,),
        "The payee's server sent an invoice over something else.",
        "Do not pay it. Tell the payee.",
    ),
    "BAD_PAYER_DATA": (
        (2,),
        "What was said of the payer can't be right, or the payee's server does not ask for it.",
        "Correct it or leave it out.",
    ),
    "PAYER_DATA_NEEDED": (
        (2,),
        "The payee's server takes no payment without knowing who pays.",
        "Give --payer-name or what it asks for, or set payer.name, if they may know it.",
    ),
    "PAYER_DATA_UNKNOWN": (
        (6,),
        "The payee's server wants something of the payer that amani does not give.",
        "Ask the payee for an invoice.",
    ),
    "PRIVATE_ADDRESS": ((9,), "The address leads into a private network or to this machine.", "Do not trust it."),
    "NOT_THIS_MACHINE": (
        (9,),
        "A name that is kept for this machine (localhost) leads to another one.",
        "Write 127.0.0.1, or look at /etc/hosts and the resolver.",
    ),
    "NEEDS_TOR": ((10,), "The address can be reached through Tor only.", "Set ALL_PROXY to a Tor proxy."),
    # -- Fincra
    "BAD_CURRENCY": ((2,), "That is not a currency.", "Write its ISO 4217 code, e.g. NGN or GHS."),
    "NO_SUCH_BANK": ((4,), "Fincra pays no such bank or operator in that currency.", "See `amani contact banks CUR`."),
    "BAD_ACCOUNT": ((2,), "That is not an account number of that country.", "Check it with the payee."),
    "BAD_PHONE": ((2,), "The phone number is not whole, or of another country.", "Write it with its country code."),
    "NAME_UNRESOLVED": ((6,), "The bank or operator knows no such account.", "Check number and bank with the payee."),
    "NO_ADVICE": (
        (2,),
        "An advice is of a payment that left and settled, and this one did not.",
        "See: amani history show ID.",
    ),
    "NO_VIRTUAL_ACCOUNT": (
        (4,),
        "The business has no virtual account in that currency that can be paid to.",
        "Ask for one in Fincra's dashboard, or make a payment page instead.",
    ),
    "WHICH_ACCOUNT": (
        (2,),
        "The business has several virtual accounts, or none of that number.",
        "Name one by its number: --virtual-account NUMBER.",
    ),
    "NO_SWIFT_CODE": (
        (2,),
        "Fincra pays that currency by a bank's SWIFT code, and its list has none for this bank.",
        "Pay another account, or ask Fincra for the bank's code.",
    ),
    "REVERSED": (
        (6,),
        "The payment of this reference settled and came back; nothing was sent now.",
        "Ask the payee why. If it is still due, pay it under a new --reference.",
    ),
    "NAME_MISMATCH": ((9,), "The account belongs to somebody else than --to-name.", "Check the number with the payee."),
    "NAME_UNVERIFIED": (
        (9,),
        "Fincra can't say whose account it is: it has no check there, or refused this one.",
        "Make sure yourself, then give --to-name and --name-unverified.",
    ),
    "WRONG_CURRENCY": ((6,), "The other wallet holds another currency.", "Give the amount in that one."),
    "LIVE_WALLET": ((9,), "Test money can't be put into a live wallet.", "Name a wallet of Fincra's sandbox."),
    "BAD_EMAIL": ((2,), "That is not an email address.", "Fincra wants the payer's: --email."),
    "UNDERPAID": (
        (6,),
        "A payment page was paid with too little.",
        "What came is yours: ask for the rest, or pay back.",
    ),
    "QUOTE_EXPIRED": (
        (6,),
        "The quote ran out, and a new one would cost more.",
        "Run it again to see the new rate, and answer within half a minute.",
    ),
    # what Fincra says itself, under its own word
    "VALIDATION_FAILED": ((6,), "Fincra can't read the request.", "Its words name the field; correct that."),
    "UNPROCESSABLE_ENTITY": ((6,), "Fincra does not do what was asked for.", "Its words say why."),
    "RESOURCE_NOT_FOUND": ((4, 6), "Fincra has nothing by that name.", "Check the number, id or currency."),
    "INVALID_CURRENCY_PAIR": (
        (6,),
        "Fincra does not exchange these two currencies.",
        "Ask Fincra which ones it does.",
    ),
    "INVALID_QUOTE": ((6,), "Fincra does not take the quote.", "Run it again for a new one."),
    "QUOTE_NOT_GENERATED": ((6,), "Fincra could not make a quote.", "Run it again, or try another currency."),
    "INVALID_QUOTE_REFERENCE": ((6,), "Fincra does not know the quote.", "Run it again for a new one."),
    "QUOTE_NOT_FOUND": ((4, 6), "Fincra does not know the quote.", "Run it again for a new one."),
    "WALLET_NOT_FOUND": (
        (4, 6),
        "The business has no wallet at Fincra in that currency.",
        "Open one in Fincra's dashboard.",
    ),
    "CURRENCY_NOT_FOUND": ((4, 6), "Fincra does not know the currency.", "Check its three letters."),
    "POST_FUNDING_LIMIT_EXCEEDED": (
        (6,),
        "Fincra's limit for conversions that are funded later is reached.",
        "Top the wallet up first.",
    ),
    "ACCESS_DENIED": ((6,), "Fincra does not allow this business to do that.", "Ask Fincra to allow it."),
    "OPERATION_FORBIDDEN": ((6,), "Fincra does not allow this business to do that.", "Ask Fincra to allow it."),
    # -- PIN, limits and budgets
    "NO_HOME": ((2,), "AMANI_HOME leads to nothing.", "Mount the disk that it is on, or name another folder."),
    "NOT_THE_SAME": ((2,), "What was to be typed twice was not the same.", "Try again; nothing was changed."),
    "BAD_PIN": ((2,), "A PIN is 4 to 6 digits, typed twice alike.", "Nothing was changed; set it again."),
    "WEAK_PIN": ((2,), "The PIN is too easy to guess.", "The hint names the rule; choose another."),
    "NO_PIN": ((4,), "The wallet has no PIN.", "Run: amani pin set."),
    "WRONG_PIN": ((3,), "The PIN is wrong; the attempt was counted.", "Five wrong ones in an hour lock it."),
    "PIN_LOCKED": ((9,), "The PIN is locked after wrong attempts.", "Wait until the time that the message names."),
    "PIN_NEEDED": (
        (9,),
        "This needs the wallet's PIN, and none was given or none is set.",
        "Give it by --pin-stdin or --pin-file, or set one with `amani pin set`.",
    ),
    "NEEDS_APPROVAL": (
        (9,),
        "This is above the wallet's line, or loosens a rule, and too few others have approved it.",
        "File it: the same command with --request. An approver runs `amani request approve`, then `amani request run`.",
    ),
    "NO_SUCH_REQUEST": ((4,), "There is no such request in this ledger.", "See `amani request list`."),
    "REQUEST_CLOSED": (
        (9,),
        "The request is at its end: refused, cancelled, carried out, or under way.",
        "What is still due is filed anew with --request.",
    ),
    "REQUEST_EXPIRED": ((9,), "The request's time is up.", "File it anew with --request."),
    "REQUEST_EDITED": (
        (9,),
        "The request is not what was filed: something in it was changed.",
        "Export it once more, or file it anew. Ask who changed it.",
    ),
    "NOT_AS_REQUESTED": (
        (9,),
        "What would be sent is not what the request says: amount, fee, payee, plan.",
        "Nothing was sent. File what is wanted now.",
    ),
    "BAD_REQUEST": ((2,), "The file is not a request that amani exported.", "Make one: `amani request export ID`."),
    "BAD_APPROVAL": ((2,), "The file is not an approval.", "It is what `amani request approve FILE` prints."),
    "WRONG_APPROVAL": (
        (9,),
        "The signature is of another request, of another text of it, or not of that approver.",
        "Have this very request signed.",
    ),
    "OTHER_LEDGER": (
        (9,),
        "The request was filed in another ledger, whose journal alone knows whether it was paid.",
        "Approve it here if you may; it is carried out at home.",
    ),
    "OWN_REQUEST": ((9,), "Nobody approves what they asked for themselves.", "Somebody else must approve it."),
    "NOT_AN_APPROVER": (
        (9,),
        "The key is no approver's, or not for this wallet.",
        "See `amani approver list`; another approver can add them.",
    ),
    "NOT_YOURS": ((9,), "Only who filed a request takes it back.", "An approver refuses it: `amani request refuse`."),
    "TOO_EARLY": (
        (9,),
        "A removal without signatures waits, so that approvers can refuse it.",
        "`amani request show` says from when on it can be carried out.",
    ),
    "BAD_APPROVER_KEY": (
        (2,),
        "This is not the public half of an approver's key.",
        "Take the whole line that `amani approver init` prints.",
    ),
    "NO_APPROVER_KEY": (
        (3,),
        "You have no approver key here, or not the one that was made here.",
        "Make one: `amani approver init`. A lost one is replaced by another approver's signature.",
    ),
    "APPROVER_SET": ((2,), "There is an approver key here already.", "`amani approver show` prints its public half."),
    "NO_SUCH_APPROVER": ((4,), "There is no approver of that name.", "See `amani approver list`."),
    "TOO_FEW_APPROVERS": (
        (2, 9),
        "Fewer may approve than must.",
        "Add an approver first, or ask for fewer approvals.",
    ),
    "NO_LINE": (
        (2,),
        "The wallet has no line for approvals yet.",
        "Draw one: `amani wallet limit W --approve-above A`.",
    ),
    "AGENT_LIMIT": (
        (9,),
        "It is more than this agent may pay, or not to whom it may, or it may spend nothing.",
        "File a request for a person, or have a person set `amani wallet limit W --agent NAME …`.",
    ),
    "NO_SUCH_AGENT": ((4,), "That agent may spend nothing from the wallet as it is.", "See `amani wallet limit W`."),
    "PLAN_EXPIRED": ((9,), "An agent's plan holds for ten minutes, and they are over.", "Plan it anew."),
    "NO_SUCH_PLAN": ((4,), "The plan is not this agent's, or there is none.", "Make one with the tool plan."),
    "NO_MCP": ((2,), "The packages of `amani mcp` are not installed.", "pip install 'amani-cli[mcp]'"),
    "PIN_SET": ((9,), "The wallet has a PIN already.", "Change it with `amani pin change`."),
    "NO_PEPPER": (
        (3,),
        "What belongs to the PIN is not, or no longer, kept with the wallet's key on this machine.",
        "Bring it from the machine where the PIN was set (amani backup create FILE --keys-only), or: amani pin reset.",
    ),
    "RATE_LIMIT": ((9,), "The wallet's limit for this in the time is used up.", "Wait until the time in the message."),
    "BEYOND_AGREED": (
        (9,),
        "A row, or the rest of a batch with its fees, would come to more than was agreed to.",
        "Run the plan again: it asks about what the rest comes to.",
    ),
    "BUDGET": ((9,), "Amount and worst-case fee would exceed the wallet's budget.", "See `amani wallet limit NAME`."),
    # -- transfers, faucet, cheques
    "SAME_WALLET": ((2, 9), "Both ends are the same wallet.", "Name another wallet."),
    "IS_FAUCET": ((9,), "The wallet is the faucet.", "Make another wallet the faucet first."),
    "NO_FAUCET": ((4,), "No faucet is configured here.", "Run: amani faucet configure."),
    "COOL_DOWN": ((9,), "The wallet has claimed already.", "Wait until the time in the message."),
    "DAILY_CAP": ((9,), "The faucet has given all that it may in 24 hours.", "Try again later, or raise --daily-cap."),
    "BAD_CHEQUE": ((2,), "The text is not a cheque's code, or a damaged one.", "Copy it again, whole."),
    "BAD_PRINT": ((2,), "The cheques can't be printed to that file.", "Name a new .pdf or .html file."),
    "NO_PDF": ((2,), "PDF files can't be made here.", "Print to a .html file."),
    "NEWER_CHEQUE": ((2,), "A newer amani wrote this cheque.", "Upgrade amani, then claim it."),
    "ODD_KEYS": ((2,), "The server's keys don't fit into a cheque's code.", "Use an LNbits that is not altered."),
    "COUNT": ((9,), "More cheques at once than the setting cheque_count allows.", "Write fewer, or raise the setting."),
    "CHEQUE_CLAIMED": ((6,), "Somebody has claimed the cheque before.", "Its money is theirs; ask for a new one."),
    "CHEQUE_CLAIMING": (
        (6,),
        "A claim of the cheque by another invoice has begun, and is on its way.",
        "Look at its page: if that fails for certain, the cheque is open again.",
    ),
    "BAD_ADDRESS": ((2,), "That can't stand before the @ of a Lightning address.", "Use small letters, digits, - _ ."),
    "NOT_REGISTERED": ((2,), "An address pays into a wallet that amani keeps.", "`amani wallet add NAME --url URL`"),
    "NO_SUCH_ADDRESS": ((4,), "There is no Lightning address of that name here.", "`amani address list`"),
    "HAS_ADDRESS": ((9,), "A Lightning address pays into the wallet.", "Remove the address first."),
    "NO_BASE_URL": (
        (2,),
        "A link leads to `amani serve`, and nobody said where that is reached.",
        "`amani config set base_url https://pay.example.com`",
    ),
    "NO_RESERVE": (
        (6,),
        "What was set aside for the cheque to leave its server, if anything, does not do for the fee. It is whole.",
        "A giver voids it, and writes another with --link or --outside; who has its code claims it at its own server.",
    ),
    "SERVED_ELSEWHERE": (
        (9,),
        "Links are written where they are served, and another machine serves this address.",
        "Write the cheque on the machine that is named.",
    ),
    "BAD_LISTEN": ((2,), "That is no address to listen on.", "Write it as 127.0.0.1:8190."),
    "PUBLIC_LISTEN": (
        (9,),
        "Others could reach `serve` without TLS, and read the links on the line.",
        "Listen on 127.0.0.1 behind Caddy, nginx or Tor; or say --behind-proxy.",
    ),
    "AS_ROOT": ((9,), "`serve` answers strangers and was started as root.", "Use another user, or say --as-root."),
    "NO_SERVE": ((2,), "`serve` needs Werkzeug and Jinja2.", "`pipx install 'amani-cli[serve]'`"),
    "CHEQUE_EXPIRED": ((6,), "The cheque is past its time.", "Ask its giver for a new one."),
    "GIVEN_UP": ((6,), "The cheque was given up while it was being written.", "Write a new one."),
    "CHEQUE_VOID": ((6,), "Its giver took the cheque back or gave it a new code.", "Ask for the new one."),
    "CHEQUES_OUTSTANDING": (
        (9,),
        "The wallet has cheques out, whose money comes back to it.",
        "Void or sweep them first.",
    ),
    "NOT_OPEN": ((6,), "The cheque is not open any more.", "See `amani cheque show ID`."),
    "OWN_CHEQUE": ((9,), "The cheque was written from this very wallet.", "Take it back with `amani cheque void`."),
    "TOO_SMALL": ((6,), "The cheque does not cover what leaving its server may cost.", "Claim it into a wallet there."),
    "NO_WITHDRAW_EXTENSION": ((6,), "The server lacks the withdraw extension.", "Write the cheque without --lnurl."),
    "UNSAFE_SERVER": (
        (9,),
        "The server's LNbits is not for cheques: 1.0.0 can spend a balance twice, older ones can't rotate keys.",
        "Have the server upgraded.",
    ),
    # -- Fincra
    "IP_NOT_ALLOWED": ((3,), "The business allows only known addresses.", "Add this machine's in Fincra's dashboard."),
    "NO_PUBLIC_KEY": (
        (3,),
        "Asking for money needs the public key too.",
        "Set FINCRA_PUBLIC_KEY, or add the wallet again.",
    ),
    "NOT_FINCRA": ((10,), "What answers there is not Fincra.", "Check FINCRA_BASE_URL."),
    "NO_SUCH_CURRENCY": ((4,), "The wallet holds none of that currency.", "See `amani wallet balance`."),
    "WRONG_ENVIRONMENT": (
        (2, 3),
        "A test key on the live address, or the other way round.",
        "Use the key of that side.",
    ),
    # -- servers
    "BAD_PATH": ((2,), "There is no such home folder, or the name is too long.", "Write the path out, without ~."),
    "BAD_CERTIFICATES": (
        (2,),
        "The file or folder of certificates in the environment can't be read.",
        "Check SSL_CERT_FILE and SSL_CERT_DIR.",
    ),
    "BAD_PROXY": ((2,), "The proxy in the environment can't be used.", "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."),
    "PROXY": ((10,), "The proxy in the environment is down, or refused.", "Check ALL_PROXY, HTTPS_PROXY and NO_PROXY."),
    "CONNECTION_REFUSED": ((10,), "Nothing listens at that address.", "Is the server up, and the port right?"),
    "DNS": ((10,), "No server of that name can be found.", "Check its spelling, and your network."),
    "FIRST_INSTALL": (
        (10,),
        "That LNbits waits for its first set-up.",
        "Open it in a browser and make its admin user.",
    ),
    "LINE_CUT": ((10,), "The line was cut while reading.", "Try again."),
    "NOT_LNBITS": ((10,), "What answers there is not an LNbits.", "Give the server's address alone."),
    "LOG_TOO_SHORT": (
        (10,),
        "Fincra's log no longer goes back to where a restored copy of the journal ends.",
        "See in Fincra's dashboard what was paid since; the wallet stays held here.",
    ),
    "ODD_ANSWER": ((10,), "The server's answer makes no sense.", "Run `amani doctor`; try again later."),
    "RATE_LIMITED": ((10,), "The server takes no more requests for now (429).", "Wait a minute and run it again."),
    "REDIRECT": (
        (10,),
        "The server redirects, and amani does not follow with a key.",
        "Use the new address, if it is yours.",
    ),
    "SERVER_ERROR": ((10,), "The server, or the proxy before it, is in trouble.", "Try again later."),
    "TIMEOUT": ((10,), "The server did not answer in time.", "Try again, or allow more with --timeout 60s."),
    "TLS": ((10,), "There is no trusted TLS connection.", "Check address and clock; a private CA needs SSL_CERT_FILE."),
    # -- amani's files
    "BAD_DATABASE": (
        (2,),
        "The database is damaged, empty or not amani's: what was paid, PIN and limits may have been in it.",
        "Put a copy in its place: 'amani backup restore', or one named amani.db.before-… beside it.",
    ),
    "NOT_PRIVATE": (
        (2,),
        "A file or folder that amani must trust is a link, another user's, or open to others.",
        "Run the chmod that the hint names, or set AMANI_HOME to a folder of yours.",
    ),
    "DATABASE_UNUSABLE": (
        (2,),
        "The database can't be opened or written.",
        "It and its folder must be yours and writable.",
    ),
    "DISK_FULL": (
        (2,),
        "There is no room to write. A payment that can't be written down is not sent.",
        "Free some space.",
    ),
    "NEWER_DATABASE": ((2,), "A newer amani made this database.", "Upgrade amani, or go back to the copy it made."),
    "NO_PILLOW": ((2,), "A .png needs Pillow.", "Install amani-cli[print], or write an .svg."),
    # -- backups
    "BAD_BACKUP": (
        (2, 13),
        "The file is no backup, is cut off, or what it holds is damaged.",
        "Use another copy of it; `amani backup verify` tells a good one.",
    ),
    "NEWER_BACKUP": ((2,), "The backup was made by a newer amani.", "Upgrade amani."),
    "NEWER_DATA": (
        (9,),
        "What is here holds things that the backup lacks; restoring would lose them.",
        "Restore into another AMANI_HOME, or move the database away first.",
    ),
    "NOT_LOST": (
        (9,),
        "What was to be given up can still be asked, a claim of it may still be on its way, or nothing waits for it.",
        "Read it back with `amani reconcile`, or take the cheque back with `amani cheque void`.",
    ),
    "RECONCILE_FIRST": (
        (9,),
        "A restored copy does not know what was paid from this wallet since it was made.",
        "Run `amani reconcile`; it lets spending go on when the books agree. For a lost wallet: `--resolve NAME`.",
    ),
    "WEAK_PASSPHRASE": ((2,), "The passphrase is too short.", "Take five or six random words."),
    "WRONG_PASSPHRASE": ((3,), "The passphrase does not open the backup.", "Try again."),
    # -- the sandbox
    "INSTALL_FAILED": ((10,), "The sandbox's LNbits could not be installed.", "Read the reason; try again."),
    "NO_PYTHON": (
        (10,),
        "LNbits runs on Python 3.10 to 3.12, and there is none.",
        "Install one, or uv, which fetches it.",
    ),
    "PORT_TAKEN": ((10,), "Another program has the port.", "Choose another with --port."),
    "SANDBOX_DOWN": ((10,), "The sandbox does not run.", "Run: amani sandbox start."),
    "START_FAILED": (
        (10,),
        "The sandbox's LNbits did not start.",
        "Read the reason; `amani sandbox reset` starts afresh.",
    ),
}


def explain(code: str) -> Explanation:
    """What an exit code or an error code means. Raises `errors.NotFound` for one that amani never gives."""
    word = code.strip().upper()
    if word.isdigit() and int(word) in EXIT_CODES:
        return _exit(int(word))
    if word in ERROR_CODES:
        return _error(word)
    from difflib import get_close_matches

    near = get_close_matches(word, ERROR_CODES, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise errors.NotFound(f"amani has no code '{code[:40]}'", hint=f"{hint}Bare, 'amani explain' lists them all.")


def explain_all() -> Explanations:
    """Every exit code, then every error code."""
    return Explanations([*map(_exit, EXIT_CODES), *map(_error, ERROR_CODES)])


def _exit(code: int) -> Explanation:
    happened, money, do = EXIT_CODES[code]
    return Explanation(str(code), [code], happened, money, do)


def _error(code: str) -> Explanation:
    exits, happened, do = ERROR_CODES[code]
    return Explanation(code, list(exits), happened, EXIT_CODES[exits[0]][1], do)
