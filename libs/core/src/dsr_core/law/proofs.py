"""Proofs: by what it may be proven who asks, and that they may ask for another person, as rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from dsr_core.law.versions import version_fields, version_of
from dsr_core.plan import at_or_below
from dsr_core.rights import Right

__all__ = ["Assurance", "Authority", "Evidence", "Level", "Method", "Needed", "Role", "accepted"]


class Method(StrEnum):
    """How it is proven who asks."""

    ATTESTED = "attested"
    """The client of the API has made sure: the person is signed in to an account of theirs."""

    OPERATOR = "operator"
    """An operator decides, with a reason."""

    ONE_TIME_CODE = "one_time_code"
    """The person has a code that was mailed to the address of the request."""


class Level(StrEnum):
    """How sure somebody is who asks, in the words of Regulation (EU) 910/2014 article 8(2)."""

    LOW = "low"
    """For example an account that anybody can open."""

    SUBSTANTIAL = "substantial"
    """For example a second factor, or what only the person knows of earlier dealings."""

    HIGH = "high"
    """For example an identity document that was seen."""

    def reaches(self, needed: Level) -> bool:
        """Tell whether it is as sure as another, or surer."""
        order = tuple(Level)
        return order.index(self) >= order.index(needed)


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
    version: int = 1
    in_force_from: date | None = None

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
            **version_fields(self),
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
            **version_of(fields),
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
    level: Level = Level.LOW
    """What an attestation or an operator's decision must reach at least."""

    version: int = 1
    in_force_from: date | None = None

    def concerns(self, right: Right, categories: Iterable[str]) -> bool:
        """Tell whether a request for a right to data of some categories needs this."""
        return right in self.rights and any(
            at_or_below(held, own) for held in categories for own in self.categories
        )

    def fields(self) -> dict[str, Any]:
        """Return what the canonical form of rules has of it."""
        # As all that came later, it is left out where nothing is demanded: digests stay as they were.
        later = {} if self.level is Level.LOW else {"level": self.level.value}
        return {
            **version_fields(self),
            **later,
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
            level=Level(fields.get("level", Level.LOW)),
            **version_of(fields),
        )


class Needed(NamedTuple):
    """How sure it must be who asks, for one request."""

    methods: frozenset[Method]
    level: Level
    provisions: tuple[str, ...]
    """Those that say so; none where any proof will do."""

    @property
    def words(self) -> str | None:
        """What is needed; none where any proof will do."""
        if not self.provisions:
            return None
        by = " or ".join(sorted(self.methods))
        return f"for this data it takes a proof by {by}, at the level {self.level} at least"

    def lacks(self, method: Method, level: Level) -> str | None:
        """Return in words what a proof lacks; none where it suffices.

        A level is stated by whoever has looked at the person; a code proves what it proves.
        """
        law = "; ".join(self.provisions)
        if method not in self.methods:
            by = " or ".join(sorted(self.methods))
            return f"for this data it is proven by {by}, not by {method}: {law}"
        if method is not Method.ONE_TIME_CODE and not level.reaches(self.level):
            return f"for this data it takes the level {self.level}, and not {level}: {law}"
        return None


def accepted(rules: Iterable[Assurance], right: Right, categories: Iterable[str]) -> Needed:
    """Return how surely it must be proven who asks; by anything, where no rule says more.

    Where several rules concern it, each of them must accept the proof.
    """
    held = tuple(categories)
    found = [one for one in rules if one.concerns(right, held)]
    methods = frozenset(Method).intersection(*(one.accepts for one in found))
    level = Level.LOW
    for one in found:
        level = one.level if one.level.reaches(level) else level
    return Needed(methods, level, tuple(one.citation for one in found))
