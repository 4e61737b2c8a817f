"""The chart's values that are settings of the services: plain ones, and those that come from Secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from dsr_fanout.settings import FanoutSettings
from dsr_intake.settings import Settings as IntakeSettings
from dsr_verifier.settings import VerifierSettings

SERVICES: dict[str, type[BaseSettings]] = {
    "intake": IntakeSettings,
    "fanout": FanoutSettings,
    "verifier": VerifierSettings,
}

OWNED = frozenset(
    {
        "http_host",
        "http_port",
        "intake_url",
        "postgres_migrates",
        "temporal_metrics_port",
        "verifier_url",
    }
)
"""Settings that the chart itself gives, since it alone knows them."""

_NOT_OFFERED = frozenset({"kafka_instance_id"})
"""What each replica must have by itself: the pods of a Deployment share their settings, and no name stays."""

_PLAIN_FILES = frozenset({"vault_account_token_file"})
"""Files that no Secret holds."""

_IN_ONE_SECRET = frozenset({"internal_token"})
"""What all services must have alike, so that they take it from one Secret."""

_USUAL = frozenset({"kafka_password", "key_encryption_key_file"})
"""Secrets that most installations have, though none must."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of the chart."""

    meaning: str
    form: dict[str, Any]
    """What JSON Schema knows of it."""

    default: Any
    is_required: bool = False

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Return what the source file has written down."""
        form = {name: one for name, one in given.items() if name not in {"is", "default"}}
        return cls(given["is"], form, given["default"])

    def otherwise(self, default: Any) -> Self:
        """Return the same value with another default."""
        return replace(self, default=default)

    @property
    def schema(self) -> dict[str, Any]:
        """The value's schema, with its meaning."""
        return {"description": self.meaning, **self.form}

    @property
    def shown_default(self) -> str:
        """The default, as a table has it."""
        if self.is_required and self.default is None:
            return "needed"
        if self.default is None or self.default == "":
            return "none"
        return f"`{json.dumps(self.default, ensure_ascii=False)}`"


def shared_settings() -> dict[str, Leaf]:
    """Return the plain settings that all services have and that are alike for all."""
    kind = SERVICES["intake"]
    return {
        name: _setting(kind, name)
        for name in kind.model_fields
        if name in _common() and _is_plain(kind, name)
    }


def settings_of(service: str, kind: type[BaseSettings]) -> dict[str, Leaf]:
    """Return a service's other plain settings, in the order of its class."""
    found = {}
    for name in kind.model_fields:
        if name == "kafka_username":
            found[name] = _setting(kind, name).otherwise(service)
        elif name not in _common() and _is_plain(kind, name):
            found[name] = _setting(kind, name)
    return found


def secrets_of(service: str, kind: type[BaseSettings]) -> dict[str, Leaf]:
    """Return where each of a service's secrets and files is: the Secret, and its key."""
    found = {}
    for name, field in kind.model_fields.items():
        if not _is_secret(name, field):
            continue
        secret = "dsr-internal" if name in _IN_ONE_SECRET else f"dsr-{service}"
        is_there = field.is_required() or name in _USUAL
        found[name] = Leaf(
            _text(field),
            {"$ref": "#/$defs/secret" if field.is_required() else "#/$defs/maybeSecret"},
            {"name": secret, "key": name} if is_there else None,
            is_required=field.is_required(),
        )
    return found


def _common() -> set[str]:
    fields = set.intersection(*(set(kind.model_fields) for kind in SERVICES.values()))
    return fields - {"kafka_username"}


def _is_plain(kind: type[BaseSettings], name: str) -> bool:
    return name not in OWNED | _NOT_OFFERED and not _is_secret(name, kind.model_fields[name])


def _is_secret(name: str, field: FieldInfo) -> bool:
    kinds = {field.annotation, *get_args(field.annotation)}
    kinds |= {inner for one in kinds for inner in get_args(one)}
    return bool(kinds & {SecretStr, Path}) and name not in _PLAIN_FILES


def _setting(kind: type[BaseSettings], name: str) -> Leaf:
    field = kind.model_fields[name]
    known = kind.model_json_schema()["properties"][name]
    form = {
        word: one
        for word, one in known.items()
        if word not in {"default", "description", "format", "title", "writeOnly"}
    }
    if field.is_required():
        return Leaf(_text(field), form, None, is_required=True)
    default = field.get_default(call_default_factory=True)
    return Leaf(_text(field), form, json.loads(json.dumps(default, default=str)))


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())
