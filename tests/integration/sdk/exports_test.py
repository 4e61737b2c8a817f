"""Exports on a real S3 server: whole or not at all, whatever breaks on the way, and never in the clear."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.exports import PART_BYTES
from dsr_core.rights import Right
from dsr_sdk import SystemKeyPair
from dsr_sdk.testing import HandedOver, a_notice, a_notice_record, acknowledgements_in, read_export
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.sealing_keys import PrivateSealingKey
from support.exporting_system import PIECE
from support.object_store import BreakingWay, S3Server, built_versitygw
from support.parts import ROOT
from support.waiting import eventually

pytestmark = pytest.mark.timeout(600)  # the first of them may build the server

MARK = "marked-person"
MEMORY_LIMIT = 250 * 1024 * 1024


@dataclass
class System:
    """A system in a folder: what it is asked, what it holds, and what it has answered."""

    folder: Path
    s3: S3Server
    requests: int = 1
    keys: SystemKeyPair = field(default_factory=lambda: SystemKeyPair.generate("billing"))
    package: PrivateSealingKey = field(default_factory=PrivateSealingKey.generate)
    process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        asked = {
            new_request_id(): {"email": f"{MARK}-{number}@example.com"}
            for number in range(self.requests)
        }
        notice = a_notice(
            asked,
            to=(self.keys.public,),
            right=Right.ACCESS,
            package_key=self.package.public.raw,
        )
        (self.folder / "keys.json").write_text(self.keys.to_json())
        (self.folder / "records").write_bytes(pickle.dumps([a_notice_record(notice)]))
        self.holds()

    def holds(self, *, rows: int = 10, text: str = "tea", tiny: int = 0, pieces: int = 40) -> None:
        """Say what the system holds on each person."""
        content = {
            "rows": rows, "text": text, "tiny": tiny, "pieces": pieces, "requests": self.requests,
        }  # fmt: skip
        (self.folder / "content.json").write_text(json.dumps(content))

    async def start(self, port: int | None = None) -> None:
        """Start its process; by another way to the store where a port is given."""
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "support.exporting_system", str(self.folder)),
                cwd=ROOT / "tests",
                env=os.environ | self.s3.environment(port),
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """Kill it, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def ends(self) -> list[Acknowledgement]:
        """Wait until it has delivered everything, and return what it said of that."""
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), 170)
        assert code == 0, self.log
        records = pickle.loads((self.folder / "answers").read_bytes())  # noqa: S301 - our own
        return [one for one in acknowledgements_in(records, self.keys.public) if one.delivery]

    def opened(self, answer: Acknowledgement) -> HandedOver:
        """Open what it has handed over, every digest checked."""
        return read_export(self.s3.objects(), answer, self.package)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def exports(self) -> set[str]:
        """The ids of the exports that have something in the store."""
        return {path.split("/")[3] for path in self.s3.paths()}


@pytest.fixture(scope="session")
def versitygw() -> Path:
    return built_versitygw()


@pytest.fixture
async def s3(versitygw: Path, tmp_path: Path) -> AsyncIterator[S3Server]:
    one = await S3Server(versitygw, tmp_path).start()
    yield one
    await one.stop()


@pytest.fixture
async def system(s3: S3Server, tmp_path: Path) -> AsyncIterator[System]:
    (tmp_path / "system").mkdir()
    one = System(tmp_path / "system", s3)
    yield one
    await one.kill()


def assert_is_whole(system: System, answer: Acknowledgement, *, pieces: int = 40) -> None:
    handed = system.opened(answer)
    assert handed.files["large.bin"] == b"".join(bytes([n % 251]) * PIECE for n in range(pieces))
    assert len(handed.rows("orders")) == 10


async def test_an_export_arrives_whole_and_nothing_of_it_in_the_clear(system: System) -> None:
    await system.start()
    [answer] = await system.ends()
    assert_is_whole(system, answer)
    assert max(map(len, system.s3.objects().values())) == PART_BYTES + 16
    plain = [MARK.encode(), b"orders", b"large.bin"]
    assert not any(text in content for content in system.s3.objects().values() for text in plain)
    left = [one for one in system.folder.iterdir() if one.name not in {"keys.json", "records"}]
    assert not any(MARK.encode() in one.read_bytes() for one in left), "logs, outcomes, answers"


@pytest.mark.parametrize("byte", [200, PART_BYTES // 2, PART_BYTES + 700, 3 * PART_BYTES])
async def test_an_upload_that_breaks_at_a_byte_goes_on(system: System, byte: int) -> None:
    async with BreakingWay(system.s3.port) as way:
        way.breaks_after = byte
        await system.start(way.port)
        [answer] = await system.ends()
        assert way.broke == 1
    assert_is_whole(system, answer)
    assert len(system.exports()) == 1


async def test_a_store_that_is_away_for_a_while_loses_nothing(system: System) -> None:
    async with BreakingWay(system.s3.port) as way:
        way.is_stuck_after = 2 * PART_BYTES
        await system.start(way.port)
        await eventually(lambda: way.carried >= 2 * PART_BYTES, within=60)
        await system.s3.stop()
        way.is_stuck_after = None
        await way.cut()
        await eventually(lambda: "trying again" in system.log, within=60)
        await system.s3.start()
        [answer] = await system.ends()
    assert_is_whole(system, answer)
    assert len(system.exports()) == 1


async def test_a_process_that_is_killed_goes_on_with_the_same_export(system: System) -> None:
    async with BreakingWay(system.s3.port) as way:
        way.is_stuck_after = 3 * PART_BYTES
        await system.start(way.port)
        await eventually(lambda: len(system.s3.paths()) >= 2 and way.is_stuck, within=60)
        await system.kill()
    before = system.s3.written_at()
    await system.start()
    [answer] = await system.ends()
    assert_is_whole(system, answer)
    assert answer.delivery is not None
    assert system.exports() == {answer.delivery.export_id}
    after = system.s3.written_at()
    again = [path for path, at in before.items() if after[path] != at]
    assert len(again) <= 1, "the part whose arrival was not noted before the kill, and no other"


async def test_a_killed_process_whose_content_has_changed_makes_another_export(
    system: System,
) -> None:
    async with BreakingWay(system.s3.port) as way:
        way.is_stuck_after = 3 * PART_BYTES
        await system.start(way.port)
        await eventually(lambda: len(system.s3.paths()) >= 2 and way.is_stuck, within=60)
        await system.kill()
    before = system.s3.objects()
    system.holds(text="coffee")
    await system.start()
    [answer] = await system.ends()
    assert_is_whole(system, answer)
    assert answer.delivery is not None
    assert len(system.exports()) == 2
    after = system.s3.objects()
    assert all(after[path] == content for path, content in before.items()), "no nonce twice"
    assert not any(answer.delivery.export_id in path for path in before)


async def test_a_hundred_thousand_tiny_files_are_a_few_objects(system: System) -> None:
    system.holds(tiny=99_998, pieces=1)
    await system.start()
    [answer] = await system.ends()
    assert answer.delivery is not None
    assert answer.delivery.files == 100_000
    assert len(system.opened(answer).files) == 100_000
    assert len(system.s3.paths()) < 8


async def test_memory_does_not_grow_with_what_is_handed_over(s3: S3Server, tmp_path: Path) -> None:
    (tmp_path / "system").mkdir()
    system = System(tmp_path / "system", s3, requests=3)
    system.holds(rows=10_000, text="x" * 200, pieces=100)
    await system.start()
    try:
        answers = await system.ends()
    finally:
        await system.kill()
    assert sum(one.delivery.size for one in answers if one.delivery) > MEMORY_LIMIT
    assert int((system.folder / "memory").read_text()) < MEMORY_LIMIT
