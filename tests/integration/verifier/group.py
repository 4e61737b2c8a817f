"""What a verifier is told by the example group, as records on the real topics."""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message

from dsr_cli.stack import Stack
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import CohortId, RequestId, SystemId, uuid7
from dsr_core.registry import Registry
from dsr_core.rights import Disposition, Right
from dsr_wire.codec.amendments import Amendment, Change, amendment_to_wire
from dsr_wire.codec.obligations import OpenedObligations, obligations_opened_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.signing import sign
from dsr_wire.topics import ACKNOWLEDGEMENTS, OBLIGATIONS
from support import parts


def now() -> datetime:
    return datetime.now(UTC)


def a_request_id() -> RequestId:
    return RequestId(uuid7(time.time_ns() // 1_000_000, os.urandom(10)))


class Group:
    """The example group, as far as these tests need it: what fanout opens, what systems answer."""

    def __init__(self, stack: Stack, registry: Registry) -> None:
        self._registry = registry
        self.systems = [one for one in registry.systems if Right.DELETION in one.rights][:3]
        self._keys = {one.id: parts.keys_of(stack, one.id) for one in self.systems}

    @property
    def registry_digest(self) -> str:
        """The version that plans are made from."""
        return self._registry.digest

    def opened(self, *request_ids: RequestId) -> Outgoing:
        message = obligations_opened_to_wire(
            OpenedObligations(
                cohort_id=CohortId(request_ids[0]),
                right=Right.DELETION,
                regime="default",
                registry_digest=self._registry.digest,
                due_at=now() + timedelta(days=30),
                opened_at=now(),
                request_ids=request_ids,
                systems=tuple((one.id, one.organisation_id) for one in self.systems),
            )
        )
        return self._record(OBLIGATIONS.name, message, request_ids[0])

    def amended(
        self,
        change: Change,
        request_id: RequestId,
        *,
        revision: int = 1,
        at: datetime | None = None,
    ) -> Outgoing:
        amendment = Amendment(
            cohort_id=CohortId(request_id),
            request_id=request_id,
            revision=revision,
            amended_at=now(),
            effective_at=at or now(),
            change=change,
        )
        return self._record(OBLIGATIONS.name, amendment_to_wire(amendment), request_id)

    def answered(
        self,
        system_id: SystemId,
        *request_ids: RequestId,
        disposition: Disposition = Disposition.ERASED,
    ) -> Outgoing:
        answers = [
            Acknowledgement(
                request_id=request_id,
                system_id=system_id,
                right=Right.DELETION,
                disposition=disposition,
                sequence=1,
                answered_at=now(),
            )
            for request_id in request_ids
        ]
        message = sign(answers, self._keys[system_id])
        key = request_ids[0] if len(request_ids) == 1 else system_id
        return self._record(ACKNOWLEDGEMENTS.name, message, key)

    def answers(
        self, *request_ids: RequestId, disposition: Disposition = Disposition.ERASED
    ) -> list[Outgoing]:
        return [
            self.answered(one.id, *request_ids, disposition=disposition) for one in self.systems
        ]

    @staticmethod
    def _record(topic: str, message: Message, key: str) -> Outgoing:
        return encode(
            message,
            topic=topic,
            key=key,
            event_id=uuid.uuid4().hex,
            source="a test",
            at=now(),
        )
