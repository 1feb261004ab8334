"""What a step of a script does to the world: a command run by somebody, or something that just happens.

A step is plain data. What it makes it names, and what it needs it names too: one that needs what a shortened script
does not make any more is left out.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

from tests.simulation import phones, seams
from tests.simulation.lnbits import Lnbits, Wallet
from tests.simulation.network import Paper
from tests.simulation.world import Machine, Run, Step, World

PASSWORD = "correct horse battery"
PIN = "4831"
PASSPHRASE = "correct horse battery staple"


class Missing(Exception):
    """A step needs what is not there."""


def setting(world: World) -> None:
    """The world as every script finds it: two servers, a few wallets, two machines."""
    rng = random.Random(f"{world.seed}/setting")
    world.rng.seed(f"{world.seed}/setting")
    near = world.add_lnbits("near")
    far = world.add_lnbits("far", rng.choice(["1.6.2", "1.6.2", "1.6.1"]))
    for name, server, user, sat in (
        ("w1", near, "alice", 3_000_000),
        ("w2", near, "alice", rng.choice([500_000, 500_000, 40_000, 2_000])),
        ("w3", far, "alice", rng.choice([1_000_000, 1_000_000, 30_000])),
        ("w4", near, "alice", 10_000),
        ("bob", near, "bob", 1_000_000),
    ):
        wallet = server.new_wallet(world.rng, user, name)
        world.names[name] = wallet
        world.names[f"{name}@"] = server
        server.give(world.rng, wallet, sat * 1000)
    near.has_withdraw = True
    near.page = far.page = rng.choice([1000, 3, 7])
    for host in ("pay.example", "other.example"):
        world.add_host(host)
    near.passwords["alice"] = far.passwords["alice"] = PASSWORD
    homes = {"m1": ("w1", "w2", "w3", "w4"), "m2": ("w1", "w3")}
    if random.Random(f"{world.seed}/homes").random() < 0.3:
        homes["m3"] = ("w2", "w3")
    for name, kept in homes.items():
        machine = world.add_machine(name)
        write(machine.root / "keys" / "pass", PASSPHRASE)
        machine.keeps = kept
        if name == "m1" or world.ledger is None or world.ledger.is_used:
            _set_up(world, machine, rng)
    world.is_set = True
    world.ours = {wallet.id for server in (near, far) for wallet in server.wallets.values()}


def _set_up(world: World, machine: Machine, rng: random.Random) -> None:
    """What people do first on a machine."""
    name, near = machine.name, world.names["near"]
    _join(world, machine)
    for each in machine.keeps:
        machine.wallets[each] = world.names[each]
        write_keys(world, machine)
        run = command(world, {**adding(world, each), "on": name, "n": "setting"})
        assert run.code == 0 or world.is_set, (run.stdout, run.stderr)
    first = [(["config", "set", "base_url", phones.BASE_URL], "")]
    first += [(["login", near.url, "--username", "alice", "--password-stdin"], PASSWORD)]
    if name == "m1":
        first.append((["pin", "set", "--wallet", "w1", "--pin-stdin"], PIN))
        first.append((["faucet", "configure", "--wallet", "w2", "--amount", "100", "--daily-cap", "250sat"], ""))
        if rng.random() < 0.5:
            world.day_msat = 30_000_000
            first.append(
                (
                    ["wallet", "limit", "w1", "--per-day", "30000sat", "--per-payment", "20000sat", "--pin-stdin"],
                    PIN,
                )
            )
    known = ["approver", "add", "boss", seams.boss()]
    if name == "m1" or world.ledger is None:
        first.append(([*known, "--pin-stdin"], PIN) if name == "m1" else (known, ""))
    else:
        first += _peppers(world, machine, rng)
    first += _business(world, machine) if name == "m1" else []
    for argv, stdin in first:
        run = command(world, {"do": "amani", "on": name, "argv": argv, "n": "setting", "stdin": stdin})
        assert run.code == 0 or world.is_set, (argv, run.stdout, run.stderr)


def _join(world: World, machine: Machine) -> None:
    """Have a machine use the ledger that all share: one by its environment, the others by their settings."""
    if world.ledger is None or not world.ledger.is_used:
        return
    if machine.name == "m1":
        machine.env["AMANI_STORE"] = world.ledger.address
        return
    words = ["config", "set", "store", world.ledger.address]
    assert command(world, {"do": "amani", "on": machine.name, "argv": words, "n": "setting"}).code == 0


def _peppers(world: World, machine: Machine, rng: random.Random) -> list[tuple[list[str], str]]:
    """How a second machine gets what checks PINs, which somebody forgets now and then."""
    if rng.random() < 0.2:
        return []
    opened, chest = ["--passphrase-file", "@/keys/pass"], "@/kept/chest"
    made = {"do": "amani", "on": "m1", "argv": ["backup", "create", chest, "--keys-only", *opened], "n": "setting"}
    if command(world, made).code != 0:
        return []
    (world.machines["m1"].root / "kept" / "chest").rename(machine.root / "kept" / "chest")
    place = str(machine.root / "kept" / "chest")
    opened[1] = str(machine.root / "keys" / "pass")
    return [(["backup", "restore", place, "--keys-only", *opened, "--yes"], "")]


def adding(world: World, name: str) -> Step:
    """The command by which a wallet is registered, on whichever machine."""
    url = world.names[f"{name}@"].url
    argv = ["wallet", "add", name, "--url", url, "--insecure-http", "--key-file", "@/keys/" + name]
    return {"do": "amani", "argv": argv}


def _business(world: World, machine: Machine) -> list[tuple[list[str], str]]:
    """What it takes to have a business of Fincra's as a wallet, in half of all worlds."""
    if random.Random(f"{world.seed}/fiat").random() < 0.5:
        return []
    fincra = world.add_fincra()
    write(machine.root / "keys" / "shop", fincra.shop.key)
    add = ["wallet", "add", "shop", "--provider", "fincra", "--url", fincra.url, "--key-file", "@/keys/shop"]
    return [
        ([*add, "--public-key", fincra.shop.public_key], ""),
        (["pin", "set", "--wallet", "shop", "--pin-stdin"], PIN),
    ]


def write(path: Path, text: str) -> None:
    """A file as a careful user has it."""
    path.write_text(text + "\n")
    path.chmod(0o600)


def write_keys(world: World, machine: Machine) -> None:
    """Have a machine's key files hold the keys of today."""
    for name, wallet in machine.wallets.items():
        write(machine.root / "keys" / name, wallet.adminkey)
    machine.has_mixed_up_keys = False


def do(world: World, step: Step) -> list[Run]:
    """Do a step; the runs of amani in it. Raises `Missing`."""
    world.begin(step)
    if "make" in step:
        _make(world, step["make"])
    if "meanwhile" in step:
        seconds, other = step["meanwhile"]
        world.later(seconds, lambda: _HAPPENINGS[other["do"]](world, other))
    act = step["do"]
    if act == "amani":
        return [command(world, step)]
    if act == "two":
        return _two(world, step)
    if act == "restore":
        return _restore(world, step)
    if act == "move":
        return _move(world, step)
    if act == "put database back":
        return _put_database_back(world, step)
    if act == "damage":
        return [_damage(world, step)]
    _HAPPENINGS[act](world, step)
    return []


def _restore(world: World, step: Step) -> list[Run]:
    """The disk is lost, and somebody puts a backup in place: again and again, until it is there."""
    machine = _named(world, step["on"])
    if not (machine.root / step["argv"][2].removeprefix("@/")).exists():
        raise Missing(step["argv"][2])
    world.forget_journal(machine)
    if machine.home.exists():
        shutil.rmtree(machine.home)
    world.pass_time(600)
    machine.lives += 1
    machine.restored_at = world.clock.now
    runs = [command(world, step)]
    plain = {name: each for name, each in step.items() if name not in ("kill", "faults", "full", "shut")}
    while runs[-1].code != 0 and len(runs) < 4:
        runs.append(command(world, plain))
    return runs


def _move(world: World, step: Step) -> list[Run]:
    """Somebody moves the first machine's ledger to the server, again and again until it is there; then all go there."""
    ledger, machine = world.ledger, world.machines["m1"]
    if ledger is None or ledger.is_used:
        raise Missing("a file to move")
    plain = {name: each for name, each in step.items() if name not in ("kill", "faults", "ledger")}
    runs = [command(world, step)]
    while runs[-1].code != 0 and len(runs) < 8:
        _see_that_one_is_spent_from(world, machine)
        ledger.be_there()
        lifted = command(world, {**plain, "argv": ["store", "copy", "--undo", "--json"]})
        if not ledger.is_empty():  # it is there, and somebody has said that it counts for nothing
            ledger.renew()
        runs += [lifted, command(world, plain)]
    _see_that_one_is_spent_from(world, machine)
    if runs[-1].code != 0:
        return runs
    world.forget_journal(machine)
    ledger.is_used = True
    rng = random.Random(f"{world.seed}/join")
    for each in world.machines.values():
        if each is machine:
            _join(world, each)
        else:
            _set_up(world, each, rng)
    return runs


def _put_database_back(world: World, step: Step) -> list[Run]:
    """The server puts an older backup in the ledger's place; somebody looks at it on each machine."""
    ledger = world.ledger
    if ledger is None or not ledger.is_used:
        raise Missing("a ledger on a server")
    ledger.be_there()
    lacks = ledger.put_back()
    world.wrong_pins.clear()
    for machine in world.machines.values():
        machine.restored_at = world.clock.now
    runs = [command(world, {**step, "on": name, "argv": ["status", "--json"]}) for name in world.machines]
    if lacks and not ledger.is_held:
        world.problems.append("went back: the ledger lacks what machines saw in it, and nobody noticed")
    return runs


def _keep_database(world: World, step: Step) -> None:
    """The server makes a backup of its own."""
    if world.ledger is None or not world.ledger.is_used:
        raise Missing("a ledger on a server")
    world.ledger.keep()


def _see_that_one_is_spent_from(world: World, machine: Machine) -> None:
    """Of two ledgers that are the same, one at most is ever spent from."""
    assert world.ledger is not None
    is_left = bool(world.read(machine, "SELECT 1 FROM mark WHERE name=?", world.ledger.gone))
    if not is_left and world.ledger.is_spent_from():
        world.problems.append("moved: both the old ledger and its copy can be spent from")


def _damage(world: World, step: Step) -> Run:
    """Somebody runs a command on a journal that is emptied or cut; then the good one is put back in its place."""
    machine = _named(world, step["on"])
    journal, aside = machine.home / "amani.db", machine.root / "aside"
    if not journal.exists():
        raise Missing(str(journal))
    _prepare(world, step)  # or it is missing something, before anything is damaged
    world.forget_journal(machine)
    shutil.copytree(machine.home, aside)
    for log in machine.home.glob("amani.db-*"):
        log.unlink()
    os.truncate(journal, 0 if step["how"] == "empty" else journal.stat().st_size // 2)
    run = command(world, step)
    run.damaged = True
    world.forget_journal(machine)
    shutil.rmtree(machine.home)
    aside.rename(machine.home)
    return run


def command(world: World, step: Step) -> Run:
    """Run amani as a step says."""
    machine, argv = _prepare(world, step)
    run = world.amani(machine, argv, step, stdin=step.get("stdin", ""))
    _keep(world, step, run)
    return run


def _two(world: World, step: Step) -> list[Run]:
    """Two commands at once, on one machine or on two."""
    both = [step["a"], step["b"]]
    for each in both:
        if "make" in each:
            _make(world, each["make"])
    ready = [_prepare(world, each) for each in both]
    wanted = [(machine, argv, each, each.get("stdin", "")) for (machine, argv), each in zip(ready, both, strict=True)]
    runs = world.at_once(wanted)
    for each, run in zip(both, runs, strict=True):
        _keep(world, each, run)
    return runs


def _prepare(world: World, step: Step) -> tuple[Machine, list[str]]:
    """What a command needs, and its words as they are typed."""
    machine = _named(world, step["on"])
    if not machine.wallets and world.is_set and step.get("n") != "setting":
        raise Missing(f"an amani on {machine.name}")
    argv = [_word(world, machine, word) for word in step["argv"]]
    for path, text in step.get("files", {}).items():
        place = machine.root / path.removeprefix("@/")
        if place.exists():
            place.unlink()
        lines = [",".join(_word(world, machine, word) for word in line) for line in text]
        write(place, "\n".join(lines))
    if world.ledger is not None and step["argv"][:2] in (["batch", "run"], ["batch", "status"], ["batch", "results"]):
        _bring(world, machine, step["argv"][2])
    if "plan" in step:
        rows = [(_word(world, machine, line[0]), int(line[1] or 0) * 1000) for line in step["plan"]]
        name = machine.ledger, step["argv"][step["argv"].index("-o") + 1]
        world.plans[name] = rows
    if "sign" in step:
        signed = seams.boss_signs(_named(world, step["sign"]), _named(world, step["sign"] + "#"))
        write(machine.root / "kept" / f"{step['sign']}.json", signed)
    if "mood" in step:
        for host in ("pay.example", "other.example"):
            world.servers[host].mood = step["mood"]
    return machine, argv


def _bring(world: World, machine: Machine, plan: str) -> None:
    """Have a plan that was made on another machine on this one too."""
    name = plan.removeprefix("@/")
    for other in world.machines.values():
        if (other.root / name).exists() and not (machine.root / name).exists():
            shutil.copy2(other.root / name, machine.root / name)


def _keep(world: World, step: Step, run: Run) -> None:
    """Give a name to what a command made."""
    if step.get("keep") and run.code == 0:
        made = run.document.get("data", {})
        if isinstance(made, dict) and made.get("code"):
            world.names[step["keep"]] = made["code"]
            world.names[step["keep"] + "#"] = made["id"]
            if made.get("lnurl"):
                world.names[step["keep"] + "@lnurl"] = made["lnurl"].lower()
            if made.get("link"):
                world.names[step["keep"] + "@link"] = made["link"].rpartition("/")[2]
        if isinstance(made, dict) and made.get("digest"):
            world.names[step["keep"]] = made["id"]
            world.names[step["keep"] + "#"] = made["digest"]
        if isinstance(made, dict) and made.get("bolt11") in world.network.by_text:
            world.names[step["keep"]] = world.network.by_text[made["bolt11"]]


def _word(world: World, machine: Machine, word: str) -> str:
    if word.startswith("@/"):
        return str(machine.root / word[2:])
    if not word.startswith("$"):
        return word
    name, _, what = word[1:].partition(":")
    found = _named(world, name)
    if what in ("url", "id"):
        return str(getattr(found, what))
    if isinstance(found, Paper):
        return found.payment_hash if what == "hash" else found.bolt11.upper() if what == "upper" else found.bolt11
    return str(found)


def _named(world: World, name: str) -> Any:
    if name == "the ledger" and world.ledger is not None:
        return world.ledger.address
    if name == "the oldest claim" and world.ledger is not None:
        for claim in world.ledger.claims():
            return claim
    if name not in world.names:
        raise Missing(name)
    return world.names[name]


def _make(world: World, what: dict[str, Any]) -> None:
    """An invoice that somebody asks to be paid."""
    maker = what["maker"]
    if maker == "outside":
        paper = world.network.invoice(
            world.rng, what["msat"], world.clock.now, expiry=what["expiry"], memo="outside", payee=_PAYEE
        )
    else:
        wallet: Wallet = _named(world, maker)
        server: Lnbits = _named(world, f"{maker}@")
        server.rng = world.rng
        body = {"out": False, "amount": what["msat"] // 1000, "memo": "inside", "expiry": what["expiry"]}
        made = server._create(wallet, body)
        paper = world.network.by_hash[made.body["payment_hash"]]
    world.names[what["name"]] = paper


_PAYEE = "ab" * 32


def _time(world: World, step: Step) -> None:
    world.pass_time(step["seconds"])


def _clock(world: World, step: Step) -> None:
    _named(world, step["on"]).watch.wrong = step["wrong"]


def _reboot(world: World, step: Step) -> None:
    watch = _named(world, step["on"]).watch
    world.pass_time(step["off"])
    watch.restart(0)
    watch.wrong = step["wrong"]


def _someone_pays(world: World, step: Step) -> None:
    """Somebody outside pays an invoice that was made with amani (or behind its back)."""
    paper: Paper = _named(world, step["what"])
    if paper.maker is not None:
        paper.maker.take(paper)


def _other_client(world: World, step: Step) -> None:
    """Another program pays from a wallet of ours."""
    wallet, server = _named(world, step["from"]), _named(world, step["from"] + "@")
    server.rng = world.rng
    server.pay(wallet, {"bolt11": _named(world, step["what"]).bolt11}, None)


def _someone_takes(world: World, step: Step) -> None:
    """A phone takes what a link of the withdraw extension gives, into the invoice that `_make` made."""
    server = world.names["near"]
    server.rng = world.rng
    server.draw(_named(world, step["from"]), _named(world, step["what"]))


def _odd_rights(world: World, step: Step) -> None:
    """Somebody lets others look into what is amani's, or write in it."""
    path = _named(world, step["on"]).root / step["what"]
    if path.exists():
        path.chmod(path.stat().st_mode | step["others"])


def set_rights(machine: Machine) -> None:
    """Have what is amani's be its user's alone."""
    for path in [machine.home, *machine.home.rglob("*"), *(machine.root / "keys").iterdir(), machine.root / "kept"]:
        if path.exists() and not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)


def _rotate(world: World, step: Step) -> None:
    """Somebody gives a wallet new keys, and puts them where they belong; now or when it is noticed."""
    server = _named(world, step["what"] + "@")
    server.rotate(world.rng, _named(world, step["what"]))
    if step["told"]:
        for machine in world.machines.values():
            write_keys(world, machine)


def _tell_keys(world: World, step: Step) -> None:
    """Somebody looks after keys and rights, on each machine."""
    for machine in world.machines.values():
        write_keys(world, machine)
        set_rights(machine)


def _mix_up_keys(world: World, step: Step) -> None:
    """Somebody puts one wallet's key where another's belongs."""
    machine = _named(world, step["on"])
    if step["what"] in machine.wallets:
        write(machine.root / "keys" / step["what"], _named(world, step["other"]).adminkey)
        machine.has_mixed_up_keys = True


def _lose_key(world: World, step: Step) -> None:
    """A wallet's key is gone, until somebody finds it again."""
    machine = _named(world, step["on"])
    if step["what"] in machine.wallets:
        (machine.root / "keys" / step["what"]).unlink(missing_ok=True)


def _someone_asks(world: World, step: Step) -> None:
    """Another program has one of our wallets ask for money: an invoice that amani knows nothing of. `_make` made it."""


def _keep_copy(world: World, step: Step) -> None:
    """Somebody copies the journal aside, by hand."""
    machine = _named(world, step["on"])
    copy = machine.root / "kept" / "by hand"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(machine.home, copy, ignore=shutil.ignore_patterns("*-shm"))


def _put_back(world: World, step: Step) -> None:
    """Somebody puts that copy in the place of what was written since; amani can't know."""
    machine = _named(world, step["on"])
    copy = machine.root / "kept" / "by hand"
    if not copy.exists():
        raise Missing("by hand")
    world.forget_journal(machine)
    shutil.rmtree(machine.home)
    copy.rename(machine.home)
    machine.restored_at, machine.is_older = world.clock.now, True


def _give(world: World, step: Step) -> None:
    _named(world, step["what"] + "@").give(world.rng, _named(world, step["what"]), step["msat"])


_HAPPENINGS = {
    "time": _time,
    "clock": _clock,
    "reboot": _reboot,
    "someone pays": _someone_pays,
    "someone takes": _someone_takes,
    "odd rights": _odd_rights,
    "other client": _other_client,
    "rotate": _rotate,
    "tell keys": _tell_keys,
    "mix up keys": _mix_up_keys,
    "lose key": _lose_key,
    "give": _give,
    "keep copy": _keep_copy,
    "put back": _put_back,
    "someone asks": _someone_asks,
    "keep database": _keep_database,
}
