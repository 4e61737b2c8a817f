"""What a subscribing team needs to test its handlers, without Kafka and without waiting.

>>> import asyncio
>>> from dsr_sdk import DeletionRequest, Erased, Subscriber, SystemKeyPair
>>> from dsr_sdk.testing import SubscriberHarness
>>> subscriber = Subscriber(
...     "billing",
...     organisation_id="acme",
...     keys=SystemKeyPair.generate("billing"),
... )
>>> @subscriber.deletion
... async def erase(request: DeletionRequest) -> Erased:
...     return Erased(records=len(request.identity.values("email")))
>>> harness = SubscriberHarness(subscriber)
>>> (answer,) = asyncio.run(harness.deliver(identity={"email": "a@example.com"}))
>>> answer.disposition, answer.records
(<Disposition.ERASED: 'erased'>, 1)
"""

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.exports import ProtectedField, Protection
from dsr_sdk.testing.fake_bus import FakeBroker, FakeBus
from dsr_sdk.testing.harness import SubscriberHarness
from dsr_sdk.testing.memory_outcomes import MemoryOutcomeStore
from dsr_sdk.testing.memory_store import HandedOver, MemoryStore, read_export
from dsr_sdk.testing.notices import a_notice, a_notice_record, acknowledgements_in, an_identity
from dsr_wire.codec.notices import Instruction

__all__ = [
    "Acknowledgement",
    "FakeBroker",
    "FakeBus",
    "HandedOver",
    "Instruction",
    "MemoryOutcomeStore",
    "MemoryStore",
    "ProtectedField",
    "Protection",
    "SubscriberHarness",
    "a_notice",
    "a_notice_record",
    "acknowledgements_in",
    "an_identity",
    "read_export",
]
