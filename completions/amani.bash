# bash completion for amani, from 3.2 on. Made by `amani completion show bash`; do not edit.
# Words and options stand in the tables below; only names are asked of amani itself.

# What the command $1 takes: its commands, its options, and those of them that take a value.
_amani_takes() {
    case $1 in
    'amani') commands='wallet invoice pay faucet transfer pin history reconcile audit login logout sandbox doctor config completion schema explain' options='' valued='' ;;
    'amani wallet') commands='add create list show balance use rename remove rotate-keys limit' options='' valued='' ;;
    'amani wallet add') commands='' options='--url --key-stdin --key-file --key-command --key-credential --read-only --insecure-http' valued='--url --key-file --key-command --key-credential' ;;
    'amani wallet create') commands='' options='--url --key-file --reference' valued='--url --key-file --reference' ;;
    'amani wallet list') commands='' options='' valued='' ;;
    'amani wallet show') commands='' options='' valued='' ;;
    'amani wallet balance') commands='' options='--all --max-age' valued='--max-age' ;;
    'amani wallet use') commands='' options='' valued='' ;;
    'amani wallet rename') commands='' options='' valued='' ;;
    'amani wallet remove') commands='' options='--delete-remote' valued='' ;;
    'amani wallet rotate-keys') commands='' options='' valued='' ;;
    'amani wallet limit') commands='' options='--per-payment --per-day --pin-stdin --pin-file --reason' valued='--per-payment --per-day --pin-file --reason' ;;
    'amani invoice') commands='create show check wait list decode' options='' valued='' ;;
    'amani invoice create') commands='' options='--memo -m --expiry --webhook --qr --qr-file --wait --reference' valued='--memo -m --expiry --webhook --qr-file --reference' ;;
    'amani invoice show') commands='' options='--qr --qr-file' valued='--qr-file' ;;
    'amani invoice check') commands='' options='' valued='' ;;
    'amani invoice wait') commands='' options='' valued='' ;;
    'amani invoice list') commands='' options='--status --limit --after' valued='--status --limit --after' ;;
    'amani invoice decode') commands='' options='' valued='' ;;
    'amani pay') commands='' options='--max-fee --memo -m --reference --dry-run -n --pin-stdin --pin-file --reason --wait --no-wait' valued='--max-fee --memo -m --reference --pin-file --reason' ;;
    'amani faucet') commands='configure claim status' options='' valued='' ;;
    'amani faucet configure') commands='' options='--amount --cooldown --daily-cap' valued='--amount --cooldown --daily-cap' ;;
    'amani faucet claim') commands='' options='--reference' valued='--reference' ;;
    'amani faucet status') commands='' options='' valued='' ;;
    'amani transfer') commands='' options='--from --memo -m --reference --pin-stdin --pin-file --reason' valued='--from --memo -m --reference --pin-file --reason' ;;
    'amani pin') commands='set change remove verify status reset' options='' valued='' ;;
    'amani pin set') commands='' options='--pin-stdin --pin-file --threshold --always --above-threshold' valued='--pin-file --threshold' ;;
    'amani pin change') commands='' options='--pin-stdin --pin-file --new-pin-file --threshold --always --above-threshold' valued='--pin-file --new-pin-file --threshold' ;;
    'amani pin remove') commands='' options='--pin-stdin --pin-file' valued='--pin-file' ;;
    'amani pin verify') commands='' options='--pin-stdin --pin-file' valued='--pin-file' ;;
    'amani pin status') commands='' options='' valued='' ;;
    'amani pin reset') commands='' options='--key-stdin' valued='' ;;
    'amani history') commands='list show sync' options='' valued='' ;;
    'amani history list') commands='' options='--limit --since --until --status --direction --min --max --search --after' valued='--limit --since --until --status --direction --min --max --search --after' ;;
    'amani history show') commands='' options='' valued='' ;;
    'amani history sync') commands='' options='' valued='' ;;
    'amani reconcile') commands='' options='--older-than' valued='--older-than' ;;
    'amani audit') commands='list verify' options='' valued='' ;;
    'amani audit list') commands='' options='--limit --since --until --what --after' valued='--limit --since --until --what --after' ;;
    'amani audit verify') commands='' options='--head' valued='--head' ;;
    'amani login') commands='' options='--username -u --password-stdin' valued='--username -u' ;;
    'amani logout') commands='' options='' valued='' ;;
    'amani sandbox') commands='start stop status reset fund' options='' valued='' ;;
    'amani sandbox start') commands='' options='--port' valued='--port' ;;
    'amani sandbox stop') commands='' options='' valued='' ;;
    'amani sandbox status') commands='' options='' valued='' ;;
    'amani sandbox reset') commands='' options='' valued='' ;;
    'amani sandbox fund') commands='' options='' valued='' ;;
    'amani doctor') commands='' options='' valued='' ;;
    'amani config') commands='show set explain path' options='' valued='' ;;
    'amani config show') commands='' options='' valued='' ;;
    'amani config set') commands='' options='' valued='' ;;
    'amani config explain') commands='' options='' valued='' ;;
    'amani config path') commands='' options='' valued='' ;;
    'amani completion') commands='show install' options='' valued='' ;;
    'amani completion show') commands='' options='' valued='' ;;
    'amani completion install') commands='' options='' valued='' ;;
    'amani schema') commands='' options='' valued='' ;;
    'amani explain') commands='' options='' valued='' ;;
    *) commands='' options='' valued='' ;;
    esac
    options="$options --help -h --wallet -w --json --quiet -q --yes -y --no-input --timeout --verbose -v --log-json --color --actor --lock-wait --debug"
    valued="$valued --wallet -w --timeout --color --actor --lock-wait"
}

# What may stand for the option or argument $2 of the command $1: words, names or files.
_amani_source() {
    case "$1 $2" in
    *\ --wallet | *\ -w | amani\ wallet\ show\ 1 | amani\ wallet\ balance\ [0-9]* | amani\ wallet\ use\ 1 | amani\ wallet\ rename\ 1 | amani\ wallet\ remove\ 1 | amani\ wallet\ rotate-keys\ 1 | amani\ wallet\ limit\ 1 | amani\ sandbox\ fund\ 1) names=wallets ;;
    *\ --color) words='auto always never' ;;
    amani\ wallet\ add\ --key-file | amani\ wallet\ create\ --key-file | amani\ wallet\ limit\ --pin-file | amani\ invoice\ create\ --qr-file | amani\ invoice\ show\ --qr-file | amani\ pay\ --pin-file | amani\ transfer\ --pin-file | amani\ pin\ set\ --pin-file | amani\ pin\ change\ --pin-file | amani\ pin\ change\ --new-pin-file | amani\ pin\ remove\ --pin-file | amani\ pin\ verify\ --pin-file) files=1 ;;
    amani\ invoice\ list\ --status) words='pending paid expired' ;;
    amani\ history\ list\ --status) words='settled failed unknown' ;;
    amani\ history\ list\ --direction) words='in out' ;;
    amani\ completion\ show\ 1 | amani\ completion\ install\ 1) words='bash zsh fish' ;;
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
        COMPREPLY[${#COMPREPLY[@]}]=$name
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
