"""Reading one YAML file into nodes that know their line.

The files may come from anyone who can open a pull request. So a file is bounded in size and depth,
and anchors and aliases are refused, before anything of it is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dsr_cli.files.faults import FaultList, known_words, nearest

__all__ = ["Item", "Reader", "Rule", "compose"]

_SIZE_LIMIT = 256 * 1024
_DEPTH_LIMIT = 8
_TEXT_LIMIT = 200
_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_KIND_NAMES = {
    "map": "a mapping",
    "seq": "a list",
    "str": "text",
    "null": "nothing",
    "bool": "a truth value",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A text and the line that it stands on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What a text must be."""

    is_kept: Callable[[str], bool]
    complaint: str
    """What is said of a text that does not keep to it, after the text."""

    remedy: Callable[[str], str]
    """Says what would be right in place of such a text."""


def compose(path: Path, faults: FaultList, *, holding: str) -> MappingNode | None:
    """Return a file's top mapping, or none after noting why there is none.

    Args:
        path: The file.
        faults: Where what is wrong is noted.
        holding: What one such file holds one of, for people; its first key.
    """
    text = _decode(path, faults, holding)
    if text is None:
        return None
    begin = f"begin with '{holding}:'"
    try:
        harmless = _is_harmless(text, faults, holding)
        node = yaml.compose(text, Loader=yaml.CSafeLoader) if harmless else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = "put text with ':' or '#' in quotes, close what is open, indent by spaces"
        faults.add(mark.line + 1 if mark else 1, f"not YAML: {error.problem}", hint)
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        faults.add(line, f"not YAML: {error.reason}", "take the character out")
    else:
        if isinstance(node, MappingNode):
            return node
        if node is not None:
            message = f"expected a mapping, found {_kind(node)}"
            faults.add(_line(node), message, begin)
        elif not faults.found:
            faults.add(1, "the file is empty", f"{begin}, or remove the file")
    return None


def _decode(path: Path, faults: FaultList, holding: str) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        faults.add(1, f"cannot be read: {error.strerror}", "make it a file that you may read")
        return None
    if len(raw) > _SIZE_LIMIT:
        message = f"larger than {_SIZE_LIMIT // 1024} KiB"
        faults.add(1, message, f"keep one {holding} a file, and its texts short")
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.add(line, "not UTF-8", "save the file as UTF-8")
        return None


def _is_harmless(text: str, faults: FaultList, holding: str) -> bool:
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            faults.add(line, "anchors and aliases are not allowed", "write the value out")
            return False
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                faults.add(line, "a second document", f"keep one {holding} a file")
                return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_LIMIT:
                message = f"nested more than {_DEPTH_LIMIT} deep"
                faults.add(line, message, "a list in a system holds plain texts")
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return True


class Reader:
    """Takes typed values out of nodes, and notes what is not as it should be."""

    def __init__(self, faults: FaultList) -> None:
        self._faults = faults

    def mapping(
        self,
        node: Node,
        where: str,
        *,
        required: Mapping[str, str],
        optional: Iterable[str] = (),
    ) -> dict[str, Node]:
        """Return a mapping's values by key, without unknown keys; missing ones are noted.

        Args:
            node: What should be a mapping.
            where: What it is, for people.
            required: The keys that must be there, each with a value that it could have.
            optional: The keys that may be there.
        """
        if not isinstance(node, MappingNode):
            message = f"{where}: expected a mapping, found {_kind(node)}"
            self._faults.add(_line(node), message, f"write its keys: {', '.join(required)}")
            return {}
        known = {*required, *optional}
        values: dict[str, Node] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), _line(key)
            if not isinstance(key, ScalarNode) or name not in known:
                shown = name if isinstance(key, ScalarNode) else _kind(key)
                self._faults.add(line, f"unknown key '{shown}'", nearest(shown, known))
            elif name in first:
                message = f"key '{name}' stands twice in this mapping, first on line {first[name]}"
                self._faults.add(line, message, "keep one of the two")
            else:
                first[name] = line
                values[name] = value
        for name, example in required.items():
            if name not in values:
                message = f"{where}: missing key '{name}'"
                self._faults.add(_line(node), message, f"add it, like '{name}: {example}'")
        return values

    def entries(self, node: Node | None, where: str) -> list[tuple[Node, Node]]:
        """Return a mapping's keys and values, whatever its keys are; nothing for one that is missing."""
        if node is None:
            return []
        if not isinstance(node, MappingNode):
            message = f"{where}: expected a mapping, found {_kind(node)}"
            self._faults.add(_line(node), message, "write each entry on a line, like 'key: value'")
            return []
        return list(node.value)

    def items(self, node: Node | None, where: str) -> list[Node]:
        """Return a list's nodes; nothing for a node that is missing."""
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            message = f"{where}: expected a list, found {_kind(node)}"
            self._faults.add(_line(node), message, "write each entry on a line, after '- '")
            return []
        return list(node.value)

    def text(self, node: Node | None, where: str) -> Item | None:
        """Return a text, trimmed, or none where there is no usable one."""
        if node is None:
            return None
        if not isinstance(node, ScalarNode) or node.tag != f"{_TAG}str":
            self._faults.add(
                _line(node), f"{where}: expected text, found {_kind(node)}", _as_text(node)
            )
            return None
        text = node.value.strip()
        if not text:
            self._faults.add(_line(node), f"{where}: must not be empty", "write a text")
        elif len(text) > _TEXT_LIMIT:
            message = f"{where}: longer than {_TEXT_LIMIT} characters"
            self._faults.add(_line(node), message, f"take out {len(text) - _TEXT_LIMIT}")
        elif not text.isprintable():
            message = f"{where}: holds a line break, or a character that cannot be printed"
            self._faults.add(_line(node), message, "take it out")
        else:
            return Item(text, _line(node))
        return None

    def number(self, node: Node | None, where: str, *, low: int, high: int) -> int | None:
        """Return a whole number within bounds, or none where there is no usable one."""
        if node is None:
            return None
        digits = node.value if isinstance(node, ScalarNode) and node.tag == f"{_TAG}int" else ""
        # Not what begins with nought, which YAML 1.1 reads as octal, nor what no number is as long as.
        if not _NUMBER.fullmatch(digits) or not low <= int(digits) <= high:
            message = f"{where}: expected a whole number, {low} to {high}"
            self._faults.add(_line(node), message, f"write it like {low}")
            return None
        return int(digits)

    def day(self, node: Node | None, where: str) -> date | None:
        """Return a day, or none where there is no usable one."""
        if node is None:
            return None
        text = node.value if isinstance(node, ScalarNode) else ""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text:
            self._faults.add(_line(node), f"{where}: expected a day", "write it as 2026-01-31")
            return None
        return day

    def checked(self, node: Node | None, where: str, rule: Rule) -> Item | None:
        """Return a text that keeps to a rule, or none after noting that it does not."""
        item = self.text(node, where)
        if item is not None and not rule.is_kept(item.text):
            message = f"{where}: '{item.text}' {rule.complaint}"
            self._faults.add(item.line, message, rule.remedy(item.text))
            return None
        return item

    def one_of(self, node: Node | None, word: str, known: Iterable[str]) -> Item | None:
        """Return a text that is one of the known ones, or none after suggesting the nearest."""
        known = frozenset(known)
        item = self.text(node, word)
        if item is not None and item.text not in known:
            self._faults.add(item.line, f"unknown {word} '{item.text}'", nearest(item.text, known))
            return None
        return item

    def several_of(
        self, node: Node | None, where: str, word: str, known: Iterable[str]
    ) -> tuple[str, ...]:
        """Return a list of known texts, sorted; an empty list and repeats are noted."""
        if node is None:
            return ()
        known = frozenset(known)
        nodes = self.items(node, where)
        if isinstance(node, SequenceNode) and not nodes:
            message = f"{where}: must name at least one {word}"
            self._faults.add(_line(node), message, known_words(known, word))
        return self.distinct([self.one_of(one, word, known) for one in nodes], word)

    def distinct(self, found: Iterable[Item | None], word: str) -> tuple[str, ...]:
        """Return the texts found, sorted; repeats are noted."""
        texts: set[str] = set()
        for item in found:
            if item is not None and item.text in texts:
                message = f"{word} '{item.text}' stands twice in this list"
                self._faults.add(item.line, message, "keep one of the two")
            elif item is not None:
                texts.add(item.text)
        return tuple(sorted(texts))


def _as_text(node: Node) -> str:
    """Say what would be a text in place of a node that is none."""
    kind = _kind(node)
    if kind in {"nothing", "a mapping", "a list"}:
        return "write one text"
    return "put it in quotes" if kind in _KIND_NAMES.values() else "leave the tag out"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: Node) -> str:
    tag = str(node.tag)
    return _KIND_NAMES.get(tag.removeprefix(_TAG), f"a value with the tag {tag}")
