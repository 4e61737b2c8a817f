"""How sure somebody is who asks, as callers state it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dsr_core.law.proofs import Level

__all__ = ["AttestedLevel", "ProvenLevel"]

AttestedLevel = Annotated[
    Level | None,
    Field(
        description=(
            "How sure the client is, where it attests: `low`, `substantial` or `high`. Where it is "
            "absent, `high`. Where the rules ask for more, for the data that the request reaches, the "
            "attestation does not count: the request waits as `awaiting_identity`, and "
            "`identity_needed` says why."
        )
    ),
]

ProvenLevel = Annotated[Level, Field(description="How sure it is: `low`, `substantial` or `high`.")]
