# ruff: noqa: E501
"""Puts known faults back into a copy of amani, one at a time: the world must find each of them.

    python -m tests.simulation.mutants [--only WORD] [--after NAME] [--commands 20000] [--minutes 15]

A fault is a text of the code and what stands in its place; the file it stands in is looked for. Those of a shared ledger
are looked for in worlds whose machines share one, on a real server.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

CLONE = Path(__file__).resolve().parent.parent.parent


class Mutant(NamedTuple):
    """A fault: its name, the texts that are replaced, each of which stands once in the code, and where it is hunted."""

    name: str
    changes: tuple[tuple[str, str], ...]
    store: str = "sqlite"


def _m(name: str, *changes: tuple[str, str]) -> Mutant:
    return Mutant(name, changes)


def _shared(name: str, *changes: tuple[str, str]) -> Mutant:
    return Mutant(name, changes, "postgresql")


MUTANTS = (
    # a second person
    _m(
        "the line is not held",
        ("raise unapproved(db, wallet, spend.unit, whole)", "return"),
        ("raise unapproved(ws.store, wallet, unit, whole)", "return"),
    ),
    # the judge
    _m(
        "no record yet is called failed",
        (
            'return Verdict("unknown", None, reason or "the provider has no record of it yet")',
            'return Verdict("failed", None, reason or "the provider has no record of it yet")',
        ),
    ),
    _m(
        "who could not be asked is called failed",
        (
            'return Verdict("unknown", None, reason or "the provider could not be asked")',
            'return Verdict("failed", None, reason or "the provider could not be asked")',
        ),
    ),
    _m(
        "in flight is called settled",
        ('return Verdict("unknown", found, "still in flight")', 'return Verdict("settled", found, "still in flight")'),
    ),
    _m(
        "in flight is called failed",
        ('return Verdict("unknown", found, "still in flight")', 'return Verdict("failed", found, "still in flight")'),
    ),
    _m("absence proves at once", ("PROOF_OF_ABSENCE_S = 120", "PROOF_OF_ABSENCE_S = -1000000")),
    _m("absence proves when it was asked for once", ("return found, found == ABSENT", "return ABSENT, True")),
    _m(
        "a refusal is believed by one look",
        ('if found == ABSENT and answer.heard in ("failed", "refused", "limited"):', "if False:"),
    ),
    _m(
        "a refusal is believed where the second look fails",
        (
            "found = _asked(rail, row)  # for both may be",
            "found = found if (again := _asked(rail, row)) == NOT_ASKED else again  # for both may be",
        ),
    ),
    _m("absence is never proved", ("PROOF_OF_ABSENCE_S = 120", "PROOF_OF_ABSENCE_S = 10**8")),
    # the engine
    _m(
        "a lost answer is called not sent",
        (
            'except Lost as error:\n            return PayAnswer("silence", None, error.message)\n        reason = wire.detail(answer)\n        if answer.status in (200, 201) and isinstance(answer.body, dict):\n            return self._paid',
            "except Lost as error:\n            raise NotSent(error.message) from None\n        reason = wire.detail(answer)\n        if answer.status in (200, 201) and isinstance(answer.body, dict):\n            return self._paid",
        ),
    ),
    _m(
        "a 201 without a status is paid",
        ('return "settled" if paid is True or body.get("pending") is False else "pending"', 'return "settled"'),
        ('if said == "pending":\n        return "pending"', 'if said == "pending":\n        return "settled"'),
    ),
    _m(
        "an invoice may be begun twice",
        (
            "row = journal.sent_for(ws.store, payment_hash) if payment_hash else None\n    if reference",
            "row = None\n    if reference",
        ),
        (
            "sent=lambda db: journal.sent_for(db, wanted.invoice.payment_hash),\n        on_journal=wanted.on",
            "on_journal=wanted.on",
        ),
    ),
    _m(
        "a reference stands for nothing",
        ("if reference is not None and (row is not None or references.is_known(ws.store, reference)):", "if False:"),
        ("if reference is None:\n        return sent", "if True:\n        return sent"),
    ),
    _m(
        "the fee is not kept",
        ('"fee_msat": record.fee_msat,\n            "preimage"', '"fee_msat": 0,\n            "preimage"'),
    ),
    _m(
        "the twin of an open payment is sent",
        ("for twin in twins:\n        raise", "for twin in ():\n        raise"),
    ),
    _m(
        "a dry run pays",
        (
            "if dry_run:\n        said.emit(paying.planned(",
            "if False:\n        said.emit(paying.planned(",
        ),
    ),
    _m(
        "nobody is asked for a yes",
        (
            "if self.yes:\n            return None\n        if not self.ask.can_ask:\n            self.ask.confirm(question)",
            "if self.yes or not self.ask.can_ask:\n            return None",
        ),
    ),
    _m(
        "no limit on the fee",
        ("if wanted.max_fee_msat is not None and max_fee_msat > wanted.max_fee_msat:", "if False:"),
    ),
    _m("a defect", ('hint += f". If it never arrived', 'hint += 1 + f". If it never arrived')),
    _m(
        "reconcile pays again",
        (
            'if row.status == "unknown":\n            row = earlier.ask_again(ws, row)\n        elif',
            'if row.status == "unknown":\n            import contextlib\n            with contextlib.suppress(errors.AmaniError):\n                paying.resume(ws, rails.wallet_of(ws, row), row, confirm=None)\n            row = earlier.ask_again(ws, row)\n        elif',
        ),
    ),
    _m(
        "what was refused when it was sent again is failed",
        (
            'return judge(answer, found)\n        return Verdict("unknown", None, answer.reason or "the provider has no record of it yet")',
            'return judge(answer, found)\n        return Verdict("failed", None, answer.reason or "x")',
        ),
    ),
    # rules
    _m("the PIN is never asked for", ("above = limit is None or Decimal(total) > limit", "above = False")),
    _m(
        "any PIN is right",
        (
            "            verify(ws, wallet, pin)\n            return True",
            "            return True",
        ),
    ),
    _m("no budget of a day", ("if wanted > left:\n        oldest", "if False:\n        oldest")),
    _m("no budget of a payment", ("row.per_payment is not None and wanted > Decimal(row.per_payment)", "False")),
    _m("no cool-down", ("if last is not None and last + row.cooldown_s > moment:", "if False:")),
    _m("no daily cap", ("if row.daily_cap_msat is None:\n        return", "return")),
    # records and books
    _m("what is known is brought in again", ("if _key(record) in known or (", "if (")),
    _m(
        "only the first page is read",
        ("yield page\n            reached", "yield page\n            more, reached = False, None\n            reached"),
        ("is_sure = empty >= 2 if down_to is None else down_to == began_at", "is_sure = True"),
    ),
    _m("what was pending is forgotten", ("if is_first and waiting is not None and down_to is not None:", "if False:")),
    _m("two syncs bring in one line", ("if journal.is_logged(db, wallet.remote_id, line.id):", "if False:")),
    _m(
        "arrivals are journaled twice",
        (
            "if row is None:\n            entry = NewEntry(\n                target.journaled",
            "if True:\n            entry = NewEntry(\n                target.journaled",
        ),
    ),
    _m(
        "another wallet's record counts",
        ("if wallet_id not in (None, record.wallet_id):\n        return NOT_ASKED", ""),
    ),
    # the line
    _m("the deadline is not kept", ("wait = max(LEAST_S, min(self._timeout, self.left()))", "wait = 600.0")),
    _m(
        "drips are waited for",
        ('"connect": ends, "read": ends,', '"connect": ends, "read": ends + 600,'),
    ),
    _m(
        "an old invoice is taken for the new one",
        (
            "if not same or not is_ours or not told.answers_this or store_invoices.is_known",
            "if False and store_invoices.is_known",
        ),
    ),
    _m("an invoice that another machine asked for is taken", ("or not told.answers_this or", "or")),
    _m(
        "an invoice is looked for by whatever key there is",
        (
            "if record is not None:\n        wallet.must_match(record.wallet_id)\n    else:",
            "if record is not None:\n        pass\n    else:",
        ),
        ('wallet.must_match(record.wallet_id)\n    if record.status == "settled"', 'if record.status == "settled"'),
    ),
    _m(
        "another wallet's keys are taken for new ones",
        ("if fresh.id != wallet_id:", "if False:"),
        ("cheque.must_match = must_match", "cheque.must_match = None"),  # which sees it too, one step later
    ),
    _m(
        "two cheques are put into one wallet",
        ("if made.name != name:", "if False:"),
        ("if cheques.of_wallet(ws.store, wallet.url, made.id) or identities.was_met(ws.store, made.id):", "if False:"),
    ),
    _m("a cheque is put into another machine's wallet", ("if made.name != name:", "if False:")),
    _m(
        "an address may ask for more",
        ("if invoice.amount_msat != amount_msat:\n            said", "if False:\n            said"),
    ),
    _m(
        "a key is shown",
        (
            "    if not forms:\n        return text\n    longest_first",
            "    if True:\n        return text\n    longest_first",
        ),
    ),
    # restore
    _m(
        "money goes out of a restored copy",
        ("if copy is None and held is None:\n        return", "return"),
        ("for row in holds.waiting(ws.store)] if reference is not None else []", "for row in ()]"),
    ),
    _m(
        "references are not learned from records",
        ("for reference, meaning in named.references:", "for reference, meaning in ():"),
    ),
    _m("a reference under which it was sent again is not told along", ("if payment.resent:", "if False:")),
    _m("what a held copy refused keeps its reference", ("target IS NULL AND EXISTS (SELECT 1 FROM hold)", "1=0")),
    _m("a reference of what is open in a copy is not learned", ("if reference != row.reference:", "if False:")),
    # cheques
    _m("a void goes wrong and says no", ('if is_home and error.money_moved == "no":', "if False:")),
    _m(
        "what a claim left is left",
        ("OR (status='claimed' AND swept=0)", "OR (status='claimed' AND reserve_msat>0 AND swept=0)"),
    ),
    _m("what is left behind a claim in that very moment is left", ("not in (0, tried_sat):", "and not tried_sat:")),
    _m(
        "an expired cheque is not swept",
        (
            "SELECT * FROM cheque WHERE status IN ('open', 'voiding', 'unknown') OR",
            "SELECT * FROM cheque WHERE status IN ('voiding', 'unknown') OR",
        ),
    ),
    _m(
        "a wallet is deleted with money in it",
        (
            "    _refuse_funded(client, name)\n    _refuse_expecting(client, name, but)\n    _refuse_funded(client, name)\n",
            "    _refuse_expecting(client, name, but)\n",
        ),
        ("drawn = _draw_back(ws, giver, row, cheque)", "drawn = None"),
    ),
    # what this world has found
    _m(
        "a cheque is given up by one answer",
        ("a moment's fault\n                client.wallet()\n", "a moment's fault\n                raise\n"),
    ),
    _m("a cheque's balance may be another wallet's", ("cheque.must_match = must_match", "cheque.must_match = None")),
    _m(
        "a reference stays with what was open in a copy",
        ("WHERE id=target AND status<>'settled')", "WHERE id=target AND status='failed')"),
    ),
    _m("one's own invoice is never certain", ("return client.sent(payment_hash) or ABSENT", "return NOT_ASKED")),
    _m(
        "what another wallet had tried is taken on",
        ("record.amount_msat < 0 and record.wallet_id == wallet_id\n", "record.amount_msat < 0\n"),
        ('return PayAnswer(record.status, record, "" if', 'return PayAnswer("pending", None, "" if'),
    ),
    _m(
        "claims since a backup are forgotten",
        ("if named.claimer is not None:\n        rules", "if False:\n        rules"),
    ),
    _m("an answer about another address is paid", ("_refuse_other(link, identifier)\n        assert", "assert")),
    _m(
        "what is open is tried from another wallet",
        (
            "alike = journal.open_like(db, wanted.kind)",
            "alike = journal.open_like(db, wanted.kind, remote_id=wallet_id)",
        ),
    ),
    _m(
        "what came home since a backup is not told",
        ("wallet.remote_id) if came else None", "wallet.remote_id) if came and False else None"),
    ),
    _m(
        "what is given up is let go",
        ("UPDATE hold SET here=-1 WHERE remote_id=?", "DELETE FROM hold WHERE remote_id=?"),
    ),
    _m(
        "a cheque that came to nothing keeps its reference",
        (
            """            " OR EXISTS (SELECT 1 FROM cheque WHERE id=target AND (reference IS NULL OR (status='funding'"
            " AND coalesce(funding_hash, '')<>(SELECT payment_hash FROM payment WHERE id=?)))))",
            (target, reference, target),""",
            """            ")",
            (target, reference),""",
        ),
    ),
    _m(
        "an invoice told to two is taken by both",
        ("if not is_new:\n        raise _another", "if False:\n        raise _another"),
        ("or not told.answers_this or", "or"),  # which alone is enough, but for a server that tells nothing of it
    ),
    _m(
        "a batch pays by whatever key there is",
        ("self._lightning.spending_id(client)  # the key's", "pass  # the key's"),
    ),
    _m(
        "the newest try stands for a hash",
        ("ORDER BY status='failed', id DESC LIMIT 1", "ORDER BY id DESC LIMIT 1"),
        ("ORDER BY status<>'failed', id", "ORDER BY id"),
    ),
    _m(
        "a cheque is abandoned without a look into its wallet",
        ("funded = _is_funded(ws, row)", "funded = False"),
    ),
    _m("a cheque is given up while a claim by its link is under way", ("CLAIM_S = 86400", "CLAIM_S = 0")),
    _m(
        "an own invoice that the wallet paid itself is awaited no longer",
        (
            "return self.since.get(record.payment_hash) == (record.listed_at or 0.0)",
            "return record.payment_hash in self.since",
        ),
    ),
    # fiat
    _m("absence of a payout proves at once", ("PROOF_OF_ABSENCE_S = 86400", "PROOF_OF_ABSENCE_S = -86400")),
    _m(
        "a payout's name is made anew",
        (
            "return _name(business, reference, meaning, journal.count_tries(db, reference))",
            "return str(uuid.uuid4())",
        ),
    ),
    _m(
        "a copy reads no payouts that are on their way",
        (
            "new, updated = in_flight.bring_in(ws, wallet, client, since)",
            "pass",
        ),
    ),
    _m(
        "what failed in a copy alone is not asked about",
        ('elif sent is not None and sent.status == "failed" and sent', "elif False and sent is not None and sent"),
    ),
    _m(
        "what failed in a copy is not on its way",
        ('elif known.status == "failed":\n                updated', "elif False:\n                updated"),
    ),
    _m(
        "what has ended when it is read is not asked about",
        (
            "ends = {each.payment_hash: self._ends(each) for each in pending}",
            "ends = {each.payment_hash: self._ends(each) for each in pending}\n        pending = [each for each in pending if (ends[each.payment_hash] or self._now) >= self._now]",
        ),
    ),
    _m(
        "what has ended is given up before it is asked about",
        (
            "overdue = waiting.overdue(left.keys() & pending)",
            "waiting.forget(over := waiting.overdue(left))\n    left = {each: made for each, made in left.items() if each not in over}\n    overdue = set()",
        ),
    ),
    _m(
        "the twin of an open payout is sent",
        ("_refuse_twin(ws, db, business, kind, move.plan)", "pass"),
    ),
    # batches
    _m(
        "a copy forgets which try of a row's cheque got its money",
        ("known = references.known(ws.store, names) if ws.has_store else set()", "known = set[str]()"),
    ),
    _m(
        "a row is begun anew",
        (
            'if earlier is not None and earlier.status == "unknown":\n            begun',
            "if False:\n            begun",
        ),
        (
            "if row.payment_hash is None:\n            return self._pay_address(row, reference)",
            "if row.payment_hash is None:\n            return self._pay_address(row, reference + os.urandom(4).hex())",
        ),
    ),
    # disks and rights
    _m(
        "a lock that can't be made is taken for a defect of amani",
        ("except OSError as error:  # a folder that is read-only, of another user's,", "except KeyError as error:  #"),
    ),
    # a ledger of several machines
    _shared("nobody waits for another machine's write", ("SELECT pg_advisory_xact_lock({LOCK})", "SELECT 1")),
    _shared(
        "each machine counts by its own clock",
        (
            "at, came = self._heard\n        return at + clocks.steady() - came",
            "at, came = self._heard\n        return clocks.wall()",
        ),
    ),
    _shared(
        "what is small is not brought along with the lock",
        (
            "self._mirror.fill(small)\n        self._head",
            "self._mirror._tables or self._mirror.fill(small)\n        self._head",
        ),
        ("self._mirror.clear()\n        self.wire.roll_back()", "self.wire.roll_back()"),
    ),
    _shared("a COMMIT that was not answered is taken for kept", ("if not self._is_there(token):", "if False:")),
    _shared(
        "a ledger that went back is gone on with",
        ("if seen and (not found or found[0][0] != seen[1]):", "if False:"),
        ("if seen is not None and seen not in [tuple(row) for row in heads[0]]:", "if False:"),
    ),
    _shared(
        "a ledger that was moved goes on", ("if nothing_came:\n        with source", "if True:\n        with source")
    ),
    _shared(
        "a ledger that is gone behind a payment is told as its own failure",
        ("untold.close() if was_cut_off else untold.behind(failure)", "untold.close() if was_cut_off else ()"),
    ),
    _shared(
        "a ledger that is gone behind a batch is told as its own failure",
        ('if untold.has_moved and failure.money_moved == "no":', "if False:"),
    ),
)


def lay(mutant: Mutant, into: Path) -> None:
    """Make a copy of amani with a fault in it. Raises `LookupError` for a text that does not stand there once."""
    shutil.copytree(CLONE / "amani_cli", into / "amani_cli", ignore=shutil.ignore_patterns("__pycache__"))
    for old, new in mutant.changes:
        found = [path for path in sorted(into.rglob("*.py")) if old in path.read_text()]
        if len(found) != 1 or found[0].read_text().count(old) != 1:
            raise LookupError(f"'{mutant.name}': {old!r} stands in {[each.name for each in found]}")
        found[0].write_text(found[0].read_text().replace(old, new))


def hunt(mutant: Mutant, commands: int, minutes: float) -> tuple[str, int, float]:
    """Look for a fault: what was broken (or ""), after how many commands, and how long it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lay(mutant, Path(folder))
        told = Path(folder) / "told.json"
        words = ["--minutes", str(minutes), "--steps", "120", "--commands", str(commands), "--first", str(told)]
        words += ["--store", mutant.store]
        subprocess.run(
            [sys.executable, "-m", "tests.simulation.run", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}:{CLONE}", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        said = json.loads(told.read_text()) if told.exists() else {"found": "it could not be run", "commands": 0}
    return str(said["found"]), int(str(said["commands"])), time.monotonic() - began


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Hunt each; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--after", default="", help="begin behind the one of this name")
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=15)
    said = parser.parse_args()
    survivors = 0
    say("| fault | found by | commands |\n|---|---|---|")
    for mutant in MUTANTS:
        if said.after:
            said.after = "" if said.after == mutant.name else said.after
            continue
        if said.only not in mutant.name:
            continue
        try:
            found, commands, took = hunt(mutant, said.commands, said.minutes)
        except LookupError as error:
            found, commands, took = f"?? {error}", 0, 0.0
        survivors += not found or found.startswith("??")
        say(f"| {mutant.name} | {found[:110] or 'SURVIVES'} | {commands:,} ({took:.0f} s) |")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
