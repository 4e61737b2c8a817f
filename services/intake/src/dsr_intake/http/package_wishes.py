"""How the package of a request is to be handed over, as a submission says it: under whose key, and where to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dsr_core.errors import RejectedInput
from dsr_core.rights import RIGHTS, Right
from dsr_intake.application.packages.age_file import AGE_KEY_PATTERN, checked_age_key

__all__ = ["AgeKey", "HandOver", "age_key_of", "is_handed_over"]

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

HandOver = Annotated[
    Literal["callback"] | None,
    Field(
        description=(
            "Of a request for access: its package is sent to the webhook of this client as well, in parts, "
            "encrypted to the `age_key` of the request, or to the client's own. For clients that the privacy "
            "office has allowed it (`hand_over_not_allowed` for others), and that have a webhook (`no_webhook`)."
        ),
    ),
]


def is_handed_over(right: Right, given: str | None) -> bool:
    """Tell whether a package is sent to the callback of its client.

    Raises:
        RejectedInput: The request has no package.
    """
    if given is not None:
        _check_package(right, "hand_over")
    return given is not None


def age_key_of(right: Right, given: str | None) -> str | None:
    """Return the key that was given with a request; none where none was.

    Raises:
        RejectedInput: It is none, or the request has no package.
    """
    if given is None:
        return None
    _check_package(right, "age_key")
    return checked_age_key(given)


def _check_package(right: Right, field: str) -> None:
    if not RIGHTS[right].hands_over:
        detail = "a request for this right has no package: leave it out"
        raise RejectedInput("invalid_request", detail, field=field)
