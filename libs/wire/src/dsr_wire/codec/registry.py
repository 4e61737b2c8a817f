"""Registry versions and system keys, as they travel on dsr.registry.v1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import registry_pb2
from dsr_core.errors import RejectedInput
from dsr_core.registry import Registry
from dsr_wire.codec.fields import slug, storable, text, time_from_wire, time_to_wire
from dsr_wire.keys import (
    Revocation,
    SealingAlgorithm,
    SealingKey,
    SigningKey,
    SystemPublicKeys,
)

__all__ = [
    "PublishedRegistry",
    "registry_version_from_wire",
    "registry_version_to_wire",
    "system_keys_from_wire",
    "system_keys_to_wire",
]

_SIGNING = "ed25519"


@dataclass(frozen=True, slots=True)
class PublishedRegistry:
    """A registry version and when it was published."""

    registry: Registry
    published_at: datetime


def registry_version_to_wire(published: PublishedRegistry) -> registry_pb2.RegistryVersion:
    """Return a registry version as a message."""
    return registry_pb2.RegistryVersion(
        digest=published.registry.digest,
        canonical=published.registry.canonical(),
        published_at=time_to_wire(published.published_at),
    )


def registry_version_from_wire(message: registry_pb2.RegistryVersion) -> PublishedRegistry:
    """Return the registry version that a message holds.

    Raises:
        RejectedInput: It is not a registry, or its digest names another.
    """
    try:
        registry = Registry.from_canonical(message.canonical)
    except ValueError as error:
        raise RejectedInput("invalid_field", str(error), field="canonical") from error
    if registry.digest != message.digest:
        raise RejectedInput("digest_mismatch", "the digest names another registry", field="digest")
    return PublishedRegistry(registry, time_from_wire(message.published_at, field="published_at"))


def system_keys_to_wire(keys: SystemPublicKeys, registered_at: datetime) -> registry_pb2.SystemKeys:
    """Return a system's public keys as a message."""
    return registry_pb2.SystemKeys(
        system_id=keys.system_id,
        signing=_key_to_wire(keys.signing.id, _SIGNING, keys.signing.raw),
        sealing=_key_to_wire(keys.sealing.id, keys.sealing.algorithm.value, keys.sealing.raw),
        registered_at=time_to_wire(registered_at),
        former_signing=[_key_to_wire(one.id, _SIGNING, one.raw) for one in keys.former_signing],
        revoked=[
            registry_pb2.RevokedKey(
                key_id=one.key_id, revoked_at=time_to_wire(one.revoked_at), reason=one.reason
            )
            for one in keys.revoked
        ],
    )


def system_keys_from_wire(message: registry_pb2.SystemKeys) -> SystemPublicKeys:
    """Return the public keys that a message holds.

    Raises:
        RejectedInput: A key is missing, of an unknown algorithm, or cannot be loaded; or a
            revocation does not say of which key, or from when on.
    """
    return SystemPublicKeys(
        slug(message.system_id, field="system_id"),
        _signing(message.signing, field="signing"),
        _sealing(message.sealing, field="sealing"),
        tuple(_signing(one, field="former_signing") for one in message.former_signing),
        tuple(_revocation(one) for one in message.revoked),
    )


def _key_to_wire(key_id: str, algorithm: str, raw: bytes) -> registry_pb2.PublicKey:
    return registry_pb2.PublicKey(key_id=key_id, algorithm=algorithm, key=raw)


def _revocation(message: registry_pb2.RevokedKey) -> Revocation:
    return Revocation(
        text(message.key_id, field="revoked.key_id"),
        time_from_wire(message.revoked_at, field="revoked.revoked_at"),
        storable(message.reason, field="revoked.reason"),
    )


def _signing(message: registry_pb2.PublicKey, *, field: str) -> SigningKey:
    _expect(message, _SIGNING, field)
    try:
        return SigningKey(message.key)
    except ValueError as error:
        raise RejectedInput("invalid_field", f"{field} is no key", field=field) from error


def _sealing(message: registry_pb2.PublicKey, *, field: str) -> SealingKey:
    try:
        algorithm = SealingAlgorithm(message.algorithm)
    except ValueError:
        detail = f"{field} must be of algorithm {' or '.join(SealingAlgorithm)}"
        raise RejectedInput("unknown_algorithm", detail, field=field) from None
    try:
        return SealingKey(message.key, algorithm)
    except ValueError as error:
        raise RejectedInput("invalid_field", f"{field} is no key", field=field) from error


def _expect(message: registry_pb2.PublicKey, algorithm: str, field: str) -> None:
    if message.algorithm != algorithm:
        detail = f"{field} must be of algorithm {algorithm}"
        raise RejectedInput("unknown_algorithm", detail, field=field)
