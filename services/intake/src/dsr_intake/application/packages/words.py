"""The texts of packages, in the languages of letters. A value that is put into a text is never read as part of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from dsr_core.rights import Right
from dsr_intake.application.letters.writing import LANGUAGES, Stationery

__all__ = ["Words"]

_DATA = files(__package__) / "data"
_TEMPLATE = "index.html.j2"


class Words:
    """The texts and the page's layout, read once."""

    def __init__(self, stationery: Stationery) -> None:
        self._stationery = stationery
        self._words = {one: _toml(f"{one}.toml") for one in LANGUAGES}
        self._law: dict[str, dict[str, str]] = _toml("law.toml")
        texts = {_TEMPLATE: (_DATA / _TEMPLATE).read_text("utf-8")}
        for language, words in self._words.items():
            texts |= {f"{language}/{name}": text for name, text in _flat(words).items()}
        # What is put into a text here is text; the page escapes the whole.
        self._plain = Environment(
            loader=DictLoader(texts),
            autoescape=False,  # noqa: S701 - as said above
            undefined=StrictUndefined,
        )
        self._marked = Environment(
            loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined
        )

    def of(self, language: str) -> Mapping[str, Any]:
        """Return the texts of a language."""
        return self._words[language]

    def filled(self, language: str, name: str, /, **values: object) -> str:
        """Return one text with its values, as plain text."""
        return self._plain.get_template(f"{language}/{name}").render(values)

    def page(self, said: Mapping[str, Any]) -> bytes:
        """Return the page; every value is escaped."""
        return self._marked.get_template(_TEMPLATE).render(said).encode()

    def day(self, language: str, at: date) -> str:
        """Return a day as letters write it."""
        return self._stationery.day(language, at)

    def categories(self, language: str, keys: Iterable[str]) -> str:
        """Return what data categories are called, as letters call them."""
        return self._stationery.categories(language, keys)

    def legal(
        self, language: str, *, right: Right, regime: str, jurisdiction: str
    ) -> dict[str, Any]:
        """Return what the law has told beside the data: GDPR 15(1)(a) to (h), in a language."""
        authority = self._stationery.authority(jurisdiction)
        return {
            "authority": authority,
            "citation": self._law.get(right.value, {}).get(regime),
            "text": {
                letter: self.filled(language, f"right.{letter}", authority=authority)
                for letter in self._words[language]["right"]
            },
        }


def _flat(words: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, text in words.items():
        if isinstance(text, str):
            flat[name] = text
        else:
            flat |= {f"{name}.{inner}": each for inner, each in text.items()}
    return flat


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / name).read_text("utf-8"))
