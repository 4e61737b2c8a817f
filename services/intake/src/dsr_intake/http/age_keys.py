"""The key that a person has their package encrypted to, as a submission brings it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dsr_core.errors import RejectedInput
from dsr_core.rights import RIGHTS, Right
from dsr_intake.application.packages.age_file import AGE_KEY_PATTERN, checked_age_key

__all__ = ["AgeKey", "age_key_of"]

AgeKey = Annotated[
    str | None,
    Field(
        pattern=AGE_KEY_PATTERN,
        description=(
            "Of a request for access: a public key of the person's, in the format of age (X25519). "
            "The package is handed over encrypted to it, and to nobody else."
        ),
    ),
]


def age_key_of(right: Right, given: str | None) -> str | None:
    """Return the key that was given with a request; none where none was.

    Raises:
        RejectedInput: It is none, or the request has no package.
    """
    if given is None:
        return None
    if not RIGHTS[right].hands_over:
        detail = "a request for this right has no package"
        raise RejectedInput("invalid_request", detail, field="age_key")
    return checked_age_key(given)
