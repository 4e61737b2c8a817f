"""The keys: read before anything starts, or asked of a key service once the database is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import structlog

from dsr_core.errors import Unavailable
from dsr_intake.adapters.aws_kms import AwsKms, GetCredentials, PodIdentity, pod_credentials
from dsr_intake.adapters.aws_signing import Credentials
from dsr_intake.adapters.key_files import FileKeys, GivenKeys, parse_keys, read_keys
from dsr_intake.adapters.key_store import PostgresRing
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.adapters.ring import ServiceKeys
from dsr_intake.adapters.vault import (
    KubernetesLogin,
    VaultTransit,
    login_by_kubernetes,
    login_by_token_file,
)
from dsr_intake.application.clock import utc_now
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.settings import Settings
from dsr_runtime.process import Process, StartFault
from dsr_wire.suppression import SuppressionKey

__all__ = ["Keys", "keys", "ring"]

log = structlog.get_logger(__name__)

_FILE, _TEXT = "DSR_KEY_ENCRYPTION_KEY_FILE", "DSR_KEY_ENCRYPTION_KEYS"


class Keys(NamedTuple):
    """What is read before anything starts."""

    source: FileKeys | GivenKeys | None
    """The key-encryption keys that were given; none where a key service has them all."""

    lookup: LookupKeys
    suppression: tuple[SuppressionKey, ...]
    """Of the suppression list; empty where there is none."""

    webhook: bytes | None
    """Encrypts the secrets of webhooks; none where they are not offered."""

    package: bytes | None
    """Signs the manifests of packages; none where none are kept."""


def keys(settings: Settings) -> Keys:
    """Return the keys; raises where a file is missing or wrong, or it is not said who wraps."""
    ways = [
        name
        for name, value in (
            (_FILE, settings.key_encryption_key_file),
            (_TEXT, settings.key_encryption_keys),
        )
        if value is not None
    ]
    services = [
        name
        for name, value in (
            ("DSR_VAULT_URL", settings.vault_url),
            ("DSR_AWS_KMS_KEY", settings.aws_kms_key),
        )
        if value is not None
    ]
    if len(ways) > 1 or len(services) > 1:
        chosen = " and ".join(ways if len(ways) > 1 else services)
        raise StartFault(f"{chosen} are set: set one of them")
    if not ways and not services:
        raise StartFault(f"set {_FILE}, or a key service: who wraps each request's own key")
    return Keys(
        _given(settings),
        _lookup(settings.lookup_key_file),
        ()
        if settings.suppression_key_file is None
        else tuple(
            SuppressionKey(one)
            for one in read_keys(settings.suppression_key_file, variable="DSR_SUPPRESSION_KEY_FILE")
        ),
        None
        if settings.webhook_key_file is None
        else _one(settings.webhook_key_file, "DSR_WEBHOOK_KEY_FILE"),
        _package_key(settings),
    )


def _package_key(settings: Settings) -> bytes | None:
    if settings.package_store_url is None:
        return None
    if settings.package_key_file is None:
        raise StartFault("DSR_PACKAGE_STORE_URL is set: set DSR_PACKAGE_KEY_FILE too")
    return _one(settings.package_key_file, "DSR_PACKAGE_KEY_FILE")


def _lookup(path: Path) -> LookupKeys:
    current, *former = read_keys(path, variable="DSR_LOOKUP_KEY_FILE")
    return LookupKeys(current, tuple(former))


def _one(path: Path, variable: str) -> bytes:
    """Return the only key of a file."""
    found = read_keys(path, variable=variable)
    if len(found) > 1:
        raise StartFault(f"{variable}: it must hold one key")
    return found[0]


def _given(settings: Settings) -> FileKeys | GivenKeys | None:
    if settings.key_encryption_key_file is not None:
        return FileKeys(settings.key_encryption_key_file, variable=_FILE)
    if settings.key_encryption_keys is not None:
        text = settings.key_encryption_keys.get_secret_value()
        return GivenKeys(parse_keys(text, variable=_TEXT), name=_TEXT)
    return None


async def ring(
    process: Process, settings: Settings, given: Keys, pool: asyncpg.Pool[asyncpg.Record]
) -> HeldRing:
    """Return the ring, read if it can be; where a key service is away it is read later."""
    service = _service(settings)
    if service is None:
        if given.source is None:
            raise RuntimeError("`keys` has seen to it that somebody wraps")
        held = HeldRing(given.source)
    else:
        process.on_close(service.close)
        beside = (await given.source.load()).keys if given.source is not None else {}
        held = HeldRing(
            ServiceKeys(
                service,
                PostgresRing(pool),
                beside=beside,
                trusted_s=settings.key_service_trusted_s,
                clock=utc_now,
            )
        )
    try:
        await held.refresh()
    except Unavailable as error:
        log.warning("key-encryption keys are read later", error=str(error))
    return held


def _service(settings: Settings) -> VaultTransit | AwsKms | None:
    if settings.vault_url is not None:
        token_file = settings.vault_token_file
        return VaultTransit(
            settings.vault_url,
            key=settings.vault_key,
            mount=settings.vault_mount,
            login=login_by_token_file(token_file)
            if token_file is not None
            else login_by_kubernetes(
                KubernetesLogin(
                    settings.vault_role,
                    settings.vault_auth_mount,
                    settings.vault_account_token_file,
                )
            ),
            ca_file=settings.vault_ca_file,
        )
    if settings.aws_kms_key is not None:
        return AwsKms(
            key_id=settings.aws_kms_key,
            region=settings.aws_kms_region,
            credentials=_aws_credentials(),
            endpoint=settings.aws_kms_endpoint,
        )
    return None


def _aws_credentials() -> GetCredentials:
    """Return what gets credentials from AWS's own variables."""
    url = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if url:
        token_file = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        return pod_credentials(PodIdentity(url, Path(token_file) if token_file else None))
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        raise StartFault(
            "DSR_AWS_KMS_KEY is set, and neither AWS_CONTAINER_CREDENTIALS_FULL_URI nor "
            "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is"
        )
    fixed = Credentials(key_id, secret, os.environ.get("AWS_SESSION_TOKEN"))

    async def get(_http: httpx.AsyncClient) -> Credentials:
        return fixed

    return get
