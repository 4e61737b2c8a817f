"""Reading a folder of registry files, one organisation a file, into a `Registry`.

Every fault of every file is found in one reading, so that its author corrects them in one go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from yaml.nodes import Node

from dsr_cli.files.document import Item, Reader, Rule, compose
from dsr_cli.files.faults import Fault, FaultList, FileFaults, as_slug, nearest
from dsr_cli.registry.access import read_access
from dsr_cli.registry.order import read_erase_after, read_policy, read_resolves
from dsr_cli.registry.successors import Named, unfit
from dsr_cli.registry.taxonomy import COUNTRIES, data_categories
from dsr_core.identity import IDENTIFIER_KINDS
from dsr_core.ids import OrganisationId, SystemId, is_slug
from dsr_core.registry import Organisation, OrganisationRole, Registry, Sale, System
from dsr_core.rights import Right
from dsr_wire.topics import NOTICE_RIGHTS

__all__ = ["load_registry"]

_ROLES = tuple(role.value for role in OrganisationRole)
_RIGHTS = tuple(right.value for right in NOTICE_RIGHTS)
"""A right without a notice topic could be asked for and never be answered."""

_LOOKS_AGAIN, _LOOKS_LATER = "before-closing", "later"
"""How an erasure is verified: its system looks again and has confirmed only then, or only when asked later."""

_ADDRESS = re.compile(
    r"[a-z0-9._%+-]{1,64}@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE
)
_IS_ADDRESS = Rule(
    lambda text: _ADDRESS.fullmatch(text) is not None,
    "is not an email address",
    lambda _text: "write it like 'privacy@example.com'",
)

_ORGANISATION_KEYS = {
    "id": "acme",
    "name": "Acme",
    "role": "company",
    "country": "DE",
    "region": "europe",
    "owner": "Privacy office",
    "contact": "privacy@example.com",
}
_SYSTEM_KEYS = {
    "id": "accounts",
    "name": "Accounts",
    "owner": "Accounts team",
    "contact": "accounts@example.com",
    "region": "europe",
    "rights": "[access, deletion]",
    "identifiers": "[email]",
    "categories": "[user.contact.email]",
}
_SALE_KEYS = {"on": "2026-01-31", "to": "Example Holding"}
"""The keys that must be there, each with a value that it could have."""

_NAMES = {
    "copies_from": "name the system that its data comes from",
    "erase_after": "name the system that erases before it",
}
"""Keys by which a system names others, each with what is right in place of itself."""


@dataclass(slots=True)
class _File:
    """What one file holds. The values in it are only used when no file has a fault."""

    faults: FaultList
    organisation: Organisation | None = None
    systems: list[System] = field(default_factory=list)
    organisation_ids: list[Item] = field(default_factory=list)
    system_ids: list[Item] = field(default_factory=list)
    parent: Item | None = None
    named: list[tuple[str, str, Item]] = field(default_factory=list)
    """System ids, each with a key of theirs and another system that it names there."""

    rights: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each system can be asked for."""

    successors: list[Named] = field(default_factory=list)


def load_registry(folder: Path) -> Registry:
    """Read every YAML file of a folder.

    Raises:
        FileFaults: Something is wrong; it holds all that is.
    """
    paths = _files(folder)
    files = [_read(path) for path in paths]
    faults = [fault for file in files for fault in file.faults.found]
    faults.extend(_duplicates("organisation", _places(files, "organisation_ids")))
    faults.extend(_duplicates("system", _places(files, "system_ids")))
    faults.extend(_dangling(files))
    faults.extend(_rings(files))
    rights = {system_id: offered for file in files for system_id, offered in file.rights.items()}
    faults.extend(unfit([named for file in files for named in file.successors], rights))
    if faults:
        raise FileFaults(faults)
    organisations = tuple(file.organisation for file in files if file.organisation is not None)
    return Registry(organisations, tuple(system for file in files for system in file.systems))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        hint = "name the folder that holds the registry's files"
        raise FileFaults([Fault(str(folder), None, "no such folder", hint)])
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    if not paths:
        hint = "write one for each organisation, like acme.yaml"
        raise FileFaults([Fault(str(folder), None, "holds no .yaml file", hint)])
    return paths


def _read(path: Path) -> _File:
    file = _File(FaultList(str(path)))
    top = compose(path, file.faults, holding="organisation")
    if top is None:
        return file
    read = Reader(file.faults)
    keys = {"organisation": "{id: acme, …}"}
    parts = read.mapping(top, "file", required=keys, optional=("systems",))
    if "organisation" in parts:
        _read_organisation(parts["organisation"], read, file)
    for node in read.items(parts.get("systems"), "systems"):
        _read_system(node, read, file)
    return file


def _read_organisation(node: Node, read: Reader, file: _File) -> None:
    where = "organisation"
    keys = read.mapping(
        node, where, required=_ORGANISATION_KEYS, optional=("parent", "sold", "policy")
    )
    id_ = read.checked(keys.get("id"), f"{where} id", _slug("acme-cloud"))
    if id_ is not None:
        file.organisation_ids.append(id_)
    file.parent = read.text(keys.get("parent"), "parent")
    name = read.text(keys.get("name"), "name")
    role = read.one_of(keys.get("role"), "role", _ROLES)
    country = _country(keys.get("country"), read, file.faults)
    region = read.checked(keys.get("region"), "region", _slug("asia-pacific"))
    owner = read.text(keys.get("owner"), "owner")
    contact = read.checked(keys.get("contact"), "contact", _IS_ADDRESS)
    processors_first = read_policy(keys.get("policy"), read)
    if id_ and name and role and country and region and owner and contact:
        file.organisation = Organisation(
            id=OrganisationId(id_.text),
            name=name.text,
            role=OrganisationRole(role.text),
            country=country.text,
            region=region.text,
            owner=owner.text,
            contact=contact.text,
            parent=OrganisationId(file.parent.text) if file.parent else None,
            sold=_sale(keys.get("sold"), read),
            processors_first=processors_first,
        )


def _sale(node: Node | None, read: Reader) -> Sale | None:
    if node is None:
        return None
    keys = read.mapping(node, "sold", required=_SALE_KEYS)
    on, to = read.day(keys.get("on"), "on"), read.text(keys.get("to"), "to")
    return Sale(on=on, to=to.text) if on and to else None


def _read_system(node: Node, read: Reader, file: _File) -> None:
    where = "system"
    optional = (
        "copies_from", "erase_after", "resolves", "verification", "access", "retired", "successor"
    )  # fmt: skip
    keys = read.mapping(node, where, required=_SYSTEM_KEYS, optional=optional)
    id_ = read.checked(keys.get("id"), f"{where} id", _slug("acme-cloud"))
    name = read.text(keys.get("name"), "name")
    owner = read.text(keys.get("owner"), "owner")
    contact = read.checked(keys.get("contact"), "contact", _IS_ADDRESS)
    region = read.checked(keys.get("region"), "region", _slug("asia-pacific"))
    rights = read.several_of(keys.get("rights"), "rights", "right", _RIGHTS)
    kinds = read.several_of(
        keys.get("identifiers"), "identifiers", "identifier kind", IDENTIFIER_KINDS
    )
    categories = read.several_of(
        keys.get("categories"), "categories", "category", data_categories()
    )
    origin_nodes = read.items(keys.get("copies_from"), "copies_from")
    origins = [read.text(one, "copies_from") for one in origin_nodes]
    distinct_origins = read.distinct(origins, "system")
    earlier = read_erase_after(keys.get("erase_after"), read, file.faults, rights=rights)
    resolves = read_resolves(keys.get("resolves"), read, file.faults, kinds=kinds)
    ways = [_LOOKS_AGAIN, _LOOKS_LATER]
    verification = read.one_of(keys.get("verification"), "verification", ways)
    if verification and Right.DELETION not in rights:
        message = "verification: only what erases can look again"
        file.faults.add(verification.line, message, "add 'deletion' to its rights, or leave it out")
    access = read_access(keys.get("access"), read, file.faults, rights=rights)
    retired_on = read.day(keys.get("retired"), "retired")
    successor = read.text(keys.get("successor"), "successor")
    if successor and "retired" not in keys:
        message = "successor: only a retired system has one"
        file.faults.add(successor.line, message, "say since when, like 'retired: 2026-01-31'")
    if id_ is not None:
        file.system_ids.append(id_)
        file.rights[id_.text] = rights
        if successor:
            file.successors.append(Named(file.faults.file, id_.text, successor))
    name_of = id_.text if id_ else ""
    file.named.extend((name_of, "copies_from", one) for one in origins if one)
    file.named.extend((name_of, "erase_after", one) for one in earlier)
    if id_ and name and owner and contact and region and file.organisation:
        file.systems.append(
            System(
                id=SystemId(id_.text),
                name=name.text,
                organisation_id=file.organisation.id,
                owner=owner.text,
                contact=contact.text,
                region=region.text,
                rights=tuple(Right(right) for right in rights),
                identifiers=kinds,
                categories=categories,
                copies_from=tuple(SystemId(one) for one in distinct_origins),
                erase_after=tuple(SystemId(one) for one in sorted({one.text for one in earlier})),
                resolves=resolves,
                looks_again=verification is not None and verification.text == _LOOKS_AGAIN,
                looks_later=verification is not None and verification.text == _LOOKS_LATER,
                retired_on=retired_on,
                successor=SystemId(successor.text) if successor else None,
                access=access,
            )
        )


def _country(node: Node | None, read: Reader, faults: FaultList) -> Item | None:
    item = read.text(node, "country")
    if item is not None and item.text not in COUNTRIES:
        upper = item.text.upper()
        hint = "write two capital letters, like 'DE'"
        hint = f"did you mean '{upper}'?" if upper in COUNTRIES else hint
        hint = "the United Kingdom is 'GB'" if upper == "UK" else hint
        faults.add(item.line, f"country: '{item.text}' is no ISO 3166-1 code of two letters", hint)
        return None
    return item


def _slug(example: str) -> Rule:
    complaint = "is not lower-case words joined by hyphens, at most 48 characters"
    return Rule(is_slug, complaint, lambda text: as_slug(text, example))


_Places = list[tuple[str, Item]]
"""Texts, each with the file that it stands in."""


def _places(files: Iterable[_File], which: str) -> _Places:
    return [(file.faults.file, item) for file in files for item in getattr(file, which)]


def _duplicates(word: str, places: _Places) -> Iterator[Fault]:
    first: dict[str, str] = {}
    taken = {item.text for _, item in places}
    for file, item in places:
        if item.text in first:
            message = f"{word} id '{item.text}' is taken, at {first[item.text]}"
            yield Fault(file, item.line, message, f"give it another, like '{_free(item, taken)}'")
        else:
            first[item.text] = f"{file}:{item.line}"


def _free(item: Item, taken: set[str]) -> str:
    """Return an id that is like this one, and not taken yet."""
    names = (f"{item.text[:44]}-{number}" for number in count(2))
    found = next(name for name in names if name not in taken)
    taken.add(found)
    return found


def _dangling(files: Iterable[_File]) -> Iterator[Fault]:
    files = tuple(files)
    organisations = {item.text for _, item in _places(files, "organisation_ids")}
    systems = {item.text for _, item in _places(files, "system_ids")}
    for file in files:
        name = file.faults.file
        if file.parent and file.parent.text not in organisations:
            message = f"parent: there is no organisation '{file.parent.text}'"
            hint = nearest(file.parent.text, organisations)
            yield Fault(name, file.parent.line, message, hint)
        for system_id, key, named in file.named:
            if named.text == system_id:
                message = f"{key}: '{system_id}' names itself"
                yield Fault(name, named.line, message, _NAMES[key])
            elif named.text not in systems:
                message = f"{key}: there is no system '{named.text}'"
                yield Fault(name, named.line, message, nearest(named.text, systems))


def _rings(files: Iterable[_File]) -> Iterator[Fault]:
    """Find organisations that are, by their parents, above themselves."""
    children = [file for file in files if file.parent and file.organisation_ids]
    parents = {file.organisation_ids[0].text: file.parent.text for file in children if file.parent}
    for file in children:
        start = current = file.organisation_ids[0].text
        for _ in parents:
            current = parents.get(current, "")
            if current == start and file.parent:
                message = f"parent: '{start}' is its own parent, by way of '{file.parent.text}'"
                hint = "leave 'parent' out of the one above the others"
                yield Fault(file.faults.file, file.parent.line, message, hint)
                break
