"""What goes through Temporal, taken apart: every field of every payload, and what it may hold."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

__all__ = ["MAY_HOLD", "OPERATORS_WORDS", "decoded", "encodings", "fields", "unexpected"]

_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_WORD = r"[a-z]+(_[a-z]+)*"
_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+\d\d:\d\d|Z)"
_NUMBER = r"-?\d+(\.\d+)?"
_DIGEST = r"[0-9a-f]{64}"
_FLAG = r"True|False"
_SUMMARY = (
    r"before (first notices are|[a-z_]+ is) tried again|before the next page"
    r"|until all that runs is in the list|[a-z_]+, [A-Z]{2}(-[A-Z0-9]{1,3})?, \d+"
)
"""What Temporal's web UI shows beside a workflow, or a timer."""

_NOTHING = ""

OPERATORS_WORDS = ("settled.proposed_by", "settled.approved_by", "settled.reason")
"""All that is text of people: who answered in place of a system, and why. Never of a data subject."""

_KINDS: dict[str, tuple[str, ...]] = {
    _ID: ("cohort_id", "home_cohort_id", "request_ids", "after", "hold_id", "lifted", "holds.*"),
    _SLUG: (
        "organisation_ids", "system_ids", "system_id", "only", "left_out", "added", "holds.*[]",
        "regime", "id", "details",
    ),
    _WORD: (
        "action", "kind", "outcome", "instruction", "state", "right", "disposition",
        "activity_type", "identifier_kinds",
    ),
    _DATE: (
        "at", "due_at", "effective_at", "recorded_at", "received_at", "left_at", "next_at",
        "notified_at", "verify_identity_by", "held_before",
    ),
    _NUMBER: (
        "activation_index", "activity_id", "attempt", "backoff", "clarified_at", "dated_at",
        "first", "joined", "late", "members", "nanos", "next", "notices", "open_leavers", "below", "confirmed",
        "open_members", "overdue_reads", "phase", "phases", "remind_after_s", "reminder", "reminders", "requests",
        "revision", "seconds", "seq", "systems", "tiers", "told",
    ),
    _DIGEST: ("registry_digest", "rules_digest", "digest", "replan", "replanned", "newest"),
    _FLAG: ("awaits_clarification", "deprecated", "has_left", "is_due", "leaves", "was_overdue"),
    r"[A-Z]{2}(-[A-Z0-9]{1,3})?": ("jurisdiction",),
    r"[a-z_]+(\.[a-z_]+)*": ("categories", "uses"),
    r"(\d{4}-\d{2}-\d{2})?": ("since",),
    r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}": ("traceparent",),
    r"[A-Za-z0-9+/=_-]*": ("page",),  # where Temporal's own list goes on
    r".*": OPERATORS_WORDS,
    # What stands by itself: a change's version, a date that is waited for, a summary.
    f"{_NUMBER}|{_DATE}|{_DIGEST}|{_SLUG}|{_WORD}|{_SUMMARY}": ("",),
}  # fmt: skip

MAY_HOLD = {name: re.compile(kind) for kind, names in _KINDS.items() for name in names}
"""By field: what its values are like. A field that is not here may not go through Temporal."""


def fields(history: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of every field of every payload of a history, as JSON has it."""
    for payload in _payloads(history):
        encoding = _encoding(payload)
        if encoding in {"json/plain", "json/protobuf"}:
            yield from _leaves("", json.loads(base64.b64decode(payload["data"])))
        elif payload.get("data"):
            yield encoding, payload["data"]


async def decoded(part: Any, codec: PayloadCodec) -> Any:
    """Return a history, as JSON has it, with its payloads as they were before the codec."""
    if isinstance(part, list):
        return [await decoded(one, codec) for one in part]
    if not isinstance(part, dict):
        return part
    if "encoding" in part.get("metadata", {}):
        [payload] = await codec.decode([ParseDict(part, Payload())])
        return MessageToDict(payload)
    return {name: await decoded(one, codec) for name, one in part.items()}


def encodings(history: Any) -> set[str]:
    """Return how the payloads of a history are encoded, those of its search attributes apart."""
    return {_encoding(payload) for payload in _payloads(history)}


def unexpected(found: Iterable[tuple[str, str]]) -> list[str]:
    """Return which fields may not be there, or hold what they may not; without the values."""
    return sorted(
        {
            name or "a bare value"
            for name, value in found
            if value not in {_NOTHING, "None"}
            and (name not in MAY_HOLD or not MAY_HOLD[name].fullmatch(value))
        }
    )


def _payloads(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for one in part:
            yield from _payloads(one)
    elif isinstance(part, dict):
        if "encoding" in part.get("metadata", {}):
            yield part
            return
        for name, one in part.items():
            if name != "searchAttributes":  # in the clear by their nature, and tested apart
                yield from _payloads(one)


def _encoding(payload: dict[str, Any]) -> str:
    return base64.b64decode(payload["metadata"]["encoding"]).decode()


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, one in value.items():
            if name == "holds":
                yield "holds.*", key
                yield from _leaves("holds.*[]", one)
            else:
                yield from _leaves(f"settled.{key}" if name == "settled" else key, one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(name, one)
    else:
        yield (name.removeprefix("settled.") if name not in OPERATORS_WORDS else name), str(value)
