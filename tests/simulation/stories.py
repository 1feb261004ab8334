"""What happens rarely by chance alone: a few steps in the one order in which something could go wrong."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.world import Step

FINE, FAILS = ["now", 0.0, True, 0], ["now", 0.0, False, 0]
"""What becomes of a payment that leaves a server, where a step says so."""


def amani(on: str, *argv: str, **more: Any) -> Step:
    """A command, whose words are those of scripts."""
    return {"do": "amani", "on": on, "argv": [*argv, "--json"], **more}


def outside(name: str, expiry: int = 3600, msat: int = 21_000) -> dict[str, Any]:
    """An invoice of somebody outside, to be made."""
    return {"name": name, "maker": "outside", "msat": msat, "expiry": expiry}


def paid_long_after_it_was_read(rng: random.Random, number: int) -> list[Step]:
    """An invoice of another program is read while it is unpaid, others come in above it, and then it is paid."""
    wallet = rng.choice(["w1", "w2", "w3"])
    asked = {"name": f"o{number}", "maker": wallet, "msat": 7000, "expiry": 86_400 * 20}
    read = amani("m1", "history", "sync", "--wallet", wallet)
    above: Step = {"do": "give", "what": wallet, "msat": 1000}
    return [
        {"do": "someone asks", "make": asked},
        read,
        *[{"do": "time", "seconds": 300}, above] * rng.choice([3, 9, 14]),  # what is nearer is read again all the same
        read,
        {"do": "someone pays", "what": f"o{number}"},
        read,
    ]


def asked_by_another_key(rng: random.Random, number: int) -> list[Step]:
    """Another wallet has paid an invoice; ours tries to, the answer is lost, and it is asked by the other key."""
    name, fault = f"i{number}", rng.choice(["silence", "no-answer", "504", "504-after", "cut-before", "cut-after"])
    pay = amani("m2", "pay", f"${name}", "--wallet", "w1", "--yes", "--timeout", "2s", faults={"pay 0": fault})
    return [
        {"do": "other client", "from": "w2", "what": name, "make": outside(name), "fate": rng.choice([FINE, FAILS])},
        pay,
        {"do": "mix up keys", "on": "m2", "what": "w1", "other": "w2"},
        {"do": "time", "seconds": rng.choice([5, 5000])},
        rng.choice([amani("m2", "reconcile", "--yes"), {**pay, "faults": {}}]),
        {"do": "tell keys"},
    ]


def shown_what_failed_before(rng: random.Random, number: int) -> list[Step]:
    """An invoice failed for another wallet, and whoever tries it now is shown that record, as if it were the answer."""
    name, on = f"i{number}", rng.choice(["m1", "m2"])
    return [
        {"do": "other client", "from": "w2", "what": name, "make": outside(name, 600), "fate": FAILS},
        amani(on, "pay", f"${name}", "--wallet", "w1", "--yes", "--timeout", "5s", **{"shows failed": True}),
        {"do": "time", "seconds": 4000},
        amani(on, "reconcile", "--yes"),
    ]


def given_up_and_found(rng: random.Random, number: int) -> list[Step]:
    """A copy is put in place, a wallet's key is gone, the wallet is given up, and then the key is found after all."""
    wallet, name = rng.choice(["w2", "w2", "w1", "w3"]), f"s{number}"
    to = rng.choice(
        [["pay", "ben@pay.example", "100"], ["pay", "ann@other.example", "21"], ["cheque", "create", "100"]]
    )
    pay = amani("m1", *to, "--wallet", wallet, "--reference", f"r{number}", "--yes", mood="honest", fate=FINE)
    opened = ["--passphrase-file", "@/keys/pass"]
    give_up = amani("m1", "reconcile", "--resolve", wallet, "--yes", "--pin-stdin", stdin="4831\n4831")
    return [
        amani("m1", "backup", "create", f"@/kept/{name}", *opened),
        pay,
        {**amani("m1", "backup", "restore", f"@/kept/{name}", *opened, "--yes"), "do": "restore"},
        {"do": "lose key", "on": "m1", "what": wallet},
        amani("m1", "reconcile", "--yes"),
        give_up,
        {"do": "tell keys"},
        pay,
    ]


def removed_and_added(rng: random.Random, number: int) -> list[Step]:
    """A wallet is forgotten and added again, between two tries at one and the same payment."""
    pay = _pay_address(rng, "w3", f"r{number}")
    add = ["wallet", "add", "w3", "--url", "$w3@:url", "--insecure-http", "--key-file", "@/keys/w3"]
    return [
        amani("m1", "invoice", "create", "21", "--wallet", "w3", keep=f"a{number}"),
        pay,
        amani("m1", "wallet", "remove", "w3", "--yes"),
        {"do": "someone pays", "what": f"a{number}"},
        amani("m1", *add),
        pay,
        amani("m1", "reconcile", "--yes"),
        pay,
    ]


def renamed(rng: random.Random, number: int) -> list[Step]:
    """A wallet has another name when its payment is tried again, and gets its own back."""
    wallet = rng.choice(["w1", "w2", "w3"])
    pay = _pay_address(rng, wallet, f"r{number}")
    other = {**pay, "argv": ["a new name" if word == wallet else word for word in pay["argv"]], "faults": {}}
    again = amani("m1", "reconcile", "--yes")
    return [
        pay,
        amani("m1", "wallet", "rename", wallet, "a new name"),
        other,
        *rng.choice([[again], [other], [again, other]]),
        amani("m1", "wallet", "rename", "a new name", wallet),
        pay,
    ]


def rotated(rng: random.Random, number: int) -> list[Step]:
    """amani gives a wallet new keys, and may die over it, while a payment is open; other machines hear of it later."""
    wallet, name = rng.choice(["w1", "w2"]), f"i{number}"
    pay = amani("m1", "pay", f"${name}", "--wallet", wallet, "--yes", "--timeout", "2s")
    rotate = amani("m1", "wallet", "rotate-keys", wallet, "--yes")
    dies = {"kill": rng.randrange(60)} if rng.random() < 0.4 else {}
    return [
        {**pay, "make": outside(name), "faults": {"pay 0": rng.choice(["late", "no-answer", "504-after", "silence"])}},
        {**rotate, **dies},
        rng.choice([amani("m1", "reconcile", "--yes"), pay]),
        rotate,
        rng.choice([amani("m1", "reconcile", "--yes"), pay]),
        {"do": "tell keys"},
        pay,
    ]


def without_a_login(rng: random.Random, number: int) -> list[Step]:
    """Cheques are written, taken back and claimed while there is no login, and after there is one again."""
    code, how = f"c{number}", rng.choice([[], ["--outside"], ["--link"]])
    create = amani("m1", "cheque", "create", "100", "--wallet", rng.choice(["w1", "w2"]), *how, "--yes", keep=code)
    void = amani("m1", "cheque", "void", f"${code}#", "--yes")
    claim = amani("m2", "cheque", "claim", f"${code}", "--to", "w3", "--yes")
    out = amani("m1", "logout", "$near:url")
    back = amani("m1", "login", "$near:url", "--username", "alice", "--password-stdin", stdin="correct horse battery")
    between = rng.choice([[void], [claim], [void, claim], [amani("m1", "cheque", "sweep")]])
    return [*rng.choice([[create, out], [out, create]]), *between, back, *rng.choice([[void], [claim, void]])]


def taken_by_its_server_s_link(rng: random.Random, number: int) -> list[Step]:
    """A phone takes a cheque by a link of the withdraw extension while it is claimed, taken back or written anew."""
    code, paper = f"c{number}", f"t{number}"
    words = ["1000", "--wallet", rng.choice(["w1", "w2"]), "--expires", "1h", "--lnurl", "--yes"]
    create = amani("m1", "cheque", "create", *words, keep=code)
    taker = rng.choice(["outside", "outside", "outside", "bob", "w4", "w1"])
    fate = rng.choice(
        [FINE, FAILS, ["later", 500.0, True, 1000], ["later", 8000.0, True, 0], ["later", 500.0, False, 0]]
    )
    made = {"name": paper, "maker": taker, "msat": 1_000_000, "expiry": 600}
    take: Step = {"do": "someone takes", "from": f"{code}@lnurl", "what": paper, "make": made, "fate": fate}
    again = {**take, "what": f"u{number}", "make": {**made, "name": f"u{number}", "expiry": 86_400}, "fate": FINE}
    acts = [
        amani("m1", "cheque", "void", f"${code}#", "--yes"),
        amani("m2", "cheque", "claim", f"${code}", "--to", "w3", "--yes"),
        amani("m1", "cheque", "claim", f"${code}", "--to", "w1", "--yes"),
        amani("m1", "cheque", "reissue", f"${code}#", "--yes", keep=code),
        amani("m1", "cheque", "show", f"${code}#"),
        amani("m1", "cheque", "sweep"),
        amani("m1", "reconcile", "--yes"),
    ]
    lost = rng.choice(["silence", "504-after", "cut-after", "old", "refused"])
    before, one, other, last = (rng.choice(acts) for _ in range(4))
    faulty = {**one, "faults": {rng.choice(["pay 0", "from 2", "from 5", "1", "3"]): lost}}
    wait: Step = {"do": "time", "seconds": rng.choice([5, 600, 4000])}
    steps = [create, *rng.choice([[], [], [before]]), take, rng.choice([one, faulty]), wait, other, again, last]
    if rng.random() < 0.4:
        return _with_a_copy(number, steps[:1], steps[1:4], [*steps[4:], one])
    return steps


def _with_a_copy(number: int, before: list[Step], since: list[Step], after: list[Step]) -> list[Step]:
    """Steps before a backup, others since it was made, and what is done once it was put in place."""
    name, opened = f"s{number}", ["--passphrase-file", "@/keys/pass"]
    return [
        *before,
        amani("m1", "backup", "create", f"@/kept/{name}", *opened),
        *since,
        {**amani("m1", "backup", "restore", f"@/kept/{name}", *opened, "--yes"), "do": "restore"},
        *after,
    ]


def budget_after_a_copy(rng: random.Random, number: int) -> list[Step]:
    """Most of a day's budget is spent since a copy; what is left of it holds in the copy too."""
    one, other = (
        amani("m1", "pay", f"${name}", "--wallet", "w1", "--yes", "--pin-stdin", stdin="4831", make=make, fate=FINE)
        for name, make in ((f"i{number}", outside(f"i{number}", 86_400, 19_000_000)), (f"j{number}", None))
    )
    other["make"] = outside(f"j{number}", 86_400, 19_000_000)
    read = amani("m1", "reconcile", "--yes")
    return _with_a_copy(number, [], [one], [*rng.choice([[], [read], [read, read]]), other, read, other])


def above_what_one_payment_may(rng: random.Random, number: int) -> list[Step]:
    """A payment that the day's budget has room for, and that of one payment has not."""
    make = outside(f"i{number}", 86_400, rng.choice([20_001_000, 25_000_000]))
    pay = amani("m1", "pay", f"$i{number}", "--wallet", "w1", "--yes", "--pin-stdin", stdin="4831", fate=FINE)
    return [{"do": "time", "seconds": 90_000}, {**pay, "make": make}]


def request_run_since_a_copy(rng: random.Random, number: int) -> list[Step]:
    """A request is filed, copied, carried out; and carried out once more from the copy."""
    name, wallet = f"q{number}", rng.choice(["w1", "w2", "w3"])
    what = rng.choice([["pay", "ann@pay.example", "100"], ["cheque", "create", "100"], ["transfer", "w3", "100"]])
    whose = ["--from", "w1"] if what[0] == "transfer" else ["--wallet", wallet]
    filed = amani("m1", *what, *whose, "--request", keep=name, mood="honest")
    run = amani("m1", "request", "run", f"${name}", "--yes", "--approval", f"@/kept/{name}.json", sign=name)
    lost = {"faults": {"pay 0": rng.choice(["late", "no-answer", "cut-after"])}} if rng.random() < 0.5 else {}
    read = amani("m1", "reconcile", "--yes")
    copied = _with_a_copy(number, [filed], [{**run, **lost}], [*rng.choice([[], [run], [read]]), run, read, run])
    return [*copied, {"do": "time", "seconds": 8000}, run]


def link_taken_since_a_copy(rng: random.Random, number: int) -> list[Step]:
    """A link is written, copied, and taken by a phone; another comes to the copy."""
    code, how = f"c{number}", rng.choice([{}, {"pay 0": "late"}, {"pay 0": "no-answer"}, {"pay 0": "504"}])
    create = ["cheque", "create", "100", "--wallet", rng.choice(["w1", "w2"]), "--link", "--yes"]
    phones = [
        {"do": "amani", "on": "m1", "argv": ["phone", f"${code}@link", f"$t{number}{each}"], "make": made}
        for each, whose in (("a", "bob"), ("b", "outside"))
        for made in ({"name": f"t{number}{each}", "maker": whose, "msat": 100_000, "expiry": 86_400},)
    ]
    read, void = amani("m1", "reconcile", "--yes"), amani("m1", "cheque", "void", f"${code}#", "--yes")
    after = rng.choice([[], [read], [void], [amani("m1", "cheque", "sweep")]])
    again = [phones[1], read, rng.choice([phones[1], void]), {"do": "time", "seconds": 700}, read, void]
    return _with_a_copy(number, [amani("m1", *create, keep=code)], [{**phones[0], "faults": how}], [*after, *again])


def payout_before_a_copy(rng: random.Random, number: int) -> list[Step]:
    """A payout is made since a copy, which is put in place; and the same is asked for again, read back or not."""
    name, opened = f"s{number}", ["--passphrase-file", "@/keys/pass"]
    to = rng.choice([["pay", "bank:058/2345678901", "120NGN"], ["wallet", "convert", "5USD", "--to", "NGN"]])
    pay = amani("m1", *to, "--wallet", "shop", "--reference", f"r{number}", "--yes", "--pin-stdin", stdin="4831")
    lost = {"faults": {"pay 0": rng.choice(["late", "no-answer", "cut-after", "504-after"])}}
    read = rng.choice([["reconcile", "--yes"], ["history", "sync", "--wallet", "shop"]])
    return [
        amani("m1", "backup", "create", f"@/kept/{name}", *opened),
        {**pay, **(lost if rng.random() < 0.5 else {})},
        {"do": "time", "seconds": rng.choice([1, 700, 90_000])},
        {**amani("m1", "backup", "restore", f"@/kept/{name}", *opened, "--yes"), "do": "restore"},
        *rng.choice([[], [amani("m1", *read)], [amani("m1", "reconcile", "--yes")]]),
        pay,
        amani("m1", "reconcile", "--yes"),
        pay,
    ]


def _pay_address(rng: random.Random, wallet: str, reference: str) -> Step:
    to = rng.choice(["ann@pay.example", "ben@other.example"])
    words = ["pay", to, str(rng.choice([21, 100])), "--wallet", wallet, "--reference", reference, "--yes"]
    faults = {"pay 0": rng.choice(["late", "no-answer", "504-after"])} if rng.random() < 0.5 else {}
    return amani("m1", *words, "--timeout", "5s", mood="honest", faults=faults)


def copied_while_written(rng: random.Random, number: int) -> list[Step]:
    """A backup is made in the midst of a cheque's writing, and put in place; it is looked at, and written again."""
    name, opened = f"s{number}", ["--passphrase-file", "@/keys/pass"]
    how = rng.choice([[], ["--outside"], ["--link"]])
    words = [
        "cheque",
        "create",
        "100",
        "--wallet",
        rng.choice(["w1", "w2"]),
        *how,
        "--reference",
        f"r{number}",
        "--yes",
    ]
    create, backup = amani("m1", *words), amani("m1", "backup", "create", f"@/kept/{name}", *opened)
    looks = [amani("m1", "cheque", "list"), amani("m1", "cheque", "sweep"), amani("m1", "reconcile", "--yes"), create]
    rng.shuffle(looks)
    return [
        {
            "do": "two",
            "on": "m1",
            "a": {**create, "passes": 0.15},
            "b": {**backup, "passes": rng.choice([0.3, 0.5, 0.7])},
        },
        {"do": "time", "seconds": rng.choice([5, 700, 8000])},
        {**amani("m1", "backup", "restore", f"@/kept/{name}", *opened, "--yes"), "do": "restore"},
        *looks,
        amani("m1", "reconcile", "--yes"),
        create,
    ]


def payout_that_comes_late(rng: random.Random, number: int) -> list[Step]:
    """A payout reaches Fincra when nobody waits for it any more, and somebody has asked about it before."""
    words = ["pay", rng.choice(["bank:058/2345678901", "bank:305/0987654321"]), "120NGN", "--wallet", "shop"]
    words += rng.choice([[], ["--reference", f"r{number}"]])
    pay = amani("m1", *words, "--yes", "--timeout", "2s", "--pin-stdin", stdin="4831")
    again = rng.choice([[pay], [amani("m1", "reconcile", "--yes")], [amani("m1", "reconcile", "--yes"), pay]])
    return [{**pay, "faults": {"pay 0": "late"}}, *again, {"do": "time", "seconds": rng.choice([30, 130])}, *again]


def asked_for_the_same(rng: random.Random, number: int) -> list[Step]:
    """Two machines ask the same of one wallet, and the second is told what the first was told."""
    words = rng.choice(
        [
            ["transfer", "w3", "101", "--from", "w1"],
            ["transfer", "w1", "101", "--from", "w3"],
            ["cheque", "create", "100", "--wallet", rng.choice(["w1", "w3"])],
            ["invoice", "create", "21", "--wallet", "w3", "--memo", "for you"],
        ]
    )
    one, other = rng.choice([("m1", "m2"), ("m2", "m1")])
    said = [] if words[0] == "invoice" else ["--yes"]
    old = rng.choice([{"ask 0": "old"}, {"ask 0": "old"}, {"ask 1": "old"}])
    return [
        amani(one, *words, *said, fate=FINE, keep=f"c{number}"),
        amani(other, *words, *said, fate=FINE, faults=old, keep=f"d{number}"),
        amani(one, "reconcile", "--yes"),
    ]


def taken_back_by_another_s_keys(rng: random.Random, number: int) -> list[Step]:
    """Two cheques are taken back, and the line tells of the second one's new keys what it told of the first one's."""
    wallet = rng.choice(["w1", "w2"])
    codes = [f"c{number}", f"d{number}", f"e{number}"]
    create = [
        amani("m1", "cheque", "create", "100", "--wallet", wallet, "--yes", keep=code, fate=FINE) for code in codes
    ]
    again, void = (
        {**amani("m1", "cheque", what, f"${code}#", "--yes"), "fate": FINE}
        for what, code in (("reissue", codes[0]), (rng.choice(["void", "void", "reissue"]), codes[1]))
    )
    mixed = {**void, "faults": {"ask 0": rng.choice(["other", "other", "other-after"])}}
    after = [amani("m1", "cheque", "void", f"${code}#", "--yes") for code in codes]
    return [*create, again, mixed, *after]


def answered_for_another(rng: random.Random, number: int) -> list[Step]:
    """Somebody is paid by address, then somebody else there, about whom the line tells what it told of the first."""
    one, other = rng.sample(["ann@pay.example", "ben@pay.example"], 2)
    on, wallet = rng.choice(["m1", "m2"]), rng.choice(["w1", "w3"])
    pay = [
        amani(on, "pay", to, str(sat), "--wallet", wallet, "--yes", mood="honest", fate=FINE)
        for to, sat in ((one, 21), (other, 100))
    ]
    return [pay[0], {**pay[1], "faults": {"ask 0": "other"}}]


def open_and_from_another_wallet(rng: random.Random, number: int) -> list[Step]:
    """What is open is tried once more, out of another wallet; it may have arrived, or come late."""
    to = rng.choice([["ann@pay.example", "21"], ["ben@other.example", "100"]])
    one, other = rng.sample(["w1", "w2", "w3"], 2)
    pay, again = (
        amani("m1", "pay", *to, "--wallet", wallet, "--yes", "--timeout", "2s", mood="honest", fate=FINE)
        for wallet in (one, other)
    )
    lost = {"pay 0": rng.choice(["late", "no-answer", "504-after", "cut-after"])}
    down = {"from 3": "silence"} if rng.random() < 0.5 else {}  # nobody can be asked what became of it
    return [{**pay, "faults": {**lost, "from 6": "silence"}}, {**again, "faults": down}, again]


def faucet_until_its_cap(rng: random.Random, number: int) -> list[Step]:
    """Every wallet claims from the faucet within an hour: more than it gives in a day."""
    wallets = rng.sample(["w1", "w3", "w4"], 3)
    claims = [amani("m1", "faucet", "claim", "--wallet", wallet, "--yes", fate=FINE) for wallet in wallets]
    return [{"do": "give", "what": "w2", "msat": 900_000}, *claims]


def _at_once(one: Step, other: Step, passes: float) -> Step:
    """Two machines at the same thing."""
    return {"do": "two", "on": one["on"], "a": {**one, "passes": passes}, "b": {**other, "passes": passes}}


def pins_of_two(rng: random.Random, number: int) -> list[Step]:
    """Somebody guesses a PIN on two machines."""
    tries = [amani(on, "pin", "verify", "--wallet", "w1", "--pin-stdin", stdin="1834") for on in ("m1", "m2")]
    return [rng.choice([*tries, _at_once(tries[0], tries[1], 0.5)]) for _ in range(9)]


def batch_of_two(rng: random.Random, number: int) -> list[Step]:
    """Two machines carry out one plan at once; one may die over it, and what it had claimed is given up."""
    plan, wallet = f"@/kept/p{number}", rng.choice(["w1", "w3"])
    rows = [["ann@pay.example", "100", "one"], ["ben@pay.example", "10", "two"], ["ann@pay.example", "100", "three"]]
    rows += rng.choice([[], [["cheque", "100", "a cheque"]]])
    files = {f"{plan}.csv": [["to", "amount", "memo"], *rows]}
    made = amani("m1", "batch", "plan", f"{plan}.csv", "-o", plan, "--wallet", wallet, files=files, plan=rows)
    runs = [amani(on, "batch", "run", plan, "--yes", mood="honest") for on in ("m1", "m2")]
    dies = {"kill": rng.randrange(20, 120)} if rng.random() < 0.5 else {}
    release = amani("m2", "store", "release", "$the oldest claim", "--reason", "it died", "--yes")
    between = rng.choice([[], [runs[1]], [runs[1], release], [{"do": "time", "seconds": 4000}]])
    return [made, _at_once({**runs[0], **dies}, runs[1], rng.choice([0.2, 0.5])), *between, runs[1], runs[0]]


def absent_by_another_answer(rng: random.Random, number: int) -> list[Step]:
    """What is under way for longer than its invoice lives is told what was told of another; then the line is down."""
    words = ["--wallet", rng.choice(["w1", "w2", "w3"]), "--yes", "--pin-stdin", "--timeout", "5s"]
    for_long, unheard, unsent = ["later", 90_000.0, True, 0], ["no-answer", "504-after", "cut-after"], ["429", "502"]
    lost, other = (
        amani("m1", "pay", f"${name}", *words, stdin="4831", make=outside(name, 600), fate=fate, faults=faults)
        for name, fate, faults in (
            (f"i{number}", for_long, {"pay 0": rng.choice(unheard)}),
            (f"j{number}", FINE, {"pay 0": rng.choice(unsent)}),
        )
    )
    asked = amani("m1", "reconcile", "--yes", faults={"0": "other", f"from {rng.choice([3, 3, 4])}": "502"})
    return [lost, {"do": "time", "seconds": 4000}, other, asked, amani("m1", "reconcile", "--yes")]


def key_changed_since_the_yes(rng: random.Random, number: int) -> list[Step]:
    """While a batch begins, somebody puts another wallet's key where its own belongs."""
    on, plan = rng.choice(["m1", "m2"]), f"@/kept/p{number}"
    rows = [["ann@pay.example", "100", "one"], ["ben@pay.example", "10", "two"], ["ann@pay.example", "100", "three"]]
    files = {f"{plan}.csv": [["to", "amount", "memo"], *rows]}
    mixed: Step = {"do": "mix up keys", "on": on, "what": "w1", "other": "w2"}
    run = amani(on, "batch", "run", plan, "--yes", "--pin-stdin", stdin="4831", mood="honest")
    return [
        amani(on, "batch", "plan", f"{plan}.csv", "-o", plan, "--wallet", "w1", files=files, plan=rows),
        {**run, "meanwhile": [rng.choice([0.005, rng.random() / 4]), mixed]},
        {"do": "tell keys"},
        run,
    ]


def faucet_by_two_clocks(rng: random.Random, number: int) -> list[Step]:
    """A machine whose clock is wrong asks a faucet that has just given, or has it give what others then ask for."""
    claim = [amani(on, "faucet", "claim", "--wallet", "w1", "--yes", fate=FINE) for on in ("m1", "m2")]
    ahead: Step = {"do": "clock", "on": "m2", "wrong": rng.choice([86_400 * 400, 90_000])}
    behind: Step = {**ahead, "wrong": -86_400 * 30}
    right: Step = {**ahead, "wrong": 0}
    return rng.choice(
        [[claim[0], ahead, claim[1], claim[0], right, claim[1]], [behind, claim[1], claim[0], right, claim[1]]]
    )


def cheque_of_two(rng: random.Random, number: int) -> list[Step]:
    """A cheque is taken back on one machine while it is claimed on another; its fee reserve is left."""
    code, more = f"c{number}", rng.choice([[], ["--outside"]])
    create = amani(
        "m1", "cheque", "create", "100", "--wallet", rng.choice(["w1", "w2", "w3"]), *more, "--yes", keep=code
    )
    void = amani("m1", "cheque", "void", f"${code}#", "--yes")
    claim = amani("m2", "cheque", "claim", f"${code}", "--to", rng.choice(["w1", "w3"]), "--yes")
    two = [void, claim] if rng.random() < 0.5 else [claim, void]
    return [
        create,
        _at_once(two[0], two[1], rng.choice([0.2, 0.5])),
        rng.choice(two),
        amani("m1", "reconcile", "--yes"),
    ]


def budget_of_two(rng: random.Random, number: int) -> list[Step]:
    """Two machines spend most of a day's budget at once."""
    pays = [
        amani(on, "pay", f"${name}", "--wallet", "w1", "--yes", "--pin-stdin", stdin="4831", make=make, fate=FINE)
        for on, name in (("m1", f"i{number}"), ("m2", f"j{number}"))
        for make in (outside(name, 86_400, 19_000_000),)
    ]
    return [
        _at_once(pays[0], pays[1], rng.choice([0.2, 0.5])),
        *({k: v for k, v in p.items() if k != "make"} for p in pays),
    ]


def line_of_two(rng: random.Random, number: int) -> list[Step]:
    """Somebody draws the line above which the boss must agree, while another machine pays what is above it."""
    wallet, name = rng.choice(["w1", "w3"]), f"i{number}"
    pay = amani("m2", "pay", f"${name}", "--wallet", wallet, "--yes", "--pin-stdin", stdin="4831", fate=FINE)
    pay["make"] = outside(name, 86_400, 6_000_000)
    draw = amani("m1", "wallet", "limit", wallet, "--approve-above", "1000sat", "--pin-stdin", stdin="4831")
    return [_at_once(pay, draw, rng.choice([0.2, 0.5]))]


def ledger_put_back(rng: random.Random, number: int) -> list[Step]:
    """The server's backup is put in the ledger's place, over a movement that is asked for again."""
    move = amani("m1", "transfer", "w1", "21", "--from", "w3", "--reference", f"r{number}", "--yes", fate=FINE)
    read = amani("m2", "reconcile", "--yes")
    return [{"do": "keep database"}, move, {"do": "put database back"}, *rng.choice([[], [read]]), move, read, move]


TEAM = (pins_of_two, batch_of_two, faucet_by_two_clocks, cheque_of_two, budget_of_two, line_of_two, ledger_put_back)
FIAT = (payout_before_a_copy, payout_that_comes_late)
ANYWHERE = (
    paid_long_after_it_was_read,
    asked_by_another_key,
    shown_what_failed_before,
    absent_by_another_answer,
    key_changed_since_the_yes,
    removed_and_added,
    renamed,
    rotated,
    without_a_login,
)
STORIES = (
    *ANYWHERE,
    given_up_and_found,
    copied_while_written,
    budget_after_a_copy,
    above_what_one_payment_may,
    request_run_since_a_copy,
    link_taken_since_a_copy,
    asked_for_the_same,
    answered_for_another,
    taken_back_by_another_s_keys,
    open_and_from_another_wallet,
    faucet_until_its_cap,
    cheque_of_two,
    taken_by_its_server_s_link,
)
