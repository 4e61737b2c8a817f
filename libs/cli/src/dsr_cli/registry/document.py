"""Reading one YAML file into nodes that know their line.

The files may come from anyone who can open a pull request. So a file is bounded in size and depth,
and anchors and aliases are refused, before anything of it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dsr_cli.registry.faults import FaultList, nearest

__all__ = ["Item", "Reader", "compose"]

_SIZE_LIMIT = 256 * 1024
_DEPTH_LIMIT = 8
_TEXT_LIMIT = 200
_TAG = "tag:yaml.org,2002:"
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


def compose(path: Path, faults: FaultList) -> MappingNode | None:
    """Return a file's top mapping, or none after noting why there is none."""
    text = _decode(path, faults)
    if text is None:
        return None
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader) if _is_harmless(text, faults) else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add(mark.line + 1 if mark else None, f"not YAML: {error.problem}")
    except yaml.YAMLError as error:
        faults.add(None, f"not YAML: {getattr(error, 'reason', 'it cannot be read')}")
    else:
        if isinstance(node, MappingNode):
            return node
        if node is not None:
            faults.add(_line(node), f"expected a mapping, found {_kind(node)}")
        elif not faults.found:
            faults.add(None, "the file is empty")
    return None


def _decode(path: Path, faults: FaultList) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        faults.add(None, f"cannot be read: {error.strerror}")
        return None
    if len(raw) > _SIZE_LIMIT:
        faults.add(None, f"larger than {_SIZE_LIMIT // 1024} KiB")
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        faults.add(raw.count(b"\n", 0, error.start) + 1, "not UTF-8")
        return None


def _is_harmless(text: str, faults: FaultList) -> bool:
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            faults.add(line, "anchors and aliases are not allowed", "write the value out")
            return False
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                faults.add(line, "a second document", "keep one organisation a file")
                return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_LIMIT:
                faults.add(line, f"nested more than {_DEPTH_LIMIT} deep")
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return True


class Reader:
    """Takes typed values out of nodes, and notes what is not as it should be."""

    def __init__(self, faults: FaultList) -> None:
        self._faults = faults

    def mapping(
        self, node: Node, where: str, *, required: Iterable[str], optional: Iterable[str] = ()
    ) -> dict[str, Node]:
        """Return a mapping's values by key, without unknown keys; missing ones are noted."""
        if not isinstance(node, MappingNode):
            self._faults.add(_line(node), f"{where}: expected a mapping, found {_kind(node)}")
            return {}
        required = tuple(required)
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
                self._faults.add(line, message)
            else:
                first[name] = line
                values[name] = value
        for name in required:
            if name not in values:
                self._faults.add(_line(node), f"{where}: missing key '{name}'")
        return values

    def items(self, node: Node | None, where: str) -> list[Node]:
        """Return a list's nodes; nothing for a node that is missing."""
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self._faults.add(_line(node), f"{where}: expected a list, found {_kind(node)}")
            return []
        return list(node.value)

    def text(self, node: Node | None, where: str) -> Item | None:
        """Return a text, trimmed, or none where there is no usable one."""
        if node is None:
            return None
        if not isinstance(node, ScalarNode) or node.tag != f"{_TAG}str":
            kind = _kind(node)
            hint = "put it in quotes" if kind not in {"nothing", "a mapping", "a list"} else None
            self._faults.add(_line(node), f"{where}: expected text, found {kind}", hint)
            return None
        text = node.value.strip()
        if not text:
            self._faults.add(_line(node), f"{where}: must not be empty")
        elif len(text) > _TEXT_LIMIT or not text.isprintable():
            message = f"{where}: must be one line of at most {_TEXT_LIMIT} printable characters"
            self._faults.add(_line(node), message)
        else:
            return Item(text, _line(node))
        return None

    def checked(
        self, node: Node | None, where: str, is_good: Callable[[str], bool], complaint: str
    ) -> Item | None:
        """Return a text that passes a test, or none after noting the complaint."""
        item = self.text(node, where)
        if item is not None and not is_good(item.text):
            self._faults.add(item.line, f"{where}: '{item.text}' {complaint}")
            return None
        return item

    def one_of(self, node: Node | None, word: str, known: Iterable[str]) -> Item | None:
        """Return a text that is one of the known ones, or none after suggesting the nearest."""
        known = frozenset(known)
        item = self.text(node, word)
        if item is not None and item.text not in known:
            hint = nearest(item.text, known)
            if hint is None and len(known) <= 12:
                hint = f"known are {', '.join(sorted(known))}"
            self._faults.add(item.line, f"unknown {word} '{item.text}'", hint)
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
            self._faults.add(_line(node), f"{where}: must name at least one {word}")
        return self.distinct([self.one_of(one, word, known) for one in nodes], word)

    def distinct(self, found: Iterable[Item | None], word: str) -> tuple[str, ...]:
        """Return the texts found, sorted; repeats are noted."""
        texts: set[str] = set()
        for item in found:
            if item is not None and item.text in texts:
                self._faults.add(item.line, f"{word} '{item.text}' stands twice in this list")
            elif item is not None:
                texts.add(item.text)
        return tuple(sorted(texts))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: Node) -> str:
    tag = str(node.tag)
    return _KIND_NAMES.get(tag.removeprefix(_TAG), f"a value with the tag {tag}")
