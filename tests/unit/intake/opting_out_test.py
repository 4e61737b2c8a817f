"""Opt-outs: nobody is asked who they are, and a browser's signal is one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.datastructures import Headers

from dsr_cli.rules import load_rules
from dsr_core.errors import RejectedInput
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.application.drafting import Drafter
from dsr_intake.http.signals import signalled
from dsr_intake.http.submission import parse_single
from dsr_intake.model import Draft, LegalHold, Submission
from support import intake_fakes
from support.builders import a_system, an_organisation
from support.submissions import a_submission

RULES = Path(__file__).parents[3] / "rules"
GROUP = Registry((an_organisation(),), (a_system(rights=(Right.DELETION, Right.OPT_OUT)),))
AGENT = {"role": "authorised_agent", "authority": {"kind": "signed_permission", "reference": "a-1"}}


def submitted(**changes: Any) -> Submission:
    body = a_submission(right="opt_out", identity_attested=False, **changes)
    return parse_single(orjson.dumps(body), idempotency_key=None)


def drafted(drafter: Drafter | None = None, **changes: Any) -> Draft:
    return (drafter or intake_fakes.a_drafter(GROUP)).draft(submitted(**changes), client_id="mine")


def test_nobody_is_asked_to_prove_who_asks() -> None:
    draft = drafted()
    assert draft.submission.is_attested
    assert draft.dates.verify_identity_by is None


def test_an_agent_shows_a_permission_and_the_person_proves_nothing() -> None:
    drafter = intake_fakes.a_drafter(GROUP, load_rules(RULES))
    assert drafted(drafter, requester=AGENT, jurisdiction="US-CA").submission.is_attested
    alone = {"role": "authorised_agent"}
    without = drafted(drafter, requester=alone, jurisdiction="US-CA").submission
    assert (without.awaits_authority, without.attested_once_shown) == (True, True)
    assert not without.is_attested


@pytest.mark.parametrize(
    ("jurisdiction", "due"), [("US-CA", date(2026, 3, 24)), ("DE", date(2026, 4, 2))]
)
def test_its_clock_is_its_own(jurisdiction: str, due: date) -> None:
    drafter = intake_fakes.a_drafter(GROUP, load_rules(RULES))
    draft = drafted(drafter, jurisdiction=jurisdiction)
    assert draft.dates.due_at.date() == due  # in UTC: the evening before in California


def test_no_hold_stands_before_it() -> None:
    asked: list[object] = []

    def covering(hashes: object) -> tuple[LegalHold, ...]:
        asked.append(hashes)
        return ()

    drafter = intake_fakes.a_drafter(GROUP, covering=covering)
    assert drafted(drafter).beginning is None
    assert asked == []


def test_a_signal_is_an_opt_out_that_is_answered_without_a_letter() -> None:
    sent = signalled(submitted(), Headers({"Sec-GPC": "1"}))
    assert (sent.channel, sent.letters) == ("signal", False)
    assert signalled(submitted(letters=True), Headers({"sec-gpc": "1"})).letters is True


@pytest.mark.parametrize("headers", [{}, {"sec-gpc": "0"}, {"dnt": "1"}])
def test_without_a_signal_a_submission_is_as_it_was_sent(headers: dict[str, str]) -> None:
    sent = submitted()
    assert signalled(sent, Headers(headers)) is sent


def test_a_signal_with_another_right_is_refused_so_that_neither_is_lost() -> None:
    sent = parse_single(orjson.dumps(a_submission()), idempotency_key=None)
    with pytest.raises(RejectedInput) as raised:
        signalled(sent, Headers({"sec-gpc": "1"}))
    assert (raised.value.reason, raised.value.field) == ("signal_asks_opt_out", "right")
