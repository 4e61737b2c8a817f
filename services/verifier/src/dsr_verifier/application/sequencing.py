"""Sequencing: facts that wait become leaves, in batches, by one process at a time.

Everything of a batch is one transaction: statements, leaves, tiles, the checkpoint, and the message
that publishes it. A crash leaves all of it or nothing, so there is no gap and an index is given once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsr_core.ids import RequestId
from dsr_verifier.application.forks import Fork, fork_of
from dsr_verifier.log_ports import Log, LogTransaction, Pending, Published, SignedCheckpoint
from dsr_verifier.ports import Clock
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.growth import Edge, grow
from dsr_wire.log.leaves import Leaf
from dsr_wire.log.notes import InvalidNote, NoteSigner, open_note

__all__ = ["Sequenced", "Sequencer", "StatementMissing"]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What one step has done."""

    has_turn: bool = True
    """False where another process is the sequencer."""

    leaves: int = 0
    is_full: bool = False
    """Whether more may wait than one step takes on."""


class StatementMissing(Exception):  # noqa: N818 - what has happened
    """The ledger does not say what was closed: a fault of the code. Nothing was appended."""


class Sequencer:
    """Appends to the log."""

    def __init__(
        self,
        *,
        log: Log,
        published: Published,
        origin: str,
        signers: Sequence[NoteSigner],
        clock: Clock,
        batch: int = 500,
    ) -> None:
        """Sign as a log; every signer's name is the log's origin."""
        self._log = log
        self._published = published
        self._origin = origin
        self._signers = tuple(signers)
        self._clock = clock
        self._batch = batch
        self._committed: tuple[Checkpoint, ...] = ()

    async def step(self) -> Sequenced:
        """Append what waits, up to a batch.

        Raises:
            Fork: What is published is not what this database says; nothing was appended.
            StatementMissing: A closure cannot be stated.
            Unavailable: The store is away, or what was published is not known yet.
        """
        published = await self._published.largest()
        async with self._log.transaction() as transaction:
            if transaction is None:
                return Sequenced(has_turn=False)
            newest = await transaction.newest()
            for known in (*published, *self._committed):
                await _refuse_fork(transaction, newest, known)
            taken = await transaction.take(self._batch)
            if newest is not None and not taken and self._is_signed(newest):
                checkpoint = newest.checkpoint
            else:
                checkpoint = await self._append(transaction, newest, taken)
        # Only now is it committed. A database that is put back later is held to it.
        self._committed = (checkpoint,)
        return Sequenced(leaves=len(taken), is_full=len(taken) == self._batch)

    async def _append(
        self,
        transaction: LogTransaction,
        newest: SignedCheckpoint | None,
        taken: Sequence[Pending],
    ) -> Checkpoint:
        edge = await _edge(transaction, newest)
        if taken:
            edge = await _grow(transaction, edge, taken)
        checkpoint = Checkpoint(self._origin, edge.size, edge.root())
        note = sign_checkpoint(checkpoint, self._signers)
        await transaction.sign(checkpoint, note, self._clock())
        return checkpoint

    def _is_signed(self, newest: SignedCheckpoint) -> bool:
        """Whether every key of ours has signed the newest checkpoint: not so while one is new."""
        if newest.checkpoint.origin != self._origin:
            return False
        try:
            note = open_note(newest.note, [one.public for one in self._signers])
        except InvalidNote:
            return False
        return len(note.signatures) == len(self._signers)


async def _refuse_fork(
    transaction: LogTransaction, newest: SignedCheckpoint | None, known: Checkpoint
) -> None:
    size = newest.checkpoint.size if newest else 0
    if newest is not None and size == known.size:
        root: bytes | None = newest.checkpoint.root
    else:
        root = await transaction.root(known.size)
    fork = fork_of(known, size, root)
    if fork is not None:
        raise fork


async def _edge(transaction: LogTransaction, newest: SignedCheckpoint | None) -> Edge:
    """Return what the log grows from, once its tiles are seen to be those of its checkpoint."""
    if newest is None:
        return Edge(0)
    try:
        edge = await transaction.edge(newest.checkpoint.size)
    except ValueError as error:
        raise Fork.contradicting(newest.checkpoint.size) from error
    if edge.root() != newest.checkpoint.root:
        raise Fork.contradicting(newest.checkpoint.size)
    return edge


async def _grow(transaction: LogTransaction, edge: Edge, taken: Sequence[Pending]) -> Edge:
    closed = [one.request_id for one in taken if one.request_id is not None]
    statements = await transaction.statements(closed) if closed else {}
    if len(statements) != len(closed):
        raise StatementMissing(f"{len(closed) - len(statements)} closures have no statement")
    leaves = [_leaf(one, statements) for one in taken]
    placed = {
        one.request_id: (statements[one.request_id], edge.size + place)
        for place, one in enumerate(taken)
        if one.request_id is not None
    }
    growth = grow(edge, [one.hash() for one in leaves])
    await transaction.append(edge.size, leaves, growth.tiles, placed)
    return growth.edge


def _leaf(pending: Pending, statements: Mapping[RequestId, bytes]) -> Leaf:
    if pending.request_id is not None:
        digest = hashlib.sha256(statements[pending.request_id]).digest()
    else:
        digest = pending.digest or b""
    return Leaf(pending.kind, digest.hex(), pending.at)
