"""The local stack's certificates: made once, and renewed before they end."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsr_cli.stack.certificates import CertificateFolder, ensure_server

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> CertificateFolder:
    return CertificateFolder(tmp_path / "certificates")


def ensured(
    place: CertificateFolder, *, at: datetime, host: str = "127.0.0.1"
) -> tuple[bytes, ...]:
    file = ensure_server(place, "kafka", host, now=at)
    return place.ca_file.read_bytes(), file.read_bytes()


def test_what_is_good_for_another_month_stays(place: CertificateFolder) -> None:
    first = ensured(place, at=NOW)
    assert ensured(place, at=NOW + timedelta(days=300)) == first


def test_a_certificate_near_its_end_is_renewed_and_its_authority_stays(
    place: CertificateFolder,
) -> None:
    authority, certificate = ensured(place, at=NOW)
    later = ensured(place, at=NOW + timedelta(days=380))
    assert later[0] == authority
    assert later[1] != certificate


def test_an_authority_near_its_end_is_renewed_with_what_it_vouches_for(
    place: CertificateFolder,
) -> None:
    first = ensured(place, at=NOW)
    assert not set(first) & set(ensured(place, at=NOW + timedelta(days=3640)))


def test_another_address_needs_another_certificate(place: CertificateFolder) -> None:
    first = ensured(place, at=NOW)
    assert ensured(place, at=NOW, host="127.0.0.2")[1] != first[1]


@pytest.mark.parametrize("file", ["ca.pem", "ca.key", "kafka.pem"])
@pytest.mark.parametrize("content", [None, b"rubbish"])
def test_what_is_lost_or_broken_is_made_anew(
    place: CertificateFolder, file: str, content: bytes | None
) -> None:
    ensured(place, at=NOW)
    path = place.folder / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    ensured(place, at=NOW)
    context = ssl.create_default_context(cafile=place.ca_file)
    assert context.cert_store_stats()["x509_ca"] == 1
    context.load_cert_chain(place.server_file("kafka"))


def test_keys_are_for_their_owner_alone(place: CertificateFolder) -> None:
    ensured(place, at=NOW)
    for file in (place.ca_key_file, place.server_file("kafka")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
