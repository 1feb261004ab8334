"""What comes with a copy: marks that can't be seen, `mailto:`, `₿`, a name before an address, an invoice in a link."""

from __future__ import annotations

import pytest

from amani_cli import errors
from amani_cli.destinations.reading import read
from amani_cli.payees import banks
from amani_cli.providers.addresses import clean_url
from amani_cli.providers.lnurl import _msat
from amani_cli.workspace import Workspace
from tests.kit.driver import Amani, environment
from tests.kit.make_invoice import make_invoice

INVOICE = make_invoice(amount_msat=21_000)


@pytest.mark.parametrize(
    "text",
    [
        "mailto:ada@example.com",
        "MAILTO:ada@example.com?subject=hello",
        "₿ada@example.com",
        "\u200bada@example.com\u200b",
        "\ufeffada@example.com\u00a0",
        "\u2068ada@example.com\u2069",
        " ₿ada@example.com\n",
    ],
)
def test_what_is_put_around_an_address_is_taken_off(home: object, text: str) -> None:
    assert read(Workspace(environment()), text).shown == "ada@example.com"


@pytest.mark.parametrize("invoice", [INVOICE, INVOICE.upper()])
def test_an_invoice_in_a_payment_page_s_link_is_paid(home: object, invoice: str) -> None:
    found = read(Workspace(environment()), f"https://pay.example.com/i/7?a=1&lightning={invoice}")
    assert (found.kind, found.text.lower()) == ("bolt11", INVOICE)
    with pytest.raises(errors.Usage, match="more than one lightning="):
        read(Workspace(environment()), f"https://pay.example.com/?lightning={invoice}&lightning={invoice}")


def test_a_name_before_an_address_is_told_the_address(amani: Amani) -> None:
    answer = amani("pay", "Ada Obi <ada@example.com>", "21", "--yes", "--json")
    assert (answer.code, answer.error["hint"]) == (2, "Give the address alone: ada@example.com")


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("https://lnbits.example.com:8443/bank/wallet?usr=0f0e0d0c", "https://lnbits.example.com:8443/bank"),
        ("https://lnbits.example.com/wallet?usr=0f0e0d0c&wal=other", "https://lnbits.example.com"),
        ("http://127.0.0.1:5000/wallet?usr=0f0e0d0c", "http://127.0.0.1:5000"),
    ],
)
def test_a_pasted_wallet_page_keeps_port_and_path_in_the_hint(pasted: str, address: str) -> None:
    with pytest.raises(errors.Usage) as refused:
        clean_url(pasted)
    assert refused.value.hint == f"Give the server's address alone: {address}"
    assert "0f0e0d0c" not in str(refused.value.message) + str(refused.value.hint)


def test_a_number_in_full_gets_no_second_calling_code() -> None:
    for text in ("00254712345", "+254712345", "0025471234"):
        with pytest.raises(errors.Usage) as refused:
            banks.phone(text, "KES")
        assert "254254" not in str(refused.value.hint)


def test_no_limit_is_understood() -> None:
    assert _msat(2**63 - 1) == 2**63 - 1
