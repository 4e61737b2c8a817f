"""Access, all the way round: what every system holds on one person is in their package, and nobody else is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.package import ask_for_package, fetch_package
from dsr_cli.group.bring_up import api_key
from dsr_examples.people import Person
from support.exports import unzipped
from support.loop import Loop
from support.operating import known_to

KNOWS = ("accounts", "billing", "support-desk", "newsletter", "payment-methods")


@pytest.fixture(scope="module")
def people(loop: Loop) -> tuple[Person, Person]:
    first, second = known_to(loop, 2, *KNOWS)
    return first, second


@pytest.fixture(scope="module")
def package(
    loop: Loop, people: tuple[Person, Person], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, bytes]:
    """What the first of two people got who asked at one time."""

    async def both() -> list[str]:
        return await asyncio.gather(*(ask_for_package(loop.stack, one) for one in people))

    request_id, _ = asyncio.run(both())
    path = tmp_path_factory.mktemp("package") / "package.zip"
    return unzipped(fetch_package(loop.stack.settings, request_id, path).read_bytes())


def systems(package: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in json.loads(package["manifest.json"])["systems"]}


def test_every_system_that_holds_something_has_handed_all_of_it_over(
    loop: Loop, people: tuple[Person, Person], package: Mapping[str, bytes]
) -> None:
    person = people[0]
    held = asyncio.run(holdings(loop.stack, [person]))
    handed = systems(package)
    assert set(KNOWS) <= handed.keys()
    for system_id, one in handed.items():
        records = sum(file["records"] or 0 for file in one["files"])
        assert records == held[system_id].theirs, system_id
        assert one["status"] == ("included" if records else "nothing_found"), system_id


def test_every_file_is_what_the_manifest_says_and_the_manifest_is_signed(
    loop: Loop, package: Mapping[str, bytes]
) -> None:
    listed = {
        file["path"]: file["sha256"] for one in systems(package).values() for file in one["files"]
    }
    assert listed == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in package.items()
        if name.startswith("data/")
    }
    signed = json.loads(package["manifest.sig"])
    published = httpx.get(
        f"{loop.stack.settings.intake_url}/v1/package-keys",
        headers={"Authorization": f"Bearer {api_key(loop.stack)}"},
    ).json()
    assert signed["public_key"] in {one["public_key"] for one in published["keys"]}
    digest = hashlib.sha256(package["manifest.json"]).digest()
    Ed25519PublicKey.from_public_bytes(base64.b64decode(signed["public_key"])).verify(
        base64.b64decode(signed["signature"]), signed["context"].encode() + digest
    )


def test_there_is_the_person_in_it_and_nobody_else(
    people: tuple[Person, Person], package: Mapping[str, bytes]
) -> None:
    everything = b"".join(package.values()).lower()
    mine, other = people
    assert mine.email.lower().encode() in everything
    for values in other.identifiers.values():
        for value in values:
            assert value.lower().encode() not in everything


def test_the_store_holds_nothing_that_can_be_read(
    loop: Loop, people: tuple[Person, Person], package: Mapping[str, bytes]
) -> None:
    assert package
    stored = [
        path for path in Path(loop.stack.settings.folder("store")).rglob("*") if path.is_file()
    ]
    assert stored
    for path in stored:
        content = path.read_bytes().lower()
        for person in people:
            assert person.email.lower().encode() not in content
            assert person.account_id.encode() not in content
