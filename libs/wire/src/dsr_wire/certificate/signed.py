"""Checks of the signed answers: each is what the statement names, and its system signed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_wire import merkle
from dsr_wire.canonical import timestamp
from dsr_wire.certificate.form import Certificate, SignedAnswer
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.report import Check, failed, good
from dsr_wire.certificate.statement import StatedAnswer, StatedObligation, Statement
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.signing import signed_bytes

__all__ = ["Answers", "check_answers"]


@dataclass(slots=True)
class Answers:
    """What the systems answered, as far as it could be read."""

    of: dict[SystemId, list[Acknowledgement]] = field(default_factory=dict)


def check_answers(
    certificate: Certificate, keys: PublishedKeys, answers: Answers
) -> Iterator[Check]:
    """Yield the checks of the answers, and fill in what they say."""
    stated = list(certificate.stated())
    if len(stated) != len(certificate.answers):
        why = f"the statement names {len(stated)} answers, the file has {len(certificate.answers)}"
        yield failed("answers", why)
    for place, ((owed, named), shown) in enumerate(zip(stated, certificate.answers, strict=False)):
        part = f"answers[{place}]"
        try:
            answer = _read(certificate.statement, owed, named, shown)
            _check_signature(owed, named, shown, keys)
        except (RejectedInput, _NotShownError) as error:
            yield failed(part, f"{owed.system_id}: {error}")
            continue
        answers.of.setdefault(owed.system_id, []).append(answer)
        yield good(part, _words(answer, named, shown))


class _NotShownError(ValueError):
    """A signed answer is not what it is shown as."""


def _read(
    statement: Statement, owed: StatedObligation, named: StatedAnswer, shown: SignedAnswer
) -> Acknowledgement:
    if merkle.leaf_hash(shown.answer) != named.leaf_hash:
        raise _NotShownError("the statement names another answer")
    answer = acknowledgement_from_bytes(shown.answer)
    asked = (statement.request_id, owed.system_id, statement.right)
    if (answer.request_id, answer.system_id, answer.right) != asked:
        raise _NotShownError("it answers another request, or is another system's")
    return answer


def _check_signature(
    owed: StatedObligation, named: StatedAnswer, shown: SignedAnswer, keys: PublishedKeys
) -> None:
    system = keys.system(owed.system_id)
    key = system.key(shown.key_id) if system else None
    if system is None or key is None:
        raise _NotShownError(f"no key {shown.key_id} of that system is published")
    revocation = system.revocation(shown.key_id)
    if revocation is not None and revocation.refuses(named.received_at):
        since = timestamp(revocation.revoked_at)
        raise _NotShownError(f"received when its key had been revoked, on {since}")
    try:
        root = merkle.root_from_path(named.leaf_hash, shown.index, shown.size, shown.path)
        key.key.verify(shown.signature, signed_bytes(owed.system_id, shown.size, root))
    except (ValueError, OverflowError) as error:
        raise _NotShownError(f"its place in the batch: {error}") from error
    except InvalidSignature as error:
        raise _NotShownError("the signature does not hold") from error


def _words(answer: Acknowledgement, named: StatedAnswer, shown: SignedAnswer) -> str:
    kept = "".join(
        f"; keeps {one.records} under {one.ground}, to be reviewed {one.review_at:%Y-%m-%d}"
        for one in answer.exemptions
    )
    received = timestamp(named.received_at)
    return (
        f"{answer.system_id} answered `{answer.disposition}`, {answer.records} records{kept};"
        f" signed with its key {shown.key_id}, received {received} (the ledger's word)"
    )
