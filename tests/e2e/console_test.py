"""The console in a real browser, over the real loop: by keyboard, in both colours, on a phone, live."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from dsr_cli.connection import OFFICER, OPERATORS
from dsr_cli.group.principals import key_of, officer
from support.browser import Window, chromium, opened
from support.loop import Loop

pytestmark = pytest.mark.timeout(240)
"""The first of them starts the loop and a browser."""

PAGES = ("", "/requests", "/matrix?order=newest", "/organisations", "/dead-letters")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture
async def window(loop: Loop, browser: Browser) -> AsyncIterator[Window]:
    """A window in which an operator who sees everything is signed in; nothing must go wrong on it."""
    async with opened(browser, loop.stack.settings.intake_url) as one:
        await one.sign_in(key_of(loop.stack, OPERATORS[0]))
        yield one
        assert one.faults == []
        assert one.hosts == {one.url}


async def pressed(window: Window, *keys: str) -> None:
    for key in keys:
        await window.page.keyboard.press(key)


async def test_it_is_walked_by_keyboard_alone(loop: Loop, window: Window) -> None:
    await loop.answered(await loop.submit())
    page = window.page
    await pressed(window, "Tab")
    assert await window.focused() == "Skip to the content"
    await pressed(window, "Enter")
    assert await window.focused() == "main"
    await pressed(window, "?")
    await expect(page.locator("#keys")).to_be_visible()
    await pressed(window, "Escape")
    await expect(page.locator("#keys")).to_be_hidden()
    for key, title in (("2", "Requests"), ("4", "Organisations"), ("5", "Dead letters")):
        await pressed(window, key)
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await pressed(window, "/")
    await page.wait_for_url("**/requests#search")
    assert await window.focused() == "search"
    await page.keyboard.type("3")
    await expect(page.locator("#search")).to_have_value("3"), "a letter in a field is no key"


async def test_the_matrix_is_gone_through_by_arrows_from_one_stop_of_the_tab_key(
    loop: Loop, window: Window
) -> None:
    first, second = await loop.submit(), await loop.submit()
    await loop.answered(first, second)
    await window.go("/console/matrix?order=newest")
    page = window.page
    rows = page.locator(".matrix tbody tr")
    await expect(rows.nth(0)).to_have_attribute("data-request", second)
    await expect(page.locator('.matrix td[tabindex="0"]')).to_have_count(1)
    await page.locator('.matrix td[tabindex="0"]').focus()
    at = await window.focused()
    assert at.startswith(f"c-{second}-")
    await pressed(window, "ArrowRight")
    right = await window.focused()
    assert right.startswith(f"c-{second}-")
    assert right != at
    told = page.locator("#told")
    await expect(told).to_contain_text("confirmed")
    await pressed(window, "ArrowDown")
    assert (await window.focused()).startswith(f"c-{first}-")
    await pressed(window, "Home", "ArrowUp")
    assert await window.focused() == at
    await expect(page.locator('.matrix td[tabindex="0"]')).to_have_count(1)
    await pressed(window, "Enter")
    await page.wait_for_url(f"**/requests/{second}")


async def test_a_request_that_closes_is_seen_to_without_a_reload(
    loop: Loop, window: Window
) -> None:
    system = loop.system("newsletter")
    loop.stack.stop(system)
    try:
        request_id = await loop.submit()
        await window.go(f"/console/requests/{request_id}")
        page = window.page
        await expect(page.locator("#live")).to_have_class("live on")
        await expect(page.locator("#blockers")).to_contain_text("newsletter")
        await page.evaluate("window.isTheSamePage = true")
        await page.locator("#obligations a").first.focus()
    finally:
        loop.stack.start(system)
    await expect(page.locator("#head .state")).to_have_text("answered", timeout=60_000)
    await expect(page.locator("#blockers")).to_contain_text("Nothing")
    assert await page.evaluate("window.isTheSamePage") is True
    await page.get_by_role("link", name="Certificate").wait_for()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Certificate").click()
    downloaded = await (await downloading.value).path()
    assert downloaded.read_bytes().startswith(b'{"')


async def test_a_live_update_moves_nothing_and_keeps_the_focus(loop: Loop, window: Window) -> None:
    await loop.answered(await loop.submit())
    await window.go("/console/matrix?order=newest")
    page = window.page
    await expect(page.locator("#live")).to_have_class("live on")
    cell = page.locator(".matrix tbody td").nth(3)
    await cell.focus()
    focused = await window.focused()
    before = await page.locator(".matrix thead").bounding_box()
    request_id = await loop.submit()
    await expect(page.locator(f'tr[data-request="{request_id}"]')).to_have_count(1)
    assert await window.focused() == focused
    assert await page.locator(".matrix thead").bounding_box() == before


async def test_every_page_stands_in_the_dark_and_on_a_phone(loop: Loop, browser: Browser) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    url, grounds = loop.stack.settings.intake_url, set()
    for scheme, is_phone in (("light", False), ("dark", True)):
        async with opened(browser, url, scheme=scheme, is_phone=is_phone) as one:  # type: ignore[arg-type]  # one of both
            await one.sign_in(key_of(loop.stack, OFFICER))
            for path in (*PAGES, f"/requests/{request_id}", "/organisations/cloud-uk"):
                await one.go(f"/console{path}")
                assert await one.overflow() <= 0, (path, scheme)
            grounds.add(await one.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert (one.faults, one.hosts) == ([], {url})
    assert len(grounds) == 2


async def test_without_scripts_every_page_says_the_same(loop: Loop, browser: Browser) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    async with opened(browser, loop.stack.settings.intake_url, runs_scripts=False) as one:
        await one.sign_in(key_of(loop.stack, OFFICER))
        for path in PAGES:
            await one.go(f"/console{path}")
        await one.go("/console/requests?order=newest")
        await one.page.locator(f"#r-{request_id}").click()
        await expect(one.page.locator("#head .state")).to_have_text("answered")
        await one.page.get_by_role("button", name="Sign out").click()
        await one.page.wait_for_url("**/sign-in")


async def test_what_one_may_not_see_is_not_there(loop: Loop, browser: Browser) -> None:
    request_id = await loop.submit()
    asked = {"name": "elsewhere", "role": "operator", "jurisdictions": ["NZ"], "reason": "a test"}
    key = str(officer(loop.stack).create_client(asked)["api_key"])
    async with opened(browser, loop.stack.settings.intake_url) as one:
        await one.sign_in(key)
        await expect(one.page.locator("#soon")).to_contain_text("Nothing is open in your")
        await one.go("/console/matrix?order=newest")
        assert request_id not in await one.page.content()
        answer = await one.page.goto(f"{one.url}/console/requests/{request_id}")
        assert answer is not None
        assert answer.status == 404


async def test_what_the_tests_of_pages_rely_on_would_be_seen(loop: Loop, browser: Browser) -> None:
    async with opened(browser, loop.stack.settings.intake_url) as one:
        await one.go("/console/sign-in")
        script = "document.body.insertAdjacentHTML('beforeend', '<p style=color:red>x</p>')"
        await one.page.evaluate(script)
        await one.page.evaluate("fetch('https://example.com/').catch(() => null)")
        assert any("Content Security Policy" in each for each in one.faults), one.faults
