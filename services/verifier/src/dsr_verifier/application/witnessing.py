"""Witnessing: others cosign what the log says it is, after they have seen that it only grew."""

from __future__ import annotations

from dsr_verifier.log_ports import (
    LogReader,
    SignedCheckpoint,
    Witness,
    WitnessConflict,
    WitnessRefusal,
)
from dsr_verifier.ports import Clock
from dsr_wire.log.notes import InvalidNote, Signature, signature_lines

__all__ = ["Witnessing"]


class Witnessing:
    """Asks one witness; safe to run in every replica at once."""

    def __init__(self, *, log: LogReader, witness: Witness, clock: Clock) -> None:
        self._log = log
        self._witness = witness
        self._clock = clock
        self._size: int | None = None
        """What the witness has cosigned, as far as is known."""

    async def step(self) -> bool:
        """Have the newest checkpoint cosigned; false where it is, or where there is none.

        Raises:
            Unavailable: The witness or the store is away.
            WitnessRefusal: It does not cosign.
        """
        newest = await self._log.newest()
        key = self._witness.key
        if newest is None or newest.checkpoint.size == 0:
            return False
        if self._size is None:
            self._size = await self._log.cosigned(key)
        if self._size == newest.checkpoint.size:
            return False
        try:
            lines = await self._asked(newest, self._size)
        except WitnessConflict as conflict:
            # Another replica has asked, or an answer was lost on its way.
            self._size = conflict.size
            lines = await self._asked(newest, conflict.size)
        await self._log.cosign(newest.id, self._own(newest, lines), self._clock())
        self._size = newest.checkpoint.size
        return True

    async def _asked(self, newest: SignedCheckpoint, old: int) -> str:
        size = newest.checkpoint.size
        if old > size:
            raise WitnessRefusal(f"it has cosigned {old} leaves, and the log has {size}")
        proof = await self._log.consistency(old, size)
        return await self._witness.add_checkpoint(old, proof, newest.note)

    def _own(self, newest: SignedCheckpoint, lines: str) -> Signature:
        """Return the witness's cosignature among the lines that it answered with.

        Raises:
            WitnessRefusal: It is not there, or not good.
        """
        key = self._witness.key
        try:
            found = signature_lines(lines)
        except InvalidNote as error:
            raise WitnessRefusal("it answers with no signature") from error
        for one in found:
            if (one.name, one.id) == (key.name, key.id):
                if not key.is_signer_of(newest.checkpoint.text(), one.raw):
                    raise WitnessRefusal("its cosignature is not good")
                return one
        raise WitnessRefusal("it answers without its cosignature")
