"""Certificates: the form of the file. It is canonical JSON and one line end, and no other bytes are one.

What a person reads (`says`) is made from the signed bytes when the file is written, so a reader who
makes the file again from what it means has the same bytes, or the file is not what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_wire.canonical import canonical, read_canonical, timestamp
from dsr_wire.certificate.fields import MalformedError, Reader
from dsr_wire.certificate.statement import StatedAnswer, StatedObligation, Statement
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import to_base64

__all__ = ["Certificate", "LogEntry", "SignedAnswer", "said"]

_VERSION = 1
_END = b"\n"
_FIELDS = frozenset({"v", "statement", "answers", "amendments", "log"})
_ANSWER = frozenset({"answer", "says", "index", "size", "path", "key_id", "signature"})
_LOG = frozenset({"leaf", "index", "proof", "checkpoint"})
_LEAF = frozenset({"at", "digest", "kind", "v"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAnswer:
    """One recorded answer, shown without its neighbours in the batch that its system signed."""

    answer: bytes
    """The Acknowledgement as it was sent."""

    index: int
    size: int
    """How many answers the batch had."""

    path: tuple[bytes, ...]
    """RFC 6962 hashes from the answer to the root that was signed, from the bottom up."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """Where the statement stands in the transparency log."""

    leaf: Leaf
    index: int
    proof: tuple[bytes, ...]
    """RFC 6962 hashes from the leaf to the checkpoint's root, from the bottom up."""

    checkpoint: str
    """A signed note (C2SP tlog-checkpoint)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A closure with all that shows it."""

    statement: Statement
    answers: tuple[SignedAnswer, ...]
    """In the order in which the statement names them."""

    amendments: tuple[bytes, ...]
    """Each applied ObligationsAmended as it was sent, in the order in which the statement names them."""

    log: LogEntry

    def stated(self) -> Iterator[tuple[StatedObligation, StatedAnswer]]:
        """Yield what the statement says of each answer."""
        for obligation in self.statement.obligations:
            for answer in obligation.answers:
                yield obligation, answer

    def to_bytes(self) -> bytes:
        """Return the file."""
        return canonical(self._value()) + _END

    @classmethod
    def from_bytes(cls, data: bytes) -> Certificate:
        """Read a file.

        Raises:
            MalformedError: It is none: a field is missing, unknown or wrong, or the bytes are not those
                that this certificate has. The part is `file` where no field can be named.
        """
        if not data.endswith(_END):
            raise MalformedError("file", "must end in one line end")
        try:
            value = read_canonical(data.removesuffix(_END))
        except ValueError as error:
            raise MalformedError("file", str(error)) from error
        read = Reader(value, "", _FIELDS)
        if read.number("v") != _VERSION:
            raise MalformedError("v", "is a version that this program does not know")
        answers = read.objects("answers", _ANSWER)
        found = cls(
            statement=Statement.from_value(read.raw("statement"), "statement"),
            answers=tuple(_answer(one) for one in answers),
            amendments=read.datas("amendments"),
            log=_log(Reader(read.raw("log"), "log", _LOG)),
        )
        for one, answer in zip(answers, found.answers, strict=True):
            if canonical(one.raw("says")) != canonical(said(answer.answer)):  # 7.0 is not 7
                raise MalformedError(one.at("says"), "is not what the signed answer says")
        if found.to_bytes() != data:
            part = _difference(value, found._value(), "") or "file"
            raise MalformedError(part, "another form of the same certificate")
        return found

    def _value(self) -> dict[str, Any]:
        return {
            "v": _VERSION,
            "statement": self.statement.value(),
            "answers": [
                {
                    "answer": to_base64(one.answer),
                    "says": said(one.answer),
                    "index": one.index,
                    "size": one.size,
                    "path": [each.hex() for each in one.path],
                    "key_id": one.key_id,
                    "signature": to_base64(one.signature),
                }
                for one in self.answers
            ],
            "amendments": [to_base64(one) for one in self.amendments],
            "log": {
                "leaf": {
                    "at": timestamp(self.log.leaf.at),
                    "digest": self.log.leaf.digest,
                    "kind": self.log.leaf.kind.value,
                    "v": _VERSION,
                },
                "index": self.log.index,
                "proof": [each.hex() for each in self.log.proof],
                "checkpoint": self.log.checkpoint,
            },
        }


def said(answer: bytes) -> dict[str, Any] | None:
    """Return what a signed answer says, for people; none where it is no answer."""
    try:
        one = acknowledgement_from_bytes(answer)
    except RejectedInput:
        return None
    return _said(one)


def _said(one: Acknowledgement) -> dict[str, Any]:
    return {
        "system_id": one.system_id,
        "disposition": one.disposition.value,
        "sequence": one.sequence,
        "answered_at": timestamp(one.answered_at),
        "records": one.records,
        "exemptions": [
            {
                "ground": exemption.ground,
                "categories": list(exemption.categories),
                "records": exemption.records,
                "review_at": timestamp(exemption.review_at),
            }
            for exemption in one.exemptions
        ],
    }


def _difference(value: object, again: object, part: str) -> str:
    """Return the first part of a document that is not as it is made again."""
    pairs: Iterable[tuple[str, object, object]] = ()
    if isinstance(value, dict) and isinstance(again, dict):
        dot = "." if part else ""
        pairs = ((f"{part}{dot}{key}", one, again[key]) for key, one in value.items())
    elif isinstance(value, list) and isinstance(again, list) and len(value) == len(again):
        both = enumerate(zip(value, again, strict=True))
        pairs = ((f"{part}[{place}]", one, other) for place, (one, other) in both)
    differing = (one for one in pairs if canonical(one[1]) != canonical(one[2]))
    found = next(differing, None)
    return part if found is None else _difference(found[1], found[2], found[0])


def _answer(read: Reader) -> SignedAnswer:
    return SignedAnswer(
        answer=read.data("answer"),
        index=read.number("index"),
        size=read.number("size"),
        path=read.digests("path"),
        key_id=read.text("key_id"),
        signature=read.data("signature"),
    )


def _log(read: Reader) -> LogEntry:
    leaf = Reader(read.raw("leaf"), read.at("leaf"), _LEAF)
    if leaf.number("v") != _VERSION:
        raise MalformedError(leaf.at("v"), "is a version that this program does not know")
    return LogEntry(
        leaf=Leaf(
            leaf.parsed("kind", Kind, "is no kind of leaf"),
            leaf.digest("digest").hex(),
            leaf.time("at"),
        ),
        index=read.number("index"),
        proof=read.digests("proof"),
        checkpoint=read.text("checkpoint"),
    )
