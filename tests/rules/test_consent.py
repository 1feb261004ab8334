"""Every change of a rule is an audit entry, and loosening one takes the PIN, by whatever way it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, write_key
from tests.kit.driver import Amani, Result

pytestmark = pytest.mark.lnbits

PIN, OTHER, WRONG = "271828", "4831", "3690"

# A rule, a tighter value than its default, and a looser one.
RULES = [
    ("limit.invoice", "2/1m", "off"),
    ("limit.invoice", "10/5m", "11/1m"),
    ("limit.check", "60/2m", "60/1s"),
    ("limit.cheque", "1/1h", "10/1m"),
    ("limit.transfer", "1/7d", "1000/1h"),
    ("cheque_count", "5", "101"),
    ("pin_reset_delay", "7d", "1s"),
]


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    return add_wallet("main", 1000)


@pytest.fixture
def pinned(amani: Amani, main: Held) -> Held:
    """The default wallet with a PIN."""
    assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
    return main


def audited(amani: Amani) -> list[tuple[str, str]]:
    """The changes of settings in the audit log, oldest first."""
    items = amani("audit", "list", "--what", "setting", "--json").data["items"]
    return [(item["subject"], item["outcome"]) for item in items][::-1]


def value(amani: Amani, name: str, env: dict[str, str] | None = None) -> str:
    """What a setting is now, for whoever asks."""
    (item,) = amani("config", "explain", name, "--json", env=env).data["items"]
    return str(item["value"])


def use(amani: Amani, name: str, pinned: Held, env: dict[str, str] | None = None) -> Result:
    """Have a rule looked at by what it is for."""
    words: dict[str, tuple[object, ...]] = {
        "limit.cheque": ("cheque", "create", "1", "--yes", "--json"),
        "limit.transfer": ("wallet", "limit", "--json"),
        "limit.check": ("wallet", "limit", "--json"),
        "limit.invoice": ("invoice", "create", "1", "--json"),
        "cheque_count": ("cheque", "create", "1", "--count", "101", "--yes", "--json"),
        "pin_reset_delay": ("pin", "reset", "--key-stdin", "--json"),
        "network": ("pay", pinned.invoice(1), "--yes", "--dry-run", "--json"),
    }
    return amani(*words[name], stdin=pinned.admin_key, env=env)


class TestSet:
    @pytest.mark.parametrize(("name", "tighter", "looser"), RULES)
    def test_tighter_needs_nothing_looser_the_pin_and_both_are_audited(
        self, amani: Amani, pinned: Held, name: str, tighter: str, looser: str
    ) -> None:
        default = value(amani, name)
        assert amani("config", "set", name, tighter).code == 0
        refused = amani("config", "set", name, looser, "--json")
        assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
        assert "PIN of wallet 'main'" in refused.error["message"]
        assert amani("config", "set", name, looser, "--pin-stdin", stdin=WRONG).code == 3
        assert amani("config", "set", name, "").code == 9  # the default is looser too
        assert value(amani, name) == tighter
        assert amani("config", "set", name, looser, "--pin-stdin", "--reason", "a fair", stdin=PIN).code == 0
        assert value(amani, name) == looser
        assert audited(amani) == [(name, f"{default} → {tighter}"), (name, f"{tighter} → {looser}")]
        assert amani("audit", "list", "--what", "setting", "--json").data["items"][0]["reason"] == "a fair"

    def test_another_network_is_never_tighter(self, amani: Amani, pinned: Held) -> None:
        assert amani("config", "set", "network", "regtest").code == 9
        assert amani("config", "set", "network", "regtest", "--pin-stdin", stdin=PIN).code == 0
        assert amani("config", "set", "network", "bitcoin").code == 9
        assert audited(amani) == [("network", "bitcoin → regtest")]

    def test_what_is_no_rule_needs_no_pin(self, amani: Amani, pinned: Held) -> None:
        for name, text in (("timeout", "60s"), ("color", "never"), ("key_max_age", "off"), ("expiry", "2h")):
            assert amani("config", "set", name, text).code == 0
        assert audited(amani) == []

    def test_without_a_pin_it_is_audited_alone(self, amani: Amani, main: Held) -> None:
        assert amani("config", "set", "limit.invoice", "off").code == 0
        assert amani("config", "set", "limit.invoice", "").code == 0
        assert audited(amani) == [("limit.invoice", "10/1m → off"), ("limit.invoice", "off → 10/1m")]

    def test_the_pin_of_each_wallet_that_has_one(
        self, amani: Amani, pinned: Held, add_wallet: AddWallet, tmp_path: Path
    ) -> None:
        """With the PIN of one, anybody could add a wallet with a PIN of their own."""
        add_wallet("also")
        amani("pin", "set", "--wallet", "also", "--pin-stdin", stdin=OTHER)
        words = ("config", "set", "limit.invoice", "off")
        assert amani(*words, "--pin-stdin", stdin=PIN).code == 3  # it is the first one's that is asked for first
        assert amani(*words, "--pin-stdin", stdin=f"{OTHER}\n").code == 9
        assert value(amani, "limit.invoice") == "10/1m"
        assert amani(*words, "--pin-file", write_key(tmp_path / "pins", f"{OTHER}\n{PIN}")).code == 0
        assert value(amani, "limit.invoice") == "off"

    def test_at_a_terminal_each_is_asked_for(self, amani: Amani, pinned: Held) -> None:
        with amani.terminal("config", "set", "limit.invoice", "off") as run:
            run.expect("PIN of wallet 'main': ")
            run.type(PIN)
            assert run.finish() == 0
        assert value(amani, "limit.invoice") == "off"

    def test_to_remove_a_wallet_removes_no_pin(self, amani: Amani, pinned: Held) -> None:
        assert amani("wallet", "remove", "main", "--yes").code == 0
        refused = amani("config", "set", "limit.invoice", "off", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
        assert "(removed)" in refused.error["message"]
        assert amani("config", "set", "limit.invoice", "off", "--pin-stdin", stdin=PIN).code == 0


class TestFound:
    """A value that stands in a file or the environment, put there by whatever but `config set`."""

    @pytest.fixture(params=["environment", "settings"])
    def put(self, request: pytest.FixtureRequest, home: Path) -> Callable[[str, str], dict[str, str]]:
        """Puts a value there; returns the environment that goes with it."""

        def put(name: str, text: str) -> dict[str, str]:
            if request.param == "environment":
                return {"AMANI_" + name.upper().replace(".", "_"): text}
            (home / "config.toml").write_text(f'"{name}" = "{text}"\n')
            (home / "config.toml").chmod(0o600)
            return {}

        return put

    @pytest.mark.parametrize(("name", "tighter", "looser"), [*RULES, ("network", "", "regtest")])
    def test_a_looser_one_does_not_count_and_is_audited_once(
        self,
        amani: Amani,
        pinned: Held,
        put: Callable[[str, str], dict[str, str]],
        name: str,
        tighter: str,
        looser: str,
    ) -> None:
        default = value(amani, name)
        env = put(name, looser)
        for _ in range(2):
            told = use(amani, name, pinned, env)
            assert f"{name} {looser}" in told.stderr
            assert f"amani config set {name} {looser}" in told.stderr
        assert value(amani, name, env) == default
        assert audited(amani) == [(name, f"{default} → {looser} refused: it takes the PIN")]
        assert amani("config", "set", name, looser, "--pin-stdin", stdin=PIN).code == 0
        assert value(amani, name, env) == looser
        assert f"{name} {looser}" not in use(amani, name, pinned, env).stderr

    @pytest.mark.parametrize(("name", "tighter", "looser"), RULES)
    def test_a_tighter_one_counts_at_once(
        self,
        amani: Amani,
        pinned: Held,
        put: Callable[[str, str], dict[str, str]],
        name: str,
        tighter: str,
        looser: str,
    ) -> None:
        default = value(amani, name)
        env = put(name, tighter)
        for _ in range(2):
            use(amani, name, pinned, env)
        assert value(amani, name, env) == tighter
        assert audited(amani) == [(name, f"{default} → {tighter}")]

    @pytest.mark.parametrize(("name", "tighter", "looser"), RULES)
    def test_without_a_pin_it_counts_and_is_audited_once(
        self, amani: Amani, main: Held, put: Callable[[str, str], dict[str, str]], name: str, tighter: str, looser: str
    ) -> None:
        default = value(amani, name)
        env = put(name, looser)
        for _ in range(2):
            use(amani, name, main, env)
        assert value(amani, name, env) == looser
        assert audited(amani) == ([(name, f"{default} → {looser}")] if name != "pin_reset_delay" else [])


class TestElsewhere:
    def test_a_budget_tells_what_it_was(self, amani: Amani, main: Held) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        amani("wallet", "limit", "--per-day", "off")
        newest = amani("audit", "list", "--what", "limit", "--json").data["items"][0]["outcome"]
        assert newest == "per payment off, per day off (msat), before: per payment off, per day 1000000"

    def test_a_threshold_tells_what_it_was(self, amani: Amani, pinned: Held) -> None:
        amani("pin", "change", "--threshold", "20k", "--always", "--pin-stdin", stdin=PIN)
        newest = amani("audit", "list", "--what", "pin threshold", "--json").data["items"][0]
        assert newest["outcome"] == "above 20000000 msat, always"
        assert newest["reason"] == "before: above 10000000 msat, above the threshold"

    @pytest.mark.parametrize(
        "looser",
        [
            ("--amount", "6", "--cooldown", "1h", "--daily-cap", "50"),
            ("--amount", "5", "--cooldown", "59m", "--daily-cap", "50"),
            ("--amount", "5", "--cooldown", "1h", "--daily-cap", "51"),
            ("--amount", "5", "--cooldown", "1h"),
        ],
    )
    def test_a_faucet_that_gives_more_takes_the_pin(self, amani: Amani, pinned: Held, looser: tuple[str, ...]) -> None:
        words = ("faucet", "configure", "--wallet", "main")
        first = ("--amount", "5", "--cooldown", "1h", "--daily-cap", "50")
        assert amani(*words, *first).code == 9
        assert amani(*words, *first, "--pin-stdin", stdin=PIN).code == 0
        assert amani(*words, "--amount", "4", "--cooldown", "2h", "--daily-cap", "40").code == 0
        assert amani(*words, *first, "--pin-stdin", stdin=PIN).code == 0
        refused = amani(*words, *looser, "--json")
        assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
        assert amani(*words, *looser, "--pin-stdin", stdin=PIN).code == 0
        newest = amani("audit", "list", "--what", "faucet", "--json").data["items"][0]["outcome"]
        assert newest.endswith(", before: 5000 msat, cool-down 3600 s, daily cap 50000 msat")
