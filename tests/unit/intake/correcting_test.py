"""Corrections in intake: what is right travels with the identity, and never in the clear."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from dsr_core.corrections import Correction, Rectification
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.application.identity_cipher import decrypt, decrypt_kept
from dsr_intake.http.submission import parse_single
from dsr_intake.model import Draft, Submission
from dsr_runtime.http.problems import Problem
from support import intake_fakes
from support.builders import MARKER, a_system, an_organisation
from support.submissions import a_submission

GROUP = Registry(
    (an_organisation(),), (a_system(rights=(Right.CORRECTION,), categories=("user.name",)),)
)
WANTED = [{"category": "user.name", "new": f"{MARKER} Jane", "old": f"{MARKER} Jon"}]
SPOKEN = f"{MARKER} says so"


def submitted(**changes: Any) -> Submission:
    body = a_submission(**{"right": "correction", "corrections": WANTED} | changes)
    return parse_single(orjson.dumps(body), idempotency_key=None)


def drafted(**changes: Any) -> Draft:
    return intake_fakes.a_drafter(GROUP).draft(submitted(**changes), client_id="mine")


def test_what_is_right_is_encrypted_with_the_identity() -> None:
    draft = drafted(statement=SPOKEN)
    assert MARKER.encode() not in draft.ciphertext
    assert MARKER not in repr(draft)
    kept = decrypt_kept(draft.ciphertext, request_id=draft.request_id, key=draft.data_key)
    identity, wanted = kept.given, kept.rectification
    assert identity == draft.submission.identity
    assert wanted == Rectification(
        (Correction("user.name", f"{MARKER} Jane", f"{MARKER} Jon"),), SPOKEN
    )
    assert identity == decrypt(draft.ciphertext, request_id=draft.request_id, key=draft.data_key)


def test_its_scope_is_what_the_values_are() -> None:
    assert submitted().scope.categories == ("user.name",)
    two = [*WANTED, {"category": "user.contact", "new": "x"}]
    assert submitted(corrections=two).scope.categories == ("user.contact", "user.name")


def test_two_corrections_of_one_value_are_two_requests() -> None:
    assert drafted().person_hash is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"corrections": None}, "/corrections"),
        ({"right": "deletion"}, "/corrections"),
        ({"right": "deletion", "corrections": None, "statement": "x"}, "/corrections"),
        ({"scope": {"categories": ["user.name"]}}, "/scope/categories"),
        ({"corrections": [{"category": "user.name", "new": ""}]}, "/corrections/0/new"),
        ({"corrections": [{"category": "user.name", "new": "a\x00"}]}, "/corrections/0/new"),
    ],
)
def test_a_correction_that_is_none_is_refused_and_not_shown(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Problem) as raised:
        submitted(**changes)
    assert raised.value.errors
    assert [one["pointer"] for one in raised.value.errors] == [pointer]
    assert MARKER not in str(raised.value.errors)


def test_who_speaks_of_no_correction_sends_the_content_of_before() -> None:
    sent = parse_single(orjson.dumps(a_submission()), idempotency_key=None)
    assert b"corrections" not in sent.content
    assert b"statement" not in sent.content
