"""Sequencing: facts that wait become leaves, in batches, by one process at a time.

Everything of a batch is one transaction: statements, leaves, tiles, the checkpoint, and the message
that publishes it. A crash leaves all of it or nothing, so there is no gap and an index is given once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dsr_core.ids import RequestId
from dsr_verifier.application.forks import Fork, fork_of
from dsr_verifier.log_ports import Log, LogTransaction, Pending, Published, SignedCheckpoint
from dsr_verifier.ports import Clock
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.growth import Edge, grow
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import InvalidNote, NoteSigner, open_note

__all__ = ["Sequenced", "Sequencer"]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What one step has done."""

    has_turn: bool = True
    """False where another process is the sequencer."""

    leaves: int = 0
    size: int | None = None
    """Of the log; none where this process did not look."""

    is_full: bool = False
    """Whether more may wait than one step takes on."""


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
        self._known: Checkpoint | None = None

    async def step(self) -> Sequenced:
        """Append what waits, up to a batch.

        Raises:
            Fork: What is published is not what this database says; nothing was appended.
            Unavailable: The store is away, or what was published is not known yet.
        """
        published = await self._published.newest()
        async with self._log.transaction() as transaction:
            if transaction is None:
                return Sequenced(has_turn=False)
            newest = await transaction.newest()
            await self._refuse_fork(transaction, newest, published)
            await self._refuse_fork(transaction, newest, self._known)
            edge = await _edge(transaction, newest)
            taken = await transaction.take(self._batch)
            if taken:
                edge = await self._append(transaction, edge, taken)
            checkpoint = Checkpoint(self._origin, edge.size, edge.root())
            if taken or not self._is_signed(newest):
                note = sign_checkpoint(checkpoint, self._signers)
                await transaction.sign(checkpoint, note, self._clock())
        # Only now is it committed. A database that is put back later is held to it.
        self._known = checkpoint
        return Sequenced(leaves=len(taken), size=checkpoint.size, is_full=len(taken) == self._batch)

    async def _refuse_fork(
        self,
        transaction: LogTransaction,
        newest: SignedCheckpoint | None,
        known: Checkpoint | None,
    ) -> None:
        if known is None:
            return
        size = newest.checkpoint.size if newest else 0
        fork = fork_of(known, size, await transaction.root(known.size))
        if fork is not None:
            raise fork

    async def _append(
        self, transaction: LogTransaction, edge: Edge, taken: Sequence[Pending]
    ) -> Edge:
        closed = [one.request_id for one in taken if one.request_id is not None]
        statements = await transaction.statements(closed) if closed else {}
        leaves = [
            _leaf(one, statements[one.request_id] if one.request_id is not None else None)
            for one in taken
        ]
        kept: dict[RequestId, tuple[bytes, int]] = {
            one.request_id: (statements[one.request_id], edge.size + place)
            for place, one in enumerate(taken)
            if one.request_id is not None
        }
        growth = grow(edge, [one.hash() for one in leaves])
        await transaction.append(edge.size, leaves, growth.tiles, kept)
        return growth.edge

    def _is_signed(self, newest: SignedCheckpoint | None) -> bool:
        """Whether every key of ours has signed the newest checkpoint: not so while one is new."""
        if newest is None or newest.checkpoint.origin != self._origin:
            return False
        try:
            note = open_note(newest.note, [one.public for one in self._signers])
        except InvalidNote:
            return False
        return len(note.signatures) == len(self._signers)


def _leaf(pending: Pending, statement: bytes | None) -> Leaf:
    digest = pending.digest if statement is None else hashlib.sha256(statement).digest()
    if digest is None:  # pragma: no cover - the table has either
        raise ValueError("a fact without a digest")
    return Leaf(Kind(pending.kind), digest.hex(), pending.at)


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
