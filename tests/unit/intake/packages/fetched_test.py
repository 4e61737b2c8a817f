"""Objects are fetched ahead where that saves time, and at once where it would only cost a thread."""

from __future__ import annotations

import threading
from pathlib import Path

import obstore
import pytest

from dsr_core.errors import Unavailable
from dsr_core.exports import PART_BYTES
from dsr_intake.adapters.object_store import Objects
from dsr_intake.ports import ObjectSink, PartMissing


@pytest.mark.parametrize(
    ("size", "threads"),
    [pytest.param(1000, 0, id="short"), pytest.param(PART_BYTES, 1, id="a whole part")],
)
def test_only_what_is_long_is_fetched_by_another_thread(
    tmp_path: Path, size: int, threads: int
) -> None:
    content = bytes(range(250)) * (size // 250)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "one").write_bytes(content)
    buffer = memoryview(bytearray(len(content)))
    before = threading.active_count()
    with Objects(tmp_path.as_uri()).reading() as fetch:
        fetched = fetch("exports/one", buffer)
        assert threading.active_count() == before + threads
        assert fetched.result() == len(content)
    assert buffer == content


@pytest.mark.parametrize("size", [1000, PART_BYTES])
def test_what_is_not_there_is_missing_however_long_it_was_to_be(tmp_path: Path, size: int) -> None:
    (tmp_path / "exports").mkdir()
    with Objects(tmp_path.as_uri()).reading() as fetch, pytest.raises(PartMissing):
        fetch("exports/gone", memoryview(bytearray(size))).result()


@pytest.mark.parametrize("size", [1000, PART_BYTES])
def test_nothing_is_missing_where_the_folder_is_not_mounted(tmp_path: Path, size: int) -> None:
    with Objects(tmp_path.as_uri()).reading() as fetch, pytest.raises(Unavailable):
        fetch("exports/one", memoryview(bytearray(size))).result()


async def test_a_folder_that_is_not_there_is_told_of_and_not_made_anew(tmp_path: Path) -> None:
    objects = Objects((tmp_path / "store").as_uri())
    assert await objects.look() == "answers"
    (tmp_path / "store").rmdir()
    with pytest.raises(Unavailable, match="none of its folders"):
        await objects.look()
    with pytest.raises(Unavailable, match="none of its folders"), objects.writing("packages/a/b"):
        pass
    assert not (tmp_path / "store").exists()


def test_a_package_of_before_they_had_parts_is_read_as_it_lies() -> None:
    objects = Objects("memory:///bucket")
    obstore.put(objects._store, "packages/one/two", b"0123456789", use_multipart=False)
    assert objects.range("packages/one/two", 3, 6) == b"345"
    with pytest.raises(PartMissing):
        objects.range("packages/one/three", 3, 6)
    assert objects.delete_all("packages/one") == 1
    with pytest.raises(Unavailable, match="none of its folders"):
        objects.range("packages/one/two", 3, 6)


def test_what_is_begun_in_a_bucket_and_left_with_a_fault_is_not_there() -> None:
    objects = Objects("memory:///bucket")

    def some(sink: ObjectSink) -> None:
        for _ in range(20):
            with sink.room(PART_BYTES // 8):
                pass
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), objects.writing("packages/one/two") as sink:
        some(sink)
    assert objects.delete_all("packages") == 0
