"""What the registry protects is there to be protected."""

from __future__ import annotations

import pytest

from dsr_examples.catalogue import EXAMPLES, example
from dsr_examples.systems import load
from support.parts import example_registry


@pytest.mark.parametrize("system_id", [one.system_id for one in EXAMPLES])
def test_a_protected_field_is_a_column_of_a_table_that_is_handed_over(system_id: str) -> None:
    system = example_registry().system(system_id)
    assert system is not None
    assert system.access is not None
    columns = {
        f"{table.name}.{column}"
        for table in load(example(system_id)).SCHEMA.tables
        for column in table.column_names
    }
    assert {one.path for one in system.access.protected} <= columns
