"""The registry of a benchmark: so many systems, each owned by an organisation of its own."""

from __future__ import annotations

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.registry import Organisation, OrganisationRole, Registry, System
from dsr_core.rights import Right

__all__ = ["IDENTIFIER_KIND", "organisation_id", "synthetic_registry", "system_id"]

IDENTIFIER_KIND = "account_id"

_OWNER = "Benchmark"
_CONTACT = "benchmark@example.com"


def organisation_id(number: int) -> OrganisationId:
    """Return the id of an organisation; they are counted from 1."""
    return OrganisationId(f"bench-{number}")


def system_id(number: int) -> SystemId:
    """Return the id of the one system of an organisation."""
    return SystemId(f"bench-{number}-store")


def synthetic_registry(systems: int, *rights: Right) -> Registry:
    """Return a registry of so many systems, all asked for these rights, or for deletion alone."""
    numbers = range(1, systems + 1)
    return Registry(
        tuple(
            Organisation(
                id=organisation_id(number),
                name=f"Organisation {number}",
                role=OrganisationRole.SUBSIDIARY,
                country="DE",
                region="europe",
                owner=_OWNER,
                contact=_CONTACT,
            )
            for number in numbers
        ),
        tuple(
            System(
                id=system_id(number),
                name=f"Store {number}",
                organisation_id=organisation_id(number),
                owner=_OWNER,
                contact=_CONTACT,
                region="europe",
                rights=tuple(sorted(rights)) or (Right.DELETION,),
                identifiers=(IDENTIFIER_KIND,),
                categories=("user.account",),
            )
            for number in numbers
        ),
    )
