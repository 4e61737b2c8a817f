"""Apache Kafka: one KRaft node that is broker and controller, with logins and rights.

As in production, clients log in by SCRAM-SHA-512 over TLS and may do only what an ACL allows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING

from dsr_cli.stack import ports, probes
from dsr_cli.stack.binaries import fetch_jars, jar_paths, java
from dsr_cli.stack.certificates import ensure_server
from dsr_cli.stack.errors import StackError, readable_os_errors
from dsr_cli.stack.pins import read_pins
from dsr_cli.stack.process import ProcessSpec
from dsr_cli.stack.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dsr_cli.stack.secret_store import SecretStore
    from dsr_cli.stack.settings import StackSettings

NAME = "kafka"
ADMIN = "admin"
ADMIN_SECRET = "kafka-admin"  # noqa: S105 - the name of a secret
SECURITY_PROTOCOL = "SASL_SSL"

# Measured on two cores: the first compiler alone starts a quarter faster, and serves a million
# records with a fifth less CPU; the second pays for itself only after about four million.
_JVM_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)

_LOGGING = """\
status=ERROR
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %-5p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server
logger.server.level=INFO
logger.config.name=kafka.server.KafkaConfig
logger.config.level=WARN
"""


def kafka_spec(settings: StackSettings, secrets: SecretStore) -> ProcessSpec:
    """Return how Kafka runs here; its topics, logins and rights survive a restart."""
    jars = read_pins(settings.pins_path)
    folder = settings.folder(NAME)
    data = folder / "data"
    properties, logging = folder / "server.properties", folder / "log4j2.properties"
    class_path = os.pathsep.join(map(str, jar_paths(jars, settings.cache_dir)))
    archive = _archive_path(settings.cache_dir, class_path)
    program = (
        str(java()),
        *_JVM_FLAGS,
        # Where there is no archive yet, or it does not fit, Java goes on without it.
        f"-XX:SharedArchiveFile={archive}",
        "-Xshare:auto",
        "-Xlog:disable",
        "-Xlog:all=error:stderr",
        f"-Dlog4j2.configurationFile={logging}",
        *("-cp", class_path),
    )

    def prepare(note: Callable[[str], None]) -> None:
        fetch_jars(jars, settings.cache_dir, note)
        with readable_os_errors("write Kafka's configuration"):
            folder.mkdir(parents=True, exist_ok=True)
            ensure_server(settings.certificates, NAME, settings.host, now=datetime.now(UTC))
            logging.write_text(_LOGGING, encoding="utf-8")
            _write_private(properties, _properties(settings, data, secrets.secret(ADMIN_SECRET)))
        if not data.exists():
            note("formatting storage")
            _format(program, properties, data, secrets.secret(ADMIN_SECRET))

    def ready() -> bool:
        return ports.is_listening(settings.host, settings.kafka_port) and probes.kafka_logs_in(
            settings.kafka_bootstrap,
            ADMIN,
            secrets.secret(ADMIN_SECRET),
            ca_file=settings.certificates.ca_file,
        )

    def finish(pid: int, note: Callable[[str], None]) -> None:
        if not archive.exists():
            note("archiving classes, once, for faster starts")
            _archive_classes(pid, archive, folder)

    return ProcessSpec(
        name=NAME,
        argv=(*program, "kafka.Kafka", str(properties)),
        cwd=folder,
        ports=(settings.kafka_port, settings.kafka_controller_port),
        address=settings.kafka_bootstrap,
        prepare=prepare,
        ready=ready,
        finish=finish,
    )


def _properties(settings: StackSettings, data: Path, password: str) -> str:
    clients = f"CLIENTS://{settings.kafka_bootstrap}"
    controller = f"{settings.host}:{settings.kafka_controller_port}"
    login = f'required username="{ADMIN}" password="{password}"'
    modules = "org.apache.kafka.common.security"
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": controller,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{clients},CONTROLLER://{controller}",
        "advertised.listeners": f"{clients},CONTROLLER://{controller}",
        "listener.security.protocol.map": (
            f"CLIENTS:{SECURITY_PROTOCOL},CONTROLLER:{SECURITY_PROTOCOL}"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": settings.certificates.server_file(NAME),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": settings.certificates.ca_file,
        "inter.broker.listener.name": "CLIENTS",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.clients.scram-sha-512.sasl.jaas.config": (
            f"{modules}.scram.ScramLoginModule {login};"
        ),
        # A controller cannot look up a SCRAM login in the metadata that it has yet to load.
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{modules}.plain.PlainLoginModule {login} user_{ADMIN}="{password}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
        "auto.create.topics.enable": "false",
        "log.dirs": data,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 8,
        "group.initial.rebalance.delay.ms": 0,
        # After a kill, the node takes itself for still alive until this session has ended.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _format(program: tuple[str, ...], properties: Path, data: Path, password: str) -> None:
    """Make an empty log whose metadata knows the administrator; it appears whole or not at all."""
    half_made = data.with_name("half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    for_half_made = properties.with_name("format.properties")
    text = properties.read_text(encoding="utf-8")
    _write_private(for_half_made, text.replace(f"log.dirs={data}\n", f"log.dirs={half_made}\n"))
    # Hexadecimal, since an identifier that begins with a hyphen would be taken for an option.
    cluster_id = token_hex(11)
    login = f"SCRAM-SHA-512=[name={ADMIN},password={password}]"
    arguments = ["kafka.tools.StorageTool", "format", "--standalone"]
    arguments += ["--cluster-id", cluster_id, "--config", str(for_half_made), "--add-scram", login]
    # Java reads them from a file, since every account sees the command line with its password.
    file = properties.with_name("format.arguments")
    try:
        _write_private(file, "\n".join(f'"{_escaped(one)}"' for one in arguments))
        run_tool([*program, f"@{file}"])
    finally:
        file.unlink(missing_ok=True)
    half_made.rename(data)


def _escaped(argument: str) -> str:
    return argument.replace("\\", "\\\\").replace('"', '\\"')


def _archive_path(cache_dir: Path, class_path: str) -> Path:
    """Name the archive after all that it depends on: this Java, these flags, these jars."""
    release = java().parents[1] / "release"
    version = release.read_text(encoding="utf-8") if release.exists() else str(java())
    parts = "\n".join([version, class_path, SECURITY_PROTOCOL, *_JVM_FLAGS])
    return cache_dir / f"kafka-{hashlib.sha256(parts.encode()).hexdigest()[:16]}.jsa"


def _archive_classes(pid: int, archive: Path, working_directory: Path) -> None:
    """Keep the classes that a running Kafka has loaded, for the next start; only ever a gain.

    Halves the time to start. A Java without `jcmd` starts as slowly as before.
    """
    jcmd = java().with_name("jcmd")
    if not jcmd.exists():
        return
    temporary = archive.with_suffix(f".{pid}.tmp")
    command = [str(jcmd), str(pid), "VM.cds", "static_dump", str(temporary)]
    with contextlib.suppress(StackError):
        run_tool(command)
    if temporary.exists():
        temporary.replace(archive)
    for left_by_java in working_directory.glob("java_pid*_std*"):
        left_by_java.unlink()
