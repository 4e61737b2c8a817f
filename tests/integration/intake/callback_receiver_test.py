"""The receiver of the documentation takes packages at a callback, and nothing that was not sent by intake."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyrage
import pytest
from integration.intake.called import Called, a_called, calling_intake
from integration.intake.handing_over_test import ZIP
from integration.intake.partial_packages_test import Late

from dsr_core.registry import Registry
from dsr_intake.application.webhook_calls import signature
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.callback import certificates, secret_in
from support.intake import Intake, VerifierDouble
from support.post import MailServer
from support.readme import ROOT, example
from support.services import free_port
from support.waiting import eventually

DOCUMENT = ROOT / "docs" / "access-packages.md"


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("callback")
    async with calling_intake(kafka, database, verifier, post, folder) as intake:
        yield intake, folder


@pytest.fixture
async def called(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry, post: MailServer
) -> AsyncIterator[Called]:
    async with a_called(running, verifier, registry, post) as one:
        yield one


class Documented:
    """The receiver of the documentation, as a process; it has what an attacker would send it."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self.port, self.packages, self._folder = free_port(), folder / "received", folder
        self.secret = secret
        self.url = f"https://127.0.0.1:{self.port}/"
        self._trusted = ssl.create_default_context(cafile=certificates(folder)[1])

    async def start(self) -> asyncio.subprocess.Process:
        self.packages.mkdir(exist_ok=True)
        script = self._folder / "receiver.py"
        script.write_text(example("callback", DOCUMENT))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            env={
                "WEBHOOK_SECRET": "whsec_" + base64.b64encode(self.secret).decode(),
                "PACKAGES": str(self.packages),
                "PORT": str(self.port),
                "CERTIFICATE": str(certificates(self._folder)[0]),
            },
            stderr=asyncio.subprocess.DEVNULL,
        )

        async def listens() -> bool:
            try:
                return await self.sent("pkg", b"", signed="v1,none") == 401
            except httpx.TransportError:
                return False

        await eventually(listens, within=30)
        return process

    async def sent(
        self, message_id: str, body: bytes, *, signed: str | None = None, age_s: int = 0
    ) -> int:
        """Send a message as whoever has the secret would, or not; return what it is answered with."""
        at = datetime.now(UTC) - timedelta(seconds=age_s)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed or signature(self.secret, message_id, at, body),
        }
        async with httpx.AsyncClient(verify=self._trusted) as http:
            return (await http.post(self.url, content=body, headers=headers)).status_code


@pytest.fixture
async def documented(called: Called) -> AsyncIterator[Documented]:
    one = Documented(called.folder, b"")
    answer = await called.intake.http.put(
        "/v1/webhook", headers=called.header, json={"url": one.url}
    )
    one.secret = secret_in(answer.json())
    process = await one.start()
    yield one
    process.kill()
    await process.wait()


async def test_the_receiver_of_the_documentation_has_the_package_that_the_link_gives(
    called: Called, documented: Documented, publisher: Publisher
) -> None:
    await called.package_is_made(publisher)
    await called.way("handed_over")

    async def is_there() -> list[Path]:
        return list(documented.packages.glob(f"*{called.id}*.zip.age"))

    [file] = await eventually(is_there, within=60)
    link = await called.link()
    browser = await Late.opened(called, link)
    opened = pyrage.decrypt(file.read_bytes(), [called.identity])
    assert opened == (await browser.get(link + ZIP)).content
    assert list(documented.packages.glob("*.part")) == []


async def test_a_forged_a_moved_and_an_old_part_are_refused_and_one_replayed_changes_nothing(
    documented: Documented,
) -> None:
    file = "pkg_00000000-0000-0000-0000-000000000000_1_0123456789abcdef"
    part, body = f"{file}_4-7_8", b"part"
    kept = documented.packages / f"{file}.part"
    stolen = signature(documented.secret, part, datetime.now(UTC), body)
    assert await documented.sent(part, body, signed="v1,AAAA") == 401
    assert await documented.sent(part, b"evil", signed=stolen) == 401
    assert await documented.sent(f"{file}_0-3_8", body, signed=stolen) == 401
    assert await documented.sent(part, body, age_s=3600) == 401
    assert not kept.exists()
    for _ in range(2):
        assert await documented.sent(part, body) == 204
    assert kept.read_bytes() == bytes(4) + body
    wrong = {"type": "package.handed_over", "data": {"file": file, "sha256": "0" * 64}}
    assert await documented.sent("msg_1", json.dumps(wrong).encode()) == 409
    assert kept.exists()
