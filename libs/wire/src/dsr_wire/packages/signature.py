"""The signature of a package's manifest: what it is over, and the form of `manifest.sig`."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson

from dsr_wire.canonical import canonical
from dsr_wire.sealing_keys import key_id

__all__ = ["CONTEXT", "ManifestSignature"]

CONTEXT = b"dsr.v1.PackageManifest\x00"
"""What is signed begins with this; the manifest's SHA-256 follows."""


@dataclass(frozen=True, slots=True)
class ManifestSignature:
    """A signature, as it stands in a package."""

    digest: bytes
    """SHA-256 of the manifest."""

    public: bytes
    signature: bytes

    @property
    def key_id(self) -> str:
        """The name of the key."""
        return key_id(self.public)

    def to_bytes(self) -> bytes:
        """Return the content of `manifest.sig`."""
        return canonical(
            {
                "algorithm": "ed25519",
                "context": CONTEXT.decode(),
                "key_id": self.key_id,
                "public_key": base64.b64encode(self.public).decode(),
                "sha256": self.digest.hex(),
                "signature": base64.b64encode(self.signature).decode(),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> ManifestSignature:
        """Read it.

        Raises:
            ValueError: It is not byte for byte what `to_bytes` writes.
        """
        try:
            fields = orjson.loads(data)
            one = cls(
                bytes.fromhex(fields["sha256"]),
                base64.b64decode(fields["public_key"]),
                base64.b64decode(fields["signature"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("no signature of a manifest") from error
        if one.to_bytes() != data:
            raise ValueError("no signature of a manifest in its one form")
        return one
