"""The key services' adapters: AWS KMS against local-kms, Vault against its documented API.

Where `DSR_TEST_VAULT` has the address of a real Vault and `DSR_TEST_VAULT_TOKEN` a token of it, with a
transit engine mounted, the same is asked of that.
"""

from __future__ import annotations

import base64
import os
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
import pytest

from dsr_core.errors import Unavailable
from dsr_intake.adapters.aws_kms import AwsKms, PodIdentity, pod_credentials
from dsr_intake.adapters.aws_signing import Credentials
from dsr_intake.adapters.vault import (
    KubernetesLogin,
    VaultTransit,
    login_by_kubernetes,
    login_by_token_file,
)
from support.key_services import KMS_KEY, OTHER_KMS_KEY, LocalKms, VaultDouble

ONE, TWO = "00000000000000a1", "00000000000000a2"
TOKEN = "t0ken-of-vault"
REAL_VAULT = os.environ.get("DSR_TEST_VAULT")


class Service(Protocol):
    async def make(self, kek_id: str) -> tuple[bytes, bytes]: ...

    async def open(self, kek_id: str, wrapped: bytes) -> bytes: ...

    async def close(self) -> None: ...

    @property
    def name(self) -> str: ...


OneT = TypeVar("OneT", bound=Service)


async def fixed(_http: httpx.AsyncClient) -> Credentials:
    return Credentials("AKIDEXAMPLE", "s3cr3t-of-aws")


def aws(kms: LocalKms, key: str = KMS_KEY) -> AwsKms:
    return AwsKms(key_id=key, region="eu-west-2", credentials=fixed, endpoint=kms.url)


def at_vault(url: str, token: Path, key: str = "dsr") -> VaultTransit:
    return VaultTransit(url, key=key, mount="transit", login=login_by_token_file(token))


Closing = Callable[[Any], Any]
"""Typed by what it is given, which a fixture cannot say."""


@pytest.fixture
async def closing() -> AsyncIterator[Callable[[OneT], OneT]]:
    """Give what has a service closed after the test."""
    made: list[Service] = []

    def note(one: OneT) -> OneT:
        made.append(one)
        return one

    yield note
    for one in made:
        await one.close()


@pytest.fixture(params=["aws", "vault", *(["real vault"] if REAL_VAULT else [])])
async def service(
    request: pytest.FixtureRequest, kms: LocalKms, vault: VaultDouble, tmp_path: Path
) -> AsyncIterator[Service]:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    one: Service
    match request.param:
        case "aws":
            one = aws(kms)
        case "vault":
            one = at_vault(vault.url, token)
        case _:
            token.write_text(os.environ["DSR_TEST_VAULT_TOKEN"])
            one = at_vault(REAL_VAULT or "", token)
    yield one
    await one.close()


async def test_what_it_made_it_opens_and_no_two_are_alike(service: Service) -> None:
    key, wrapped = await service.make(ONE)
    other, _ = await service.make(TWO)
    assert (len(key), key == other, key in wrapped) == (32, False, False)
    assert await service.open(ONE, wrapped) == key


async def test_what_it_made_opens_under_its_own_name_only(service: Service) -> None:
    _, wrapped = await service.make(ONE)
    with pytest.raises(Unavailable, match="refused with 400"):
        await service.open(TWO, wrapped)


@pytest.mark.parametrize("wrapped", [b"", b"rubbish", b"vault:v1:AAAA", b"vault:v9:" + b"A" * 80])
async def test_what_it_did_not_make_it_does_not_open(service: Service, wrapped: bytes) -> None:
    with pytest.raises(Unavailable, match=r"refused with 400|no Plaintext"):
        await service.open(ONE, wrapped)


async def test_nothing_secret_is_in_its_text_nor_in_a_traceback(service: Service) -> None:
    key, wrapped = await service.make(ONE)
    with pytest.raises(Unavailable) as raised:
        await service.open(TWO, wrapped)
    shown = repr(service) + service.name + "".join(traceback.format_exception(raised.value))
    for hidden in (key.hex(), repr(key), base64.b64encode(key).decode(), "s3cr3t", TOKEN):
        assert hidden not in shown


async def test_another_key_of_the_same_kms_does_not_open(kms: LocalKms, closing: Closing) -> None:
    mine, other = closing(aws(kms)), closing(aws(kms, OTHER_KMS_KEY))
    _, wrapped = await mine.make(ONE)
    with pytest.raises(
        Unavailable, match=r"refused with 400 \((InvalidCiphertext|IncorrectKey)Exception\)"
    ):
        await other.open(ONE, wrapped)
    with pytest.raises(Unavailable, match="NotFoundException"):
        await closing(aws(kms, "0" * 8)).make(ONE)


async def test_a_service_that_is_away_is_said_to_be_and_opens_again(
    kms: LocalKms, closing: Closing
) -> None:
    one = closing(aws(kms))
    key, wrapped = await one.make(ONE)
    await kms.stop()
    with pytest.raises(Unavailable, match="does not answer"):
        await one.open(ONE, wrapped)
    await kms.start()
    assert await one.open(ONE, wrapped) == key


async def test_a_vault_that_is_sealed_is_unavailable(
    vault: VaultDouble, tmp_path: Path, closing: Closing
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    one = closing(at_vault(vault.url, token))
    key, wrapped = await one.make(ONE)
    vault.is_sealed = True
    with pytest.raises(Unavailable, match="refused with 503"):
        await one.open(ONE, wrapped)
    vault.is_sealed = False
    assert await one.open(ONE, wrapped) == key


async def test_vault_rotates_its_key_and_what_was_wrapped_before_opens(
    vault: VaultDouble, tmp_path: Path, closing: Closing
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    one = closing(at_vault(vault.url, token))
    key, wrapped = await one.make(ONE)
    vault.keys["dsr"].append(os.urandom(32))
    assert await one.open(ONE, wrapped) == key
    assert (await one.make(TWO))[1].startswith(b"vault:v2:")


async def test_a_token_that_was_replaced_in_its_file_is_read_anew(
    vault: VaultDouble, tmp_path: Path, closing: Closing
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    one = closing(at_vault(vault.url, token))
    await one.make(ONE)
    vault.tokens = {"second"}
    with pytest.raises(Unavailable, match="refused with 403"):
        await one.make(ONE)
    token.write_text("second")
    await one.make(ONE)
    token.unlink()
    vault.tokens = {"third"}
    with pytest.raises(Unavailable, match="cannot be read"):
        await one.make(ONE)


async def test_a_pod_logs_in_with_its_account_and_anew_when_its_token_has_run_out(
    vault: VaultDouble, tmp_path: Path, closing: Closing
) -> None:
    account = tmp_path / "account"
    account.write_text("of the pod")
    vault.roles["dsr-intake"] = "of the pod"
    login = login_by_kubernetes(KubernetesLogin("dsr-intake", "kubernetes", account))
    one = closing(VaultTransit(vault.url, key="dsr", mount="transit", login=login))
    key, wrapped = await one.make(ONE)
    vault.tokens.clear()
    assert await one.open(ONE, wrapped) == key
    account.write_text("of another pod")
    vault.tokens.clear()
    with pytest.raises(Unavailable, match="the login by Kubernetes fails"):
        await one.open(ONE, wrapped)


async def test_a_pods_credentials_are_kept_until_they_run_out(tmp_path: Path) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        until = (now + timedelta(hours=1)).isoformat()
        return httpx.Response(
            200,
            json={
                "AccessKeyId": f"id {len(asked)}",
                "SecretAccessKey": "secret",
                "Token": "session",
                "Expiration": until,
            },
        )

    token = tmp_path / "token"
    token.write_text("of the pod")
    get = pod_credentials(PodIdentity("http://127.0.0.1/v1/credentials", token), clock=lambda: now)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert [(await get(http)).access_key_id for _ in range(2)] == ["id 1", "id 1"]
        now += timedelta(minutes=56)
        assert (await get(http)).access_key_id == "id 2"
        assert asked == ["of the pod", "of the pod"]
        token.unlink()
        now += timedelta(hours=2)
        with pytest.raises(Unavailable, match="credentials"):
            await get(http)
