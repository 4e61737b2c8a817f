"""The transparency log of a test: keys, and a log that is read as anyone reads it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dsr_wire import merkle
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteSigner
from dsr_wire.log.tiles import entries, entries_of

__all__ = ["ReadLog", "a_signer", "log_settings", "origin_of_database", "read_log"]


def a_signer(origin: str, *, generation: int = 1) -> NoteSigner:
    """Return a log's key; the same whenever it is asked for."""
    seed = hashlib.sha256(f"{origin} {generation}".encode()).digest()
    return NoteSigner(origin, Ed25519PrivateKey.from_private_bytes(seed))


def origin_of_database(dsn: str) -> str:
    """Return the name of the log in a database: every database of a test is a log of its own."""
    return f"log.example.test/{hashlib.sha256(dsn.encode()).hexdigest()[:16]}"


def log_settings(dsn: str, beside: Path) -> dict[str, str]:
    """Return what a verifier on a database is told of its log; the key is written beside a file."""
    origin, key_file = origin_of_database(dsn), beside.with_suffix(".log-key")
    key_file.write_text(a_signer(origin).text(), encoding="utf-8")
    return {"DSR_LOG_KEY_FILE": str(key_file), "DSR_LOG_ORIGIN": origin}


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log as it was read: its root is that of its leaves."""

    checkpoint: Checkpoint
    leaves: tuple[Leaf, ...]

    def of(self, kind: Kind) -> Counter[str]:
        """Return the digests of one kind, each with how often it is there."""
        return Counter(one.digest for one in self.leaves if one.kind is kind)


async def read_log(url: str, origin: str) -> ReadLog:
    """Read a whole log from where it is served, and hold its checkpoint to its entries."""
    async with httpx.AsyncClient(base_url=f"{url}/tlog") as client:
        note = (await client.get("/checkpoint")).raise_for_status().text
        checkpoint, _ = open_checkpoint(note, [a_signer(origin).public], origin=origin)
        found: list[bytes] = []
        for one in entries_of(checkpoint.size):
            answer = (await client.get(f"/tile/{one.path}")).raise_for_status()
            found.extend(entries(answer.content, one.width))
    assert merkle.root([merkle.leaf_hash(one) for one in found]) == checkpoint.root
    return ReadLog(checkpoint, tuple(Leaf.read(one) for one in found))
