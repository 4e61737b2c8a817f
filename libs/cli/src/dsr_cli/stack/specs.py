"""The three services as processes of a stack."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from dsr_cli.stack import kafka, mail, postgres, probes, temporal
from dsr_cli.stack.access import kafka_environment
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.roles import login_of, owner_of

if TYPE_CHECKING:
    from dsr_cli.stack.secret_store import SecretStore
    from dsr_cli.stack.stack import Stack

INTAKE, FANOUT, VERIFIER = "intake", "fanout", "verifier"
SERVICES = (INTAKE, FANOUT, VERIFIER)

LOG_KEY_SECRET = "log-key"  # noqa: S105 - as the token's
LOG_ORIGIN = "dsr.localhost/log"
"""The name of a local stack's transparency log."""

INTERNAL_TOKEN_SECRET = "internal-token"  # noqa: S105 - the name of a secret


def service_specs(stack: Stack, *, with_mail: bool = False) -> list[ProcessSpec]:
    """Return how intake, fanout and verifier run beside the parts of this stack.

    Args:
        stack: Where.
        with_mail: Whether a mail server runs too, to which intake sends letters.
    """
    settings = stack.settings
    at_temporal = {
        "DSR_TEMPORAL_ADDRESS": stack.temporal_address,
        "DSR_TEMPORAL_NAMESPACE": temporal.NAMESPACE,
        "DSR_TEMPORAL_METRICS_PORT": str(settings.fanout_temporal_port),
        "DSR_TEMPORAL_PAYLOAD_KEY_FILE": str(stack.secrets.key_file("temporal-payload-key")),
    }
    at_intake = {"DSR_INTAKE_URL": settings.intake_url}
    at_verifier = {"DSR_VERIFIER_URL": settings.verifier_url}
    keys = {
        "DSR_KEY_ENCRYPTION_KEY_FILE": str(stack.secrets.key_file("key-encryption-key")),
        "DSR_LOOKUP_KEY_FILE": str(stack.secrets.key_file("lookup-key")),
        "DSR_SUPPRESSION_KEY_FILE": str(stack.secrets.key_file("suppression-key")),
        "DSR_WEBHOOK_KEY_FILE": str(stack.secrets.key_file("webhook-key")),
        "DSR_PACKAGE_KEY_FILE": str(stack.secrets.key_file("package-key")),
        "DSR_PACKAGE_URL": settings.intake_url,
        "DSR_PACKAGE_STORE_URL": settings.folder("store").as_uri(),
        "DSR_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    }
    console = {"DSR_CONSOLE": "true", "DSR_CONSOLE_TEMPORAL_URL": settings.temporal_ui_url}
    letters = {"DSR_SMTP_URL": settings.smtp_url} if with_mail else {}
    service = partial(_service, stack)
    return [
        *([mail.mail_spec(settings)] if with_mail else []),
        service(
            VERIFIER,
            settings.verifier_port,
            settings.verifier_url,
            {**_at_postgres(stack, VERIFIER), **log_settings(stack.secrets)},
        ),
        service(
            INTAKE,
            settings.intake_port,
            settings.intake_url,
            {**_at_postgres(stack, INTAKE), **at_verifier, **keys, **letters, **console},
            page=settings.console_url,
        ),
        service(
            FANOUT,
            settings.fanout_port,
            settings.fanout_url,
            {**at_temporal, **at_intake, **at_verifier},
        ),
    ]


def log_settings(secrets: SecretStore) -> dict[str, str]:
    """Return what a verifier is told of the transparency log that it keeps."""
    key_file = secrets.note_key_file(LOG_KEY_SECRET, origin=LOG_ORIGIN)
    return {"DSR_LOG_KEY_FILE": str(key_file), "DSR_LOG_ORIGIN": LOG_ORIGIN}


def _at_postgres(stack: Stack, service: str) -> dict[str, str]:
    return {
        "DSR_POSTGRES_DSN": stack.postgres_dsn(user=login_of(service)),
        "DSR_POSTGRES_MIGRATION_DSN": stack.postgres_dsn(user=owner_of(service)),
    }


def _service(
    stack: Stack, name: str, port: int, url: str, env: dict[str, str], *, page: str = ""
) -> ProcessSpec:
    settings = stack.settings
    shared = {
        **kafka_environment(stack, name),
        "DSR_HTTP_HOST": settings.host,
        "DSR_HTTP_PORT": str(port),
        "DSR_LOG_FORMAT": "json",
        "DSR_INTERNAL_TOKEN": stack.secrets.secret(INTERNAL_TOKEN_SECRET),
    }
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", f"dsr_{name}"),
        env={**shared, **env},
        cwd=settings.data_dir,
        ports=(port,),
        address=f"{url}, {page}" if page else url,
        ready=lambda: probes.http_ok(f"{url}/readyz"),
        after=(kafka.NAME, temporal.NAME, postgres.NAME),
    )
