from __future__ import annotations

import pytest

from dsr_core.errors import RuleViolation
from dsr_intake.application.two_people import require_another


@pytest.mark.parametrize("again", ["officer-1", "Officer-1", " officer-1 ", "OFFICER-1\t"])
def test_one_person_is_not_two_however_they_are_written(again: str) -> None:
    with pytest.raises(RuleViolation, match="another person approves") as caught:
        require_another("officer-1", again)
    assert caught.value.reason == "same_person"


def test_another_person_is_another() -> None:
    require_another("officer-1", "officer-2")
    require_another("oidc:a b", "oidc:ab")
