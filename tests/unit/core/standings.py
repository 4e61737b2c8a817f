"""What the tests of standings ask."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from dsr_core.acknowledgements import Acknowledgement, Standing, standing


def stands(
    *answers: Acknowledgement, stopping: bool = False, looks_again: bool = False
) -> Standing:
    """The standing, which must be the same in every order and with every answer given twice."""

    def of(given: Sequence[Acknowledgement]) -> Standing:
        return standing(given, stopping=stopping, looks_again=looks_again)

    found = {of(order) for order in permutations(answers)}
    found.add(of([*answers, *reversed(answers)]))
    assert len(found) == 1
    return found.pop()
