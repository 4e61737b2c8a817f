from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dsr_intake.http.lines import lines

LIMIT = 8


async def parts_of(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        if start != end:
            yield data[start:end]


async def read(data: bytes, cuts: list[int]) -> list[bytes | None]:
    return [line async for some in lines(parts_of(data, cuts), LIMIT) for line in some]


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.lists(st.integers(0, 100), max_size=12),
    st.sampled_from([b"", b"\n"]),
)
async def test_lines_are_the_same_however_the_stream_is_cut(
    written: list[bytes], cuts: list[int], end: bytes
) -> None:
    data = b"\n".join(written) + end
    expected = [line if len(line) <= LIMIT else None for line in data.split(b"\n")]
    if expected[-1] == b"":
        expected.pop()
    assert await read(data, [min(cut, len(data)) for cut in cuts]) == expected
