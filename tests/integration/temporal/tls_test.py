"""Temporal behind mutual TLS: who has the right certificate is let in, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from dsr_cli.stack.certificates import CertificateFolder, ensure_server
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import connect, connection_of
from support.tls_proxy import TlsProxy
from support.waiting import eventually

Files = dict[str, Path]


def files_of(place: CertificateFolder, name: str) -> Files:
    """Return settings for a caller with a certificate of an authority, which it trusts too."""
    both = ensure_server(place, name, "127.0.0.1", now=datetime.now(UTC))
    return {
        "temporal_tls_ca_file": place.ca_file,
        "temporal_tls_cert_file": both,
        "temporal_tls_key_file": both,
    }


@pytest.fixture
def place(tmp_path: Path) -> CertificateFolder:
    return CertificateFolder(tmp_path / "ours")


@pytest.fixture
async def proxy(temporal_address: str, place: CertificateFolder) -> AsyncIterator[TlsProxy]:
    certificate = files_of(place, "temporal")["temporal_tls_cert_file"]
    async with TlsProxy(
        temporal_address, certificate=certificate, ca_file=place.ca_file, alpn="h2"
    ) as running:
        yield running


def settings(proxy: TlsProxy, **changes: Any) -> TemporalSettings:
    return TemporalSettings.model_validate({"temporal_address": proxy.address, **changes})


async def test_fanouts_certificate_lets_it_in(proxy: TlsProxy, place: CertificateFolder) -> None:
    client = await connect(connection_of(settings(proxy, **files_of(place, "fanout"))))
    answer = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    assert answer.namespace_info.name == "default"
    assert set(proxy.callers) == {"fanout"}


async def test_an_api_key_goes_by_tls_alone(proxy: TlsProxy, place: CertificateFolder) -> None:
    given = files_of(place, "fanout") | {"temporal_api_key": "an-api-key"}
    client = await connect(connection_of(settings(proxy, **given)))
    assert client.service_client.config.api_key == "an-api-key"
    assert client.service_client.config.tls
    unprotected = settings(proxy, temporal_api_key="an-api-key")
    assert connection_of(unprotected).tls is not None


async def refused(proxy: TlsProxy, **changes: Any) -> None:
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(connection_of(settings(proxy, **changes)).client(), 20)
    assert proxy.callers == []


async def test_a_server_of_another_authority_is_not_believed(
    proxy: TlsProxy, place: CertificateFolder, tmp_path: Path
) -> None:
    other = files_of(CertificateFolder(tmp_path / "others"), "fanout")
    await refused(
        proxy,
        **{**files_of(place, "fanout"), "temporal_tls_ca_file": other["temporal_tls_ca_file"]},
    )


async def test_a_server_under_another_name_is_not_believed(
    proxy: TlsProxy, place: CertificateFolder
) -> None:
    await refused(
        proxy, **files_of(place, "fanout"), temporal_tls_server_name="temporal.example.com"
    )


async def test_a_caller_of_another_authority_is_refused(
    proxy: TlsProxy, place: CertificateFolder, tmp_path: Path
) -> None:
    theirs = files_of(CertificateFolder(tmp_path / "others"), "fanout")
    await refused(proxy, **{**theirs, "temporal_tls_ca_file": place.ca_file})


async def test_a_caller_without_a_certificate_is_refused(
    proxy: TlsProxy, place: CertificateFolder
) -> None:
    await refused(proxy, temporal_tls_ca_file=place.ca_file)


async def test_a_caller_without_tls_is_refused(proxy: TlsProxy) -> None:
    await refused(proxy)


async def test_one_that_is_not_trusted_is_waited_for_and_said_in_words(
    proxy: TlsProxy,
    place: CertificateFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = CertificateFolder(tmp_path / "others")
    files = files_of(place, "fanout") | {
        "temporal_tls_ca_file": files_of(other, "x")["temporal_tls_ca_file"]
    }
    waiting = asyncio.create_task(connect(connection_of(settings(proxy, **files))))
    said: list[str] = []

    def is_said() -> bool:
        said.append(capsys.readouterr().out)
        return "a certificate is not trusted" in "".join(said)

    await eventually(is_said, within=20, what="the reason")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
