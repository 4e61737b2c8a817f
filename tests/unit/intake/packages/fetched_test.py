"""Objects are fetched ahead where that saves time, and at once where it would only cost a thread."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_core.exports import PART_BYTES
from dsr_intake.adapters.object_store import Objects
from dsr_intake.ports import PartMissing


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
