"""What a system installs to subscribe to subject requests.

Register a handler and run; what must not be lost, asked twice or shown is taken care of::

    from dsr_sdk import Answer, DeletionRequest, Erased, NotFound, Subscriber

    subscriber = Subscriber.from_environment()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        records = await customers.delete(email=request.identity.first("email"))
        return Erased(records) if records or request.may_be_repeat else NotFound()

    subscriber.run()

`dsr_sdk.testing` has what is needed to test the handlers without Kafka.
"""

from dsr_core.acknowledgements import Exemption
from dsr_core.corrections import Correction, Rectification
from dsr_core.identity import Identifier, Identity
from dsr_core.linking import Link, LinkProof
from dsr_core.plan import Scope
from dsr_core.resolving import Confidence
from dsr_core.rights import Disposition, Right
from dsr_core.suppressions import SuppressionKind
from dsr_sdk.access.items import ExportLimits, File, Row
from dsr_sdk.access.journal import ExportJournal
from dsr_sdk.access.store import ExportStore, StoreAway
from dsr_sdk.answers import (
    Absent,
    AlreadyRight,
    Answer,
    Corrected,
    Delivered,
    Erased,
    Exempt,
    Failed,
    Heeded,
    Informed,
    InProgress,
    NotFound,
    PartiallyExempt,
    Present,
    Refused,
    Restricted,
    Unresolvable,
)
from dsr_sdk.bus import Bus, Record
from dsr_sdk.connection import KafkaConnection
from dsr_sdk.errors import ConfigurationError
from dsr_sdk.obligations import ObligationKey
from dsr_sdk.outcome_sqlite import SqliteOutcomeStore
from dsr_sdk.outcomes import Outcome, OutcomeState, OutcomeStore
from dsr_sdk.requests import (
    AccessRequest,
    CorrectionRequest,
    DeletionRequest,
    ObjectionRequest,
    OptOutRequest,
    PortabilityRequest,
    RestrictionRequest,
    SystemRequest,
)
from dsr_sdk.subscriber import Subscriber
from dsr_sdk.suppression import SuppressionList
from dsr_wire.keys import SystemKeyPair
from dsr_wire.suppression import SuppressionKey

__all__ = [
    "Absent",
    "AccessRequest",
    "AlreadyRight",
    "Answer",
    "Bus",
    "Confidence",
    "ConfigurationError",
    "Corrected",
    "Correction",
    "CorrectionRequest",
    "DeletionRequest",
    "Delivered",
    "Disposition",
    "Erased",
    "Exempt",
    "Exemption",
    "ExportJournal",
    "ExportLimits",
    "ExportStore",
    "Failed",
    "File",
    "Heeded",
    "Identifier",
    "Identity",
    "InProgress",
    "Informed",
    "KafkaConnection",
    "Link",
    "LinkProof",
    "NotFound",
    "ObjectionRequest",
    "ObligationKey",
    "OptOutRequest",
    "Outcome",
    "OutcomeState",
    "OutcomeStore",
    "PartiallyExempt",
    "PortabilityRequest",
    "Present",
    "Record",
    "Rectification",
    "Refused",
    "Restricted",
    "RestrictionRequest",
    "Right",
    "Row",
    "Scope",
    "SqliteOutcomeStore",
    "StoreAway",
    "Subscriber",
    "SuppressionKey",
    "SuppressionKind",
    "SuppressionList",
    "SystemKeyPair",
    "SystemRequest",
    "Unresolvable",
]
