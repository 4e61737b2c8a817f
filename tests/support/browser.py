"""Headless Chromium, the machine's own, and what a test asks of a page of the console."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
    expect,
)

__all__ = ["Window", "chromium", "opened"]

_WIDE, _PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
_PATIENCE_MS = 60_000


class Window:
    """A page in a browser of its own, and everything that went wrong on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        """Scripts' errors, and what the policy of a page has refused."""

        self.hosts: set[str] = set()
        """Everywhere that something was asked for."""

        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)

    async def go(self, path: str) -> None:
        """Go to a page, which must be there."""
        answer = await self.page.goto(self.url + path)
        assert answer is not None
        assert answer.ok, (path, answer.status)

    async def sign_in(self, key: str) -> None:
        """Sign in by the form, with the keyboard alone."""
        await self.go("/console/sign-in")
        # The page puts the focus there as it is first drawn, which may be after it is loaded.
        await expect(self.page.locator("[name=key]")).to_be_focused(timeout=_PATIENCE_MS)
        await self.page.keyboard.type(key)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url("**/console")

    async def focused(self) -> str:
        """Return the id of what has the focus, else its text."""
        script = "(one => one.id || one.textContent.trim())(document.activeElement)"
        return str(await self.page.evaluate(script))

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        script = "(one => one.scrollWidth - one.clientWidth)(document.documentElement)"
        return int(await self.page.evaluate(script))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.hosts.add("/".join(request.url.split("/", 3)[:3]))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Give the machine's Chromium; a machine that has none skips, which CI counts as a failure."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no Chromium; `make browser` installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    url: str,
    *,
    scheme: Literal["light", "dark"] = "light",
    is_phone: bool = False,
    runs_scripts: bool = True,
) -> AsyncIterator[Window]:
    """Give a window that nobody has used; gone afterwards."""
    context = await browser.new_context(
        color_scheme=scheme,
        viewport=_PHONE if is_phone else _WIDE,  # type: ignore[arg-type]  # a literal of these names
        java_script_enabled=runs_scripts,
    )
    try:
        yield Window(await context.new_page(), url)
    finally:
        await context.close()
