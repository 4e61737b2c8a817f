"""The people of the example group: the same for the same seed, on reserved names and numbers only.

A person depends on the seed and on their own number, never on how many others there are, so every
system makes its people by itself and they are still the same people.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

__all__ = ["PEOPLE", "SEED", "People", "Person"]

SEED = 2020
PEOPLE = 3_000

_LOCALES = {"US": "en_US", "DE": "de_DE", "BR": "pt_BR"}
_LANGUAGES = {"US": "en", "DE": "de", "BR": "pt"}
_PROVIDERS = ["faker.providers.address", "faker.providers.person"]  # all others load slowly
_DOMAINS = ("example.com", "example.org", "example.net")
_POOL = 250


@dataclass(frozen=True, slots=True)
class Person:
    """One data subject, with all that the systems of the group could know them by."""

    number: int
    name: str
    country: str
    language: str
    street: str
    city: str
    account_id: str
    email: str
    phone: str
    customer_number: str
    device_ids: tuple[str, ...]
    cookie_ids: tuple[str, ...]

    @property
    def identifiers(self) -> dict[str, tuple[str, ...]]:
        """The values that name this person, by the kind of identifier."""
        return {
            "account_id": (self.account_id,),
            "cookie_id": self.cookie_ids,
            "customer_number": (self.customer_number,),
            "device_id": self.device_ids,
            "email": (self.email,),
            "phone": (self.phone,),
        }


@dataclass(frozen=True, slots=True)
class _Pool:
    first_names: list[str]
    last_names: list[str]
    streets: list[str]
    cities: list[str]


class People:
    """Makes people by their number. Holds the pools of names, which Faker is slow to fill."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed

    def first(self, count: int) -> Iterable[Person]:
        """Yield people 1 to count."""
        return (self.person(number) for number in range(1, count + 1))

    def person(self, number: int) -> Person:
        """Return one person."""
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311 - made-up data
        country = draw.choice(sorted(self._pools))
        pool = self._pools[country]
        first, last = draw.choice(pool.first_names), draw.choice(pool.last_names)
        local = f"{_ascii(first)}.{_ascii(last)}.{number}"
        return Person(
            number=number,
            name=f"{first} {last}",
            country=country,
            language=_LANGUAGES[country],
            street=draw.choice(pool.streets),
            city=draw.choice(pool.cities),
            account_id=f"acc-{draw.getrandbits(48):012x}",
            email=f"{local}@{draw.choice(_DOMAINS)}",
            phone=_phone(number),
            customer_number=f"C{10_000_000 + number}",
            device_ids=tuple(_uuid(draw) for _ in range(draw.randint(1, 2))),
            cookie_ids=tuple(f"ck{draw.getrandbits(80):020x}" for _ in range(draw.randint(1, 3))),
        )

    @cached_property
    def _pools(self) -> dict[str, _Pool]:
        from faker import Faker  # noqa: PLC0415 - 0.3 s that only seeding should pay

        pools = {}
        for country, locale in _LOCALES.items():
            fake = Faker(locale, providers=_PROVIDERS)
            fake.seed_instance(f"{self._seed}/{country}")
            pools[country] = _Pool(
                [fake.first_name() for _ in range(_POOL)],
                [fake.last_name() for _ in range(_POOL)],
                [fake.street_address() for _ in range(_POOL)],
                [fake.city() for _ in range(_POOL // 2)],
            )
        return pools


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha())


def _phone(number: int) -> str:
    """Return a number of the range 555-0100 to 0199, kept for fiction; repeats after 70,000."""
    return f"+1{201 + number // 100 % 700}55501{number % 100:02}"


def _uuid(draw: random.Random) -> str:
    digits = f"{draw.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
