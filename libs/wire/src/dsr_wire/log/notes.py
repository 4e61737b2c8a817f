"""Signed notes: C2SP signed-note, with keys in the text forms of Go's `sumdb/note`."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "InvalidNote",
    "Note",
    "NoteKey",
    "NoteSigner",
    "Signature",
    "from_base64",
    "open_note",
    "sign_note",
    "signature_lines",
    "split_note",
    "to_base64",
]

ED25519 = 1
"""The signature type of a note's author."""

COSIGNATURE = 4
"""The signature type of a witness: C2SP tlog-cosignature, `cosignature/v1`."""

_MOST_SIGNATURES = 100
_KEY_BYTES = 32
_STAMP_BYTES = 8
_DASH = "\u2014 "


class InvalidNote(ValueError):  # noqa: N818 - named for what has happened, as all errors here
    """Bytes are no signed note, or a key that is known did not sign it so. Nothing in it is true."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that checks notes: a `vkey`."""

    name: str
    raw: bytes
    kind: int = ED25519
    id: int = field(init=False)
    """Tells the key apart from others of its name: a hash, cut short; no proof of anything."""

    def __post_init__(self) -> None:
        """Load the key; a ValueError says that there is none."""
        if not _is_name(self.name):
            raise ValueError("a key's name has no space and no plus")
        if self.kind not in {ED25519, COSIGNATURE} or len(self.raw) != _KEY_BYTES:
            raise ValueError("not an Ed25519 key")
        Ed25519PublicKey.from_public_bytes(self.raw)
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.raw
        object.__setattr__(self, "id", int.from_bytes(hashlib.sha256(named).digest()[:4], "big"))

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Read a key's text: name, id and key, with a plus between.

        Raises:
            ValueError: The text is none, or its id is another key's.
        """
        name, _, rest = text.partition("+")
        named, _, encoded = rest.partition("+")
        raw = from_base64(encoded)
        if not raw:
            raise ValueError("not the text of a key")
        key = cls(name, raw[1:], raw[0])
        if f"{key.id:08x}" != named:
            raise ValueError("the key's id is another one's")
        return key

    def text(self) -> str:
        """Return the key as text: what is published."""
        return f"{self.name}+{self.id:08x}+{to_base64(bytes([self.kind]) + self.raw)}"

    def is_signer_of(self, text: str, signature: bytes) -> bool:
        """Tell whether the key made a signature of a note's text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            stamp = int.from_bytes(signature[:_STAMP_BYTES], "big")
            message = cosigned(text, stamp)
            signature = signature[_STAMP_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class NoteSigner:
    """A private key that signs notes; it stays where it is."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> NoteSigner:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> NoteSigner:
        """Read what `text` wrote.

        Raises:
            ValueError: The text is no private key of a note. The message holds nothing of it.
        """
        parts = text.split("+", 4)
        if parts[:2] != ["PRIVATE", "KEY"] or len(parts) != 5:
            raise ValueError("not the text of a private key")
        _, _, name, named, encoded = parts
        raw = from_base64(encoded)
        if raw[:1] != bytes([ED25519]) or len(raw) != 1 + _KEY_BYTES:
            raise ValueError("not an Ed25519 key")
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if f"{signer.public.id:08x}" != named:
            raise ValueError("the key's id is another one's")
        return signer

    def text(self) -> str:
        """Return the private key as text, for a file that only its owner reads."""
        seed = bytes([ED25519]) + self.private.private_bytes_raw()
        return f"PRIVATE+KEY+{self.name}+{self.public.id:08x}+{to_base64(seed)}"

    @property
    def public(self) -> NoteKey:
        """The key that checks what this one signs."""
        return NoteKey(self.name, self.private.public_key().public_bytes_raw())

    @property
    def cosigning(self) -> NoteKey:
        """The key that checks what this one cosigns."""
        return NoteKey(self.name, self.private.public_key().public_bytes_raw(), COSIGNATURE)

    def sign(self, text: str) -> Signature:
        """Sign a note's text as its author."""
        return Signature(self.name, self.public.id, self.private.sign(text.encode()))

    def cosign(self, text: str, *, stamp: int) -> Signature:
        """Sign a checkpoint's text as a witness, at a time in seconds since 1970."""
        raw = stamp.to_bytes(_STAMP_BYTES, "big") + self.private.sign(cosigned(text, stamp))
        return Signature(self.name, self.cosigning.id, raw)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a note, checked or not."""

    name: str
    id: int
    raw: bytes

    def line(self) -> str:
        """Return the signature's line, with its end."""
        return f"{_DASH}{self.name} {to_base64(self.id.to_bytes(4, 'big') + self.raw)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose text at least one known key signed."""

    text: str
    signatures: tuple[Signature, ...]
    """By known keys; each is good."""

    unknown: tuple[Signature, ...] = ()
    """By keys that are not known; they say nothing."""


def sign_note(text: str, signers: Iterable[NoteSigner], others: Iterable[Signature] = ()) -> str:
    """Return the signed note: the text, a blank line, and a signature of each key."""
    signatures = [*(one.sign(text) for one in signers), *others]
    signed = f"{text}\n{''.join(one.line() for one in signatures)}"
    split_note(signed)
    return signed


def open_note(signed: str, keys: Iterable[NoteKey]) -> Note:
    """Return the note, its known signatures checked.

    Raises:
        InvalidNote: It is malformed, no known key signed it, or a known key's signature is bad.
    """
    text, signatures = split_note(signed)
    known = {(one.name, one.id): one for one in keys}
    good: list[Signature] = []
    unknown: list[Signature] = []
    for one in dict.fromkeys(signatures):
        key = known.get((one.name, one.id))
        if key is None:
            unknown.append(one)
        elif not key.is_signer_of(text, one.raw):
            raise InvalidNote(f"the signature of {one.name}+{one.id:08x} is not good")
        else:
            good.append(one)
    if not good:
        raise InvalidNote("no known key signed the note")
    return Note(text, tuple(good), tuple(unknown))


def split_note(signed: str) -> tuple[str, tuple[Signature, ...]]:
    """Return a note's text and signatures, unchecked.

    Raises:
        InvalidNote: It is malformed.
    """
    if any(one < " " and one != "\n" for one in signed):
        raise InvalidNote("a note has no control characters")
    head, blank, tail = signed.rpartition("\n\n")
    if not blank or not tail:
        raise InvalidNote("a note ends in signatures after a blank line")
    return f"{head}\n", signature_lines(tail)


def signature_lines(text: str) -> tuple[Signature, ...]:
    """Read signature lines as a note has them, or as a witness answers with.

    Raises:
        InvalidNote: A line is no signature, or there are too many.
    """
    if not text.endswith("\n"):
        raise InvalidNote("a signature's line has an end")
    lines = text[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise InvalidNote("a note has at most a hundred signatures")
    return tuple(_signature(line) for line in lines)


def cosigned(text: str, stamp: int) -> bytes:
    """Return what a witness signs: C2SP tlog-cosignature, `cosignature/v1`."""
    return f"cosignature/v1\ntime {stamp}\n{text}".encode()


def to_base64(raw: bytes) -> str:
    """Return bytes as text."""
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    """Return the bytes of a text, which must be their one form: no bit is left to choose.

    Raises:
        ValueError: It is not.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64") from error
    if to_base64(raw) != text:
        raise ValueError("not base64 in its one form")
    return raw


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise InvalidNote("a signature's line starts with a dash")
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = from_base64(encoded)
    except ValueError as error:
        raise InvalidNote("a signature is not base64") from error
    if not _is_name(name) or len(raw) <= 4:
        raise InvalidNote("a signature's line has a name and a signature")
    return Signature(name, int.from_bytes(raw[:4], "big"), raw[4:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(one.isspace() for one in name)
