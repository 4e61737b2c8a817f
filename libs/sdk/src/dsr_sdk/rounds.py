"""What one round of processing holds: obligations at hand, answers on their way. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.rights import Right
from dsr_sdk.access.exporting import Terms
from dsr_sdk.acknowledging import Signable
from dsr_sdk.answers import Answer
from dsr_sdk.deciding import effect_may_stand
from dsr_sdk.finding import with_links
from dsr_sdk.obligations import ObligationKey, SealedObligation
from dsr_sdk.outcomes import Outcome, OutcomeState
from dsr_sdk.recording import outcome_of, still_asked, suspended
from dsr_sdk.requests import (
    AccessRequest,
    CorrectionRequest,
    DeletionRequest,
    ObjectionRequest,
    OptOutRequest,
    PortabilityRequest,
    Report,
    RestrictionRequest,
    SystemRequest,
)
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.keys import SystemKeyPair
from dsr_wire.sealing import Addressed, Opener

__all__ = [
    "Identities",
    "InHand",
    "Round",
    "later_outcome",
    "request_for",
    "sealed_obligation",
    "signable",
]

_REQUESTS: dict[Right, type[SystemRequest]] = {
    Right.DELETION: DeletionRequest,
    Right.ACCESS: AccessRequest,
    Right.CORRECTION: CorrectionRequest,
    Right.OPT_OUT: OptOutRequest,
    Right.RESTRICTION: RestrictionRequest,
    Right.OBJECTION: ObjectionRequest,
    Right.PORTABILITY: PortabilityRequest,
}
"""What the handlers of a right are asked with; those of any other with `SystemRequest` itself."""


@dataclass(slots=True)
class InHand:
    """An obligation between its decision and its outcome."""

    obligation: SealedObligation
    sequence: int = 0
    """The number of the last answer so far."""

    effect_may_stand: bool = False
    """The handler was asked before, and no answer says what came of it."""

    looks: bool = False
    """Whether the handler that looks is asked, which changes nothing."""

    stored: Outcome | None = None
    """What was known of it before; none at its first notice."""

    request: SystemRequest | None = None
    """What the handler is asked; none where it is not asked."""

    terms: Terms = field(default_factory=Terms)
    """How is handed over; for access."""

    link_key: bytes = b""
    """What links are sealed to; empty where this system may tell of none."""

    is_settled: bool = False
    """`Subscriber.answer` has confirmed it while the handler still ran."""

    def naming_nobody(self, acknowledgement: Acknowledgement) -> Acknowledgement:
        """Return an answer whose text holds no value of the person that was asked about.

        Raises:
            RejectedInput: It does: texts travel and are kept in the clear.
        """
        if self.request is not None:
            grounds = (
                text for one in acknowledgement.exemptions for text in (one.ground, *one.categories)
            )
            if self.request.identity.is_named_in(acknowledgement.reason, *grounds):
                detail = "its reason or ground holds an identifier of the person, which stays in the clear"
                raise RejectedInput("identity_in_text", detail)
        return acknowledgement

    def with_links(self, acknowledgement: Acknowledgement) -> Acknowledgement:
        """Return an answer with what its handler has found out besides."""
        links = self.request.links if self.request is not None else ()
        return with_links(acknowledgement, links, link_key=self.link_key)


@dataclass(slots=True)
class Round:
    """What is to be asked, what has been answered, and what is to be sent."""

    is_retry: bool
    to_send: list[Signable] = field(default_factory=list)
    asks: dict[ObligationKey, InHand] = field(default_factory=dict)
    results: list[tuple[InHand, Answer | Exception, OutcomeState | None]] = field(
        default_factory=list
    )
    """Not stored yet. Handlers' threads append here."""

    faults: dict[int, RejectedInput] = field(default_factory=dict)
    """Identities that could not be opened, by their position in what was given."""

    def send_again(self, outcome: Outcome) -> None:
        """Have an answer sent as it is stored; nothing where there is none yet."""
        if outcome.sequence:
            self.to_send.append(signable(outcome))


def signable(outcome: Outcome) -> Signable:
    """Return the answer as it is stored."""
    stored = outcome.acknowledgement
    return acknowledgement_from_bytes(stored), len(stored)


class Identities:
    """Opens what was sealed for this system; the content key of a notice once for all it holds."""

    def __init__(self, keys: SystemKeyPair) -> None:
        self._keys = keys
        self._openers: dict[tuple[bytes, Right], Opener] = {}

    def of(self, obligation: SealedObligation) -> Addressed:
        """Return whom an obligation is about, and what came along with that.

        Raises:
            RejectedInput: It was sealed for another place or key, or was changed.
        """
        sealed_key, right = obligation.system.sealed_key, obligation.notice.right
        opener = self._openers.get((sealed_key, right))
        if opener is None:
            key = self._keys.opening(obligation.system.key_id)
            opener = Opener(sealed_key, system_id=self._keys.system_id, right=right, key=key)
            self._openers[sealed_key, right] = opener
        sealed = obligation.identity
        return opener.open_addressed(sealed.sealed, request_id=sealed.request_id)


def request_for(in_hand: InHand, addressed: Addressed, report: Report) -> SystemRequest:
    """Make what the handler is asked."""
    notice = in_hand.obligation.notice
    made = _REQUESTS.get(notice.right, SystemRequest)(
        in_hand.obligation.identity.request_id,
        notice.right,
        addressed.identity,
        notice.scope,
        notice.due_at,
        notice.reminder,
        in_hand.sequence + 1,
        in_hand.effect_may_stand,
        notice.held_before,
        report,
    )
    if isinstance(made, CorrectionRequest):
        wanted = addressed.rectification
        return replace(made, corrections=wanted.corrections, statement=wanted.statement)
    return made


def later_outcome(
    acknowledgement: Acknowledgement, stored: Outcome, in_hand: InHand | None
) -> Outcome:
    """Make what is stored of an answer from outside a handler's return."""
    sealed = sealed_obligation(stored, in_hand)
    is_stopped = stored.state is OutcomeState.STOPPED
    outcome = outcome_of(
        acknowledgement,
        notice_id=stored.notice_id,
        revision=in_hand.obligation.notice.revision if in_hand else stored.revision,
        state=OutcomeState.STOPPED if is_stopped else None,
        sealed_obligation=sealed,
        unsent=True,
        effect_may_stand=effect_may_stand(stored) and not is_stopped,
    )
    if in_hand is not None and not acknowledgement.confirms:
        return still_asked(outcome, stored)
    if in_hand is None and stored.is_suspended:
        return suspended(outcome)
    return outcome


def sealed_obligation(stored: Outcome, in_hand: InHand | None) -> bytes:
    """Return what is needed to ask again; empty where nothing of it is known any more."""
    return stored.sealed_obligation or (in_hand.obligation.to_bytes() if in_hand else b"")
