from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dsr_core.errors import Unavailable
from dsr_intake.adapters.keys import FileKeyWrapper, read_key
from dsr_runtime.process import StartFault
from support.builders import a_request_id

ONE, TWO = a_request_id(1), a_request_id(2)


async def test_wrapped_keys_come_back_for_their_requests_only() -> None:
    wrapper = FileKeyWrapper(b"k" * 32)
    keys = [(ONE, b"1" * 32), (TWO, b"2" * 32)]
    wrapped = await wrapper.wrap(keys)
    assert await wrapper.unwrap([(ONE, wrapped[0]), (TWO, wrapped[1])]) == [b"1" * 32, b"2" * 32]
    with pytest.raises(Unavailable):
        await wrapper.unwrap([(TWO, wrapped[0])])


async def test_key_wrapped_under_another_key_is_named() -> None:
    (wrapped,) = await FileKeyWrapper(b"k" * 32).wrap([(ONE, b"1" * 32)])
    with pytest.raises(Unavailable, match=wrapped.kek_id):
        await FileKeyWrapper(b"j" * 32).unwrap([(ONE, wrapped)])


def test_key_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(base64.b64encode(b"x" * 32).decode() + "\n")
    assert read_key(file, variable="DSR_KEY") == b"x" * 32


@pytest.mark.parametrize("content", [None, "", "not base64!", "c2hvcnQ=", "é"])
def test_file_without_a_key_stops_the_start_and_shows_nothing(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(StartFault, match="DSR_KEY") as raised:
        read_key(file, variable="DSR_KEY")
    assert content is None or not content or content not in str(raised.value)
