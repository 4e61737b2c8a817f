"""Reading a folder of rules, one regime a file, into `Rules`; every fault of every file at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yaml.nodes import Node, ScalarNode

from dsr_cli.files.document import Item, Reader, compose
from dsr_cli.files.document import Rule as Shape
from dsr_cli.files.faults import Fault, FaultList, FileFaults
from dsr_cli.registry.taxonomy import data_categories, is_jurisdiction
from dsr_cli.rules.whole import check_assurance, check_authority, check_rules, check_tiers
from dsr_core.law.calendars import Term
from dsr_core.law.facts import FactKind
from dsr_core.law.proofs import Assurance, Authority, Evidence, Level, Method, Role
from dsr_core.law.rules import (
    ALL_RIGHTS,
    DEFAULT,
    ENTRY_NAMES,
    REQUESTER,
    RESPOND_BY,
    STARTS,
    Extension,
    Regime,
    Rule,
    Rules,
    Tier,
    TierAction,
)
from dsr_core.rights import Right

__all__ = ["load_rules"]

_REGIME_KEYS = {
    "regime": "gdpr",
    "title": "General Data Protection Regulation",
    "citation": "Regulation (EU) 2016/679",
    "zone": "Europe/Berlin",
    "rules": "a list of rules",
}
_REGIME_OPTIONS = ("jurisdictions", "holidays", "tiers", "assurance", "authority")
_VERSION_KEYS = {"version": "1", "in_force_from": "2018-05-25"}
_RULE_KEYS = {
    "name": "respond_by",
    **_VERSION_KEYS,
    "counts_from": "received",
    "term": "1 month",
    "citation": "GDPR art. 12(3)",
}
"""The keys that must be there, each with a value that it could have."""

_RULE_OPTIONS = ("rights", "moved_by", "pauses", "unanswered", "extension")
_EXTENSION_KEYS = {"term": "2 months", "citation": "GDPR art. 12(3), second sentence"}
_TIER_KEYS = {
    "percent": "50",
    "action": "remind_systems",
    **_VERSION_KEYS,
    "citation": "company policy",
}
_ASSURANCE_KEYS = {
    "categories": "[user.payment]",
    "accepts": "[attested, operator]",
    **_VERSION_KEYS,
    "citation": "CCPA regulations § 7062(d)",
}
_AUTHORITY_KEYS = {
    "role": "guardian",
    "needs": "[consent]",
    **_VERSION_KEYS,
    "citation": "GDPR art. 8(1)",
}

_T = TypeVar("_T")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(slots=True)
class _File:
    """What one file holds. The values in it are only used when no file has a fault."""

    faults: FaultList
    name: Item | None = None
    jurisdictions: list[Item] = field(default_factory=list)
    regime: Regime | None = None


def load_rules(folder: Path) -> Rules:
    """Read every YAML file of a folder.

    A regime without tiers of its own has those of the default; so it is with assurance and authority.

    Raises:
        FileFaults: Something is wrong; it holds all that is.
    """
    if not folder.is_dir():
        raise FileFaults(
            [Fault(str(folder), None, "no such folder", "name the one that holds the rules' files")]
        )
    files = [_read(path) for path in sorted(folder.iterdir()) if path.suffix in {".yaml", ".yml"}]
    faults = [fault for file in files for fault in file.faults.found]
    faults.extend(_twice("regime", ((file, file.name) for file in files if file.name)))
    places = ((file, item) for file in files for item in file.jurisdictions)
    faults.extend(_twice("jurisdiction", places))
    faults.extend(_without_default(folder, files))
    if faults:
        raise FileFaults(faults)
    regimes = [file.regime for file in files if file.regime is not None]
    default = next(one for one in regimes if one.name == DEFAULT)
    return Rules(
        tuple(
            replace(
                one,
                tiers=one.tiers or default.tiers,
                assurance=one.assurance or default.assurance,
                authority=one.authority or default.authority,
            )
            for one in regimes
        )
    )


def _read(path: Path) -> _File:
    file = _File(FaultList(str(path)))
    top = compose(path, file.faults, holding="regime")
    if top is None:
        return file
    read = Reader(file.faults)
    keys = read.mapping(top, "file", required=_REGIME_KEYS, optional=_REGIME_OPTIONS)
    file.name = read.checked(keys.get("regime"), "regime", _IS_NAME)
    title = read.text(keys.get("title"), "title")
    citation = read.text(keys.get("citation"), "citation")
    zone = read.checked(keys.get("zone"), "zone", _IS_ZONE)
    holidays = [
        read.checked(one, "holidays", _IS_CALENDAR) for one in _one_or_more(keys, "holidays", read)
    ]
    codes = read.items(keys.get("jurisdictions"), "jurisdictions")
    for node in codes:
        code = read.checked(node, "jurisdiction", _IS_JURISDICTION)
        if code is not None:
            file.jurisdictions.append(code)
    rule_nodes = list(read.items(keys.get("rules"), "rules"))
    rules = [_rule(node, read, file.faults) for node in rule_nodes]
    tier_nodes = list(read.items(keys.get("tiers"), "tiers"))
    tiers = [_tier(node, read) for node in tier_nodes]
    assurance_nodes = list(read.items(keys.get("assurance"), "assurance"))
    assurance = [_assurance(node, read) for node in assurance_nodes]
    authority_nodes = list(read.items(keys.get("authority"), "authority"))
    authority = [_authority(node, read) for node in authority_nodes]
    check_tiers(_lines(tier_nodes, tiers), file.faults)
    check_assurance(_lines(assurance_nodes, assurance), file.faults)
    check_authority(_lines(authority_nodes, authority), file.faults)
    if file.name is None:
        return file
    _check_scope(file.name, keys, file.faults)
    if None not in rules:
        _check_rules(file.name, [one for one in rules if one is not None], file.faults)
        check_rules(_lines(rule_nodes, rules), file.faults)
    if title is None or citation is None or zone is None:
        return file
    file.regime = Regime(
        name=file.name.text,
        title=title.text,
        citation=citation.text,
        zone=zone.text,
        holidays=tuple({one.text for one in holidays if one is not None}),
        jurisdictions=tuple({one.text for one in file.jurisdictions}),
        rules=tuple(one for one in rules if one is not None),
        tiers=tuple(one for one in tiers if one is not None),
        assurance=tuple(one for one in assurance if one is not None),
        authority=tuple(one for one in authority if one is not None),
    )
    return file


def _lines(nodes: Iterable[Node], read: Iterable[_T | None]) -> list[tuple[int, _T]]:
    """Return what could be read, each with its line."""
    return [
        (node.start_mark.line + 1, one)
        for node, one in zip(nodes, read, strict=True)
        if one is not None
    ]


def _rule(node: Node, read: Reader, faults: FaultList) -> Rule | None:
    keys = read.mapping(node, "rule", required=_RULE_KEYS, optional=_RULE_OPTIONS)
    name = read.one_of(keys.get("name"), "rule name", ENTRY_NAMES)
    version, in_force_from = _version(keys, read)
    counts_from = read.one_of(keys.get("counts_from"), "fact", STARTS)
    rights = read.several_of(keys.get("rights"), "rights", "right", ALL_RIGHTS) or ALL_RIGHTS
    term = _term(keys.get("term"), read, faults)
    citation = read.text(keys.get("citation"), "citation")
    moved_by = read.text(keys.get("moved_by"), "moved_by")
    pauses = read.text(keys.get("pauses"), "pauses")
    unanswered = read.text(keys.get("unanswered"), "unanswered")
    extension = _extension(keys.get("extension"), read, faults)
    if term and extension and extension.term.unit is not term.unit:
        line = node.start_mark.line + 1
        faults.add(line, "extension: counted in another unit than the term", f"use {term.unit}s")
    if not (name and version and in_force_from and counts_from and term and citation):
        return None
    return Rule(
        name=name.text,
        version=version,
        in_force_from=in_force_from,
        rights=tuple(Right(one) for one in rights),
        counts_from=FactKind(counts_from.text),
        term=term,
        citation=citation.text,
        moved_by=moved_by.text if moved_by else None,
        pauses=pauses.text if pauses else None,
        unanswered=unanswered.text if unanswered else None,
        extension=extension,
    )


def _version(keys: Mapping[str, Node], read: Reader) -> tuple[int | None, date | None]:
    version = read.number(keys.get("version"), "version", low=1, high=10_000)
    return version, read.day(keys.get("in_force_from"), "in_force_from")


def _one_or_more(keys: Mapping[str, Node], name: str, read: Reader) -> list[Node]:
    node = keys.get(name)
    return [node] if isinstance(node, ScalarNode) else list(read.items(node, name))


def _extension(node: Node | None, read: Reader, faults: FaultList) -> Extension | None:
    if node is None:
        return None
    keys = read.mapping(node, "extension", required=_EXTENSION_KEYS)
    term = _term(keys.get("term"), read, faults)
    citation = read.text(keys.get("citation"), "citation")
    return Extension(term=term, citation=citation.text) if term and citation else None


def _tier(node: Node, read: Reader) -> Tier | None:
    keys = read.mapping(node, "tier", required=_TIER_KEYS)
    percent = read.number(keys.get("percent"), "percent", low=1, high=100)
    action = read.one_of(keys.get("action"), "action", TierAction)
    citation = read.text(keys.get("citation"), "citation")
    version, in_force_from = _version(keys, read)
    if not (percent and action and citation and version and in_force_from):
        return None
    return Tier(
        percent=percent,
        action=TierAction(action.text),
        citation=citation.text,
        version=version,
        in_force_from=in_force_from,
    )


def _assurance(node: Node, read: Reader) -> Assurance | None:
    keys = read.mapping(node, "assurance", required=_ASSURANCE_KEYS, optional=("rights", "level"))
    rights = read.several_of(keys.get("rights"), "rights", "right", ALL_RIGHTS) or ALL_RIGHTS
    accepts = read.several_of(keys.get("accepts"), "accepts", "method", Method)
    categories = read.several_of(
        keys.get("categories"), "categories", "category", data_categories()
    )
    citation = read.text(keys.get("citation"), "citation")
    level = read.one_of(keys.get("level"), "level", Level)
    version, in_force_from = _version(keys, read)
    if not (accepts and categories and citation and version and in_force_from):
        return None
    return Assurance(
        rights=tuple(sorted(Right(one) for one in rights)),
        categories=categories,
        accepts=tuple(sorted(Method(one) for one in accepts)),
        citation=citation.text,
        level=Level(level.text) if level else Level.LOW,
        version=version,
        in_force_from=in_force_from,
    )


def _authority(node: Node, read: Reader) -> Authority | None:
    option = "person_proves_unless"
    keys = read.mapping(node, "authority", required=_AUTHORITY_KEYS, optional=(option,))
    role = read.one_of(keys.get("role"), "role", Role)
    needs = read.several_of(keys.get("needs"), "needs", "evidence", Evidence)
    unless = read.one_of(keys.get(option), "evidence", Evidence)
    citation = read.text(keys.get("citation"), "citation")
    version, in_force_from = _version(keys, read)
    if not (role and needs and citation and version and in_force_from):
        return None
    return Authority(
        role=Role(role.text),
        needs=tuple(sorted(Evidence(one) for one in needs)),
        person_proves_unless=Evidence(unless.text) if unless else None,
        citation=citation.text,
        version=version,
        in_force_from=in_force_from,
    )


def _term(node: Node | None, read: Reader, faults: FaultList) -> Term | None:
    item = read.text(node, "term")
    if item is None:
        return None
    try:
        return Term.parse(item.text)
    except ValueError as error:
        faults.add(item.line, f"term: '{item.text}' is no term", str(error))
        return None


def _check_scope(name: Item, keys: Mapping[str, Node], faults: FaultList) -> None:
    """Note what a regime's file must name, or must not; a fault within it is noted elsewhere."""
    names_jurisdictions, names_tiers = (
        bool(keys[key].value) if key in keys else False for key in ("jurisdictions", "tiers")
    )
    if name.text != DEFAULT and not names_jurisdictions:
        faults.add(name.line, f"{name.text} names no jurisdiction", "list the codes it applies in")
    if name.text == DEFAULT and names_jurisdictions:
        faults.add(
            name.line, "the default names jurisdictions", "it is for all that no other names"
        )
    if name.text == DEFAULT and not names_tiers:
        faults.add(name.line, "the default has no tiers", "the other regimes take them from here")


def _check_rules(name: Item, rules: Iterable[Rule], faults: FaultList) -> None:
    """Note what is wrong with a regime's rules as a whole; each of them is sound."""
    seen: set[tuple[str, int, Right]] = set()
    for rule in rules:
        for right in rule.rights:
            if (rule.name, rule.version, right) in seen:
                message = f"{rule.name} version {rule.version} stands twice for {right}"
                faults.add(name.line, message, "give the newer one the next version")
            seen.add((rule.name, rule.version, right))
    answered = {right for rule, _, right in seen if rule == RESPOND_BY}
    lacking = [right for right in ALL_RIGHTS if right not in answered]
    if name.text == DEFAULT and lacking:
        message = f"the default has no {RESPOND_BY} for {', '.join(lacking)}"
        faults.add(name.line, message, "every request must have a date to answer by")
    if name.text != DEFAULT and not answered:
        message = f"{name.text} has no {RESPOND_BY}"
        faults.add(name.line, message, "every regime says by when the person has the answer")


def _twice(word: str, places: Iterable[tuple[_File, Item | None]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for file, item in places:
        if item is None:
            continue
        if item.text in first:
            message = f"{word} '{item.text}' is taken, at {first[item.text]}"
            yield Fault(file.faults.file, item.line, message, "keep it in one place")
        else:
            first[item.text] = f"{file.faults.file}:{item.line}"


def _without_default(folder: Path, files: Iterable[_File]) -> Iterator[Fault]:
    # A file whose name cannot be read may be the one.
    if all(file.name and file.name.text != DEFAULT for file in files):
        message = f"no file has the regime '{DEFAULT}'"
        yield Fault(
            str(folder), None, message, "every jurisdiction without a law of its own needs it"
        )


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


_IS_NAME = Shape(
    _is_name,
    "is not lower-case words joined by underscores",
    lambda _text: "write it like 'uk_gdpr'",
)
_IS_ZONE = Shape(_is_zone, "is no IANA time zone", lambda _text: "write it like 'Europe/Berlin'")
_IS_CALENDAR = Shape(
    lambda text: text == REQUESTER or is_jurisdiction(text),
    "is no ISO 3166 code",
    lambda _text: f"write it like 'DE' or 'US-CA', or '{REQUESTER}'",
)
_IS_JURISDICTION = Shape(
    is_jurisdiction, "is no ISO 3166 code", lambda _text: "write it like 'DE' or 'US-CA'"
)
