"""Blockers are minimal: without them a request closes, and while one is left it does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement, standing
from dsr_core.blockers import Owed, blockers
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


@given(st.fixed_dictionaries({SystemId(name): answers_to_one(name) for name in NAMES}))
def test_without_its_blockers_a_request_closes_and_with_one_of_them_it_does_not(
    answers: dict[SystemId, list[Acknowledgement]],
) -> None:
    standings = {name: standing(given_) for name, given_ in answers.items()}
    found = blockers(
        [
            Owed(
                system_id=name,
                is_confirmed=one.is_confirmed,
                is_contradicted=one.is_contradicted,
                disposition=one.answer and one.answer.disposition,
            )
            for name, one in standings.items()
        ],
        awaits_identity=False,
        accepted_at=NOW,
        opened_at=NOW,
        closed_at=None,
        answered_at=None,
    )
    names = [one.system_id for one in found if one.system_id is not None]
    resolved = {name: [*answers[name], an_erasure(name)] for name in names}
    assert closes({**answers, **resolved})
    for left in names:
        assert not closes({**answers, **resolved, left: answers[left]})
