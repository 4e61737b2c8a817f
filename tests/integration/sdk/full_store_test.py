"""A bucket whose disk is full, on a real S3 server: what waits goes on when there is room, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.sdk.exports_test import System, assert_is_whole, versitygw

from dsr_core.errors import Unavailable
from dsr_intake.adapters.object_store import Objects
from dsr_intake.application.packages.assembling import package_path
from support.exports import Handed, opened_package, unzipped
from support.object_store import S3Server
from support.packages import REQUEST, World
from support.small_disk import fill, on_small_disk
from support.waiting import eventually

__all__ = ["versitygw"]

pytestmark = pytest.mark.timeout(600)  # the first of them may build the server

KILOBYTES = 200_000


@pytest.fixture
async def full(versitygw: Path, tmp_path: Path) -> AsyncIterator[S3Server]:
    one = S3Server(versitygw, tmp_path)
    one.before = on_small_disk(one.bucket, kilobytes=KILOBYTES)
    await one.start()
    fill(one.bucket)
    yield one
    await one.stop()


def make_room(s3: S3Server) -> None:
    (s3.bucket / "filling").unlink()


async def test_a_system_hands_over_once_there_is_room_and_with_the_same_export(
    full: S3Server, tmp_path: Path
) -> None:
    (tmp_path / "system").mkdir()
    system = System(tmp_path / "system", full)
    await system.start()
    try:
        await eventually(lambda: "trying again" in system.log, within=90)
        assert not system.s3.paths()
        make_room(full)
        [answer] = await system.ends()
    finally:
        await system.kill()
    assert_is_whole(system, answer)
    assert len(system.exports()) == 1


async def test_a_package_is_begun_again_once_there_is_room_and_nothing_is_left_of_the_first(
    full: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in full.environment().items():
        monkeypatch.setenv(name, value)
    film = Handed("film.mp4", bytes(range(256)) * 90_000, "video/mp4")
    make_room(full)
    world = World(tmp_path / "exported")
    deliveries = {"crm": world.hand_over(film)}
    shutil.copytree(world.folder, full.bucket / "store")
    fill(full.bucket)
    world.objects = Objects(full.environment()["DSR_STORE_URL"])
    with pytest.raises(Unavailable, match="the object store"):
        await asyncio.to_thread(world.made, deliveries)
    assert not [path for path in full.paths() if path.startswith(package_path(REQUEST))]
    make_room(full)
    made = await asyncio.to_thread(world.made, deliveries)
    content = opened_package(world.objects, made.path, made.size, world.key, REQUEST)
    assert unzipped(content)["data/crm/film.mp4"] == film.content
