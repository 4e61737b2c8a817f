"""How Temporal is reached, and payloads that it cannot read."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload

from dsr_runtime.payload_codec import EncryptingCodec, payload_keys
from dsr_runtime.process import StartFault
from dsr_runtime.settings import TemporalSettings
from dsr_runtime.temporal import connection_of

FIRST, SECOND = b"1" * 32, b"2" * 32
PAYLOAD = Payload(metadata={"encoding": b"json/plain"}, data=b'"jane"')


def settings(**changes: Any) -> TemporalSettings:
    return TemporalSettings.model_validate({"temporal_address": "temporal:7233", **changes})


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    file = tmp_path / "some.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    return file


def test_without_settings_there_is_neither_tls_nor_a_codec() -> None:
    connection = connection_of(settings())
    assert (connection.tls, connection.api_key, connection.codec) == (None, None, None)


@pytest.mark.parametrize("name", ["temporal_tls_ca_file", "temporal_api_key", "temporal_tls"])
def test_each_of_them_alone_asks_for_tls(name: str, pem: Path) -> None:
    value: object = {"temporal_tls_ca_file": pem, "temporal_tls": True}.get(name, "a key")
    assert connection_of(settings(**{name: value})).tls is not None


def test_a_certificate_comes_with_its_key(pem: Path) -> None:
    for name in ("temporal_tls_cert_file", "temporal_tls_key_file"):
        with pytest.raises(StartFault, match="set both or none"):
            connection_of(settings(**{name: pem}))


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_text("rubbish")
    for file, said in (("missing", "cannot be read"), ("rubbish", "is not PEM")):
        with pytest.raises(StartFault, match=f"DSR_TEMPORAL_TLS_CA_FILE: the file {said}"):
            connection_of(settings(temporal_tls_ca_file=tmp_path / file))


def test_a_connection_shows_no_key() -> None:
    assert "a key" not in repr(connection_of(settings(temporal_api_key="a key")))


async def test_what_was_encrypted_comes_back_and_shows_nothing() -> None:
    codec = EncryptingCodec([FIRST])
    [sealed] = await codec.encode([PAYLOAD])
    assert b"jane" not in sealed.SerializeToString()
    assert sealed.metadata["encoding"] == b"binary/encrypted"
    assert await codec.decode([sealed]) == [PAYLOAD]


async def test_a_key_that_was_replaced_still_opens_and_encrypts_no_more() -> None:
    [old] = await EncryptingCodec([FIRST]).encode([PAYLOAD])
    rotated = EncryptingCodec([SECOND, FIRST])
    [new] = await rotated.encode([PAYLOAD])
    assert await rotated.decode([old, new]) == [PAYLOAD, PAYLOAD]
    assert old.metadata["encryption-key-id"] != new.metadata["encryption-key-id"]
    with pytest.raises(ValueError, match=r"no key [0-9a-f]{16} for a payload"):
        await EncryptingCodec([SECOND]).decode([old])


async def test_what_was_never_encrypted_is_read_as_it_is() -> None:
    assert await EncryptingCodec([FIRST]).decode([PAYLOAD]) == [PAYLOAD]


async def test_a_changed_payload_is_refused() -> None:
    codec = EncryptingCodec([FIRST])
    [sealed] = await codec.encode([PAYLOAD])
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    with pytest.raises(ValueError, match="was changed"):
        await codec.decode([sealed])


def test_keys_are_read_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("".join(f"{base64.b64encode(key).decode()}\n" for key in (SECOND, FIRST)))
    assert payload_keys(file, variable="X") == [SECOND, FIRST]


@pytest.mark.parametrize("content", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_file_without_keys_is_said_without_what_it_holds(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(StartFault) as raised:
        payload_keys(file, variable="DSR_TEMPORAL_PAYLOAD_KEY_FILE")
    assert str(raised.value).startswith("DSR_TEMPORAL_PAYLOAD_KEY_FILE: ")
    assert not content or content not in str(raised.value)
