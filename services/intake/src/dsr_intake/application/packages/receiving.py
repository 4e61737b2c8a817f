"""Receiving: which API clients may have packages at their callbacks."""

from __future__ import annotations

from dsr_core.errors import RejectedInput
from dsr_intake.model.hand_overs import Receiver

__all__ = ["lacking"]


def lacking(found: Receiver) -> RejectedInput | None:
    """Return what a client lacks to have packages at its callback, and what to do; none where it can.

    What is so when a part is sent decides; this tells whoever asks for it early.
    """
    if found.recipient is None:
        detail = (
            "this client may have no packages at its callback: the privacy office allows it, with"
            " the public key of age that they are encrypted to (dsr client receive)"
        )
        return RejectedInput("hand_over_not_allowed", detail, field="hand_over")
    if not found.has_webhook:
        detail = "this client has no webhook that works: set one first (PUT /v1/webhook)"
        return RejectedInput("no_webhook", detail, field="hand_over")
    return None
