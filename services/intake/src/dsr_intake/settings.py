"""What intake is told by its environment."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from dsr_core.exports import FILES_LIMIT
from dsr_runtime.settings import (
    HttpSettings,
    KafkaSettings,
    LogSettings,
    PostgresSettings,
    TracingSettings,
)

__all__ = ["Settings"]


def _mail_server(given: SecretStr) -> SecretStr:
    if re.fullmatch(r"smtps?://[^/\s]+/?", given.get_secret_value()) is None:
        raise ValueError("must be like smtp://user:password@host:port, or smtps:")
    return given


def _networks(given: list[str]) -> list[str]:
    for one in given:
        ip_network(one)
    return given


_SCOPE = re.compile(r"\*|[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _scopes(given: dict[str, int]) -> dict[str, int]:
    wrong = sorted(one for one in given if _SCOPE.fullmatch(one) is None)
    if wrong:
        raise ValueError(f"{wrong[0]!r} is neither * nor an organisation's id")
    return given


class DoorSettings(HttpSettings):
    """Who is let in besides those with an API key, and how much each may call."""

    client_calls_per_s: int = Field(default=1000, ge=1)
    """Calls a second that each principal may make at a replica, unless it has limits of its own. A
    line of a batch is a call; two seconds' worth may come at once."""

    client_calls_at_once: int = Field(default=500, ge=1)
    """Calls of one principal that run at once at a replica, unless it has limits of its own; a
    stream of events is one while it is open."""

    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """The OpenID Connect provider whose bearer tokens are taken, exactly as its tokens name it;
    without one, only API keys are."""

    oidc_audience: str = ""
    """What tokens must name as their audience."""

    oidc_jwks_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Where the provider's keys are; found by its discovery document unless given."""

    oidc_algorithms: tuple[Literal["EdDSA", "ES256", "RS256", "PS256"], ...] = Field(
        default=("EdDSA", "ES256", "RS256", "PS256"), min_length=1
    )
    """What tokens may be signed with, as a JSON list."""

    oidc_leeway_s: float = Field(default=30, ge=0, le=300)
    """Seconds that the provider's clock may be ahead or behind."""

    oidc_subject_claim: str = "sub"
    """Which claim names the principal: an id that is never given twice, and no address."""

    oidc_role_claim: str = "dsr_role"
    """Which claim says what somebody is: a word, or a list of which one is known."""

    oidc_roles: dict[str, Literal["client", "operator", "privacy_officer"]] = Field(
        default={
            "client": "client",
            "operator": "operator",
            "privacy_officer": "privacy_officer",
        }
    )
    """What each value of that claim means, as a JSON object: a group to `client`, `operator` or
    `privacy_officer`."""

    oidc_scope_claim: str = "scope"
    """Which claim holds the scopes; of them those count that the role can have."""

    oidc_jurisdictions_claim: str = "dsr_jurisdictions"
    """Which claim names an operator's jurisdictions; without it an operator sees nothing."""

    @model_validator(mode="after")
    def _for_us(self) -> Self:
        if self.oidc_issuer is not None and not self.oidc_audience:
            raise ValueError("DSR_OIDC_AUDIENCE is needed where DSR_OIDC_ISSUER is set")
        return self


class ConsoleSettings(HttpSettings):
    """The console in the browser, for operators."""

    console: bool = False
    """Whether operators can look at the loop in a browser, at /console of this service."""

    console_session_s: float = Field(default=28_800, ge=60)
    """Seconds for which somebody is signed in at the console; a key that ends, or is revoked, ends it
    before, and so does a token."""

    console_temporal_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Where people reach Temporal's web UI: the console links to each request's workflow there."""

    console_temporal_namespace: str = Field(default="default", pattern=r"^[A-Za-z0-9._-]+$")
    """The namespace of Temporal that these links name."""


class Settings(
    LogSettings, TracingSettings, DoorSettings, ConsoleSettings, KafkaSettings, PostgresSettings
):
    """Everything that intake must know, from variables that begin with `DSR_`."""

    verifier_url: str = Field(pattern=r"^https?://[^/]+/?$")
    """Where the verifier's read API is."""

    key_encryption_key_file: Path | None = None
    """Keys that wrap each request's own key, one a line: 32 random bytes in base64. The first wraps,
    all unwrap; where a key service is set, all only unwrap. A changed file is read within seconds."""

    key_encryption_keys: SecretStr | None = None
    """The same lines in place of a file."""

    vault_url: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    """A HashiCorp Vault (or OpenBao) whose transit engine wraps the keys that wrap."""

    vault_key: str = Field(default="dsr", pattern=r"^[A-Za-z0-9_.-]+$")
    """The name of its key."""

    vault_mount: str = Field(default="transit", pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$")
    """Where the transit engine is mounted."""

    vault_token_file: Path | None = None
    """Holds the token to call it with, as an agent writes it; else the pod's account is shown."""

    vault_role: str = "dsr-intake"
    """The role of the login by Kubernetes, where there is no token file."""

    vault_auth_mount: str = Field(
        default="kubernetes", pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"
    )
    """Where that login is mounted."""

    vault_account_token_file: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    """The token of the pod's account."""

    vault_ca_file: Path | None = None
    """The certificates to trust, in PEM; the machine's unless given."""

    aws_kms_key: str | None = Field(default=None, min_length=1)
    """The ARN of an AWS KMS key that wraps the keys that wrap; credentials are taken from AWS's own
    variables: a pod's identity, or an access key."""

    aws_kms_region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]+$")
    """Its region."""

    aws_kms_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    """Where it is called, if not at the region's own address."""

    key_service_trusted_s: float = Field(default=3600, ge=60)
    """Seconds for which keys that a key service opened are used without its word: so long it may be
    away, and so long a right that was taken away still works."""

    intake_waiting_limit: int = Field(default=1024, ge=1)
    """Single requests that wait to be stored at most; more are told to come again."""

    intake_outbox_limit: int = Field(default=100_000, ge=1)
    """Records that wait to be published at which new requests are told to come again: how much of an
    absence of Kafka PostgreSQL's disk bears, at about 2 KB each."""

    intake_links_duplicates: bool = True
    """Whether who asks again for what is open already is answered together with the first asking."""

    lookup_key_file: Path
    """The keys of the hashes that find a data subject again, one a line: 32 random bytes in base64.
    The first makes hashes; those below it find what they made before, and stay for as long as that."""

    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    """The mail server, as smtp://user:password@host:port, or smtps: for one that encrypts from the
    first byte. Without it nobody is told by letter, and the client of the API tells the person."""

    mail_sender: str = Field(default="privacy@localhost", pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    """Whom letters come from; what comes back of them goes there."""

    privacy_office_mail: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    """Who is told when a legal date is near or has passed; the sender of letters unless given."""

    public_url: str = Field(default="http://localhost", pattern=r"^https?://[^\s]+$")
    """Where a person proves with the link of a letter who they are; what follows is added by us."""

    identity_code_lasts_s: float = Field(default=900, ge=60)
    """Seconds for which a code proves who asks, and the link that is mailed with it."""

    letters_lease_s: float = Field(default=90, ge=1)
    """Seconds after which a letter that a process had in hand is another's: longer than any try."""

    letters_give_up_after_s: float = Field(default=259_200, gt=0)
    """Seconds after which a letter that the mail server has not taken is given up, on record."""

    package_store_url: str | None = Field(
        default=None, pattern=r"^(file:///|s3://|gs://|az://)[^\s]+$"
    )
    """Where systems put what they hand over for access, and where packages are kept: a folder as
    file:///..., or a bucket as s3://bucket/prefix, with credentials from the provider's own variables.
    Without it systems are asked to hand over by ways of their own."""

    package_key_file: Path | None = None
    """Holds 32 random bytes in base64: the key that signs the manifests of packages. Needed where they
    are kept somewhere."""

    package_url: str = Field(default="http://localhost", pattern=r"^https?://[^\s]+$")
    """Where people reach this service for their packages; /p/ and a token are added by us."""

    package_kept_s: float = Field(default=2_592_000, ge=60)
    """Seconds for which a package can be fetched; then it is deleted and its key destroyed."""

    package_session_s: float = Field(default=3600, ge=60)
    """Seconds for which a code lets somebody fetch a package, as often as they like."""

    package_openings: int = Field(default=20, ge=1)
    """How often a link can be opened by a code."""

    package_lease_s: float = Field(default=60, ge=1)
    """Seconds after which a package that a process had in hand, to make it or to send a part of it, and
    lives no more, is another's."""

    package_system_bytes: int = Field(default=50_000_000_000, ge=1)
    """How many bytes one system may hand over for one request; what is more is named as missing."""

    package_system_files: int = Field(default=FILES_LIMIT, ge=1, le=FILES_LIMIT)
    """How many files one system may hand over for one request; what is more is named as missing."""

    package_files: int = Field(default=500_000, ge=1)
    """How many files all systems may hand over for one request; beyond it the exports with the most files
    are named as missing."""

    package_small_bytes: int = Field(default=250_000_000, ge=0)
    """Packages for which systems have handed over no more bytes than this do not wait for larger ones."""

    breaker_floor: int = Field(default=1000, ge=1)
    """Erasures within the breaker's window that pass in any case, for the whole group and for each
    organisation; no system is told of more than is usual until two people agree."""

    breaker_factor: float = Field(default=3.0, ge=1)
    """So many times what is usual may pass: the median, over four weeks, of a day's busiest hour."""

    breaker_limits: Annotated[dict[str, Annotated[int, Field(ge=0)]], AfterValidator(_scopes)] = (
        Field(default_factory=dict)
    )
    """What may pass instead, as JSON: {"*": 5000, "<organisation>": 200}; * is the whole group."""

    breaker_window_s: float = Field(default=3600, ge=60, le=86_400)
    """The breaker's window, in seconds."""

    breaker_day_floor: int = Field(default=5000, ge=1)
    """Erasures within any 24 hours that pass in any case, so that nobody erases slowly all day what may
    not go at once. Never less than what may pass within the window."""

    breaker_day_limits: Annotated[
        dict[str, Annotated[int, Field(ge=0)]], AfterValidator(_scopes)
    ] = Field(default_factory=dict)
    """What may pass within 24 hours instead, as JSON like the limits above; else the factor times the
    median of four weeks' days, and the floor at least."""

    suppression_key_file: Path | None = None
    """The keys of the suppression list's hashes, one a line: 32 random bytes in base64. The first makes
    hashes, all find. Systems that check rows themselves have the same file; without it there is no
    list."""

    verify_later_share: float = Field(default=0.02, ge=0, le=1)
    """The share of erasures that are looked at again long after the closing, drawn at random among
    those of systems that the registry says look: 0 for none, 1 for all."""

    verify_later_earliest_s: float = Field(default=2_592_000, ge=0)
    """Seconds from the closing to such a look, at the least; the time is drawn."""

    verify_later_latest_s: float = Field(default=15_552_000, ge=0)
    """Seconds from the closing to such a look, at the most."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.verify_later_latest_s < self.verify_later_earliest_s:
            raise ValueError(
                "DSR_VERIFY_LATER_LATEST_S must not be less than DSR_VERIFY_LATER_EARLIEST_S"
            )
        return self

    webhook_key_file: Path | None = None
    """Holds 32 random bytes in base64: the key that the secrets of webhooks are derived from. Without
    it no webhooks are offered."""

    webhook_allowed_networks: Annotated[list[str], AfterValidator(_networks)] = Field(
        default_factory=list
    )
    """Networks that webhooks may reach, also without TLS, though they are not public; as JSON, like
    ["10.20.0.0/16"]."""

    webhook_ca_file: Path | None = None
    """Certificates that are trusted for webhooks besides the public ones, in PEM: of the company's own
    authority, where it may be reached inside."""
