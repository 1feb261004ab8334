"""Invoices: every example of the BOLT 11 text, and the wrong ones that it has no example for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amani_cli.amounts import MAX_MSAT
from amani_cli.encodings import secp256k1
from amani_cli.encodings.bech32 import CHARSET
from amani_cli.encodings.bolt11 import NETWORKS, decode_invoice, looks_like_invoice
from amani_cli.errors import Usage
from tests.kit.make_invoice import SPEC_KEY, amount_text, bech32, make_invoice, node_id, number, sign, words

SPEC: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "bolt11.json").read_text(encoding="utf-8"))


def refusal(text: str) -> Usage:
    with pytest.raises(Usage) as caught:
        decode_invoice(text)
    assert caught.value.code == "BAD_INVOICE"
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("example", SPEC["valid"], ids=lambda example: str(example["name"]))
def test_valid_examples_of_the_text(example: dict[str, Any]) -> None:
    invoice = decode_invoice(example["invoice"])
    decoded = {**invoice._asdict(), "feature_bits": list(invoice.feature_bits)}
    assert {name: decoded[name] for name in example["yields"]} == example["yields"]
    assert invoice.bolt11 == example["invoice"].lower()
    assert looks_like_invoice(example["invoice"])


@pytest.mark.parametrize("example", SPEC["invalid"], ids=lambda example: str(example["name"]))
def test_invalid_examples_of_the_text(example: dict[str, Any]) -> None:
    assert example["message"] in refusal(example["invoice"]).message


def test_the_first_example_can_be_made_again() -> None:
    example = SPEC["valid"][0]
    fields = [
        ("s", words(bytes.fromhex("11" * 32))),
        ("p", words(bytes.fromhex(example["yields"]["payment_hash"]))),
        ("d", words(example["yields"]["description"].encode())),
        ("9", number(1 << 8 | 1 << 14)),
    ]
    assert sign("lnbc", 1496314658, fields, SPEC_KEY) == example["invoice"]


@pytest.mark.parametrize("network", NETWORKS.values())
def test_networks(network: str) -> None:
    assert decode_invoice(make_invoice(network=network)).network == network


@pytest.mark.parametrize(
    "dress",
    [
        "lightning:{}",
        "LIGHTNING:{}",
        "lightning://{}",
        "  {}\n",
        "\ufeff{}\u200b",
        "lightning: {}",
    ],
)
def test_what_surrounds_an_invoice(dress: str) -> None:
    bolt11 = make_invoice()
    assert decode_invoice(dress.format(bolt11)).bolt11 == bolt11
    assert decode_invoice(dress.format(bolt11.upper())).bolt11 == bolt11
    assert looks_like_invoice(dress.format(bolt11))


def test_line_breaks_inside() -> None:
    bolt11 = make_invoice()
    folded = "\r\n  ".join(bolt11[i : i + 60] for i in range(0, len(bolt11), 60))
    assert decode_invoice(folded).bolt11 == bolt11


def test_defaults_and_expiry() -> None:
    invoice = decode_invoice(make_invoice(created_at=1_700_000_000))
    assert (invoice.expiry_s, invoice.min_final_cltv) == (3600, 18)
    assert invoice.expires_at == 1_700_003_600
    assert not invoice.is_expired(1_700_003_599)
    assert invoice.is_expired(1_700_003_600)


def test_no_amount_and_empty_description() -> None:
    invoice = decode_invoice(make_invoice(amount_msat=None, description=""))
    assert invoice.amount_msat is None
    assert invoice.description == ""
    assert invoice.description_hash is None


def test_an_expiry_beyond_every_date_is_the_year_9999() -> None:
    assert decode_invoice(make_invoice(expiry_s=2**500)).expires_at == 253_402_300_799


def test_stated_payee() -> None:
    key = "22" * 32
    assert decode_invoice(make_invoice(key=key, state_payee=True)).payee == node_id(key)
    assert decode_invoice(make_invoice(key=key)).payee == node_id(key)
    other = words(bytes.fromhex(node_id("33" * 32)))
    assert "not signed by the payee" in refusal(make_invoice(key=key, extra=[("n", other)])).message
    nowhere = words(b"\x02" + b"\xff" * 32)
    assert "no public key" in refusal(make_invoice(key=key, extra=[("n", nowhere)])).message


def test_high_s() -> None:
    key = "22" * 32
    assert decode_invoice(make_invoice(key=key, high_s=True)).payee == node_id(key)
    assert "canonical" in refusal(make_invoice(key=key, high_s=True, state_payee=True)).message


def test_the_first_of_several_payment_hashes_counts() -> None:
    bolt11 = make_invoice(payment_hash="22" * 32, extra=[("p", words(bytes.fromhex("33" * 32)))])
    assert decode_invoice(bolt11).payment_hash == "33" * 32


@pytest.mark.parametrize("letter", ["p", "s", "h", "n"])
def test_fields_of_the_wrong_length_are_skipped(letter: str) -> None:
    plain = decode_invoice(make_invoice(key=SPEC_KEY, payment_hash="22" * 32, created_at=1))
    for length in (0, 51, 54):
        bolt11 = make_invoice(key=SPEC_KEY, payment_hash="22" * 32, created_at=1, extra=[(letter, [1] * length)])
        assert decode_invoice(bolt11)._replace(bolt11="") == plain._replace(bolt11="")


WRONG = [
    (make_invoice(payment_secret=None), "no payment secret"),
    (make_invoice(description=None), "no description"),
    (make_invoice(description_hash="22" * 32), "both"),
    (make_invoice(description=b"\xff\xfe"), "not UTF-8"),
    (make_invoice(features=[8, 14, 200]), "feature 200"),
    (make_invoice(features=[2, 8, 14]), "feature 2,"),
    (make_invoice(features=[8, 17]), "feature 16 without feature 14"),
    (make_invoice(amount="0"), "zero"),
    (make_invoice(amount="0025m"), "leading zeros"),
    (make_invoice(amount="25x"), "multiplier"),
    (make_invoice(amount="25mm"), "can't be read"),
    (make_invoice(amount="m"), "not known"),
    (make_invoice(amount="11p"), "fraction of a millisatoshi"),
    (make_invoice(amount="21000001"), "more bitcoin"),
    (make_invoice(amount="9" * 200), "more bitcoin"),
    (make_invoice(amount_msat=MAX_MSAT + 1), "more bitcoin"),
    (make_invoice(min_final_cltv=2**32), "CLTV"),
    (sign("lnbc", 1, [("s", words(bytes(32))), ("d", [])], SPEC_KEY), "no payment hash"),
    (sign("lnxyz1", 1, [], SPEC_KEY), "network"),
    (bech32("lnbc", [0] * 110), "too short"),
    (bech32("lnbc", [0] * 7 + [1] * 104), "no payment hash"),
    (bech32("lnbc", [0] * 7 + [1, 0] + [1] * 104), "middle of a field"),
    (bech32("lnbc", [0] * 7 + [1, 1, 20, 3] + [1] * 104), "middle of a field"),
    ("lnbc1", "checksum"),
    ("lnbc1qqqqqq", "checksum"),
    ("lnbc1b", "characters"),
    ("lnbc1" + "q" * 8000, "longer"),
    ("lnbc1qqqqqqqqé", "characters"),
    ("lnbc1\u212aqqqqq", "characters"),
]


# Named by the reason: the invoices are made anew in every run.
@pytest.mark.parametrize(("bolt11", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_what_must_not_be_paid(bolt11: str, reason: str) -> None:
    assert reason in refusal(bolt11).message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No invoice"),
        ("hello", "not a Lightning invoice"),
        ("LNURL1DP68GURN8GHJ7", "LNURL"),
        ("lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq", "BOLT 12"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "on-chain"),
        ("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "on-chain"),
        ("alice@example.com", "Lightning address"),
        ("00" * 32, "payment hash"),
    ],
)
def test_other_things_are_named(text: str, reason: str) -> None:
    assert reason in refusal(text).message
    assert not looks_like_invoice(text)


@pytest.mark.parametrize("dress", ["{}", " {}\n", "lightning:{}"])
@pytest.mark.parametrize("key", ["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF"])
def test_a_key_is_recognised_and_not_repeated(key: str, dress: str) -> None:
    refused = refusal(dress.format(key))
    assert "looks like a wallet key, not an invoice" in refused.message
    assert key not in refused.message + refused.hint


@pytest.mark.parametrize("at", range(0, 300, 7))
def test_every_changed_letter_is_noticed(at: int) -> None:
    bolt11 = SPEC["valid"][1]["invoice"]
    at %= len(bolt11)
    changed = "q" if bolt11[at] != "q" else "p"
    refusal(bolt11[:at] + changed + bolt11[at + 1 :])


optional_amount = st.none() | st.integers(1, MAX_MSAT)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    amount_msat=optional_amount,
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=150),
    expiry_s=st.integers(0, 10**9),
    created_at=st.integers(0, 2**34),
    network=st.sampled_from(sorted(NETWORKS.values())),
    min_final_cltv=st.integers(0, 2**32 - 1),
    key=st.integers(1, secp256k1.N - 1),
    state_payee=st.booleans(),
)
def test_what_is_made_reads_back(key: int, **made: Any) -> None:
    bolt11 = make_invoice(key=f"{key:064x}", payment_hash="ab" * 32, metadata="01fa", **made)
    invoice = decode_invoice(bolt11)
    assert invoice.payee == node_id(f"{key:064x}")
    assert invoice.payment_hash == "ab" * 32
    assert invoice.metadata == "01fa"
    for name in made.keys() - {"state_payee"}:
        assert getattr(invoice, name) == made[name]


@settings(deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(),
        st.builds("{}1{}".format, st.sampled_from(["lnbc", "lnbc1m", "lntb", "LNBC"]), st.text(CHARSET)),
        st.builds(
            bech32,
            st.sampled_from(["lnbc", "lnbc1m", "lntb20u", "lnbc1" + "0" * 30]),
            st.lists(st.integers(0, 31), max_size=400),
        ),
    )
)
def test_any_text_is_an_invoice_or_a_usage_error(text: str) -> None:
    looks_like_invoice(text)
    try:
        decode_invoice(text)
    except Usage as refused:
        code = refused.code
    else:
        code = "BAD_INVOICE"
    assert code == "BAD_INVOICE"


@settings(deadline=None, derandomize=True)
@given(st.integers(1, MAX_MSAT))
def test_amounts_neither_grow_nor_shrink(amount_msat: int) -> None:
    bolt11 = make_invoice(amount=amount_text(amount_msat), key=SPEC_KEY)
    assert decode_invoice(bolt11).amount_msat == amount_msat


class TestCurve:
    def test_multiples_of_the_base(self) -> None:
        two = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
        assert node_id(f"{2:064x}") == two
        assert secp256k1.multiply(secp256k1.N) is None
        assert secp256k1.multiply(secp256k1.N - 1) == (secp256k1.GX, secp256k1.P - secp256k1.GY)

    def test_points(self) -> None:
        generator = secp256k1.encode_point((secp256k1.GX, secp256k1.GY))
        assert secp256k1.decode_point(generator) == (secp256k1.GX, secp256k1.GY)
        for wrong in (b"", generator[1:], b"\x04" + generator[1:], b"\x02" + b"\xff" * 32):
            assert secp256k1.decode_point(wrong) is None

    @pytest.mark.parametrize(
        ("r", "s", "recovery_id"), [(0, 1, 0), (1, 0, 0), (secp256k1.N, 1, 0), (1, secp256k1.N, 0), (1, 1, 4)]
    )
    def test_signatures_out_of_range(self, r: int, s: int, recovery_id: int) -> None:
        assert secp256k1.recover(bytes(32), r, s, recovery_id) is None
        if recovery_id < 4:
            assert not secp256k1.verify(bytes(32), r, s, (secp256k1.GX, secp256k1.GY))

    def test_a_signature_whose_key_would_be_infinity(self) -> None:
        # With r and s of the base point and a digest of s·r/r, the recovered key is 0·G.
        r = secp256k1.GX % secp256k1.N
        assert secp256k1.recover((1).to_bytes(32, "big"), r, 1, secp256k1.GY & 1) is None

    def test_a_signature_by_another_key(self) -> None:
        digest, r, s = bytes(31) + b"\x05", 2**200, 12345
        keys = [key for i in range(2) if (key := secp256k1.recover(digest, r, s, i))]
        for key in keys:
            assert secp256k1.verify(digest, r, s, key)
            assert not secp256k1.verify(bytes(32), r, s, key)
            assert not secp256k1.verify(digest, r, s, (secp256k1.GX, secp256k1.GY))


def test_reading_an_invoice_imports_nothing_heavy() -> None:
    heavy = {"bolt11", "bitstring", "coincurve", "cffi", "dataclasses", "typer", "httpx"}
    program = f"""
import sys
from amani_cli.encodings.bolt11 import decode_invoice
decode_invoice({SPEC["valid"][0]["invoice"]!r})
print(sorted(sys.modules.keys() & {heavy!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
