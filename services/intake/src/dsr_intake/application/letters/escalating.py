"""Escalating: who is told by mail when systems are missing as a legal date comes near, or have erred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dsr_core.law.rules import TierAction
from dsr_intake.application.clock import Clock
from dsr_intake.application.letters.envelope import message
from dsr_intake.application.letters.writing import Written
from dsr_intake.ports import Mailer, RegistryView
from dsr_wire.codec.escalations import Escalation, MissingSystem, UnusableExport

__all__ = ["Escalating", "Mail", "mails"]

_SUBJECTS = {
    TierAction.ESCALATE_TO_ORGANISATION: "Systems of yours have not answered subject requests",
    TierAction.ESCALATE_TO_PRIVACY_OFFICE: "Subject requests are near their legal date",
    TierAction.RECORD_BREACH: "The legal date of subject requests has passed",
}


_APPEALS = {
    TierAction.REMIND_SYSTEMS: "An appeal waits for a decision",
    TierAction.ESCALATE_TO_ORGANISATION: "An appeal is still not decided",
    TierAction.ESCALATE_TO_PRIVACY_OFFICE: "An appeal is near its legal date",
    TierAction.RECORD_BREACH: "The legal date of an appeal has passed",
}


class Mail(NamedTuple):
    """A mail to a team; it names systems and nobody's data."""

    to: str
    identification: str
    written: Written


class Escalating:
    """Tells the owners of organisations, and the privacy office."""

    def __init__(
        self,
        *,
        registry: RegistryView,
        mailer: Mailer,
        sender: str,
        privacy_office: str,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._mailer = mailer
        self._sender = sender
        self._privacy_office = privacy_office
        self._clock = clock

    def mails(self, one: Escalation) -> list[Mail]:
        """Return the mails that an escalation calls for, the same each time."""
        registry = self._registry.current
        known = registry.organisations if registry else ()
        now = self._clock()
        contacts: dict[str, str] = {
            each.id: each.contact for each in known if not each.has_left(now)
        }
        return mails(
            one,
            contacts,
            privacy_office=self._privacy_office,
            domain=self._sender.rpartition("@")[2],
        )

    async def send(self, mail: Mail) -> None:
        """Return when the mail server has a mail.

        Raises:
            MailRefused: Its address is none, or is refused for good.
            Unavailable: The mail server is away.
        """
        ready = message(
            mail.written,
            to=mail.to,
            sender=self._sender,
            identification=mail.identification,
            at=self._clock(),
        )
        await self._mailer.send(ready, to=mail.to)


def mails(
    one: Escalation, contacts: dict[str, str], *, privacy_office: str, domain: str
) -> list[Mail]:
    """Return who is told of an escalation: each organisation of its own systems, or the office of all.

    Of an appeal that waits for a decision it is the office alone, of an export that cannot be used its
    owner.

    An organisation that has left the group, or that the registry does not know any more, is the
    office's.
    """
    if one.awaits_decision:
        name = f"<{one.action}.appeal.{_tier(one)}{one.cohort_id}@{domain}>"
        return [Mail(privacy_office, name, _of_appeal(one))]
    if one.unusable is not None:
        return [
            Mail(
                contacts.get(each.organisation_id, privacy_office),
                f"<{one.unusable.reason}.{each.system_id}.{one.unusable.request_id}@{domain}>",
                _of_export(one.unusable, each),
            )
            for each in one.missing
        ]
    # Once the date is extended, the same tier is told of again.
    due = f"{one.due_at:%Y%m%dT%H%M%SZ}.{_tier(one)}"
    told: list[tuple[str, str, list[MissingSystem]]] = []
    if one.action is TierAction.ESCALATE_TO_ORGANISATION:
        for organisation_id in sorted({each.organisation_id for each in one.missing}):
            own = [each for each in one.missing if each.organisation_id == organisation_id]
            told.append((contacts.get(organisation_id, privacy_office), organisation_id, own))
    elif one.action in _SUBJECTS:
        told.append((privacy_office, "privacy-office", list(one.missing)))
    return [
        Mail(to, f"<{one.action}.{name}.{due}{one.cohort_id}@{domain}>", _written(one, missing))
        for to, name, missing in told
    ]


def _tier(one: Escalation) -> str:
    """Return which tier it is, of several with one action; empty where that was not told."""
    return f"{one.tier_at:%Y%m%dT%H%M%SZ}." if one.tier_at else ""


def _of_appeal(one: Escalation) -> Written:
    text = "\n".join(
        (
            f"An appeal under {one.regime} is to be decided by {one.due_at:%Y-%m-%d %H:%M} UTC.",
            "",
            "Somebody who did not refuse the request grants it, or refuses it:",
            f"dsr appeal grant {one.cohort_id} --reason TEXT --apply",
            f"dsr request refuse {one.cohort_id} --ground TEXT --reason TEXT --apply",
            "",
        )
    )
    return Written("en", _APPEALS[one.action], text, "")


def _of_export(one: UnusableExport, system: MissingSystem) -> Written:
    text = "\n".join(
        (
            f"What {system.system_id} ({system.organisation_id}) handed over for a request for",
            f"access cannot be used: {one.reason}.",
            "",
            "The person's package names the system as missing. Mend what makes its exports, since the",
            "next one would end the same way, and ask the privacy office how this person gets the data.",
            "",
            f"Request: {one.request_id}",
            "What each code means: docs/access-packages.md",
            "",
        )
    )
    return Written("en", "An export of yours cannot be used", text, "")


def _written(one: Escalation, missing: Sequence[MissingSystem]) -> Written:
    systems = [
        f"- {each.system_id} ({each.organisation_id}): {each.requests}" for each in missing
    ] or ["- none: the answer to the requester is missing"]
    text = "\n".join(
        (
            f"Subject requests for {one.right} under {one.regime} are due on {one.due_at:%Y-%m-%d %H:%M} UTC.",
            "",
            "Missing, with how many requests each owes:",
            *systems,
            "",
            f"Cohort: {one.cohort_id}",
            f"Why each is open, and what comes next: dsr explain {one.cohort_id}",
            "",
        )
    )  # fmt: skip
    return Written("en", _SUBJECTS[one.action], text, "")
