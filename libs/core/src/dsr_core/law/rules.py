"""Rules: which law counts which date of a subject request, as data that is read from files.

Rules are a value. Their digest names them: a request pins the digest of those that were in force
when it came in, and its dates can be computed again from them for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.proofs import Assurance, Authority, Role
from dsr_core.law.versions import newest, version_fields, version_of
from dsr_core.rights import Right

__all__ = [
    "ACKNOWLEDGE_RECEIPT_BY",
    "ALL_RIGHTS",
    "ANSWER_APPEAL_BY",
    "APPEAL_BY",
    "COMPLAIN_BY",
    "DEFAULT",
    "ENTRY_NAMES",
    "REFUSAL_NOTICE_BY",
    "REQUESTER",
    "RESPOND_BY",
    "STARTS",
    "VERIFY_IDENTITY_BY",
    "Applicable",
    "Extension",
    "Regime",
    "Rule",
    "Rules",
    "Tier",
    "TierAction",
]

DEFAULT = "default"
"""The regime of every jurisdiction that no other regime names."""

RESPOND_BY = "respond_by"
"""The entry that every regime must have: the date by which the person has the answer."""

VERIFY_IDENTITY_BY = "verify_identity_by"
"""The entry by which the requester must have proven who asks; where there is none, `respond_by`."""

ACKNOWLEDGE_RECEIPT_BY = "acknowledge_receipt_by"
"""The entry by which the person has been told that the request arrived; few regimes have one."""

ANSWER_APPEAL_BY = "answer_appeal_by"
"""The entry by which an appeal is decided; a regime without it knows no appeal."""

APPEAL_BY = "appeal_by"
"""The entry until which an answer can be appealed against; where there is none, for ever."""

COMPLAIN_BY = "complain_by"
"""The entry until which a refusal can be complained of; where there is none, for ever."""

REFUSAL_NOTICE_BY = "refusal_notice_by"
"""The entry by which the person is told of a refusal; a later one is a breach."""

REQUESTER = "requester"
"""In place of a code: the jurisdiction of whoever asks."""

ENTRY_NAMES = {
    ACKNOWLEDGE_RECEIPT_BY: "the person has been told that the request arrived",
    ANSWER_APPEAL_BY: "the person has the answer to an appeal",
    APPEAL_BY: "the person can still appeal against the answer",
    COMPLAIN_BY: "the person can still complain of a refusal",
    RESPOND_BY: "the person has the answer",
    REFUSAL_NOTICE_BY: "the person has been told of a refusal, with its grounds",
    VERIFY_IDENTITY_BY: "the person has proven who they are, or the request ends as not verified",
    "keep_record_until": "the record of the request is kept",
}
"""The dates that rules may count, and what must be so by each."""

ALL_RIGHTS = tuple(sorted(Right))

STARTS = (
    FactKind.RECEIVED,
    FactKind.IDENTITY_PROVEN,
    FactKind.REFUSED,
    FactKind.APPEALED,
    FactKind.ANSWERED,
)
"""The facts that a date can be counted from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """By how much a date may be moved once, if the person is told before it."""

    term: Term
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one date is counted, under one provision, from the day that this came into force."""

    name: str
    """What must have happened by the date, for example `respond_by`."""

    version: int
    in_force_from: date
    rights: tuple[Right, ...]
    counts_from: FactKind
    term: Term
    citation: str
    moved_by: str | None = None
    """The provision that moves the date off weekends and holidays; none where it stays."""

    pauses: str | None = None
    """The provision by which the clock stands still while clarification is awaited; none if never."""

    extension: Extension | None = None
    unanswered: str | None = None
    """The provision by which a request that is not answered by `respond_by` is refused; only where
    the date counts from a refusal. None where only a person refuses."""


class TierAction(StrEnum):
    """What is done as a date comes near."""

    REMIND_SYSTEMS = "remind_systems"
    ESCALATE_TO_ORGANISATION = "escalate_to_organisation"
    ESCALATE_TO_PRIVACY_OFFICE = "escalate_to_privacy_office"
    RECORD_BREACH = "record_breach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What is done when a part of the time to answer has passed and some have not answered."""

    percent: int
    """Of the time from receipt to the legal date: 1 to 100."""

    action: TierAction
    citation: str | None = None
    """The law or the policy that has it; none where it was written before it had one."""

    version: int = 1
    """Of the tiers as a whole: those of the newest version in force count, and no other."""

    in_force_from: date | None = None

    def fields(self) -> dict[str, Any]:
        """Return what the canonical form of rules has of it."""
        later = {} if self.citation is None else {"citation": self.citation}
        return {
            **version_fields(self),
            **later,
            "action": self.action.value,
            "percent": self.percent,
        }

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Tier:
        """Rebuild it.

        Raises:
            ValueError: The fields are no tier's; so do KeyError and TypeError.
        """
        _require_texts_or_none(fields.get("citation"))
        return cls(
            percent=int(fields["percent"]),
            action=TierAction(fields["action"]),
            citation=fields.get("citation"),
            **version_of(fields),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """The law of some jurisdictions, as far as dates go."""

    name: str
    title: str
    citation: str
    zone: str
    """The IANA zone of the establishment that answers under this law; its days are counted."""

    holidays: tuple[str, ...] = ()
    """Whose public holidays may count, sorted: a day is one only where all of them say so. Codes, and
    `requester` for the requester's jurisdiction, which stands alone where none is named."""

    jurisdictions: tuple[str, ...]
    """ISO 3166-1 or 3166-2 codes, sorted; a country means its subdivisions too."""

    rules: tuple[Rule, ...]
    """Sorted by name, version and rights."""

    tiers: tuple[Tier, ...]
    """Sorted by version and percent."""

    assurance: tuple[Assurance, ...] = ()
    """Where it must be surer than by any proof who asks."""

    authority: tuple[Authority, ...] = ()
    """What must be shown who asks for another person, a role each."""

    def __post_init__(self) -> None:
        """Sort, so that equal content is equal, and has an equal digest."""
        set_ = object.__setattr__
        set_(self, "jurisdictions", tuple(sorted(self.jurisdictions)))
        set_(self, "holidays", tuple(sorted(self.holidays)))
        rules = sorted(self.rules, key=lambda one: (one.name, one.version, one.rights))
        set_(self, "rules", tuple(rules))
        tiers = sorted(self.tiers, key=lambda one: (one.version, one.percent, one.action))
        set_(self, "tiers", tuple(tiers))

    def holidays_of(self, jurisdiction: str) -> tuple[str, ...]:
        """Return whose holidays may count for a person of a jurisdiction, each once."""
        codes = self.holidays or (REQUESTER,)
        return tuple(dict.fromkeys(jurisdiction if one == REQUESTER else one for one in codes))

    def authority_of(self, role: Role) -> Authority | None:
        """Return what somebody of a role must show; none where nothing is demanded."""
        return next((one for one in self.authority if one.role is role), None)

    def as_of(self, accepted_on: date) -> Regime:
        """Return it with the tiers, assurance and authority that were in force on a day of acceptance.

        They say how a request is handled, so the day is that on which it was taken in: that of receipt
        is stated by whoever submits it. Of the tiers the newest version counts as a whole, of assurance
        that for the same rights and categories, of authority that for the same role.
        """
        tiers = newest(self.tiers, accepted_on, lambda _: None)
        assurance = newest(self.assurance, accepted_on, lambda one: (one.rights, one.categories))
        authority = newest(self.authority, accepted_on, lambda one: one.role)
        found = (tiers, assurance, authority)
        if found == (self.tiers, self.assurance, self.authority):
            return self
        return replace(self, tiers=tiers, assurance=assurance, authority=authority)

    def in_force(self, right: Right, received_on: date) -> tuple[Rule, ...]:
        """Return the rules for a right that were in force on a day, the newest version of each."""
        newest: dict[str, Rule] = {}
        for rule in self.rules:
            if right in rule.rights and rule.in_force_from <= received_on:
                newest[rule.name] = rule
        return tuple(newest.values())


@dataclass(frozen=True, slots=True)
class Applicable:
    """The regime whose rules apply, and why it is that one."""

    regime: Regime
    why: str


@dataclass(frozen=True)
class Rules:
    """One version of all regimes, sorted by name."""

    regimes: tuple[Regime, ...]
    digest: str = field(init=False)
    """SHA-256 of the canonical form, in hexadecimal: the version's name."""

    def __post_init__(self) -> None:
        """Sort, so that equal content has an equal digest."""
        set_ = object.__setattr__
        set_(self, "regimes", tuple(sorted(self.regimes, key=lambda one: one.name)))
        set_(self, "digest", hashlib.sha256(self.canonical()).hexdigest())

    def regime(self, name: str) -> Regime | None:
        """Return a regime by name, or none."""
        return next((one for one in self.regimes if one.name == name), None)

    def applicable(
        self, jurisdiction: str, right: Right, received_on: Callable[[Regime], date]
    ) -> Applicable:
        """Say whose rules apply to a person of a jurisdiction; the local version prevails.

        A regime that names the subdivision goes before one that names its country, and either before
        the default. One that had no date to answer by when the request came in, for that right, is
        passed over.

        Args:
            jurisdiction: An ISO 3166-1 or 3166-2 code.
            right: What the person asked for.
            received_on: Gives the day of receipt in the zone of a regime, which may be another day
                than in the next regime's.
        """
        passed_over = ""
        for code in dict.fromkeys((jurisdiction, jurisdiction.partition("-")[0])):
            regime = self._by_jurisdiction.get(code)
            if regime is None:
                continue
            day = received_on(regime)
            if any(rule.name == RESPOND_BY for rule in regime.in_force(right, day)):
                return Applicable(regime, f"{passed_over}{regime.title} applies in {code}")
            passed_over += f"{regime.title} had no date for {right} on {day}; "
        why = passed_over or f"no regime names {jurisdiction}; "
        return Applicable(self._default, f"{why}the default applies")

    @cached_property
    def _by_jurisdiction(self) -> dict[str, Regime]:
        return {code: one for one in self.regimes for code in one.jurisdictions}

    @cached_property
    def _default(self) -> Regime:
        return next(one for one in self.regimes if one.name == DEFAULT)

    def canonical(self) -> bytes:
        """Return the canonical form: JSON with sorted keys, no white space, UTF-8."""
        content = [_regime_fields(one) for one in self.regimes]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @classmethod
    def from_canonical(cls, canonical: bytes) -> Rules:
        """Rebuild rules from their canonical form.

        Raises:
            ValueError: The bytes are not the canonical form of rules, or these have no default.
        """
        try:
            rules = cls(tuple(_regime(one) for one in json.loads(canonical)))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("not rules") from error
        if rules.canonical() != canonical:
            raise ValueError("not the canonical form")
        if rules.regime(DEFAULT) is None or len({one.name for one in rules.regimes}) != len(
            rules.regimes
        ):
            raise ValueError("each regime once, and one of them the default")
        return rules


def _regime_fields(one: Regime) -> dict[str, Any]:
    # What came later is left out where there is none of it: what was pinned before keeps its digest.
    later = {
        name: [each.fields() for each in rules]
        for name, rules in (("assurance", one.assurance), ("authority", one.authority))
        if rules
    }
    return {
        **later,
        "citation": one.citation,
        # One code is a text and none is null, as they were before there could be several.
        "holidays": list(one.holidays) if len(one.holidays) > 1 else next(iter(one.holidays), None),
        "jurisdictions": list(one.jurisdictions),
        "name": one.name,
        "rules": [_rule_fields(rule) for rule in one.rules],
        "tiers": [tier.fields() for tier in one.tiers],
        "title": one.title,
        "zone": one.zone,
    }


def _regime(fields: dict[str, Any]) -> Regime:
    _require_texts(fields["name"], fields["title"], fields["citation"], fields["zone"])
    _require_texts(*fields["jurisdictions"])
    holidays = fields["holidays"]
    several = holidays if isinstance(holidays, list) else [holidays] if holidays else []
    _require_texts(*several)
    return Regime(
        **{
            **fields,
            "jurisdictions": tuple(fields["jurisdictions"]),
            "holidays": tuple(several),
            "rules": tuple(_rule(one) for one in fields["rules"]),
            "assurance": tuple(Assurance.of_fields(one) for one in fields.get("assurance", ())),
            "authority": tuple(Authority.of_fields(one) for one in fields.get("authority", ())),
            "tiers": tuple(Tier.of_fields(one) for one in fields["tiers"]),
        }
    )


def _rule_fields(one: Rule) -> dict[str, Any]:
    extension = one.extension
    # As above: what came later is left out where there is none of it.
    later = {} if one.unanswered is None else {"unanswered": one.unanswered}
    return {
        **later,
        "citation": one.citation,
        "counts_from": one.counts_from.value,
        "extension": None
        if extension is None
        else {"citation": extension.citation, "term": str(extension.term)},
        "in_force_from": one.in_force_from.isoformat(),
        "moved_by": one.moved_by,
        "name": one.name,
        "pauses": one.pauses,
        "rights": [right.value for right in one.rights],
        "term": str(one.term),
        "version": one.version,
    }


def _rule(fields: dict[str, Any]) -> Rule:
    _require_texts(fields["name"], fields["citation"])
    _require_texts_or_none(fields["moved_by"], fields["pauses"], fields.get("unanswered"))
    if type(fields["version"]) is not int:
        raise TypeError("a version is a whole number")
    return Rule(
        **{
            **fields,
            "counts_from": FactKind(fields["counts_from"]),
            "extension": _extension(fields["extension"]),
            "in_force_from": date.fromisoformat(fields["in_force_from"]),
            "rights": tuple(Right(right) for right in fields["rights"]),
            "term": Term.parse(fields["term"]),
        }
    )


def _extension(fields: dict[str, Any] | None) -> Extension | None:
    if fields is None:
        return None
    _require_texts(fields["citation"])
    return Extension(term=Term.parse(fields["term"]), citation=fields["citation"])


def _require_texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a text is expected")


def _require_texts_or_none(*values: object) -> None:
    _require_texts(*(value for value in values if value is not None))
