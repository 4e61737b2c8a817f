"""An API client that may have packages at its callback, and a request of it that asks for its package."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyrage
from integration.intake.packages_test import BASE, ORDERS
from integration.intake.partial_packages_test import Late

from dsr_core.registry import Registry
from dsr_intake.model.hand_overs import PART_BYTES
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.callback import Callback, callback, certificates, secret_in
from support.exports import Handed
from support.intake import Intake, VerifierDouble, running_intake
from support.post import MailServer
from support.waiting import eventually

__all__ = [
    "DONE",
    "ENDED",
    "FILM",
    "PARTS",
    "Called",
    "a_called",
    "callback_settings",
    "calling_intake",
]

FILM = Handed("film.mp4", os.urandom(2 * PART_BYTES + 100_000), "video/mp4")
PARTS = 3
"""Of a package that has it."""

DONE, ENDED = "package.handed_over", "package.hand_over_ended"


def callback_settings(folder: Path) -> dict[str, Any]:
    """The settings of an intake that calls here, by the authority of `certificates`."""
    (folder / "webhooks").write_text(base64.b64encode(bytes(32)).decode())
    return {
        "webhook_key_file": folder / "webhooks",
        "webhook_allowed_networks": ["127.0.0.0/8"],
        "webhook_ca_file": certificates(folder)[1],
        "package_lease_s": 3,
    }


@asynccontextmanager
async def calling_intake(
    kafka: KafkaConnection, dsn: str, verifier: VerifierDouble, post: MailServer, folder: Path
) -> AsyncIterator[Intake]:
    """Run an intake that calls callbacks, and sends letters."""
    settings = callback_settings(folder)
    async with running_intake(
        kafka, dsn, verifier.url, folder, smtp_url=post.url, **settings
    ) as intake:
        yield intake


class Called(Late):
    """A client that may have packages, and a request of it that asks for its package."""

    callback: Callback
    header: dict[str, str]
    identity: pyrage.x25519.Identity

    @property
    def client_id(self) -> str:
        return self.header["authorization"].split("_")[1]

    async def allow(self, identity: pyrage.x25519.Identity | None = None) -> None:
        self.identity = identity or pyrage.x25519.Identity.generate()
        answer = await self.intake.http.put(
            f"/internal/v1/clients/{self.client_id}/package-recipient",
            headers=self.intake.officer,
            json={"recipient": str(self.identity.to_public()), "reason": "the contract says so"},
        )
        assert answer.status_code == 200, answer.text

    async def set_webhook(self) -> None:
        answer = await self.intake.http.put(
            "/v1/webhook", headers=self.header, json={"url": self.callback.url}
        )
        assert answer.status_code == 200, answer.text
        self.callback.secret = secret_in(answer.json())

    async def shown(self) -> dict[str, Any]:
        answer = await self.intake.http.get(f"{BASE}/{self.id}/package", headers=self.header)
        found: dict[str, Any] = answer.json()
        return found

    async def way(self, state: str, number: int = 1) -> dict[str, Any]:
        """Return how a hand-over stands, once it is in a state."""

        async def is_so() -> dict[str, Any] | None:
            ways = (await self.shown()).get("hand_overs", [])
            return next(
                (one for one in ways if one["number"] == number and one["state"] == state), None
            )

        found: dict[str, Any] = await eventually(is_so, within=60, what=f"a hand-over {state}")
        return found

    async def told(self, kind: str, count: int = 1) -> dict[str, Any]:
        async def is_told() -> list[dict[str, Any]] | None:
            said = self.callback.said(self.id, kind)
            return said if len(said) >= count else None

        said: list[dict[str, Any]] = await eventually(is_told, within=60, what=f"{kind} is told")
        return said[-1]

    def opened(self) -> bytes:  # type: ignore[override]  # the file, where others open a link
        [content] = self.callback.files(self.id).values()
        decrypted: bytes = pyrage.decrypt(content, [self.identity])
        return decrypted

    async def package_is_made(self, publisher: Publisher, *handed: Handed) -> None:
        first, *_ = self.systems
        self.answered({first: await self.hand_over(first, *(handed or (ORDERS, FILM)))})
        await self.close(publisher)
        await self.until("ready")


@asynccontextmanager
async def a_called(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry, post: MailServer
) -> AsyncIterator[Called]:
    """Give one whose request is open; what is called meanwhile is called as its client."""
    intake, folder = running
    one = Called(intake, folder, verifier)
    async with callback(certificates(folder)[0]) as hook:
        one.post, one.callback, one.header = post, hook, await intake.client()
        await one.allow()
        await one.set_webhook()
        intake.http.headers["authorization"] = one.header["authorization"]
        await one.submit(registry, letters=True, hand_over="callback")
        try:
            yield one
        finally:
            intake.http.headers["authorization"] = intake.api_key
            for browser in one.browsers:
                await browser.aclose()
