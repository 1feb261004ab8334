"""What must hold of fiat: the same promises as of Lightning, over payouts and conversions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.simulation import acts
from tests.simulation.fincra import Movement
from tests.simulation.world import Machine, Run, World

CERTAIN = (2, 3, 4, 5, 6, 7, 9, 10, 12)


def after(world: World, run: Run) -> list[str]:
    """What is wrong with what a run moved, and with what the journal says of it."""
    if world.fincra is None or not (run.machine.name == "m1" or world.ledger is not None):
        return []
    found = [] if run.killed else _answer(world, run)
    moved = [each for each in run.movements if each.status != "failed"]
    if moved and run.step.get("stdin") != acts.PIN:
        found.append(f"rule: {_shown(moved)} without the PIN")
    if len(moved) > 1:
        found.append(f"twice: one run moved {_shown(moved)}")
    for name, used in world.fiat_references.items():
        if len({each.reference for each in used if each.status != "failed"}) > 1:
            found.append(f"twice: reference {name} moved {_shown(used)}")
    return found + _journal(world, run.machine)


def _answer(world: World, run: Run) -> list[str]:
    found = []
    error = run.document.get("error") or {}
    moved = [each for each in run.movements if each.status != "failed"]
    if moved and (run.says_no or run.code in CERTAIN):
        found.append(f"money_moved: exit {run.code} {error.get('code')} says no, and {_shown(moved)}")
    if moved and "--yes" not in run.argv:
        found.append(f"agreed: nobody said yes, and {_shown(moved)}")
    for each in moved:
        if not _is_agreed(run, each):
            found.append(f"agreed: {' '.join(run.argv)}, and {_shown([each])}")
        if "--reference" not in run.argv and (each.payee, *each.amount) in run.fiat_open:
            found.append(f"twice: the same was open, and {_shown([each])}")
    if run.code == 0 and _moves(run) and not {"--dry-run", "--request"} & set(run.argv):
        found += _really_moved(world, run)
    return found


def _moves(run: Run) -> bool:
    return run.argv[:2] == ["wallet", "convert"] or (
        run.argv[0] == "pay" and run.argv[1].startswith(("bank:", "momo:"))
    )


def _is_agreed(run: Run, made: Movement) -> bool:
    if run.argv[0] not in ("pay", "wallet"):
        return run.argv[0] in ("batch", "request")
    amount, currency = made.amount
    is_right = f"{amount.normalize():f}{currency}" == run.argv[2]
    return is_right and run.argv[1].endswith(made.payee or "convert")


def _really_moved(world: World, run: Run) -> list[str]:
    data = run.document["data"]
    made = world.fincra.movements.get(data.get("our_reference") or "") if world.fincra is not None else None
    if made is None or made.status != "successful":
        return [f"exit code: 0, and {data.get('id')} is {made and made.status} at Fincra"]
    if "total" in made.row:
        cost = made.row["total"] - made.row["amount"]
        if (Decimal(data["amount"]["value"]), Decimal(data["fee"]["value"])) != (made.row["amount"], cost):
            return [f"amounts: {data['amount']} + {data['fee']} said, {made.row['amount']} + {cost} moved"]
    return []


def _journal(world: World, machine: Machine) -> list[str]:
    """No entry says more than Fincra knows."""
    found = []
    rows = world.read(
        machine,
        "SELECT id, kind, status, our_reference FROM payment WHERE provider='fincra' AND direction='out'"
        " AND status<>'unknown'",
    )
    assert world.fincra is not None
    for row in rows:
        made = world.fincra.movements.get(row["our_reference"] or "")
        said = made.status if made is not None else "unknown there"
        # Of a conversion the log tells at once that money has left; what it brings comes when it settles.
        is_told = made is not None and said == "processing" and "total" not in made.row
        if row["status"] == "settled" and said != "successful" and not is_told:
            found.append(f"settled: {row['id']} is settled here, {said}")
        is_read = made is None or not world.is_unread(machine, world.fincra.shop.business, made.by.began)
        if row["status"] == "failed" and said in ("processing", "successful") and is_read:
            found.append(f"failed: {row['id']} is failed here, {said} at Fincra")
    return found


def at_rest(world: World, machine: Machine) -> list[str]:
    """The journal is what Fincra's records say, without gap or double."""
    if world.fincra is None or machine.name != "m1":
        return []
    found = []
    rows = world.read(machine, "SELECT * FROM payment WHERE provider='fincra' AND direction='out'")
    entries: dict[str, list[Any]] = {}
    for row in rows:
        entries.setdefault(row["our_reference"], []).append(row)
        if row["status"] == "unknown":
            found.append(f"journal: {row['id']} {row['our_reference']}: still open at rest")
    for reference, made in world.fincra.movements.items():
        said = [row["status"] for row in entries.get(reference, ())]
        if made.status == "processing":
            found.append(f"journal: {reference} is still being processed, and nobody asks")
        if made.status == "successful" and said.count("settled") != 1:
            found.append(f"journal: {reference} was moved, and the journal says {said}")
    return found


def _shown(moved: list[Movement]) -> str:
    return ", ".join(f"{each.reference[:8]} over {each.amount[0]} {each.amount[1]} is {each.status}" for each in moved)
