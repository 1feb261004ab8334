"""Who does what in the world: draws the next step of a script, from the seed and from what there is by now."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation import fincra, line, shared_ledger, stories
from tests.simulation.hosts import MOODS
from tests.simulation.world import Step, World

SAT = (1, 2, 10, 21, 99, 100, 101, 250, 1000, 5000, 9999, 10_000, 10_001, 25_000)


_OPENED = ["--passphrase-file", "@/keys/pass"]


class People:
    """The inhabitants. They remember what they did, and like to do it again."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.rng = random.Random(f"{seed}/people")
        self.count = 0
        self.papers: list[str] = []
        self.asked: list[str] = []
        self.references: list[tuple[str, list[str]]] = []
        self.backups: dict[str, list[str]] = {"m1": [], "m2": [], "m3": []}
        self.done: list[Step] = []
        self.cheques: list[tuple[str, str]] = []
        self.links: dict[str, int] = {}
        self.lnurls: dict[str, int] = {}
        self.plans: list[tuple[str, str]] = []
        self.last: Step = {}
        self.others: list[str] = []
        self.addresses: list[tuple[str, str]] = []
        self.queue: list[Step] = []
        self.requests: list[tuple[str, str]] = []
        self.is_shared = world.ledger is not None

    def next(self) -> Step:
        """The next step."""
        rng = self.rng
        self.count += 1
        if self.queue:
            return {"n": self.count, **self.queue.pop(0)}
        if "pay 0" in self.last.get("faults", {}) and rng.random() < 0.4:
            return self._insist({"pay 0": rng.choice([*sorted(line.FAULTS), *line.HEAVY])})
        words = " ".join(self.last.get("argv", [])[:2])
        if words.startswith(("transfer", "faucet claim", "invoice create")) and rng.random() < 0.2:
            return self._insist({"ask 0": "old"})
        choices = [
            (30, self._pay),
            (22, self._again),
            (8, self._transfer),
            (8, self._invoice),
            (6, self._check),
            (7, self._reconcile),
            (4, self._look),
            (0 if self.is_shared else 3, self._backup),
            (0 if self.is_shared else 2, self._restore),
            (12, self._happens),
            (9, self._address),
            (9, self._cheque),
            (5, self._batch),
            (3, self._faucet),
            (3, self._rule),
            (3, self._line),
            (4, self._request),
            (4, self._carry_out),
            (10, self._two),
            (2, self._withdraw),
            (0 if self.is_shared else 1, self._damage),
            (4 if self.is_shared else 3, self._story),
            (1, self._hook),
            (2, self._payer),
            (1, self._slip),
            (1, self._rarely),
            (0 if self.is_shared else 0.3, self._older),
            (3 if self.is_shared else 0, self._ledger),
            (1.5 if self.is_shared else 0, self._older_database),
            (4 if self.world.ledger is not None and not self.world.ledger.is_used else 0, self._move),
            (7 if self.world.fincra is not None else 0, self._fiat),
        ]
        draw = rng.choices([each for _, each in choices], [weight for weight, _ in choices])[0]
        step = {"n": self.count, **draw()}
        if draw == self._story:
            return step
        if step["do"] in ("amani", "restore", "two", "move"):
            for each in (step["a"], step["b"]) if step["do"] == "two" else (step,):
                if rng.random() < 0.4:
                    each["faults"] = line.draw(rng, 12)
                if self.is_shared and rng.random() < (0.6 if step["do"] == "move" else 0.25):
                    each["ledger"] = shared_ledger.draw(rng)
            if step["do"] == "two":
                step = {**step, "a": {"n": self.count, **step["a"]}, "b": {"n": self.count, **step["b"]}}
            elif rng.random() < 0.1:
                step["kill"] = int(rng.expovariate(1 / 40))
            elif rng.random() < 0.04 and not self.is_shared:
                step["shut" if rng.random() < 0.4 else "full"] = int(rng.expovariate(1 / 40))
            elif rng.random() < 0.03 or (step["argv"][0] in ("cheque", "phone") and rng.random() < 0.1):
                step["keyring"] = "locked"
        self.last = step if step["do"] == "amani" else {}
        return step

    def _story(self) -> Step:
        """The first step of a story; the others follow it."""
        told = ((*stories.ANYWHERE, *stories.TEAM) if self.is_shared else stories.STORIES) + (
            stories.FIAT[self.is_shared :] if self.world.fincra is not None else ()
        )
        first, *self.queue = self.rng.choice(told)(self.rng, self.count)
        return first

    def _insist(self, faults: dict[str, str]) -> Step:
        """What was done a moment ago, done again at once; and the line is no better than before."""
        words = ("do", "on", "argv", "stdin", "mood")
        step = {"n": self.count, **{name: value for name, value in self.last.items() if name in words}}
        if self.rng.random() < 0.6:
            step["faults"] = faults
        self.last = step
        return step

    # -- commands --------------------------------------------------------------------------------------------------

    def _on(self) -> str:
        drawn = self.rng.random()
        if drawn > 0.9 and "m3" in self.world.machines:
            return "m3"
        return "m1" if drawn < (0.5 if self.is_shared else 0.75) else "m2"

    def _first(self) -> str:
        """Where the faucet, the contacts and the rules are: on the first machine, or wherever that is shared."""
        return self._on() if self.is_shared else "m1"

    def _wallet(self, on: str) -> str:
        return self.rng.choice({"m1": ["w1", "w1", "w2", "w3"], "m2": ["w1", "w1", "w3"], "m3": ["w2", "w3"]}[on])

    def _command(self, on: str, argv: list[str], **more: Any) -> Step:
        step = {"do": "amani", "on": on, "argv": argv, **more}
        self.done.append(step)
        return step

    def _said(self) -> list[str]:
        """What is said with every command."""
        rng, words = self.rng, ["--json"]
        if rng.random() < 0.95:
            words.append("--yes")
        if rng.random() < 0.4:
            words += ["--timeout", rng.choice(["2s", "5s", "10s", "60s"])]
        if rng.random() < 0.1:
            words += ["--actor", rng.choice(["ann", "ben"])]
        return words

    def _paper(self) -> tuple[str, dict[str, Any] | None]:
        """An invoice to pay: a new one, or one that was seen before."""
        rng = self.rng
        if self.papers and rng.random() < 0.3:
            return rng.choice(self.papers[-12:]), None
        name = f"i{self.count}"
        maker = rng.choice(["outside"] * 6 + ["bob", "bob", "w1", "w2", "w3"])
        expiry = rng.choice([60, 600, 3600, 3600, 86400])
        self.papers.append(name)
        return name, {"name": name, "maker": maker, "msat": rng.choice(SAT) * 1000, "expiry": expiry}

    def _slip(self) -> Step:
        """What is typed wrongly, or meant for another wallet: refused, and nothing moves."""
        rng, on = self.rng, self._on()
        near = f"${rng.choice(['w1', 'w2', 'w3'])}@:url"
        argv = rng.choice(
            [
                ["pay", "ann@pay.example", rng.choice(["0", "0.5sat", "-1", "many", "21000000000"]), "--wallet", "w1"],
                ["pay", rng.choice(["lnbc1junk", "LNURL1JUNK", "ann@", "nobody"]), "21", "--wallet", "w1"],
                ["pay", "lnurlw://pay.example/w/1", "21", "--wallet", "w1"],
                ["pay", "bank:058/2345678901", "120NGN", "--wallet", "w1"],
                ["pay", "bank:058/2345678901", rng.choice(["120GHS", "120XYZ", "0NGN"]), "--wallet", "shop"],
                ["pay", rng.choice(["bank:999/2345678901", "bank:058/1", "momo:X/1"]), "120NGN", "--wallet", "shop"],
                ["pay", "ann@pay.example", "21", "--wallet", rng.choice(["none", "shop"])],
                ["transfer", rng.choice(["none", "shop", "w3"]), rng.choice(["1.5", "21"]), "--from", "w1"],
                ["invoice", "create", rng.choice(["0", "0.1sat", "99999999"]), "--wallet", "w1"],
                ["invoice", "create", "21", "--wallet", "w1", "--expiry", "0s"],
                ["invoice", "claim", "lnurlp://pay.example/w/1", "--wallet", "w1"],
                ["cheque", "create", rng.choice(["0", "1"]), "--wallet", "w1", "--expires", rng.choice(["1h", "0s"])],
                ["cheque", "claim", "amani1junk", "--to", "w1"],
                ["wallet", "add", "again", "--url", near, "--insecure-http", "--key-file", "@/keys/w1"],
                ["wallet", "add", "w1", "--url", near, "--key-file", "@/keys/w3"],
                ["wallet", "add", "plain", "--url", "http://203.0.113.7", "--key-file", "@/keys/w1"],
                ["batch", "run", "@/kept/no such plan"],
                ["request", "run", "req_01m3250w2wacxev0dg"],
                ["history", "show", "ab" * 32],
                ["backup", "restore", "@/keys/pass", "--passphrase-file", "@/keys/w1"],
                ["login", near, "--username", "alice", "--password-stdin"],
            ]
        )
        return self._command(on, [*argv, "--yes", "--json"], mood="honest", stdin="wrong")

    def _rarely(self) -> Step:
        """What is set once, and hardly ever again; mostly without the right to."""
        rng, on = self.rng, self._on()
        argv = rng.choice(
            [
                ["approver", rng.choice(["show", "init"])],
                ["approver", "remove", "boss"],
                ["approver", "add", "boss", "ab" * 32],
                ["contact", "remove", "a friend"],
                ["contact", "banks", "NGN", "--wallet", "shop"],
                ["pin", rng.choice(["set", "change", "remove"]), "--wallet", "w1", "--pin-stdin"],
                ["pin", "reset", "--wallet", "w1", "--key-stdin"],
                ["wallet", "create", f"x{self.count}", "--url", "$near:url"],
                ["wallet", "use", "w1"],
                ["wallet", "watch", "w1", "--for", "20s", "--every", "5s"],
                ["store", "claims"],
                ["store", "release", "chq_01m3250w2wacxev0dg"],
                ["faucet", "configure", "--wallet", "w2", "--daily-cap", rng.choice(["200sat", "250sat"])],
                ["completion", "install", "bash"],
            ]
        )
        if self.requests and rng.random() < 0.3:
            name, on = rng.choice(self.requests[-4:])
            how = rng.choice(["approve", "refuse", "export"])
            argv = ["request", how, f"${name}"]
        return self._command(on, [*argv, "--yes", "--json"], stdin="1834\n2580")

    def _reference(self, argv: list[str]) -> list[str]:
        rng = self.rng
        drawn = rng.random()
        if drawn < 0.5:
            return []
        if drawn < 0.9 or not self.references:
            name = f"r{self.count}"
            self.references.append((name, argv))
        else:
            name = rng.choice(self.references)[0]
        return ["--reference", name]

    def _pay(self) -> Step:
        rng, on = self.rng, self._on()
        name, make = self._paper()
        argv = ["pay", f"${name}" + (":upper" if rng.random() < 0.1 else ""), "--wallet", self._wallet(on)]
        argv += self._reference(argv)
        if rng.random() < 0.1:
            argv += ["--max-fee", rng.choice(["0", "1sat", "2sat", "50sat"])]
        if rng.random() < 0.1:
            argv.append("--no-wait")
        if rng.random() < 0.05:
            argv.append("--dry-run")
        if rng.random() < 0.2:
            argv += ["--memo", "rent"]
        argv += self._said()
        return self._command(on, argv, **self._pin(argv), **({"make": make} if make else {}))

    def _pin(self, argv: list[str]) -> dict[str, Any]:
        """The PIN, mostly the right one; `argv` is told where it comes from."""
        drawn = self.rng.random()
        if drawn < 0.75:
            return {}
        argv.append("--pin-stdin")
        return {"stdin": "4831" if drawn < 0.95 else "1834"}

    def _address(self) -> Step:
        """Pay a Lightning address, whose server may have its moods."""
        rng, on = self.rng, self._on()
        to = rng.choice(["ann@pay.example", "Ann@pay.example", "ben@pay.example", "ann@other.example", "a friend"])
        if to == "a friend":
            if rng.random() < 0.2:
                return self._command(
                    self._first(), ["contact", "add", "a friend", "ann@pay.example", "--json", "--yes"]
                )
            on = self._first()
        argv = ["pay", to, str(rng.choice(SAT)), "--wallet", self._wallet(on)]
        argv += self._reference(argv)
        argv += self._said()
        return self._command(on, argv, **self._pin(argv), mood=rng.choice(MOODS))

    def _fiat(self) -> Step:
        """Pay a bank account or a phone, or change currencies."""
        rng = self.rng
        if rng.random() < 0.2:
            words = rng.choice([["wallet", "balance", "shop"], ["history", "sync", "--wallet", "shop"]])
            return self._command("m1", [*words, "--json"])
        to = rng.choice(list(fincra.PAYEES))
        argv = ["pay", to, f"{rng.choice([10, 120, 5000])}{fincra.PAYEES[to]}"]
        if rng.random() < 0.25:
            argv = ["wallet", "convert", rng.choice(["5USD", "20USD"]), "--to", "NGN"]
        argv += ["--wallet", "shop", *self._reference(argv), *self._said()]
        if rng.random() < 0.05:
            argv.append("--dry-run")
        if rng.random() < 0.1:
            return self._command("m1", argv)
        return self._command("m1", [*argv, "--pin-stdin"], stdin="4831" if rng.random() < 0.95 else "1834")

    def _withdraw(self) -> Step:
        """Take what a link gives; some links twice."""
        rng, on = self.rng, self._on()
        link = f"lnurlw://{rng.choice(['pay.example', 'other.example'])}/w/{self.count - rng.choice([0, 0, 5, 9])}"
        argv = ["invoice", "claim", link, *rng.choice([[], ["5"], ["100"]]), "--wallet", self._wallet(on)]
        return self._command(on, argv + self._said(), mood=rng.choice(MOODS))

    def _damage(self) -> Step:
        """The journal is emptied or cut, somebody wants to pay, and the good one is put back."""
        draw = self.rng.choice([self._pay, self._address, self._transfer, self._faucet])()
        return {**draw, "do": "damage", "how": self.rng.choice(["empty", "cut", "cut"])}

    def _cheque(self) -> Step:
        rng, on = self.rng, self._on()
        drawn = rng.random()
        if drawn < 0.35 or not self.cheques:
            argv = ["cheque", "create", str(rng.choice([10, 100, 1000, 5000]))]
            argv += ["--wallet", self._wallet(on), "--expires", rng.choice(["1h", "24h", "168h"])]
            how = rng.random()
            argv += ["--outside"] if how < 0.2 else ["--link"] if how < 0.5 else ["--lnurl"] if how < 0.65 else []
            argv += self._reference(argv)
            name = f"c{self.count}"
            self.cheques.append((name, on))
            if "--link" in argv:
                self.links[name] = int(argv[2])
            if "--lnurl" in argv:
                self.lnurls[name] = int(argv[2])
            return self._command(on, [*argv, "--json", "--yes"], keep=name)
        name, maker = rng.choice(self.cheques[-6:])
        if drawn < 0.65:
            on = rng.choice(["m1", "m2"])
            to = rng.choice(["w1", "w3", "w2" if on == "m1" else "w1"])
            if name in self.links:
                return self._phone(maker, name, {"w1": "bob", "w2": "w4", "w3": "outside"}[to])
            return self._command(on, ["cheque", "claim", f"${name}", "--to", to, "--json", "--yes"])
        if drawn < 0.7:
            return self._command(on, ["cheque", "claim", f"${name}", "--to", "$i1", "--json", "--yes"])
        what = rng.choice(["void", "void", "show", "reissue"])
        if drawn < 0.9:
            keep = {"keep": name} if what == "reissue" else {}
            return self._command(maker, ["cheque", what, f"${name}#", "--json", "--yes"], **keep)
        return self._command(on, ["cheque", rng.choice(["sweep", "sweep", "list"]), "--json"])

    def _phone(self, maker: str, cheque: str, whose: str) -> Step:
        """A wallet takes a link's money into an invoice of its own, or into one that was refused before."""
        paper = f"t{self.count}"
        made = {"name": paper, "maker": whose, "msat": self.links[cheque] * 1000, "expiry": 600}
        return self._command(maker, ["phone", f"${cheque}@link", f"${paper}"], make=made)

    def _take(self, cheque: str, whose: str) -> Step:
        """A phone takes a cheque's money by its server's own link: amani hears nothing of it."""
        paper = f"t{self.count}"
        made = {"name": paper, "maker": whose, "msat": self.lnurls[cheque] * 1000, "expiry": 600}
        return {"do": "someone takes", "from": f"{cheque}@lnurl", "what": paper, "make": made}

    def _batch(self) -> Step:
        rng, on = self.rng, self._on()
        if not self.plans or rng.random() < 0.3:
            name = f"p{self.count}"
            self.plans.append((name, on))
            wallet = self._wallet(on)
            rows = [
                [rng.choice(["ann@pay.example", "ben@pay.example"]), str(rng.choice([10, 100, 1000])), f"row {row}"]
                for row in range(rng.randrange(1, 5))
            ]
            make = {}
            if rng.random() < 0.5:
                paper, made = self._paper()
                make = {"make": made} if made else {}
                rows.append([f"${paper}", "", "an invoice"])
            if rng.random() < 0.3:
                rows.append(["cheque", "100", "a cheque"])
            argv = ["batch", "plan", f"@/kept/{name}.csv", "-o", f"@/kept/{name}", "--wallet", wallet, "--json"]
            files = {f"@/kept/{name}.csv": [["to", "amount", "memo"], *rows]}
            return self._command(on, argv, files=files, plan=rows, **make)
        name, on = rng.choice(self.plans[-4:])
        what = rng.choice(["run", "run", "run", "status", "results"])
        argv = ["batch", what, f"@/kept/{name}", "--json"]
        if what == "run":
            argv += ["--yes", "--jobs", rng.choice(["1", "2"])]
            return self._command(on, argv, **self._pin(argv), mood=rng.choice(MOODS))
        return self._command(on, argv)

    def _faucet(self) -> Step:
        rng = self.rng
        argv = ["faucet", rng.choice(["claim", "claim", "status"]), "--wallet", rng.choice(["w1", "w3", "w4"])]
        argv += self._reference(argv) if argv[1] == "claim" else []
        return self._command(self._first(), [*argv, "--json", "--yes"])

    def _rule(self) -> Step:
        rng = self.rng
        argv: list[str] = rng.choice(
            [
                ["wallet", "limit", "w1"],
                ["wallet", "limit", "w2", "--per-day", "20000sat"],
                ["wallet", "limit", "w1", "--per-day", "off"],
                ["pin", "status", "--wallet", "w1"],
                ["pin", "verify", "--wallet", "w1", "--pin-stdin"],
                ["pin", "verify", "--wallet", "w2", "--pin-stdin"],
                ["config", "show"],
                ["config", "set", "network", "bitcoin"],
                ["contact", "list"],
                ["history", "export", "--format", "csv", "-o", "@/kept/books.csv"],
                ["close", "--month", "2026-09"],
                ["trace", "r1"],
                ["explain", "BUDGET"],
                ["completion", "show", "bash"],
            ]
        )
        pin = "4831" if "--pin-stdin" in argv and "w1" in argv else "0"
        return self._command(self._first(), [*argv, "--json"], stdin=pin)

    def _move(self) -> Step:
        """The ledger of the first machine is moved to where all have it."""
        argv = ["store", "copy", "--to", "$the ledger", "--json", "--yes"]
        return {"do": "move", "on": "m1", "argv": argv}

    def _older_database(self) -> Step:
        """The server's backup is made, and now and then put back; people do again what they did."""
        if self.rng.random() < 0.6:
            return {"do": "keep database"}
        self.queue = self._find_again(self.rng.choice(["m1", "m1", "m2"]))
        return {"do": "put database back"}

    def _ledger(self) -> Step:
        """What people do who share a ledger: look who is at work, and give up what a machine that died had claimed."""
        rng, on = self.rng, self._on()
        argv = rng.choice(
            [
                ["store", "claims"],
                ["store", "release", "$the oldest claim", "--reason", "it died"],
                ["store", "release", "$the oldest claim", "--reason", "it died"],
                ["store", "show"],
                ["store", "upgrade"],
                ["backup", "create", f"@/kept/k{self.count}", "--keys-only", *_OPENED],
                ["doctor"],
                ["status"],
            ]
        )
        return self._command(on, [*argv, "--json", "--yes"])

    def _line(self) -> Step:
        """The line above which the boss must agree: mostly drawn, sometimes tried to be lifted without the boss."""
        rng, on = self.rng, self._on()
        argv = ["wallet", "limit", rng.choice(["w1", "w1", "w3"])]
        argv += ["--approve-above", rng.choice(["1000sat", "5000sat", "20000sat", "off"])]
        argv += ["--request"] if rng.random() < 0.2 else []
        return self._filed(on, [*argv, "--pin-stdin", "--json"], stdin="4831")

    def _request(self) -> Step:
        """What somebody would pay, asked for."""
        drawn = self.rng.choice([self._pay, self._pay, self._address, self._transfer, self._cheque])()
        if drawn["argv"][0] == "phone":
            return drawn
        left_out = ("--dry-run", "--no-wait", "--yes", "--request")
        words = [word for word in drawn["argv"] if word not in left_out]
        more = {name: each for name, each in drawn.items() if name in ("make", "mood")}
        return self._filed(drawn["on"], [*words, "--request"], **more)

    def _filed(self, on: str, argv: list[str], **more: Any) -> Step:
        if "--request" in argv:
            more["keep"] = f"q{self.count}"
            self.requests.append((more["keep"], on))
        return self._command(on, argv, **more)

    def _carry_out(self) -> Step:
        """A request of before, with the boss's signature or without."""
        rng = self.rng
        if not self.requests:
            return self._request()
        name, on = rng.choice(self.requests[-6:])
        argv = ["request", "run", f"${name}", "--json", "--yes"]
        more: dict[str, Any] = {}
        if rng.random() < 0.75:
            argv += ["--approval", f"@/kept/{name}.json"]
            more["sign"] = name
        if rng.random() < 0.5:
            argv.append("--pin-stdin")
            more["stdin"] = "4831"
        return self._command(on, argv, **more)

    def _two(self) -> Step:
        """Two commands at once: most often the same one twice, on one machine; sometimes on two that know nothing of
        each other but what is on the servers."""
        rng = self.rng
        draws = [
            self._pay,
            self._address,
            self._transfer,
            self._cheque,
            self._faucet,
            self._batch,
            self._again,
            self._carry_out,
        ]
        one = rng.choice(draws)()
        other = dict(one)
        if rng.random() < 0.4:
            other = rng.choice([*draws, self._reconcile, self._look])()
        apart = one["on"] != other["on"]
        if "restore" in (one["do"], other["do"]):
            return one
        is_here = any("@/" in word for word in other["argv"]) and not self.is_shared
        if not apart and rng.random() < (0.6 if self.is_shared else 0.2) and not is_here:
            other["on"], apart = {"m1": "m2", "m2": "m1"}.get(one["on"], one["on"]), True
        other.pop("make", None)
        other.pop("files", None)
        other.pop("plan", None)
        if rng.random() < 0.15 and (not apart or self.is_shared):
            one = {**one, "kill": int(rng.expovariate(1 / 40))}
        return {"do": "two", "on": one["on"], "a": one, "b": dict(other)}

    def _again(self) -> Step:
        """What somebody did before, done again: by a script that tries again, or a person who does."""
        rng = self.rng
        if not self.done:
            return self._pay()
        step = {
            name: value
            for name, value in rng.choice(self.done[-8:]).items()
            if name in ("do", "on", "argv", "stdin", "mood", "sign")
        }
        if rng.random() < 0.1:
            step["on"] = self._on()
        return step

    def _transfer(self) -> Step:
        rng = self.rng
        giver, taker = rng.choice([("w1", "w2"), ("w2", "w1"), ("w1", "w3"), ("w3", "w1"), ("w1", "w1")])
        on = "m1" if "w2" in (giver, taker) else self._on()
        argv = ["transfer", taker, rng.choice([*map(str, SAT), "max"]), "--from", giver]
        argv += self._reference(argv)
        argv += self._said()
        return self._command(on, argv, **self._pin(argv))

    def _invoice(self) -> Step:
        rng, on = self.rng, self._on()
        argv = ["invoice", "create", str(rng.choice(SAT)), "--wallet", self._wallet(on), "--memo", "for you"]
        argv += ["--expiry", rng.choice(["1m", "10m", "24h"])] if rng.random() < 0.5 else []
        argv += self._reference(argv)
        name = f"a{self.count}"
        self.asked.append(name)
        self.papers.append(name)
        return self._command(on, [*argv, "--json"], keep=name)

    def _check(self) -> Step:
        rng = self.rng
        if not self.asked:
            return self._invoice()
        what = rng.choice(["check", "show", "check", "wait"])
        argv = ["invoice", what, f"${rng.choice(self.asked[-8:])}:hash", "--json"]
        if what == "wait":
            argv += ["--timeout", "20s"]
        return self._command(self._on(), argv)

    def _payer(self) -> Step:
        """Somebody pays a Lightning address of ours, or wants to."""
        rng = self.rng
        if not self.addresses or rng.random() < 0.2:
            on, name = self._on(), f"ada{len(self.addresses)}"
            self.addresses.append((name, on))
            return self._command(on, ["address", "add", name, "--wallet", self._wallet(on), "--json"])
        name, on = rng.choice(self.addresses)
        if rng.random() < 0.2:
            what = rng.choice([["list"], ["show", name], ["remove", name]])
            return self._command(on, ["address", *what, "--json", "--yes"])
        paper = f"a{self.count}"
        self.asked.append(paper)
        self.queue = [{"do": "someone pays", "what": paper}] if rng.random() < 0.6 else []
        return self._command(on, ["payer", name, str(rng.choice([1000, 21_000, 21_500, 5_000_000]))], keep=paper)

    def _hook(self) -> Step:
        """A server tells of a payment, or somebody says so who only knows of an invoice."""
        if not self.asked:
            return self._invoice()
        name = self.rng.choice(self.asked[-4:])
        return self._command(self._on(), ["hook", f"${name}:hash", f"${self.rng.choice(['w1', 'w2', 'w3'])}:id"])

    def _reconcile(self) -> Step:
        rng, on = self.rng, self._on()
        argv = ["reconcile", "--json", "--yes"]
        drawn = rng.random()
        if drawn < 0.3 and self.papers:
            argv[1:1] = ["--resume", f"${rng.choice(self.papers[-8:])}:hash"]
        elif drawn < 0.4 and self.references:
            argv[1:1] = ["--resume", rng.choice(self.references[-8:])[0]]
        elif drawn < 0.5 and self.papers:
            argv[1:1] = [f"${rng.choice(self.papers[-8:])}:hash"]
        elif drawn < 0.55:
            argv[1:1] = ["--older-than", "10m"]
        elif drawn < 0.6:
            argv[1:1] = ["--resolve", self._wallet(on)]
            pins = {name: f"{pin}\n{pin}" for name, pin in self._pin(argv).items()}  # of each wallet that has one
            return self._command(on, argv, **pins)
        elif drawn < 0.63 and self.cheques:
            argv[1:1] = ["--resolve", f"${rng.choice(self.cheques[-6:])[0]}#"]
            return self._command(on, argv, **self._pin(argv))
        return self._command(on, argv)

    def _look(self) -> Step:
        rng, on = self.rng, self._on()
        argv = rng.choice(
            [
                ["history", "sync"],
                ["history", "sync", "--wallet", self._wallet(on)],
                ["history", "list", "--limit", "5"],
                ["wallet", "balance", "--all"],
                ["wallet", "balance", self._wallet(on), "--max-age", "5s"],
                ["wallet", "list"],
                ["invoice", "list"],
                ["wallet", "show", self._wallet(on)],
                ["watch", self._wallet(on), "--for", "20s", "--every", "5s"],
                ["status"],
                ["audit", "list"],
                ["request", "list"],
                ["approver", "list"],
                ["store", "show"],
                ["contact", "show", "a friend"],
                ["config", "path"],
                ["config", "explain", "timeout"],
                ["history", "chart"],
                ["schema"],
                *([["history", "show", f"${self.papers[-1]}:hash"]] if self.papers else []),
                *([["invoice", "decode", f"${self.papers[-1]}"]] if self.papers else []),
                *([["request", "show", f"${self.requests[-1][0]}"]] if self.requests else []),
                *([["request", "cancel", f"${self.requests[-1][0]}"]] if self.requests else []),
                *([["backup", "verify", f"@/kept/{self.backups[on][-1]}", *_OPENED]] if self.backups[on] else []),
                ["history", "list", "--status", "unknown"],
                ["audit", "verify"],
                ["doctor"],
                ["metrics"],
            ]
        )
        return self._command(on, argv + ([] if argv[0] == "metrics" else ["--json"]))

    def _backup(self) -> Step:
        on, name = self._on(), f"b{self.count}"
        self.backups[on].append(name)
        return {
            "do": "amani",
            "on": on,
            "argv": ["backup", "create", f"@/kept/{name}", "--passphrase-file", "@/keys/pass", "--json"],
        }

    def _restore(self) -> Step:
        on = self._on()
        if not self.backups[on]:
            return self._backup()
        name = self.rng.choice(self.backups[on][-3:])
        argv = ["backup", "restore", f"@/kept/{name}", "--passphrase-file", "@/keys/pass", "--json", "--yes"]
        self.queue = self._find_again(on)
        return {"do": "restore", "on": on, "argv": argv}

    def _older(self) -> Step:
        """A copy of the journal is put back by hand, over what was done since; and some of that is done again."""
        on = self._on()
        draws = [self._pay, self._address, self._transfer, self._cheque, self._batch, self._faucet, self._reconcile]
        some = [self.rng.choice(draws)() for _ in range(self.rng.randrange(1, 5))]
        some = [each for each in some if each["on"] == on]
        words = ("do", "on", "argv", "stdin", "mood", "sign")
        again = [{name: value for name, value in each.items() if name in words} for each in some]
        self.queue = [*some, {"do": "put back", "on": on}, *self.rng.sample(again, (len(some) + 1) // 2)]
        return {"do": "keep copy", "on": on}

    def _find_again(self, on: str) -> list[Step]:
        """What people do behind a restore: read wallets back, and do again what they did before. Sometimes a key is
        lost then, its wallet given up, and the key found after all."""
        rng, words = self.rng, ("do", "on", "argv", "stdin", "mood")
        done = [
            each for each in self.done[-60:] if each["on"] == on and each["argv"][0] not in ("reconcile", "history")
        ]
        again = [{name: value for name, value in each.items() if name in words} for each in done]
        read: Step = {"do": "amani", "on": on, "argv": ["reconcile", "--json", "--yes"]}
        named = [each for each in again if "--reference" in each["argv"] and "--wallet" in each["argv"]]
        if not named or rng.random() < 0.6:
            some = rng.sample(again, min(4, len(again))) + rng.sample(named, min(2, len(named)))
            faucet = [each for each in again if each["argv"][:2] == ["faucet", "claim"]][-1:]
            rng.shuffle(some)
            some.insert(rng.choice([0, 0, 0, 1, 2, len(some)]), read)
            return some + faucet
        one = rng.choice(named)
        wallet = one["argv"][one["argv"].index("--wallet") + 1]
        give_up = ["reconcile", "--resolve", wallet, "--json", "--yes", "--pin-stdin"]
        return [
            {"do": "lose key", "on": on, "what": wallet},
            read,
            {"do": "amani", "on": on, "argv": give_up, "stdin": "4831\n4831"},
            {"do": "tell keys"},
            one,
        ]

    # -- what just happens ----------------------------------------------------------------------------------------

    def _happens(self) -> Step:
        rng = self.rng
        drawn = rng.random()
        if drawn < 0.45:
            return {"do": "time", "seconds": rng.choice([1, 5, 30, 61, 130, 700, 3700, 8000, 90_000])}
        if drawn < 0.52:
            name = f"o{self.count}"
            self.others.append(name)
            asked: Step = {"name": name, "maker": rng.choice(["w1", "w2", "w3"]), "msat": 7000, "expiry": 86_400 * 20}
            return {"do": "someone asks", "make": asked}
        if drawn < 0.67 and (self.asked or self.others):
            return {"do": "someone pays", "what": rng.choice(self.asked[-6:] + self.others[-12:])}
        if drawn < 0.75:
            if self.lnurls and rng.random() < 0.5:
                return self._take(rng.choice(list(self.lnurls)), rng.choice(["bob", "w4", "w1", "outside", "outside"]))
            name, make = self._paper()
            step: Step = {"do": "other client", "from": rng.choice(["w1", "w2", "w3"]), "what": name}
            return step | ({"make": make} if make else {})
        if drawn < 0.8:
            return {"do": "rotate", "what": rng.choice(["w1", "w2", "w3", "w4"]), "told": rng.random() < 0.7}
        if drawn < 0.81:
            what, other = rng.sample(["w1", "w2", "w3"], 2)
            return {"do": "mix up keys", "on": self._on(), "what": what, "other": other}
        if drawn < 0.82 and not self.is_shared:
            what = rng.choice(["amani", "amani/amani.db", "amani/config.toml", "amani/locks", "keys/w1", "kept"])
            return {"do": "odd rights", "on": self._on(), "what": what, "others": rng.choice([0o044, 0o022, 0o066])}
        if drawn < 0.84:
            return {"do": "lose key", "on": self._on(), "what": rng.choice(["w1", "w2", "w3"])}
        if drawn < 0.88:
            return {"do": "tell keys"}
        if drawn < 0.92:
            return {"do": "give", "what": rng.choice(["w1", "w2", "w3"]), "msat": rng.choice([1, 1000, 999_000])}
        if drawn < 0.96:
            wrong = rng.choice([0, 0, 0, 3, -3, 200, -200, 7200, -7200, 86_400 * 400, -86_400 * 30])
            return {"do": "clock", "on": self._on(), "wrong": wrong}
        return {"do": "reboot", "on": self._on(), "off": rng.choice([20, 3600]), "wrong": rng.choice([0, 0, 0, -7200])}
