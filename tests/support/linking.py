"""A system that tells of another identifier of somebody, as its own handler would; nothing is forged."""

from __future__ import annotations

import httpx

from dsr_contracts.v1 import notices_pb2
from dsr_core.identity import Identifier
from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import Link, LinkProof
from dsr_core.resolving import Confidence
from dsr_core.rights import Disposition, Right
from dsr_wire.link_keys import seal_links
from dsr_wire.sealing import Opener
from support.forging import acknowledge, an_answer, internal_token
from support.loop import Loop
from support.parts import keys_of
from support.waiting import eventually

__all__ = ["found_out"]

RESOLVER = SystemId("accounts")
_LATE = 90
"""The number of an answer that no handler comes to."""


async def found_out(loop: Loop, request_id: str, registry_digest: str, account_id: str) -> None:
    """Have the account directory tell whose account an address is; return once it is used."""
    key = await _link_key(loop, request_id, registry_digest)
    link = Link(
        Identifier.of("account_id", account_id),
        "email",
        Confidence.VERIFIED,
        LinkProof.VERIFIED_CONTACT,
    )
    sealed = seal_links((link,), link_key=key, request_id=RequestId(request_id), system_id=RESOLVER)
    answer = an_answer(
        request_id, RESOLVER, Disposition.NOT_FOUND, sequence=_LATE, sealed_links=sealed
    )
    acknowledge(loop, answer)

    async def is_used() -> bool:
        rows = await loop.query(
            "select outcome from intake.link_steps where request_id = $1", request_id
        )
        return [row["outcome"] for row in rows] == ["used"]

    await eventually(is_used, within=60)


async def _link_key(loop: Loop, request_id: str, registry_digest: str) -> bytes:
    asked = notices_pb2.SealRequest(registry_digest=registry_digest, system_ids=[RESOLVER])
    token = internal_token(loop)
    async with httpx.AsyncClient(base_url=loop.stack.settings.intake_url) as http:
        answer = await http.post(
            f"/internal/v1/cohorts/{request_id}/identities:seal",
            content=asked.SerializeToString(),
            headers={
                "authorization": f"Bearer {token}",
                "content-type": "application/protobuf",
            },
        )
    assert answer.status_code == httpx.codes.OK, answer.text
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    opener = Opener(
        notice.sealed_key,
        system_id=RESOLVER,
        right=Right.DELETION,
        key=keys_of(loop.stack, RESOLVER).sealing,
    )
    return opener.open_addressed(notice.identities[0].sealed, request_id=request_id).link_key
