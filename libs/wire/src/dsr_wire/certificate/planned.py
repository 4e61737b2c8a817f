"""Checks of the plan: who had to answer is who the registry makes answer, and nobody was left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import plan
from dsr_core.registry import Registry
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.report import Check, failed, good, unchecked
from dsr_wire.certificate.statement import Statement

__all__ = ["check_plan"]

_DIGEST = "statement.registry_digest"
_ASKED = "statement.asked"


def check_plan(statement: Statement, registries: Collection[Registry]) -> Iterator[Check]:
    """Yield the checks of who had to answer.

    Args:
        statement: What is checked.
        registries: The versions that the reader has; one that the statement does not name is refused.
    """
    asked = statement.asked
    known = {one.digest: one for one in registries}
    named = {statement.registry_digest, *([asked.registry_digest] if asked else [])}
    if known.keys() - named:
        yield failed(_DIGEST, "the registry that was given is another version")
    yield _owned(statement, known.get(statement.registry_digest))
    if asked is None:
        why = "whether a system was left out: its form, the one of before, does not say what was asked"
        yield unchecked(_ASKED, f"{why}, so that nobody can plan it again")
        return
    yield _planned(statement, asked, known.get(asked.registry_digest))
    if asked.registry_digest != statement.registry_digest:
        yield _amended(statement, asked, known.get(statement.registry_digest))


def _owned(statement: Statement, registry: Registry | None) -> Check:
    """Return the check that everybody who had to answer is in the registry version of the closing."""
    if registry is None:
        return unchecked(
            _DIGEST, _wanted("the systems are the registry's", statement.registry_digest)
        )
    for one in statement.obligations:
        known = registry.system(one.system_id)
        if known is None or known.organisation_id != one.organisation_id:
            why = f"{one.system_id} of {one.organisation_id} is not in that version"
            return failed("statement.obligations", why)
        looks = one.system_id in statement.looks_again
        # Who looks later only has to look in requests that ask for nothing else.
        if not statement.opened and (
            looks < known.looks_again or looks > (known.looks_again or known.looks_later)
        ):
            why = f"whether {one.system_id} has to look again is not as that version says"
            return failed("statement.looks_again", why)
    words = "every system is in that version of the registry, under that organisation"
    return good(_DIGEST, words)


def _planned(statement: Statement, asked: Asked, registry: Registry | None) -> Check:
    """Return the check that the first plan, made again, names those who had to answer at first."""
    if registry is None:
        return unchecked(_ASKED, _wanted("a system was left out at first", asked.registry_digest))
    systems = _plan(statement, asked, registry)
    part, stated = "statement.opened", statement.opened
    if stated is None:
        part, stated = "statement.obligations", _obligations(statement)
    if missing := _names(systems.keys() - stated.keys()):
        return failed(part, f"left out, though the plan asks them: {missing}")
    if more := _names(stated.keys() - systems.keys()):
        return failed(part, f"named, though the plan does not ask them: {more}")
    if moved := _names([one for one, owner in systems.items() if stated[one] != owner]):
        return failed(part, f"of another organisation than in the plan: {moved}")
    words = (
        f"the plan, made again from the registry, asks the same {len(systems)}: none is left out"
    )
    return good(_ASKED, words)


def _amended(statement: Statement, asked: Asked, registry: Registry | None) -> Check:
    """Return the check that no system of a later version was left out: nobody is let off by leaving."""
    if registry is None:
        digest = statement.registry_digest
        return unchecked(_ASKED, _wanted("a system that joined later was left out", digest))
    # What follows from one system's answer concerns that system alone, whoever joins.
    later = {} if asked.scope.system_ids else _plan(statement, asked, registry)
    if missing := _names(later.keys() - _obligations(statement).keys()):
        why = f"left out, though the later version asks them: {missing}"
        return failed("statement.obligations", why)
    return good(_ASKED, "nobody whom the later version of the registry asks is left out")


def _plan(
    statement: Statement, asked: Asked, registry: Registry
) -> Mapping[SystemId, OrganisationId]:
    systems = plan(registry, statement.right, asked.scope, received_at=asked.received_at)
    return {one.id: one.organisation_id for one in systems}


def _obligations(statement: Statement) -> Mapping[SystemId, OrganisationId]:
    return {one.system_id: one.organisation_id for one in statement.obligations}


def _names(systems: Collection[SystemId]) -> str:
    return ", ".join(sorted(systems))


def _wanted(what: str, digest: str) -> str:
    return f"whether {what}: give the version {digest[:16]}… by --registry"
