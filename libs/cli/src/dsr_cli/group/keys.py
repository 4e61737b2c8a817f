"""The key pairs of the example systems: made once, each in a file that its system alone reads."""

from __future__ import annotations

import os
from pathlib import Path

from dsr_wire.keys import SealingAlgorithm, SystemKeyPair

__all__ = ["HYBRID", "key_file", "key_pair"]


HYBRID = frozenset({"billing"})
"""The example systems that are sealed to by a post-quantum key as well; the loop is tried with both."""


def key_file(secrets: Path, system_id: str) -> Path:
    """Return where a system's private keys are."""
    return secrets / f"system-{system_id}.json"


def key_pair(secrets: Path, system_id: str) -> SystemKeyPair:
    """Return a system's keys, made at the first call."""
    path = key_file(secrets, system_id)
    if not path.exists():
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        hybrid = system_id in HYBRID
        algorithm = SealingAlgorithm.HYBRID if hybrid else SealingAlgorithm.X25519
        keys = SystemKeyPair.generate(system_id, algorithm)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(keys.to_json())
    return SystemKeyPair.from_json(path.read_text())
