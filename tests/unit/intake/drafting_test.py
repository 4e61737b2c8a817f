from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import OrganisationId, is_uuid
from dsr_core.plan import Scope
from dsr_core.registry import Registry, Sale
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.identity_cipher import decrypt, encrypt
from dsr_intake.http.submission import parse_single
from dsr_intake.model import Submission
from support import intake_fakes
from support.builders import (
    MARKER,
    NOW,
    a_registry,
    a_request_id,
    a_system,
    an_identity,
    an_organisation,
)
from support.submissions import a_submission


def a_drafter(registry: Registry | None = None) -> Drafter:
    return intake_fakes.a_drafter(registry or a_registry())


def submitted(key: str | None = None, number: int = 1) -> Submission:
    return parse_single(orjson.dumps(a_submission(number)), idempotency_key=key)


def test_draft_is_named_encrypted_and_dated() -> None:
    draft = a_drafter().draft(submitted(), client_id="mine")
    assert is_uuid(draft.request_id)
    assert draft.received_at == draft.accepted_at == NOW
    assert MARKER.encode() not in draft.ciphertext
    opened = decrypt(draft.ciphertext, request_id=draft.request_id, key=draft.data_key)
    assert opened == draft.submission.identity
    assert MARKER not in repr(draft)


def test_same_person_has_the_same_hashes_and_another_has_others() -> None:
    drafter = a_drafter()
    one, again, other = (
        drafter.draft(submitted(number=number), client_id="mine") for number in (1, 1, 2)
    )
    assert one.lookup_hashes == again.lookup_hashes
    assert not set(one.lookup_hashes) & set(other.lookup_hashes)
    assert one.data_key != again.data_key


def test_tag_is_bound_to_the_client_and_to_the_content() -> None:
    drafter = a_drafter()
    one = drafter.draft(submitted("k"), client_id="mine").tag
    assert one == drafter.draft(submitted("k"), client_id="mine").tag
    theirs = drafter.draft(submitted("k"), client_id="theirs").tag
    changed = drafter.draft(submitted("k", number=2), client_id="mine").tag
    assert one is not None
    assert theirs is not None
    assert changed is not None
    assert one.key != theirs.key
    assert (one.key, one.content != changed.content) == (changed.key, True)
    assert drafter.draft(submitted(), client_id="mine").tag is None


@pytest.mark.parametrize(
    "scope",
    [
        Scope(("system.operations",)),
        Scope((), (OrganisationId("nobody"),)),
    ],
)
def test_request_that_nobody_must_answer_is_refused(scope: Scope) -> None:
    submission = replace(submitted(), scope=scope)
    drafter = a_drafter()
    for _ in range(2):
        with pytest.raises(RejectedInput) as raised:
            drafter.draft(submission, client_id="mine")
        assert raised.value.reason == "empty_plan"


def test_data_since_a_day_that_is_to_come_is_no_data() -> None:
    drafter = a_drafter()
    tomorrow = replace(submitted(), scope=Scope(since=NOW.date() + timedelta(days=1)))
    assert drafter.draft(tomorrow, client_id="mine").submission.scope == tomorrow.scope
    later = replace(submitted(), scope=Scope(since=NOW.date() + timedelta(days=2)))
    with pytest.raises(RejectedInput) as raised:
        drafter.draft(later, client_id="mine")
    assert raised.value.reason == "since_in_future"


def test_what_was_sold_is_asked_about_what_was_received_before() -> None:
    sale = Sale(on=NOW.date(), to="a buyer")
    registry = Registry((an_organisation(sold=sale),), (a_system(),))
    drafter = intake_fakes.a_drafter(registry)
    early = replace(submitted(), received_at=NOW - timedelta(days=1))
    for _ in range(2):
        assert drafter.draft(early, client_id="mine").registry_digest == registry.digest
        with pytest.raises(RejectedInput, match="no registered system"):
            drafter.draft(submitted(), client_id="mine")


def test_without_a_registry_nothing_is_accepted() -> None:
    drafter = intake_fakes.a_drafter(None)
    with pytest.raises(Unavailable):
        drafter.check_ready()
    with pytest.raises(Unavailable):
        drafter.draft(submitted(), client_id="mine")


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(days=-365 * 40)])
def test_date_of_receipt_that_cannot_be_is_refused(late: timedelta) -> None:
    submission = replace(submitted(), received_at=NOW + late)
    with pytest.raises(RejectedInput) as raised:
        a_drafter().draft(submission, client_id="mine")
    assert raised.value.field == "received_at"


def test_clock_of_the_client_may_be_ahead_a_little() -> None:
    at = NOW + timedelta(minutes=4)
    draft = a_drafter().draft(replace(submitted(), received_at=at), client_id="mine")
    assert draft.received_at == at


def test_identity_opens_with_its_own_key_and_request_only() -> None:
    key, nonce = b"1" * 32, b"2" * 12
    sealed = encrypt(an_identity(), request_id=a_request_id(1), key=key, nonce=nonce)
    for request_id, wrong in ((a_request_id(2), key), (a_request_id(1), b"3" * 32)):
        with pytest.raises(Unavailable) as raised:
            decrypt(sealed, request_id=request_id, key=wrong)
        assert MARKER not in str(raised.value)


def test_letters_go_to_who_has_an_address_where_they_are_sent() -> None:
    sends = intake_fakes.a_drafter(a_registry(), letters_are_sent=True)
    sent = submitted()
    assert sends.draft(sent, client_id="mine", by_letter=True).letters
    assert not sends.draft(sent, client_id="mine").letters  # a line of a batch
    assert not a_drafter().draft(sent, client_id="mine", by_letter=True).letters
    without = replace(sent, identity=sent.identity.only(["customer_number"]))
    assert not sends.draft(without, client_id="mine", by_letter=True).letters
    for asked in (True, False):
        draft = sends.draft(replace(sent, letters=asked), client_id="mine", by_letter=not asked)
        assert draft.letters is asked


def test_letters_that_cannot_be_sent_are_refused() -> None:
    sends = intake_fakes.a_drafter(a_registry(), letters_are_sent=True)
    asked = replace(submitted(), letters=True)
    with pytest.raises(RejectedInput, match="letters_not_offered"):
        a_drafter().draft(asked, client_id="mine")
    with pytest.raises(RejectedInput, match="no_address"):
        sends.draft(
            replace(asked, identity=asked.identity.only(["customer_number"])), client_id="mine"
        )


def test_who_does_not_speak_of_letters_sends_the_content_of_before() -> None:
    assert b"letters" not in submitted().content
