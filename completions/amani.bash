# bash completion for amani, from 3.2 on. Made by `amani completion show bash`; do not edit.
# Words and options stand in the tables below; only names are asked of amani itself.

# What the command $1 takes: its commands, its options, and those of them that take a value.
_amani_takes() {
    case $1 in
    'amani') commands='wallet invoice pay cheque faucet transfer pin batch request approver contact mcp status history reconcile metrics backup trace watch webhook address serve close store audit login logout sandbox doctor config completion schema explain' options='' valued='' ;;
    'amani wallet') commands='limit watch add create list show balance use rename remove rotate-keys convert' options='' valued='' ;;
    'amani wallet limit') commands='' options='--per-payment --per-day --approve-above --approvals --approvers --request --agent --payees --off --pin-stdin --pin-file --reason' valued='--per-payment --per-day --approve-above --approvals --approvers --agent --payees --pin-file --reason' ;;
    'amani wallet watch') commands='' options='--exec --below --every --for' valued='--exec --below --every --for' ;;
    'amani wallet add') commands='' options='--url --key-stdin --key-file --key-command --key-credential --read-only --insecure-http --provider --live --public-key' valued='--url --key-file --key-command --key-credential --provider --public-key' ;;
    'amani wallet create') commands='' options='--url --key-file --reference' valued='--url --key-file --reference' ;;
    'amani wallet list') commands='' options='' valued='' ;;
    'amani wallet show') commands='' options='' valued='' ;;
    'amani wallet balance') commands='' options='--all --max-age --currency --in' valued='--max-age --currency --in' ;;
    'amani wallet use') commands='' options='' valued='' ;;
    'amani wallet rename') commands='' options='' valued='' ;;
    'amani wallet remove') commands='' options='--delete-remote' valued='' ;;
    'amani wallet rotate-keys') commands='' options='' valued='' ;;
    'amani wallet convert') commands='' options='--to --memo -m --reference --dry-run -n --request --pin-stdin --pin-file --reason' valued='--to --memo -m --reference --pin-file --reason' ;;
    'amani invoice') commands='create show check wait list decode claim' options='' valued='' ;;
    'amani invoice create') commands='' options='--description --memo -m --expiry --webhook --qr --qr-file --force --wait --reference --category --name --email --virtual-account --method' valued='--description --memo -m --expiry --webhook --qr-file --reference --category --name --email --virtual-account --method' ;;
    'amani invoice show') commands='' options='--qr --qr-file --force' valued='--qr-file' ;;
    'amani invoice check') commands='' options='' valued='' ;;
    'amani invoice wait') commands='' options='' valued='' ;;
    'amani invoice list') commands='' options='--status --limit --after' valued='--status --limit --after' ;;
    'amani invoice decode') commands='' options='' valued='' ;;
    'amani invoice claim') commands='' options='--description --memo -m --reference --wait --no-wait' valued='--description --memo -m --reference' ;;
    'amani pay') commands='' options='--max-fee --memo -m --description --reference --comment --keep --max-slippage --accept-change --payer-name --payer-email --payer-identifier --dry-run -n --request --pin-stdin --pin-file --reason --category --wait --no-wait --to-name --name-unverified --company --from-currency' valued='--max-fee --memo -m --description --reference --comment --keep --max-slippage --payer-name --payer-email --payer-identifier --pin-file --reason --category --to-name --from-currency' ;;
    'amani cheque') commands='create claim list show void sweep reissue' options='' valued='' ;;
    'amani cheque create') commands='' options='--description --memo -m --expires --count --outside --lnurl --link --qr --qr-file --print --force --reference --request --pin-stdin --pin-file --reason' valued='--description --memo -m --expires --count --qr-file --print --reference --pin-file --reason' ;;
    'amani cheque claim') commands='' options='--to' valued='--to' ;;
    'amani cheque list') commands='' options='--status --limit' valued='--status --limit' ;;
    'amani cheque show') commands='' options='' valued='' ;;
    'amani cheque void') commands='' options='--reason' valued='--reason' ;;
    'amani cheque sweep') commands='' options='' valued='' ;;
    'amani cheque reissue') commands='' options='--link --print --force' valued='--print' ;;
    'amani faucet') commands='configure claim status' options='' valued='' ;;
    'amani faucet configure') commands='' options='--amount --cooldown --daily-cap --pin-stdin --pin-file' valued='--amount --cooldown --daily-cap --pin-file' ;;
    'amani faucet claim') commands='' options='--reference' valued='--reference' ;;
    'amani faucet status') commands='' options='' valued='' ;;
    'amani transfer') commands='' options='--from --memo -m --reference --request --pin-stdin --pin-file --reason' valued='--from --memo -m --reference --pin-file --reason' ;;
    'amani pin') commands='set change remove verify status reset' options='' valued='' ;;
    'amani pin set') commands='' options='--pin-stdin --pin-file --threshold --always --above-threshold' valued='--pin-file --threshold' ;;
    'amani pin change') commands='' options='--pin-stdin --pin-file --new-pin-file --threshold --always --above-threshold' valued='--pin-file --new-pin-file --threshold' ;;
    'amani pin remove') commands='' options='--pin-stdin --pin-file' valued='--pin-file' ;;
    'amani pin verify') commands='' options='--pin-stdin --pin-file' valued='--pin-file' ;;
    'amani pin status') commands='' options='' valued='' ;;
    'amani pin reset') commands='' options='--key-stdin' valued='' ;;
    'amani batch') commands='plan run status results' options='' valued='' ;;
    'amani batch plan') commands='' options='--output -o --fiat-wallet --offline' valued='--output -o --fiat-wallet' ;;
    'amani batch run') commands='' options='--jobs --stop-on-failure --max-slippage --request --pin-stdin --pin-file --reason' valued='--jobs --max-slippage --pin-file --reason' ;;
    'amani batch status') commands='' options='' valued='' ;;
    'amani batch results') commands='' options='--output -o --force' valued='--output -o' ;;
    'amani request') commands='list show cancel approve refuse export run' options='' valued='' ;;
    'amani request list') commands='' options='--status --limit' valued='--status --limit' ;;
    'amani request show') commands='' options='' valued='' ;;
    'amani request cancel') commands='' options='--reason' valued='--reason' ;;
    'amani request approve') commands='' options='' valued='' ;;
    'amani request refuse') commands='' options='--reason' valued='--reason' ;;
    'amani request export') commands='' options='' valued='' ;;
    'amani request run') commands='' options='--approval --pin-stdin --pin-file --reason --wait --no-wait' valued='--approval --pin-file --reason' ;;
    'amani approver') commands='init show add list remove' options='' valued='' ;;
    'amani approver init') commands='' options='--key-file' valued='--key-file' ;;
    'amani approver show') commands='' options='' valued='' ;;
    'amani approver add') commands='' options='--request --pin-stdin --pin-file --reason' valued='--pin-file --reason' ;;
    'amani approver list') commands='' options='' valued='' ;;
    'amani approver remove') commands='' options='--request --lost --key-stdin --pin-stdin --pin-file --reason' valued='--pin-file --reason' ;;
    'amani contact') commands='add list show remove banks' options='' valued='' ;;
    'amani contact add') commands='' options='--currency' valued='--currency' ;;
    'amani contact list') commands='' options='' valued='' ;;
    'amani contact show') commands='' options='' valued='' ;;
    'amani contact remove') commands='' options='' valued='' ;;
    'amani contact banks') commands='' options='' valued='' ;;
    'amani mcp') commands='' options='--wallet -w' valued='--wallet -w' ;;
    'amani status') commands='' options='--watch --every' valued='--every' ;;
    'amani history') commands='list show sync export chart' options='' valued='' ;;
    'amani history list') commands='' options='--limit --since --until --status --direction --min --max --search --by --sync --after' valued='--limit --since --until --status --direction --min --max --search --by --after' ;;
    'amani history show') commands='' options='--print --force' valued='--print' ;;
    'amani history sync') commands='' options='' valued='' ;;
    'amani history export') commands='' options='--format --since --until --month --rates --output -o --force --opening --no-opening' valued='--format --since --until --month --rates --output -o' ;;
    'amani history chart') commands='' options='--since --until --month --currency --output -o --force' valued='--since --until --month --currency --output -o' ;;
    'amani reconcile') commands='' options='--older-than --books --no-books --resume --resolve --pin-stdin --pin-file --reason' valued='--older-than --resume --resolve --pin-file --reason' ;;
    'amani metrics') commands='' options='--output -o --mode' valued='--output -o --mode' ;;
    'amani backup') commands='create verify restore' options='' valued='' ;;
    'amani backup create') commands='' options='--with-keys --keys-only --passphrase-file --passphrase-command' valued='--passphrase-file --passphrase-command' ;;
    'amani backup verify') commands='' options='--passphrase-file --passphrase-command' valued='--passphrase-file --passphrase-command' ;;
    'amani backup restore') commands='' options='--key-folder --keys-only --passphrase-file --passphrase-command' valued='--key-folder --passphrase-file --passphrase-command' ;;
    'amani trace') commands='' options='--redacted' valued='' ;;
    'amani watch') commands='' options='--exec --below --every --for' valued='--exec --below --every --for' ;;
    'amani webhook') commands='listen' options='' valued='' ;;
    'amani webhook listen') commands='' options='--host --port --fincra-secret-file --fincra-secret-command --exec' valued='--host --port --fincra-secret-file --fincra-secret-command --exec' ;;
    'amani address') commands='add list show remove' options='' valued='' ;;
    'amani address add') commands='' options='--min --max --comment' valued='--min --max --comment' ;;
    'amani address list') commands='' options='' valued='' ;;
    'amani address show') commands='' options='' valued='' ;;
    'amani address remove') commands='' options='' valued='' ;;
    'amani serve') commands='' options='--base-url --listen --behind-proxy --as-root' valued='--base-url --listen' ;;
    'amani close') commands='' options='--month --accept --reason' valued='--month --reason' ;;
    'amani store') commands='show upgrade copy claims release' options='' valued='' ;;
    'amani store show') commands='' options='' valued='' ;;
    'amani store upgrade') commands='' options='' valued='' ;;
    'amani store copy') commands='' options='--to --undo' valued='--to' ;;
    'amani store claims') commands='' options='' valued='' ;;
    'amani store release') commands='' options='--reason' valued='--reason' ;;
    'amani audit') commands='list verify' options='' valued='' ;;
    'amani audit list') commands='' options='--limit --since --until --what --by --after' valued='--limit --since --until --what --by --after' ;;
    'amani audit verify') commands='' options='--head' valued='--head' ;;
    'amani login') commands='' options='--username -u --password-stdin' valued='--username -u' ;;
    'amani logout') commands='' options='' valued='' ;;
    'amani sandbox') commands='start stop status reset fund' options='' valued='' ;;
    'amani sandbox start') commands='' options='--port --outside' valued='--port' ;;
    'amani sandbox stop') commands='' options='' valued='' ;;
    'amani sandbox status') commands='' options='' valued='' ;;
    'amani sandbox reset') commands='' options='' valued='' ;;
    'amani sandbox fund') commands='' options='' valued='' ;;
    'amani doctor') commands='' options='' valued='' ;;
    'amani config') commands='show set explain path' options='' valued='' ;;
    'amani config show') commands='' options='' valued='' ;;
    'amani config set') commands='' options='--pin-stdin --pin-file --reason' valued='--pin-file --reason' ;;
    'amani config explain') commands='' options='' valued='' ;;
    'amani config path') commands='' options='' valued='' ;;
    'amani completion') commands='show install' options='' valued='' ;;
    'amani completion show') commands='' options='' valued='' ;;
    'amani completion install') commands='' options='' valued='' ;;
    'amani schema') commands='' options='' valued='' ;;
    'amani explain') commands='' options='' valued='' ;;
    *) commands='' options='' valued='' ;;
    esac
    options="$options --version --help -h --wallet -w --json --quiet -q --yes -y --no-input --timeout --verbose -v --log-json --color --no-pager --actor --lock-wait --debug"
    valued="$valued --wallet -w --timeout --color --actor --lock-wait"
}

# What may stand for the option or argument $2 of the command $1: words, names or files.
_amani_source() {
    case "$1 $2" in
    *\ --wallet | *\ -w | amani\ wallet\ limit\ 1 | amani\ wallet\ watch\ [0-9]* | amani\ wallet\ show\ 1 | amani\ wallet\ balance\ [0-9]* | amani\ wallet\ use\ 1 | amani\ wallet\ rename\ 1 | amani\ wallet\ remove\ 1 | amani\ wallet\ rotate-keys\ 1 | amani\ cheque\ claim\ --to | amani\ transfer\ --from | amani\ transfer\ 1 | amani\ batch\ plan\ --fiat-wallet | amani\ mcp\ --wallet | amani\ mcp\ -w | amani\ watch\ [0-9]* | amani\ sandbox\ fund\ 1) names=wallets ;;
    *\ --color) words='auto always never' ;;
    amani\ wallet\ limit\ --pin-file | amani\ wallet\ add\ --key-file | amani\ wallet\ create\ --key-file | amani\ wallet\ convert\ --pin-file | amani\ invoice\ create\ --qr-file | amani\ invoice\ show\ --qr-file | amani\ pay\ --pin-file | amani\ cheque\ create\ --qr-file | amani\ cheque\ create\ --print | amani\ cheque\ create\ --pin-file | amani\ cheque\ reissue\ --print | amani\ faucet\ configure\ --pin-file | amani\ transfer\ --pin-file | amani\ pin\ set\ --pin-file | amani\ pin\ change\ --pin-file | amani\ pin\ change\ --new-pin-file | amani\ pin\ remove\ --pin-file | amani\ pin\ verify\ --pin-file | amani\ batch\ plan\ --output | amani\ batch\ plan\ -o | amani\ batch\ plan\ 1 | amani\ batch\ run\ --pin-file | amani\ batch\ run\ 1 | amani\ batch\ status\ 1 | amani\ batch\ results\ --output | amani\ batch\ results\ -o | amani\ batch\ results\ 1 | amani\ request\ run\ --approval | amani\ request\ run\ --pin-file | amani\ approver\ init\ --key-file | amani\ approver\ add\ --pin-file | amani\ approver\ remove\ --pin-file | amani\ history\ show\ --print | amani\ history\ export\ --rates | amani\ history\ export\ --output | amani\ history\ export\ -o | amani\ history\ chart\ --output | amani\ history\ chart\ -o | amani\ reconcile\ --pin-file | amani\ metrics\ --output | amani\ metrics\ -o | amani\ backup\ create\ --passphrase-file | amani\ backup\ create\ 1 | amani\ backup\ verify\ --passphrase-file | amani\ backup\ verify\ 1 | amani\ backup\ restore\ --key-folder | amani\ backup\ restore\ --passphrase-file | amani\ backup\ restore\ 1 | amani\ webhook\ listen\ --fincra-secret-file | amani\ config\ set\ --pin-file) files=1 ;;
    amani\ wallet\ add\ --provider) words='lnbits fincra' ;;
    amani\ invoice\ list\ --status) words='pending paid expired' ;;
    amani\ pay\ 1 | amani\ contact\ show\ 1 | amani\ contact\ remove\ 1) names=contacts ;;
    amani\ cheque\ list\ --status) words='open claiming claimed void expired' ;;
    amani\ cheque\ show\ 1 | amani\ cheque\ void\ 1 | amani\ cheque\ reissue\ 1) names=cheques ;;
    amani\ request\ list\ --status) words='open approved refused expired cancelled running settled' ;;
    amani\ history\ list\ --status) words='settled failed unknown reversed' ;;
    amani\ history\ list\ --direction) words='in out' ;;
    amani\ history\ export\ --format) words='csv jsonl ledger beancount' ;;
    amani\ history\ export\ --month) words='last this' ;;
    amani\ close\ --month) words='last' ;;
    amani\ config\ set\ 1 | amani\ config\ explain\ 1) words='default_url timeout expiry network limit.invoice limit.check limit.cheque limit.transfer limit.visitor limit.serve cheque_count key_max_age pin_reset_delay books_currency payer.name payer.email payer.identifier base_url store store_password_command color' ;;
    amani\ completion\ show\ 1 | amani\ completion\ install\ 1) words='bash zsh fish' ;;
    amani\ explain\ 1) words='0 1 2 3 4 5 6 7 8 9 10 11 12 13 130 141 143 BUG USAGE NOT_AUTHORISED NOT_FOUND NOT_CONFIRMED REJECTED INSUFFICIENT_FUNDS OUTCOME_UNKNOWN REFUSED_BY_POLICY UNREACHABLE PARTLY_DONE LOCKED BOOKS_DIFFER INTERRUPTED TERMINATED BAD_TEXT AMBIGUOUS AMBIGUOUS_WALLET AMOUNTLESS AMOUNT_DIFFERS BAD_AMOUNT BAD_CATEGORY BAD_RATES BAD_DATE BAD_DURATION BAD_HASH BAD_INVOICE BAD_MEMO BAD_NAME BAD_QR BAD_URL CANT_WRITE FILE_EXISTS INSECURE_HTTP KEY_IN_ARGUMENT NO_SUCH_SETTING WRONG_NETWORK WRONG_PROVIDER BAD_SETTINGS ENV_WALLET NAME_TAKEN NO_ADDRESS NO_SUCH_INVOICE NO_SUCH_WALLET MONEY_EXPECTED NOT_EMPTY OPEN_OUTCOMES ID_OF_ANOTHER SHARED_WALLET SANDBOX_DEFAULT WALLET_KNOWN BAD_KEY INVOICE_KEY KEYRING KEYRING_LOCKED KEY_COMMAND KEY_CREDENTIAL KEY_FILE KEY_REFUSED KEY_SOURCE_READ_ONLY LOGIN_LOCKED LOGIN_NEEDED OTHER_LOGIN NO_KEY NO_KEYRING NO_LOGIN READ_ONLY_WALLET TOO_OLD TOKEN_EXPIRED WRONG_KEY WRONG_PASSWORD BAD_STORE PASSWORD_IN_ADDRESS NO_STORE_PASSWORD INSECURE_STORE NO_DRIVER NO_LEDGER OLDER_DATABASE LEDGER_AWAY LEDGER_REFUSED LEDGER_UNTRUSTED LEDGER_READ_ONLY LEDGER_ELSEWHERE LEDGER_MOVED STORE_NOT_EMPTY COPY_DIFFERS NO_KEY_HERE INVOICE_EXPIRED BAD_ZONE STILL_PENDING MAX_FEE NOT_SENT PAID_BY_ANOTHER REFERENCE_TAKEN BAD_DESTINATION BAD_LNURL BAD_COMMENT NO_AMOUNT AMOUNT_OUT_OF_RANGE NOT_PAY NOT_WITHDRAW BAD_ROWS BAD_PLAN CANT_READ WRONG_WALLET USED_UP NO_SUCH_CONTACT PAYEE_CHANGED NO_RATE SLIPPAGE NOTHING_LEFT LNURL_CHANNEL WITHDRAW_OPEN LNURL_REFUSED LNURL_BROKEN NOT_LNURL OTHER_PAYEE WRONG_INVOICE BAD_PAYER_DATA PAYER_DATA_NEEDED PAYER_DATA_UNKNOWN PRIVATE_ADDRESS NOT_THIS_MACHINE NEEDS_TOR BAD_CURRENCY NO_SUCH_BANK BAD_ACCOUNT BAD_PHONE NAME_UNRESOLVED NO_ADVICE NO_VIRTUAL_ACCOUNT WHICH_ACCOUNT NO_SWIFT_CODE REVERSED NAME_MISMATCH NAME_UNVERIFIED WRONG_CURRENCY LIVE_WALLET BAD_EMAIL UNDERPAID QUOTE_EXPIRED VALIDATION_FAILED UNPROCESSABLE_ENTITY RESOURCE_NOT_FOUND INVALID_CURRENCY_PAIR INVALID_QUOTE QUOTE_NOT_GENERATED INVALID_QUOTE_REFERENCE QUOTE_NOT_FOUND WALLET_NOT_FOUND CURRENCY_NOT_FOUND POST_FUNDING_LIMIT_EXCEEDED ACCESS_DENIED OPERATION_FORBIDDEN NO_HOME NOT_THE_SAME BAD_PIN WEAK_PIN NO_PIN WRONG_PIN PIN_LOCKED PIN_NEEDED NEEDS_APPROVAL NO_SUCH_REQUEST REQUEST_CLOSED REQUEST_EXPIRED REQUEST_EDITED NOT_AS_REQUESTED BAD_REQUEST BAD_APPROVAL WRONG_APPROVAL OTHER_LEDGER OWN_REQUEST NOT_AN_APPROVER NOT_YOURS TOO_EARLY BAD_APPROVER_KEY NO_APPROVER_KEY APPROVER_SET NO_SUCH_APPROVER TOO_FEW_APPROVERS NO_LINE AGENT_LIMIT NO_SUCH_AGENT PLAN_EXPIRED NO_SUCH_PLAN NO_MCP PIN_SET NO_PEPPER RATE_LIMIT BEYOND_AGREED BUDGET SAME_WALLET IS_FAUCET NO_FAUCET COOL_DOWN DAILY_CAP BAD_CHEQUE BAD_PRINT NO_PDF NEWER_CHEQUE ODD_KEYS COUNT CHEQUE_CLAIMED CHEQUE_CLAIMING BAD_ADDRESS NOT_REGISTERED NO_SUCH_ADDRESS HAS_ADDRESS NO_BASE_URL NO_RESERVE SERVED_ELSEWHERE BAD_LISTEN PUBLIC_LISTEN AS_ROOT NO_SERVE CHEQUE_EXPIRED GIVEN_UP CHEQUE_VOID CHEQUES_OUTSTANDING NOT_OPEN OWN_CHEQUE TOO_SMALL NO_WITHDRAW_EXTENSION UNSAFE_SERVER IP_NOT_ALLOWED NO_PUBLIC_KEY NOT_FINCRA NO_SUCH_CURRENCY WRONG_ENVIRONMENT BAD_PATH BAD_CERTIFICATES BAD_PROXY PROXY CONNECTION_REFUSED DNS FIRST_INSTALL LINE_CUT NOT_LNBITS LOG_TOO_SHORT ODD_ANSWER RATE_LIMITED REDIRECT SERVER_ERROR TIMEOUT TLS BAD_DATABASE NOT_PRIVATE DATABASE_UNUSABLE DISK_FULL NEWER_DATABASE NO_PILLOW BAD_BACKUP NEWER_BACKUP NEWER_DATA NOT_LOST RECONCILE_FIRST WEAK_PASSPHRASE WRONG_PASSPHRASE INSTALL_FAILED NO_PYTHON PORT_TAKEN SANDBOX_DOWN START_FAILED' ;;
    esac
}

# Offer the names of kind $1 that begin with $2, quoted as the line needs it.
_amani_names() {
    local name begin=$2 quote=''
    case $begin in
    [\"\']*) quote=${begin:0:1} begin=${begin:1} ;;
    *) begin=${begin//\\/} ;;
    esac
    while IFS= read -r name; do
        [[ $name == "$begin"* ]] || continue
        case $quote in
        '') printf -v name '%q' "$name" ;;
        \") [[ $name == *[\\\"\$\`]* ]] && continue ;;
        \') [[ $name == *\'* ]] && continue ;;
        esac
        COMPREPLY[${#COMPREPLY[@]}]=$prefix$name
    done < <("$amani" completion values "$1" 2>/dev/null </dev/null)
}

_amani() {
    local IFS=$' \t\n'
    local amani=$1 path=amani commands options valued words='' names='' files=''
    local word option='' ended='' prefix='' at=1 i current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    _amani_takes "$path"
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $option ]]; then
            [[ $word == '=' ]] || option='' # bash takes --wallet=alice apart at the sign
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -* ]]; then
            [[ " $valued " == *" $word "* ]] && option=$word
        elif [[ " $commands " == *" $word "* ]]; then
            path="$path $word"
            _amani_takes "$path"
        else
            at=$((at + 1))
        fi
    done
    if [[ -n $option && $current == '=' ]]; then
        current=''
    elif [[ -z $option && -z $ended && $current == --*=* ]]; then
        option=${current%%=*} current=${current#*=}
        prefix="$option="
    fi
    if [[ -n $option ]]; then
        _amani_source "$path" "$option"
    elif [[ -z $ended && $current == -* ]]; then
        words=$options
    elif [[ -n $commands ]]; then
        words=$commands
    else
        _amani_source "$path" "$at"
    fi
    # With nothing to offer, bash goes on to offer files: right where files are due, switched off elsewhere (4.0 on).
    [[ -n $files ]] || compopt +o default 2>/dev/null
    if [[ -n $names ]]; then
        _amani_names "$names" "$current"
    elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "$current"))
    fi
}

complete -o default -F _amani amani
