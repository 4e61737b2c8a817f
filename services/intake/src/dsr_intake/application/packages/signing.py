"""The signature of a manifest: whoever has the published key sees that a package is ours and unchanged."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dsr_wire.packages.signature import CONTEXT, ManifestSignature
from dsr_wire.sealing_keys import key_id

__all__ = ["ManifestSigner"]


class ManifestSigner:
    """Signs with one Ed25519 key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(self.public)

    def sign(self, digest: bytes) -> bytes:
        """Return the content of `manifest.sig` for a manifest's SHA-256; the same each time."""
        signature = self._key.sign(CONTEXT + digest)
        return ManifestSignature(digest, self.public, signature).to_bytes()
