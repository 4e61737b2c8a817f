"""Dead letters, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsr_core.errors import DsrError
from dsr_verifier.ports import Refusal


@dataclass
class FakeDeadLetters:
    """Keeps dead letters; raises what it is given first."""

    buried: list[Refusal] = field(default_factory=list)
    faults: list[DsrError] = field(default_factory=list)

    async def bury(self, refusals: Sequence[Refusal]) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.buried.extend(refusals)
