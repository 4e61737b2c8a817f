"""Remedies: what a person can do who does not agree, and what a law still demands of a refusal.

Which of it a law gives is data (`law.toml`), and so is how each language says it; what depends on
the rules that a request pins comes with the contents of its letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from dsr_intake.application.letters.contents import Contents
from dsr_intake.model import LetterKind

__all__ = ["REMEDIES", "still_demanded", "what_can_be_done"]

REMEDIES = ("appeal", "complaint", "after_appeal", "elsewhere", "practices", "opt_out")
"""The texts that each language has."""

_STILL = {"practices": {LetterKind.NOT_VERIFIED}, "opt_out": {LetterKind.NOT_VERIFIED, LetterKind.REFUSED}}  # fmt: skip
"""In which letters a law demands what; which law, of which right, is data."""

Say = Callable[..., str]
"""Says a text by name, with what stands in it."""


def what_can_be_done(
    kind: LetterKind,
    one: Contents,
    law: Mapping[str, Any],
    *,
    authority: Mapping[str, str] | None,
    say: Say,
    day: Callable[[date | None], str],
) -> Iterator[str]:
    """Say how a person can have an answer reviewed: by an appeal, an authority, a court.

    Only what the law of the request gives is said. Where an appeal comes first the authority is
    named for after it; without a law the person is told that their own decides.
    """
    by = law["complaint"].get(one.regime)
    if by is None or authority is None:
        yield say("elsewhere")
        return
    denied = kind is LetterKind.REFUSED or (kind is LetterKind.DONE and one.partly)
    if denied and one.appeal is not None:
        yield say("appeal", days=one.appeal.days or "", by=one.appeal.by)
        yield say("after_appeal", **authority)
        return
    until = day(one.complain_by) if denied else ""
    yield say("complaint", **authority, until=until, court=one.regime in law["court"], by=by)


def still_demanded(
    kind: LetterKind, one: Contents, law: Mapping[str, Any], say: Say
) -> Iterator[str]:
    """Say what a law still demands where a request was denied, by its right."""
    for name, kinds in _STILL.items():
        demand = law["still_demanded"].get(one.regime, {}).get(name)
        if demand is not None and kind in kinds and one.right in demand["rights"]:
            yield say(name, by=demand["by"])
