"""Proofs: by what it may be proven who asks, and that they may ask for another person, as rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dsr_core.plan import at_or_below
from dsr_core.rights import Right

__all__ = ["Assurance", "Authority", "Evidence", "Method", "Role", "accepted"]


class Method(StrEnum):
    """How it is proven who asks."""

    ATTESTED = "attested"
    """The client of the API has made sure: the person is signed in to an account of theirs."""

    OPERATOR = "operator"
    """An operator decides, with a reason."""

    ONE_TIME_CODE = "one_time_code"
    """The person has a code that was mailed to the address of the request."""


class Role(StrEnum):
    """Who filed a subject request."""

    DATA_SUBJECT = "data_subject"
    GUARDIAN = "guardian"
    AUTHORISED_AGENT = "authorised_agent"


class Evidence(StrEnum):
    """What shows that somebody may ask for another person."""

    CONSENT = "consent"
    """A parent's or guardian's."""

    SIGNED_PERMISSION = "signed_permission"
    POWER_OF_ATTORNEY = "power_of_attorney"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What somebody must show who asks for another person."""

    role: Role
    needs: tuple[Evidence, ...]
    """Any one of them, sorted."""

    person_proves_unless: Evidence | None = None
    """The proof of who asks is the person's own, whoever attests it, but for this evidence; none
    where an attested requester speaks for the person."""

    citation: str

    def is_shown_by(self, evidence: Evidence | None) -> bool:
        """Tell whether the evidence is enough."""
        return evidence in self.needs

    def leaves_proof_to_person(self, evidence: Evidence | None) -> bool:
        """Tell whether the person must prove who they are, although the requester is attested."""
        return self.person_proves_unless not in {None, evidence}

    def fields(self) -> dict[str, Any]:
        """Return what the canonical form of rules has of it."""
        unless = self.person_proves_unless
        return {
            "citation": self.citation,
            "needs": [one.value for one in self.needs],
            "person_proves_unless": unless.value if unless else None,
            "role": self.role.value,
        }

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Authority:
        """Rebuild it.

        Raises:
            ValueError: The fields are no authority's; so do KeyError and TypeError.
        """
        if not isinstance(fields["citation"], str):
            raise TypeError("a text is expected")
        unless = fields["person_proves_unless"]
        return cls(
            role=Role(fields["role"]),
            needs=tuple(Evidence(one) for one in fields["needs"]),
            person_proves_unless=None if unless is None else Evidence(unless),
            citation=fields["citation"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """How sure it must be who asks, where some data is concerned."""

    rights: tuple[Right, ...]
    categories: tuple[str, ...]
    """Keys of the fideslang taxonomy, sorted; a key covers the keys below it."""

    accepts: tuple[Method, ...]
    """Sorted."""

    citation: str

    def concerns(self, right: Right, categories: Iterable[str]) -> bool:
        """Tell whether a request for a right to data of some categories needs this."""
        return right in self.rights and any(
            at_or_below(held, own) for held in categories for own in self.categories
        )

    def fields(self) -> dict[str, Any]:
        """Return what the canonical form of rules has of it."""
        return {
            "accepts": [one.value for one in self.accepts],
            "categories": list(self.categories),
            "citation": self.citation,
            "rights": [one.value for one in self.rights],
        }

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Assurance:
        """Rebuild it.

        Raises:
            ValueError: The fields are no assurance's; so do KeyError and TypeError.
        """
        if not all(isinstance(one, str) for one in (fields["citation"], *fields["categories"])):
            raise TypeError("a text is expected")
        return cls(
            rights=tuple(Right(one) for one in fields["rights"]),
            categories=tuple(fields["categories"]),
            accepts=tuple(Method(one) for one in fields["accepts"]),
            citation=fields["citation"],
        )


def accepted(
    rules: Iterable[Assurance], right: Right, categories: Iterable[str]
) -> tuple[frozenset[Method], tuple[str, ...]]:
    """Return by what a request may be proven, and the provisions that say so; else by anything.

    Where several rules concern it, each of them must accept the proof.
    """
    held = tuple(categories)
    found = [one for one in rules if one.concerns(right, held)]
    methods = frozenset(Method).intersection(*(one.accepts for one in found))
    return methods, tuple(one.citation for one in found)
