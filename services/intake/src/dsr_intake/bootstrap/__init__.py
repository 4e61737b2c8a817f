"""Builds the process: the only place that knows which adapter stands behind which port."""

from __future__ import annotations

from dsr_intake.bootstrap.application import application
from dsr_intake.bootstrap.keys import keys
from dsr_intake.bootstrap.linking import link_loop
from dsr_intake.bootstrap.outside import EVENTS, LAST, connect, probed
from dsr_intake.bootstrap.tending import (
    closures,
    escalations,
    look_after,
    told_of_suppressions,
)
from dsr_intake.http.app import create_app
from dsr_intake.settings import Settings
from dsr_runtime.kafka import RecordLoop
from dsr_runtime.process import Process

__all__ = ["start"]


async def start(process: Process, settings: Settings) -> None:
    """Build and start everything; returns when the API serves, whether or not Kafka is there yet.

    The probes answer from the first moment.
    """
    read = keys(settings)
    probes = probed(process, settings)
    outside = await connect(process, settings, read, probes)
    built = await application(outside)
    await built.context.rehashing.begin()
    relay, connected = outside.relay, outside.connected
    context = built.context
    events, sending, webhooks = context.events, context.sending, context.webhooks

    def read_topic(loop: RecordLoop) -> None:
        outside.metrics.groups.show(loop)
        process.spawn(connected.then(loop.run), stop=connected.stopping(loop.stop), turn=LAST)

    answered = closures(outside, built)
    probes.health.add("outbox", relay.ping)
    probes.health.add("closures stream", answered.ping)
    # Requests are accepted while Kafka is away: what is told of them waits in the outbox.
    process.spawn(events.run(), stop=events.stop, turn=EVENTS)
    read_topic(answered)
    read_topic(link_loop(outside, context.linking))
    process.spawn(connected.then(relay.run), stop=connected.stopping(relay.stop), turn=LAST)
    if outside.suppression_keys:
        telling = told_of_suppressions(outside, built)
        process.spawn(connected.then(telling.run), stop=connected.stopping(telling.stop), turn=LAST)
    process.spawn(sending.run(), stop=sending.stop, turn=LAST)
    if outside.webhook_key is not None:  # else it would end at once, and the process with it
        process.spawn(webhooks.run(), stop=webhooks.stop, turn=LAST)
    if built.packages is not None:
        for making in built.packages.makers:
            process.spawn(making.run(), stop=making.stop, turn=LAST)
        if outside.webhook_key is not None:
            for handing in built.packages.handers:
                process.spawn(handing.run(), stop=handing.stop, turn=LAST)
    if settings.smtp_url is not None:
        read_topic(escalations(outside))
    if context.console is not None:
        process.on_close(context.console.looking.close)
    look_after(process, outside, built)
    probes.server.serve(create_app(context, health=probes.health, metrics=probes.collectors))
