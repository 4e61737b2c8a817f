"""How many identities a core seals a second, as intake seals them for systems.

    python tests/bench/seals.py [--seconds 1]

One encapsulation a notice and system, one encryption an identity (ADR 9): alone, each request of a
cohort of one for one system; bulk, cohorts of 250. Deciphering what intake keeps is part of it, since
each identity is read for that. The rate is that of this process's CPU time; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import RequestId, uuid7
from dsr_core.rights import Right
from dsr_intake.application.identity_cipher import decrypt, encrypt
from dsr_wire.sealing import Sealer
from dsr_wire.sealing_keys import PrivateSealingKey, SealingAlgorithm, SealingKey

GOAL = 10_000
COHORTS = {"alone": 1, "bulk": 250}
KEY = b"k" * 32
IDENTITY = Identity.of(
    (
        Identifier.of("email", "someone@example.com"),
        Identifier.of("phone", "+12015550123"),
        Identifier.of("customer_number", "C10000001"),
    )
)


def a_cohort(members: int) -> list[tuple[RequestId, bytes]]:
    """Return members with their identities as intake keeps them."""
    ids = [RequestId(uuid7(number, os.urandom(10))) for number in range(members)]
    return [(one, encrypt(IDENTITY, request_id=one, key=KEY, nonce=os.urandom(12))) for one in ids]


def seal(members: Sequence[tuple[RequestId, bytes]], key: SealingKey) -> None:
    """Seal a cohort for one system."""
    sealer = Sealer(system_id="system-1", right=Right.DELETION, key=key)
    for request_id, ciphertext in members:
        identity = decrypt(ciphertext, request_id=request_id, key=KEY)
        sealer.seal(identity.only(("email", "customer_number")), request_id=request_id)


def rate(members: Sequence[tuple[RequestId, bytes]], key: SealingKey, seconds: float) -> int:
    """Return how many identities a second of CPU time seals."""
    done, spent = 0, 0.0
    while spent < seconds:
        began = time.process_time()
        for _ in range(max(1, 250 // len(members))):
            seal(members, key)
            done += len(members)
        spent += time.process_time() - began
    return round(done / spent)


def main() -> None:
    """Measure each kind of key, alone and in bulk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of CPU time, for each number")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found = {
        algorithm.value: {
            name: rate(
                a_cohort(members), PrivateSealingKey.generate(algorithm).public, options.seconds
            )
            for name, members in COHORTS.items()
        }
        for algorithm in SealingAlgorithm
    }
    sys.stdout.write(f"{machine}, load {os.getloadavg()[0]:.1f}; seals a second a core\n")
    for algorithm, rates in found.items():
        told = "  ".join(f"{name} {number:9,d}" for name, number in rates.items())
        sys.stdout.write(f"{algorithm:20s}{told}\n")
    document = {"machine": machine, "goal": GOAL, "seals_per_second": found}
    sys.stdout.write(f"{json.dumps(document)}\n")


if __name__ == "__main__":
    main()
