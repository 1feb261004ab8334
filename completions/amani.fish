# fish completion for amani. Made by `amani completion show fish`; do not edit.
# Words and options stand in the tables below; only names are asked of amani itself.

# The commands of the command $argv[1].
function __amani_commands
    switch $argv[1]
        case 'amani'
            __amani_say 'wallet' 'Wallets: add, create, list, balance and their keys' 'invoice' 'Ask for money, and see whether it came' 'pay' 'Pay somebody' 'cheque' 'Funds set aside for whoever has the code' 'faucet' 'A wallet that gives others a little, once per cool-down' 'transfer' 'Move money between two of your wallets; free inside one server' 'pin' 'The PIN of a wallet: needed to send more than its threshold' 'batch' 'Many payments from a CSV, planned, run and resumed' 'request' 'What waits for a second person: filed by --request, approved, carried out once' 'approver' 'Who may approve what others ask for' 'contact' 'Names for those who are paid again and again' 'mcp' 'Serve an AI agent over stdio (Model Context Protocol), for the wallets that are named and no others' 'status' 'Show how everything stands: balances, what is open, cheques, limits, the last movements, what is amiss' 'history' 'What was paid and received' 'reconcile' 'Settle every open outcome by asking the provider; nothing is ever sent anew' 'metrics' 'Print figures for Prometheus: balances, open outcomes, budgets, cheques, faucet, calls, last successes' 'backup' 'Back up, verify and restore: one file that only a passphrase opens' 'trace' 'Find what became of an invoice, hash, preimage, cheque, id, reference, address, phone number or part of a memo' 'watch' 'Show payments as they settle, each once, by the provider'\''s own record; with --json one document a line' 'webhook' 'A receiver for the webhooks of LNbits and Fincra' 'address' 'Lightning addresses that '\''amani serve'\'' answers for' 'serve' 'Serve the pages of cheques that were written with --link, and Lightning addresses' 'close' 'Close a month: opening + what moved + fees = closing, which must be the provider'\''s figure' 'store' 'Where the ledger is: a file of this machine, or PostgreSQL for several' 'audit' 'Who moved money, changed a PIN, a limit or a key; append-only and hash-chained' 'login' 'Log in to an LNbits; the token goes to the keyring, the password nowhere' 'logout' 'Forget a login' 'sandbox' 'A real LNbits on this machine, with fake sats, to try things on' 'doctor' 'Look at keyring, files, servers and open outcomes; changes nothing' 'config' 'Settings, and where each value comes from' 'completion' 'Completion scripts for bash, zsh and fish' 'schema' 'Print the JSON Schema of a command'\''s document; bare, those of all' 'explain' 'Say what an exit code or an error code means, whether money moved, and what to do; bare, for all of them'
        case 'amani wallet'
            __amani_say 'limit' 'Show a wallet'\''s limits, or set its budget, the line for a second person'\''s approval, or an agent'\''s budget' 'watch' 'Show payments as they settle, each once, by the provider'\''s own record; with --json one document a line' 'add' 'Register a wallet by its key' 'create' 'Make a wallet on an LNbits: as the logged-in user, or nameless where there is no login' 'list' 'List the wallets that amani knows' 'show' 'Show one wallet: where it is, what its key can do and where the key lives' 'balance' 'Say what a wallet holds, asked live' 'use' 'Make a wallet the default' 'rename' 'Give a wallet another name here' 'remove' 'Forget a wallet and its keys; says what is lost and asks first' 'rotate-keys' 'Have the server make new keys and store them; the old ones are dead at once' 'convert' 'Exchange one currency of a Fincra wallet for another, at a quote that holds for about 30 seconds'
        case 'amani invoice'
            __amani_say 'create' 'Make an invoice and print it: on a Fincra wallet the address of a payment page' 'show' 'Show an invoice and what became of it, asked live' 'check' 'Ask whether an invoice is paid; a paid one enters the history' 'wait' 'Wait until an invoice is paid (exit 0) or has expired (exit 6); --timeout ends it sooner (exit 8)' 'list' 'List invoices made here, newest first' 'decode' 'Say what an invoice asks for, offline; for an address or LNURL its server, and nobody else, is asked' 'claim' 'Bring money in by an LNURL-withdraw link: its server pays an invoice of yours'
        case 'amani cheque'
            __amani_say 'create' 'Write a cheque: the money is set aside, and the code, shown once, is the money' 'claim' 'Claim a cheque into the wallet; whoever is first has it' 'list' 'List cheques, newest first, with what is outstanding in total; --wallet narrows it to one wallet'\''s' 'show' 'Show a cheque and whether it was claimed, asked live; never its code' 'void' 'Bring a cheque'\''s money back, and make its code worthless' 'sweep' 'Bring back the money of every expired cheque, or with --wallet of that wallet'\''s; made for cron, asks nothing' 'reissue' 'Make a cheque'\''s old code, and its link, worthless and print a new one; needs a login'
        case 'amani faucet'
            __amani_say 'configure' 'Make the wallet (--wallet) the faucet; having it give more takes the wallet'\''s PIN' 'claim' 'Have the faucet pay the wallet (--wallet)' 'status' 'Say what the faucet gives, what is left in it, and when the wallet may claim next'
        case 'amani pin'
            __amani_say 'set' 'Give the wallet a PIN: 4 to 6 digits, none that is easy to guess' 'change' 'Change the PIN, or with --threshold or --always only when it is asked for; needs the PIN' 'remove' 'Take the PIN away; needs the PIN' 'verify' 'Say whether a PIN is right (exit 0), wrong (3) or locked (9); a wrong one costs an attempt' 'status' 'Say whether the wallet has a PIN, when it is asked for, and whether it is locked' 'reset' 'Have a forgotten PIN fall away after a day; needs the wallet'\''s Admin key typed again'
        case 'amani batch'
            __amani_say 'plan' 'Check every row and write a plan; nothing is paid' 'run' 'Pay what is left of a plan' 'status' 'How each row stands, by amani'\''s own books' 'results' 'Every row with what became of it, as CSV that is safe in a spreadsheet; cheques with their codes'
        case 'amani request'
            __amani_say 'list' 'List requests, newest first; --wallet narrows it to one wallet' 'show' 'Show exactly what would be sent, who asked, who has approved and whether that is enough' 'cancel' 'Take back a request of your own' 'approve' 'Sign a request with your approver key, once it was shown and you said yes' 'refuse' 'Refuse a request: it is at its end, whoever else approved' 'export' 'Print a request as a file, to be approved on a machine that shares nothing with this one' 'run' 'Carry out a request that enough have approved'
        case 'amani approver'
            __amani_say 'init' 'Make your own approver key, in the keyring or a file, and print its public half for '\''approver add'\''' 'show' 'Print the public half of your own approver key again' 'add' 'Have somebody approve: for every wallet, or for one by --wallet' 'list' 'List everybody who may approve' 'remove' 'Have somebody approve nothing any more: what they signed no longer counts'
        case 'amani contact'
            __amani_say 'add' 'Give somebody a name to be paid by' 'list' 'List the contacts' 'show' 'Show one contact and what was pinned of it' 'remove' 'Forget a contact and what was pinned of it; what it was paid stays on record' 'banks' 'List the banks and mobile-money operators that a Fincra wallet can pay in a currency; kept for a day'
        case 'amani history'
            __amani_say 'list' 'List payments, newest first, as written down here; '\''history sync'\'' brings in what others did' 'show' 'Show one payment' 'sync' 'Bring in what other clients did on the wallets, money that came too; repeat it as often as you like' 'export' 'Write what settled, oldest first, for books: fees apart, running balance, value where a rate is known' 'chart' 'Show balance and volume over time, by day, week or month; of all wallets together unless --wallet names one'
        case 'amani backup'
            __amani_say 'create' 'Write database and settings (and keys, if asked for) into a new encrypted file; amani may be in use meanwhile' 'verify' 'Open a backup and check all of it: sums, database, audit log' 'restore' 'Put a backup in place'
        case 'amani webhook'
            __amani_say 'listen' 'Take POST /lnbits and POST /fincra, confirm each by asking the provider, and show what is new, once'
        case 'amani address'
            __amani_say 'add' 'Have NAME at the base URL pay into the wallet; its invoice key alone is used to serve it' 'list' 'List the addresses' 'show' 'Show one address and what it takes' 'remove' 'Forget an address; what it was paid stays on record'
        case 'amani store'
            __amani_say 'show' 'Say where the ledger is and what is in it; --quiet prints the hash of the newest audit entry' 'upgrade' 'Make the ledger'\''s tables, or bring them to this amani'\''s schema; on PostgreSQL nothing else ever does' 'copy' 'Move the whole ledger into another store, either way, and prove that all of it came' 'claims' 'List what processes of all machines are at work on, and what a machine that is gone still holds' 'release' 'Give up what a machine had claimed that will not come back; asks first'
        case 'amani audit'
            __amani_say 'list' 'List the audit log, newest first; --wallet narrows it to one wallet, by the name it had then' 'verify' 'Check that no entry was changed, removed or put in; exit 13 names the first that is wrong'
        case 'amani sandbox'
            __amani_say 'start' 'Start it; the first time LNbits is installed (about 200 MB)' 'stop' 'Stop it; wallets and data stay for the next start' 'status' 'Say whether it runs, and where' 'reset' 'Stop it and delete its wallets and data; what is installed stays' 'fund' 'Put fake sats into a sandbox wallet, or test money into one of Fincra'\''s sandbox'
        case 'amani config'
            __amani_say 'show' 'List every setting with its value and where that came from' 'set' 'Change a setting; a value that can'\''t be right is refused, and a looser rule takes the PIN' 'explain' 'Say what a setting means, what it is, and where that came from' 'path' 'Print the folder and files that amani keeps'
        case 'amani completion'
            __amani_say 'show' 'Print the completion script of a shell' 'install' 'Write the completion script to where the shell looks for it, and say where that is'
    end
end

# The options of the command $argv[1].
function __amani_options
    switch $argv[1]
        case 'amani wallet limit'
            __amani_say '--per-payment' 'Most that one payment may be; off lifts it' '--per-day' 'Most that 24 hours may be; off lifts it' '--approve-above' 'Above this a second person must approve; off lifts it' '--approvals' 'How many must approve' '--approvers' 'Who of the approvers: names, parted by commas; any: whoever there is' '--request' 'File the change, for an approver to sign' '--agent' 'The budget is this agent'\''s (amani mcp)' '--payees' 'With --agent: whom alone it may pay, parted by commas' '--off' 'With --agent: it may spend nothing any more, at once' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani wallet watch'
            __amani_say '--exec' 'Run this with the event as JSON on stdin' '--below' 'End with exit 7 once a wallet holds less' '--every' 'How often to ask where no websocket tells' '--for' 'End with exit 0 after this long, e.g. 10m'
        case 'amani wallet add'
            __amani_say '--url' 'Address of the LNbits, e.g. https://lnbits.example.com' '--key-stdin' 'Read the key from stdin, for the keyring' '--key-file' 'File that holds the key; yours, mode 0600' '--key-command' 'Command that prints the key' '--key-credential' 'systemd credential' '--read-only' 'Never load the paying key' '--insecure-http' 'Allow plain http to this server' '--provider' 'lnbits or fincra' '--live' 'Fincra: real money; without it, the sandbox' '--public-key' 'Fincra: pk_…, to ask for money'
        case 'amani wallet create'
            __amani_say '--url' 'Address of the LNbits, e.g. https://lnbits.example.com' '--key-file' 'Write the key to this new file' '--reference' 'The same one again makes no second wallet'
        case 'amani wallet balance'
            __amani_say '--all' 'Every wallet, with a total' '--max-age' 'Take a cached answer up to this old, e.g. 5s' '--currency' 'Of a fiat wallet, this one alone, e.g. NGN' '--in' 'Also about what it is worth, e.g. USD'
        case 'amani wallet remove'
            __amani_say '--delete-remote' 'Delete it at its server too, if empty'
        case 'amani wallet convert'
            __amani_say '--to' 'The currency to get, e.g. NGN' '--memo' 'A note for your own history; nobody else sees it' '-m' 'A note for your own history; nobody else sees it' '--reference' 'The same one again returns the receipt' '--dry-run' 'Say at what rate; exchange nothing' '-n' 'Say at what rate; exchange nothing' '--request' 'File it for a second person to approve; nothing is sent until '\''amani request run'\''' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani invoice create'
            __amani_say '--description' 'What the payer sees; at most 639 bytes' '--memo' 'What the payer sees; at most 639 bytes' '-m' 'What the payer sees; at most 639 bytes' '--expiry' 'How long it can be paid, e.g. 15m or 24h' '--webhook' 'Address that LNbits calls when it is paid' '--qr' 'Show a QR code on stderr' '--qr-file' 'Write the QR code to a new .png or .svg' '--force' 'Replace a file that is there' '--wait' 'Wait until it is paid' '--reference' 'The same one again returns the same invoice' '--category' 'What the books file it under, e.g. rent' '--name' 'Fincra: the payer'\''s full name' '--email' 'Fincra: the payer'\''s email address' '--virtual-account' 'Fincra: ask for a transfer to one of the business'\'' virtual accounts, by id or number if it has several' '--method' 'Fincra: card, bank_transfer, mobile_money, …'
        case 'amani invoice show'
            __amani_say '--qr' 'Show a QR code on stderr' '--qr-file' 'Write the QR code to a new .png or .svg' '--force' 'Replace a file that is there'
        case 'amani invoice list'
            __amani_say '--status' 'pending, paid or expired' '--limit' 'How many at most' '--after' 'Go on after this hash'
        case 'amani invoice claim'
            __amani_say '--description' 'What the payer sees; at most 639 bytes' '--memo' 'What the payer sees; at most 639 bytes' '-m' 'What the payer sees; at most 639 bytes' '--reference' 'The same one again shows the same invoice' '--wait' 'Wait until the money is here' '--no-wait' 'Wait until the money is here'
        case 'amani pay'
            __amani_say '--max-fee' 'Refuse if the fee may be higher, e.g. 10sat' '--memo' 'A note for your own history; nobody else sees it' '-m' 'A note for your own history; nobody else sees it' '--description' 'Fincra: what the payee sees of it' '--reference' 'The same one again returns the receipt' '--comment' 'A word for the payee, where its server takes one' '--keep' 'With max: leave this much in the wallet' '--max-slippage' 'With fiat: how far the rate may move (1%)' '--accept-change' 'Pay a contact whose server or node changed' '--payer-name' 'Who pays, where the payee'\''s server asks' '--payer-email' 'The same: your email address' '--payer-identifier' 'The same: your Lightning address' '--dry-run' 'Say what would happen; send nothing' '-n' 'Say what would happen; send nothing' '--request' 'File it for a second person to approve; nothing is sent until '\''amani request run'\''' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log' '--category' 'What the books file it under, e.g. rent' '--wait' 'Wait for the outcome of a slow payment' '--no-wait' 'Wait for the outcome of a slow payment' '--to-name' 'Fincra: whose account it must be' '--name-unverified' 'Fincra: pay where nobody can say whose account it is' '--company' 'Fincra: the payee is no person' '--from-currency' 'Fincra: pay out of this currency, at a quote'
        case 'amani cheque create'
            __amani_say '--description' 'What its taker sees, on paper and on a link'\''s page' '--memo' 'What its taker sees, on paper and on a link'\''s page' '-m' 'What its taker sees, on paper and on a link'\''s page' '--expires' 'How long it is good for: 1h to 168h' '--count' 'How many; one code a line' '--outside' 'Set the fee reserve aside too, to be claimed anywhere' '--lnurl' 'An LNURL-withdraw link too, for any phone wallet' '--link' 'A link that anybody can claim by any wallet; see '\''amani serve'\''' '--qr' 'Show a QR code on stderr' '--qr-file' 'Write the QR code to a .png or .svg' '--print' 'Write them to a page, .html or .pdf' '--force' 'Replace a file that is there' '--reference' 'The same one again writes no second one' '--request' 'File it for a second person to approve; nothing is sent until '\''amani request run'\''' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani cheque claim'
            __amani_say '--to' 'A wallet, or a bolt11 over the whole amount'
        case 'amani cheque list'
            __amani_say '--status' 'open, claiming, claimed, void, expired, …' '--limit' 'How many at most'
        case 'amani cheque void'
            __amani_say '--reason' 'Why, for the audit log'
        case 'amani cheque reissue'
            __amani_say '--link' 'A link that anybody can claim by any wallet; see '\''amani serve'\''' '--print' 'Write it to a page, .html or .pdf' '--force' 'Replace a file that is there'
        case 'amani faucet configure'
            __amani_say '--amount' 'What one claim gives' '--cooldown' 'How long a wallet waits between claims' '--daily-cap' 'Most that 24 hours may give' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600'
        case 'amani faucet claim'
            __amani_say '--reference' 'The same one again returns the receipt'
        case 'amani transfer'
            __amani_say '--from' 'The wallet that gives it (or --wallet)' '--memo' 'A note for your own history; nobody else sees it' '-m' 'A note for your own history; nobody else sees it' '--reference' 'The same one again returns the receipt' '--request' 'File it for a second person to approve; nothing is sent until '\''amani request run'\''' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani pin set'
            __amani_say '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--threshold' 'Up to this amount none is asked for' '--always' 'Ask for it at any amount' '--above-threshold' 'Ask for it at any amount'
        case 'amani pin change'
            __amani_say '--pin-stdin' 'Read the old PIN, then the new one, a line each' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--new-pin-file' 'File with the new PIN' '--threshold' 'Up to this amount none is asked for' '--always' 'Ask for it at any amount' '--above-threshold' 'Ask for it at any amount'
        case 'amani pin remove'
            __amani_say '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600'
        case 'amani pin verify'
            __amani_say '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600'
        case 'amani pin reset'
            __amani_say '--key-stdin' 'Read the wallet'\''s Admin key from stdin'
        case 'amani batch plan'
            __amani_say '--output' 'Write the plan to this new file' '-o' 'Write the plan to this new file' '--fiat-wallet' 'The Fincra wallet that banks and phones are paid from' '--offline' 'Don'\''t ask the servers of addresses about the amounts'
        case 'amani batch run'
            __amani_say '--jobs' 'How many at the same time' '--stop-on-failure' 'Begin nothing more after a failure' '--max-slippage' 'With fiat by Lightning: how far the rate may move (1%)' '--request' 'File it for a second person to approve; nothing is sent until '\''amani request run'\''' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani batch results'
            __amani_say '--output' 'Into this file, 0600' '-o' 'Into this file, 0600' '--force' 'Replace a file that is there'
        case 'amani request list'
            __amani_say '--status' 'open, approved, refused, expired, …' '--limit' 'How many at most'
        case 'amani request cancel'
            __amani_say '--reason' 'Why, for the audit log'
        case 'amani request refuse'
            __amani_say '--reason' 'Why, for whoever asked'
        case 'amani request run'
            __amani_say '--approval' 'A signature that came as a file; may be said again' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log' '--wait' 'Wait for the outcome of a slow payment' '--no-wait' 'Wait for the outcome of a slow payment'
        case 'amani approver init'
            __amani_say '--key-file' 'Keep the key in this new file'
        case 'amani approver add'
            __amani_say '--request' 'File it, for an approver to sign; change nothing now' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani approver remove'
            __amani_say '--request' 'File it, for an approver to sign; change nothing now' '--lost' 'Their key is lost, and no one is left to sign: takes a day' '--key-stdin' 'With --lost: read the wallet'\''s Admin key from stdin' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani contact add'
            __amani_say '--currency' 'Fincra: which one a bank account is paid in, to look it up'
        case 'amani mcp'
            __amani_say '--wallet' 'A wallet that the agent may use; may be said again' '-w' 'A wallet that the agent may use; may be said again'
        case 'amani status'
            __amani_say '--watch' 'Keep it on the screen until Ctrl-C' '--every' 'With --watch: how often to look again'
        case 'amani history list'
            __amani_say '--limit' 'How many at most' '--since' 'From this moment on: 2026-08-01, today, 7d' '--until' 'Before this moment' '--status' 'settled (or paid), failed, unknown or reversed' '--direction' 'in or out' '--min' 'This amount or more' '--max' 'This amount or less' '--search' 'Text in memo, reference, destination or wallet, or the beginning of an id, payment hash or node key' '--by' 'What this actor did (--actor, an agent)' '--sync' 'First bring in what others did on the wallets' '--after' 'Go on after this id (the '\''next'\'' of a page)'
        case 'amani history show'
            __amani_say '--print' 'Write an advice for the payee, .html or .pdf, 0600' '--force' 'Replace a file that is there'
        case 'amani history export'
            __amani_say '--format' 'csv, jsonl, ledger or beancount' '--since' 'What settled from this moment on' '--until' 'What settled before this moment' '--month' 'One month, local time: last, this or 2026-08' '--rates' 'CSV (date,currency,rate) for what has no rate' '--output' 'Write to this file instead, 0600' '-o' 'Write to this file instead, 0600' '--force' 'Replace a file that is there' '--opening' 'Begin ledgers with opening balances' '--no-opening' 'Begin ledgers with opening balances'
        case 'amani history chart'
            __amani_say '--since' 'From this moment on; 30 days ago if not said' '--until' 'Before this moment' '--month' 'One month, local time: last, this or 2026-08' '--currency' 'Which one, of a fiat wallet with several' '--output' 'A picture too: .svg or .png' '-o' 'A picture too: .svg or .png' '--force' 'Replace a file that is there'
        case 'amani reconcile'
            __amani_say '--older-than' 'Leave younger ones alone, e.g. 10m' '--books' 'Compare records and balances as well' '--no-books' 'Compare records and balances as well' '--resume' 'Go on with this payment, if it never arrived; asks like pay' '--resolve' 'Give up a held wallet or a cheque that can never be asked again' '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
        case 'amani metrics'
            __amani_say '--output' 'Write to this file, in one step' '-o' 'Write to this file, in one step' '--mode' 'Who may read the file, in octal: node_exporter must'
        case 'amani backup create'
            __amani_say '--with-keys' 'Put keys, PIN peppers and logins in as well' '--keys-only' 'Only what is on this machine, keys and settings: for a ledger on a server' '--passphrase-file' 'File that holds it; yours, 0600' '--passphrase-command' 'Command that prints it'
        case 'amani backup verify'
            __amani_say '--passphrase-file' 'File that holds it; yours, 0600' '--passphrase-command' 'Command that prints it'
        case 'amani backup restore'
            __amani_say '--key-folder' 'Restore all keys as files here' '--keys-only' 'Bring the keys of another machine of the same ledger to this one' '--passphrase-file' 'File that holds it; yours, 0600' '--passphrase-command' 'Command that prints it'
        case 'amani trace'
            __amani_say '--redacted' 'Without names, memos and addresses, to pass on'
        case 'amani watch'
            __amani_say '--exec' 'Run this with the event as JSON on stdin' '--below' 'End with exit 7 once a wallet holds less' '--every' 'How often to ask where no websocket tells' '--for' 'End with exit 0 after this long, e.g. 10m'
        case 'amani webhook listen'
            __amani_say '--host' 'Address to listen on; leave it, and put a proxy before it' '--port' 'Port; 0 takes a free one' '--fincra-secret-file' 'File with Fincra'\''s webhook secret; yours, 0600' '--fincra-secret-command' 'Command that prints it' '--exec' 'Run this with the event as JSON on stdin'
        case 'amani address add'
            __amani_say '--min' 'The least that it takes' '--max' 'The most that it takes' '--comment' 'How long a payer'\''s comment may be; 0 takes none'
        case 'amani serve'
            __amani_say '--base-url' 'Where it is reached from outside; else the setting' '--listen' 'Where it listens' '--behind-proxy' 'A proxy with TLS stands before it, and tells who asks (X-Forwarded-For)' '--as-root' 'Run as root all the same'
        case 'amani close'
            __amani_say '--month' 'The month, local time: last, 2026-08, or this (a preview)' '--accept' 'Take today'\''s figures for a month closed with others' '--reason' 'Why, for the audit log'
        case 'amani store copy'
            __amani_say '--to' 'An empty store: postgresql://…, sqlite (this machine'\''s own file) or sqlite:PATH' '--undo' 'Let the old one go on, while nothing was done with the copy'
        case 'amani store release'
            __amani_say '--reason' 'Why, for the audit log'
        case 'amani audit list'
            __amani_say '--limit' 'How many at most' '--since' 'From this moment on: 2026-08-01, today, 7d' '--until' 'Before this moment' '--what' 'Only this: pay, pin, '\''pin set'\'', limit, key, login…' '--by' 'What this actor or OS user did' '--after' 'Go on after this number (the '\''next'\'' of a page)'
        case 'amani audit verify'
            __amani_say '--head' 'A hash noted earlier that must be in the log'
        case 'amani login'
            __amani_say '--username' 'User name there' '-u' 'User name there' '--password-stdin' 'Read the password from stdin'
        case 'amani sandbox start'
            __amani_say '--port' 'The port to listen on' '--outside' 'A second LNbits too, to pay from one server to another'
        case 'amani config set'
            __amani_say '--pin-stdin' 'Read the PIN from stdin' '--pin-file' 'File that holds the PIN; yours, mode 0600' '--reason' 'Why, for the audit log'
    end
    __amani_say '--version' 'Print the version' '--help' 'Show this message and exit' '-h' 'Show this message and exit' '--wallet' 'The wallet to use (AMANI_WALLET)' '-w' 'The wallet to use (AMANI_WALLET)' '--json' 'One JSON document on stdout' '--quiet' 'Print just the one value a script wants' '-q' 'Print just the one value a script wants' '--yes' 'Answer questions with yes; no rule is skipped' '-y' 'Answer questions with yes; no rule is skipped' '--no-input' 'Never ask; fail where a question would be due' '--timeout' 'How long to wait for a provider, e.g. 30s' '--verbose' 'Say more on stderr (-vv: still more)' '-v' 'Say more on stderr (-vv: still more)' '--log-json' 'Log lines on stderr as JSON (AMANI_LOG=FILE keeps a file of them)' '--color' 'auto, always or never' '--no-pager' 'Show long lists as they are, not through $PAGER' '--actor' 'Who is behind this call, for audit and limits (AMANI_ACTOR)' '--lock-wait' 'How long to wait for another amani'\''s lock' '--debug' 'Show a traceback if amani itself fails'
end

# Those of its options that take a value.
function __amani_valued
    string split ' ' -- '--wallet -w --timeout --color --actor --lock-wait'
    switch $argv[1]
        case 'amani wallet limit'
            string split ' ' -- '--per-payment --per-day --approve-above --approvals --approvers --agent --payees --pin-file --reason'
        case 'amani wallet watch'
            string split ' ' -- '--exec --below --every --for'
        case 'amani wallet add'
            string split ' ' -- '--url --key-file --key-command --key-credential --provider --public-key'
        case 'amani wallet create'
            string split ' ' -- '--url --key-file --reference'
        case 'amani wallet balance'
            string split ' ' -- '--max-age --currency --in'
        case 'amani wallet convert'
            string split ' ' -- '--to --memo -m --reference --pin-file --reason'
        case 'amani invoice create'
            string split ' ' -- '--description --memo -m --expiry --webhook --qr-file --reference --category --name --email --virtual-account --method'
        case 'amani invoice show'
            string split ' ' -- '--qr-file'
        case 'amani invoice list'
            string split ' ' -- '--status --limit --after'
        case 'amani invoice claim'
            string split ' ' -- '--description --memo -m --reference'
        case 'amani pay'
            string split ' ' -- '--max-fee --memo -m --description --reference --comment --keep --max-slippage --payer-name --payer-email --payer-identifier --pin-file --reason --category --to-name --from-currency'
        case 'amani cheque create'
            string split ' ' -- '--description --memo -m --expires --count --qr-file --print --reference --pin-file --reason'
        case 'amani cheque claim'
            string split ' ' -- '--to'
        case 'amani cheque list'
            string split ' ' -- '--status --limit'
        case 'amani cheque void'
            string split ' ' -- '--reason'
        case 'amani cheque reissue'
            string split ' ' -- '--print'
        case 'amani faucet configure'
            string split ' ' -- '--amount --cooldown --daily-cap --pin-file'
        case 'amani faucet claim'
            string split ' ' -- '--reference'
        case 'amani transfer'
            string split ' ' -- '--from --memo -m --reference --pin-file --reason'
        case 'amani pin set'
            string split ' ' -- '--pin-file --threshold'
        case 'amani pin change'
            string split ' ' -- '--pin-file --new-pin-file --threshold'
        case 'amani pin remove'
            string split ' ' -- '--pin-file'
        case 'amani pin verify'
            string split ' ' -- '--pin-file'
        case 'amani batch plan'
            string split ' ' -- '--output -o --fiat-wallet'
        case 'amani batch run'
            string split ' ' -- '--jobs --max-slippage --pin-file --reason'
        case 'amani batch results'
            string split ' ' -- '--output -o'
        case 'amani request list'
            string split ' ' -- '--status --limit'
        case 'amani request cancel'
            string split ' ' -- '--reason'
        case 'amani request refuse'
            string split ' ' -- '--reason'
        case 'amani request run'
            string split ' ' -- '--approval --pin-file --reason'
        case 'amani approver init'
            string split ' ' -- '--key-file'
        case 'amani approver add'
            string split ' ' -- '--pin-file --reason'
        case 'amani approver remove'
            string split ' ' -- '--pin-file --reason'
        case 'amani contact add'
            string split ' ' -- '--currency'
        case 'amani mcp'
            string split ' ' -- '--wallet -w'
        case 'amani status'
            string split ' ' -- '--every'
        case 'amani history list'
            string split ' ' -- '--limit --since --until --status --direction --min --max --search --by --after'
        case 'amani history show'
            string split ' ' -- '--print'
        case 'amani history export'
            string split ' ' -- '--format --since --until --month --rates --output -o'
        case 'amani history chart'
            string split ' ' -- '--since --until --month --currency --output -o'
        case 'amani reconcile'
            string split ' ' -- '--older-than --resume --resolve --pin-file --reason'
        case 'amani metrics'
            string split ' ' -- '--output -o --mode'
        case 'amani backup create'
            string split ' ' -- '--passphrase-file --passphrase-command'
        case 'amani backup verify'
            string split ' ' -- '--passphrase-file --passphrase-command'
        case 'amani backup restore'
            string split ' ' -- '--key-folder --passphrase-file --passphrase-command'
        case 'amani watch'
            string split ' ' -- '--exec --below --every --for'
        case 'amani webhook listen'
            string split ' ' -- '--host --port --fincra-secret-file --fincra-secret-command --exec'
        case 'amani address add'
            string split ' ' -- '--min --max --comment'
        case 'amani serve'
            string split ' ' -- '--base-url --listen'
        case 'amani close'
            string split ' ' -- '--month --reason'
        case 'amani store copy'
            string split ' ' -- '--to'
        case 'amani store release'
            string split ' ' -- '--reason'
        case 'amani audit list'
            string split ' ' -- '--limit --since --until --what --by --after'
        case 'amani audit verify'
            string split ' ' -- '--head'
        case 'amani login'
            string split ' ' -- '--username -u'
        case 'amani sandbox start'
            string split ' ' -- '--port'
        case 'amani config set'
            string split ' ' -- '--pin-file --reason'
    end
end

# What may stand for the option or argument $argv[2] of the command $argv[1], each with $argv[3] before it.
function __amani_source
    switch "$argv[1] $argv[2]"
        case '* --wallet' '* -w' 'amani wallet limit 1' 'amani wallet watch 1' 'amani wallet watch 2' 'amani wallet watch 3' 'amani wallet watch 4' 'amani wallet watch 5' 'amani wallet watch 6' 'amani wallet watch 7' 'amani wallet watch 8' 'amani wallet watch 9' 'amani wallet show 1' 'amani wallet balance 1' 'amani wallet balance 2' 'amani wallet balance 3' 'amani wallet balance 4' 'amani wallet balance 5' 'amani wallet balance 6' 'amani wallet balance 7' 'amani wallet balance 8' 'amani wallet balance 9' 'amani wallet use 1' 'amani wallet rename 1' 'amani wallet remove 1' 'amani wallet rotate-keys 1' 'amani cheque claim --to' 'amani transfer --from' 'amani transfer 1' 'amani batch plan --fiat-wallet' 'amani mcp --wallet' 'amani mcp -w' 'amani watch 1' 'amani watch 2' 'amani watch 3' 'amani watch 4' 'amani watch 5' 'amani watch 6' 'amani watch 7' 'amani watch 8' 'amani watch 9' 'amani sandbox fund 1'
            __amani_names $argv[3] wallets
        case '* --color'
            __amani_words $argv[3] auto always never
        case 'amani wallet limit --pin-file' 'amani wallet add --key-file' 'amani wallet create --key-file' 'amani wallet convert --pin-file' 'amani invoice create --qr-file' 'amani invoice show --qr-file' 'amani pay --pin-file' 'amani cheque create --qr-file' 'amani cheque create --print' 'amani cheque create --pin-file' 'amani cheque reissue --print' 'amani faucet configure --pin-file' 'amani transfer --pin-file' 'amani pin set --pin-file' 'amani pin change --pin-file' 'amani pin change --new-pin-file' 'amani pin remove --pin-file' 'amani pin verify --pin-file' 'amani batch plan --output' 'amani batch plan -o' 'amani batch plan 1' 'amani batch run --pin-file' 'amani batch run 1' 'amani batch status 1' 'amani batch results --output' 'amani batch results -o' 'amani batch results 1' 'amani request run --approval' 'amani request run --pin-file' 'amani approver init --key-file' 'amani approver add --pin-file' 'amani approver remove --pin-file' 'amani history show --print' 'amani history export --rates' 'amani history export --output' 'amani history export -o' 'amani history chart --output' 'amani history chart -o' 'amani reconcile --pin-file' 'amani metrics --output' 'amani metrics -o' 'amani backup create --passphrase-file' 'amani backup create 1' 'amani backup verify --passphrase-file' 'amani backup verify 1' 'amani backup restore --key-folder' 'amani backup restore --passphrase-file' 'amani backup restore 1' 'amani webhook listen --fincra-secret-file' 'amani config set --pin-file'
            __amani_files $argv[3]
        case 'amani wallet add --provider'
            __amani_words $argv[3] lnbits fincra
        case 'amani invoice list --status'
            __amani_words $argv[3] pending paid expired
        case 'amani pay 1' 'amani contact show 1' 'amani contact remove 1'
            __amani_names $argv[3] contacts
        case 'amani cheque list --status'
            __amani_words $argv[3] open claiming claimed void expired
        case 'amani cheque show 1' 'amani cheque void 1' 'amani cheque reissue 1'
            __amani_names $argv[3] cheques
        case 'amani request list --status'
            __amani_words $argv[3] open approved refused expired cancelled running settled
        case 'amani history list --status'
            __amani_words $argv[3] settled failed unknown reversed
        case 'amani history list --direction'
            __amani_words $argv[3] in out
        case 'amani history export --format'
            __amani_words $argv[3] csv jsonl ledger beancount
        case 'amani history export --month'
            __amani_words $argv[3] last this
        case 'amani close --month'
            __amani_words $argv[3] last
        case 'amani config set 1' 'amani config explain 1'
            __amani_words $argv[3] default_url timeout expiry network limit.invoice limit.check limit.cheque limit.transfer limit.visitor limit.serve cheque_count key_max_age pin_reset_delay books_currency payer.name payer.email payer.identifier base_url store store_password_command color
        case 'amani completion show 1' 'amani completion install 1'
            __amani_words $argv[3] bash zsh fish
        case 'amani explain 1'
            __amani_words $argv[3] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 130 141 143 BUG USAGE NOT_AUTHORISED NOT_FOUND NOT_CONFIRMED REJECTED INSUFFICIENT_FUNDS OUTCOME_UNKNOWN REFUSED_BY_POLICY UNREACHABLE PARTLY_DONE LOCKED BOOKS_DIFFER INTERRUPTED TERMINATED BAD_TEXT AMBIGUOUS AMBIGUOUS_WALLET AMOUNTLESS AMOUNT_DIFFERS BAD_AMOUNT BAD_CATEGORY BAD_RATES BAD_DATE BAD_DURATION BAD_HASH BAD_INVOICE BAD_MEMO BAD_NAME BAD_QR BAD_URL CANT_WRITE FILE_EXISTS INSECURE_HTTP KEY_IN_ARGUMENT NO_SUCH_SETTING WRONG_NETWORK WRONG_PROVIDER BAD_SETTINGS ENV_WALLET NAME_TAKEN NO_ADDRESS NO_SUCH_INVOICE NO_SUCH_WALLET MONEY_EXPECTED NOT_EMPTY OPEN_OUTCOMES ID_OF_ANOTHER SHARED_WALLET SANDBOX_DEFAULT WALLET_KNOWN BAD_KEY INVOICE_KEY KEYRING KEYRING_LOCKED KEY_COMMAND KEY_CREDENTIAL KEY_FILE KEY_REFUSED KEY_SOURCE_READ_ONLY LOGIN_LOCKED LOGIN_NEEDED OTHER_LOGIN NO_KEY NO_KEYRING NO_LOGIN READ_ONLY_WALLET TOO_OLD TOKEN_EXPIRED WRONG_KEY WRONG_PASSWORD BAD_STORE PASSWORD_IN_ADDRESS NO_STORE_PASSWORD INSECURE_STORE NO_DRIVER NO_LEDGER OLDER_DATABASE LEDGER_AWAY LEDGER_REFUSED LEDGER_UNTRUSTED LEDGER_READ_ONLY LEDGER_ELSEWHERE LEDGER_MOVED STORE_NOT_EMPTY COPY_DIFFERS NO_KEY_HERE INVOICE_EXPIRED BAD_ZONE STILL_PENDING MAX_FEE NOT_SENT PAID_BY_ANOTHER REFERENCE_TAKEN BAD_DESTINATION BAD_LNURL BAD_COMMENT NO_AMOUNT AMOUNT_OUT_OF_RANGE NOT_PAY NOT_WITHDRAW BAD_ROWS BAD_PLAN CANT_READ WRONG_WALLET USED_UP NO_SUCH_CONTACT PAYEE_CHANGED NO_RATE SLIPPAGE NOTHING_LEFT LNURL_CHANNEL WITHDRAW_OPEN LNURL_REFUSED LNURL_BROKEN NOT_LNURL OTHER_PAYEE WRONG_INVOICE BAD_PAYER_DATA PAYER_DATA_NEEDED PAYER_DATA_UNKNOWN PRIVATE_ADDRESS NOT_THIS_MACHINE NEEDS_TOR BAD_CURRENCY NO_SUCH_BANK BAD_ACCOUNT BAD_PHONE NAME_UNRESOLVED NO_ADVICE NO_VIRTUAL_ACCOUNT WHICH_ACCOUNT NO_SWIFT_CODE REVERSED NAME_MISMATCH NAME_UNVERIFIED WRONG_CURRENCY LIVE_WALLET BAD_EMAIL UNDERPAID QUOTE_EXPIRED VALIDATION_FAILED UNPROCESSABLE_ENTITY RESOURCE_NOT_FOUND INVALID_CURRENCY_PAIR INVALID_QUOTE QUOTE_NOT_GENERATED INVALID_QUOTE_REFERENCE QUOTE_NOT_FOUND WALLET_NOT_FOUND CURRENCY_NOT_FOUND POST_FUNDING_LIMIT_EXCEEDED ACCESS_DENIED OPERATION_FORBIDDEN NO_HOME NOT_THE_SAME BAD_PIN WEAK_PIN NO_PIN WRONG_PIN PIN_LOCKED PIN_NEEDED NEEDS_APPROVAL NO_SUCH_REQUEST REQUEST_CLOSED REQUEST_EXPIRED REQUEST_EDITED NOT_AS_REQUESTED BAD_REQUEST BAD_APPROVAL WRONG_APPROVAL OTHER_LEDGER OWN_REQUEST NOT_AN_APPROVER NOT_YOURS TOO_EARLY BAD_APPROVER_KEY NO_APPROVER_KEY APPROVER_SET NO_SUCH_APPROVER TOO_FEW_APPROVERS NO_LINE AGENT_LIMIT NO_SUCH_AGENT PLAN_EXPIRED NO_SUCH_PLAN NO_MCP PIN_SET NO_PEPPER RATE_LIMIT BEYOND_AGREED BUDGET SAME_WALLET IS_FAUCET NO_FAUCET COOL_DOWN DAILY_CAP BAD_CHEQUE BAD_PRINT NO_PDF NEWER_CHEQUE ODD_KEYS COUNT CHEQUE_CLAIMED CHEQUE_CLAIMING BAD_ADDRESS NOT_REGISTERED NO_SUCH_ADDRESS HAS_ADDRESS NO_BASE_URL NO_RESERVE SERVED_ELSEWHERE BAD_LISTEN PUBLIC_LISTEN AS_ROOT NO_SERVE CHEQUE_EXPIRED GIVEN_UP CHEQUE_VOID CHEQUES_OUTSTANDING NOT_OPEN OWN_CHEQUE TOO_SMALL NO_WITHDRAW_EXTENSION UNSAFE_SERVER IP_NOT_ALLOWED NO_PUBLIC_KEY NOT_FINCRA NO_SUCH_CURRENCY WRONG_ENVIRONMENT BAD_PATH BAD_CERTIFICATES BAD_PROXY PROXY CONNECTION_REFUSED DNS FIRST_INSTALL LINE_CUT NOT_LNBITS LOG_TOO_SHORT ODD_ANSWER RATE_LIMITED REDIRECT SERVER_ERROR TIMEOUT TLS BAD_DATABASE NOT_PRIVATE DATABASE_UNUSABLE DISK_FULL NEWER_DATABASE NO_PILLOW BAD_BACKUP NEWER_BACKUP NEWER_DATA NOT_LOST RECONCILE_FIRST WEAK_PASSPHRASE WRONG_PASSPHRASE INSTALL_FAILED NO_PYTHON PORT_TAKEN SANDBOX_DOWN START_FAILED
    end
end

function __amani_say
    printf '%s\t%s\n' $argv
end

function __amani_words
    printf '%s\n' $argv[1]$argv[2..]
end

function __amani_names
    set -l typed (commandline -opc)
    set -l names ($typed[1] completion values $argv[2] 2>/dev/null </dev/null)
    printf '%s\n' $argv[1]$names
end

function __amani_files
    set -l found (__fish_complete_path (string replace -r '^--[^=]*=' '' -- (commandline -ct)))
    printf '%s\n' $argv[1]$found
end

function __amani
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l path amani
    set -l at 1
    set -l option
    set -l ended
    for word in $words[2..]
        if set -q option[1]
            set option
        else if set -q ended[1]
            set at (math $at + 1)
        else if test "$word" = --
            set ended 1
        else if string match -q -- '-*' $word
            contains -- $word (__amani_valued $path); and set option $word
        else if contains -- $word (__amani_commands $path | string replace -r '\t.*' '')
            set path "$path $word"
        else
            set at (math $at + 1)
        end
    end
    set -l commands (__amani_commands $path)
    if set -q option[1]
        __amani_source $path $option ''
    else if not set -q ended[1]; and string match -q -- '--*=*' $current
        set option (string split -m 1 = -- $current)[1]
        __amani_source $path $option "$option="
    else if not set -q ended[1]; and string match -q -- '-*' $current
        __amani_options $path
    else if set -q commands[1]
        printf '%s\n' $commands
    else
        __amani_source $path $at ''
    end
end

complete -c amani -e
complete -c amani -f -a '(__amani)'
