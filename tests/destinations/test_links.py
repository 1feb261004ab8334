"""Links and Lightning addresses, read offline: the examples of the LUD texts and of BIP 173, and what is refused."""

from __future__ import annotations

import ipaddress
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from amani_cli import errors
from amani_cli.destinations.reading import read
from amani_cli.encodings import bech32
from amani_cli.lightning import fees
from amani_cli.models.payments import SuccessAction
from amani_cli.payments import success_action
from amani_cli.providers import addresses, links, lnurl
from amani_cli.workspace import Workspace
from tests.kit.make_invoice import bech32 as encode
from tests.kit.make_invoice import make_invoice, words

# https://github.com/lnurl/luds/blob/luds/01.md
LUD01 = (
    "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRV"
    "WFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
)
LUD01_URL = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df"


def lnurl_of(url: str) -> str:
    return encode("lnurl", words(url.encode()))


def url_of(text: str) -> str:
    link = links.read_link(text)
    assert link is not None
    return link.url


class TestBech32:
    """https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki#test-vectors"""

    @pytest.mark.parametrize(
        "text",
        [
            "A12UEL5L",
            "a12uel5l",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
            "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
            "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
            "?1ezyfcl",
        ],
    )
    def test_valid(self, text: str) -> None:
        prefix, _ = bech32.decode(text)
        assert text.lower().startswith(prefix + "1")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("pzry9x0s0muk", "separator"),
            ("1pzry9x0s0muk", "separator"),
            ("x1b4n0q5v", "characters"),
            ("li1dgmt3", "checksum"),
            ("de1lg7wt\xff", "characters"),
            ("A1G7SGD8", "checksum"),
            ("10a06t8", "separator"),
            ("1qzzfhee", "separator"),
            ("a12uEL5L", "case"),
            ("A1LQFN3A", "checksum"),  # valid Bech32m (BIP 350), which is another checksum
        ],
    )
    def test_invalid(self, text: str, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            bech32.decode(text)


class TestLinks:
    @pytest.mark.parametrize("text", [LUD01, LUD01.lower()])
    def test_the_example_of_lud_01(self, text: str) -> None:
        assert links.read_link(text) == links.Link(LUD01_URL, "service.com", None, None)

    def test_the_fallback_scheme_of_lud_01(self) -> None:
        assert url_of(f"https://service.com/giftcard/redeem?id=123&lightning={LUD01}") == LUD01_URL

    @pytest.mark.parametrize(
        ("text", "url", "purpose"),
        [
            ("lnurlw://domain.com/path", "https://domain.com/path", "withdraw"),
            ("lnurlp://examplennnnnnnn.onion/path", "http://examplennnnnnnn.onion/path", "pay"),
            ("LNURLP://Domain.COM/Path?Q=1", "https://domain.com/Path?Q=1", "pay"),
            ("keyauth://domain.com?tag=login&k1=00", "https://domain.com/?tag=login&k1=00", "login"),
            ("lnurlc://domain.com/c", "https://domain.com/c", "channel"),
            ("https://domain.com/path", "https://domain.com/path", None),
            ("lnurlp://127.0.0.1:5000/x", "http://127.0.0.1:5000/x", "pay"),
            ("lnurlp://[::1]:5000/x", "http://[::1]:5000/x", "pay"),
        ],
    )
    def test_the_schemes_of_lud_17(self, text: str, url: str, purpose: str) -> None:
        link = links.read_link(text)
        assert link is not None
        assert (link.url, link.purpose) == (url, purpose)

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("satoshi@bitcoin.org", "https://bitcoin.org/.well-known/lnurlp/satoshi"),
            ("Satoshi@Bitcoin.org", "https://bitcoin.org/.well-known/lnurlp/satoshi"),
            ("satoshi+tips@bitcoin.org", "https://bitcoin.org/.well-known/lnurlp/satoshi+tips"),
            ("a.b_c-d@x.onion", "http://x.onion/.well-known/lnurlp/a.b_c-d"),
            ("ada@localhost:5000", "http://localhost:5000/.well-known/lnurlp/ada"),
        ],
    )
    def test_addresses_by_lud_16(self, text: str, url: str) -> None:
        assert url_of(text) == url

    def test_a_domain_of_another_script_is_shown_in_ascii(self) -> None:
        link = links.read_link("ada@pаypal.com")  # with a Cyrillic a
        assert link is not None
        assert link.address == "ada@xn--pypal-4ve.com"

    @pytest.mark.parametrize("text", ["", "bob", "ada@", "@x.org", "a@b@c.org", "ada @x.org", "lnbc1x", "1000"])
    def test_what_is_none(self, text: str) -> None:
        assert links.read_link(text) is None

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (LUD01[:-1] + "Q", "checksum"),
            ("lnurl1" + LUD01[6:], "case"),
            (lnurl_of("http://service.com/x"), "plain http"),
            (lnurl_of("ftp://service.com/x"), "no https link"),
            (lnurl_of("https://user:pass@service.com/x"), "login"),
            (encode("lnbc", words(b"https://x.org"))[:0] + encode("lnurl", words(b"\xff\xfe")), "no link"),
            ("lnurlp://user@service.com/", "login"),
            ("http://service.com/x", "plain http"),
            ("lnurlp://service.com:x/", "no link"),
            ("lnurlp://nodots/x", "no domain"),
            ("lnurlp://-x.org/", "can't exist"),
            ("ada@example..com", "can't exist"),
            ("lnurlp://" + "a" * 2100, "too long"),
        ],
    )
    def test_what_can_not_be_right(self, text: str, why: str) -> None:
        with pytest.raises(errors.Usage, match=why) as refused:
            links.read_link(text)
        assert refused.value.code == "BAD_LNURL"

    @given(st.text(max_size=80))
    def test_no_text_breaks_it(self, text: str) -> None:
        for form in (text, f"lnurlp://{text}", f"ada@{text}", lnurl_of(f"https://{text}")):
            try:
                link = links.read_link(form)
            except errors.Usage:
                continue
            assert link is None or link.url.isascii()

    @pytest.mark.parametrize(
        ("url", "joined"),
        [
            ("https://x.org/cb", "https://x.org/cb?amount=1"),
            ("https://x.org/cb?id=2", "https://x.org/cb?id=2&amount=1"),
            ("https://x.org/cb?", "https://x.org/cb?amount=1"),
            ("https://x.org/cb?id=2&", "https://x.org/cb?id=2&amount=1"),
        ],
    )
    def test_the_query_is_joined_with_the_right_sign(self, url: str, joined: str) -> None:
        assert lnurl.joined(url, {"amount": "1"}) == joined

    @pytest.mark.parametrize(
        ("address", "public"),
        [
            ("93.184.216.34", True),
            ("2606:2800:220:1:248:1893:25c8:1946", True),
            *[(ip, False) for ip in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254")],
            *[(ip, False) for ip in ("100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::")],
            *[(ip, False) for ip in ("fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")],
        ],
    )
    def test_which_addresses_are_of_the_internet(self, address: str, public: bool) -> None:
        assert addresses.is_public(ipaddress.ip_address(address)) is public


class TestRead:
    """What a person types, as `pay` and `invoice decode` understand it."""

    @pytest.fixture
    def ws(self) -> Workspace:
        return Workspace({"AMANI_HOME": "/nonexistent"})

    def test_an_invoice_in_its_wrappings(self, ws: Workspace) -> None:
        invoice = make_invoice(amount_msat=20_000)
        for text in (invoice, f"lightning:{invoice}", f"LIGHTNING://{invoice}".upper(), f" {invoice}\n"):
            found = read(ws, text)
            assert (found.kind, found.text.lower()) == ("bolt11", invoice)

    def test_a_bitcoin_link_with_an_invoice_or_lnurl_in_it(self, ws: Workspace) -> None:
        invoice = make_invoice(amount_msat=2_000_000)
        address = "175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W"
        found = read(ws, f"bitcoin:{address}?amount=0.00002&label=Luke&lightning={invoice}")
        assert (found.kind, found.text, found.amount_msat) == ("bolt11", invoice, 2_000_000)
        found = read(ws, f"BITCOIN:{address}?LIGHTNING={LUD01}")
        assert (found.kind, found.amount_msat, found.shown) == ("lnurl", None, LUD01_URL.replace("https", "lnurlp"))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=1", "on-chain only"),
            (f"bitcoin:175t?req-somethingyoudontunderstand=50&lightning={LUD01}", "somethingyoudontunderstand"),
            ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "on-chain"),
            ("0" * 32, "wallet key"),
            ("0" * 64, "payment hash"),
            ("lno1qcp4256ypq", "BOLT 12"),
            ("bob", "'bob' is none of: an invoice, a Lightning address"),
        ],
    )
    def test_what_is_refused_says_why(self, ws: Workspace, text: str, why: str) -> None:
        with pytest.raises(errors.Usage, match=why):
            read(ws, text)


class TestSuccess:
    def test_an_encrypted_text_is_opened_by_the_preimage(self) -> None:
        key, iv = bytes(range(32)), bytes(range(16))
        plaintext = "Your code is 123 ✓".encode()
        padding = 16 - len(plaintext) % 16
        cipher = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
        ciphertext = cipher.update(plaintext + bytes([padding]) * padding) + cipher.finalize()
        action = SuccessAction("aes", "Your code", ciphertext=b64encode(ciphertext).decode(), iv=b64encode(iv).decode())
        kept = success_action.to_text(action)
        opened = success_action.from_text(kept, key.hex())
        assert opened is not None
        assert opened.secret == "Your code is 123 ✓"
        wrong = success_action.from_text(kept, bytes(32).hex())
        assert wrong is not None
        assert wrong.secret is None


@given(balance=st.integers(0, 10**12), keep=st.integers(0, 10**12))
def test_max_leaves_the_worst_fee_and_what_is_to_be_kept(balance: int, keep: int) -> None:
    def fits(amount: int) -> bool:
        return amount + max(2000, -(-amount // 100)) + keep <= balance

    amount = fees.spendable_msat(balance, keep)
    assert amount % 1000 == 0
    assert amount == 0 or fits(amount)
    assert not fits(amount + 1000)
