"""An identity provider as intake meets it: a discovery document, keys, and tokens good and bad."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, HTTPException
from jwt.algorithms import get_default_algorithms

__all__ = ["AUDIENCE", "Provider", "unsigned"]

AUDIENCE = "dsr-intake"

_MAKES: dict[str, Callable[[], Any]] = {
    "EdDSA": Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
}


@dataclass
class Provider:
    """A provider whose keys a test rotates."""

    url: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    """The private keys by their ids; what is here is published."""

    is_away: bool = False
    reads: int = 0

    def add(self, key_id: str, algorithm: str = "EdDSA") -> None:
        """Publish a new key."""
        self.keys[key_id] = (_MAKES[algorithm](), algorithm)

    def jwk(self, key_id: str) -> dict[str, Any]:
        """Return a public key as it is published."""
        key, algorithm = self.keys[key_id]
        found: dict[str, Any] = get_default_algorithms()[algorithm].to_jwk(
            key.public_key(), as_dict=True
        )
        return found | {"kid": key_id, "use": "sig", "alg": algorithm}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what a good token says: a client that may submit and read; none removes a claim."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "shop-17",
            "iat": now,
            "exp": now + 300,
            "dsr_role": "client",
            "scope": "openid requests:submit requests:read",
        } | changes
        return {name: claim for name, claim in claims.items() if claim is not None}

    def token(self, key_id: str = "first", **changes: Any) -> str:
        """Sign a token, a good one unless told otherwise."""
        key, algorithm = self.keys[key_id]
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": key_id})

    def app(self) -> FastAPI:
        """Return what the provider serves."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

        @app.get("/keys")
        async def keys() -> dict[str, Any]:
            self.reads += 1
            if self.is_away:
                raise HTTPException(503)
            return {"keys": [self.jwk(key_id) for key_id in self.keys]}

        return app


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token as somebody puts it together who has no key."""
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (orjson.dumps(header), orjson.dumps(claims), signature)
    )
