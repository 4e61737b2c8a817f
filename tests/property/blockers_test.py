"""Blockers are minimal: without them a request closes, and while one is left it does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement, standing
from dsr_core.blockers import Blocker, BlockerKind, Decided, Hold, Owed, blockers
from dsr_core.closing import Closed, Obligation, closing
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition, Right
from support.builders import NOW, a_request_id
from support.strategies import answers_to_one

NAMES = ("billing", "crm", "mailer", "search")


def an_erasure(system_id: SystemId) -> Acknowledgement:
    return Acknowledgement(
        request_id=a_request_id(),
        system_id=system_id,
        right=Right.DELETION,
        disposition=Disposition.ERASED,
        sequence=9,
        answered_at=NOW,
    )


def closes(answers: dict[SystemId, list[Acknowledgement]]) -> bool:
    obligations = [Obligation(name, standing(given_)) for name, given_ in answers.items()]
    return isinstance(closing(len(answers), obligations), Closed)


def owed_of(answers: dict[SystemId, list[Acknowledgement]]) -> list[Owed]:
    standings = {name: standing(given_) for name, given_ in answers.items()}
    return [
        Owed(
            system_id=name,
            is_confirmed=one.is_confirmed,
            is_contradicted=one.is_contradicted,
            disposition=one.answer and one.answer.disposition,
        )
        for name, one in standings.items()
    ]


HOLDS = st.lists(
    st.builds(
        Hold,
        hold_id=st.sampled_from(["hold-1", "hold-2", "hold-3"]),
        authority=st.just("a court"),
        since=st.just(NOW),
        system_ids=st.frozensets(st.sampled_from([SystemId(one) for one in NAMES])),
    ),
    max_size=3,
    unique_by=lambda one: one.hold_id,
)
DECIDED = st.builds(
    Decided,
    holds=HOLDS.map(tuple),
    clarification_since=st.sampled_from([None, NOW]),
    stopping_since=st.sampled_from([None, NOW]),
)


class World:
    """What would follow, were some blockers gone: a system answers once nothing keeps it from it."""

    def __init__(
        self, answers: dict[SystemId, list[Acknowledgement]], decided: Decided, left: list[Blocker]
    ) -> None:
        self.kinds = {one.kind for one in left}
        self.systems = {one.system_id for one in left if one.system_id}
        self.holds = [
            one for one in decided.holds if one.hold_id in {each.hold_id for each in left}
        ]
        self.answers = answers

    def closes(self) -> bool:
        return closes(
            {
                name: given_ if self.is_kept(name, given_) else [*given_, an_erasure(name)]
                for name, given_ in self.answers.items()
            }
        )

    def is_kept(self, name: SystemId, given_: list[Acknowledgement]) -> bool:
        if name in self.systems or any(one.covers(name) for one in self.holds):
            return True
        one = standing(given_)
        has_failed = one.answer is not None and one.answer.disposition is Disposition.FAILED
        waits = not one.is_confirmed and not one.is_contradicted and not has_failed
        return waits and BlockerKind.CLARIFICATION_AWAITED in self.kinds


@given(st.fixed_dictionaries({SystemId(name): answers_to_one(name) for name in NAMES}), DECIDED)
def test_without_its_blockers_a_request_closes_and_with_one_of_them_it_does_not(
    answers: dict[SystemId, list[Acknowledgement]], decided: Decided
) -> None:
    found = [
        one
        for one in blockers(
            owed_of(answers),
            awaits_identity=False,
            accepted_at=NOW,
            opened_at=NOW,
            closed_at=None,
            answered_at=None,
            decided=decided,
        )
        if one.kind is not BlockerKind.NOT_ANSWERED
    ]
    assert World(answers, decided, []).closes()
    for left in found:
        assert not World(answers, decided, [left]).closes()
