from __future__ import annotations

from types import SimpleNamespace

import pytest

from dsr_core.errors import Unavailable
from dsr_intake.application.event import Position
from dsr_intake.application.events import Listener
from dsr_intake.http.events import _all, _one


@pytest.mark.parametrize("follow", [_all, _one])
async def test_a_stream_that_cannot_catch_up_ends_so_that_its_client_comes_again(
    follow: object,
) -> None:
    left: list[Listener] = []

    async def missed(*_: object) -> None:
        raise Unavailable("the store is away")

    events = SimpleNamespace(missed=missed, leave=left.append)
    listener = Listener("mine", None, Position(9, "9"))
    stream = follow(SimpleNamespace(events=events), listener, Position(1, "1"))
    assert [part async for part in stream] == [b"retry: 1000\n\n"]
    assert left == [listener]
