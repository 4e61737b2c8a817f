"""Reason codes: what a dead letter may say is what docs/operations.md explains, no more and no less."""

from __future__ import annotations

import ast
import re
from functools import cache

from support.sources import ROOT, modules, tree

OPERATIONS = ROOT / "docs" / "operations.md"
ROW = re.compile(r"^\| (?P<codes>`[a-z_]+`(?:, `[a-z_]+`)*) \|", re.MULTILINE)

ELSEWHERE = {
    "invalid_url": "intake's API, which alone takes webhooks",
    "webhooks_not_offered": "as invalid_url",
    "nothing_waits": "as unknown_scope, on a refusal of what waits",
    "unknown_scope": "intake's internal API, on a release of the breaker",
    "invalid_identifier": "intake's API, which alone reads identifiers as they were sent",
    "unknown_identifier_kind": "as invalid_identifier",
    "assurance_needed": "intake's API, of an attestation that does not suffice and cannot wait",
    "empty_plan": "intake's API: nothing is accepted that nobody owes",
    "invalid_filter": "`dsr_sdk.SuppressionList`, of a file that is none",
    "signal_asks_opt_out": "intake's API: a signal asks for an opt-out and for nothing else",
    "invalid_index": "of an export, when its package is made; no record is refused for it",
    "corrupted_part": "as invalid_index",
    "unreadable_records": "as invalid_index",
    "wrong_digest": "as invalid_index",
    "wrong_index": "as invalid_index",
    "wrong_length": "as invalid_index",
    "corrupted_piece": "of a package, when it is fetched",
    "range_refused": "as corrupted_piece",
    "link_refused": "intake's pages for people, which hand packages over",
    "code_refused": "as link_refused",
    "unknown_credential": "the console, when somebody signs in",
    "invalid_age_key": "intake's API and its pages for people, which alone take keys of requesters",
    "letters_not_offered": "intake's API, on a submission that asks for letters",
    "no_address": "as letters_not_offered",
    "hand_over_not_allowed": "intake's API, on a submission that asks for its package at a callback",
    "no_webhook": "as hand_over_not_allowed",
    "packages_not_made": "as hand_over_not_allowed",
    "proof_refused": "intake's API, which takes one-time codes",
    "authority_needed": "intake's API, on a line of a batch",
    "authority_not_shown": "intake's API, when an operator shows an authority",
    "no_notification": "intake's internal API, which takes bounces",
    "received_in_future": "intake's API",
    "received_too_early": "intake's API",
    "since_in_future": "intake's API",
    "invalid_request": "intake's API",
    "invalid_cursor": "the pages of intake, and the verifier's feed of changes",
    "cursor_expired": "the verifier's feed of changes",
    "invalid_last_event_id": "intake's live events",
    "refused_by_verifier": "intake asks the verifier on a caller's behalf",
    "invalid_decision": "intake's API, which takes decisions about single requests",
    "invalid_proof": "intake's internal API, which takes proofs of who asks",
    "identity_not_attested": "intake's API, on an appeal",
    "other_identity": "as identity_not_attested",
    "other_request": "as identity_not_attested",
    "invalid_name": "intake's internal API, which makes clients",
    "invalid_scopes": "as invalid_name",
    "invalid_jurisdictions": "as invalid_name",
    "invalid_end": "as invalid_name",
    "invalid_overlap": "as invalid_name",
    "too_many_links": "intake, of links that it opens: `intake.link_answers` keeps it, and no dead letter",
    "unknown_member": "intake's internal API, which seals",
    "unknown_system": "as unknown_member, and where a hold or an answer names one",
    "unknown_category": "intake's internal API, which takes legal holds",
    "digest_mismatch": "dsr.registry.v1, whose rubbish is counted and not dead-lettered",
    "unknown_algorithm": "as digest_mismatch",
    "no_possession": "`dsr system keys` and `dsr-sdk keys`, of keys that are to be registered",
    "truncated": "`dsr dead-letters replay`, of a letter that was cut",
    "identity_in_text": "the SDK, of a handler's answer, and intake's API, of people's reasons",
    "nothing_delivered": "the SDK's test kit",
}
"""Codes that no record is refused for, each with who says it."""


@cache
def raised() -> dict[str, str]:
    """Each reason code in the product, with a place that raises it."""
    nodes = [
        (path, node) for path in modules("libs/", "services/") for node in ast.walk(tree(path))
    ]
    names = {"RejectedInput"} | {
        node.name
        for _, node in nodes
        if isinstance(node, ast.ClassDef)
        and "RejectedInput" in {ast.unparse(base) for base in node.bases}
    }
    names.remove("ConfigurationError")  # ends a subscriber before it reads anything
    found: dict[str, str] = {}
    for path, node in nodes:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]):
                if name in names:
                    found[code] = f"{path}:{node.lineno}"
            case ast.Call(func=ast.Name(id=name), args=[ast.Attribute(attr="reason"), *_]):
                pass  # another's, told on
            case ast.Call(func=ast.Name(id=name)) if name in names:
                found[ast.unparse(node)] = f"{path}:{node.lineno}"
    return found


def documented() -> list[str]:
    """The codes in the table of docs/operations.md."""
    section = OPERATIONS.read_text().split("## When something is refused")[1].split("\n## ")[0]
    return [
        code for row in ROW.finditer(section) for code in re.findall(r"`([a-z_]+)`", row["codes"])
    ]


def test_every_reason_of_a_dead_letter_is_explained_and_nothing_else() -> None:
    reachable = {code: place for code, place in raised().items() if code not in ELSEWHERE}
    unexplained = {code: place for code, place in reachable.items() if code not in documented()}
    assert unexplained == {}, "add them to docs/operations.md, or to ELSEWHERE"
    assert set(documented()) - reachable.keys() == set(), "nothing is refused for these"


def test_each_reason_is_explained_once() -> None:
    assert sorted(documented()) == sorted(set(documented()))


def test_no_reason_is_left_out_that_nobody_gives() -> None:
    assert ELSEWHERE.keys() - raised().keys() == set()
