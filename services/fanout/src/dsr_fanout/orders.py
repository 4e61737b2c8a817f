"""What goes into a cohort's workflow and comes out of it, and the names that both sides know.

The workflow's sandbox passes this module through, so nothing here may read a clock, draw a number or
keep state. Whatever stands in these classes is written to Temporal's history: ids, dates and codes,
never a value that names a person. Fields are only ever added, with a default, since histories of
years ago are replayed through them.
"""
# No postponed annotations here: Temporal's converter would evaluate them again for every payload.

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio.common import RetryPolicy, SearchAttributeKey

__all__ = [
    "AMEND",
    "ANSWERED_SIGNAL",
    "DECIDED_SIGNAL",
    "DUE_AT",
    "FEW_TRIES",
    "FOLLOWS_BACK",
    "GIVE_UP_IDENTITY",
    "GIVE_UP_STOPPING",
    "IDENTITY_SIGNAL",
    "NEWEST",
    "NOTIFY",
    "OPEN_AND_NOTIFY",
    "PHASE_SIGNAL",
    "PROGRESS_QUERY",
    "READ_COHORT",
    "READ_PHASES",
    "REPLAN",
    "REPLAN_SIGNAL",
    "REPLAN_WORKFLOW",
    "SEARCH_ATTRIBUTES",
    "STATE",
    "TELL_RUNNING",
    "TELL_TIER",
    "TOLD_BESIDE_THE_TIERS",
    "UNTOLD",
    "WORKFLOW",
    "Apart",
    "CohortPhases",
    "CohortProgress",
    "Decided",
    "Ended",
    "Opened",
    "Order",
    "Position",
    "Reached",
    "Replan",
    "Replanned",
    "Sending",
    "Sent",
    "Settled",
    "State",
    "Taken",
    "Telling",
    "Tier",
    "Told",
    "Unsent",
    "Verified",
]

WORKFLOW = "CohortWorkflow"
REPLAN_WORKFLOW = "ReplanWorkflow"
ANSWERED_SIGNAL = "answered"
IDENTITY_SIGNAL = "identity_verified"
DECIDED_SIGNAL = "decided"
REPLAN_SIGNAL = "replan"
PHASE_SIGNAL = "phase_confirmed"
PROGRESS_QUERY = "progress"

OPEN_AND_NOTIFY = "open_and_notify"
NOTIFY = "notify"
READ_COHORT = "read_cohort"
READ_PHASES = "read_phases"
GIVE_UP_IDENTITY = "give_up_identity"
TELL_TIER = "tell_tier"
AMEND = "amend"
REPLAN = "replan"
TELL_RUNNING = "tell_running"

NEWEST = "newest"
"""Stands for whichever registry version is the newest."""
GIVE_UP_STOPPING = "give_up_stopping"

UNTOLD = "untold"
"""The type of a failure whose details are the organisations that were not told, all others were."""

FOLLOWS_BACK = "follows-back"
"""The change by which a registry version that was left is followed again; older histories pass over it."""

TOLD_BESIDE_THE_TIERS = "told-beside-the-tiers"
"""The change by which tiers and hints go on while somebody is untold; older histories wait instead."""

RIGHT = SearchAttributeKey.for_keyword("DsrRight")
JURISDICTION = SearchAttributeKey.for_keyword("DsrJurisdiction")
STATE = SearchAttributeKey.for_keyword("DsrState")
DUE_AT = SearchAttributeKey.for_datetime("DsrDueAt")
SIZE = SearchAttributeKey.for_int("DsrSize")

SEARCH_ATTRIBUTES = (RIGHT, JURISDICTION, STATE, DUE_AT, SIZE)
"""Everything that workflows are found by; written at the start and at tiers, never between."""

FEW_TRIES = RetryPolicy(initial_interval=timedelta(milliseconds=250), maximum_attempts=3)
"""Tries within one workflow task; longer absences are waited out by a timer of the workflow."""


class State:
    """What the search attribute DsrState says of a cohort that still runs."""

    AWAITING_IDENTITY = "awaiting_identity"
    OPEN = "open"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    OVERDUE = "overdue"
    AWAITING_CLARIFICATION = "awaiting_clarification"
    ON_HOLD = "on_hold"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What is to be done at a moment, if a member is open then."""

    action: str
    """As `TierAction` spells it in the domain."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """It is proven who asks; the dates as they are counted from then on."""

    due_at: datetime
    tiers: list[Tier]
    revision: int = 0
    """Of the command; 0 in signals from before there were others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What two people answered in place of a system."""

    system_id: str
    disposition: str
    proposed_by: str
    approved_by: str
    reason: str
    """Why, without personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person decided about one request; the dates as they are counted from then on."""

    kind: str
    """As the field of the command is called: stopped, hold_placed, …"""

    revision: int
    effective_at: datetime
    recorded_at: datetime
    due_at: datetime
    tiers: list[Tier]
    outcome: str = ""
    """How it ends, where it is stopped."""

    hold_id: str = ""
    system_ids: list[str] = field(default_factory=list)
    """The systems that a hold covers, where empty means all of them; or those that are told anew."""

    settled: Settled | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What has set a request apart so far, beside its dates."""

    revision: int = 0
    """The highest that was taken."""

    late: list[int] = field(default_factory=list)
    """Revisions below it that have not come yet, and are waited for no more."""

    has_left: bool = False
    """The ledger was told that it left its home cohort."""

    outcome: str = ""
    """How it ends, where it is being stopped."""

    awaits_clarification: bool = False
    clarified_at: int = 0
    """The revision of the last command about what is meant."""

    dated_at: int = 0
    """The revision of the command that the dates are from."""

    holds: dict[str, list[str]] = field(default_factory=dict)
    """The holds that are in force, each with the systems it covers; none means all of them."""

    lifted: list[str] = field(default_factory=list)
    """Holds that were lifted before it was heard that they were placed."""

    pending: list[Decided] = field(default_factory=list)
    """What has come and was not acted upon yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Notices that could not be sent; the fields are those of `Sending`."""

    reminder: int = 0
    first: int = 0
    only: list[str] = field(default_factory=list)
    instruction: str = "perform"
    revision: int = 0
    system_ids: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    joined: int = 0
    phase: int = 0
    is_due: bool = False
    below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a cohort has come; what a continued workflow begins with."""

    state: str
    next_at: datetime
    """When the next tier comes, if no hint comes before."""

    systems: int
    reminders: int = 0
    tiers: int = 0
    """How many of the order's tiers have been passed."""

    overdue_reads: int = 0
    notified_at: datetime | None = None
    """When the first notice had gone out, or had been tried."""

    unsent: list[Unsent] = field(default_factory=list)
    """What could not be sent so far, the oldest first."""

    phases: int = 1
    """How many phases the plan has."""

    phase: int = 0
    """The last one that was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A cohort as its workflow needs it."""

    cohort_id: str
    right: str
    regime: str
    jurisdiction: str
    categories: list[str]
    organisation_ids: list[str]
    registry_digest: str
    received_at: datetime
    due_at: datetime
    request_ids: list[str]
    remind_after_s: float
    """Seconds from the first notice to the reminder."""

    tiers: list[Tier] = field(default_factory=list)
    """In order of time. Empty in orders from before there were rules: `remind_after_s` then says it."""

    verify_identity_by: datetime | None = None
    """By when it must be proven who asks; none where it is."""

    system_ids: list[str] = field(default_factory=list)
    """The systems that are meant; empty for all."""

    since: str = ""
    """The day from which on data is meant; empty for all of it."""

    uses: list[str] = field(default_factory=list)
    """What the data is to be used for no more; empty for all that the right ends."""

    traceparent: str | None = None
    position: Position | None = None
    """None at the beginning; set where a long history was continued as a new one."""

    home_cohort_id: str = ""
    """The cohort of several that the request has left; empty for a cohort as it was accepted."""

    left_at: datetime | None = None
    """When the first command was recorded by which it left."""

    apart: Apart | None = None
    """As `position`; none where nobody has decided anything."""

    replan: list[str] = field(default_factory=list)
    """Newer registry versions by which it was not looked yet who joins."""

    replanned: str = ""
    """The newest registry version by which it was looked who joins; empty for the one it is pinned to."""

    rules_digest: str = ""
    """The version of the rules that the dates were counted by; empty in orders from before it was said."""

    held_before: datetime | None = None
    """Set where systems are only asked to look: what they held before then is meant."""

    identifier_kinds: list[str] = field(default_factory=list)
    """The kinds that every member brings; empty in orders from before they mattered."""

    after: list[str] = field(default_factory=list)
    """Requests that hand the person's data over, and are to be closed before any system is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A tier that a cohort has reached while a member is open."""

    order: Order
    action: str
    """As `TierAction` spells it in the domain."""

    left_out: list[str] = field(default_factory=list)
    """Systems that nobody is told of, since a hold covers them."""

    at: datetime | None = None
    """Its moment: of two tiers with one action, which of them; none from before it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A decision that a workflow takes: what is owed changes by it."""

    order: Order
    decided: Decided
    leaves: bool
    """Whether it is the first of a request that leaves its home cohort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """A newer registry version applies to a cohort that is open."""

    order: Order
    phase: int = 0
    """The last phase that was told: who joins a later one is told with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What the newest registry version has changed for a cohort."""

    digest: str
    added: list[str] = field(default_factory=list)
    """Whom to tell: who must answer as well, or answers for a retired system."""

    revision: int = 0
    """Of the amendment; 0 where nothing has changed."""

    phases: int = 1
    """How many phases the first plan has: who has left a cohort learns it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The obligations of a cohort stand in the ledger's stream, and notices may have gone out."""

    systems: int
    next: int | None = 0
    """The position among the cohort's requests to notify from; none when all notices are sent."""

    only: list[str] = field(default_factory=list)
    """As in `Sending`, for the notices that are left."""

    newest: str = ""
    """The newest registry version, where it is another than the order's."""

    phases: int = 1
    """How many phases the plan has; the first of them is told by the first notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Notices to be sent: all of them, or one reminder's."""

    order: Order
    reminder: int = 0
    """0 for the first notice, then the number of the reminder."""

    first: int = 0
    """The position among the cohort's requests to go on from."""

    only: list[str] = field(default_factory=list)
    """The organisations to tell, where the others have been told; empty for all."""

    instruction: str = "perform"
    """As `Instruction` spells it on the wire."""

    revision: int = 0
    """Of the command that it follows from, 0 where none."""

    system_ids: list[str] = field(default_factory=list)
    """The systems to tell; empty for all that the round is for."""

    left_out: list[str] = field(default_factory=list)
    """Systems that are not told, since a hold covers them."""

    joined: int = 0
    """The revision of the change of plan by which the systems joined; 0 for systems of the first plan."""

    phase: int = 0
    """The later phase of the plan whose systems are told; 0 for any other round."""

    is_due: bool = False
    """Whether the phase is told since its date has come, whatever the earlier ones say."""

    below: int = 0
    """Systems of this phase and of later ones are left out, as they were not told; 0 where all were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What has been sent, and where to go on."""

    notices: int
    next: int | None = None
    """The position to go on from; none when all have been sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortProgress:
    """How many of a cohort's members wait for their answer, as intake counts them."""

    members: int
    open_members: int
    open_leavers: int = 0
    """Requests that were its members, and wait under workflows of their own to be told to systems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortPhases:
    """How far the phases of a cohort have come, as the ledger counts them."""

    confirmed: int
    """How many of them every open member has confirmed, from the first on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a cohort ended."""

    requests: int
    systems: int
    reminders: int
    was_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How far running cohorts have been told of a registry version."""

    digest: str
    page: str = ""
    """Where Temporal's list goes on; empty at its beginning."""

    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How many were told, and where the list goes on; nowhere at its end."""

    told: int
    next: str = ""
