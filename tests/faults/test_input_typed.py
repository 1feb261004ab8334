"""What people, scripts and files hand to amani, in any wrong form: read exactly or refused, never a traceback."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amani_cli import amounts, config, errors, times
from amani_cli.amounts import Fiat
from amani_cli.batch import table as batch_table
from amani_cli.batch.cells import COLUMNS
from amani_cli.destinations import reading
from amani_cli.encodings import bolt11, cheque_code
from amani_cli.providers.addresses import clean_url, is_loopback, is_onion
from amani_cli.providers.links import read_link
from amani_cli.workspace import Workspace
from tests.cli.test_tree import TREE
from tests.faults.depth import examples
from tests.faults.spoiled import HOSTILE_TEXTS
from tests.faults.tally import Tally
from tests.kit.driver import Amani
from tests.kit.lnbits_server import free_port
from tests.kit.make_invoice import bech32, make_invoice, words

pytestmark = pytest.mark.faults

NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
PER_UNIT = {"": 1000, "sat": 1000, "sats": 1000, "k": 10**6, "ksat": 10**6, "ksats": 10**6, "btc": 10**11}
PER_UNIT |= {"msat": 1, "msats": 1}

odd_letters = st.sampled_from("0123456789_.,-+eExX ٣５²½\u00a0\u200b\u202e\x00\n'’₿$€")
numbers = st.one_of(
    st.integers(0, 10**40).map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats().map(repr),
    st.from_regex(r"\A[0-9]{1,4}([_, .'][0-9]{2,4}){0,3}\Z"),
    st.text(odd_letters, max_size=24),
)
units = st.sampled_from(["", *PER_UNIT, "SAT", "Btc", "NGN", "usd", "UGX", "KWD", "XXX", "m", "M", "max", "e", "x"])
typed = st.one_of(
    st.builds(lambda number, gap, unit: number + gap + unit, numbers, st.sampled_from(["", " ", "\t"]), units),
    st.text(),
)


@contextlib.contextmanager
def refused_at_most(code: str | None = None) -> Iterator[list[str]]:
    """Anything but a clean refusal, in one line, is a defect. Gives what was said."""
    refused = None
    said: list[str] = []
    try:
        yield said
    except errors.AmaniError as error:
        refused = error
    if refused is not None:
        assert refused.exit_code in (2, 3, 4, 6), refused
        assert code is None or refused.code == code, refused
        assert "\n" not in refused.message
        assert len(refused.message) < 2000
        said += (refused.message, refused.hint)


def written(number: str) -> Fraction:
    """The number in plain decimal digits, read by other means than amani's."""
    assert re.fullmatch(r"(0|[1-9][0-9]*|[1-9][0-9]{0,2}(_[0-9]{3})+)(\.[0-9]+)?", number), number
    return Fraction(number.replace("_", ""))


@examples(2000)
@given(typed)
def test_an_amount_is_what_was_written_or_refused(text: str) -> None:
    with refused_at_most("BAD_AMOUNT"):
        found = amounts.parse_amount(text)
        if found == "max":
            assert text.strip().lower() == "max"
            return
        cleaned = text.strip()
        number = re.match(r"[0-9_.]*", cleaned)
        assert number is not None
        unit = cleaned[number.end() :].strip()
        if isinstance(found, Fiat):
            assert (found.currency, Fraction(found.value)) == (unit.upper(), written(number[0]))
        else:
            assert isinstance(found, int)
            assert 0 < found <= amounts.MAX_MSAT
            assert found == written(number[0]) * PER_UNIT[unit.lower()]


@examples(500)
@given(st.integers(1, amounts.MAX_MSAT))
def test_a_lightning_amount_comes_back_as_it_went(msat: int) -> None:
    shown = amounts.format_sat(msat)
    assert amounts.parse_msat(shown.replace(",", "")) == msat
    assert amounts.parse_msat(amounts.format_btc(msat)) == msat
    assert amounts.parse_msat(f"{msat}msat") == msat


@examples(500)
@given(st.sampled_from(sorted(amounts.CURRENCIES)), st.integers(1, 10**15 - 1))
def test_a_fiat_amount_comes_back_as_it_went(currency: str, minor: int) -> None:
    value = Decimal(minor).scaleb(-amounts.currency_decimals(currency))
    shown = amounts.format_fiat(Fiat(value, currency))
    for text in (f"{value:f}{currency}", shown.replace(",", "")):
        found = amounts.parse_amount(text)
        assert found == Fiat(value, currency)
        assert isinstance(found, Fiat)
        assert found.value.as_tuple().exponent == -amounts.currency_decimals(currency)


@examples(500)
@given(
    st.sampled_from(sorted(amounts.CURRENCIES)),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=0, max_value=10**9),
)
def test_no_decimal_of_a_currency_is_lost(currency: str, value: Decimal) -> None:
    with refused_at_most("BAD_AMOUNT"):
        assert amounts.parse_fiat(f"{value:f}{currency}").value == value


@examples(1000)
@given(st.one_of(st.text(), st.builds(lambda number, unit: f"{number}{unit}", numbers, st.sampled_from("smhdwyMS"))))
def test_durations(text: str) -> None:
    with refused_at_most("BAD_DURATION"):
        seconds = times.parse_duration(text)
        number, unit = text.strip()[:-1], text.strip()[-1]
        assert seconds == int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


dates = st.one_of(
    st.text(),
    st.builds("{:04d}-{:02d}-{:02d}".format, st.integers(0, 10000), st.integers(0, 14), st.integers(0, 33)),
    st.builds(
        "{}{}".format, st.datetimes().map(datetime.isoformat), st.sampled_from(["", "Z", "+00:00", "+03:00", "z"])
    ),
    st.builds("{}{}".format, st.integers(0, 10**12), st.sampled_from(["s", "m", "h", "d", ""])),
    st.sampled_from(["today", "Yesterday", "TODAY ", "last", "this", "2026-08", "0000-00", "9999-12", *HOSTILE_TEXTS]),
)


@examples(1000)
@given(dates)
def test_dates(text: str) -> None:
    with refused_at_most("BAD_DATE"):
        moment = times.parse_when(text, NOW)
        assert moment.tzinfo is not None
        assert times.from_rfc3339(times.to_rfc3339(moment)) == moment.replace(microsecond=0)
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", text.strip()):
            assert moment == datetime.fromisoformat(text.strip())
    with refused_at_most("BAD_DATE"):
        first, after = times.parse_month(text, NOW)
        assert timedelta(days=27) < after - first < timedelta(days=32)


INVOICE = make_invoice(amount_msat=21_000)


@examples(500)
@given(st.integers(0, len(INVOICE) - 1), st.characters(), st.sampled_from(["put", "add", "drop"]))
def test_an_invoice_that_was_mistyped(at: int, letter: str, how: str) -> None:
    wrong = {"put": INVOICE[:at] + letter + INVOICE[at + 1 :], "add": INVOICE[:at] + letter + INVOICE[at:]}
    text = wrong.get(how, INVOICE[:at] + INVOICE[at + 1 :])
    with refused_at_most():
        assert bolt11.decode_invoice(text) == bolt11.decode_invoice(INVOICE)


@examples(500)
@given(st.text("0123456789munpxyz", max_size=24), st.lists(st.integers(0, 31), max_size=400))
def test_an_invoice_that_was_made_up(amount: str, data: list[int]) -> None:
    """Whose checksum is right, though nothing else may be."""
    with refused_at_most():
        found = bolt11.decode_invoice(bech32(f"lnbc{amount}", data))
        assert found.amount_msat is None or 0 <= found.amount_msat <= amounts.MAX_MSAT


@examples(300)
@given(st.integers(1, amounts.MAX_MSAT), st.sampled_from(["", "m", "u", "n", "p"]))
def test_an_invoice_over_any_amount(msat: int, multiplier: str) -> None:
    pico = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}[multiplier]
    number = max(1, msat * 10 // pico)
    text = make_invoice(amount=f"{number}{multiplier}")
    exact = Fraction(number * pico, 10)
    with refused_at_most():
        assert bolt11.decode_invoice(text).amount_msat == exact


links = st.one_of(
    st.text(),
    st.builds("{}@{}".format, st.text(max_size=20), st.text(max_size=20)),
    st.builds(
        "{}://{}".format,
        st.sampled_from(["https", "http", "lnurlp", "LNURLW", "keyauth", "lightning"]),
        st.text(max_size=40),
    ),
    st.binary(max_size=80).map(lambda data: bech32("lnurl", words(data))),
    st.text(max_size=60).map(lambda url: bech32("lnurl", words(f"https://{url}".encode("utf-8", "surrogatepass")))),
    st.sampled_from(
        [
            "https://[",
            "lnurlp://[::1",
            "https://[::1]:99999/x",
            "a@[",
            "lightning:",
            "bitcoin:?amount=1e9",
            *HOSTILE_TEXTS,
        ]
    ),
)


@examples(1500)
@given(links)
def test_links_and_addresses(text: str) -> None:
    with refused_at_most("BAD_LNURL"):
        link = read_link(text)
        if link is not None:
            assert link.url.isascii()
            assert link.url.isprintable()
            assert (
                link.url.startswith("https://")
                or link.domain.endswith(".onion")
                or is_loopback(link.url)
                or ".onion:" in link.domain
            )


@examples(1500)
@given(
    st.one_of(
        links,
        typed,
        st.builds("{}{}".format, st.sampled_from(["lightning:", "bitcoin:", "BITCOIN:1?lightning="]), links),
    )
)
def test_whatever_is_named_as_a_destination(text: str) -> None:
    with refused_at_most():
        reading.read(Workspace({"HOME": "/nonexistent", "AMANI_HOME": "/nonexistent"}), text)


@examples(500)
@given(
    st.one_of(
        links,
        st.builds("{}{}".format, st.sampled_from(["", "http://", "https://", "https://u:p@"]), st.text(max_size=40)),
    )
)
def test_server_addresses(text: str) -> None:
    with refused_at_most():
        url = clean_url(text)
        assert url.startswith("https://") or is_loopback(url) or is_onion(url)
        assert clean_url(url) == url


codes = st.builds(
    cheque_code.ChequeCode,
    admin_key=st.binary(min_size=16, max_size=16).map(bytes.hex),
    wallet_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    origin=st.binary(min_size=8, max_size=8),
    amount_msat=st.integers(0, 2**64 - 1),
    expires_at=st.integers(0, 2**64 - 1),
    network=st.sampled_from(["bitcoin", "testnet", "signet", "regtest"]),
    url=st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map("https://{}".format),
)


@examples(300)
@given(codes, st.integers(0, 400), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567 189!\u202e"))
def test_a_cheques_code(code: cheque_code.ChequeCode, at: int, letter: str) -> None:
    text = cheque_code.encode(code)
    assert cheque_code.decode(text.upper() + "\n") == code
    at %= len(text)
    wrong = text[:at] + letter + text[at + 1 :]
    with refused_at_most() as said:
        assert cheque_code.decode(wrong) == code
    assert text[10:40] not in "".join(said)


@examples(300)
@given(st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS), st.text(st.sampled_from("amani1 lnurl01q=\"'\n#"))))
def test_a_dotenv(text: str) -> None:
    for name, value in config.parse_dotenv(text).items():
        assert name in text
        assert "\n" not in value


cells = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["cheque", "ada@example.com", INVOICE, "=1+1", "+1", "-1", "@x", "\t", "x" * 200_000, *HOSTILE_TEXTS]
    ),
    numbers,
)


def _csv(rows: list[list[str]], delimiter: str, quoting: Any) -> bytes:
    text = io.StringIO(newline="")
    with contextlib.suppress(csv.Error):
        csv.writer(text, delimiter=delimiter, quoting=quoting, escapechar="\\").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


header = st.lists(st.sampled_from([*COLUMNS, "TO", "extra", "", "=to"]), min_size=1, max_size=9)
tables = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda names, rows, delimiter, quoting, bom, ending: (bom + _csv([names, *rows], delimiter, quoting)).replace(
            b"\r\n", ending
        ),
        st.one_of(st.just(["to", "amount", "memo"]), header),
        st.lists(st.lists(cells, max_size=5), max_size=4),
        st.sampled_from(",;\t"),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
        st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00"]),
        st.sampled_from([b"\r\n", b"\n", b"\r"]),
    ),
    st.lists(
        st.dictionaries(
            st.sampled_from([*COLUMNS, "x"]),
            st.one_of(cells, st.integers(), st.none(), st.lists(cells, max_size=1)),
        ),
        max_size=3,
    ).map(lambda rows: "\n".join(json.dumps(row) for row in rows).encode()),
)


def test_a_table_of_payments(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    ws = Workspace({"HOME": str(tmp_path), "AMANI_HOME": str(tmp_path / "amani")})

    @examples(400)
    @given(tables)
    def holds(content: bytes) -> None:
        path.write_bytes(content)
        with refused_at_most():
            rows, problems = batch_table.read(ws, str(path))
            for row in rows:
                if row.amount_msat is not None and row.amount:
                    assert row.amount_msat == amounts.parse_amount(row.amount)
            assert all(problem.message for problem in problems)

    holds()


# -- the command itself ------------------------------------------------------------------------------------------------

# These wait for what does not come, start servers, or ask for a terminal; their parts are tried elsewhere.
LEFT_OUT = ("watch", "wallet watch", "webhook listen", "sandbox", "invoice wait", "completion install")
LEAVES = [
    path
    for path, (command, _) in TREE.items()
    if not hasattr(command, "list_commands") and not " ".join(path).startswith(LEFT_OUT)
]
EXIT_CODES = {0, 2, 3, 4, 5, 6, 7, 9, 10, 13}
arguments = st.one_of(
    st.text(st.characters(exclude_characters="\x00"), max_size=40),
    st.sampled_from([text for text in HOSTILE_TEXTS if "\x00" not in text]),
    st.sampled_from(
        [
            INVOICE,
            "-",
            "--",
            "-1",
            "@",
            ".",
            "/",
            "~",
            "~nobody/x",
            "/dev/null",
            "/proc/self/mem",
            "main",
            "ff" * 32,
            "[",
            "https://[",
        ]
    ),
    typed.filter(lambda text: "\x00" not in text),
)


def _only_here(host: object, *_: object, **__: object) -> Any:
    """A resolver that knows no name: what was typed may be anybody's."""
    raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_any_words_for_any_command(
    path: tuple[str, ...], amani: Amani, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    monkeypatch.setattr("amani_cli.options._seconds", lambda text: 0.05 if text else None)
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.getaddrinfo", _only_here)
    monkeypatch.setenv("AMANI_DEFAULT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("LNBITS_API_KEY", "0123456789abcdef" * 2)
    monkeypatch.setenv("LNBITS_BASE_URL", f"http://127.0.0.1:{free_port()}")
    command, _ = TREE[path]
    wanted = [param for param in command.params if param.param_type_name == "argument"]
    offered = [
        param
        for param in command.params
        if param.param_type_name == "option" and not param.is_flag and not param.hidden
    ]
    tried = 0

    @examples(10)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        nonlocal tried
        tried += 1
        words = [*path, "--json", "--yes", "--no-input", "--timeout", "short"]
        chosen = (
            data.draw(st.lists(st.sampled_from(offered), max_size=2, unique_by=lambda option: option.name))
            if offered
            else []
        )
        words += [f"{option.opts[0]}={data.draw(arguments)}" for option in chosen]
        words += ["--", *(data.draw(arguments) for _ in wanted)]
        result = amani(*words, stdin=data.draw(st.text(max_size=40)))
        assert result.code in EXIT_CODES, (words, result)
        failed = not result.json.get("ok", True) if result.stdout.startswith("{") else result.code != 0
        assert sum(line.startswith("error: ") for line in result.stderr.splitlines()) == failed, (words, result)

    holds()
    tally("inputs", tried)
