"""What must hold, whatever happens: after each step, and when the world has come to rest.

`after` and `at_rest` return what is wrong, in words that begin with the name of the invariant.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.simulation import acts, fiat_truth, seams
from tests.simulation.world import Audited, Machine, Run, World

EXITS = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}
PAYMENT_MSAT = 20_000_000
PAYS = ("pay", "transfer")


def secrets(world: World) -> set[str]:
    """Every key and token there is now."""
    found = {acts.PASSPHRASE}
    for server in set(world.servers.values()):
        for wallet in server.wallets.values():
            found |= {wallet.adminkey, wallet.inkey}
        found |= set(server.tokens)
    if world.fincra is not None:
        found.add(world.fincra.shop.key)
    return found


_HEX = re.compile("[0-9a-f]{32,}")


def _shown_secrets(world: World, seen: str) -> list[str]:
    """The secrets that stand in a text. All but the passphrase have 32 digits in a row, which little else has."""
    found = [acts.PASSPHRASE] if acts.PASSPHRASE in seen else []
    rows = set(_HEX.findall(seen)) - world.network.by_hash.keys()
    if not rows:
        return found
    keys = {(key[3:35] if key.startswith("eyJ") else key[-32:]): key for key in secrets(world)}
    parts = {row[at : at + 32] for row in rows for at in range(len(row) - 31)}
    return found + [keys[part] for part in sorted(parts & keys.keys()) if keys[part] in seen]


def after(world: World, run: Run | None) -> list[str]:
    """What is wrong after a step."""
    found = list(world.problems)
    world.problems.clear()
    if run is not None:
        if not run.killed:
            found += _answer(world, run)
        found += _rules(world, run) + _synced(world, run) + fiat_truth.after(world, run)
    for machine in world.machines.values() if run is None else (run.machine,):
        found += _journal(world, machine)
        found += _approved(world, machine)
    found += _paid_once(world, run)
    found += _batches(world)
    return found


def _answer(world: World, run: Run) -> list[str]:
    found, document = [], run.document
    words = run.argv[0]
    if run.code not in EXITS or "Traceback" in run.stderr:
        found.append(f"a defect: exit {run.code}: {run.stderr[-300:]}")
    if "the database has it already" in run.stderr + run.stdout:
        found.append(f"a defect: it was passed over: {run.stderr[-300:]}")
    seen = run.stderr + (run.stdout if run.argv[:2] != ["batch", "results"] else "")
    found += [f"a secret: {secret} is shown" for secret in _shown_secrets(world, seen)]
    if words == "payer" and run.code == 0:
        found += _address_pays_its_wallet(world, run)
    if words == "phone":
        found += _wallet_is_told_the_truth(world, run)
    if "--json" in run.argv:
        if run.argv[:2] == ["batch", "run"]:
            pass
        elif "watch" in run.argv[:2]:
            found += [f"one document: {line[:200]!r}" for line in run.stdout.splitlines() if not line.startswith('{"')]
        elif run.argv[0] in ("completion", "schema"):
            return found
        elif not document or run.stdout.count("\n") != 1:
            found.append(f"one document: {run.stdout[:200]!r}")
            return found
        if (
            document
            and (run.code == 0) != bool(document["ok"])
            and words not in ("reconcile", "doctor", "cheque", "trace", "close", "batch", "status")
            and "--all" not in run.argv
            and run.argv[:2] != ["history", "sync"]  # of several wallets, as `reconcile` is
        ):
            found.append(f"exit code: {run.code} and ok={document['ok']}")
    world.count("ran " + " ".join(run.argv[:2] if not run.argv[1:2] or run.argv[1].isalpha() else run.argv[:1]))
    error = document.get("error") or {}
    code = error.get("code", "")
    world.count(f"exit {run.code} {code}".strip())
    if code and run.code not in seams.explained().get(code, ()):
        found.append(f"explained: exit {run.code} {code} stands in no table of 'explain'")
    moved = [record for record in run.records if record.amount < 0 and record.status != "failed"]
    if error.get("money_moved") == "no" or (run.code == 0 and "--dry-run" in run.argv):
        run.says_no = True
        if moved:
            found.append(f"money_moved: exit {run.code} {code} says no, and {_shown(moved)}")
        if error.get("id") and code not in ("REFERENCE_TAKEN", "PAID_BY_ANOTHER"):
            found += _really_failed(world, run.machine, error["id"])
    if run.code == 0 and run.argv[:2] == ["cheque", "create"] and "--request" not in run.argv:
        found += _has_a_wallet_of_its_own(world, run, document["data"])
    if run.code == 0 and words in PAYS and "--dry-run" not in run.argv:
        found += _really_paid(world, run, document["data"])
    if run.damaged and (moved or run.code in (0, 8)):
        found.append(f"damaged: exit {run.code} on a journal that is {run.step['how']}, and {_shown(moved)}")
    if run.code in (2, 3, 4, 5, 7, 9, 10, 12) and words in PAYS and moved:
        found.append(f"exit code: {run.code}, and {_shown(moved)}")
    if moved and words in PAYS and "--yes" not in run.argv:
        found.append(f"agreed: nobody said yes, and {_shown(moved)}")
    again = run.open_before and moved and "--reference" not in run.argv
    again = again and moved[0].paper.payment_hash not in run.open_hashes  # an address may tell of the very same invoice
    if again and (run.argv[1].lower(), moved[0].paper.amount_msat) in run.open_before:
        found.append(f"twice: the same to {run.argv[1]} was open, and {_shown(moved)}")
    if "--max-fee" in run.argv:
        most = int(run.argv[run.argv.index("--max-fee") + 1].removesuffix("sat")) * 1000
        if any(-record.fee > most for record in moved):
            found.append(f"agreed: a fee of {most} msat, and {-moved[0].fee}")
    if words == "pay" and "@" in run.argv[1] and moved and moved[0].paper.asked != run.argv[1].lower():
        found.append(f"whose: {moved[0].paper.asked or 'somebody'} was paid for {run.argv[1]}")
    is_some = run.argv[2:3] != ["max"]
    if (
        words == "transfer"
        and is_some
        and run.code == 0
        and not moved
        and not {"--reference", "--request"} & set(run.argv)
    ):
        found.append("exit code: 0, and nothing was transferred")
    found += _out_of_the_right_wallet(world, run)
    agreed = _agreed(world, run)
    if run.argv[0] == "reconcile" and "--resume" not in run.argv and any(each.wallet in world.ours for each in moved):
        found.append(f"agreed: reconcile paid: {_shown(moved)}")
    for record in run.records:
        if record.amount < 0 and agreed is not None and -record.amount > agreed:
            found.append(f"agreed: {agreed} msat, and {_shown([record])}")
    found += _in_time(run)
    return found


def _has_a_wallet_of_its_own(world: World, run: Run, data: dict[str, Any]) -> list[str]:
    """Two cheques on one wallet would be two codes for the same money."""
    for row in world.read(run.machine, "SELECT id, remote_id FROM cheque WHERE id=?", data["id"]):
        first = world.cheque_wallets.setdefault(row["remote_id"], row["id"])
        if first != row["id"]:
            return [f"twice: cheque {row['id']} is in the wallet of {first}"]
    return []


def _rules(world: World, run: Run) -> list[str]:
    """No rule is exceeded: PIN, budget, cool-down, cap."""
    found = []
    out = [record for record in run.records if record.amount < 0 and record.wallet in world.ours]
    total = sum(-record.amount for record in out)
    if total > 10_000_000 and run.step.get("stdin") != acts.PIN:
        found.append(f"rule: {total} msat without the PIN")
    if not world.has_rules(run.machine):
        return found
    found += _pins(world, run)
    now = world.clock.now
    if out and world.day_msat:
        spent = sum(
            -record.amount - record.fee
            for record in run.machine.sent
            if record.wallet == world.names["w1"].id and record.status != "failed" and record.time > now - 86_400 + 600
        )
        if any(-each.amount > PAYMENT_MSAT for each in out if each.wallet == world.names["w1"].id):
            found.append(f"rule: {_shown(out)}, with a budget of {PAYMENT_MSAT} for one payment")
        if spent > world.day_msat:
            found.append(f"rule: {spent} msat left w1 within a day, with a budget of {world.day_msat}")
    claims = [
        (each.argv[each.argv.index("--wallet") + 1], record.amount)
        for each in world.faucet_runs
        for record in each.records
        if record.amount < 0 and record.status != "failed" and record.time > now - 86_400 + 600
    ]
    if -sum(amount for _, amount in claims) > 250_000:
        found.append(f"rule: the faucet paid {claims} within a day, with a cap of 250 sat")
    if len({name for name, _ in claims}) < len(claims):
        found.append(f"rule: the faucet paid {claims} within its cool-down")
    return found


def _pins(world: World, run: Run) -> list[str]:
    """A wrong PIN is answered five times in an hour, on however many machines; the right one begins anew."""
    if world.ledger is None or "w1" not in run.argv or "--pin-stdin" not in run.argv:
        return []
    if run.step.get("stdin", "").startswith(acts.PIN):
        world.wrong_pins.clear()
    elif (run.document.get("error") or {}).get("code") == "WRONG_PIN":
        world.wrong_pins = [at for at in world.wrong_pins if at > world.clock.now - 3540] + [world.clock.now]
    return [f"rule: {len(world.wrong_pins)} wrong PINs within an hour"] if len(world.wrong_pins) > 5 else []


def _approved(world: World, machine: Machine) -> list[str]:
    """Nothing was begun above a wallet's line, as it was then, but under a request that the boss has signed."""
    found: list[str] = []
    known = machine.audited
    sql = "SELECT seq, hash, what, outcome, wallet, subject, amount_msat FROM audit WHERE seq>=? ORDER BY seq"
    rows = world.read(machine, sql, known.seq if known is not None else 0)
    if known is None or not rows or rows[0]["hash"] != known.hash:  # another copy of it
        known, rows = Audited(0, "", {}), world.read(machine, sql, 0)
    else:
        rows = rows[1:]
    lines = known.lines
    machine.audited = Audited(rows[-1]["seq"], rows[-1]["hash"], lines) if rows else known
    for row in rows:
        words = (row["outcome"] or "").split()
        if row["what"] == "approval line" and words[0] == "line":
            lines.pop(row["wallet"], None)
            if words[1] != "off":
                lines[row["wallet"]] = int(words[1])
        elif row["outcome"] in ("sending", "sending again"):
            line = lines.get(row["wallet"], row["amount_msat"] or 0)
            if (row["amount_msat"] or 0) > line and not _is_signed(world, machine, row["subject"]):
                found.append(f"approved: {row['subject']} over {row['amount_msat']} msat, above {line}")
    return found


def _is_signed(world: World, machine: Machine, id: str) -> bool:
    signed = world.read(
        machine,
        "SELECT request.body, approval.signature, payment.amount_msat FROM payment"
        " JOIN request ON request.id=payment.request_id JOIN approval ON approval.request_id=request.id"
        " WHERE payment.id=? AND approval.verdict='approve'",
        id,
    )
    return any(seams.has_signed(row["body"], row["signature"], row["amount_msat"]) for row in signed)


def _synced(world: World, run: Run) -> list[str]:
    """Whoever has read a wallet's history knows all that was paid before."""
    if run.argv[:2] != ["history", "sync"] or run.code != 0 or run.step.get("faults") or not run.alone:
        return []
    found = []
    names = [run.argv[3]] if "--wallet" in run.argv else list(run.machine.wallets)
    for name in names:
        wallet = run.machine.wallets.get(name)
        if wallet is None or not _is_registered(world, run.machine, wallet):
            continue
        rows = world.read(run.machine, "SELECT * FROM payment WHERE remote_wallet_id=? AND status='settled'", wallet.id)
        known = {(row["payment_hash"], row["direction"] == "out") for row in rows}
        for record in world.names[f"{name}@"].by_wallet.get(wallet.id, ()):
            what = (record.paper.payment_hash, record.amount < 0)
            if record.status == "success" and record.updated <= run.began and what not in known:
                found.append(f"synced: {run.machine.name} {name}: {what[0][:8]} is not in the journal")
    return found


def _batches(world: World) -> list[str]:
    """No row of a plan is paid twice, nor anything that is in no row."""
    found = []
    for (machine, plan), rows in world.plans.items():
        if world.is_older(machine):
            continue
        paid: dict[tuple[str, int], int] = {}
        for run in world.plan_runs.get((machine, plan), ()):
            for record in run.records:
                if record.amount < 0 and record.status != "failed" and record.wallet in world.ours:
                    paper = record.paper
                    what = (paper.asked, paper.amount_msat) if paper.asked else (paper.bolt11, 0)
                    if not paper.asked and paper.bolt11 not in [to for to, _ in rows]:
                        what = ("cheque", paper.amount_msat)
                    paid[what] = paid.get(what, 0) + 1
        for what, count in paid.items():
            agreed = rows.count(what)
            if what[0] == "cheque":
                agreed = len([to for to, _ in rows if to == "cheque"])
            if count > agreed:
                found.append(f"twice: plan {plan} of {machine} paid {what[0][:30]} over {what[1]} {count} times")
    return found


def _agreed(world: World, run: Run) -> int | None:
    """The most that a run may pay out, in msat."""
    if run.argv[0] == "transfer":
        return _sat(run.argv[2]) if run.argv[2] != "max" else None
    if run.argv[0] == "pay" and run.argv[1].startswith(("bank:", "momo:")):
        return 0
    if run.argv[0] == "pay":
        paper = world.network.by_text.get(run.argv[1].lower())
        return paper.amount_msat if paper else _sat(run.argv[2])
    if "--request" in run.argv:
        return 0
    if run.argv[0] in ("cheque", "batch", "faucet", "reconcile", "phone", "payer", "request"):
        return None
    return 0


def _sat(word: str) -> int:
    """Whole sat in msat; nothing for what is typed wrongly."""
    return int(word) * 1000 if word.isdigit() else 0


def _wallet_is_told_the_truth(world: World, run: Run) -> list[str]:
    """OK is said of what is written down, and ERROR where nothing was sent, or all of it failed for certain."""
    if run.code == 0:
        return _claim_is_journaled(world, run)
    if run.document.get("by") == "the first step":  # there is nothing to take, and it took nothing
        return []
    run.says_no = True
    moved = [record for record in run.records if record.amount < 0 and record.status != "failed"]
    # What `serve` went on with in the same run is another's.
    mine = [record for record in moved if record.paper.bolt11 == run.argv[2].lower()]
    run.says_no = not moved
    return [f"phone: ERROR, and {_shown(mine)}"] if mine else []


def _claim_is_journaled(world: World, run: Run) -> list[str]:
    """OK is said once a claim by this very invoice is journaled. It may fail after that, if it was under way then: for
    certain, by its server's own record, and so that the cheque is as it was."""
    rows = world.read(
        run.machine,
        "SELECT payment.status, payment.remote_wallet_id, cheque.status AS cheque, cheque.claim=payment.id AS is_last"
        " FROM payment JOIN cheque ON cheque.remote_id=payment.remote_wallet_id"
        " WHERE payment.direction='out' AND payment.kind='cheque' AND lower(bolt11)=?",
        run.argv[2].lower(),
    )
    if [row["status"] for row in rows if row["is_last"]] in (["settled"], ["unknown"]):
        return []
    if not rows or run.alone or any(row["status"] != "failed" for row in rows):
        return ["phone: OK, and no such claim"]
    paper = world.network.by_text[run.argv[2].lower()]
    mine = [each for each in world.sent.get(paper.payment_hash, ()) if each.wallet == rows[0]["remote_wallet_id"]]
    if any(each.status != "failed" for each in mine):
        return [f"phone: OK, and a claim that failed, of which {_shown(mine)}"]
    if any(row["cheque"] == "claimed" and row["is_last"] for row in rows):
        return ["phone: OK, and the cheque is claimed by what failed"]
    world.count("told OK, and it failed after that")
    return []


def _out_of_the_right_wallet(world: World, run: Run) -> list[str]:
    """Money leaves the wallet that was named, whatever key lies where its key should."""
    words = run.argv
    if words[:2] == ["batch", "plan"] and run.code == 0:
        world.plan_words[run.machine.ledger, run.step["argv"][run.step["argv"].index("-o") + 1]] = words
    if words[:2] == ["batch", "run"]:
        words = world.plan_words.get((run.machine.ledger, run.step["argv"][2]), [])
    elif words[0] not in PAYS and words[:2] != ["cheque", "create"]:
        return []
    names = [words[words.index(each) + 1] for each in ("--wallet", "--from") if each in words]
    wallet = run.machine.wallets.get(names[-1]) if names else None
    out = [record for record in run.records if record.amount < 0 and record.wallet in world.ours]
    if wallet is None or all(record.wallet == wallet.id for record in out):
        return []
    return [f"whose: {_shown(out)}, and not out of {names[-1]}"]


def _address_pays_its_wallet(world: World, run: Run) -> list[str]:
    """An address asks for what was said, for the wallet that it stands for."""
    said = run.document["data"]
    paper = world.network.by_text[said["bolt11"]]
    sql = "SELECT wallet.remote_id FROM address JOIN wallet ON wallet.id=address.wallet_id WHERE address.name=?"
    owners = [row["remote_id"] for row in world.read(run.machine, sql, run.argv[1])]
    record = paper.maker.incoming(paper.payment_hash) if paper.maker is not None else None
    if record is None or owners != [record.wallet] or paper.amount_msat != int(run.argv[2]):
        return [f"address: {' '.join(run.argv)} gave {paper.payment_hash[:8]} over {paper.amount_msat} msat"]
    if said["settled"] and record.status != "success":
        return [f"address: {paper.payment_hash[:8]} is said to be paid"]
    return []


def _in_time(run: Run) -> list[str]:
    if run.step.get("ledger"):  # it asks for a while whether what it wrote is there
        return []
    allowed = {"2s": 2, "5s": 5, "10s": 10, "20s": 20, "60s": 60}.get(
        run.argv[run.argv.index("--timeout") + 1] if "--timeout" in run.argv else "", 30
    )
    took = run.ended - run.began
    if run.alone and run.argv[0] in PAYS and took > allowed + 15:
        return [f"time: it took {took:.0f} s, with --timeout {allowed}s"]
    return []


def _shown(records: list[Any]) -> str:
    return ", ".join(
        f"{record.paper.payment_hash[:8]} over {-record.amount} msat is {record.status}" for record in records
    )


def _record(world: World, row: Any) -> Any:
    """The provider's record of a journal's entry."""
    wallet = row["remote_wallet_id"]
    server = world.home_of(wallet)
    if server is not None:
        for record in server.by_hash.get(row["payment_hash"], ()):
            if record.wallet == wallet and (record.amount < 0) == (row["direction"] == "out"):
                return record
    return None


def _really_failed(world: World, machine: Machine, id: str) -> list[str]:
    sql = "SELECT * FROM payment WHERE id=? AND direction='out' AND provider='lnbits'"
    for row in world.read(machine, sql, id):
        record = _record(world, row)
        another = "SELECT 1 FROM payment WHERE payment_hash=? AND id<>? AND direction='out' AND status<>'failed'"
        if row["status"] == "failed" and world.read(machine, another, row["payment_hash"], id):
            continue  # a try of its own, which another run has made meanwhile
        if record is not None and record.status == "success" and record.by is not None and _knows(machine, record.by):
            return [f"money_moved: it says no of {id}, which is paid"]
    return []


def _really_paid(world: World, run: Run, data: dict[str, Any]) -> list[str]:
    if "id" not in data:  # there was nothing to move
        return []
    for row in world.read(run.machine, "SELECT * FROM payment WHERE id=? AND provider='lnbits'", data["id"]):
        record = _record(world, row)
        if record is None or record.status != "success":
            return [f"exit code: 0, and {data['id']} is {record and record.status} at the provider"]
        if (data["amount_msat"], data["fee_msat"]) != (abs(record.amount), -record.fee):
            said = f"{data['amount_msat']} + {data['fee_msat']}"
            return [f"amounts: {said} said, {abs(record.amount)} + {-record.fee} paid"]
    return []


def _journal(world: World, machine: Machine) -> list[str]:
    """No entry says more than the provider knows."""
    found = []
    rows = world.read(
        machine,
        "SELECT id, status, direction, payment_hash, remote_wallet_id FROM payment"
        " WHERE direction='out' AND status<>'unknown' AND provider='lnbits'",
    )
    for row in rows:
        record = _record(world, row)
        said = record.status if record is not None else "unknown there"
        if row["status"] == "settled" and said != "success" and not _stands_for_another(world, machine, row["id"]):
            found.append(f"settled: {row['id']} is settled here, {said}")
        if row["status"] == "failed" and said in ("success", "pending"):
            later = world.read(
                machine,
                "SELECT 1 FROM payment WHERE payment_hash=? AND id<>? AND direction='out' AND status<>'failed'",
                row["payment_hash"],
                row["id"],
            )
            if world.is_unread(machine, record.wallet, record.time):
                continue
            if not later and record.by is not None and _knows(machine, record.by):
                found.append(f"failed: {row['id']} is failed here, {said} at the provider")
    return found


def _stands_for_another(world: World, machine: Machine, claim: str) -> bool:
    """Whether a claim by a link counts as the one that had its cheque, and another had it since the copy was made: the
    cheque's wallet is gone with what it knew, and somebody gave it up."""
    for row in world.read(machine, "SELECT id, remote_id, amount_msat FROM cheque WHERE claim=?", claim):
        wallet = next(
            (s.wallets[row["remote_id"]] for s in world.servers.values() if row["remote_id"] in s.wallets), None
        )
        if wallet is None or not wallet.deleted or row["id"] not in _given_up(world, machine):
            continue
        left = [each for s in world.servers.values() for each in s.records if each.wallet == wallet.id]
        had = [each for each in left if each.status == "success" and row["id"] not in each.paper.memo]
        return any(-each.amount >= row["amount_msat"] for each in had)
    return False


def _given_up(world: World, machine: Machine) -> set[str]:
    """What somebody has given up on a machine (`reconcile --resolve`)."""
    gave = [each for each in world.runs if _knows(machine, each) and each.code == 0 and "--resolve" in each.argv]
    return {each.argv[each.argv.index("--resolve") + 1] for each in gave}


def _knows(machine: Machine, run: Run) -> bool:
    """Whether a machine's journal has what a run did."""
    return run.machine.ledger == machine.ledger


def _paid_once(world: World, run: Run | None) -> list[str]:
    """No invoice and no reference of a machine is paid twice, and no run pays two things."""
    found = []
    for hash_ in sorted(world.sent_twice):
        count = sum(record.status == "success" for record in world.sent[hash_])
        if count > 1:
            found.append(f"twice: invoice {hash_[:8]} was paid {count} times")
    for machine, name in sorted(world.used_twice):
        paid = [record for record in world.by_reference[machine, name] if record.status != "failed"]
        if world.is_older(machine):
            continue
        hashes = {record.paper.payment_hash for record in paid}
        if len(hashes) > 1 and not _given_up_between(world, machine, paid):
            found.append(f"twice: reference {name} of {machine} paid {sorted(each[:8] for each in hashes)}")
    if run is not None and run.argv[0] in PAYS:
        sent = {record.paper.payment_hash for record in run.records if record.amount < 0 and record.status != "failed"}
        if len(sent) > 1:
            found.append(f"twice: one run paid {sorted(each[:8] for each in sent)}")
    return found


def _given_up_between(world: World, machine: str, paid: list[Any]) -> bool:
    """Whether somebody had given up the wallet that paid first, and knew that another could pay again."""
    first = min(paid, key=lambda record: record.time)
    given_up = {
        world.names[each.argv[each.argv.index("--resolve") + 1]].id
        for each in world.runs
        if each.machine.ledger == machine and each.code == 0 and "--resolve" in each.argv
        if each.argv[each.argv.index("--resolve") + 1] in each.machine.wallets
    }
    others = [record for record in paid if record is not first]
    return first.wallet in given_up and all(record.wallet != first.wallet for record in others)


def at_rest(world: World) -> list[str]:
    """What is wrong when everything has come to an end, and everybody has asked about it."""
    found: list[str] = []
    world.begin({"n": "rest"})
    if world.ledger is not None:
        world.ledger.be_there()
    for machine in world.machines.values():
        machine.watch.wrong = 0.0
        if not (machine.home / "amani.db").exists() and not machine.env and not (machine.home / "config.toml").exists():
            continue
        for name in world.machines["m1"].keeps:  # one that was added here while its key lay in another's place
            if name not in machine.wallets and _by_another_s_file(world, machine, name, world.names[name]):
                machine.wallets[name] = world.names[name]
        acts.set_rights(machine)
        acts.write_keys(world, machine)
        for name, wallet in machine.wallets.items():
            others = _by_another_s_file(world, machine, name, wallet)
            if others is not None:  # a wallet that has lost its key can be told where that is
                others.unlink()
            if others is not None or not _is_registered(world, machine, wallet):  # or it stays held in a copy, for ever
                acts.command(world, {**acts.adding(world, name), "on": machine.name, "n": "rest"})
                acts.write_keys(world, machine)
    for _ in range(3):
        world.pass_time(250_000)
        for machine in world.machines.values():
            last = world.amani(machine, ["reconcile", "--json"], {"n": "rest"})
            found += after(world, last)
    if world.ledger is not None:
        for row in world.ledger.claims():  # of machines that were started anew: nobody else can know that
            argv = ["store", "release", row, "--reason", "it is gone", "--json", "--yes"]
            found += after(world, world.amani(world.machines["m1"], argv, {"n": "rest"}))
    for _ in range(2):
        for machine in world.machines.values():
            last = world.amani(
                machine,
                ["login", _near(world), "--username", "alice", "--password-stdin"],
                {"n": "rest"},
                stdin=acts.PASSWORD,
            )
            last = world.amani(machine, ["cheque", "sweep", "--json"], {"n": "rest"})
            found += after(world, last)
            found += after(world, world.amani(machine, ["reconcile", "--json"], {"n": "rest"}))
        world.pass_time(200_000)
    found += _left_over(world)
    for machine in world.machines.values():
        if world.fincra is not None and machine.name == "m1":  # what Fincra's log told of after a copy was read back
            found += after(world, world.amani(machine, ["history", "sync", "--json"], {"n": "rest"}))
    for machine in world.machines.values():
        found += _give_up(world, machine)
        for argv in (["reconcile", "--json"], ["audit", "verify", "--json"]):
            last = world.amani(machine, argv, {"n": "rest"})
            if last.code != 0 and not _lacks_a_key(world, last):
                found.append(f"at rest: {machine.name}: {' '.join(argv)}: exit {last.code}: {last.stdout[:1500]}")
        found += _equal(world, machine) + fiat_truth.at_rest(world, machine)
        found += _no_secret_kept(world, machine)
        sql = "SELECT cheque.id FROM cheque JOIN payment ON payment.id=claim WHERE payment.status='settled'"
        left = world.read(machine, f"{sql} AND cheque.status<>'claimed'")
        found += [f"phone: {row['id']} was claimed by its link, and does not say so" for row in left]
    return found


def _lacks_a_key(world: World, run: Run) -> bool:
    """Whether all that a machine could not ask are wallets that others of its ledger pay from, and it does not: the
    first machine has every key, but for those of wallets that another one has made."""
    others = (run.document.get("data") or {}).get("unasked") or ()
    is_so = [f"this machine has no key for wallet '{name}'" in run.stdout for name in others]
    is_theirs = run.machine.name != "m1" or all(name.startswith("x") for name in others)
    return run.code == 10 and world.ledger is not None and bool(is_so) and all(is_so) and is_theirs


def _give_up(world: World, machine: Machine) -> list[str]:
    """Somebody says of cheques that can't be asked any more that they are over; none of them has money in it."""
    found = []
    claimed = "SELECT payment_hash FROM payment WHERE payment.id=claim AND payment.status='unknown'"
    sql = f"SELECT id, remote_id, status, amount_msat, ({claimed}) AS claim FROM cheque"
    for row in world.read(machine, f"{sql} WHERE status IN ('voiding', 'unknown') OR EXISTS ({claimed})"):
        servers = [server for server in world.servers.values() if row["remote_id"] in server.wallets]
        if any(server.balance(row["remote_id"]) >= 1000 for server in servers):
            found.append(f"at rest: {machine.name}: cheque {row['id']} is open, and its wallet holds money")
        home = [record for server in servers for record in server.records if record.paper.memo.startswith("cheque ")]
        had = [record for record in world.sent.get(row["claim"], ()) if record.status == "success"]
        home = [record for record in home if record.status == "success" and row["id"] in record.paper.memo]
        if not had and any(record.amount >= row["amount_msat"] for record in home):  # less is what a claim left
            found.append(f"at rest: {machine.name}: cheque {row['id']} is open, and its money has come home")
        argv = ["reconcile", "--resolve", row["id"], "--json", "--yes", "--pin-stdin"]
        found += after(world, world.amani(machine, argv, {"n": "rest", "stdin": acts.PIN}, stdin=acts.PIN))
    return found


def _near(world: World) -> str:
    return str(world.names["near"].url)


def _left_over(world: World) -> list[str]:
    """No money is left in a wallet that amani made: what was set aside was claimed or came back."""
    found = []
    for name in ("near", "far"):
        server = world.names[name]
        for wallet in server.wallets.values():
            if wallet.id in world.ours or wallet.by is None or _is_lost(world, wallet):
                continue
            left = server.balance(wallet.id)
            if left >= 1000 and not _still_known(world, wallet):
                found.append(f"left over: {left} msat in a wallet that run {wallet.by.number} made: {wallet.by.argv}")
    return found


def _is_lost(world: World, wallet: Any) -> bool:
    """Whether a cheque was written since a copy was made, and is not in it: whoever has its code has the money."""
    machine = wallet.by.machine
    known = world.read(machine, "SELECT 1 FROM cheque WHERE remote_id=?", wallet.id)
    return machine.restored_at > wallet.at and not known


def _still_known(world: World, wallet: Any) -> bool:
    """Whether a cheque's row still tells of it, so that the next sweep tries again, or somebody gave it up."""
    machine = wallet.by.machine
    rows = world.read(machine, "SELECT id, status FROM cheque WHERE remote_id=?", wallet.id)
    return any(row["status"] == "unknown" or row["id"] in _given_up(world, machine) for row in rows)


def _equal(world: World, machine: Machine) -> list[str]:
    """The journal is what the providers' records say, without gap or double."""
    found = []
    here = world.read(machine, "SELECT * FROM payment")
    for name, wallet in machine.wallets.items():
        if not _is_registered(world, machine, wallet):
            continue
        server = world.names[f"{name}@"]
        rows = [row for row in here if row["remote_wallet_id"] == wallet.id]
        entries: dict[tuple[str, bool], list[Any]] = {}
        for row in rows:
            entries.setdefault((row["payment_hash"], row["direction"] == "out"), []).append(row)
        records = {(r.paper.payment_hash, r.amount < 0): r for r in server.records if r.wallet == wallet.id}
        for key, record in records.items():
            mine = entries.get(key, [])
            settled = [row for row in mine if row["status"] == "settled"]
            what = f"{machine.name} {name} {key[0][:8]} {'out' if key[1] else 'in'}"
            if record.status == "success":
                if len(settled) != 1:
                    found.append(f"journal: {what}: {len(settled)} settled entries of a payment that was made")
                elif (settled[0]["amount_msat"], settled[0]["fee_msat"] or 0) != (abs(record.amount), -record.fee):
                    found.append(f"journal: {what}: other amounts")
            elif settled:
                found.append(f"journal: {what}: settled, and is {record.status}")
        for key, mine in entries.items():
            if key not in records and any(row["status"] == "settled" for row in mine):
                found.append(f"journal: {name} {key}: settled, and there is no record")
            if any(row["status"] == "unknown" for row in mine):
                found.append(f"journal: {machine.name} {name} {key[0][:8]}: still open at rest")
    return found


def _is_registered(world: World, machine: Machine, wallet: Any) -> bool:
    return bool(world.read(machine, "SELECT 1 FROM wallet WHERE remote_id=?", wallet.id))


def _by_another_s_file(world: World, machine: Machine, name: str, wallet: Any) -> Path | None:
    """The key file of another wallet that somebody had this one's key read from, when it lay there by mistake."""
    for row in world.read(machine, "SELECT key_source FROM wallet WHERE remote_id=?", wallet.id):
        for other in machine.wallets:
            if other != name and row["key_source"].endswith(f"/keys/{other}"):
                return machine.root / "keys" / other
    return None


def _no_secret_kept(world: World, machine: Machine) -> list[str]:
    found = []
    kept = secrets(world) | world.names["near"].links.keys()
    for path in [*machine.home.glob("amani.db*"), *machine.home.glob("config.toml"), *machine.home.glob("*.log")]:
        content = path.read_bytes()
        found += [f"a secret: {secret} in {path.name}" for secret in kept if secret.encode() in content]
    for table, row in world.ledger.texts() if world.ledger is not None else ():
        found += [f"a secret: {secret} in {table}" for secret in _shown_secrets(world, row)]
    return found


def words(found: list[str]) -> str:
    """The name of the first invariant that is broken: what a shortened script must break too."""
    return found[0].partition(":")[0] if found else ""


def as_text(run: Run) -> str:
    """A run in a line."""
    code = "killed" if run.killed else str(run.code)
    error = (run.document.get("error") or {}).get("code", "")
    return f"{run.machine.name}$ amani {' '.join(run.argv)}  -> {code} {error}".rstrip()


__all__ = ["after", "as_text", "at_rest", "json", "words"]
