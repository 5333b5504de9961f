"""A real browser without a window, and the pages of a Prefect server in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECOND_MS = 1000
_PATIENCE_MS = 90 * _SECOND_MS


@dataclass
class Browser:
    """A page, and the addresses on other machines that it has asked for."""

    page: Page
    screenshots: Path
    elsewhere: list[str] = field(default_factory=list)

    def picture(self, name: str) -> None:
        """Keep a picture of the page."""
        self.page.screenshot(path=str(self.screenshots / f"{name}.png"))

    def field(self, title: str) -> Locator:
        """Return the input of the form's field with a title."""
        label = f"//span[contains(@class,'schema-form-property__label')][.='{title}' or .='{title} (Optional)']"
        return self.page.locator(f"{label}/ancestor::div[contains(@class,'schema-form-property')][contains(@class,'p-label')][1]").first

    def fill(self, title: str, value: object) -> None:
        """Type into a field."""
        self.field(title).locator("textarea, input").first.fill(str(value))

    def open_form(self, address: str, flow: str) -> None:
        """Go from the first page to the form of a flow's deployment, as people do."""
        self.page.goto(address)
        self.page.locator("a", has_text="Deployments").first.click()
        self.page.locator("tr", has=self.page.get_by_text(flow, exact=True)).locator("a").first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").click()
        expect(self.page.get_by_text("Parameters", exact=True)).to_be_visible(timeout=20 * _SECOND_MS)

    def submit(self) -> str:
        """Submit the form, go to the run, and return its id."""
        with self.page.expect_response(re.compile("/create_flow_run$")) as answer:
            self.page.get_by_role("button", name="Submit").click()
        assert answer.value.ok, f"{answer.value.status}: {answer.value.text()}"
        run = str(answer.value.json()["id"])
        # The note with a link to the run slides in and out again; its address is the same.
        address = urlsplit(self.page.url)
        self.page.goto(f"{address.scheme}://{address.netloc}/runs/flow-run/{run}")
        return run

    def wait_for(self, text: str, seconds: float) -> None:
        """Wait until a text is to be seen."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=seconds * _SECOND_MS)


@contextmanager
def browser(profile: Path, screenshots: Path) -> Iterator[Browser]:
    """Open a browser with a new profile; skips where there is none.

    Args:
        profile: empty folder.
        screenshots: folder for pictures.
    """
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(_NAMES)} is installed")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=_FLAGS, headless=True, viewport={"width": 1300, "height": 1000}
        )
        context.set_default_timeout(_PATIENCE_MS)
        opened = Browser(context.new_page(), screenshots)
        context.on("request", lambda request: _note(opened, request.url))
        try:
            yield opened
        finally:
            context.close()


def _note(opened: Browser, url: str) -> None:
    if re.match(r"(https?|wss?)://(?!127\.0\.0\.1[:/])", url):
        opened.elsewhere.append(url)
