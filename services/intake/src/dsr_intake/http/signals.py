"""Opt-out preference signals: what a visitor's browser asks for with every page.

A business has to take Global Privacy Control for an opt-out of sale and sharing, for the browser and
for the consumer where they are known (11 CCR 7025(b) and (c)(1)).
"""

from __future__ import annotations

from dataclasses import replace

from starlette.datastructures import Headers

from dsr_core.errors import RejectedInput
from dsr_core.rights import Right
from dsr_intake.http.openapi import parameter
from dsr_intake.model import Submission

__all__ = ["GPC", "signalled"]

_SIGNAL = "signal"
"""The channel of an opt-out that a browser asks for."""

GPC = parameter(
    "Sec-GPC",
    "header",
    "Global Privacy Control: `1` says that the visitor's browser asks for this opt-out (11 CCR 7025); "
    "anything else says nothing.",
    {"type": "string"},
)
"""How the header is documented."""


def signalled(sent: Submission, headers: Headers) -> Submission:
    """Return a submission as the signal in its headers makes it; as it is where there is none.

    The signal comes with every page, so nobody is told by letter unless the client wants it.

    Raises:
        RejectedInput: There is a signal, and something else is asked for: neither is lost in silence.
    """
    if headers.get("sec-gpc") != "1":
        return sent
    if sent.right is not Right.OPT_OUT:
        detail = "Sec-GPC asks for an opt-out: send that by itself, with the right opt_out"
        raise RejectedInput("signal_asks_opt_out", detail, field="right")
    letters = False if sent.letters is None else sent.letters
    return replace(sent, channel=_SIGNAL, letters=letters)
