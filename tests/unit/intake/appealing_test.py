"""Appeals: by which date they are decided, and until when they can be made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import cast

import orjson
import pytest
from prometheus_client import CollectorRegistry

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.law.calendars import Term
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.rules import ALL_RIGHTS, ANSWER_APPEAL_BY, APPEAL_BY, Rule, Rules
from dsr_core.lifecycle import State
from dsr_intake.application.accepting import AppealAcceptor
from dsr_intake.application.appealing import Appealing
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding
from dsr_intake.http.submission import parse_line, parse_single
from dsr_intake.metrics import Metrics
from dsr_intake.model import FollowsWhy, RequestView, Verdict
from dsr_intake.model.principals import Sight
from dsr_intake.ports import AppealStore, ReadStore
from dsr_runtime.http.problems import Problem
from support.builders import NOW, a_regime, a_registry, a_request_id, days, the_rules
from support.intake_fakes import (
    FakeAcceptance,
    FakeDecisions,
    FakeRegistryView,
    FakeWrapper,
    a_drafter,
    a_request_view,
    no_holidays,
)
from support.submissions import a_submission

DATING = Dating(no_holidays)


def a_rule(name: str, counts_from: FactKind, term: str) -> Rule:
    return Rule(
        name=name,
        version=1,
        in_force_from=date(1900, 1, 1),
        rights=ALL_RIGHTS,
        counts_from=counts_from,
        term=Term.parse(term),
        citation="an example",
    )


def rules_with(*more: Rule) -> Rules:
    regime = a_regime()
    return the_rules(replace(regime, rules=(*regime.rules, *more)))


APPEALS = a_rule(ANSWER_APPEAL_BY, FactKind.APPEALED, "60 days")
LIMITED = rules_with(APPEALS, a_rule(APPEAL_BY, FactKind.REFUSED, "30 days"))


def refused(at: datetime, rules: Rules) -> RequestView:
    return a_request_view(
        state=State.ANSWERED,
        outcome="refused",
        closed_at=at,
        answered_at=at,
        received_at=at,
        rules_digest=rules.digest,
    )


class _Reads:
    def __init__(self, one: RequestView) -> None:
        self._one = one

    async def get(self, sight: Sight, request_id: str) -> RequestView | None:
        del sight, request_id
        return self._one

    async def lookup_hashes(self, request_id: str) -> frozenset[bytes]:
        del request_id
        sent = parse_single(orjson.dumps(a_submission()), idempotency_key=None)
        draft = a_drafter(a_registry()).draft(sent, client_id="web")
        return frozenset(draft.lookup_hashes)


async def appeal(one: RequestView, rules: Rules) -> Verdict | None:
    registry, metrics = FakeRegistryView(a_registry(), rules), Metrics(CollectorRegistry())
    reads = _Reads(one)
    appealing = Appealing(
        reads=cast(ReadStore, reads),
        appeals=cast(AppealStore, reads),
        decisions=FakeDecisions(),
        deciding=cast(Deciding, None),  # nothing is granted here
        drafter=a_drafter(a_registry(), rules),
        acceptor=AppealAcceptor(
            store=FakeAcceptance(),
            wrapper=FakeWrapper(),
            metrics=metrics,
            on_committed=lambda: None,
        ),
        registry=registry,
        dating=DATING,
        clock=lambda: NOW,
    )
    body = orjson.dumps(a_submission(appeal_of=a_request_id()))
    sent = parse_single(body, idempotency_key=None)
    return await appealing.submit(sent, client_id="web", traceparent=None)


def test_an_appeal_is_due_by_the_date_for_its_answer_and_has_no_other() -> None:
    rules = rules_with(APPEALS)
    dates = DATING.appeal(rules, refused(NOW - days(90), rules), at=NOW, accepted_at=NOW)
    assert dates.due_at.date() == (NOW + days(60)).date()
    one = a_request_view(
        follows=a_request_id(2),
        follows_why=FollowsWhy.APPEAL,
        facts=(Fact(FactKind.APPEALED, NOW),),
        rules_digest=rules.digest,
    )
    timeline = DATING.timeline(DATING.regime(rules, one), one)
    assert [entry.name for entry in timeline.entries] == [ANSWER_APPEAL_BY]
    assert timeline.respond_by == dates.due_at


def test_where_the_law_knows_no_appeal_there_is_none() -> None:
    with pytest.raises(RuleViolation, match="no_appeal"):
        DATING.appeal(the_rules(), refused(NOW, the_rules()), at=NOW, accepted_at=NOW)


async def test_after_the_rules_date_for_it_an_appeal_is_too_late() -> None:
    with pytest.raises(RuleViolation, match="appeal_too_late"):
        await appeal(refused(NOW - days(32), LIMITED), LIMITED)


@pytest.mark.parametrize("rules", [LIMITED, rules_with(APPEALS)])
async def test_before_it_or_without_one_an_appeal_is_taken(rules: Rules) -> None:
    assert await appeal(refused(NOW - days(29), rules), rules) is not None


async def test_without_a_date_for_it_an_appeal_is_never_too_late() -> None:
    rules = rules_with(APPEALS)
    assert await appeal(refused(NOW - days(3650), rules), rules) is not None


async def test_an_appeal_before_the_end_of_what_it_is_against_is_refused() -> None:
    one = replace(refused(NOW, LIMITED), closed_at=NOW + timedelta(minutes=1))
    with pytest.raises(RejectedInput, match="received_too_early"):
        await appeal(one, LIMITED)


def test_what_is_no_appeal_has_the_content_that_it_always_had() -> None:
    plain = parse_single(orjson.dumps(a_submission()), idempotency_key=None)
    appealed = parse_single(
        orjson.dumps(a_submission(appeal_of=a_request_id())), idempotency_key=None
    )
    assert b"appeal_of" not in plain.content
    assert b"appeal_of" in appealed.content


def test_a_line_of_a_batch_is_no_appeal() -> None:
    line = a_submission(idempotency_key="1", appeal_of=a_request_id())
    with pytest.raises(Problem):
        parse_line(orjson.dumps(line))
