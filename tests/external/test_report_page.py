"""report.html in a browser: axe-core and Chromium judge it. Nothing is asked for, nothing runs that others wrote, everybody can read it.

axe-core comes with axe-playwright-python; the browser is the machine's own Chromium, for none is downloaded here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmonize.report import charts
from tests.synthetic_reports import synthetic_report
from tests.unit.report.test_page import hostile_page, rendered
from tests.unit.test_safe_text import PAYLOADS

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup brings it")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: make setup brings it")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    report = synthetic_report(60, files=4, items=8)
    pages = {
        "en": rendered(report),
        "de": rendered(report, "de"),
        "partial": rendered(synthetic_report(20, status="partial", files=4, items=8)),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, "utf-8")
    return {name: folder / f"{name}.html" for name in pages}


class Watched:
    """A page, and what it did that it should not do."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))

    def open(self, file: Path) -> Any:
        self.page.goto(file.as_uri())
        return self.page


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [("en", "light", 1280), ("de", "dark", 1280), ("partial", "light", 320), ("en", "dark", 320)],
)
def test_axe_finds_no_violation(browser: Any, files: dict[str, Path], name: str, scheme: str, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    watched = Watched(context)
    page = watched.open(files[name])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    assert [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]] == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= window.innerWidth"
    )  # WCAG 1.4.10: tables scroll by themselves
    assert watched.requests == [files[name].as_uri()] and watched.said == []
    context.close()


def test_it_is_read_without_scripts(browser: Any, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = Watched(context).open(files["en"])
    assert page.locator("#all-checks tbody tr").count() == 60
    assert page.locator("#all-checks tbody tr:visible").count() == 60
    assert not page.locator("#filter").is_visible() and page.locator("#glossary").is_visible()
    context.close()


def test_checks_are_sorted_and_filtered(browser: Any, files: dict[str, Path]) -> None:
    context = browser.new_context()
    watched = Watched(context)
    page = watched.open(files["de"])
    page.get_by_role("button", name="Befunde", exact=True).click()
    numbers = [
        int(text.replace(".", "")) for text in page.locator("#all-checks tbody td:nth-child(5)").all_inner_texts()
    ]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 1000
    page.get_by_role("button", name="Befunde", exact=True).press("Enter")
    assert page.locator("#all-checks tbody td:nth-child(5)").first.inner_text() == "0"
    assert page.locator("th[aria-sort=ascending]").count() == 1
    page.get_by_role("combobox", name="Ergebnis").select_option("mit Warnung")
    shown = page.locator("#all-checks tbody tr:visible td:first-child").all_inner_texts()
    assert shown and set(shown) == {"mit Warnung"}
    assert page.locator("#shown").inner_text() == f"{len(shown)} von 60 gezeigt"
    page.get_by_role("searchbox", name="Wörter").fill("no such rule")
    assert page.locator("#all-checks tbody tr:visible").count() == 0
    assert watched.said == []
    context.close()


def test_it_prints_on_a4(browser: Any, files: dict[str, Path]) -> None:
    """Between the margins an A4 page is 186 mm wide: 703 CSS pixels."""
    context = browser.new_context(viewport={"width": 703, "height": 1000}, color_scheme="dark")
    page = Watched(context).open(files["en"])
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    boxes = re.findall(rb"/MediaBox ?\[0 0 (\d+)[.\d]* (\d+)", page.pdf(prefer_css_page_size=True))
    assert len(boxes) > 3 and set(boxes) <= {(b"594", b"841"), (b"595", b"842")}  # points of A4
    context.close()


def test_hostile_text_is_nothing_but_text_in_chromium(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page holds the same elements whatever stands in its texts; nothing is asked for, nothing runs, the policy has nothing to stop."""
    monkeypatch.setattr(charts, "is_available", lambda: False)
    context = browser.new_context()
    watched = Watched(context)
    elements = "Array.from(document.querySelectorAll('*')).map(one => one.localName + one.getAttributeNames()).join()"
    file = tmp_path / "report.html"
    file.write_text(hostile_page("x"), "utf-8")
    harmless = watched.open(file).evaluate(elements)
    for name, payload in PAYLOADS.items():
        file.write_text(hostile_page(payload), "utf-8")
        page = watched.open(file)
        assert page.evaluate(elements) == harmless, name
        assert page.url == file.as_uri() and page.title().startswith("Conformance report"), name
        assert set(watched.requests) == {file.as_uri()} and watched.said == [], name
    context.close()


def test_hostile_text_in_charts_is_nothing_but_text_in_chromium(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context()
    watched = Watched(context)
    file = tmp_path / "report.html"
    for payload in (
        "</text></svg><script>alert(1)</script>",
        "<image href=//evil.example/x onerror=alert(1)>",
        "]]><style>*{}</style>",
    ):
        file.write_text(hostile_page(payload), "utf-8")
        page = watched.open(file)
        assert page.locator("svg[role=img]").count() == 4
        assert page.evaluate("document.scripts.length + document.styleSheets.length") == 2
        assert page.locator("svg script, svg style, svg image, svg a, svg foreignObject").count() == 0
        assert set(watched.requests) == {file.as_uri()} and watched.said == []
    context.close()
