"""The key ring in memory, and the keys that files and the environment hold."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path

import pytest

from dsr_core.errors import RuleViolation, Unavailable
from dsr_intake.adapters.key_files import FileKeys, GivenKeys, read_keys
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.model import Ring, WrappedKey, key_name
from dsr_runtime.process import StartFault
from support.builders import a_request_id

ONE, TWO = a_request_id(1), a_request_id(2)
OLD, NEW = b"k" * 32, b"n" * 32


class Source:
    """A ring that a test changes."""

    name = "the test"

    def __init__(self, *keys: bytes) -> None:
        self.keys = keys
        self.is_away = False
        self.loads = 0

    async def load(self) -> Ring:
        self.loads += 1
        if self.is_away:
            raise Unavailable("the source is away")
        return Ring(current=key_name(self.keys[0]), keys={key_name(one): one for one in self.keys})

    async def renew(self) -> str:
        self.keys = (NEW, *self.keys)
        return key_name(NEW)

    async def destroy(self, kek_id: str) -> None:
        self.keys = tuple(one for one in self.keys if key_name(one) != kek_id)


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def a_ring(*keys: bytes) -> HeldRing:
    ring = HeldRing(Source(*keys))
    await ring.refresh()
    return ring


def written(path: Path, *keys: bytes) -> Path:
    path.write_text("".join(base64.b64encode(one).decode() + "\n" for one in keys))
    return path


async def test_wrapped_keys_come_back_for_their_requests_only() -> None:
    ring = await a_ring(OLD)
    keys = [(ONE, b"1" * 32), (TWO, b"2" * 32)]
    wrapped = await ring.wrap(keys)
    assert await ring.unwrap([(ONE, wrapped[0]), (TWO, wrapped[1])]) == [b"1" * 32, b"2" * 32]
    with pytest.raises(Unavailable):
        await ring.unwrap([(TWO, wrapped[0])])


async def test_what_earlier_versions_wrapped_is_unwrapped() -> None:
    wrapped = bytes.fromhex(
        "000102030405060708090a0b5becc51f35e1b74472aa62bb55f43969c9df8b55ad57adb4"
        "9e4dd894c11ba519844a9c9a493dda7ac1778af829b17896"
    )
    ring = await a_ring(OLD)
    assert await ring.unwrap([(ONE, WrappedKey(wrapped, "dce803445a5c6d71"))]) == [b"1" * 32]


async def test_the_first_key_wraps_and_all_unwrap() -> None:
    (wrapped,) = await (await a_ring(OLD)).wrap([(ONE, b"1" * 32)])
    ring = await a_ring(NEW, OLD)
    assert await ring.unwrap([(ONE, wrapped)]) == [b"1" * 32]
    (anew,) = await ring.wrap([(ONE, b"1" * 32)])
    assert (wrapped.kek_id, anew.kek_id) == (key_name(OLD), key_name(NEW))


async def test_key_wrapped_under_another_key_is_named() -> None:
    (wrapped,) = await (await a_ring(OLD)).wrap([(ONE, b"1" * 32)])
    with pytest.raises(Unavailable, match=wrapped.kek_id):
        await (await a_ring(NEW)).unwrap([(ONE, wrapped)])


async def test_what_another_process_wrapped_under_a_newer_key_is_unwrapped() -> None:
    source, clock = Source(OLD), Seconds()
    ring = HeldRing(source, monotonic=clock)
    await ring.refresh()
    (wrapped,) = await (await a_ring(NEW)).wrap([(ONE, b"1" * 32)])
    source.keys = (NEW, OLD)
    clock.now += 3
    assert await ring.unwrap([(ONE, wrapped)]) == [b"1" * 32]


async def test_names_that_are_unknown_do_not_have_the_ring_read_again_and_again() -> None:
    source, clock = Source(OLD), Seconds()
    ring = HeldRing(source, monotonic=clock)
    await ring.refresh()
    clock.now += 3
    for _ in range(10):
        with pytest.raises(Unavailable):
            await ring.unwrap([(ONE, WrappedKey(b"x" * 60, "0" * 16))])
    assert source.loads == 2


async def test_a_ring_that_cannot_be_read_for_a_minute_is_not_used_and_comes_back() -> None:
    source, clock = Source(OLD), Seconds()
    ring = HeldRing(source, monotonic=clock)
    await ring.refresh()
    (wrapped,) = await ring.wrap([(ONE, b"1" * 32)])
    source.is_away = True
    clock.now += 59
    await ring.unwrap([(ONE, wrapped)])
    clock.now += 2
    with pytest.raises(Unavailable, match="away"):
        await ring.wrap([(TWO, b"2" * 32)])
    with pytest.raises(Unavailable, match="not at hand"):
        await ring.unwrap([(ONE, wrapped)])
    source.is_away = False
    clock.now += 3
    assert await ring.unwrap([(ONE, wrapped)]) == [b"1" * 32]


async def test_a_key_that_was_destroyed_unwraps_nothing() -> None:
    ring = await a_ring(OLD)
    (wrapped,) = await ring.wrap([(ONE, b"1" * 32)])
    assert await ring.renew() == ring.current == key_name(NEW)
    await ring.destroy(key_name(OLD))
    with pytest.raises(Unavailable, match=key_name(OLD)):
        await ring.unwrap([(ONE, wrapped)])


async def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path,
) -> None:
    file = written(tmp_path / "keys", OLD)
    ring = HeldRing(FileKeys(file, variable="DSR_KEY"))
    await ring.refresh()
    written(file, NEW, OLD)
    await ring.refresh()
    assert (ring.current, set(ring.known)) == (key_name(NEW), {key_name(NEW), key_name(OLD)})
    file.write_text("broken")
    await ring.refresh()
    assert ring.current == key_name(NEW)


@pytest.mark.parametrize("kind", ["file", "given"])
async def test_keys_that_people_made_are_replaced_by_people(tmp_path: Path, kind: str) -> None:
    source = (
        FileKeys(written(tmp_path / "keys", OLD), variable="DSR_KEY")
        if kind == "file"
        else GivenKeys((OLD,), name="DSR_KEY")
    )
    with pytest.raises(RuleViolation, match="first line"):
        await source.renew()
    with pytest.raises(RuleViolation, match="take 00 out"):
        await source.destroy("00")


def test_keys_are_read_from_their_file(tmp_path: Path) -> None:
    file = written(tmp_path / "key", NEW, OLD)
    assert read_keys(file, variable="DSR_KEY") == (NEW, OLD)


@pytest.mark.parametrize("content", [None, "", "not base64!", "c2hvcnQ=", "é", "twice"])
def test_file_without_keys_stops_the_start_and_shows_nothing(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "key"
    if content == "twice":
        written(file, OLD, OLD)
    elif content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(StartFault, match="DSR_KEY") as raised:
        read_keys(file, variable="DSR_KEY")
    assert not content or content == "twice" or content not in str(raised.value)


async def test_no_key_is_shown_by_what_holds_it_nor_by_a_traceback(tmp_path: Path) -> None:
    secret = base64.b64encode(OLD).decode()
    source = FileKeys(written(tmp_path / "keys", OLD), variable="DSR_KEY")
    ring = HeldRing(source)
    await ring.refresh()
    (wrapped,) = await ring.wrap([(ONE, NEW)])
    (tmp_path / "keys").write_text(secret[:-2])
    shown = [repr(source), repr(ring), repr(await source.load()), str(await source.load())]
    for fault in (
        lambda: read_keys(tmp_path / "keys", variable="DSR_KEY"),
        lambda: written(tmp_path / "keys", OLD, OLD) and read_keys(tmp_path / "keys", variable="K"),
    ):
        try:
            fault()
        except StartFault as error:
            shown.append("".join(traceback.format_exception(error)))
    with pytest.raises(Unavailable) as raised:
        await ring.unwrap([(TWO, wrapped)])
    shown.append("".join(traceback.format_exception(raised.value)))
    assert len(shown) == 7
    for text in shown:
        for hidden in (
            secret,
            secret[:-2],
            repr(OLD),
            OLD.hex(),
            repr(NEW),
            NEW.hex(),
            NEW.decode(),
        ):
            assert hidden not in text
