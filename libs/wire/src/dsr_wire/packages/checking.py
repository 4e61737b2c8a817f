"""Checking a package: its signature, every byte of every file, and that nothing else is in it."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import IO, Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dsr_wire.certificate.report import Check, Report, failed, good, unchecked
from dsr_wire.packages.archive import members
from dsr_wire.packages.signature import CONTEXT, ManifestSignature

__all__ = ["check_package"]

_MANIFEST, _SIGNATURE = "manifest.json", "manifest.sig"
_BESIDE = ("csv", "row_schema")
"""What may be made beside a file of a system."""

_LONGEST = 1 << 30
"""A manifest is read whole; none is longer."""

_UNREADABLE = (
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    NotImplementedError,
    EOFError,
    RuntimeError,
)
"""What the standard library raises of an archive that was tampered with."""


class _Listed(NamedTuple):
    sha256: str
    size: int


def check_package(file: IO[bytes], keys: Collection[bytes] | None = None) -> Report:
    """Return every check of a package, in words.

    Args:
        file: The package; it can be sought in.
        keys: The public keys that manifests are signed under, from a source that is trusted; without
            them the signature shows that nothing was changed since, and not by whom it was made.
    """
    return Report(tuple(_checks(file, keys)))


def _checks(file: IO[bytes], keys: Collection[bytes] | None) -> Iterator[Check]:
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _small(archive, _MANIFEST)
            signature = _small(archive, _SIGNATURE)
    except _UNREADABLE:
        yield failed("file", "is no package: no archive with a manifest and its signature")
        return
    if manifest is None or signature is None:
        yield failed(
            _MANIFEST if manifest is None else _SIGNATURE, "cannot be read: it was changed"
        )
        return
    yield from _signed(manifest, signature, keys)
    try:
        told = orjson.loads(manifest)
        at = datetime.fromisoformat(told["as_of"])
        listed = dict(_listed(told))
    except (ValueError, KeyError, TypeError):
        yield failed(_MANIFEST, "cannot be read as a manifest")
        return
    own = {
        _MANIFEST: _Listed(sha256(manifest).hexdigest(), len(manifest)),
        _SIGNATURE: _Listed(sha256(signature).hexdigest(), len(signature)),
    }
    yield from _contents(file, at, listed | own)


def _signed(manifest: bytes, signature: bytes, keys: Collection[bytes] | None) -> Iterator[Check]:
    try:
        one = ManifestSignature.from_bytes(signature)
    except ValueError:
        yield failed(_SIGNATURE, "is no signature of a manifest")
        return
    if one.digest != sha256(manifest).digest():
        yield failed(_MANIFEST, "is another than the one that was signed")
        return
    try:
        Ed25519PublicKey.from_public_bytes(one.public).verify(one.signature, CONTEXT + one.digest)
    except (InvalidSignature, ValueError):
        yield failed(_SIGNATURE, f"does not hold under the key {one.key_id} that it names")
        return
    yield good(_SIGNATURE, f"the manifest is signed under the key {one.key_id}")
    if keys is None:
        yield unchecked(
            _SIGNATURE, f"whether the key {one.key_id} is the group's: no published keys were given"
        )
    elif one.public in keys:
        yield good(_SIGNATURE, f"the key {one.key_id} is published")
    else:
        yield failed(_SIGNATURE, f"the key {one.key_id} is none of the published ones")


def _contents(file: IO[bytes], at: datetime, listed: Mapping[str, _Listed]) -> Iterator[Check]:
    missing, matching = dict(listed), 0
    is_whole = True
    for one in members(file, at):
        if one.path is None:
            if not one.is_whole:
                is_whole = False
                yield failed(
                    "archive",
                    "its directory is not what was written, or something stands beside it",
                )
            continue
        if one.path not in listed:
            yield failed(one.path, "is in the archive, and not in the manifest")
            continue
        due = missing.pop(one.path, None)
        if due is None:
            yield failed(one.path, "is in the archive twice")
        elif (one.sha256, one.size) != due:
            yield failed(
                one.path, f"is not what the manifest says: SHA-256 {due.sha256}, {due.size} bytes"
            )
        elif not one.is_whole:
            yield failed(one.path, "what stands around it in the archive is not what was written")
        else:
            matching += 1
    for path in sorted(missing):
        yield failed(path, "is in the manifest, and not in the archive")
    if matching == len(listed) and is_whole:
        yield good("files", f"all {matching} are what the manifest says, byte for byte")
        yield good("archive", "nothing else is in it")


def _listed(told: Mapping[str, Any]) -> Iterator[tuple[str, _Listed]]:
    for one in (told["page"], told["schema"]):
        yield one["path"], _Listed(one["sha256"], one["size"])
    for system in told["systems"]:
        for one in system["files"]:
            yield one["path"], _Listed(one["sha256"], one["size"])
            for beside in (one[name] for name in _BESIDE if name in one):
                yield beside["path"], _Listed(beside["sha256"], beside["size"])


def _small(archive: zipfile.ZipFile, path: str) -> bytes | None:
    """Read a file whole; none where its sum, or what stands around it, is another."""
    info = archive.getinfo(path)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > _LONGEST:
        return None
    try:
        return archive.read(info)
    except _UNREADABLE:
        return None
