"""The people, and the seeds made from them."""

import time

from dsr_core.identity import Identifier
from dsr_examples.catalogue import EXAMPLES
from dsr_examples.people import PEOPLE, People
from dsr_examples.seeding import rows_for
from dsr_examples.stores.schema import OPT_OUTS, RESTRICTIONS, STATEMENTS
from dsr_examples.systems import load


def test_people_are_the_same_every_time() -> None:
    assert list(People().first(50)) == list(People().first(50))
    assert People().person(7) == list(People().first(9))[6]
    assert People(seed=1).person(7) != People().person(7)


def test_nobody_shares_an_identifier() -> None:
    begun = time.process_time()
    everyone = list(People().first(PEOPLE))
    assert time.process_time() - begun < 2
    assert len(everyone) == 3_000
    for kind in everyone[0].identifiers:
        values = [value for one in everyone for value in one.identifiers[kind]]
        assert len(set(values)) == len(values), kind


def test_identifiers_are_in_the_form_that_requests_carry() -> None:
    for person in People().first(300):
        for kind, values in person.identifiers.items():
            for value in values:
                assert Identifier.of(kind, value).value == value


def test_addresses_and_numbers_are_of_reserved_ranges() -> None:
    for person in People().first(300):
        assert person.email.rpartition("@")[2] in {"example.com", "example.org", "example.net"}
        assert person.email.isascii()
        assert person.phone[-7:-2] == "55501"


def test_rows_are_the_same_every_time_and_fill_every_table() -> None:
    people = list(People().first(60))
    for system in EXAMPLES:
        rows = rows_for(system, people).by_table
        assert rows == rows_for(system, people).by_table
        tables = load(system).SCHEMA.tables
        assert set(rows) == {table.name for table in tables} - {OPT_OUTS, RESTRICTIONS, STATEMENTS}
        assert 2 <= len(tables) <= 6
        for table in tables:
            assert all(len(row) == len(table.column_names) for row in rows[table.name])
