"""Public holidays, from the library that keeps them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache

__all__ = ["public_holidays"]

_YEARS = range(2000, 2101)
"""The years whose holidays are known; later ones have weekends only."""

_CODES_LIMIT = 10_000
"""Whoever asks names the part of a country, so the codes that are asked for have no end."""


def public_holidays(*jurisdictions: str) -> Mapping[date, str]:
    """Return the days that are public holidays in each of some jurisdictions, as the first names them.

    Where it is uncertain whose calendar counts a day is one only if all say so: a date is then never
    later than any of them has it.
    They are in English where the names are known. Where the library does not know a subdivision its
    country's are given; where it does not know the country, none are, so that no date is moved by a
    holiday that may not be one.

    Args:
        jurisdictions: ISO 3166-1 or 3166-2 codes, one or more.
    """
    return _in_each(*map(_known, jurisdictions))


@cache
def _in_each(*known: str) -> Mapping[date, str]:
    first, *others = (_of(one) for one in known)
    if not others:
        return first
    return {day: name for day, name in first.items() if all(day in one for one in others)}


@cache
def _of(known: str) -> Mapping[date, str]:
    with warnings.catch_warnings():
        # Some countries announce theirs a few years ahead; it says so for each year asked.
        warnings.simplefilter("ignore", UserWarning)
        return dict(_asked_for(known, _YEARS)) if known else {}


@lru_cache(_CODES_LIMIT)
def _known(jurisdiction: str) -> str:
    """Return the code that the library has for a jurisdiction, its own or its country's; else none.

    What is kept of holidays is kept by these: there are only so many of them.
    """
    for code in (jurisdiction, jurisdiction.partition("-")[0]):
        try:
            _asked_for(code, ())
        except NotImplementedError:
            continue
        return code
    return ""


def _asked_for(jurisdiction: str, years: Iterable[int]) -> Mapping[date, str]:
    # Imported late: it costs 50 ms, which only who counts days should pay.
    import holidays  # noqa: PLC0415 - see above

    country, _, subdivision = jurisdiction.partition("-")
    return holidays.country_holidays(
        country, subdiv=subdivision or None, years=years, expand=False, language="en_US"
    )
