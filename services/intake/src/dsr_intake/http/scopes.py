"""The scope of a submission: what part of the data is meant, where it is not all of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dsr_core.ids import OrganisationId
from dsr_core.plan import Scope
from dsr_core.rights import RIGHTS, Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.http.corrections import CategoryBody
from dsr_runtime.http.problems import Problem

__all__ = ["DAY_PATTERN", "ScopeBody", "scope_of"]

DAY_PATTERN = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class ScopeBody(BaseModel):
    """What part of the data is meant; what is empty or absent limits nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    categories: Annotated[list[CategoryBody], Field(max_length=100)] = []
    organisation_ids: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=48)]],
        Field(max_length=100),
    ] = []
    since: Annotated[
        str | None,
        Field(
            pattern=DAY_PATTERN,
            description=(
                "Data from this day on, for a right to data that is held: the consumer may select "
                "or input the date range (11 CCR 7020(e))."
            ),
            json_schema_extra={"format": "date"},
        ),
    ] = None
    uses: Annotated[
        list[SuppressionKind] | None,
        Field(
            min_length=1,
            max_length=2,
            description=(
                "For an opt-out or an objection: what the data is to be used for no more; absent "
                "for all that the right ends."
            ),
        ),
    ] = None


def scope_of(right: Right, body: ScopeBody | None) -> Scope:
    """Return what part of the data is meant.

    Raises:
        Problem: The right cannot be limited like that, or there is no such day.
    """
    if body is None:
        return _EVERYTHING
    return Scope(
        tuple(sorted(set(body.categories))),
        tuple(OrganisationId(one) for one in sorted(set(body.organisation_ids))),
        since=_since(right, body.since),
        uses=_uses(right, body.uses or ()),
    )


_EVERYTHING = Scope()


def _since(right: Right, day: str | None) -> date | None:
    if day is None:
        return None
    if RIGHTS[right].names_its_part or RIGHTS[right].suppresses_at_once:
        raise _unfit("/scope/since", "this right is about all of the data, however old")
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise _unfit("/scope/since", "there is no such day") from None


def _uses(right: Right, uses: Iterable[SuppressionKind]) -> tuple[SuppressionKind, ...]:
    terms = RIGHTS[right]
    if not set(uses) <= set(terms.suppresses if terms.suppresses_at_once else ()):
        raise _unfit("/scope/uses", "this right does not end that use of the data alone")
    return tuple(sorted(set(uses)))


def _unfit(pointer: str, detail: str) -> Problem:
    return Problem(422, "invalid_request", detail, errors=[{"pointer": pointer, "detail": detail}])
