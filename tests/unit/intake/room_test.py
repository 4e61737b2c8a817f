"""Whether new requests are taken on, by what waits to be published."""

from __future__ import annotations

import pytest

from dsr_intake.application.room import Overloaded, Room


def test_there_is_room_until_the_limit_and_again_below_it() -> None:
    room = Room(limit=3)
    room.check()
    room.learn(2)
    room.check()
    room.learn(3)
    with pytest.raises(Overloaded, match="wait to be published") as raised:
        room.check()
    assert raised.value.retry_after_s == 15
    room.learn(2)
    room.check()
