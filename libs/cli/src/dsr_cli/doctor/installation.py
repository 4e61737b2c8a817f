"""Everything that is looked at, and where it is: by the environment, else the local stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from dsr_cli.connection import (
    OFFICER,
    POSTGRES_DSNS,
    dsns_beside,
    internal_connection,
    kafka_from_environment,
    verifier_url,
)
from dsr_cli.doctor import certificates, kafka, keys, places, services
from dsr_cli.doctor.findings import Finding, Look, examined, skipped
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.connect import operator
from dsr_cli.registry.load import load_registry
from dsr_cli.stack import Stack, StackSettings
from dsr_core.registry import Registry

__all__ = ["looks", "service_urls"]


def service_urls() -> dict[str, str]:
    """Return where the services are: DSR_INTAKE_URL and its like, else the local stack's."""
    local = StackSettings.from_environment()
    return {
        "intake": os.environ.get("DSR_INTAKE_URL") or local.intake_url,
        "fanout": os.environ.get("DSR_FANOUT_URL") or local.fanout_url,
        "verifier": verifier_url(),
    }


def looks(registry: Path, *, within: float) -> dict[str, Look]:
    """Return a look at each part, by its name."""
    urls = service_urls()
    found: dict[str, Look] = {}
    for name, url in urls.items():
        found[name] = partial(services.service, name, url)
        found[f"{name}: measured"] = partial(services.measured, name, url)
    own = metadata.version("dsr-cli")
    found["versions"] = partial(services.skew, urls, own)
    found["kafka"] = partial(_kafka, registry, within)
    found |= _postgres(urls)
    found["keys"] = lambda: keys.of_intake(internal_connection(OFFICER))
    found["log"] = partial(places.log, urls["verifier"])
    found |= _certificates(urls)
    return found


def _kafka(registry: Path, within: float) -> Iterator[Finding]:
    admin = operator()
    yield from kafka.brokers(admin)
    of_registry: dict[str, Callable[[KafkaAdmin, Registry], Iterator[Finding]]] = {
        "topics": kafka.topics,
        "rights": kafka.rights,
        "systems": kafka.readers,
        "keys: systems": keys.of_systems,
    }

    def look(part: str) -> Iterator[Finding]:
        return of_registry[part](admin, load_registry(registry))

    inner: dict[str, Look] = {part: partial(look, part) for part in of_registry}
    yield from examined(inner | {"dead letters": partial(kafka.dead, admin)}, within=within - 1)


def _databases() -> dict[str, str]:
    """Return each service's database, of those that are known: its own variable, or what names all."""
    given = os.environ.get("DSR_POSTGRES_MIGRATION_DSN") or os.environ.get("DSR_POSTGRES_DSN")
    local = StackSettings.from_environment()
    if given is None and "DSR_KAFKA_BOOTSTRAP" not in os.environ and local.data_dir.is_dir():
        given = Stack(local, attached=False).postgres_dsn()
    return dsns_beside(given)


def _postgres(urls: Mapping[str, str]) -> dict[str, Look]:
    """Return a look at each database: one that services share is looked at once."""
    databases = _databases()
    found: dict[str, Look] = {}
    for dsn in dict.fromkeys(databases.values()):
        schemas = {one: urls[one] for one, its in databases.items() if its == dsn}
        if len(schemas) == len(POSTGRES_DSNS):
            found["postgresql"] = partial(places.postgres, dsn, schemas)
            continue
        [service] = schemas
        part, variable = f"postgresql of {service}", POSTGRES_DSNS[service]
        found[part] = partial(places.postgres, dsn, schemas, part=part, variable=variable)
    for service in POSTGRES_DSNS.keys() - databases.keys():
        part = f"postgresql of {service}" if databases else "postgresql"
        names = f"DSR_POSTGRES_DSN, or {POSTGRES_DSNS[service]} where each service has its own,"
        found[part] = partial(_unnamed, part, names)
    return found


def _unnamed(part: str, names: str) -> Iterator[Finding]:
    yield skipped(part, f"set {names} to a login that may read the schemas")


def _certificates(urls: Mapping[str, str]) -> dict[str, Look]:
    ends = {
        f"{name}: certificate": (at.hostname or "", at.port or 443)
        for name, url in urls.items()
        if (at := urlsplit(url)).scheme == "https"
    }
    temporal = os.environ.get("DSR_TEMPORAL_ADDRESS")
    if temporal and any(one.startswith("DSR_TEMPORAL_TLS") for one in os.environ):
        host, _, port = temporal.rpartition(":")
        ends["temporal: certificate"] = (host, int(port))
    found: dict[str, Look] = {
        part: partial(certificates.certificate, part, host, port)
        for part, (host, port) in ends.items()
    }
    found["kafka: certificate"] = _kafka_certificates
    # Those of a local stack have none: they are asked for where the environment names the server.
    own = {f"postgresql of {one}": os.environ.get(name) for one, name in POSTGRES_DSNS.items()}
    for name, dsn in ({"postgresql": os.environ.get("DSR_POSTGRES_DSN")} | own).items():
        if dsn:
            part = f"{name}: certificate"
            found[part] = partial(certificates.postgresql, part, dsn)
    if url := os.environ.get("DSR_SMTP_URL"):
        part = "mail server: certificate"
        found[part] = partial(certificates.mail_server, part, url)
    return found


def _kafka_certificates() -> Iterator[Finding]:
    bootstrap, protocol, *_ = kafka_from_environment()
    if not protocol.endswith("SSL"):
        return
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        yield from certificates.certificate(
            f"kafka {address.strip()}: certificate", host, int(port)
        )
