"""A certificate as it comes about: systems that sign, people who decide, a log that grows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.closing import Closed, Obligation, Outcome, closing
from dsr_core.ids import CohortId, RequestId, SystemId
from dsr_core.plan import Scope
from dsr_core.registry import Registry, System
from dsr_core.rights import Disposition, Right
from dsr_wire import merkle
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.form import Certificate, LogEntry, SignedAnswer
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.statement import StatedAnswer, StatedObligation, Statement
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    amendment_to_wire,
)
from dsr_wire.codec.decisions import ObligationSettled
from dsr_wire.keys import SystemKeyPair
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteSigner, sign_note
from dsr_wire.signing import sign
from dsr_wire.terms import owing, stands
from support.builders import NOW, a_registry, a_request_id, an_acknowledgement, an_amendment, days

ORIGIN = "log.example.com/dsr"
RECEIVED_AT = NOW + days(2)
CLOSED_AT = NOW + days(3)


@dataclass
class Office:
    """Everybody whose keys a certificate is checked against."""

    log: NoteSigner = field(default_factory=lambda: NoteSigner.generate(ORIGIN))
    witness: NoteSigner = field(default_factory=lambda: NoteSigner.generate("witness.example.org"))
    registry: Registry = field(default_factory=a_registry)
    systems: dict[str, SystemKeyPair] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every system its keys."""
        for one in self.registry.systems:
            self.systems.setdefault(one.id, SystemKeyPair.generate(one.id))

    @property
    def keys(self) -> PublishedKeys:
        """The published keys."""
        return PublishedKeys.of(
            (one.public for one in self.systems.values()),
            log=[self.log.public],
            witnesses=[self.witness.cosigning],
        )

    def shown(
        self, answers: Sequence[Acknowledgement], *, neighbours: int = 4
    ) -> list[SignedAnswer]:
        """Answers of one system, signed in one batch with answers to other requests before them."""
        others = [
            an_acknowledgement(system_id=answers[0].system_id, request_id=a_request_id(50 + number))
            for number in range(neighbours)
        ]
        message = sign([*others, *answers], self.systems[answers[0].system_id])
        hashes = [merkle.leaf_hash(one) for one in message.acknowledgements]
        return [
            SignedAnswer(
                answer=message.acknowledgements[place],
                index=place,
                size=len(hashes),
                path=merkle.path(hashes, place),
                key_id=message.key_id,
                signature=message.signature,
            )
            for place in range(neighbours, len(hashes))
        ]

    def logged(
        self, statement: Statement, *, before: int = 3, after: int = 2, is_witnessed: bool = True
    ) -> LogEntry:
        """The statement's place in a log that has other leaves before and after it."""
        leaf = Leaf(Kind.CLOSURE, statement.digest.hex(), CLOSED_AT)
        others = [
            Leaf(Kind.REGISTRY, hashlib.sha256(b"%d" % one).hexdigest(), NOW)
            for one in range(before + after)
        ]
        leaves = [*others[:before], leaf, *others[before:]]
        hashes = [one.hash() for one in leaves]
        text = Checkpoint(ORIGIN, len(hashes), merkle.root(hashes)).text()
        cosigned = [self.witness.cosign(text, stamp=1_800_000_000)] if is_witnessed else []
        return LogEntry(
            leaf=leaf,
            index=before,
            proof=merkle.path(hashes, before),
            checkpoint=sign_note(text, [self.log], cosigned),
        )


def a_certificate(
    office: Office,
    *,
    answers: dict[str, list[Acknowledgement]],
    amendments: Sequence[Amendment] = (),
    received_at: datetime = RECEIVED_AT,
    stopping: Outcome | None = None,
    opened: Sequence[str] | None = None,
    is_witnessed: bool = True,
    scope: Scope | None = None,
    planned_from: str | None = None,
    gone: Iterable[System] = (),
) -> Certificate:
    """The certificate of a request that these answers and amendments close.

    It asks for those who had to answer by name, and by the registry of the closing, unless told otherwise;
    who had to and is not in that registry any more is named as gone.
    """
    shown = {system: office.shown(given) if given else [] for system, given in answers.items()}
    owners = {one.id: one.organisation_id for one in (*gone, *office.registry.systems)}
    messages = [amendment_to_wire(one).SerializeToString(deterministic=True) for one in amendments]
    dates = [one.change.due_at for one in amendments if isinstance(one.change, DueDateMoved)]
    left = [one for one in amendments if isinstance(one.change, LeftCohort)]
    request_id = RequestId(a_request_id())
    home = amendments[0].cohort_id if amendments else CohortId(request_id)
    asked = {SystemId(one): owners[SystemId(one)] for one in opened or answers}
    said = Asked(
        received_at=NOW,
        registry_digest=planned_from or office.registry.digest,
        scope=scope or Scope(system_ids=tuple(sorted(asked))),
    )
    owed = owing(asked, amendments)
    obligations = [
        Obligation(
            SystemId(system),
            stands(
                owed,
                amendments,
                SystemId(system),
                given,
                right=Right.DELETION,
                stopping=stopping is not None,
            ),
        )
        for system, given in answers.items()
    ]
    closed = closing(len(obligations), obligations, stopping=stopping)
    assert isinstance(closed, Closed)
    statement = Statement(
        request_id=request_id,
        right=Right.DELETION,
        regime="gdpr",
        home_cohort_id=home,
        cohort_id=CohortId(request_id) if left else home,
        registry_digest=office.registry.digest,
        rules_digest="5f" * 32,
        opened_at=NOW,
        due_at=dates[-1] if dates else NOW + days(30),
        closed_at=CLOSED_AT,
        outcome=closed.outcome,
        stopping=stopping,
        expected=len(obligations),
        evidence_digest=closed.evidence_digest,
        opened=asked if amendments else None,
        obligations=tuple(
            StatedObligation(
                system_id=SystemId(system),
                organisation_id=owners[SystemId(system)],
                answers=tuple(
                    StatedAnswer(merkle.leaf_hash(one.answer), received_at) for one in given
                ),
            )
            for system, given in sorted(shown.items())
        ),
        amendments=tuple(hashlib.sha256(one).digest() for one in messages),
        asked=said,
    )
    return Certificate(
        statement=statement,
        answers=tuple(one for _, given in sorted(shown.items()) for one in given),
        amendments=tuple(messages),
        log=office.logged(statement, is_witnessed=is_witnessed),
    )


def a_full_certificate(office: Office) -> Certificate:
    """A certificate with everything in it: tries, exemptions, amendments, and an answer by two people."""
    request_id = a_request_id()
    home = CohortId(a_request_id(900))

    def says(disposition: Disposition, system: str, sequence: int = 1) -> Acknowledgement:
        return an_acknowledgement(
            disposition, request_id=request_id, system_id=SystemId(system), sequence=sequence
        )

    settled = ObligationSettled(
        system_id=SystemId("billing"),
        disposition=Disposition.ERASED,
        proposed_by="operator-a",
        approved_by="operator-b",
        reason="the machine was scrapped",
    )
    changes: tuple[Change, ...] = (
        LeftCohort(CohortId(request_id)),
        DueDateMoved(NOW + days(60)),
        settled,
    )
    return a_certificate(
        office,
        answers={
            "billing": [says(Disposition.FAILED, "billing")],
            "crm": [says(Disposition.IN_PROGRESS, "crm"), says(Disposition.ERASED, "crm", 2)],
            "mailer": [says(Disposition.PARTIALLY_EXEMPT, "mailer")],
        },
        amendments=[
            an_amendment(
                change,
                request_id=request_id,
                cohort_id=home,
                revision=revision,
                effective_at=NOW + days(1),
            )
            for revision, change in enumerate(changes, 1)
        ],
    )
