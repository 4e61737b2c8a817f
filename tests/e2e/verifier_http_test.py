"""The verifier's read API: what its document says is what it answers, to right calls and wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from schemathesis.generation import GenerationMode

from dsr_core.rights import Disposition
from support.documented import documented, live_document, search, verify
from support.forging import acknowledge, an_answer, internal_token
from support.loop import Loop
from support.waiting import eventually

_REQUEST = "/v1/requests/{request_id}"
_OPERATIONS = [
    ("GET", f"{_REQUEST}/obligations"),
    ("GET", f"{_REQUEST}/acknowledgements"),
    ("GET", f"{_REQUEST}/closure"),
    ("GET", f"{_REQUEST}/certificate"),
    ("GET", "/v1/evidence-keys"),
    ("POST", "/v1/progress:read"),
    ("POST", "/v1/links:read"),
    ("GET", "/v1/cohorts/{cohort_id}/missing"),
    ("GET", "/v1/changes"),
]


@pytest.fixture(scope="module")
def schema(loop: Loop) -> Any:
    """The live document."""
    return live_document(loop.stack.settings.verifier_url)


def test_every_route_is_searched(schema: Any) -> None:
    assert documented(schema) == set(_OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), _OPERATIONS)
def test_generated_calls_are_answered_as_documented(
    loop: Loop, schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    search(schema[path][method], mode, token=internal_token(loop))


async def test_a_request_that_is_closed_and_contradicted_is_shown_as_documented(
    loop: Loop, schema: Any
) -> None:
    """Generated ids are of nothing that is there; these are."""
    token = internal_token(loop)
    start = verify(schema["/v1/changes"]["GET"], token=token).json()["cursor"]
    request_id = await loop.submit()
    await loop.answered(request_id)
    acknowledge(loop, an_answer(request_id, "newsletter", Disposition.FAILED, sequence=99))

    async def is_contradicted() -> bool:
        return bool((await loop.obligations(request_id))["newsletter"]["contradicts_closure"])

    await eventually(is_contradicted, within=40)

    def shown(method: str, path: str, **parts: Any) -> Any:
        answer = verify(schema[path][method], token=token, **parts)
        assert answer.status_code == 200, answer.text
        return answer.json()

    named = {"path_parameters": {"request_id": request_id}}
    owed = shown("GET", f"{_REQUEST}/obligations", **named)
    assert len(owed["obligations"]) == owed["expected"]
    answers = shown("GET", f"{_REQUEST}/acknowledgements", **named)["acknowledgements"]
    assert len(answers) > owed["expected"]
    assert shown("GET", f"{_REQUEST}/closure", **named)["obligations"] == owed["expected"]
    asked = {"body": {"request_ids": [request_id]}, "media_type": "application/json"}
    [progress] = shown("POST", "/v1/progress:read", **asked)["requests"]
    assert len(progress["systems"]) == owed["expected"]
    cohort = {"path_parameters": {"cohort_id": owed["cohort_id"]}}
    assert shown("GET", "/v1/cohorts/{cohort_id}/missing", **cohort)["open_requests"] == 0
    changes = shown("GET", "/v1/changes", query={"after": start})["changes"]
    assert request_id in {one["request_id"] for one in changes}


@pytest.mark.parametrize(("method", "path"), _OPERATIONS)
def test_strangers_are_refused_as_documented(
    loop: Loop, schema: Any, method: str, path: str
) -> None:
    del loop
    parts: dict[str, Any] = {"path_parameters": dict.fromkeys(("request_id", "cohort_id"), "x")}
    if method == "POST":
        parts |= {"body": {"request_ids": []}, "media_type": "application/json"}
    assert verify(schema[path][method], token="a stranger", **parts).status_code == 401
