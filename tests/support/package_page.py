"""The page of an example's package, as a person finds it on their disk; and the pictures of it in the docs.

`PYTHONPATH=tests python -m support.package_page docs` takes the pictures again.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from dsr_core.exports import ProtectedField, Protection
from dsr_core.registry import AccessTerms
from support.browser import chromium, opened
from support.builders import a_registry, a_system
from support.exports import Handed, lines
from support.packages import World

__all__ = ["unpacked"]

ARTICLES = ("Green tea", "Kettle", "Cup", "Filter paper")
ORDERS = lines(
    "orders",
    [
        {
            "id": 4100 + number,
            "ordered_on": f"2026-{1 + number % 12:02d}-{10 + number % 18}",
            "article": ARTICLES[number % len(ARTICLES)],
            "cents": 350 + 17 * number,
            "city": "Berlin",
            "friend": "A. Neighbour",
        }
        for number in range(48)
    ],
)
ADDRESSES = lines("addresses", [{"street": "Unter den Linden 1", "city": "Berlin", "of": "2024"}])
TERMS = AccessTerms(
    purpose="To deliver what you order",
    source="You, when you order",
    recipients=("The parcel service",),
    retention="10 years, as tax law asks",
    protected=(ProtectedField("*.friend", Protection.THIRD_PARTY),),
)
REGISTRY = a_registry(
    a_system("crm", name="Online shop", categories=("user.contact", "user.payment"), access=TERMS),
    a_system("mailer", "example-mail", name="Newsletter"),
    a_system("billing", name="Accounting"),
    a_system("backup", name="Support desk"),
)


def unpacked(folder: Path, *active: Handed, newsletter: Handed | None = None) -> Path:
    """Assemble a package of one system that holds something, or of two, and others that do not.

    Returns:
        Its page, unpacked.
    """
    world = World(folder, registry=REGISTRY)
    shop = world.hand_over(
        ORDERS,
        ADDRESSES,
        Handed("photos/portrait.jpg", bytes(240_000), "image/jpeg"),
        Handed("contract.pdf", bytes(81_000), "application/pdf"),
        *active,
    )
    handed = {"crm": shop}
    if newsletter is not None:
        handed["mailer"] = world.hand_over(newsletter, system_id="mailer")
    files = world.package(handed, is_partial=True)
    root = folder / "unpacked"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root / "index.html"


async def _take(page: Path, folder: Path) -> None:
    shots = {"package-page.png": 1000, "package-page-phone.png": 390}
    async with chromium() as browser, opened(browser, page.as_uri()) as window:
        for name, width in shots.items():
            await window.page.set_viewport_size({"width": width, "height": 1240})
            await window.page.goto(window.url)
            await window.page.screenshot(path=folder / name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(_take(unpacked(Path(made)), Path(sys.argv[1])))
