"""Public holidays, from the library that keeps them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from functools import cache

__all__ = ["public_holidays"]

_YEARS = range(2000, 2101)
"""The years whose holidays are known; later ones have weekends only."""


@cache
def public_holidays(*jurisdictions: str) -> Mapping[date, str]:
    """Return the days that are public holidays in each of some jurisdictions, as the first names them.

    Where it is uncertain whose calendar counts a day is one only if all say so: a date is then never
    later than any of them has it.

    Args:
        jurisdictions: ISO 3166-1 or 3166-2 codes, one or more.
    """
    first, *others = (_of(one) for one in jurisdictions)
    return {day: name for day, name in first.items() if all(day in one for one in others)}


@cache
def _of(jurisdiction: str) -> Mapping[date, str]:
    """Return the public holidays of a jurisdiction by date, in English where the names are known.

    Where the library does not know a subdivision its country's are given; where it does not know the
    country, none are, so that no date is moved by a holiday that may not be one.

    Args:
        jurisdiction: An ISO 3166-1 or 3166-2 code.
    """
    # Imported late: it costs 50 ms, which only who counts days should pay.
    import holidays  # noqa: PLC0415 - see above

    country, _, subdivision = jurisdiction.partition("-")
    for chosen in dict.fromkeys((subdivision or None, None)):
        try:
            with warnings.catch_warnings():
                # Some countries announce theirs a few years ahead; it says so for each year asked.
                warnings.simplefilter("ignore", UserWarning)
                found = holidays.country_holidays(
                    country, subdiv=chosen, years=_YEARS, expand=False, language="en_US"
                )
        except NotImplementedError:
            continue
        return dict(found)
    return {}
