"""What an operator sees of `serve`: links printed and counted, `doctor`, `metrics`, `backup`."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from amani_cli.models.money import Quoted
from amani_cli.times import to_rfc3339
from tests.conftest import Held
from tests.kit.driver import Amani
from tests.kit.serve_world import BROWSER, InProcess, Link, Phone, serving, write_link

pytestmark = pytest.mark.lnbits


def finding(amani: Amani) -> dict[str, str]:
    run = amani("doctor", "--json")
    items = json.loads(run.stdout)["data"]["items"]
    found: dict[str, str] = next((each for each in items if each["check"] == "serve"), {})
    return found


def test_doctor(amani: Amani, giver: Held, base_url: str) -> None:
    assert finding(amani)["status"] == "ok"
    write_link(amani)
    assert finding(amani)["status"] == "fail"  # it leads nowhere
    with serving(base_url):
        assert finding(amani)["detail"] == f"{base_url} is served; 1 open link(s), 0 address(es)"
    assert amani("config", "set", "base_url", "off").code == 0
    assert "no base_url" in finding(amani)["detail"]


def test_metrics_count_what_was_served(amani: Amani, giver: Held, taker: Held, base_url: str) -> None:
    link = write_link(amani)
    with serving(base_url):
        for _ in range(3):
            httpx.get(link.url, headers=BROWSER, trust_env=False)
        httpx.get(f"{base_url}/c/{'A' * 26}", trust_env=False)
        assert Phone(taker.invoice).take(link) == {"status": "OK"}
    told = dict(re.findall(r'amani_served_total\{what="(\w+)"\} (\d+)', amani("metrics").stdout))
    assert told == {"pages": "3", "first_steps": "1", "claims_settled": "1", "not_found": "1"}


def test_many_at_once_and_on_paper(amani: Amani, giver: Held, base_url: str, tmp_path: Path) -> None:
    paper = tmp_path / "cheques.html"
    made = amani("cheque", "create", 7, "--link", "--count", 3, "--print", paper, "--yes")
    links = made.stdout.split()
    assert len(set(links)) == 3
    assert all(re.fullmatch(rf"{base_url}/c/[A-Z2-7]{{26}}", link) for link in links)
    page = paper.read_text()
    assert all(link in page for link in links)
    assert "amani1" not in page + made.stdout + made.stderr
    assert "camera" in page
    assert paper.stat().st_mode & 0o777 == 0o600


def test_quiet_prints_the_link_alone(amani: Amani, giver: Held, base_url: str, tmp_path: Path) -> None:
    picture = tmp_path / "link.svg"
    made = amani("cheque", "create", 7, "--link", "--qr-file", picture, "--yes", "--quiet")
    assert re.fullmatch(rf"{base_url}/c/[A-Z2-7]{{26}}\n", made.stdout)
    assert picture.exists()
    shown = amani("cheque", "list", "--json").data["items"][0]
    assert not {"link", "lnurl", "code"} & shown.keys()


def test_a_link_goes_with_no_other_link(amani: Amani, giver: Held, base_url: str) -> None:
    assert amani("cheque", "create", 7, "--link", "--lnurl", "--yes").code == 2
    refused = amani("cheque", "claim", "-", "--to", "giver", stdin=f"{base_url}/c/{'A' * 26}")
    assert (refused.code, "amani invoice claim LINK" in refused.stderr) == (2, True)


@pytest.mark.sqlite  # a ledger on a server is backed up there
def test_a_backup_with_keys_serves_again(
    amani: Amani, giver: Held, taker: Held, site: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = write_link(amani)
    assert amani("address", "add", "ada", "--wallet", "taker").code == 0
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    backup = tmp_path / "all.age"
    words = ("backup", "create", backup, "--with-keys", "--passphrase-file", phrase)
    assert amani(*words).code == 0
    monkeypatch.setenv("AMANI_HOME", str(tmp_path / "elsewhere"))
    restored = amani("backup", "restore", backup, "--passphrase-file", phrase, "--yes", "--key-folder", tmp_path / "k")
    assert restored.code == 0, restored
    assert amani("config", "set", "base_url", site.base_url).code == 0
    assert "can’t be claimed just now" in site.take(link, taker.invoice(1000))["reason"]  # it is a copy
    assert amani("reconcile").code == 0
    assert site.take(link, taker.invoice(1000)) == {"status": "OK"}
    assert site.json("/a/ada/callback", amount="21000")["pr"]


def test_a_link_is_traced_to_its_cheque(amani: Amani, giver: Held, base_url: str) -> None:
    link = write_link(amani)
    for text in (link.url, f"> he says {link.url} does not work"):
        traced = amani("trace", "-", "--json", stdin=text)
        assert link.id in traced.stdout, traced
        assert link.token not in traced.stdout + traced.stderr
    assert amani("trace", "-", stdin=f"{base_url}/c/{'A' * 26}").code == 4


def test_a_link_names_its_cheque_and_is_repeated_nowhere(amani: Amani, giver: Held, base_url: str) -> None:
    """It is what was given out, and may be all that its giver has of it."""
    link = write_link(amani)
    assert amani("cheque", "show", link.url, "--json").data["id"] == link.id
    assert amani("cheque", "void", link.url, "--yes", "--json").data["status"] == "void"
    assert giver.sat == 5000
    unknown = f"{base_url}/c/{'A' * 26}"
    amani.secrets.add("A" * 26)
    missing = amani("cheque", "show", unknown, "--json")
    assert (missing.code, missing.error["message"]) == (4, "no cheque 'with this link'")


def test_about_what_it_is_worth(amani: Amani, giver: Held, site: InProcess) -> None:
    link = write_link(amani)
    assert "about" not in site.get(link.path).text
    price = Quoted(Decimal(0), "KES", Decimal(9_000_000), "lnbits", to_rfc3339(int(time.time()) - 300))
    site.desk.keep_price(giver.server.url, price)
    assert "about 90.00 KES, by a price from 5 minutes ago" in site.get(link.path).text
    assert "takriban 90.00 KES" in site.get(link.path, **{"Accept-Language": "sw"}).text


def test_links_in_a_batch(
    amani: Amani, giver: Held, taker: Held, base_url: str, site: InProcess, tmp_path: Path
) -> None:
    table, plan = tmp_path / "people.csv", tmp_path / "plan.json"
    table.write_text("to,amount,memo\nlink,100,for Ada\nlink,200,for Obi\ncheque,50,a code\n")
    assert amani("batch", "plan", table, "-o", plan, "--wallet", "giver").code == 0
    assert amani("batch", "run", plan, "--yes").code == 0
    assert giver.sat == 5000 - 102 - 202 - 50  # what leaving the server may cost is set aside with links alone
    kept = dict(line.split(",")[::2] for line in plan.with_name("plan.json.codes.csv").read_text().splitlines()[1:])
    assert [kept[row].partition(":")[0][:6] for row in sorted(kept)] == ["http", "http", "amani1"]
    token = kept["2"].rpartition("/")[2]
    amani.secrets |= {token}
    link = Link("", kept["2"], "", "", 100_000)
    assert "for Ada" in site.get(link.path).text
    assert site.take(link, taker.invoice(100)) == {"status": "OK"}
    amani("config", "set", "base_url", "off")
    refused = amani("batch", "plan", table, "-o", tmp_path / "other.json", "--wallet", "giver")
    assert (refused.code, "base_url" in refused.stdout + refused.stderr) == (2, True)
