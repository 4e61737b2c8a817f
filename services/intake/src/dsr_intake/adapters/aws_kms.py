"""AWS KMS: its JSON API, signed here.

botocore would cost intake 30 MB for three calls (ADR 17).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from dsr_core.errors import Unavailable
from dsr_intake.adapters.aws_signing import Credentials, signed_headers

__all__ = ["AwsKms", "PodIdentity", "pod_credentials"]

_TIMEOUT_S = 5.0
_RENEW_BEFORE_S = 300.0

GetCredentials = Callable[[httpx.AsyncClient], Awaitable[Credentials]]


class PodIdentity(NamedTuple):
    """Where a pod or a task gets its credentials: what EKS Pod Identity and ECS put into the environment."""

    url: str
    """`AWS_CONTAINER_CREDENTIALS_FULL_URI`"""

    token_file: Path | None
    """`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`"""


def pod_credentials(
    identity: PodIdentity, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> GetCredentials:
    """Return what gets a pod's credentials, and keeps them until shortly before they run out."""
    kept: list[tuple[Credentials, datetime]] = []

    async def get(http: httpx.AsyncClient) -> Credentials:
        if kept and (kept[0][1] - clock()).total_seconds() > _RENEW_BEFORE_S:
            return kept[0][0]
        headers = {}
        try:
            if identity.token_file is not None:
                headers["authorization"] = identity.token_file.read_text("ascii").strip()
            response = await http.get(identity.url, headers=headers)
            response.raise_for_status()
            found = response.json()
            made = Credentials(
                str(found["AccessKeyId"]), str(found["SecretAccessKey"]), str(found["Token"])
            )
            kept[:] = [(made, datetime.fromisoformat(found["Expiration"]))]
        except (OSError, httpx.HTTPError, ValueError, KeyError, TypeError):
            # Not raised from it: a fault of reading may hold what was read.
            raise Unavailable("aws-kms: the pod's credentials cannot be had") from None
        return made

    return get


class AwsKms:
    """Wraps under a key of AWS KMS; the port's text says what holds.

    The name of what is wrapped goes along as its encryption context, so that no wrapped key opens
    under another one's name. It needs `kms:GenerateDataKey` and `kms:Decrypt`.
    """

    def __init__(
        self,
        *,
        key_id: str,
        region: str,
        credentials: GetCredentials,
        endpoint: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = (endpoint or f"https://kms.{region}.amazonaws.com").rstrip("/") + "/"
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, transport=transport)
        self._key_id = key_id
        self._region = region
        self._credentials = credentials
        self._clock = clock

    @property
    def name(self) -> str:
        """Which key."""
        return f"aws-kms:{self._key_id}"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def make(self, kek_id: str) -> tuple[bytes, bytes]:
        """Return 32 new random bytes, and the same encrypted."""
        asked = {"KeyId": self._key_id, "KeySpec": "AES_256", "EncryptionContext": _bound(kek_id)}
        made = await self._call("GenerateDataKey", asked)
        return self._raw(made, "Plaintext"), self._raw(made, "CiphertextBlob")

    async def open(self, kek_id: str, wrapped: bytes) -> bytes:
        """Decrypt what `make` gave for a name."""
        asked = {
            "KeyId": self._key_id,
            "CiphertextBlob": base64.b64encode(wrapped).decode(),
            "EncryptionContext": _bound(kek_id),
        }
        return self._raw(await self._call("Decrypt", asked), "Plaintext")

    async def _call(self, what: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
        body = json.dumps(asked).encode()
        headers = signed_headers(
            self._url,
            method="POST",
            headers={
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": f"TrentService.{what}",
            },
            body=body,
            service="kms",
            region=self._region,
            credentials=await self._credentials(self._http),
            at=self._clock(),
        )
        try:
            response = await self._http.post(self._url, content=body, headers=headers)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"{self.name} does not answer") from error
        if response.is_error or not isinstance(answer, dict):
            kind = (
                str(answer.get("__type", "")).rpartition("#")[2] if isinstance(answer, dict) else ""
            )
            said = f" ({kind})" if kind.isalpha() else ""
            raise Unavailable(f"{self.name}: {what} is refused with {response.status_code}{said}")
        return answer

    def _raw(self, answer: Mapping[str, Any], field: str) -> bytes:
        try:
            return base64.b64decode(answer[field], validate=True)
        except (KeyError, TypeError, binascii.Error):
            raise Unavailable(f"{self.name}: the answer has no {field}") from None


def _bound(kek_id: str) -> dict[str, str]:
    return {"dsr-ring-key": kek_id}
