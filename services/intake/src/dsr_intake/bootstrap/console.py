"""The console, on the adapters that it looks through."""

from __future__ import annotations

from datetime import timedelta

from dsr_intake.adapters.console import PostgresConsole
from dsr_intake.adapters.kafka_standing import KafkaConsole
from dsr_intake.application.breaking import Breaker
from dsr_intake.application.clients import ApiClients
from dsr_intake.application.clock import utc_now
from dsr_intake.application.console.looking import Looking, Sources
from dsr_intake.application.console.sessions import Sessions, session_keys
from dsr_intake.bootstrap.outside import Outside
from dsr_intake.http.context import ConsoleDoor
from dsr_intake.ports import ReadStore

__all__ = ["console"]


def console(
    outside: Outside, reads: ReadStore, breaker: Breaker, clients: ApiClients
) -> ConsoleDoor:
    """Return the console; it asks nobody anything before somebody looks."""
    settings = outside.settings
    return ConsoleDoor(
        sessions=Sessions(
            clients=clients,
            tokens=outside.tokens,
            keys=session_keys(outside.lookup.all),
            lasts=timedelta(seconds=settings.console_session_s),
            clock=utc_now,
        ),
        looking=Looking(
            Sources(
                store=PostgresConsole(outside.pool),
                reads=reads,
                ledger=outside.ledger,
                kafka=KafkaConsole(settings.kafka),
                breaker=breaker.scopes,
                backlog=outside.relay.backlog,
                registry=outside.registries,
                clock=utc_now,
            )
        ),
        temporal_url=settings.console_temporal_url,
        temporal_namespace=settings.console_temporal_namespace,
    )
