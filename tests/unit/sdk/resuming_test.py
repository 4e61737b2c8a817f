"""An export that broke goes on where it broke, and no nonce is ever used for two contents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from unit.sdk.running import KEYS, World, a_subscriber

from dsr_core.exports import PART_BYTES
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    AccessRequest,
    ConfigurationError,
    ExportStore,
    File,
    Row,
    SqliteOutcomeStore,
    StoreAway,
)
from dsr_sdk.access.journal import PartName
from dsr_sdk.access.object_store import open_store
from dsr_sdk.testing import MemoryStore, SubscriberHarness, a_notice, read_export
from dsr_wire.exports import Stream
from dsr_wire.sealing_keys import PrivateSealingKey
from support.builders import a_request_id
from support.waiting import eventually

PERSON = {"email": "marked.person@example.com"}
PARTS = [bytes([number]) * PART_BYTES for number in range(4)]


class Source:
    """A handler whose content can be another the next time."""

    def __init__(self) -> None:
        self.parts = list(PARTS)
        self.repeats: list[bool] = []

    async def __call__(self, request: AccessRequest) -> AsyncIterator[Any]:
        self.repeats.append(request.may_be_repeat)
        for number, part in enumerate(self.parts):
            yield File(f"part-{number}.bin", part)
        yield Row("orders", {"id": len(self.repeats)} if len(self.parts) == 1 else {"id": 0})


def a_harness(source: Source) -> SubscriberHarness:
    subscriber = a_subscriber()
    subscriber.access(source)
    return SubscriberHarness(subscriber)


async def test_a_part_that_was_stored_is_not_uploaded_again() -> None:
    source = Source()
    harness = a_harness(source)
    harness.store.away_after = 2
    (failed,) = await harness.deliver(identity=PERSON)
    assert (failed.disposition, failed.reason) == (
        Disposition.FAILED, "the object store is away",
    )  # fmt: skip
    assert failed.retry_at is not None
    harness.store.is_away = False
    (answer,) = await harness.advance(timedelta(seconds=31))
    assert answer.disposition is Disposition.DELIVERED
    assert [len(part) for part in harness.handed_over(answer).files.values()][:4] == [
        PART_BYTES
    ] * 4
    names = [path.rpartition("/")[2] for path in harness.store.puts]
    assert len(names) == len(set(names)) == 6
    assert len({path.split("/")[3] for path in harness.store.puts}) == 1


async def test_a_part_that_has_changed_makes_another_export_under_another_key() -> None:
    source = Source()
    harness = a_harness(source)
    harness.store.away_after = 3
    await harness.deliver(identity=PERSON)
    former = dict(harness.store.objects)
    source.parts[1] = b"x" * PART_BYTES
    harness.store.is_away = False
    (answer,) = await harness.advance(timedelta(seconds=31))
    handed = harness.handed_over(answer)
    assert handed.files["part-1.bin"] == source.parts[1]
    assert handed.files["part-0.bin"] == PARTS[0]
    exports = {path.split("/")[3] for path in harness.store.puts}
    assert len(exports) == 2
    assert former.items() <= harness.store.objects.items(), (
        "nothing under the former key is another"
    )


async def test_a_part_that_may_have_left_and_has_changed_makes_another_export() -> None:
    """The first upload is lost on its way: noted, and nobody knows whether it was stored."""
    source = Source()
    harness = a_harness(source)
    harness.store.is_away = True
    await harness.deliver(identity=PERSON)
    [begun] = harness.outcomes.exports.values()
    source.parts[0] = b"x" * PART_BYTES
    harness.store.is_away = False
    (answer,) = await harness.advance(timedelta(seconds=31))
    assert answer.delivery is not None
    assert answer.delivery.export_id != begun.export_id
    assert not any(begun.export_id in path for path in harness.store.puts)


async def test_what_is_brought_in_one_go_is_not_noted_and_is_another_export_the_next_time() -> None:
    source = Source()
    source.parts = [b"short"]  # its row is another each time
    harness = a_harness(source)
    harness.store.away_after = 1
    await harness.deliver(identity=PERSON)
    [left] = harness.store.puts
    assert not harness.outcomes.exports
    harness.store.is_away = False
    (answer,) = await harness.advance(timedelta(seconds=31))
    assert harness.handed_over(answer).files["part-0.bin"] == b"short"
    assert answer.delivery is not None
    assert answer.delivery.export_id != left.split("/")[3]


async def test_the_end_of_a_longer_export_is_noted_like_its_other_parts() -> None:
    harness = a_harness(Source())
    harness.store.away_after = len(PARTS)
    await harness.deliver(identity=PERSON)
    [begun] = harness.outcomes.exports.values()
    assert {PartName(Stream.DATA, len(PARTS)), PartName(Stream.INDEX, 0)} <= set(begun.parts)


async def test_a_key_is_forgotten_once_the_answer_is_stored() -> None:
    source = Source()
    harness = a_harness(source)
    harness.store.is_away = True
    await harness.deliver(identity=PERSON)
    assert harness.outcomes.exports
    harness.store.is_away = False
    await harness.advance(timedelta(seconds=31))
    assert not harness.outcomes.exports


async def test_a_redelivered_notice_uploads_nothing() -> None:
    harness = a_harness(Source())
    (answer,) = await harness.deliver(identity=PERSON)
    before = list(harness.store.puts)
    assert await harness.redeliver() == (answer,)
    assert harness.store.puts == before


class Restarting(ExportStore):
    """A store that never answers for one part, as the network does where a process is killed."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.stuck: list[str] = []

    async def put(self, path: str, content: bytes | memoryview) -> None:
        if path.endswith("data-000002") and not self.stuck:
            self.stuck.append(path)
            raise StoreAway("stuck")
        await self.store.put(path, content)


async def test_a_store_that_is_back_in_time_is_waited_for(tmp_path: Path) -> None:
    world, store, package = World(), MemoryStore(), PrivateSealingKey.generate()
    restarting = Restarting(store)
    subscriber = a_subscriber(SqliteOutcomeStore(tmp_path / "outcomes.sqlite"), store=restarting)
    subscriber.access(Source())
    request_id = a_request_id()
    async with world.serving(subscriber):
        notice = a_notice(
            {request_id: PERSON},
            to=(KEYS.public,),
            right=Right.ACCESS,
            package_key=package.public.raw,
        )
        world.send(notice)
        await eventually(lambda: any(one.delivery for one in world.answers), within=20)
    assert restarting.stuck
    [answer] = [one for one in world.answers if one.delivery]
    assert set(read_export(store.objects, answer, package).files) == {
        *(f"part-{number}.bin" for number in range(4)),
        "orders.jsonl",
    }


async def test_a_folder_takes_exports_and_shows_no_plaintext(tmp_path: Path) -> None:
    folder, package = tmp_path / "store", PrivateSealingKey.generate()
    world = World()
    subscriber = a_subscriber(
        SqliteOutcomeStore(tmp_path / "outcomes.sqlite"), store=folder.as_uri()
    )

    @subscriber.access
    async def access(_request: AccessRequest) -> AsyncIterator[Row | File]:
        yield Row("orders", {"of": "marked.person@example.com"})
        yield File("marked.person.txt", b"marked.person@example.com")

    async with world.serving(subscriber):
        world.send(
            a_notice(
                {a_request_id(): PERSON},
                to=(KEYS.public,),
                right=Right.ACCESS,
                package_key=package.public.raw,
            )
        )
        await eventually(lambda: bool(world.answers))
    (answer,) = world.answers
    files = [one for one in folder.rglob("*") if one.is_file()]
    objects = {one.relative_to(folder).as_posix(): one.read_bytes() for one in files}
    assert not any(b"marked" in content for content in objects.values())
    assert not any("marked" in path for path in objects)
    assert read_export(objects, answer, package).rows("orders") == [
        {"of": "marked.person@example.com"}
    ]


def test_an_address_of_no_store_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must begin with one of"):
        open_store("ftp://example.com/x")
