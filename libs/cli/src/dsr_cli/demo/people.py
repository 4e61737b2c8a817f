"""Whom the demonstration asks for: the next people of the example group that were not asked for before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsr_cli.errors import CommandError
from dsr_examples.people import PEOPLE, People, Person

__all__ = ["Cast", "submission"]

_FILE = "demo.json"
_JURISDICTIONS = {"US": "US-CA", "DE": "DE", "BR": "BR"}

_LANGUAGES = {"DE": "de", "BR": "pt-BR"}


class Cast:
    """Remembers, in the stack's data folder, whom earlier demonstrations have asked for."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE

    def next(self, count: int) -> list[Person]:
        """Return the next people, each of them once in the life of this data folder.

        Raises:
            CommandError: All of them have been asked for; the text says how to start afresh.
        """
        first = json.loads(self._path.read_text())["next"] if self._path.exists() else 1
        if first + count - 1 > PEOPLE:
            raise CommandError(
                "everyone of the example group is erased; `dsr stack reset` starts afresh"
            )
        self._path.write_text(json.dumps({"next": first + count}))
        people = People()
        return [people.person(number) for number in range(first, first + count)]


def submission(person: Person) -> dict[str, Any]:
    """Return the body of a deletion request for a person, with all that names them."""
    return {
        "right": "deletion",
        "jurisdiction": _JURISDICTIONS.get(person.country, person.country),
        "identity": [
            {"kind": kind, "value": value}
            for kind, values in person.identifiers.items()
            for value in values
        ],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
        "channel": "account",
        "language": _LANGUAGES.get(person.country, "en"),
    }
