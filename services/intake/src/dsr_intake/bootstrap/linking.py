"""What takes in what systems found out about persons."""

from __future__ import annotations

from dsr_intake.adapters.decisions import PostgresDecisions
from dsr_intake.adapters.links import PostgresLinks
from dsr_intake.adapters.reading import PostgresReads
from dsr_intake.application.clock import utc_now
from dsr_intake.application.deciding import Deciding
from dsr_intake.application.linking import LinkTaking, LinkTakingParts
from dsr_intake.application.reaching import Reaching
from dsr_intake.bootstrap.outside import Outside
from dsr_intake.streams.links import GROUP, LinkStream
from dsr_runtime.kafka import RecordLoop
from dsr_wire.topics import LINKS

__all__ = ["link_loop", "link_taking", "reaching"]


def link_taking(outside: Outside, deciding: Deciding) -> LinkTaking:
    """Return what judges links."""
    return LinkTaking(
        LinkTakingParts(
            store=PostgresLinks(outside.pool),
            reads=PostgresReads(outside.pool),
            decisions=PostgresDecisions(outside.pool),
            deciding=deciding,
            wrapper=outside.wrapper,
            registry=outside.registries,
            lookup=outside.lookup,
            suppression_keys=outside.suppression_keys,
            metrics=outside.metrics,
            clock=utc_now,
        )
    )


def reaching(outside: Outside) -> Reaching:
    """Return what keeps who was told of a request without knowing the person."""
    return Reaching(
        store=PostgresLinks(outside.pool),
        ledger=outside.ledger,
        metrics=outside.metrics,
        clock=utc_now,
    )


def link_loop(outside: Outside, linking: LinkTaking) -> RecordLoop:
    """Return what reads links."""
    stream = LinkStream(
        linking=linking,
        publisher=outside.publisher,
        metrics=outside.metrics,
        clock=utc_now,
    )
    return RecordLoop(
        outside.settings.kafka, topics=(LINKS.name,), group_id=GROUP, handle=stream.handle
    )
