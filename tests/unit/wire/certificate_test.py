"""Verifying certificates: what a ledger that lies, a log that forks or a thief with a key could try."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import jsonschema_rs
import orjson
import pytest

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, OrganisationId, SystemId
from dsr_core.rights import Disposition, Right
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.form import Certificate, said
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.report import Mark, Report
from dsr_wire.certificate.verifying import verify
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    PlanChanged,
    Succession,
)
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.keys import Revocation, SystemKeyPair, SystemPublicKeys
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.leaves import Kind
from dsr_wire.log.notes import NoteSigner, sign_note
from support.builders import (
    NOW,
    a_registry,
    a_request_id,
    a_system,
    an_acknowledgement,
    an_amendment,
    an_id,
    days,
)
from support.evidence import ORIGIN, RECEIVED_AT, Office, a_certificate, a_full_certificate

D = Disposition
DOCS = Path(__file__).parents[3] / "docs"
OFFICE = Office()
HOME = CohortId(an_id(900))


def says(disposition: Disposition, system: str = "crm", sequence: int = 1) -> Acknowledgement:
    return an_acknowledgement(
        disposition, request_id=a_request_id(), system_id=SystemId(system), sequence=sequence
    )


def erased_in_crm() -> Certificate:
    return a_certificate(OFFICE, answers={"crm": [says(D.ERASED)]})


def amended(*changes: Change) -> list[Amendment]:
    return [
        an_amendment(one, request_id=a_request_id(), cohort_id=HOME, revision=revision)
        for revision, one in enumerate(changes, 1)
    ]


def report(certificate: Certificate, keys: PublishedKeys | None = None) -> Report:
    return verify(certificate.to_bytes(), keys or OFFICE.keys, registries=[OFFICE.registry])


def failures(certificate: Certificate, keys: PublishedKeys | None = None) -> dict[str, str]:
    return {one.part: one.text for one in report(certificate, keys).failures}


def stating(certificate: Certificate, **changes: object) -> Certificate:
    """The certificate as a ledger makes it that states something else, and has it logged."""
    statement = replace(certificate.statement, **changes)
    return replace(certificate, statement=statement, log=OFFICE.logged(statement))


def test_a_good_certificate_is_good_and_says_what_stays_somebodys_word() -> None:
    found = report(a_full_certificate(OFFICE))
    assert found.is_good
    words = [one.part for one in found.checks if one.mark is Mark.UNCHECKED]
    assert words == ["log.checkpoint", "answers", "keys", "statement.due_at"]
    text = "\n".join(one.text for one in found.checks)
    assert "keeps 3 under HGB 257, to be reviewed 2036-02-28" in text
    assert "operator-a and operator-b, two people, answered `erased` for billing" in text
    assert "cosigned by witness.example.org" in text


def test_without_a_registry_it_says_that_the_systems_were_not_checked() -> None:
    found = verify(erased_in_crm().to_bytes(), OFFICE.keys)
    assert any("--registry" in one.text for one in found.checks if one.mark is Mark.UNCHECKED)


def test_a_certificate_holds_nothing_of_other_requests() -> None:
    data = a_full_certificate(OFFICE).to_bytes()
    assert all(a_request_id(50 + number).encode() not in data for number in range(4))


def test_another_outcome_than_the_rules_is_refused_though_the_log_has_it() -> None:
    kept = a_certificate(OFFICE, answers={"crm": [says(D.EXEMPT)]})
    assert kept.statement.outcome is Outcome.PARTLY_FULFILLED
    assert (
        "partly_fulfilled"
        in failures(stating(kept, outcome=Outcome.FULFILLED))["statement.outcome"]
    )


def test_a_closure_that_a_system_did_not_confirm_is_refused_though_the_log_has_it() -> None:
    one = a_certificate(
        OFFICE, answers={"crm": [says(D.ERASED)], "mailer": [says(D.ERASED, "mailer")]}
    )
    dropped = replace(one, answers=one.answers[:1])
    unanswered = one.statement.obligations[1]._replace(answers=())
    lying = stating(dropped, obligations=(one.statement.obligations[0], unanswered))
    assert "mailer did not confirm" in failures(lying)["statement"]


def test_a_closure_that_leaves_a_system_out_is_refused() -> None:
    one = a_certificate(
        OFFICE, answers={"crm": [says(D.ERASED)], "mailer": [says(D.ERASED, "mailer")]}
    )
    cut = replace(one, answers=one.answers[:1])
    lying = stating(cut, obligations=one.statement.obligations[:1])
    assert "1 systems that are not named" in failures(lying)["statement"]


def test_another_time_of_closing_than_the_leafs_is_refused_though_the_log_has_it() -> None:
    lying = stating(erased_in_crm(), closed_at=NOW + days(1))
    assert failures(lying).keys() == {"statement.closed_at"}


def test_one_system_twice_is_refused() -> None:
    one = erased_in_crm()
    twice = replace(one, answers=one.answers * 2)
    lying = stating(twice, obligations=one.statement.obligations * 2, expected=2)
    assert failures(lying) == {"statement.obligations": "one system stands twice"}


def test_other_evidence_than_the_answers_is_refused() -> None:
    assert failures(stating(erased_in_crm(), evidence_digest=b"\x07" * 32)).keys() == {
        "statement.evidence_digest"
    }


def test_an_answer_left_out_or_put_in_is_refused() -> None:
    one = a_full_certificate(OFFICE)
    assert "answers" in failures(replace(one, answers=one.answers[1:]))
    assert "answers" in failures(replace(one, answers=(*one.answers, one.answers[0])))
    assert "amendments" in failures(replace(one, amendments=one.amendments[1:]))


def test_an_answer_to_another_request_is_refused_though_it_is_signed() -> None:
    other = says(D.ERASED)
    for changes in ({"request_id": a_request_id(2)}, {"right": Right.ACCESS}):
        moved = replace(other, **changes, disposition=D.NOT_FOUND)
        lying = a_certificate(OFFICE, answers={"crm": [moved]})
        assert "another request" in failures(lying)["answers[0]"]


def test_a_signature_by_another_key_is_refused() -> None:
    one = erased_in_crm()
    thief = Office(systems={"crm": SystemKeyPair.generate("crm")})
    assert "no key" in failures(one, thief.keys)["answers[0]"]
    thief.log = OFFICE.log
    forged = a_certificate(thief, answers={"crm": [says(D.ERASED)]})
    named = replace(forged.answers[0], key_id=OFFICE.systems["crm"].public.signing.id)
    assert "does not hold" in failures(replace(forged, answers=(named,)))["answers[0]"]


def test_a_system_without_published_keys_is_refused() -> None:
    keys = replace(OFFICE.keys, systems=())
    assert "no key" in failures(erased_in_crm(), keys)["answers[0]"]


def with_crm_keys(**changes: object) -> PublishedKeys:
    crm = replace(OFFICE.systems["crm"].public, **changes)
    return PublishedKeys.of([crm], log=[OFFICE.log.public], witnesses=[OFFICE.witness.cosigning])


@pytest.mark.parametrize(
    ("revoked_at", "is_good"),
    [(RECEIVED_AT, False), (RECEIVED_AT - days(1), False), (RECEIVED_AT + days(1), True)],
)
def test_an_answer_counts_where_it_was_received_before_its_key_was_revoked(
    revoked_at: datetime, *, is_good: bool
) -> None:
    key_id = OFFICE.systems["crm"].public.signing.id
    keys = with_crm_keys(revoked=(Revocation(key_id, revoked_at, "it leaked"),))
    assert b"it leaked" not in keys.to_bytes()
    assert ("answers[0]" not in failures(erased_in_crm(), keys)) == is_good


def test_a_former_key_still_checks_what_it_signed() -> None:
    new = SystemKeyPair.generate("crm").public.signing
    former = OFFICE.systems["crm"].public.signing
    assert failures(erased_in_crm(), with_crm_keys(signing=new, former_signing=(former,))) == {}


SETTLED = ObligationSettled(
    system_id=SystemId("crm"),
    disposition=D.ERASED,
    proposed_by="operator-a",
    approved_by="operator-b",
    reason="the machine was scrapped",
)


def settled_certificate(*more: Change) -> Certificate:
    return a_certificate(OFFICE, answers={"crm": []}, amendments=amended(SETTLED, *more))


def test_an_answer_by_two_people_closes_and_by_one_person_it_is_refused() -> None:
    good = settled_certificate()
    assert failures(good) == {}
    alone = good.amendments[0].replace(b"operator-b", b"operator-a")
    digest = hashlib.sha256(alone).digest()
    lying = stating(replace(good, amendments=(alone,)), amendments=(digest,))
    found = failures(lying)
    assert "does not approve" in found["amendments[0]"]
    assert "crm did not confirm" in found["statement"]


def test_amendments_of_other_requests_or_of_no_form_are_refused() -> None:
    one = settled_certificate()
    for value in (
        b"\xff",
        b"",
        one.amendments[0].replace(a_request_id().encode(), a_request_id(7).encode()),
    ):
        digest = hashlib.sha256(value).digest()
        lying = stating(replace(one, amendments=(value,)), amendments=(digest,))
        assert "amendments[0]" in failures(lying)


STOPPED = Stopped(Outcome.WITHDRAWN)
HELD, LIFTED = HoldPlaced(an_id(5), ()), HoldLifted(an_id(5))


def test_every_kind_of_amendment_is_told_in_words() -> None:
    one = a_certificate(
        OFFICE,
        answers={"crm": [says(D.STOPPED)]},
        amendments=amended(
            LeftCohort(CohortId(a_request_id())),
            DueDateMoved(NOW + days(60)),
            HELD,
            LIFTED,
            STOPPED,
            PlanChanged(OFFICE.registry.digest, (), (SystemId("mailer"),)),
        ),
        stopping=Outcome.WITHDRAWN,
        opened=["crm", "mailer"],
    )
    found = verify(one.to_bytes(), OFFICE.keys)
    assert found.failures == ()
    words = [each.text.partition(": ")[2] for each in found.checks if "amendments" in each.part]
    assert words == [
        "the request went on by itself",
        "due 2026-05-01",
        "a legal hold was placed",
        "a legal hold was lifted",
        "stopped as `withdrawn`",
        "systems that joined: none; that left: mailer",
    ]


@pytest.mark.parametrize(
    ("changes", "stated", "part"),
    [
        ((), {"stopping": Outcome.REFUSED}, "statement.stopping"),
        ((STOPPED,), {}, "statement.stopping"),
        ((DueDateMoved(NOW + days(60)),), {"due_at": NOW + days(90)}, "statement.due_at"),
        ((), {"cohort_id": CohortId(an_id(3))}, "statement.cohort_id"),
        ((PlanChanged("0" * 64, (), ()),), {}, "statement.registry_digest"),
    ],
)
def test_a_statement_that_does_not_follow_from_the_amendments_is_refused(
    changes: Sequence[Change], stated: dict[str, object], part: str
) -> None:
    one = a_certificate(OFFICE, answers={"crm": [says(D.ERASED)]}, amendments=amended(*changes))
    assert part in failures(stating(one, **stated))


def plan(*, added: Sequence[str] = (), removed: Sequence[str] = ()) -> PlanChanged:
    owners = {one.id: one.organisation_id for one in OFFICE.registry.systems}
    return PlanChanged(
        OFFICE.registry.digest,
        tuple((SystemId(one), owners[SystemId(one)]) for one in added),
        tuple(SystemId(one) for one in removed),
    )


TAKEN_OVER = Succession(
    SystemId("mailer"), SystemId("crm"), OrganisationId("example-group"), NOW - days(1)
)


@pytest.mark.parametrize(
    ("opened", "changes", "is_good"),
    [
        (["billing"], [plan(added=["crm"], removed=["billing"])], True),
        (["crm"], [plan(removed=["crm"]), plan(added=["crm"])], True),
        (["crm"], [plan(added=["mailer"]), plan(removed=["mailer"])], True),
        (["mailer"], [replace(plan(), successions=(TAKEN_OVER,))], True),
        (["crm"], [plan(added=["mailer"])], False),
        (["crm"], [plan(removed=["crm"])], False),
        (["billing"], [plan(added=["crm"])], False),
        (["billing"], [replace(plan(), successions=(TAKEN_OVER,))], False),
    ],
)
def test_who_had_to_answer_follows_from_the_opening_and_the_changes_of_plan(
    opened: Sequence[str], changes: Sequence[Change], *, is_good: bool
) -> None:
    """Whether a registry bears the changes out is another question (`replanned_test.py`)."""
    one = a_certificate(
        OFFICE,
        answers={"crm": [says(D.ERASED)]},
        amendments=amended(*changes),
        opened=opened,
    )
    found = {each.part for each in verify(one.to_bytes(), OFFICE.keys).failures}
    assert ("statement.obligations" not in found) == is_good


def test_what_a_successor_answered_before_it_took_over_does_not_close() -> None:
    taken_over = replace(TAKEN_OVER, since=NOW + days(1))
    one = a_certificate(
        OFFICE,
        answers={
            "crm": [says(D.ERASED), replace(says(D.ERASED, sequence=2), answered_at=NOW + days(2))]
        },
        amendments=amended(replace(plan(), successions=(taken_over,))),
        opened=["mailer"],
    )
    found = verify(one.to_bytes(), OFFICE.keys)
    assert found.is_good
    assert any("crm answers for mailer" in each.text for each in found.checks)
    stated = one.statement.obligations[0]
    first = stated._replace(answers=stated.answers[:1])
    lying = stating(replace(one, answers=one.answers[:1]), obligations=(first,))
    assert "crm did not confirm" in failures(lying)["statement"]


def test_who_had_to_answer_at_first_is_named_where_something_was_amended() -> None:
    assert "statement.opened" in failures(stating(settled_certificate(), opened=None))
    assert "statement.opened" in failures(stating(erased_in_crm(), opened={}))


def test_a_statement_that_is_not_the_leafs_is_refused() -> None:
    one = erased_in_crm()
    other = replace(one, statement=replace(one.statement, regime="default"))
    assert "not of this statement" in failures(other)["statement"]
    kind = replace(one.log.leaf, kind=Kind.AUDIT)
    assert failures(replace(one, log=replace(one.log, leaf=kind))).keys() == {"statement", "log"}


def test_a_checkpoint_of_a_log_that_nobody_published_is_refused() -> None:
    one = erased_in_crm()
    strangers = Office(log=NoteSigner.generate("log.example.net"), systems=OFFICE.systems)
    assert "no key is published" in failures(one, strangers.keys)["log.checkpoint"]
    impostor = Office(log=NoteSigner.generate(ORIGIN), systems=OFFICE.systems)
    impostor.witness = OFFICE.witness
    assert "did not sign" in failures(one, impostor.keys)["log.checkpoint"]


def test_signatures_that_nobody_can_check_are_refused() -> None:
    one = erased_in_crm()
    unknown = replace(OFFICE.keys, witnesses=())
    assert "witness.example.org with a key" in failures(one, unknown)["log.checkpoint"]
    text, last = one.log.checkpoint.rstrip("\n").rsplit("\n", 1)
    twice = replace(one.log, checkpoint=f"{text}\n{last}\n{last}\n")
    assert "stands twice" in failures(replace(one, log=twice))["log.checkpoint"]
    no_note = replace(one.log, checkpoint="nothing")
    assert failures(replace(one, log=no_note)).keys() == {"log.checkpoint"}


def test_a_certificate_that_no_witness_cosigned_is_good_and_says_so() -> None:
    one = a_certificate(OFFICE, answers={"crm": [says(D.ERASED)]}, is_witnessed=False)
    found = report(one)
    assert found.is_good
    assert any("no witness" in each.text for each in found.checks if each.mark is Mark.UNCHECKED)


def kept(text: str, signer: NoteSigner | None = None) -> dict[str, Mark]:
    """How the check against a checkpoint that somebody kept ends."""
    signed = sign_note(text, [signer or OFFICE.log])
    found = verify(erased_in_crm().to_bytes(), OFFICE.keys, checkpoint=signed)
    return {one.text: one.mark for one in found.checks if "kept" in one.text}


def test_a_fork_shows_against_a_checkpoint_that_somebody_kept() -> None:
    own = erased_in_crm().log.checkpoint.partition("\n\n")[0] + "\n"
    other = Checkpoint(ORIGIN, 6, b"\x01" * 32)
    assert set(kept(own).values()) == {Mark.GOOD}
    ((text, mark),) = kept(other.text()).items()
    assert (mark, "forked" in text) == (Mark.FAILED, True)
    assert set(kept(replace(other, size=9).text()).values()) == {Mark.UNCHECKED}
    assert set(kept(own, NoteSigner.generate("log.example.net")).values()) == {Mark.FAILED}


def test_a_checkpoint_that_was_kept_of_another_published_log_is_refused() -> None:
    second = NoteSigner.generate("log.example.net")
    keys = replace(OFFICE.keys, log=(OFFICE.log.public, second.public))
    signed = sign_checkpoint(Checkpoint("log.example.net", 6, b"\x01" * 32), [second])
    found = verify(erased_in_crm().to_bytes(), keys, checkpoint=signed)
    assert [one.text for one in found.failures] == ["the checkpoint that was kept is another log's"]


def test_another_registry_or_another_owner_is_refused() -> None:
    one = erased_in_crm()
    other = a_registry(a_system("crm", "example-group"))
    data = one.to_bytes()
    assert [each.part for each in verify(data, OFFICE.keys, registries=[other]).failures] == [
        "statement.registry_digest"
    ]
    moved = one.statement.obligations[0]._replace(organisation_id=OrganisationId("example-mail"))
    assert "statement.obligations" in failures(stating(one, obligations=(moved,)))


def test_published_keys_are_read_as_they_were_written() -> None:
    revoked = Revocation("ab" * 8, NOW, "")
    keys = PublishedKeys.of(
        [replace(one.public, revoked=(revoked,)) for one in OFFICE.systems.values()],
        log=[OFFICE.log.public],
        witnesses=[OFFICE.witness.cosigning],
    )
    assert PublishedKeys.from_bytes(keys.to_bytes()) == keys
    assert [one.system_id for one in keys.systems] == sorted(OFFICE.systems)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"v": 2}, "v"),
        ({"log": ["log.example.com"]}, "log[0]"),
        ({"witnesses": [1]}, "witnesses[0]"),
        ({"systems": [{"system_id": "CRM", "signing": [], "revoked": []}]}, "systems[0].system_id"),
        (
            {"systems": [{"system_id": "crm", "signing": ["YQ=="], "revoked": []}]},
            "systems[0].signing[0]",
        ),
        ({"systems": {}}, "systems"),
    ],
)
def test_what_are_no_published_keys_is_refused(changes: dict[str, object], part: str) -> None:
    value = orjson.loads(OFFICE.keys.to_bytes()) | changes
    with pytest.raises(MalformedError) as fault:
        PublishedKeys.from_bytes(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    assert fault.value.part == part
    with pytest.raises(MalformedError):
        PublishedKeys.from_bytes(b"{")


def test_bytes_that_are_no_answer_say_nothing() -> None:
    assert said(b"\xff") is None


@pytest.mark.parametrize("name", ["certificate", "evidence-keys"])
def test_the_schema_takes_what_is_written_and_nothing_beside(name: str) -> None:
    schema = orjson.loads((DOCS / f"{name}.schema.json").read_bytes())
    validator = jsonschema_rs.validator_for(schema)
    keys: SystemPublicKeys = OFFICE.systems["crm"].public
    revoked = replace(keys, revoked=(Revocation(keys.signing.id, NOW, "it leaked"),))
    written = {
        "certificate": a_full_certificate(OFFICE).to_bytes(),
        "evidence-keys": replace(
            OFFICE.keys, systems=PublishedKeys.of([revoked], log=(), witnesses=()).systems
        ).to_bytes(),
    }[name]
    document = orjson.loads(written)
    validator.validate(document)
    for wrong in (document | {"more": 1}, {key: document[key] for key in list(document)[1:]}):
        assert not validator.is_valid(wrong)
