"""The page of a package in a real browser, from disk: what is held is seen, and nothing leaves the machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from support.browser import Window, chromium, opened
from support.exports import Handed
from support.package_page import unpacked

pytestmark = pytest.mark.timeout(120)

READABLE = 4.5
"""The contrast that WCAG 2.2 asks for between text and what is behind it (1.4.3, level AA)."""

CONTRASTS = """() => {
  const read = one => one.match(/[\\d.]+/g).map(Number);
  const light = one => read(one).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = one => {
    const paint = getComputedStyle(one).backgroundColor;
    return read(paint)[3] !== 0 ? paint : behind(one.parentElement);
  };
  return [...document.body.querySelectorAll("*")]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(one => {
      const [dark, bright] = [light(getComputedStyle(one).color), light(behind(one))]
        .sort((first, second) => first - second);
      return [one.textContent.trim(), (bright + 0.05) / (dark + 0.05)];
    });
}"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("package"))


@pytest.fixture(params=["light", "dark"])
async def window(
    request: pytest.FixtureRequest, browser: Browser, index: Path
) -> AsyncIterator[Window]:
    """A window in which the page is open, in either colour; nothing must go wrong on it."""
    scheme: Literal["light", "dark"] = request.param
    asked: list[str] = []
    async with opened(browser, index.as_uri(), scheme=scheme) as one:
        one.page.on("request", lambda each: asked.append(each.url))
        await one.page.goto(one.url)
        yield one
        assert one.faults == []
        assert asked == [one.url], "the page, and nothing else"


async def test_what_is_held_by_whom_and_what_is_still_to_come_is_visible(window: Window) -> None:
    shop = window.page.locator("#crm")
    for said in ("Online shop", "To deliver what you order", "orders.jsonl", "Green tea"):
        await expect(shop.get_by_text(said, exact=True).first).to_be_visible()
    await expect(shop.get_by_text("A. Neighbour")).to_have_count(0)
    await expect(window.page.get_by_text("Not answered yet: Support desk")).to_be_visible()
    await expect(window.page.locator("article")).to_have_count(4)


async def test_a_bar_is_as_long_as_its_system_s_share_of_the_largest(
    browser: Browser, tmp_path: Path
) -> None:
    index = unpacked(tmp_path, newsletter=Handed("opened.bin", bytes(100_000)))
    async with opened(browser, index.as_uri()) as window:
        await window.page.goto(window.url)
        rows = window.page.locator(".bars tr")
        await expect(rows).to_have_text([re.compile("Online shop"), re.compile("Newsletter")])
        script = "all => all.map(one => one.querySelector('rect').getBoundingClientRect().width)"
        largest, other = await rows.evaluate_all(script)
        whole = await rows.first.locator("svg").evaluate("one => one.clientWidth")
        held = sum(
            one.stat().st_size for one in (index.parent / "data/crm").rglob("*") if one.is_file()
        )
        assert largest == pytest.approx(whole, rel=0.01)
        assert other / largest == pytest.approx(100_000 / held, abs=0.011), (
            "a hundredth is its step"
        )


async def test_every_link_leads_to_a_file_beside_it_or_to_a_place_on_it(
    window: Window, index: Path
) -> None:
    script = "() => [...document.links].map(one => one.getAttribute('href'))"
    links = await window.page.evaluate(script)
    assert "data/crm/orders.jsonl" in links
    for link in links:
        if link.startswith("#"):
            await expect(window.page.locator(link)).to_have_count(1)
        else:
            assert (index.parent / link).is_file(), link


async def test_no_link_leads_to_what_may_run_something(browser: Browser, tmp_path: Path) -> None:
    script = b"<script>document.title = 'it runs'</script>"
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'>" + script + b"</svg>"
    sent = [
        Handed("hello.html", script, "text/plain"),
        Handed("drawing.svg", drawing, "image/png"),
        Handed("notes.log", script, "text/plain"),
        Handed("words.txt", script, "text/plain"),
    ]
    index = unpacked(tmp_path, *sent)
    async with opened(browser, index.as_uri()) as window:
        await window.page.goto((index.parent / "data/crm/hello.html").as_uri())
        assert await window.page.title() == "it runs", "else nothing is shown by this test"
        await window.page.goto(window.url)
        for name in ("hello.html", "drawing.svg"):
            named = window.page.get_by_text(f"data/crm/{name}", exact=False)
            await expect(named.first).to_be_visible()
            await expect(window.page.get_by_role("link", name=name)).to_have_count(0)
        for name in ("notes.log", "words.txt"):
            await window.page.goto(window.url)
            link = window.page.get_by_role("link", name=name)
            await link.evaluate("one => one.removeAttribute('download')")
            await link.click(no_wait_after=True)
            await window.page.wait_for_url(f"**/data/crm/{name}")
            assert await window.page.title() != "it runs"


async def test_on_a_narrow_phone_tables_move_sideways_and_the_page_does_not(
    window: Window,
) -> None:
    await window.page.set_viewport_size({"width": 360, "height": 740})
    assert await window.overflow() == 0
    script = "one => one.scrollWidth > one.clientWidth"
    table = window.page.locator(".wide:has(.rows)").first
    assert await table.evaluate(script), "the table of orders is wider than the phone"


async def test_every_text_is_readable_against_what_is_behind_it(window: Window) -> None:
    contrasts = await window.page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [one for one in contrasts if one[1] < READABLE] == []


async def test_it_is_light_or_dark_as_the_person_has_it(window: Window) -> None:
    paint = "getComputedStyle(document.body).backgroundColor"
    is_dark = await window.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    expected = "rgb(13, 17, 23)" if is_dark else "rgb(255, 255, 255)"
    assert await window.page.evaluate(paint) == expected
