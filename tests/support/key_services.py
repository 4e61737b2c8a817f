"""Key services that run here: local-kms as a process, and Vault's transit engine as its API is documented."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dsr_runtime.http.app import HttpServer
from dsr_runtime.process import Process
from support.services import free_port
from support.waiting import eventually

__all__ = ["KMS_KEY", "LocalKms", "VaultDouble", "built_kms", "running_vault"]

KMS_KEY = "bc436485-5092-42b8-92a3-0aa8b93536dc"
OTHER_KMS_KEY = "6be79fef-2b5d-4d36-8d4f-8a1b8e7f2c11"

_MODULE = Path(__file__).resolve().parent.parent / "servers" / "kms"

_SEED = f"""
Keys:
  Symmetric:
    Aes:
      - Metadata: {{KeyId: {KMS_KEY}}}
        BackingKeys: [{"5c" * 32}]
      - Metadata: {{KeyId: {OTHER_KMS_KEY}}}
        BackingKeys: [{"6d" * 32}]
"""


def built_kms(folder: Path) -> Path:
    """Build local-kms, an AWS KMS with real cryptography; its version and hashes are in tests/servers/kms."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("local-kms is built with Go, which is not installed")
    program = folder / "local-kms"
    # Of the machine's settings for Go only where its modules and its cache are.
    subprocess.run(
        (go, "build", "-o", str(program), "github.com/nsmithuk/local-kms"),
        cwd=_MODULE,
        check=True,
        timeout=300,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
    )
    return program


@dataclass
class LocalKms:
    """A running local-kms; what it was given survives its restart."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        seed = self.folder / "seed.yaml"
        seed.write_text(_SEED)
        with (self.folder / "kms.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(self.program),
                env={
                    "PORT": str(self.port),
                    "KMS_SEED_PATH": str(seed),
                    "KMS_DATA_PATH": str(self.folder),
                    "KMS_REGION": "eu-west-2",
                },
                stdout=log,
                stderr=log,
            )
        await eventually(self._answers, within=20, what="local-kms")

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient() as http:
                await http.get(self.url)
        except httpx.TransportError:
            return False
        return True


@dataclass
class VaultDouble:
    """Vault's transit engine and logins, written from the documentation of its HTTP API.

    It encrypts with AES-256-GCM under versions of a key, binds `associated_data`, says `vault:v1:`
    before what it gives, and answers as Vault does: 403 to a token that it does not know, 400 to what
    it cannot decrypt, 503 while it is sealed.
    """

    url: str = ""
    tokens: set[str] = field(default_factory=lambda: {"t0ken-of-vault"})
    roles: dict[str, str] = field(default_factory=dict)
    """The account's token that each role of the Kubernetes login takes."""

    keys: dict[str, list[bytes]] = field(default_factory=dict)
    is_sealed: bool = False
    calls: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/auth/kubernetes/login")
        async def login(request: Request) -> Response:
            asked = await request.json()
            if self.roles.get(asked["role"]) != asked["jwt"]:
                return _refused(403, "permission denied")
            token = base64.b64encode(os.urandom(12)).decode()
            self.tokens.add(token)
            return JSONResponse({"auth": {"client_token": token, "lease_duration": 3600}})

        @app.post("/v1/transit/{what}/{key}")
        async def transit(request: Request, what: str, key: str) -> Response:
            self.calls.append(what)
            if self.is_sealed:
                return _refused(503, "Vault is sealed")
            if request.headers.get("x-vault-token") not in self.tokens:
                return _refused(403, "permission denied")
            return self._transit(what, key, await request.json())

        return app

    def _transit(self, what: str, key: str, asked: dict[str, Any]) -> Response:
        bound = base64.b64decode(asked.get("associated_data", ""))
        if what == "encrypt":
            # As Vault does where the caller may also create: the key is made at the first use.
            versions = self.keys.setdefault(key, [os.urandom(32)])
            nonce = os.urandom(12)
            plain = base64.b64decode(asked["plaintext"], validate=True)
            made = nonce + AESGCM(versions[-1]).encrypt(nonce, plain, bound)
            text = f"vault:v{len(versions)}:{base64.b64encode(made).decode()}"
            return JSONResponse({"data": {"ciphertext": text, "key_version": len(versions)}})
        if key not in self.keys:
            return _refused(400, "encryption key not found")
        try:
            _, version, encoded = asked["ciphertext"].split(":")
            raw = base64.b64decode(encoded, validate=True)
            cipher = AESGCM(self.keys[key][int(version.removeprefix("v")) - 1])
            plain = cipher.decrypt(raw[:12], raw[12:], bound)
        except (ValueError, IndexError, InvalidTag):
            return _refused(400, "cipher: message authentication failed")
        return JSONResponse({"data": {"plaintext": base64.b64encode(plain).decode()}})


def _refused(status: int, text: str) -> Response:
    return JSONResponse({"errors": [text]}, status_code=status)


@asynccontextmanager
async def running_vault() -> AsyncIterator[VaultDouble]:
    """Serve one."""
    double, port = VaultDouble(), free_port()
    process = Process()
    server = HttpServer(double.app(), host="127.0.0.1", port=port)
    process.spawn(server.run(), stop=server.stop)
    double.url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient() as http:
                await http.get(double.url)
        except httpx.TransportError:
            return False
        return True

    await eventually(answers, within=20)
    yield double
    process.stopping.set()
    await process.wait()
