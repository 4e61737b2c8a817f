"""What the transparency log needs from outside, and the values that cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.log.growth import Edge
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteKey, Signature
from dsr_wire.log.proofs import Proof
from dsr_wire.log.tiles import Tile

__all__ = [
    "Backlog",
    "Fact",
    "Log",
    "LogIdentity",
    "LogReader",
    "LogTransaction",
    "LoggedClosure",
    "Pending",
    "Published",
    "SignedCheckpoint",
    "Witness",
    "WitnessConflict",
    "WitnessRefusal",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something other than a closure that becomes a leaf; its kind and digest name it."""

    kind: Kind
    digest: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A fact that waits to become a leaf."""

    id: int
    kind: Kind
    at: datetime
    request_id: RequestId | None = None
    """Of a closure, whose digest is its statement's."""

    digest: bytes | None = None
    """Of anything else."""


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint of this log, with its signed note."""

    id: int
    checkpoint: Checkpoint
    note: str
    """As the log signed it; `LogReader.served` has the cosignatures too."""

    signed_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedClosure:
    """A closure whose statement is fixed and stands in the log."""

    statement: bytes
    index: int
    """Of its leaf."""

    leaf: bytes
    """The leaf's bytes."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the log."""

    facts: int
    age_s: float
    """How long ago the oldest of them happened; zero where none waits."""


class LogTransaction(Protocol):
    """One atomic step of the log, by the one sequencer that there is at a time."""

    async def newest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint; none before the first."""
        ...

    async def edge(self, size: int) -> Edge:
        """Return what the tree of this size grows from.

        Raises:
            ValueError: The tiles are not those of such a tree.
        """
        ...

    async def root(self, size: int) -> bytes | None:
        """Return the root that the tree had at a size; none where it is not as large."""
        ...

    async def take(self, limit: int) -> list[Pending]:
        """Take facts that wait out, the oldest first."""
        ...

    async def statements(self, request_ids: Sequence[RequestId]) -> Mapping[RequestId, bytes]:
        """Return the statement of each of these closures."""
        ...

    async def append(
        self,
        first: int,
        leaves: Sequence[Leaf],
        tiles: Mapping[tuple[int, int], bytes],
        statements: Mapping[RequestId, tuple[bytes, int]],
    ) -> None:
        """Write leaves from an index on, the tiles that they change, and statements with their index."""
        ...

    async def sign(self, checkpoint: Checkpoint, note: str, at: datetime) -> None:
        """Write a checkpoint, and publish it once this transaction has been committed."""
        ...


class Log(Protocol):
    """The log's store."""

    def transaction(self) -> AbstractAsyncContextManager[LogTransaction | None]:
        """Return a step of the log, committed when left; none where another process has the turn.

        Raises:
            Unavailable: The store is away.
        """
        ...

    async def offer(self, facts: Sequence[Fact]) -> int:
        """Let facts wait for the log, each once for ever; return how many were new."""
        ...


class LogReader(Protocol):
    """Reads what is in the log."""

    async def closure(self, request_id: RequestId) -> LoggedClosure | None:
        """Return a request's closure as it stands in the log; none while it does not."""
        ...

    async def proof(self, index: int) -> Proof:
        """Return what shows a leaf, under the newest cosigned checkpoint, or else the newest.

        Raises:
            ValueError: There is no such leaf.
        """
        ...

    async def newest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint; none before the first."""
        ...

    async def served(self) -> str | None:
        """Return the newest checkpoint's note with the cosignatures that have come."""
        ...

    async def tile(self, tile: Tile) -> bytes | None:
        """Return the bytes of a tile of hashes, or of a bundle of entries; none where there is none."""
        ...

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return what shows that the tree of one size grew into that of another."""
        ...

    async def backlog(self) -> Backlog:
        """Return what waits for the log."""
        ...

    async def cosigned(self, key: NoteKey) -> int:
        """Return the size of the largest tree that a witness has cosigned; zero before the first."""
        ...

    async def cosign(self, checkpoint_id: int, signature: Signature, at: datetime) -> None:
        """Keep a witness's cosignature of a checkpoint; the same again changes nothing."""
        ...


class Published(Protocol):
    """The checkpoints that have been published under this log's origin."""

    async def largest(self) -> tuple[Checkpoint, ...]:
        """Return the largest; none before the first, and several where one size has several roots.

        Raises:
            Unavailable: It is not known yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What others know this log by."""

    origin: str
    keys: tuple[NoteKey, ...]
    """Each signs every checkpoint; two while one is being replaced."""

    witnesses: tuple[NoteKey, ...] = ()


class WitnessConflict(Exception):  # noqa: N818 - what it is, not that it is an error
    """A witness has cosigned a tree of another size than was thought."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the witness has cosigned size {size}")
        self.size = size


class WitnessRefusal(Exception):  # noqa: N818 - what it is, not that it is an error
    """A witness does not cosign; the text says why, and another try says the same."""


class Witness(Protocol):
    """Somebody else who cosigns checkpoints that are consistent."""

    @property
    def key(self) -> NoteKey:
        """The key of its cosignatures."""
        ...

    async def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> str:
        """Return the signature lines that the witness answers with.

        Raises:
            Unavailable: It does not answer.
            WitnessConflict: It stands at another size.
            WitnessRefusal: It does not know the log or its key, or sees a fork.
        """
        ...
