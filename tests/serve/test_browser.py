"""The page in a real Chromium: each state, language and width, with scripts and without; and what is heard of it.

Pictures of all of them are left in `.cache/pages/`.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from amani_cli.serve import doors
from amani_cli.serve.site import BODY_LIMIT
from amani_cli.serve.words import CATALOGUE, LANGUAGES
from tests.conftest import Held, change_database
from tests.kit.driver import CLONE, PATIENCE_S, Amani
from tests.kit.serve_world import InProcess, Link, write_link

if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("there is no Chromium here", allow_module_level=True)

from axe_selenium_python import Axe
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.lnbits

PICTURES = CLONE / ".cache" / "pages"
WIDTHS = (320, 1280)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
STATES = ("open", "claiming", "claimed", "expired", "void", "held")


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One Chromium for all of this."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(executable_path=str(shutil.which("chromedriver"))))
    driver.set_page_load_timeout(PATIENCE_S)
    yield driver
    driver.quit()


@pytest.fixture
def open_site(site: InProcess) -> Iterator[InProcess]:
    """The site on a socket."""
    with listening(site):
        yield site


@contextmanager
def listening(site: InProcess) -> Iterator[None]:
    host, port = site.base_url.removeprefix("http://").split(":")
    server = doors.open_at(site.site, host, int(port), body_limit=BODY_LIMIT, behind_proxy=False)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield
    server.stop()
    thread.join(PATIENCE_S)
    server.close()


@pytest.fixture
def links(amani: Amani, giver: Held, taker: Held, site: InProcess, home: Path) -> dict[str, Link]:
    """A link in each state."""
    giver.server.fund(giver.id, 6000)
    made = {state: write_link(amani, 1000, "--memo", f"Thank you, Ada ({state})") for state in STATES}
    for state in ("claiming", "claimed"):
        assert site.take(made[state], taker.invoice(1000)) == {"status": "OK"}
    change_database(home, "UPDATE cheque SET status='open' WHERE id=?", made["claiming"].id)
    change_database(
        home, "UPDATE payment SET status='unknown' WHERE id=(SELECT claim FROM cheque WHERE id=?)", made["claiming"].id
    )
    change_database(home, "UPDATE cheque SET expires_at=created_at WHERE id=?", made["expired"].id)
    change_database(home, "UPDATE cheque SET status='void' WHERE id=?", made["void"].id)
    change_database(home, "UPDATE cheque SET identity='of a copy' WHERE id=?", made["held"].id)
    change_database(home, "INSERT INTO hold VALUES ('of a copy', 'giver', 1, 'a copy', '2026-01-01T00:00:00Z')")
    return made


def set_up(chrome: Chrome, *, language: str = "en", width: int = 320, scripts: bool = True) -> None:
    agent = {"userAgent": "Mozilla/5.0 (a test)", "acceptLanguage": language}
    chrome.execute_cdp_cmd("Network.setUserAgentOverride", agent)
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    size = {"width": width, "height": 720, "deviceScaleFactor": 1, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def see(chrome: Chrome, selector: str, text: str) -> None:
    """Wait until an element of the page says this: a click does not wait for the page that it leads to.

    Of an element whose page is just going away the driver says this and that ("does not belong to the document").
    """
    WebDriverWait(chrome, PATIENCE_S, ignored_exceptions=(WebDriverException,)).until(
        lambda driver: text in driver.find_element(By.CSS_SELECTOR, selector).text
    )


def requested(chrome: Chrome) -> list[str]:
    """What was asked for since this was last asked."""
    logged: list[dict[str, str]] = chrome.get_log("performance")  # type: ignore[no-untyped-call]
    events: list[dict[str, Any]] = [json.loads(each["message"])["message"] for each in logged]
    urls = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("data:")]


def heard(chrome: Chrome) -> list[tuple[str, str]]:
    """What a screen reader makes of the page: role and name of each thing that has both."""
    nodes = chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    said = [
        (str(each["role"]["value"]), str(each.get("name", {}).get("value", ""))) for each in nodes if "role" in each
    ]
    return [(role, name) for role, name in said if name]


def test_every_state_language_and_width(chrome: Chrome, open_site: InProcess, links: dict[str, Link]) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for state, language, width, scripts in product(STATES, LANGUAGES, WIDTHS, (True, False)):
        name = f"{state}-{language}-{width}-{'with' if scripts else 'without'}-scripts"
        set_up(chrome, language=language, width=width, scripts=scripts)
        requested(chrome)
        chrome.get(links[state].url)
        words = CATALOGUE[language]
        assert chrome.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
        sentence = chrome.find_element(By.CSS_SELECTOR, "[role=status]").text
        assert sentence.startswith(words[state].partition("{")[0]), name
        others = [words[other].partition("{")[0] for other in STATES if other != state]
        assert not any(other in chrome.find_element(By.TAG_NAME, "main").text for other in others), name
        wide = chrome.find_element(By.TAG_NAME, "html").size["width"]
        inside = [each.rect for each in chrome.find_elements(By.CSS_SELECTOR, "main *")]
        assert all(each["x"] + each["width"] <= wide + 1 for each in inside), name
        asked = [url for url in requested(chrome) if "favicon" not in url]
        assert set(asked) <= {links[state].url, f"{open_site.base_url}/page.css"}, name
        if scripts:
            picture = chrome.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            (PICTURES / f"{name}.png").write_bytes(_decoded(picture["data"]))


def _decoded(text: str) -> bytes:
    from base64 import b64decode

    return b64decode(text)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_fault_of_accessibility(chrome: Chrome, open_site: InProcess, links: dict[str, Link], width: int) -> None:
    for state, scheme in product(STATES, ("light", "dark")):
        set_up(chrome, width=width)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        # axe is put into the page, which lets no script in but the browser's own.
        chrome.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        try:
            chrome.get(links[state].url)
            axe = Axe(chrome)
            axe.inject()
            found = axe.run()
        finally:
            chrome.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        assert found["violations"] == [], (state, scheme, axe.report(found["violations"]))


def test_what_a_screen_reader_hears(chrome: Chrome, open_site: InProcess, links: dict[str, Link]) -> None:
    set_up(chrome)
    chrome.get(links["open"].url)
    said = heard(chrome)
    for role, name in (
        ("heading", "1,000 sat"),
        ("heading", "Take it with a wallet on this phone"),
        ("link", "Open my wallet"),
        ("image", "QR code to take 1,000 sat with a Lightning wallet"),
        ("textbox", "A Lightning invoice over exactly 1,000 sat, or a Lightning address"),
        ("button", "Send it there"),
    ):
        assert (role, name) in said, said
    spoken = " ".join(name for _, name in said)
    assert "Good until" in spoken
    assert "This money is yours to take." in spoken
    chrome.get(links["claimed"].url)
    assert any("This money was claimed on" in name for _, name in heard(chrome))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_claimed_by_the_form(
    amani: Amani, giver: Held, taker: Held, chrome: Chrome, open_site: InProcess, scripts: bool
) -> None:
    link = write_link(amani)
    set_up(chrome, scripts=scripts)
    chrome.get(link.url)
    assert chrome.find_element(By.LINK_TEXT, "Open my wallet").get_attribute("href") == f"lightning:{link.lnurl}"
    chrome.find_element(By.ID, "to").send_keys("this is none")
    chrome.find_element(By.TAG_NAME, "button").click()
    see(chrome, "[role=alert]", "no Lightning invoice")
    field = chrome.find_element(By.ID, "to")
    assert field.get_attribute("value") == "this is none"
    field.clear()
    field.send_keys(taker.invoice(1000))
    chrome.find_element(By.TAG_NAME, "button").click()
    see(chrome, "[role=status]", "This money was claimed on")
    assert chrome.current_url == link.url
    assert taker.sat == 1000


def test_a_page_that_is_on_its_way_looks_again_by_itself(
    chrome: Chrome, open_site: InProcess, links: dict[str, Link], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amani_cli.serve.pages.REFRESH_S", 1)
    set_up(chrome, scripts=False)
    chrome.get(links["claiming"].url)
    change_database(home, "UPDATE payment SET status='settled' WHERE status='unknown'")
    see(chrome, "[role=status]", "was claimed on")
