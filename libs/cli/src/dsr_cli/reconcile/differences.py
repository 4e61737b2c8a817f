"""What can differ between what Kafka has and what PostgreSQL says, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MENDED", "Difference", "Kind", "by_kind"]


class Kind(StrEnum):
    """One sort of difference."""

    REQUEST_FORGOTTEN = "request_forgotten"
    """It was accepted and told of, and intake does not know it."""

    IDENTITY_LOST = "identity_lost"
    """It is open, and its identity is nowhere: that was in PostgreSQL alone."""

    ANSWER_FORGOTTEN = "answer_forgotten"
    """It was answered, and is not by the database; a destroyed key may be back."""

    OPENING_FORGOTTEN = "opening_forgotten"
    """It was opened, and waits again by the database."""

    DECISION_FORGOTTEN = "decision_forgotten"
    """It stood elsewhere by a person's decision."""

    CLOSURE_UNREAD = "closure_unread"
    """Intake has read past a closure that its database lacks."""

    CLOSURE_FORGOTTEN = "closure_forgotten"
    """The verifier told of a closure that its database lacks."""

    OBLIGATIONS_UNREAD = "obligations_unread"
    """The verifier has read past obligations, or what changed them, that its database lacks."""

    ACKNOWLEDGEMENT_UNREAD = "acknowledgement_unread"
    """The verifier has read past an answer that its database lacks."""

    AUDIT_UNREAD = "audit_unread"
    """The verifier has read past an audit entry that its log lacks."""

    COPY_UNREAD = "copy_unread"
    """The verifier has read past that a copy is settled, which its database lacks."""

    LINKS_UNREAD = "links_unread"
    """Intake has read past what a system found out that its database lacks."""

    WORKFLOW_MISSING = "workflow_missing"
    """A cohort is open, fanout has read past what starts its workflow, and Temporal has none."""

    WORKFLOW_ENDED = "workflow_ended"
    """A cohort is open, and its workflow has ended: terminated, cancelled or failed."""

    OUTBOX_SENT = "outbox_sent"
    """It waits to be sent, and Kafka has it."""

    LOG_BEHIND = "log_behind"
    """More leaves of the transparency log were published than the database has."""


MENDED: dict[Kind, str] = {
    Kind.REQUEST_FORGOTTEN: "entered anew from its record, without identity",
    Kind.IDENTITY_LOST: "",
    Kind.ANSWER_FORGOTTEN: "set as answered; its key destroyed again",
    Kind.OPENING_FORGOTTEN: "set as open",
    Kind.DECISION_FORGOTTEN: "",
    Kind.CLOSURE_UNREAD: "intake reads it again",
    Kind.CLOSURE_FORGOTTEN: "kept, with its time, and not told again once its answers are read",
    Kind.OBLIGATIONS_UNREAD: "the verifier reads them again",
    Kind.ACKNOWLEDGEMENT_UNREAD: "the verifier reads it again",
    Kind.AUDIT_UNREAD: "the verifier reads it again",
    Kind.COPY_UNREAD: "the verifier reads it again",
    Kind.LINKS_UNREAD: "intake reads it again",
    Kind.WORKFLOW_MISSING: "fanout reads what starts it again",
    Kind.WORKFLOW_ENDED: "it goes on from its last workflow task",
    Kind.OUTBOX_SENT: "taken out of the outbox",
    Kind.LOG_BEHIND: "",
}
"""What mends each; empty where a person has to decide."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference."""

    kind: Kind
    id: str
    """A request's id, or where in Kafka or PostgreSQL."""

    detail: str = ""
    obstacle: str = ""
    """Why it was not mended; empty where that was not tried, or it was."""

    @property
    def is_mended(self) -> bool:
        """Whether the command can mend it."""
        return bool(MENDED[self.kind]) and not self.obstacle


def by_kind(found: Iterable[Difference]) -> dict[Kind, list[Difference]]:
    """Return differences by their kinds, those that are mended first come as the kinds do."""
    groups: dict[Kind, list[Difference]] = {kind: [] for kind in Kind}
    for one in found:
        groups[one.kind].append(one)
    return {kind: those for kind, those in groups.items() if those}
