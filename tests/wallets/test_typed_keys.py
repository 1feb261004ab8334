"""A secret that stands in what is typed to be kept is refused: nothing is stored, and nothing of it is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli.text import holds_secret, is_secret
from tests.conftest import write_key
from tests.kit.driver import Amani

KEY = "0123456789abcdef" * 2
URL = ("--url", "http://127.0.0.1:1")

LINES = [
    f"echo {KEY}",
    f"sh -c 'printf %s {KEY.upper()}'",
    f"echo {KEY * 2}",
    f"echo {KEY[:16]}{KEY[16:].upper()}",
    "echo sk_live_0123456789abcdef",
    "curl -H 'Authorization: Bearer abcdef0123456789xyz' https://vault.example/key",
    "curl https://ada:correcthorse@vault.example/key",
    "vault read --token hvs.CAESIabcdefghijklmnop0123 secret/x",
    "env VAULT_TOKEN=s.abcdefgh12345678 vault read secret/lnbits",
    "tool --password=correcthorse get lnbits",
    "tool eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.abcdef get",
    "echo amani1" + "q" * 60,
]
FINE = [
    "pass show lnbits",
    f"pass show lnbits/{KEY}",
    "vault kv get -field=admin_key secret/lnbits",
    "aws secretsmanager get-secret-value --secret-id arn:aws:secretsmanager:eu-west-1:12345678:secret:lnbits-AbCdEf",
    "op read op://vault/lnbits/admin-key",
    "gpg -d -u 0123456789ABCDEF0123456789ABCDEF01234567 key.gpg",
    "sed -n s/^LNBITS_API_KEY=//p /home/ada/.env",
    "bw get password 99ee88d2-6046-4ea7-92c2-acac464b1412",
    "tool --token-file /run/secrets/token --password-file x",
    "secret-tool lookup service lnbits",
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_with_a_secret_in_it_is_not_kept(amani: Amani, home: Path, line: str) -> None:
    run = amani("wallet", "add", "main", *URL, "--key-command", line, "--json")
    assert (run.code, run.error["code"]) == (2, "KEY_IN_ARGUMENT"), run
    assert "--key-file" in run.error["hint"]
    for word in line.split()[-1:]:
        assert len(word) < 12 or word not in run.stdout + run.stderr
    assert not (home / "amani.db").exists()


@pytest.mark.parametrize("line", FINE)
def test_a_command_that_looks_it_up_is(line: str) -> None:
    assert not holds_secret(line)


def test_a_key_of_any_form_is_found_by_what_the_command_prints(amani: Amani, home: Path) -> None:
    for line in ("echo correct-horse-battery", "sh -c 'echo Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5 | base64 -d'"):
        run = amani("wallet", "add", "main", *URL, "--key-command", line, "--json")
        assert (run.code, run.error["code"]) == (2, "KEY_IN_ARGUMENT"), run
    assert not (home / "amani.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("wallet", "add", KEY, *URL, "--key-file", "x"),
        ("wallet", "add", "main", *URL, "--key-file", KEY),
        ("wallet", "add", "main", *URL, "--key-credential", KEY),
        ("wallet", "create", "main", *URL, "--key-file", f"folder/{KEY}"),
        ("wallet", "create", KEY * 2, *URL),
        ("wallet", "add", KEY[:16] + KEY[16:].upper(), *URL, "--key-file", "x"),
        ("contact", "add", KEY * 2, "ada@example.com"),
        ("contact", "add", "sk_live_0123456789abcdef", "ada@example.com"),
    ],
)
def test_a_key_in_the_place_of_a_name_is_not_kept(amani: Amani, home: Path, words: tuple[str, ...]) -> None:
    run = amani(*words, "--json")
    assert (run.code, run.error["code"]) == (2, "KEY_IN_ARGUMENT"), run
    assert KEY not in run.stdout + run.stderr
    assert "sk_live" not in run.stdout + run.stderr
    assert not (home / "amani.db").exists()


LOGIN = "https://ada:correcthorse@host.example"


@pytest.mark.parametrize(
    "words",
    [
        ("wallet", "add", "main", "--url", LOGIN, "--key-file", "key"),
        ("wallet", "add", "main", "--provider", "fincra", "--url", LOGIN, "--key-file", "key"),
        ("wallet", "create", "main", "--url", LOGIN, "--key-file", "new"),
        ("login", LOGIN),
        ("config", "set", "default_url", LOGIN),
        ("contact", "add", "ada", f"{LOGIN}/lnurlp/x"),
        ("contact", "add", "ada", "lnurlp://ada:correcthorse@host.example/x"),
        ("invoice", "create", "21", "--webhook", LOGIN),
    ],
)
def test_a_password_in_an_address_is_not_kept(amani: Amani, home: Path, words: tuple[str, ...]) -> None:
    write_key(Path("key"), KEY)
    env = {"LNBITS_API_KEY": KEY, "LNBITS_BASE_URL": "http://127.0.0.1:1"}
    run = amani(*words, "--json", env=env)
    assert (run.code, run.error["money_moved"]) == (2, "no"), run
    assert run.error["hint"]
    assert "correcthorse" not in run.stdout + run.stderr
    for path in home.glob("*"):
        assert b"correcthorse" not in path.read_bytes()


def test_an_address_with_a_login_in_the_environment_is_not_shown(amani: Amani) -> None:
    assert "correcthorse" not in amani("config", "show", env={"LNBITS_BASE_URL": LOGIN}).stdout


@pytest.mark.parametrize("word", ["main", "0123456789", "a" * 31, "sk", "lnbits-" + KEY])
def test_what_is_no_key(word: str) -> None:
    assert not is_secret(word)
