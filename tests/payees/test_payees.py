"""One text for each payee, however it was spelled."""

from __future__ import annotations

import pytest

from amani_cli.payees import canonical
from amani_cli.store import references

ADA = "ada@example.com"


@pytest.mark.parametrize(
    ("shown", "payee"),
    [
        (ADA, ADA),
        ("Ada@Example.COM", ADA),
        ("ada@example.com.", ADA),
        ("ada@example.com:443", ADA),
        ("lnurlp://example.com/.well-known/lnurlp/ada", ADA),
        ("lnurlp://EXAMPLE.com:443/.well-known/lnurlp/Ad%61", ADA),
        ("ada+tips@example.com", "ada+tips@example.com"),
        ("lnurlp://example.com/.well-known/lnurlp/ada%2Btips", "ada+tips@example.com"),
        ("lnurlp://example.com/.well-known/lnurlp/ada?x=1", "lnurlp://example.com/.well-known/lnurlp/ada?x=1"),
        ("lnurlp://example.com/P%7e?a=%2fb", "lnurlp://example.com/P~?a=%2Fb"),
        ("lnurlp://a.onion:80/p", "lnurlp://a.onion/p"),
        ("ada@127.0.0.1:5000", "ada@127.0.0.1:5000"),
        ("my other wallet", "my other wallet"),
        ("02" * 33, "02" * 33),
    ],
)
def test_addresses_and_links(shown: str, payee: str) -> None:
    assert canonical.of_lightning(shown) == payee
    assert canonical.of_lightning(payee) == payee


def test_what_a_reference_stands_for_says_how_it_was_typed_before() -> None:
    link = "lnurlp://example.com/.well-known/lnurlp/ada"
    by_link = canonical.meaning_of_link(5000, None, link, "hi")
    by_address = canonical.meaning_of_link(5000, None, ADA, "hi")
    assert by_link == by_address == f"pay 5000 {ADA} hi"
    for meaning in (by_link, by_address):
        assert references.spellings(meaning) == (f"pay 5000 {ADA} hi", f"pay 5000 {link} hi")
    stated = canonical.meaning_of_link(None, 5000, ADA, "")
    assert stated == f"pay 5000 {ADA}"
    assert f"pay None {ADA}" in references.spellings(stated)
    assert f"pay None {ADA}" not in references.spellings(by_address)
    assert references.spellings("transfer a to b") == ("transfer a to b",)
