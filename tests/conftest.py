"""What all tests share: Hypothesis's settings, and a real browser for pages where the system has one."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("wardcast", deadline=None)
settings.load_profile("wardcast")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One browser for all pages of a run."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine; install it to see the page")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visits:
    """Pages opened from files, with what they asked for and what went wrong on them."""

    def __init__(self, browser) -> None:
        self.browser = browser
        self.contexts, self.asked, self.failed = [], [], []

    def open(self, file: Path, width: int, script: bool = True, fragment: str = ""):
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.failed.append(message.text))
        page.on("pageerror", lambda error: self.failed.append(str(error)))
        page.on("dialog", lambda dialog: self.failed.append(dialog.message))
        page.goto(file.as_uri() + fragment)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def files_asked_for(self) -> list[str]:
        return [url for url in self.asked if not url.startswith("data:")]


@pytest.fixture
def opened(browser, tmp_path: Path):
    """Open a page; afterwards, nothing may have been asked for or have failed."""
    visits = Visits(browser)

    def open_page(html: str, width: int = 1280, *, script: bool = True, fragment: str = ""):
        file = tmp_path / "bulletin.html"
        file.write_text(html, encoding="utf-8")
        return visits.open(file, width, script, fragment)

    yield open_page
    visits.close()
    assert visits.failed == []
    assert [url.partition("#")[0] for url in visits.files_asked_for()] == [
        (tmp_path / "bulletin.html").as_uri()
    ] * len(visits.contexts)


@pytest.fixture
def visited(browser, tmp_path: Path):
    """Open a page of a site in a folder; afterwards, nothing but its files may have been asked for."""
    visits, folder = Visits(browser), tmp_path / "site"

    def open_page(
        site: Mapping[str, bytes], name: str = "index.html", width: int = 1280, *, script: bool = True
    ):
        folder.mkdir(exist_ok=True)
        for file, content in site.items():
            (folder / file).write_bytes(content)
        return visits.open(folder / name, width, script)

    yield open_page
    visits.close()
    assert visits.failed == []
    known = {path.as_uri() for path in folder.iterdir()}
    assert {url.partition("#")[0] for url in visits.files_asked_for()} <= known
