"""The body of a submission: what a client may send, and how it becomes a `Submission`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import RequestId
from dsr_core.law.proofs import Evidence, Level
from dsr_core.rights import RIGHTS, Right
from dsr_intake.http.corrections import CategoryBody, CorrectionBody, rectified
from dsr_intake.http.jurisdictions import JURISDICTION_PATTERN
from dsr_intake.http.levels import AttestedLevel, ProvenLevel
from dsr_intake.http.package_wishes import AgeKey, HandOver, age_key_of, is_handed_over
from dsr_intake.http.scopes import DAY_PATTERN, ScopeBody, scope_of
from dsr_intake.model import LetterKind, RequesterEvidence, Submission
from dsr_runtime.http.problems import Problem

__all__ = [
    "IDEMPOTENCY_KEY_PATTERN",
    "AuthorityProofBody",
    "BatchLine",
    "CategoryBody",
    "IdentifierBody",
    "LetterDecisionBody",
    "ProofBody",
    "SubjectRequestBody",
    "identity_of",
    "invalid_body",
    "moment",
    "parse_line",
    "parse_single",
]

IDEMPOTENCY_KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
RFC3339 = (
    r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_FRACTION = re.compile(r"\.([0-9]+)")


_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f]"
_SOME = rf"^{_NO_CONTROL}*[^\s\x00-\x1f\x7f-\x9f]{_NO_CONTROL}*$"
_COMPACT = rf"^{_NO_CONTROL}*[^\s\x00-\x1f\x7f-\x9f-]{_NO_CONTROL}*$"
_EMAIL = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+$"


class NamedIdentifier(_Body):
    """A name that a system gave the data subject or a device of theirs."""

    kind: Literal["account_id", "cookie_id", "device_id", "username"]
    value: Annotated[str, Field(pattern=_SOME, max_length=320)]


class NumberedIdentifier(_Body):
    """A number; spaces and hyphens in it do not matter."""

    kind: Literal["customer_number", "government_id"]
    value: Annotated[str, Field(pattern=_COMPACT, max_length=320)]


class EmailIdentifier(_Body):
    """An email address; upper and lower case do not matter."""

    kind: Literal["email"]
    value: Annotated[str, Field(pattern=_EMAIL, max_length=320)]


class PhoneIdentifier(_Body):
    """A telephone number, best with its country's code."""

    kind: Literal["phone"]
    value: Annotated[
        str, Field(pattern=r"^\+?([ ()./-]{0,3}[0-9]){5,15}[ ()./-]{0,3}$", max_length=320)
    ]


class IpAddressIdentifier(_Body):
    """An internet address, version 4 or 6."""

    kind: Literal["ip_address"]
    value: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]{3,45}$")]


IdentifierBody = Annotated[
    NamedIdentifier | NumberedIdentifier | EmailIdentifier | PhoneIdentifier | IpAddressIdentifier,
    Field(discriminator="kind"),
]


_REFERENCE = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
        description="Names the document in the client's own records; no personal data.",
    ),
]
_DAY = Annotated[
    str | None,
    Field(
        pattern=DAY_PATTERN,
        json_schema_extra={"format": "date"},
    ),
]


class ConsentBody(_Body):
    """The consent of a parent or guardian."""

    reference: _REFERENCE
    given_on: _DAY = None


class AuthorityBody(_Body):
    """The person's signed authority for an agent."""

    kind: Literal["signed_permission", "power_of_attorney"]
    reference: _REFERENCE
    given_on: _DAY = None


class DataSubjectBody(_Body):
    """The person themselves."""

    role: Literal["data_subject"]


class GuardianBody(_Body):
    """A parent or guardian. Without the consent it waits as `awaiting_authority`."""

    role: Literal["guardian"]
    consent: ConsentBody | None = None


class AgentBody(_Body):
    """An authorised agent. Without the authority it waits as `awaiting_authority`."""

    role: Literal["authorised_agent"]
    authority: AuthorityBody | None = None


RequesterBody = Annotated[DataSubjectBody | GuardianBody | AgentBody, Field(discriminator="role")]
"""Who filed the request."""


class ControllerBody(_Body):
    """Whose the data is, where it is a customer's and not the group's own."""

    name: Annotated[str, Field(pattern=_SOME, max_length=200)]
    pointer: Annotated[
        str, Field(pattern=_SOME, max_length=200, description="Where the person can ask them.")
    ]


class _RequestBody(_Body):
    """What a data subject asks for, by whichever call it comes."""

    right: Annotated[Right, Field(description="What is asked for.")]
    jurisdiction: Annotated[
        str,
        Field(
            pattern=JURISDICTION_PATTERN,
            description="ISO 3166-1 alpha-2 (`DE`) or ISO 3166-2 (`US-CA`).",
        ),
    ]
    identity: Annotated[list[IdentifierBody], Field(min_length=1, max_length=20)]
    identity_attested: Annotated[
        bool,
        Field(
            description=(
                "The client has made sure who the requester is. Where it has not, the request waits "
                "as `awaiting_identity` until it is proven, and no system is asked; an opt-out does "
                "not, since no law lets anybody ask for that proof."
            )
        ),
    ]
    identity_level: AttestedLevel = None
    requester: RequesterBody
    scope: ScopeBody | None = None
    corrections: Annotated[
        list[CorrectionBody] | None,
        Field(
            min_length=1, max_length=50, description="For a correction: what is to be put right."
        ),
    ] = None
    statement: Annotated[
        str | None,
        Field(
            max_length=4000,
            pattern=r"^[^\x00]*$",
            description="For a correction: the person's own words, for what is not corrected.",
        ),
    ] = None
    controller: Annotated[
        ControllerBody | None,
        Field(
            description=(
                "The data is a customer's: the request ends at once as `referred`, nobody is asked, "
                "and the person is pointed there."
            )
        ),
    ] = None
    channel: Literal["api", "account", "email", "post"] = "api"
    received_at: Annotated[
        str | None,
        Field(
            pattern=RFC3339,
            description="When the person asked; now, where it is absent.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    language: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$",
            description="The language of the answer, as a BCP 47 tag.",
        ),
    ] = None
    letters: Annotated[
        bool | None,
        Field(
            description=(
                "Whether the person is told by letter, to the email address of the identity. Where "
                "it is absent: in a single call yes, if there is an address and letters are sent "
                "here; in a batch no. Whoever is told by letter is answered once it is sent."
            )
        ),
    ] = None
    age_key: AgeKey = None
    hand_over: HandOver = None


class SubjectRequestBody(_RequestBody):
    """What a data subject asks for."""

    appeal_of: Annotated[
        str | None,
        Field(
            pattern=_UUID,
            description=(
                "The request of this client whose outcome the person appeals against, where its law "
                "gives that right: refused, or partly fulfilled. Right, jurisdiction and identity are "
                "the same again, and attested. It waits as `awaiting_decision` for somebody to decide."
            ),
        ),
    ] = None


def _attested(given: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes the value
    right = info.data.get("right")
    if not given and (right is None or RIGHTS[right].asks_who):
        raise ValueError("must be true in a batch: send others one by one, so that each can wait")
    return given


class BatchLine(_RequestBody):
    """One line of a batch: a subject request and its idempotency key; its identity is attested."""

    identity_attested: Annotated[
        bool,
        AfterValidator(_attested),
        Field(
            description="The client has made sure who the requester is: true, but for an opt-out."
        ),
    ]
    idempotency_key: Annotated[str, Field(pattern=IDEMPOTENCY_KEY_PATTERN)]


class ProofBody(_Body):
    """An operator's decision that it is proven who asks."""

    reason: Annotated[str, Field(pattern=_SOME, max_length=500)]
    """Without personal data: it is kept with the request."""

    proven_at: Annotated[
        str | None,
        Field(
            pattern=RFC3339,
            description="When it was proven; now, where it is absent.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    level: ProvenLevel = Level.HIGH


class AuthorityProofBody(_Body):
    """An operator's decision that somebody may ask for another person."""

    reason: Annotated[str, Field(pattern=_SOME, max_length=500)]
    """Without personal data: it is kept with the request."""

    evidence: Annotated[
        Evidence | None,
        Field(
            strict=False, description="What was seen. Some laws ask less of the person for some."
        ),
    ] = None


class LetterDecisionBody(_Body):
    """An operator's decision about a letter: the newest of a kind."""

    kind: Annotated[LetterKind, Field(strict=False)]
    reason: Annotated[str, Field(pattern=_SOME, max_length=500)]
    """Without personal data: it is kept with the letter."""


_SINGLE = TypeAdapter(SubjectRequestBody)
_LINE = TypeAdapter(BatchLine)
_NOT_CONTENT = {"idempotency_key": True}
_LATER = (
    "age_key",
    "controller",
    "hand_over",
    "letters",
    "appeal_of",
    "corrections",
    "statement",
    "identity_level",
)
_LATER_LIMITS = ("since", "uses")


def parse_single(body: bytes, *, idempotency_key: str | None) -> Submission:
    """Read the body of the interactive call.

    Raises:
        Problem: It is not as documented; the problem says where and never what was sent.
    """
    try:
        return _submission(_SINGLE.validate_json(body), idempotency_key)
    except ValidationError as error:
        raise invalid_body(error) from None


def parse_line(line: bytes) -> Submission:
    """Read one line of a batch.

    Raises:
        Problem: As in `parse_single`.
    """
    try:
        read = _LINE.validate_json(line)
    except ValidationError as error:
        raise invalid_body(error) from None
    return _submission(read, read.idempotency_key)


def invalid_body(error: ValidationError) -> Problem:
    """Return the problem that a body is, with pointers to the faults and without any value."""
    faults = error.errors(include_input=False, include_url=False)
    if faults[0]["type"] == "json_invalid":
        return Problem(400, "malformed_json", "the body is not JSON in UTF-8")
    return Problem(
        422,
        "invalid_request",
        "the request is not as the API documents it; errors says where",
        errors=[_fault(one) for one in faults[:20]],
    )


def _fault(one: ErrorDetails) -> dict[str, str]:
    loc = one["loc"]
    if loc == ("requester",) and one["type"].startswith("union_tag"):
        loc = ("requester", "role")
    match one["type"]:
        case "extra_forbidden":
            # The name of an unknown field is the caller's text, and could be a person's.
            loc, detail = loc[:-1], "a field that this API does not know"
        case "union_tag_invalid":
            name = one["ctx"]["discriminator"].strip("'")
            detail = f"{name} must be one of {one['ctx']['expected_tags']}"
        case "union_tag_not_found":
            detail = "Field required"
        case _:
            detail = one["msg"]
    return {"pointer": "".join(f"/{part}" for part in loc), "detail": detail}


def moment(text: str, *, field: str) -> datetime:
    """Return the time that an RFC 3339 text names, in UTC and to the microsecond.

    Raises:
        RejectedInput: There is no such time, or none in UTC: its year would be the ten thousandth.
    """
    whole = _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text)
    try:
        return datetime.fromisoformat(whole.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RejectedInput("invalid_request", "there is no such time", field=field) from None


def _submission(body: _RequestBody, idempotency_key: str | None) -> Submission:
    appeal_of = body.appeal_of if isinstance(body, SubjectRequestBody) else None
    sent = body.received_at
    wanted, scope = rectified(
        body.right,
        body.corrections,
        body.statement,
        scope_of(body.right, body.scope),
    )
    return Submission(
        right=body.right,
        jurisdiction=body.jurisdiction,
        identity=identity_of(body.identity, within="/identity"),
        scope=scope,
        rectification=wanted,
        requester_role=body.requester.role,
        evidence=_evidence(body.requester),
        channel=body.channel,
        language=body.language,
        controller=(body.controller.name, body.controller.pointer) if body.controller else None,
        is_attested=body.identity_attested,
        level=body.identity_level or Level.HIGH,
        received_at=moment(sent, field="received_at") if sent is not None else None,
        content=_content(body),
        idempotency_key=idempotency_key,
        letters=body.letters,
        age_key=age_key_of(body.right, body.age_key),
        hand_over=is_handed_over(body.right, body.hand_over),
        appeal_of=RequestId(appeal_of) if appeal_of is not None else None,
    )


def _content(body: _RequestBody) -> bytes:
    # Later fields are left out where they are absent, so that keys from before there were any hold.
    absent: dict[str, Any] = {name: True for name in _LATER if getattr(body, name, None) is None}
    if body.scope is not None:
        absent["scope"] = {name for name in _LATER_LIMITS if getattr(body.scope, name) is None}
    return body.__pydantic_serializer__.to_json(body, exclude=_NOT_CONTENT | absent)


def identity_of(given: Sequence[IdentifierBody], *, within: str) -> Identity:
    """Return the identity that identifiers make.

    Raises:
        Problem: One of them is none; the problem says which, and never what was sent.
    """
    identifiers = []
    for n, one in enumerate(given):
        try:
            identifiers.append(Identifier.of(one.kind, one.value))
        except RejectedInput as fault:
            pointer = f"{within}/{n}/{fault.field}"
            raise _unknown(pointer, fault.detail, fault.reason) from None
    return Identity.of(identifiers)


def _evidence(body: DataSubjectBody | GuardianBody | AgentBody) -> RequesterEvidence | None:
    match body:
        case GuardianBody(consent=ConsentBody() as consent):
            return RequesterEvidence(Evidence.CONSENT, consent.reference, _day(consent.given_on))
        case AgentBody(authority=AuthorityBody() as sent):
            return RequesterEvidence(Evidence(sent.kind), sent.reference, _day(sent.given_on))
        case _:
            return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        detail = "there is no such day"
        raise RejectedInput("invalid_request", detail, field="requester") from None


def _unknown(pointer: str, detail: str, code: str = "invalid_request") -> Problem:
    return Problem(422, code, detail, errors=[{"pointer": pointer, "detail": detail}])
