"""The verifier's read API, over HTTP."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Disposition
from dsr_intake.adapters.verifier_metrics import measures
from dsr_intake.model import LedgerChange
from dsr_intake.model.console import LedgerMeasures, RequestProgress
from dsr_intake.model.links import LinksTold
from dsr_intake.ports import CertificatePending

__all__ = ["VerifierLedger"]

_AT_ONCE = 1000
_TIMEOUT_S = 5.0
_SAYING = {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT}


class VerifierLedger:
    """Asks the verifier; the port's text says what holds."""

    def __init__(self, url: str, *, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def look(self) -> str:
        """Return once the verifier has answered."""
        response = await self._answer("/livez")
        if response.status_code != httpx.codes.OK:
            raise Unavailable(f"the verifier answered {response.status_code}")
        return "answers"

    async def obligations(self, request_id: str) -> dict[str, Any] | None:
        """Return what is owed for a request, or none."""
        return await self._found(f"/v1/requests/{request_id}/obligations")

    async def answers(self, request_id: str) -> list[dict[str, Any]]:
        """Return every answer to a request."""
        found = await self._found(f"/v1/requests/{request_id}/acknowledgements")
        answers: list[dict[str, Any]] = (found or {}).get("acknowledgements", [])
        return answers

    async def closure(self, request_id: str) -> dict[str, Any] | None:
        """Return a request's closure, or none."""
        return await self._found(f"/v1/requests/{request_id}/closure")

    async def certificate(self, request_id: str) -> bytes | None:
        """Return a request's certificate, or none."""
        response = await self._answer(f"/v1/requests/{request_id}/certificate")
        if response.status_code == httpx.codes.CONFLICT:
            raise CertificatePending
        return None if response.status_code == httpx.codes.NOT_FOUND else response.content

    async def evidence_keys(self) -> bytes:
        """Return the published keys."""
        response = await self._answer("/v1/evidence-keys")
        if response.status_code != httpx.codes.OK:
            raise Unavailable("the verifier publishes no keys")
        return response.content

    async def links_told(self, request_ids: Collection[RequestId]) -> dict[RequestId, LinksTold]:
        """Return how many answers with links it has passed on."""
        asked = sorted(request_ids)
        found: dict[RequestId, LinksTold] = {}
        try:
            for first in range(0, len(asked), _AT_ONCE):
                some = {"request_ids": asked[first : first + _AT_ONCE]}
                response = await self._http.post("/v1/links:read", json=some)
                response.raise_for_status()
                for one in response.json()["requests"]:
                    at = datetime.fromisoformat(one["last_told_at"])
                    found[RequestId(one["request_id"])] = LinksTold(one["told"], at)
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise Unavailable("the verifier does not answer") from error
        return found

    async def progress(self, request_ids: Sequence[str]) -> list[RequestProgress]:
        """Return how far those of the requests are that the ledger knows."""
        if not request_ids:
            return []
        asked = {"request_ids": list(request_ids)}
        try:
            response = await self._http.post("/v1/progress:read", json=asked)
            response.raise_for_status()
            return [_progress(one) for one in response.json()["requests"]]
        except httpx.HTTPError as error:
            raise Unavailable("the verifier does not answer") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("the verifier's progress cannot be read") from error

    async def measured(self) -> LedgerMeasures:
        """Return what the verifier shows to whoever watches it."""
        response = await self._answer("/metrics")
        if response.status_code != httpx.codes.OK:
            raise Unavailable("the verifier shows no metrics")
        try:
            return measures(response.text)
        except ValueError as error:
            raise Unavailable("the verifier's metrics cannot be read") from error

    async def changes(self, after: str | None, *, limit: int) -> tuple[list[LedgerChange], str]:
        """Return changes after a cursor, and the cursor to go on from."""
        parameters: dict[str, str | int] = {"limit": limit}
        if after is not None:
            parameters["after"] = after
        answer = await self._found("/v1/changes", parameters)
        if answer is None:
            raise Unavailable("the verifier has no feed of changes")
        try:
            changes = [
                LedgerChange(
                    str(one["cursor"]),
                    str(one["request_id"]),
                    one["system_id"],
                    one["disposition"],
                    bool(one["is_confirmed"]),
                    str(one["at"]),
                )
                for one in answer["changes"]
            ]
            return changes, str(answer["cursor"])
        except (KeyError, TypeError) as error:
            raise Unavailable("the verifier's feed cannot be read") from error

    async def _found(
        self, path: str, parameters: dict[str, str | int] | None = None
    ) -> dict[str, Any] | None:
        response = await self._answer(path, parameters)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        try:
            found: dict[str, Any] = response.json()
        except ValueError as error:
            raise Unavailable("the verifier does not answer") from error
        return found

    async def _answer(
        self, path: str, parameters: dict[str, str | int] | None = None
    ) -> httpx.Response:
        """Return a success, or one of the problems that say something of what was asked for."""
        try:
            response = await self._http.get(path, params=parameters)
            if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                raise RejectedInput("refused_by_verifier", "the verifier refuses the question")
            if response.status_code not in _SAYING:
                response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("the verifier does not answer") from error
        return response


def _progress(one: Mapping[str, Any]) -> RequestProgress:
    # A verifier of before says neither what is confirmed nor what is held: the answer alone is shown.
    return RequestProgress(
        request_id=RequestId(one["request_id"]),
        is_closed=one["closed_at"] is not None,
        answers={
            SystemId(system_id): Disposition(answer) if answer else None
            for system_id, answer in one["systems"].items()
        },
        confirmed=frozenset(SystemId(each) for each in one.get("confirmed", ())),
        contradicted=frozenset(SystemId(each) for each in one.get("contradicted", ())),
        held=frozenset(SystemId(each) for each in one.get("held", ())),
    )
