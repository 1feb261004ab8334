"""Fincra businesses as wallets: adding them, what they hold, and keeping out of each other's way with Lightning."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import change_database, write_key
from tests.kit.driver import Amani, Environment, environment
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness
from tests.kit.keyrings import IN_MEMORY


def env_of(double: Double, merchant: Merchant) -> dict[str, str | None]:
    """The environment of somebody who registers nothing."""
    return {"FINCRA_API_KEY": merchant.key, "FINCRA_BASE_URL": double.url, "FINCRA_PUBLIC_KEY": merchant.public_key}


class TestFromTheEnvironment:
    """`fincra-env` says nothing of whose the key is: the rules go by the business that Fincra names."""

    PAY = ("pay", "bank:058/2345678901", "5000NGN", "--wallet", "fincra-env", "--yes", "--json", "--timeout", "1s")

    def limited(self, amani: Amani, home: Path, merchant: Merchant, per_day: str, env: Environment) -> None:
        assert amani("wallet", "limit", "fincra-env", "--per-day", per_day, env=env).code == 0
        change_database(home, f"INSERT INTO pin_threshold VALUES ('{merchant.business}','NGN','50000')")

    def test_a_retry_of_an_open_payout_is_refused(
        self, amani: Amani, home: Path, double: Double, merchant: Merchant
    ) -> None:
        env = env_of(double, merchant)
        self.limited(amani, home, merchant, "50000NGN", env)
        double.settle_on_read = 10**9
        first = amani(*self.PAY, env=env).error
        again = amani(*self.PAY, env=env).error
        assert (first["exit"], again["exit"], again["id"]) == (8, 8, first["id"])
        assert len(double.payouts) == 1
        # Said in the environment or not, it is the same business.
        named = amani(*self.PAY, env={**env, "FINCRA_BUSINESS_ID": merchant.business}).error
        assert (named["exit"], named["id"], len(double.payouts)) == (8, first["id"], 1)

    def test_the_day_s_budget_holds(self, amani: Amani, home: Path, double: Double, merchant: Merchant) -> None:
        env = env_of(double, merchant)
        self.limited(amani, home, merchant, "6000NGN", env)
        assert amani(*self.PAY, env=env).code == 0
        for more in ({}, {"FINCRA_BUSINESS_ID": merchant.business}):
            refused = amani(*self.PAY, env={**env, **more})
            assert (refused.code, refused.error["code"]) == (9, "BUDGET")
        assert len(double.payouts) == 1

    def test_a_business_does_not_transfer_to_itself(
        self, amani: Amani, add_business: AddBusiness, double: Double, merchant: Merchant
    ) -> None:
        add_business()
        env = env_of(double, merchant)
        for words in (("shop", "--from", "fincra-env"), ("fincra-env", "--from", "shop")):
            refused = amani("transfer", words[0], "5NGN", *words[1:], "--yes", "--json", env=env)
            assert refused.error["code"] == "SAME_WALLET"


def test_add_asks_whose_key_it_is(amani: Amani, add_business: AddBusiness, double: Double, merchant: Merchant) -> None:
    add_business()
    shown = amani("wallet", "show", "--json").data
    assert (shown["provider"], shown["id"], shown["access"], shown["live"], shown["default"]) == (
        "fincra",
        merchant.business,
        "spend",
        False,
        True,
    )
    assert [where for _, where, _ in double.requests] == ["/profile/business/me"]


def test_the_key_goes_into_the_keyring(amani: Amani, double: Double, merchant: Merchant) -> None:
    keyring = {"PYTHON_KEYRING_BACKEND": IN_MEMORY}
    words = ("wallet", "add", "shop", "--provider", "fincra", "--url", double.url, "--key-stdin")
    added = amani(*words, stdin=merchant.key + "\n", env=keyring)
    assert added.code == 0, added
    assert "Ada Stores Ltd" in added.stderr
    assert "public key" in added.stderr
    assert amani("wallet", "balance", "--currency", "ngn", "-q", env=keyring).stdout == "100000.00\n"


def test_balance_shows_every_currency(amani: Amani, add_business: AddBusiness, merchant: Merchant) -> None:
    add_business()
    merchant.accounts["NGN"].available, merchant.accounts["NGN"].locked = (
        merchant.accounts["NGN"].available - 500,
        merchant.accounts["NGN"].available - 99500,
    )
    data = amani("wallet", "balance", "--json").data
    assert "balance_msat" not in data
    assert data["balances"][0] == {"value": "99500.00", "currency": "NGN", "ledger": "100000.00", "locked": "500.00"}
    assert data["balances"][1]["value"] == "5000.125"  # three decimals, exact
    text = amani("wallet", "balance").stdout
    assert "shop [TEST]\t99,500.00 NGN\tledger 100000.00, locked 500.00" in text
    assert "5,000.125 GHS" in text
    assert amani("wallet", "balance", "-q").stdout.splitlines()[1] == "5000.125 GHS"
    assert amani("wallet", "balance", "-q", "--currency", "GHS").stdout == "5000.125\n"
    assert amani("wallet", "balance", "--currency", "EUR", "--json").error["code"] == "NO_SUCH_CURRENCY"


def test_a_cached_balance_is_as_exact(amani: Amani, add_business: AddBusiness, double: Double) -> None:
    add_business()
    live = amani("wallet", "balance", "--json").data
    asked = len(double.requests)
    cached = amani("wallet", "balance", "--max-age", "60s", "--json").data
    assert len(double.requests) == asked
    assert (cached["cached"], cached["balances"]) == (True, live["balances"])


def test_several_wallets_at_once(amani: Amani, add_business: AddBusiness, double: Double) -> None:
    add_business()
    add_business("other", merchant=double.merchant("Other Ltd", KES="12.50"))
    data = amani("wallet", "balance", "--all", "--json").data
    assert [item["wallet"] for item in data["items"]] == ["shop", "other"]
    assert data["total_msat"] == 0
    assert "12.50 KES" in amani("wallet", "balance", "--all").stdout


def test_live_wallets_are_marked(amani: Amani, add_business: AddBusiness) -> None:
    add_business("bank", "--live")
    assert "bank [LIVE]" in amani("wallet", "list").stdout
    assert "bank [LIVE]" in amani("wallet", "balance").stdout


def test_a_test_wallet_gives_way_to_a_real_one(amani: Amani, add_business: AddBusiness, double: Double) -> None:
    add_business("trial")
    add_business("bank", "--live", merchant=double.merchant("Bank Ltd", NGN="1"))
    defaults = {item["name"]: item["default"] for item in amani("wallet", "list", "--json").data["items"]}
    assert defaults == {"trial": False, "bank": True}
    assert amani("wallet", "use", "trial", "--json").error["code"] == "SANDBOX_DEFAULT"


def test_the_same_business_twice_is_refused(amani: Amani, add_business: AddBusiness, merchant: Merchant) -> None:
    add_business()
    with pytest.raises(AssertionError, match="known already"):
        add_business("again")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--url", "https://sandboxapi.fincra.com", "--live"), "WRONG_ENVIRONMENT"),
        (("--url", "https://api.fincra.com"), "WRONG_ENVIRONMENT"),
        (("--url", "https://api.fincra.com/v1"), "WRONG_ENVIRONMENT"),
        (("--live",), "WRONG_ENVIRONMENT"),  # the key says sk_test_
        (("--url", "http://fincra.example.com"), "INSECURE_HTTP"),
        (("--public-key", "sk_test_0123456789abcdef"), "BAD_KEY"),
        (("--provider", "paypal"), "USAGE"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_key_is_sent(
    amani: Amani, tmp_path: Path, options: tuple[str, ...], code: str
) -> None:
    key_file = write_key(tmp_path / "key", "sk_test_0123456789abcdef0123456789")
    words = ("wallet", "add", "shop", "--provider", "fincra", "--key-file", key_file)
    assert amani(*words, *options, "--json").error["code"] == code


def test_a_wrong_key_is_explained(amani: Amani, double: Double, tmp_path: Path) -> None:
    key_file = write_key(tmp_path / "key", "no-such-key-here")
    words = ("wallet", "add", "shop", "--provider", "fincra", "--url", double.url, "--key-file", key_file, "--json")
    error = amani(*words).error
    assert (error["code"], error["exit"]) == ("KEY_REFUSED", 3)
    for word in ("key", "environment", "--live", "allow-list"):
        assert word in error["hint"]


def test_an_address_off_the_allow_list_is_explained(
    amani: Amani, double: Double, merchant: Merchant, tmp_path: Path
) -> None:
    double.unlisted_ip = True
    key_file = write_key(tmp_path / "key", merchant.key)
    words = ("wallet", "add", "shop", "--provider", "fincra", "--url", double.url, "--key-file", key_file, "--json")
    assert amani(*words).error["code"] == "IP_NOT_ALLOWED"


def test_the_environment_alone_is_a_wallet(amani: Amani, double: Double, merchant: Merchant) -> None:
    env = env_of(double, merchant)
    data = amani("wallet", "balance", "--json", env=env).data
    assert (data["wallet"], data["provider"]) == ("fincra-env", "fincra")
    assert amani("wallet", "list", "-q", env=env).stdout == "fincra-env\n"
    taken = amani("wallet", "add", "Fincra-Env", "--provider", "fincra", "--key-command", "echo k", "--json", env=env)
    assert taken.error["code"] == "BAD_NAME"


def test_a_business_id_in_the_environment_is_not_asked_for(amani: Amani, double: Double, merchant: Merchant) -> None:
    amani("wallet", "balance", env={**env_of(double, merchant), "FINCRA_BUSINESS_ID": merchant.business})
    assert [where for _, where, _ in double.requests] == ["/wallets"]


def test_the_old_secret_is_accepted_and_said_to_be_unused(amani: Amani, double: Double, merchant: Merchant) -> None:
    result = amani("wallet", "balance", env={**env_of(double, merchant), "FINCRA_API_SECRET": "an-old-secret-of-yore"})
    assert result.code == 0
    assert "FINCRA_API_SECRET is not used" in result.stderr


def test_both_providers_in_the_environment_are_ambiguous(amani: Amani, double: Double, merchant: Merchant) -> None:
    env = {**env_of(double, merchant), "LNBITS_API_KEY": "0" * 32, "LNBITS_BASE_URL": double.url}
    assert amani("wallet", "balance", "--json", env=env).error["code"] == "AMBIGUOUS_WALLET"
    assert amani("wallet", "balance", "-w", "fincra-env", "-q", "--currency", "NGN", env=env).stdout == "100000.00\n"


@pytest.mark.parametrize(
    "words",
    [
        ("invoice", "create", "1000sat"),
        ("faucet", "configure"),
        ("wallet", "rotate-keys"),
        ("wallet", "remove", "shop", "--delete-remote"),
    ],
)
def test_what_fincra_cannot_do_is_refused_before_anything_is_sent(
    amani: Amani, add_business: AddBusiness, double: Double, words: tuple[str, ...]
) -> None:
    add_business()
    asked = len(double.requests)
    assert amani(*words, "--json", "--no-input").code in (2, 3, 9)
    assert len(double.requests) == asked


def loaded(env: dict[str, str | None], *argv: str) -> set[str]:
    """Which of amani's modules a run imports."""
    code = (
        "import sys, json\nfrom amani_cli import cli\ncode = cli.run(sys.argv[1:])\n"
        "print(json.dumps([code, [m for m in sys.modules if m.startswith('amani_cli')]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, env=environment(env), check=True
    )
    status, modules = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done
    return set(modules)


def test_doctor_looks_at_the_business(amani: Amani, add_business: AddBusiness, double: Double) -> None:
    add_business()
    items = amani("doctor", "--json").json["data"]["items"]
    about = [item for item in items if item["check"] == "wallet shop"]
    assert [(item["status"], "Ada Stores Ltd" in item["detail"]) for item in about] == [("ok", True)]
    double.merchants.clear()
    items = amani("doctor", "--json").json["data"]["items"]
    assert [item["status"] for item in items if item["check"] == "wallet shop"] == ["fail"]


FIAT_MODULES = {
    "amani_cli.providers.fincra",
    "amani_cli.wallets.businesses",
    "amani_cli.fiat.moving",
    "amani_cli.invoices.pages",
}


def test_without_a_lightning_key_nothing_of_it_is_loaded_or_mentioned(
    amani: Amani, double: Double, merchant: Merchant
) -> None:
    env = env_of(double, merchant)
    assert "amani_cli.providers.lnbits" not in loaded(env, "wallet", "balance", "--json")
    said = amani("wallet", "balance", env=env)
    assert "lnbits" not in (said.stdout + said.stderr).lower()


def test_without_a_fincra_key_nothing_of_it_is_loaded(amani: Amani, double: Double) -> None:
    assert not loaded({}, "wallet", "list", "--json") & FIAT_MODULES
    assert not loaded({"LNBITS_API_KEY": "0" * 32}, "wallet", "list", "--json") & FIAT_MODULES
