"""A log in memory, served as C2SP tlog-tiles has it, and spoilt where a test wants it so."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import httpx

from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.growth import Edge, grow
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteSigner, Signature
from dsr_wire.log.tiles import FULL, HASH_BYTES, Tile, bundle

__all__ = ["ServedLog"]

_BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


class ServedLog:
    """A log that grows as it is told."""

    def __init__(self, signer: NoteSigner, *, salt: str = "") -> None:
        """Begin empty; another salt makes other leaves."""
        self.signer = signer
        self.entries: list[bytes] = []
        self.answers: dict[str, bytes] = {}
        """What is answered instead, by path."""
        self.cosignatures: list[Signature] = []
        self._salt = salt
        self._edge = Edge(0)
        self._tiles: dict[tuple[int, int], bytes] = {}

    def append(self, count: int) -> None:
        """Append leaves of every kind in turn."""
        kinds = list(Kind)
        for number in range(len(self.entries), len(self.entries) + count):
            digest = hashlib.sha256(f"{self._salt}{number}".encode()).hexdigest()
            at = _BEGIN + timedelta(seconds=number)
            self.entries.append(Leaf(kinds[number % len(kinds)], digest, at).data())
        leaves = [hashlib.sha256(b"\x00" + one).digest() for one in self.entries[-count:]]
        growth = grow(self._edge, leaves if count else [])
        self._edge = growth.edge
        self._tiles.update(growth.tiles)
        self.cosignatures.clear()

    @property
    def checkpoint(self) -> Checkpoint:
        """What it is now."""
        return Checkpoint(self.signer.name, self._edge.size, self._edge.root())

    @property
    def note(self) -> str:
        """The newest checkpoint."""
        lines = "".join(one.line() for one in self.cosignatures)
        return sign_checkpoint(self.checkpoint, [self.signer]) + lines

    def client(self) -> httpx.Client:
        """Return a client that nothing but this log answers."""
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in self.answers:
            return httpx.Response(200, content=self.answers[path])
        if path == "/tlog/checkpoint":
            return httpx.Response(200, text=self.note)
        if path.startswith("/tlog/tile/"):
            data = self._tile(Tile.parse(path.removeprefix("/tlog/tile/")))
            return httpx.Response(200, content=data) if data else httpx.Response(404)
        return httpx.Response(404)

    def _tile(self, tile: Tile) -> bytes | None:
        if tile.is_entries:
            first = tile.index * FULL
            return bundle(self.entries[first : first + tile.width])
        data = self._tiles.get((tile.level, tile.index))
        return data[: tile.width * HASH_BYTES] if data else None
