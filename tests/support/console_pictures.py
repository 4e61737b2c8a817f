"""The pictures of the console in the docs: a group with two systems away, and requests of some weeks.

`PYTHONPATH=tests python -m support.console_pictures docs` takes them again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import expect

from dsr_cli.connection import OPERATORS
from dsr_cli.demo.people import submission
from dsr_cli.group.principals import key_of
from support.browser import chromium, opened
from support.loop import Loop, running_loop
from support.parts import data_folder
from support.waiting import eventually

AWAY = ("newsletter", "support-desk")
UNPROVEN = {"identity_attested": False, "channel": "email"}

ASKED: tuple[tuple[int, str, Mapping[str, Any]], ...] = (
    (31, "BR", {}),
    (27, "BR", {}),
    (14, "BR", {}),
    (27, "DE", {}),
    (27, "DE", UNPROVEN),
    (24, "FR", {"right": "access"}),
    (20, "GB", {"right": "portability"}),
    (18, "DE", UNPROVEN),
    (12, "US-CA", {}),
    (9, "IN", {}),
    (5, "US-CA", {"right": "access"}),
    (2, "DE", {}),
    (0, "GB", {}),
)
"""How many days ago, where, and what sets the request apart."""


async def _asked(loop: Loop) -> list[str]:
    now, ids = datetime.now(UTC), list[str]()
    async with loop.client() as client:
        for days, jurisdiction, changes in ASKED:
            body = submission(loop.person()) | {"jurisdiction": jurisdiction, **changes}
            if days:
                body["received_at"] = (now - timedelta(days=days)).isoformat()
            ids.append(str((await client.submit(body))["id"]))
    return ids


async def _take(loop: Loop, folder: Path) -> None:
    first, *_ = await _asked(loop)

    async def wait_for_those() -> bool:
        return await loop.missing(first) == set(AWAY)

    await eventually(wait_for_those, within=120, what="only those who are away are missing")
    url = loop.stack.settings.intake_url
    pictures: tuple[tuple[str, str, Literal["light", "dark"], tuple[str, ...]], ...] = (
        (
            "console-overview.png",
            "/console",
            "dark",
            ("nothing was refused", "Obligations missing"),
        ),
        ("console-matrix.png", "/console/matrix?order=newest", "light", ()),
        ("console-request.png", f"/console/requests/{first}", "light", ()),
    )
    async with chromium() as browser:
        for name, path, scheme, shows in pictures:
            async with opened(browser, url, scheme=scheme) as window:
                await window.sign_in(key_of(loop.stack, OPERATORS[0]))
                await window.go(path)
                for text in shows:
                    # What is counted is shown within a look or two of the page at it.
                    await expect(window.page.locator("main")).to_contain_text(text, timeout=60_000)
                await window.page.screenshot(path=folder / name)


def main() -> None:
    """Run the group, and take all of them."""
    with data_folder() as made, running_loop(made) as loop:
        for one in AWAY:
            loop.stack.stop(loop.system(one))
        asyncio.run(_take(loop, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
