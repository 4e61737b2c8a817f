"""The part of a submission that says what is to be put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dsr_core.corrections import Correction, Rectification
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_runtime.http.problems import Problem

__all__ = ["CategoryBody", "CorrectionBody", "rectified"]

_VALUE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

CategoryBody = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=120)]


class CorrectionBody(BaseModel):
    """One value that is to be put right."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    category: Annotated[
        CategoryBody, Field(description="What kind of value it is: a key of the taxonomy.")
    ]
    new: Annotated[str, Field(pattern=_VALUE, min_length=1, max_length=1000)]
    old: Annotated[
        str,
        Field(
            pattern=_VALUE,
            max_length=1000,
            description="What stands there now, as far as the person knows.",
        ),
    ] = ""


def rectified(
    right: Right, corrections: Sequence[CorrectionBody] | None, statement: str | None, scope: Scope
) -> tuple[Rectification | None, Scope]:
    """Return what is to be put right, and the scope that follows from it: what those values are.

    Raises:
        Problem: A correction does not say what, something else does, or a scope says it otherwise.
    """
    if right is not Right.CORRECTION:
        if corrections is not None or statement is not None:
            raise _unfit("/corrections", "only a correction says what is to be put right")
        return None, scope
    if not corrections:
        raise _unfit("/corrections", "a correction says what is to be put right")
    if scope.categories:
        raise _unfit("/scope/categories", "the corrections say what categories are meant")
    wanted = Rectification(
        tuple(Correction(one.category, one.new, one.old) for one in corrections), statement or ""
    )
    return wanted, Scope(wanted.categories, scope.organisation_ids)


def _unfit(pointer: str, detail: str) -> Problem:
    return Problem(422, "invalid_request", detail, errors=[{"pointer": pointer, "detail": detail}])
