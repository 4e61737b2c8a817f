"""The published keys: what a certificate is checked against. Whoever trusts nobody keeps a copy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dsr_core.ids import is_slug
from dsr_wire.canonical import canonical, read_canonical, timestamp
from dsr_wire.certificate.fields import MalformedError, Reader
from dsr_wire.keys import Revocation, SigningKey, SystemPublicKeys
from dsr_wire.log.notes import NoteKey, from_base64, to_base64

__all__ = ["PublishedKeys", "SystemSigningKeys"]

_VERSION = 1
_FIELDS = frozenset({"v", "log", "witnesses", "systems"})
_SYSTEM = frozenset({"system_id", "signing", "revoked"})
_REVOKED = frozenset({"key_id", "revoked_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSigningKeys:
    """The signing keys of one system, present and former."""

    system_id: str
    signing: tuple[SigningKey, ...]
    revoked: tuple[Revocation, ...] = ()

    def key(self, key_id: str) -> SigningKey | None:
        """Return a key by its name, or none."""
        return next((one for one in self.signing if one.id == key_id), None)

    def revocation(self, key_id: str) -> Revocation | None:
        """Return the revocation of a key by its name, or none."""
        return next((one for one in self.revoked if one.key_id == key_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKeys:
    """Every key that evidence is checked with."""

    log: tuple[NoteKey, ...]
    """The log's own: each is named as its log's origin."""

    witnesses: tuple[NoteKey, ...]
    systems: tuple[SystemSigningKeys, ...]

    @classmethod
    def of(
        cls,
        systems: Iterable[SystemPublicKeys],
        *,
        log: Iterable[NoteKey],
        witnesses: Iterable[NoteKey],
    ) -> PublishedKeys:
        """Return the keys as they are registered, sorted by system. Why one was revoked is left out."""
        return cls(
            log=tuple(log),
            witnesses=tuple(witnesses),
            systems=tuple(
                SystemSigningKeys(
                    system_id=one.system_id,
                    signing=(one.signing, *one.former_signing),
                    revoked=tuple(
                        Revocation(each.key_id, each.revoked_at, "") for each in one.revoked
                    ),
                )
                for one in sorted(systems, key=lambda one: one.system_id)
            ),
        )

    def system(self, system_id: str) -> SystemSigningKeys | None:
        """Return the keys of a system, or none."""
        return next((one for one in self.systems if one.system_id == system_id), None)

    def to_bytes(self) -> bytes:
        """Return the file."""
        value: dict[str, Any] = {
            "v": _VERSION,
            "log": [one.text() for one in self.log],
            "witnesses": [one.text() for one in self.witnesses],
            "systems": [
                {
                    "system_id": one.system_id,
                    "signing": [to_base64(each.raw) for each in one.signing],
                    "revoked": [
                        {"key_id": each.key_id, "revoked_at": timestamp(each.revoked_at)}
                        for each in one.revoked
                    ],
                }
                for one in self.systems
            ],
        }
        return canonical(value) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> PublishedKeys:
        """Read what `to_bytes` wrote.

        Raises:
            MalformedError: It is no file of published keys.
        """
        try:
            value = read_canonical(data.removesuffix(b"\n"))
        except ValueError as error:
            raise MalformedError("file", str(error)) from error
        read = Reader(value, "", _FIELDS)
        if read.number("v") != _VERSION:
            raise MalformedError("v", "is a version that this program does not know")
        return cls(
            log=tuple(read.each("log", NoteKey.parse, "is no key of a log")),
            witnesses=tuple(read.each("witnesses", NoteKey.parse, "is no key of a witness")),
            systems=tuple(_system(one) for one in read.objects("systems", _SYSTEM)),
        )


def _system(read: Reader) -> SystemSigningKeys:
    system_id = read.text("system_id")
    if not is_slug(system_id):
        raise MalformedError(read.at("system_id"), "must be a registry id")
    return SystemSigningKeys(
        system_id=system_id,
        signing=tuple(read.each("signing", _signing_key, "is no Ed25519 key")),
        revoked=tuple(
            Revocation(one.text("key_id"), one.time("revoked_at"), "")
            for one in read.objects("revoked", _REVOKED)
        ),
    )


def _signing_key(text: str) -> SigningKey:
    return SigningKey(from_base64(text))
