"""Temporal: how it is reached, and a client that waits for the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import KeepAliveConfig, RPCError, RPCStatusCode, TLSConfig

from dsr_runtime.backoff import Backoff
from dsr_runtime.payload_codec import EncryptingCodec, payload_keys
from dsr_runtime.payload_converter import DataClassConverter
from dsr_runtime.process import StartFault
from dsr_runtime.settings import TemporalSettings

__all__ = ["TemporalConnection", "connect", "connection_of", "showing_metrics"]

log = structlog.get_logger(__name__)

# A network that was cut says nothing: calls wait for a connection that is none until this finds out. Servers
# take a ping each ten seconds at most (frontend.keepAliveMinTime).
_KEEP_ALIVE = KeepAliveConfig(interval_millis=15_000, timeout_millis=5_000)

_REFUSALS = {RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalConnection:
    """Where Temporal is, who we are there, and whether it may read what it keeps."""

    address: str
    namespace: str = "default"
    tls: TLSConfig | None = None
    api_key: str | None = None
    codec: EncryptingCodec | None = None

    def __repr__(self) -> str:
        """Show where, never a key."""
        return f"TemporalConnection({self.address!r}, {self.namespace!r})"

    async def client(self, runtime: Runtime | None = None) -> Client:
        """Return a connected client, at the first try or never.

        Args:
            runtime: What it runs in; the process's own unless given.

        Raises:
            RPCError: The server answers, and refuses.
            RuntimeError: It does not answer, or one of the two does not trust the other.
        """
        return await Client.connect(
            self.address,
            namespace=self.namespace,
            tls=self.tls or False,
            api_key=self.api_key,
            data_converter=DataConverter(
                payload_converter_class=DataClassConverter, payload_codec=self.codec
            ),
            runtime=runtime,
            keep_alive_config=_KEEP_ALIVE,
        )


def connection_of(settings: TemporalSettings) -> TemporalConnection:
    """Return the connection that settings describe.

    Raises:
        StartFault: A file cannot be used, or a certificate comes without its key.
    """
    key = settings.temporal_api_key
    codec, file = None, settings.temporal_payload_key_file
    if file is not None:
        codec = EncryptingCodec(payload_keys(file, variable="DSR_TEMPORAL_PAYLOAD_KEY_FILE"))
    return TemporalConnection(
        address=settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=_tls(settings),
        api_key=None if key is None else key.get_secret_value(),
        codec=codec,
    )


def showing_metrics(host: str, port: int | None) -> Runtime | None:
    """Return a runtime that shows what Temporal's client and worker measure; none without a port.

    Each series has `application="dsr"`, since other programs' workers give theirs the same names.

    Raises:
        StartFault: Another process has the port.
    """
    if port is None:
        return None
    shown = PrometheusConfig(
        bind_address=f"{host}:{port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=shown, global_tags={"application": "dsr"}))
    except (RuntimeError, ValueError) as error:
        raise StartFault(
            f"port {port} cannot be taken; set DSR_TEMPORAL_METRICS_PORT to another"
        ) from error


async def connect(connection: TemporalConnection, runtime: Runtime | None = None) -> Client:
    """Return a connected client, waiting for the server as long as it takes.

    Args:
        connection: Where to.
        runtime: What it runs in; the process's own unless given.

    Raises:
        StartFault: The server answers, and does not let us in.
    """
    if connection.codec is None:
        log.warning("temporal can read what it keeps: no DSR_TEMPORAL_PAYLOAD_KEY_FILE is given")
    backoff = Backoff()
    while True:
        try:
            return await connection.client(runtime)
        except RPCError as error:
            if error.status in _REFUSALS:
                raise StartFault(
                    "Temporal does not let us in: see DSR_TEMPORAL_API_KEY, or the rights of the"
                    " certificate in DSR_TEMPORAL_TLS_CERT_FILE"
                ) from error
            log.warning("temporal is away", error=error.status.name)
        except RuntimeError as error:
            # Also where a certificate is not trusted: it may be replaced while we wait.
            log.warning("temporal is away", error=_in_words(error))
        await backoff.wait()


def _tls(settings: TemporalSettings) -> TLSConfig | None:
    certificate, key = settings.temporal_tls_cert_file, settings.temporal_tls_key_file
    if (certificate is None) != (key is None):
        raise StartFault(
            "DSR_TEMPORAL_TLS_CERT_FILE and DSR_TEMPORAL_TLS_KEY_FILE go together: set both or none"
        )
    ca_file = settings.temporal_tls_ca_file
    wanted = (settings.temporal_tls, ca_file, certificate, settings.temporal_api_key)
    if not any(wanted):
        return None
    return TLSConfig(
        server_root_ca_cert=_read(ca_file, "DSR_TEMPORAL_TLS_CA_FILE"),
        client_cert=_read(certificate, "DSR_TEMPORAL_TLS_CERT_FILE"),
        client_private_key=_read(key, "DSR_TEMPORAL_TLS_KEY_FILE"),
        domain=settings.temporal_tls_server_name,
    )


def _read(file: Path | None, variable: str) -> bytes | None:
    if file is None:
        return None
    try:
        content = file.read_bytes()
    except OSError as error:
        raise StartFault(f"{variable}: the file cannot be read ({error.strerror})") from error
    if b"-----BEGIN " not in content:
        raise StartFault(f"{variable}: the file is not PEM")
    return content


def _in_words(error: RuntimeError) -> str:
    """Return which of the two it is; the error itself is the library's, and of one type for all."""
    text = str(error).lower()
    return "a certificate is not trusted" if "certificate" in text else type(error).__name__
