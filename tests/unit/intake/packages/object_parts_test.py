"""An object in parts is what was written, whatever its length, and what goes wrong with one is told."""

from __future__ import annotations

import os
import threading

import obstore
import pytest
from obstore.store import MemoryStore

from dsr_intake.adapters.object_parts import PartedObject, read_parts

PART = 8 * 1024 * 1024
PORTION = 1_000_003
"""No divisor of a part."""

PATH = "packages/one"


def written(store: MemoryStore, content: bytes) -> None:
    with PartedObject(store, PATH) as sink:
        for start in range(0, len(content), PORTION):
            portion = content[start : start + PORTION]
            with sink.room(len(portion)) as buffer:
                buffer[:] = portion


def sizes(store: MemoryStore) -> list[int]:
    found = [one for page in obstore.list(store, f"{PATH}/") for one in page]
    assert sorted(one["path"] for one in found) == [f"{PATH}/{n:06d}" for n in range(len(found))]
    return [one["size"] for one in sorted(found, key=lambda one: one["path"])]


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, [0]),
        (1, [1]),
        (PART - 1, [PART - 1]),
        (PART + 1, [PART, 1]),
        (3 * PART + PORTION, [PART, PART, PART, PORTION]),
    ],
)
def test_an_object_of_any_length_is_what_was_written(size: int, parts: list[int]) -> None:
    store, content = MemoryStore(), os.urandom(size)
    written(store, content)
    assert sizes(store) == parts
    assert read_parts(store, PATH, 0, size) == content


def test_any_range_of_it_is_read_alone() -> None:
    store, content = MemoryStore(), os.urandom(2 * PART + 10)
    written(store, content)
    for start, end in ((0, 1), (PART - 1, PART), (PART, PART + 1), (PART - 5, 2 * PART + 5)):
        assert read_parts(store, PATH, start, end) == content[start:end]
    with pytest.raises(FileNotFoundError):
        read_parts(store, PATH, 3 * PART, 3 * PART + 1)


def broken_off(store: MemoryStore, *, idle: int) -> None:
    """Write two parts and a little, and fail."""
    with PartedObject(store, PATH) as sink:
        for _ in range(2 * PART // PORTION + 1):
            with sink.room(PORTION):
                pass
        assert threading.active_count() > idle, "else nothing is on its way"
        raise ZeroDivisionError


def test_a_fault_stores_nothing_more_and_leaves_no_thread() -> None:
    store, idle = MemoryStore(), threading.active_count()
    with pytest.raises(ZeroDivisionError):
        broken_off(store, idle=idle)
    assert threading.active_count() == idle
    assert sizes(store) == [PART, PART], "and not the rest"
