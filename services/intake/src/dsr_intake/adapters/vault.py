"""HashiCorp Vault (or OpenBao): the transit engine's HTTP API, with a token or a Kubernetes account."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from dsr_core.errors import Unavailable

__all__ = ["KubernetesLogin", "VaultTransit", "login_by_kubernetes", "login_by_token_file"]

_TIMEOUT_S = 5.0
_KEY_BYTES = 32


GetToken = Callable[[httpx.AsyncClient], Awaitable[str]]
"""Gets a token. Whatever fails is Unavailable, since it may be put right while intake runs."""


class KubernetesLogin(NamedTuple):
    """How a pod shows who it is."""

    role: str
    mount: str
    account_token: Path
    """Where Kubernetes puts the token of the service account."""


def login_by_token_file(path: Path) -> GetToken:
    """Log in with the token that a file holds, such as an agent's; it is read anew when refused."""

    async def token(_http: httpx.AsyncClient) -> str:
        return _text_of(path)

    return token


def login_by_kubernetes(login: KubernetesLogin) -> GetToken:
    """Log in with the pod's service account, anew whenever the token is refused."""

    async def token(http: httpx.AsyncClient) -> str:
        asked = {"role": login.role, "jwt": _text_of(login.account_token)}
        try:
            response = await http.post(f"/v1/auth/{login.mount}/login", json=asked)
            response.raise_for_status()
            return str(response.json()["auth"]["client_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unavailable("vault: the login by Kubernetes fails") from error

    return token


class VaultTransit:
    """Wraps under a key of the transit engine; the port's text says what holds.

    The name of what is wrapped goes along as associated data, so that no wrapped key opens under
    another one's name. It needs `update` on `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str,
        mount: str,
        login: GetToken,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=_TIMEOUT_S,
            verify=_trusting(ca_file),
            transport=transport,
        )
        self._key = key
        self._mount = mount
        self._login = login
        self._token = ""

    @property
    def name(self) -> str:
        """Which key of which mount."""
        return f"vault:{self._mount}/{self._key}"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def make(self, kek_id: str) -> tuple[bytes, bytes]:
        """Return 32 new random bytes, and the same encrypted."""
        key = os.urandom(_KEY_BYTES)
        asked = {"plaintext": _encoded(key), "associated_data": _encoded(kek_id.encode())}
        return key, (await self._call("encrypt", asked, "ciphertext")).encode()

    async def open(self, kek_id: str, wrapped: bytes) -> bytes:
        """Decrypt what `make` gave for a name."""
        asked = {
            "ciphertext": wrapped.decode("ascii", "replace"),
            "associated_data": _encoded(kek_id.encode()),
        }
        try:
            return base64.b64decode(await self._call("decrypt", asked, "plaintext"))
        except binascii.Error as error:
            raise Unavailable("vault: what it answers is no key") from error

    async def _call(self, what: str, asked: Mapping[str, str], field: str) -> str:
        self._token = self._token or await self._login(self._http)
        response = await self._post(what, asked)
        if response.status_code == httpx.codes.FORBIDDEN:
            # It may have run out, or been replaced in its file.
            self._token = await self._login(self._http)
            response = await self._post(what, asked)
        if response.is_error:
            # Vault's own text is left out: it may quote what it was sent.
            raise Unavailable(f"{self.name}: {what} is refused with {response.status_code}")
        try:
            return str(response.json()["data"][field])
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self.name}: the answer to {what} cannot be read") from error

    async def _post(self, what: str, asked: Mapping[str, str]) -> httpx.Response:
        try:
            return await self._http.post(
                f"/v1/{self._mount}/{what}/{self._key}",
                json=dict(asked),
                headers={"x-vault-token": self._token, "x-vault-request": "true"},
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.name} does not answer") from error


def _trusting(ca_file: Path | None) -> ssl.SSLContext | bool:
    return True if ca_file is None else ssl.create_default_context(cafile=ca_file)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        raise Unavailable(f"vault: {path} cannot be read") from None


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
