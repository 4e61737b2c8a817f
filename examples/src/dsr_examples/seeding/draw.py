"""Drawing times, words and numbers: quick, and the same for the same system."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

__all__ = ["Draw"]

_T = TypeVar("_T")
_START = datetime(2022, 1, 3, tzinfo=UTC)
_MINUTES = 4 * 365 * 24 * 60
_TOPICS = ("a bucket", "the gateway", "an invoice", "two clusters", "the quota", "a key", "backups")
_VERBS = ("moving", "about", "a question on", "problems with", "how to price", "news of", "closing")


class Draw:
    """A source of made-up values."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data

    def times(self, least: int, most: int) -> range:
        """Return a range to loop over so many times."""
        return range(self._random.randint(least, most))

    def one_of(self, values: Sequence[_T]) -> _T:
        """Return one of the values."""
        return values[int(self._random.random() * len(values))]

    def percent(self, chance: int) -> bool:
        """Return true in so many of a hundred cases."""
        return self._random.random() * 100 < chance

    def number(self, least: int, most: int) -> int:
        """Return a number, both ends included."""
        return least + int(self._random.random() * (most - least + 1))

    def moment(self) -> datetime:
        """Return a time in the years 2022 to 2025."""
        return _START + timedelta(minutes=int(self._random.random() * _MINUTES))

    def day(self) -> date:
        """Return a date in the same years."""
        return self.moment().date()

    def words(self) -> str:
        """Return a few words."""
        return f"{self.one_of(_VERBS)} {self.one_of(_TOPICS)}"

    def ip_address(self) -> str:
        """Return an address of a network that is kept for documentation."""
        network = self.one_of(("192.0.2", "198.51.100", "203.0.113"))
        return f"{network}.{self.number(1, 254)}"

    def hexadecimal(self, digits: int) -> str:
        """Return a text of hexadecimal digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"
