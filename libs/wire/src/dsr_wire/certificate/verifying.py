"""Verifying: every check of a certificate, offline, against keys that the reader has."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dsr_core.registry import Registry
from dsr_wire.certificate.closed import check_amendments, check_closing
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.logged import check_log
from dsr_wire.certificate.planned import check_plan
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.report import Check, Report, failed, good, unchecked
from dsr_wire.certificate.signed import Answers, check_answers
from dsr_wire.codec.amendments import Amendment

__all__ = ["verify"]


def verify(
    data: bytes,
    keys: PublishedKeys,
    *,
    registries: Collection[Registry] = (),
    checkpoint: str | None = None,
) -> Report:
    """Check a certificate; a byte of it that was changed fails at least one check.

    Args:
        data: The file.
        keys: The published keys, from a source that the reader trusts.
        registries: The versions that the statement names, as far as the reader has them.
        checkpoint: One that the reader has kept, as a signed note.
    """
    return Report(tuple(_checks(data, keys, registries, checkpoint)))


def _checks(
    data: bytes, keys: PublishedKeys, registries: Collection[Registry], checkpoint: str | None
) -> Iterator[Check]:
    try:
        certificate = Certificate.from_bytes(data)
    except MalformedError as error:
        yield failed(error.part or "file", error.detail)
        return
    yield good("file", "the file is in its one form, and what it says in words is what was signed")
    yield from check_log(certificate, keys, kept=checkpoint)
    answers, amendments = Answers(), list[Amendment]()
    yield from check_answers(certificate, keys, answers)
    yield from check_amendments(certificate, amendments)
    yield from check_closing(certificate.statement, answers, amendments)
    yield from check_plan(certificate.statement, amendments, registries)
    yield from _words_of_others(certificate)


def _words_of_others(certificate: Certificate) -> Iterator[Check]:
    """Yield what no file can show."""
    received = "when each answer was received, and that no other came before the closing"
    yield unchecked("answers", f"the ledger's word, which it cannot change any more: {received}")
    yield unchecked("keys", "that the keys are their owners' is the word of whoever gave them")
    rules = certificate.statement.rules_digest
    of = f"the rules {rules[:16]}…" if rules else "rules that are not named"
    yield unchecked("statement.due_at", f"whether the legal date follows from {of}")
