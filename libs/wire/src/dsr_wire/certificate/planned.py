"""Checks of the plan: who had to answer is who the registry makes answer, and nobody was left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import plan
from dsr_core.registry import Registry, System
from dsr_core.replan import heir, is_let_off
from dsr_wire.certificate.asked import Asked
from dsr_wire.certificate.report import Check, failed, good, unchecked
from dsr_wire.certificate.statement import Statement
from dsr_wire.codec.amendments import Amendment, PlanChanged

__all__ = ["check_plan"]

_DIGEST = "statement.registry_digest"
_ASKED = "statement.asked"
_LOOKS = "whether they have to look again is not as that version says"


def check_plan(
    statement: Statement, amendments: Sequence[Amendment], registries: Collection[Registry]
) -> Iterator[Check]:
    """Yield the checks of who had to answer.

    Args:
        statement: What is checked.
        amendments: How the request was amended, as the statement names it.
        registries: The versions that the reader has; one that nothing of it names is refused.
    """
    asked = statement.asked
    known = {one.digest: one for one in registries}
    changes = [one.change for one in amendments if isinstance(one.change, PlanChanged)]
    named = {statement.registry_digest, *(one.registry_digest for one in changes)}
    named |= {asked.registry_digest} if asked else set()
    if known.keys() - named:
        yield failed(_DIGEST, "the registry that was given is another version")
    yield _owned(statement, changes, known.get(statement.registry_digest))
    if asked is None:
        why = "whether a system was left out: its form, the one of before, does not say what was asked"
        yield unchecked(_ASKED, f"{why}, so that nobody can plan it again")
        return
    yield _planned(statement, asked, known.get(asked.registry_digest))
    yield from _let_off(asked, changes, known)
    if asked.registry_digest != statement.registry_digest:
        yield _amended(statement, asked, known.get(statement.registry_digest))


def _owned(
    statement: Statement, changes: Sequence[PlanChanged], registry: Registry | None
) -> Check:
    """Return the check that everybody who had to answer is in the registry version of the closing."""
    if registry is None:
        return unchecked(
            _DIGEST, _wanted("the systems are the registry's", statement.registry_digest)
        )
    former = dict(statement.opened or {}) | dict(each for one in changes for each in one.added)
    for one in statement.obligations:
        known = registry.system(one.system_id)
        if known is None and former.get(one.system_id) == one.organisation_id:
            continue  # who left the registry answers all the same
        if known is None or known.organisation_id != one.organisation_id:
            why = f"{one.system_id} of {one.organisation_id} is not in that version"
            return failed("statement.obligations", why)
        # Where the first plan can be made again, it says who has to look.
        if not (statement.asked or statement.opened or _looks_as_said(statement, known)):
            return failed("statement.looks_again", f"{_LOOKS}: {one.system_id}")
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
    owners = {one.id: one.organisation_id for one in systems.values()}
    if moved := _names(one for one, owner in owners.items() if stated[one] != owner):
        return failed(part, f"of another organisation than in the plan: {moved}")
    if others := _names(one.id for one in systems.values() if not _looks_as_said(statement, one)):
        return failed("statement.looks_again", f"{_LOOKS}: {others}")
    words = (
        f"the plan, made again from the registry, asks the same {len(systems)}: none is left out"
    )
    return good(_ASKED, words)


def _let_off(
    asked: Asked, changes: Sequence[PlanChanged], known: Mapping[str, Registry]
) -> Iterator[Check]:
    """Yield the check of each change of plan that lets somebody off: its version has to say why."""
    for change in changes:
        if not change.removed and not change.successions:
            continue
        registry = known.get(change.registry_digest)
        if registry is None:
            why = "whether a system was rightly let off"
            yield unchecked(_ASKED, _wanted(why, change.registry_digest))
        elif kept := _names(_kept(asked, change, registry)):
            why = f"let off, though that version of the registry does not say so: {kept}"
            yield failed("statement.obligations", why)
        else:
            words = "who was let off had left the group before the request, or has an heir"
            yield good(_ASKED, words)


def _kept(asked: Asked, change: PlanChanged, registry: Registry) -> Iterator[SystemId]:
    """Yield who has to answer all the same."""
    # What follows from one system's answer concerns that system alone, whoever leaves.
    is_of_one = bool(asked.scope.system_ids)
    for one in change.removed:
        if is_of_one or not is_let_off(registry, one, asked.received_at):
            yield one
    for taken in change.successions:
        successor = heir(registry, taken.retired, asked.received_at)
        if is_of_one or successor is None or successor.id != taken.successor:
            yield taken.retired


def _amended(statement: Statement, asked: Asked, registry: Registry | None) -> Check:
    """Return the check that no system of a later version was left out."""
    if registry is None:
        digest = statement.registry_digest
        return unchecked(_ASKED, _wanted("a system that joined later was left out", digest))
    # What follows from one system's answer concerns that system alone, whoever joins.
    later = {} if asked.scope.system_ids else _plan(statement, asked, registry)
    if missing := _names(later.keys() - _obligations(statement).keys()):
        why = f"left out, though the later version asks them: {missing}"
        return failed("statement.obligations", why)
    return good(_ASKED, "nobody whom the later version of the registry asks is left out")


def _plan(statement: Statement, asked: Asked, registry: Registry) -> Mapping[SystemId, System]:
    systems = plan(registry, statement.right, asked.scope, received_at=asked.received_at)
    return {one.id: one for one in systems}


def _looks_as_said(statement: Statement, system: System) -> bool:
    looks = system.id in statement.looks_again
    # Who looks later only has to look in requests that ask for nothing else.
    return system.looks_again <= looks <= (system.looks_again or system.looks_later)


def _obligations(statement: Statement) -> Mapping[SystemId, OrganisationId]:
    return {one.system_id: one.organisation_id for one in statement.obligations}


def _names(systems: Iterable[SystemId]) -> str:
    return ", ".join(sorted(systems))


def _wanted(what: str, digest: str) -> str:
    return f"whether {what}: give the version {digest[:16]}… by --registry"
