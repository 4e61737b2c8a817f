"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL = 0.03


def wait_until(
    condition: Callable[[], bool], *, timeout: float, cancelled: threading.Event | None = None
) -> bool:
    """Return whether the condition came true in time.

    Args:
        condition: Asked again and again; what it raises ends the waiting.
        timeout: Seconds after which it is given up.
        cancelled: Ends the waiting early, as if the time were over.
    """
    deadline = time.monotonic() + timeout
    pause = cancelled or threading.Event()
    while not condition():
        if time.monotonic() >= deadline or pause.wait(_INTERVAL):
            return False
    return True
