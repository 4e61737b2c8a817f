"""The certificates of a local stack: an authority of its own, and what it vouches for.

They are made once and renewed as a part starts, so that nobody has to remember them. Clients trust
the authority by its file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dsr_cli.stack.errors import readable_os_errors

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["CertificateFolder", "ensure_server"]

_AUTHORITY_LASTS = timedelta(days=3650)
_SERVER_LASTS = timedelta(days=398)
_RENEWED_BEFORE_END = timedelta(days=30)
_CLOCKS_DIFFER_BY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CertificateFolder:
    """Where the certificates of one stack are."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, in PEM: what clients are given to trust."""
        return self.folder / "ca.pem"

    @property
    def ca_key_file(self) -> Path:
        """The authority's private key."""
        return self.folder / "ca.key"

    def server_file(self, name: str) -> Path:
        """Return where a server's private key and its certificate are, one after the other in PEM."""
        return self.folder / f"{name}.pem"


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_server(place: CertificateFolder, name: str, host: str, *, now: datetime) -> Path:
    """Have a server's key and certificate in its file, and the authority in its own; return the file.

    What is good for another month stays. An authority that is not, or whose key is gone, is made anew
    with everything that it vouches for: clients must then read its file again.

    Args:
        place: The folder, made if it is missing; its keys are for its owner alone.
        name: The server's name in the stack.
        host: The address that clients connect to.
        now: What counts as today.
    """
    with readable_os_errors("make certificates"):
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _known_authority(place, now) or _new_authority(place, now)
        file = place.server_file(name)
        if not _is_good(file, authority, host, now):
            _write_server(file, authority, name, host, now)
    return file


def _known_authority(place: CertificateFolder, now: datetime) -> _Authority | None:
    try:
        certificate = x509.load_pem_x509_certificate(place.ca_file.read_bytes())
        key = load_pem_private_key(place.ca_key_file.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or _ends_soon(certificate, now):
        return None
    return _Authority(certificate, key) if key.public_key() == certificate.public_key() else None


def _new_authority(place: CertificateFolder, now: datetime) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("dsr local stack")
    certificate = (
        _builder(name, name, key, now, _AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_key_id(key), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(place.ca_key_file, _pem(key), mode=0o600)
    _write(place.ca_file, certificate.public_bytes(Encoding.PEM), mode=0o644)
    return _Authority(certificate, key)


def _is_good(file: Path, authority: _Authority, host: str, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is right
        return False
    return names.value == _names(host) and not _ends_soon(certificate, now)


def _write_server(file: Path, authority: _Authority, name: str, host: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(name), authority.certificate.subject, key, now, _SERVER_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            # A broker is its own client, as every broker of a cluster is the others'.
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(_names(host), critical=False)
        .add_extension(_key_id(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    _write(file, _pem(key) + certificate.public_bytes(Encoding.PEM), mode=0o600)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER_BY)
        .not_valid_after(now + lasts)
    )


def _ends_soon(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < _RENEWED_BEFORE_END


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(host: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(host)), x509.DNSName("localhost")]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Have a whole file under its name, whoever reads it meanwhile."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    temporary.replace(file)
