"""A witness: a small real server that cosigns what it has seen to be consistent, by its own reckoning."""

from __future__ import annotations

import base64
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from dsr_wire.log.checkpoints import Checkpoint, read_checkpoint
from dsr_wire.log.notes import InvalidNote, NoteKey, NoteSigner, open_note

__all__ = ["WitnessServer"]

_STAMP = 1_700_000_000
_NOTHING = hashlib.sha256(b"").digest()


class WitnessServer:
    """C2SP tlog-witness's add-checkpoint for one log."""

    def __init__(self, log: NoteKey) -> None:
        self.signer = NoteSigner.generate("witness.example.test/1")
        self.size, self.root = 0, _NOTHING
        self.asked: list[int] = []
        """The old size of each call."""
        self.says: tuple[int, str] | None = None
        """What it answers instead, if anything."""
        self._log = log
        self._lock = Lock()

    def __enter__(self) -> Self:
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                known = self.path == "/w/add-checkpoint"
                status, kind, text = witness.answer(body) if known else (404, "text/plain", "")
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The submission prefix."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/w"

    def answer(self, body: bytes) -> tuple[int, str, str]:
        """Return status, content type and text, as the specification orders them."""
        if self.says is not None:
            return self.says[0], "text/plain", self.says[1]
        head, _, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        old = int(first.removeprefix("old "))
        checkpoint = read_checkpoint(note)
        if checkpoint.origin != self._log.name:
            return 404, "text/plain", "unknown log"
        try:
            text = open_note(note, [self._log]).text
        except InvalidNote:
            return 403, "text/plain", "not its key"
        with self._lock:
            self.asked.append(old)
            refused = self._refused(old, checkpoint, lines)
            if refused is None:
                self.size, self.root = checkpoint.size, checkpoint.root
        return refused or (200, "text/plain", self.signer.cosign(text, stamp=_STAMP).line())

    def _refused(
        self, old: int, checkpoint: Checkpoint, lines: list[str]
    ) -> tuple[int, str, str] | None:
        if old > checkpoint.size:
            return 400, "text/plain", "old"
        if old != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n"
        if old == checkpoint.size and checkpoint.root != self.root:
            return 409, "text/plain", "another root"
        if not self._is_growth(old, checkpoint.size, checkpoint.root, lines):
            return 422, "text/plain", "inconsistent"
        return None

    def _is_growth(self, first: int, second: int, root: bytes, lines: list[str]) -> bool:
        proof = [base64.b64decode(one) for one in lines]
        if first in {0, second}:
            return not proof
        try:
            old, new = _both(first, second, proof, self.root)
        except IndexError:
            return False
        return not proof and (old, new) == (self.root, root)


def _both(m: int, n: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Return the old and the new root, by the recursion of RFC 6962, 2.1.2, read backwards."""
    if m == n:
        same = known if known is not None else proof.pop(0)
        return same, same
    k = 1 << ((n - 1).bit_length() - 1)
    if m <= k:
        old, new = _both(m, k, proof, known)
        return old, _node(new, proof.pop(0))
    old, new = _both(m - k, n - k, proof, None)
    left = proof.pop(0)
    return _node(left, old), _node(left, new)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
