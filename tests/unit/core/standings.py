"""What the tests of standings ask."""

from __future__ import annotations

from itertools import permutations

from dsr_core.acknowledgements import Acknowledgement, Standing, standing


def stands(*answers: Acknowledgement, stopping: bool = False) -> Standing:
    """The standing, which must be the same in every order and with every answer given twice."""
    found = {standing(order, stopping=stopping) for order in permutations(answers)}
    found.add(standing([*answers, *reversed(answers)], stopping=stopping))
    assert len(found) == 1
    return found.pop()
