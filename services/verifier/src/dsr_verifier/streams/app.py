"""The Faust app: one consumer of a few topics, a lane for each; no tables, no web, no topics of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import faust
import structlog
from faust import streams
from faust.app.base import BootStrategy
from faust.tables.manager import TableManager

from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.process import StartFault
from dsr_verifier.streams.lane import Lane

__all__ = ["Streams", "new_app"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


_FAUST_LOG = logging.getLogger("faust")
"""Where classes of Faust log; one of ours would log under this module, and as loudly."""


_BUFFERED = 64
"""Events that Faust holds of a topic before it fetches no more. It counts events and not bytes, and an
event may be as large as a record: 2,048 of them were 300 MB while PostgreSQL was away. The lane behind
it is what batches, so no more than this is needed to keep it busy."""


_PATIENCE_S = 4.0
"""How long a stop waits for the micro-batches in hand."""


class _Tables(TableManager):
    """No tables: so no wait for any at the start."""

    logger = _FAUST_LOG

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class _Boot(BootStrategy):
    """Starts no producer and no web server: dead letters and closures go by our own publisher."""

    enable_kafka_producer = False
    enable_web = False


class _App(faust.App):
    """Makes no folders: there is nothing to keep in them."""

    BootStrategy = _Boot
    logger = _FAUST_LOG

    async def on_first_start(self) -> None:
        return


def new_app(connection: KafkaConnection, *, group_id: str) -> faust.App:
    """Return a Faust app that consumes as a member of a group."""
    return _App(
        group_id,
        autodiscover=False,
        broker=[f"kafka://{address}" for address in connection.bootstrap.split(",")],
        broker_client_id="verifier",
        broker_credentials=_credentials(connection),
        broker_commit_interval=1.0,
        broker_commit_livelock_soft_timeout=600.0,
        broker_heartbeat_interval=2.0,
        broker_max_poll_records=2000,
        broker_rebalance_timeout=30.0,
        broker_session_timeout=10.0,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=connection.instance_id,
        consumer_metadata_max_age_ms=60_000,
        key_serializer="raw",
        loop=asyncio.get_running_loop(),
        processing_guarantee="at_least_once",
        stream_buffer_maxsize=_BUFFERED,
        stream_processing_timeout=600.0,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
        TableManager=_Tables,
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,
        web_tables_enabled=False,
    )


class Streams:
    """The Faust app and its lanes, as one piece of the process's work."""

    def __init__(self, app: faust.App, lanes: dict[str, Lane]) -> None:
        """Give each topic's agent its lane."""
        _refuse_unsafe_faust()
        self._app = app
        self._lanes = lanes
        self._stop = asyncio.Event()
        self._fault: str | None = "not started"
        for name, lane in lanes.items():
            topic = app.topic(name, key_type=bytes, value_type=bytes, internal=False)
            app.agent(topic, concurrency=1, name=name)(_agent(lane))

    async def run(self) -> None:
        """Consume until `stop`; raises when Faust has crashed."""
        lanes = [asyncio.create_task(lane.run()) for lane in self._lanes.values()]
        await self._app.start()
        self._fault = None
        ended: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._crashed()),
            *lanes,
        ]
        await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        for lane in self._lanes.values():
            lane.stop()
        _, late = await asyncio.wait(lanes, timeout=_PATIENCE_S)
        for task in late:
            # It waits for the registry, or hangs in a call: nothing of it has been acknowledged.
            task.cancel()
        await asyncio.wait(lanes)
        await self._app.stop()
        for task in ended[:2]:
            task.cancel()
        await asyncio.gather(*ended[:2], return_exceptions=True)
        for task in lanes:
            if not task.cancelled() and (fault := task.exception()) is not None:
                raise fault
        if self._app.crash_reason is not None:
            raise RuntimeError("faust has crashed") from self._app.crash_reason

    def stop(self) -> None:
        """Ask `run` to finish what is in hand, commit its offsets and leave the group."""
        self._stop.set()

    async def ping(self) -> None:
        """Return when records are being consumed.

        Raises:
            RuntimeError: They are not; the text says why.
        """
        faults: Iterable[str | None] = (
            self._fault,
            *(lane.handling.fault for lane in self._lanes.values()),
            None if self._has_joined else "waits for its partitions",
        )
        for fault in faults:
            if fault is not None:
                raise RuntimeError(fault)

    @property
    def group_id(self) -> str:
        """The group that it reads as."""
        return str(self._app.conf.id)

    @property
    def partitions(self) -> int:
        """How many partitions it reads now."""
        return len(self._app.consumer.assignment()) if self._has_joined else 0

    @property
    def rebalances(self) -> int:
        """How often it was given its share of the group's partitions."""
        return self._app.rebalancing_count

    @property
    def _has_joined(self) -> bool:
        return self._app.rebalancing_count > 0 and not self._app.rebalancing

    async def _crashed(self) -> None:
        await self._app._crashed.wait()  # noqa: SLF001 - mode has no other way to wait for it


def _agent(lane: Lane) -> Any:
    async def consume(stream: Any) -> None:
        await lane.consume(stream)

    return consume


def _credentials(connection: KafkaConnection) -> Any:
    protocol = connection.security_protocol
    context = connection.arguments().get("ssl_context")
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=connection.username,
            password=connection.password,
            mechanism="SCRAM-SHA-512",
            ssl_context=context,
        )
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    return None


def _refuse_unsafe_faust() -> None:
    """Stop where Faust's compiled stream is absent.

    The one in Python acknowledges an event that it skips in a rebalance, and so can lose it.
    """
    if getattr(streams, "_CStreamIterator", None) is None:
        raise StartFault("faust's compiled streams are missing; unset NO_CYTHON, install its wheel")
