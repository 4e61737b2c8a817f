"""A subscriber's settings from environment variables, every fault at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from dsr_core.exports import FILES_LIMIT
from dsr_core.ids import is_slug
from dsr_sdk.access.items import ExportLimits
from dsr_sdk.access.object_store import store_faults
from dsr_sdk.connection import KafkaConnection
from dsr_sdk.errors import ConfigurationError
from dsr_sdk.outcome_sqlite import SqliteOutcomeStore
from dsr_sdk.outcomes import RETENTION, retention_faults
from dsr_wire.keys import SystemKeyPair

__all__ = ["VARIABLES", "settings_from"]

VARIABLES: dict[str, str] = {
    "DSR_SYSTEM_ID": "the system, as it is registered",
    "DSR_ORGANISATION_ID": "the organisation that owns it, as it is registered",
    "DSR_SYSTEM_KEYS_FILE": "the file that `dsr-sdk keys new` made",
    "DSR_KAFKA_BOOTSTRAP": "host:port of one or more brokers, separated by commas",
    "DSR_KAFKA_SECURITY_PROTOCOL": "SASL_SSL unless given",
    "DSR_KAFKA_USERNAME": "the organisation's user: organisation.<organisation id>",
    "DSR_KAFKA_PASSWORD": "its password",
    "DSR_KAFKA_CA_FILE": "the authority that signed the brokers' certificates; optional",
    "DSR_OUTCOMES_FILE": "the outcome store, on a volume that outlives the process",
    "DSR_OUTCOMES_RETENTION_DAYS": "how long it keeps what is confirmed; 180 unless given",
    "DSR_STORE_URL": "the object store that access handlers hand over to; file://, s3://, gs:// or az://",
    "DSR_EXPORT_BYTES_LIMIT": "how much one export may hold; 20 GiB unless given",
    "DSR_EXPORT_FILES_LIMIT": "how many files one export may hold; 100,000 unless given, and at most",
    "DSR_TRACES": "true has spans exported, as the variables OTEL_* say; needs dsr-sdk[traces]",
    "DSR_READY_FILE": "touched once partitions are assigned; optional",
}
"""Every variable that is read, and what it is."""

_REQUIRED = (
    "DSR_SYSTEM_ID",
    "DSR_ORGANISATION_ID",
    "DSR_SYSTEM_KEYS_FILE",
    "DSR_KAFKA_BOOTSTRAP",
    "DSR_OUTCOMES_FILE",
)


_SWITCH = {"": False, "false": False, "true": True}


def settings_from(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of `Subscriber`.

    Raises:
        ConfigurationError: Something is missing or wrong. No line of it shows a secret.
    """
    faults = [
        f"{name} is not set: {VARIABLES[name]}" for name in _REQUIRED if not environ.get(name)
    ]
    system_id = environ.get("DSR_SYSTEM_ID", "")
    organisation_id = environ.get("DSR_ORGANISATION_ID", "")
    faults.extend(
        f"{name} must be a registry id (lower-case words joined by hyphens), not {value!r}"
        for name, value in (("DSR_SYSTEM_ID", system_id), ("DSR_ORGANISATION_ID", organisation_id))
        if value and not is_slug(value)
    )
    keys: SystemKeyPair | None = None
    try:
        keys = _keys(environ.get("DSR_SYSTEM_KEYS_FILE"), system_id)
    except ConfigurationError as error:
        faults.extend(error.faults)
    kafka = _kafka(environ)
    if environ.get("DSR_KAFKA_BOOTSTRAP"):
        faults.extend(_named(fault) for fault in kafka.faults())
    outcomes = Path(environ.get("DSR_OUTCOMES_FILE", ""))
    faults.extend(_folder_faults("DSR_OUTCOMES_FILE", outcomes))
    retention = _days(environ.get("DSR_OUTCOMES_RETENTION_DAYS") or str(RETENTION.days))
    faults.extend(f"DSR_OUTCOMES_RETENTION_DAYS {one}" for one in retention_faults(retention))
    ready_file = Path(environ["DSR_READY_FILE"]) if environ.get("DSR_READY_FILE") else None
    if ready_file is not None:
        faults.extend(_folder_faults("DSR_READY_FILE", ready_file))
    store_url = environ.get("DSR_STORE_URL") or None
    if store_url is not None:
        faults.extend(f"DSR_STORE_URL {one}" for one in store_faults(store_url))
    size = _limit(environ.get("DSR_EXPORT_BYTES_LIMIT"), ExportLimits().size)
    if size is None:
        faults.append("DSR_EXPORT_BYTES_LIMIT must be a number of bytes")
    files = _limit(environ.get("DSR_EXPORT_FILES_LIMIT"), FILES_LIMIT)
    if files is None or files > FILES_LIMIT:
        faults.append(f"DSR_EXPORT_FILES_LIMIT must be a number of files up to {FILES_LIMIT}")
    if environ.get("DSR_TRACES", "") not in _SWITCH:
        faults.append("DSR_TRACES must be true or false")
    if faults:
        raise ConfigurationError(faults)
    return {
        "system_id": system_id,
        "organisation_id": organisation_id,
        "keys": keys,
        "kafka": kafka,
        "outcomes": SqliteOutcomeStore(outcomes),
        "retention": retention,
        "ready_file": ready_file,
        "store": store_url,
        "export_limits": ExportLimits(size=size or 0, files=files or 0),
        "traces": _SWITCH[environ.get("DSR_TRACES", "")],
    }


def _keys(file: str | None, system_id: str) -> SystemKeyPair | None:
    if not file:
        return None
    try:
        keys = SystemKeyPair.from_json(Path(file).read_text())
    except OSError as error:
        detail = f"DSR_SYSTEM_KEYS_FILE: {file} cannot be read ({error.strerror})"
        raise ConfigurationError([detail]) from error
    except ValueError as error:
        raise ConfigurationError([f"DSR_SYSTEM_KEYS_FILE: {file} is {error}"]) from error
    if is_slug(system_id) and keys.system_id != system_id:
        detail = f"DSR_SYSTEM_KEYS_FILE: {file} holds the keys of {keys.system_id!r}, not of {system_id!r}"
        raise ConfigurationError([detail])
    return keys


def _kafka(environ: Mapping[str, str]) -> KafkaConnection:
    ca_file = environ.get("DSR_KAFKA_CA_FILE")
    return KafkaConnection(
        bootstrap=environ.get("DSR_KAFKA_BOOTSTRAP", ""),
        security_protocol=environ.get("DSR_KAFKA_SECURITY_PROTOCOL") or "SASL_SSL",
        username=environ.get("DSR_KAFKA_USERNAME") or None,
        password=environ.get("DSR_KAFKA_PASSWORD") or None,
        ca_file=Path(ca_file) if ca_file else None,
    )


def _limit(number: str | None, else_: int) -> int | None:
    if not number:
        return else_
    return int(number) if re.fullmatch(r"[1-9][0-9]{0,17}", number) else None


def _named(fault: str) -> str:
    return f"DSR_KAFKA_*: {fault}"


def _days(number: str) -> timedelta:
    """Return so many days; what is no number is none, which is too few."""
    return timedelta(days=int(number) if re.fullmatch(r"[0-9]{1,6}", number) else 0)


def _folder_faults(name: str, file: Path) -> Iterator[str]:
    if not file.parent.is_dir():
        yield f"{name}: the folder {file.parent} is not there"
