"""Log lines on standard error, for a process that has not set up logging of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

__all__ = ["log_to_stderr"]

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_EVERY_SECONDS = 30.0


class SeldomKafka(logging.Filter):
    """Lets one line of Kafka's client through every half minute: it says each failed connection."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is to be shown."""
        if not record.name.startswith("aiokafka"):
            return True
        now = self._clock()
        if record.levelno < logging.WARNING or now < self._next:
            return False
        self._next = now + _EVERY_SECONDS
        return True


def log_to_stderr() -> None:
    """Log from INFO up to standard error, unless the process logs somewhere already."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(SeldomKafka())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
