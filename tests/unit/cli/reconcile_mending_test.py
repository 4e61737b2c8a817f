"""What mending writes by itself, since the command line may not import the service that writes it otherwise."""

from __future__ import annotations

from dsr_cli.reconcile import mending
from dsr_intake.adapters import suppressions


def test_the_suppression_list_is_written_as_intake_writes_it() -> None:
    assert mending._LIST.split() == suppressions._LIST.split()
