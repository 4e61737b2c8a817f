from __future__ import annotations

from dataclasses import replace

import pytest

from dsr_core.law.proofs import (
    Assurance,
    Authority,
    Evidence,
    Level,
    Method,
    Needed,
    Role,
    accepted,
)
from dsr_core.rights import Right
from dsr_intake.application.codes import Secrets
from dsr_intake.model import Code
from support.builders import NOW, a_request_id

CODE = Code(number=1, nonce=b"n" * 16, expires_at=NOW)
ONE = Secrets.of(a_request_id(), CODE, key=b"k" * 32)


def test_a_code_is_the_same_each_time_it_is_derived_and_another_for_anything_else() -> None:
    assert Secrets.of(a_request_id(), CODE, key=b"k" * 32) == ONE
    others = (
        Secrets.of(a_request_id(2), CODE, key=b"k" * 32),
        Secrets.of(a_request_id(), Code(number=2, nonce=b"n" * 16, expires_at=NOW), key=b"k" * 32),
        Secrets.of(a_request_id(), Code(number=1, nonce=b"m" * 16, expires_at=NOW), key=b"k" * 32),
        Secrets.of(a_request_id(), CODE, key=b"l" * 32),
    )
    for other in others:
        assert other.code != ONE.code
        assert other.token != ONE.token


def test_a_code_is_taken_as_people_write_it() -> None:
    assert len(ONE.code) == 8
    spaced = f" {ONE.code[:4].lower()} - {ONE.code[4:]}"
    misread = ONE.code.replace("0", "O").replace("1", "l")
    for given in (ONE.code, spaced, misread):
        assert ONE.match(code=given, token=None)
    assert ONE.match(code=None, token=ONE.token)


@pytest.mark.parametrize("code", [None, "", "00000000", ONE.code[:-1], ONE.token, "é" * 8])
def test_nothing_else_is_taken(code: str | None) -> None:
    assert not ONE.match(code=code, token=None)
    assert not ONE.match(code=None, token=code if code != ONE.token else ONE.code)


def an_assurance(*accepts: Method, category: str = "user.payment") -> Assurance:
    return Assurance(
        rights=(Right.DELETION,), categories=(category,), accepts=accepts, citation="a law"
    )


def test_what_no_rule_concerns_is_proven_by_anything() -> None:
    rules = [an_assurance(Method.OPERATOR)]
    anything = Needed(frozenset(Method), Level.LOW, ())
    assert accepted(rules, Right.DELETION, ["user.name", "user.payments"]) == anything
    assert accepted(rules, Right.ACCESS, ["user.payment"]) == anything
    assert anything.words is None
    assert anything.lacks(Method.ONE_TIME_CODE, Level.LOW) is None


def test_each_rule_that_concerns_it_must_accept_the_proof() -> None:
    rules = [
        an_assurance(Method.ATTESTED, Method.OPERATOR),
        an_assurance(Method.OPERATOR, Method.ONE_TIME_CODE, category="user.government_id"),
    ]
    categories = ["user.payment.card", "user.government_id.passport_number"]
    found = accepted(rules, Right.DELETION, categories)
    assert found == Needed(frozenset({Method.OPERATOR}), Level.LOW, ("a law", "a law"))


def test_of_several_levels_the_highest_is_needed_and_what_lacks_it_is_told_which() -> None:
    rules = [
        replace(an_assurance(*Method), level=Level.HIGH),
        replace(an_assurance(*Method), level=Level.SUBSTANTIAL),
    ]
    found = accepted(rules, Right.DELETION, ["user.payment"])
    assert found.level is Level.HIGH
    assert found.lacks(Method.OPERATOR, Level.HIGH) is None
    lacks = found.lacks(Method.ATTESTED, Level.SUBSTANTIAL)
    assert lacks == "for this data it takes the level high, and not substantial: a law; a law"
    assert found.lacks(Method.ONE_TIME_CODE, Level.LOW) is None, "it proves what it proves"


def test_an_assurance_is_rebuilt_from_the_canonical_form() -> None:
    one = an_assurance(Method.OPERATOR)
    assert Assurance.of_fields(one.fields()) == one
    assert "level" not in one.fields(), "rules of before keep their digest"
    higher = replace(one, level=Level.HIGH)
    assert Assurance.of_fields(higher.fields()) == higher
    with pytest.raises(TypeError):
        Assurance.of_fields(one.fields() | {"categories": [1]})


def test_a_power_of_attorney_alone_speaks_for_the_person() -> None:
    one = Authority(
        role=Role.AUTHORISED_AGENT,
        needs=(Evidence.POWER_OF_ATTORNEY, Evidence.SIGNED_PERMISSION),
        person_proves_unless=Evidence.POWER_OF_ATTORNEY,
        citation="a law",
    )
    assert [one.is_shown_by(each) for each in (None, *Evidence)] == [False, False, True, True]
    assert one.leaves_proof_to_person(Evidence.SIGNED_PERMISSION)
    assert not one.leaves_proof_to_person(Evidence.POWER_OF_ATTORNEY)
    assert Authority.of_fields(one.fields()) == one
    with pytest.raises(TypeError):
        Authority.of_fields(one.fields() | {"citation": 1})


def test_where_no_evidence_is_an_exception_an_attested_requester_is_enough() -> None:
    one = Authority(role=Role.GUARDIAN, needs=(Evidence.CONSENT,), citation="a law")
    assert not one.leaves_proof_to_person(Evidence.CONSENT)
    assert Authority.of_fields(one.fields()) == one
