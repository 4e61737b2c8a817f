"""The durable writes of what happens to a request beside its way round: decisions, proofs, letters, reviews.

What they lead to goes by the loop's own writes.
"""

from __future__ import annotations

from support.crash_writes import FANOUT, INTAKE, VERIFIER, Boundary, Write

__all__ = ["AMENDING", "DEFERRING", "LAW", "SETTING_APART"]

SETTING_APART = (
    Write(
        "decide",
        3,
        FANOUT,
        (Boundary("call", "start_workflow CohortWorkflow decided"),),
        before="the command, not committed; it is read again",
        after="the decision, in its workflow; signalled again, it changes nothing",
    ),
    Write(
        "amend",
        4,
        FANOUT,
        (Boundary("send", "dsr.obligations.v1 dsr.v1.ObligationsAmended"),),
        before="the decision, in its workflow; the step is tried again",
        after="at least one amendment, and no notice; all are sent again under the same ids",
    ),
)
"""Those of a request that a person's decision sets apart."""

AMENDING = (
    Write(
        "amend.recorded",
        7,
        VERIFIER,
        (Boundary("commit", "insert into verifier.amendments"),),
        before="the amendment's record, not committed; it is read again",
        after="the amendment and all that follows from it; read again, it changes nothing",
    ),
    Write(
        "amend.recorded-offset",
        7,
        VERIFIER,
        (Boundary("offset", "dsr.obligations.v1"),),
        before="the amendment and all that follows from it; read again, it changes nothing",
        after="everything of this step",
    ),
)
"""Those of the ledger, when such a decision changes what is owed."""

_DECIDING = (
    Write(
        "decision",
        1,
        INTAKE,
        (Boundary("commit", "insert into intake.decisions"),),
        before="nothing; whoever decided saw no answer, and decides again",
        after="the decision with its command; deciding again is refused",
    ),
    Write(
        "decision.command",
        2,
        INTAKE,
        (Boundary("send", "dsr.commands.v1"),),
        before="the outbox row; the relay of the next process publishes it",
        after="the command and the row; published again, its revision was taken",
    ),
    Write(
        "decision.offset",
        3,
        FANOUT,
        (Boundary("offset", "dsr.commands.v1"),),
        before="the signal, in Temporal; the command is read again and changes nothing",
        after="the signal and the offset",
    ),
    Write(
        "settle.propose",
        1,
        INTAKE,
        (Boundary("commit", "insert into intake.settlements"),),
        before="nothing; it is proposed again",
        after="a proposal, which changes nothing until another person approves it",
    ),
)

_HOLDING = (
    Write(
        "hold.place",
        1,
        INTAKE,
        (Boundary("commit", "insert into intake.holds"),),
        before="nothing; it is placed again",
        after="the hold and whom it covers; the next process carries it out, and the key stands for it",
    ),
    Write(
        "hold.lift",
        1,
        INTAKE,
        (Boundary("commit", "update intake.holds set lifted_at"),),
        before="the hold; it is lifted again",
        after="a hold that is over; the next process lets erasure go on",
    ),
    Write(
        "hold.drop",
        1,
        INTAKE,
        (Boundary("commit", "update intake.held_requests r set lifted_at"),),
        before="a hold that is over, and still covers a request that nobody was asked for",
        after="a request that nothing holds",
    ),
)

_PROVING = (
    Write(
        "code.issue",
        4,
        INTAKE,
        (Boundary("commit", "insert into intake.identity_codes"),),
        before="nothing; the person asks again",
        after="the code and its letter; asked again at once, no other is made",
    ),
    Write(
        "code.try",
        4,
        INTAKE,
        (Boundary("commit", "update intake.identity_codes set tries"),),
        before="no try is counted; the person gives the code again",
        after="a try is counted; the code is as good as before",
    ),
    Write(
        "prove",
        4,
        INTAKE,
        (Boundary("commit", "identity_method = $3"),),
        before="a counted try; the code is not used",
        after="the proof, the used code and the command; the code is taken by nobody again",
    ),
    Write(
        "prove.signal",
        4,
        FANOUT,
        (Boundary("call", "signal identity_verified"),),
        before="the command, not committed; it is read again",
        after="the proof, in its workflow; signalled again, it changes nothing",
    ),
)

_TELLING = (
    Write(
        "letter.claim",
        8,
        INTAKE,
        (Boundary("commit", "update intake.letters l set tries"),),
        before="a letter that waits",
        after="a letter that is leased; when that is over, another process has it",
    ),
    Write(
        "letter.mail",
        8,
        INTAKE,
        (Boundary("mail", "sendmail"),),
        before="a leased letter; it is sent when the lease is over",
        after="a message that is sent and not recorded; the same is sent again",
    ),
    Write(
        "letter.record",
        8,
        INTAKE,
        (Boundary("commit", "update intake.letters set state"),),
        before="a message that is sent and not recorded; the same is sent again",
        after="the letter is recorded, and a request that waited for it answered",
    ),
    Write(
        "letter.later",
        8,
        INTAKE,
        (Boundary("commit", "update intake.letters set next_try_at"),),
        before="a leased letter; it is tried again when the lease is over",
        after="a letter that is tried again after a pause",
    ),
)

DEFERRING = (
    Write(
        "defer",
        8,
        INTAKE,
        (Boundary("commit", "insert into intake.deferred_notices"),),
        before="the closure's record, not committed; it is read again, and chance is asked anew",
        after="the answer, with its deferred notices, and the key gone; the record changes nothing",
    ),
    Write(
        "follow",
        8,
        INTAKE,
        (Boundary("commit", "update intake.deferred_notices set opened_at"),),
        before="the deferred notice; it is still due",
        after="the request that follows and its outbox row; the notice opens no other",
    ),
)
"""Those of what is asked again long after the closing: reviews, and looks whether it is still gone."""

_REPLANNING = (
    Write(
        "replan.start",
        3,
        FANOUT,
        (Boundary("call", "start_workflow ReplanWorkflow"),),
        before="the published version; the next process sees it",
        after="the workflow that tells of it; it is not started again",
    ),
    Write(
        "replan.tell",
        3,
        FANOUT,
        (Boundary("call", "signal replan"),),
        before="the workflow that tells of it; the step is tried again",
        after="some cohorts know; told again, they look once",
    ),
)

LAW = (*_DECIDING, *_HOLDING, *_PROVING, *_TELLING, *_REPLANNING)
"""What people decide and prove, what they are told, and what the registry changes."""
