"""What the application needs from outside. Each docstring is the port's specification."""

from __future__ import annotations

from dsr_intake.ports.audit import AuditStore
from dsr_intake.ports.closing import (
    Alike,
    ClosingStore,
    Decide,
    DeferralStore,
    LeftBehindStore,
    MakeFollowUp,
    UndecidedStore,
)
from dsr_intake.ports.decisions import (
    Covering,
    DecisionStore,
    HoldStore,
    ProposalStore,
    Resolve,
    ScopeOf,
    Tell,
)
from dsr_intake.ports.feeds import CertificatePending, Ledger, StateFeed
from dsr_intake.ports.identity import CodeStore, IdentityStore
from dsr_intake.ports.keys import KeyWrapper
from dsr_intake.ports.letters import LetterStore, Mailer, MailRefused, ReceiptStore
from dsr_intake.ports.packages import (
    CopyStore,
    Fetch,
    ObjectSink,
    ObjectStore,
    PackageKeyStore,
    PackageLinkStore,
    PackageStore,
    PartMissing,
)
from dsr_intake.ports.principals import ApiClientStore, Tokens
from dsr_intake.ports.registry import RegistryView
from dsr_intake.ports.requests import AcceptanceStore, AppealStore, Form, ReadStore
from dsr_intake.ports.ring import (
    HashStore,
    KeyRing,
    KeyService,
    KeyStore,
    Rehash,
    Rewrap,
    RingSource,
    RingStore,
)

__all__ = [
    "AcceptanceStore",
    "Alike",
    "ApiClientStore",
    "AppealStore",
    "AuditStore",
    "CertificatePending",
    "ClosingStore",
    "CodeStore",
    "CopyStore",
    "Covering",
    "Decide",
    "DecisionStore",
    "DeferralStore",
    "Fetch",
    "Form",
    "HashStore",
    "HoldStore",
    "IdentityStore",
    "KeyRing",
    "KeyService",
    "KeyStore",
    "KeyWrapper",
    "Ledger",
    "LeftBehindStore",
    "LetterStore",
    "MailRefused",
    "Mailer",
    "MakeFollowUp",
    "ObjectSink",
    "ObjectStore",
    "PackageKeyStore",
    "PackageLinkStore",
    "PackageStore",
    "PartMissing",
    "ProposalStore",
    "ReadStore",
    "ReceiptStore",
    "RegistryView",
    "Rehash",
    "Resolve",
    "Rewrap",
    "RingSource",
    "RingStore",
    "ScopeOf",
    "StateFeed",
    "Tell",
    "Tokens",
    "UndecidedStore",
]
