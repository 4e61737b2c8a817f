"""Writing: a letter's subject, plain text and HTML, in the requester's language.

What a letter says is data beside this module: one file of texts a language, one layout a form, and
what the law wants it to say. A value that is put into a text is never read as part of it.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError

from dsr_intake.application.letters.contents import Contents, Row
from dsr_intake.application.letters.remedies import REMEDIES, still_demanded, what_can_be_done
from dsr_intake.model import LetterKind

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "Stationery", "Written", "language_of"]

LANGUAGES = ("de", "en", "es", "fr", "pt")
DEFAULT_LANGUAGE = "en"

_DATA = files(__package__) / "data"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_WIDTH = 78

_WITH_REASON = frozenset({"exempt", "partially_exempt", "refused", "too_late"})
"""The answers whose reason concerns the person; of the others it concerns operators."""


_LINES = ("reference", "kept", "because", "took_over", "left_group")
"""The texts that stand alone, beside those of the letters."""


class Written(NamedTuple):
    """A letter as it is read."""

    language: str
    subject: str
    text: str
    html: str


def language_of(tag: str | None) -> str:
    """Return the language of the texts that serves a BCP 47 tag best; English where none does."""
    primary = (tag or "").partition("-")[0].lower()
    return primary if primary in LANGUAGES else DEFAULT_LANGUAGE


class Stationery:
    """The texts and layouts, read once."""

    def __init__(self) -> None:
        self._words = {one: _toml(f"{one}.toml") for one in LANGUAGES}
        self._law = _toml("law.toml")
        self._categories: dict[str, dict[str, str]] = _toml("categories.toml")
        templates = {
            f"letter.{form}.j2": (_DATA / f"letter.{form}.j2").read_text("utf-8")
            for form in ("txt", "html")
        }
        for language, words in self._words.items():
            templates |= _templates(language, words)
        self._plain = _environment(templates, autoescape=False)
        self._marked = _environment(templates, autoescape=True)
        self._plain.filters["filled"] = _filled

    def write(self, kind: LetterKind, language: str, contents: Contents) -> Written:
        """Return a letter."""
        words = self._words[language]
        said = self._said(words, language, contents) | self._remedies(kind, language, contents)
        own = words["letters"][kind.value]
        for part in ("before", "after"):
            said[part] = [f"{language}/{kind}/{part}/{n}" for n in range(len(own.get(part, ())))]
        said["subject"] = f"{language}/{kind}/subject"
        try:
            return Written(
                language,
                _one_line(self._plain.get_template(said["subject"]).render(said)),
                self._plain.get_template("letter.txt.j2").render(said),
                self._marked.get_template("letter.html.j2").render(said),
            )
        except TemplateError as error:
            raise RuntimeError(f"the letter {kind} in {language} cannot be written") from error

    def day(self, language: str, at: date) -> str:
        """Return a day as a language writes it."""
        words = self._words[language]
        month = words["months"][at.month - 1]
        return str(words["date"].format(day=at.day, month=month, year=at.year))

    def categories(self, language: str, keys: Iterable[str]) -> str:
        """Return what data categories are called, one after another; a key that has no name, as it is."""
        return ", ".join(self._categories.get(one, {}).get(language, one) for one in keys)

    def authority(self, jurisdiction: str) -> dict[str, str] | None:
        """Return who hears a complaint from a jurisdiction, with `name` and `url`; none if unknown."""
        authorities: dict[str, dict[str, str]] = self._law["authorities"]
        country = jurisdiction.partition("-")[0]
        return authorities.get(jurisdiction) or authorities.get(country)

    def _remedies(self, kind: LetterKind, language: str, one: Contents) -> dict[str, str]:
        def say(name: str, /, **values: object) -> str:
            return self._plain.get_template(f"{language}/remedies/{name}").render(values)

        def day(at: date | None) -> str:
            return "" if at is None else self.day(language, at)

        authority = self.authority(one.jurisdiction)
        can = what_can_be_done(kind, one, self._law, authority=authority, say=say, day=day)
        still = still_demanded(kind, one, self._law, say)
        return {"remedies": " ".join(can), "still_demanded": " ".join(still)}

    def _said(self, words: dict[str, Any], language: str, one: Contents) -> dict[str, Any]:
        def day(at: date | None) -> str:
            return "" if at is None else self.day(language, at)

        own = words["of_right"].get(one.right.value, {})
        words = {**words, "answers": {**words["answers"], **own.get("answers", {})}}
        named_by = self._law["recipients_named"].get(one.regime)
        return {
            "words": {**words, "language": language},
            "reference": one.reference,
            "right": words["rights"][one.right.value],
            "besides": own.get("besides", ""),
            "received_on": day(one.received_on),
            "due_on": day(one.due_on),
            "awaits": one.prove_by is not None,
            "prove_by": day(one.prove_by),
            "by_agent": one.by_agent,
            "partly": one.partly,
            "rows": [self._row(row, words, language, day, is_named=bool(named_by)) for row in one.rows],
            "recipients_by": named_by,
            "authority": self.authority(one.jurisdiction),
            "reason": _one_line(one.reason),
            "pointer": _one_line(one.pointer),
            "code": one.proving.code if one.proving else "",
            "link": one.proving.link if one.proving else "",
            "minutes": one.proving.minutes if one.proving else 0,
            "fetch_by": day(one.fetch_by),
            "sent_on": one.sent_on,
            "first_package": one.proving.first_package if one.proving else "",
        }  # fmt: skip

    def _row(
        self, row: Row, words: dict[str, Any], language: str, day: Any, *, is_named: bool
    ) -> dict[str, Any]:
        def filled(name: str, **values: str) -> str:
            return self._plain.get_template(f"{language}/{name}").render(values)

        more = []
        if row.took_over:
            more.append(filled("took_over", systems=_one_line(", ".join(row.took_over))))
        if row.left_on is not None:
            more.append(filled("left_group", day=day(row.left_on)))
        more += [
            filled(
                "kept",
                ground=_one_line(kept.ground),
                categories=_one_line(self.categories(language, kept.categories)),
                review_on=day(kept.review_on),
            )
            for kept in row.kept
        ]
        if row.reason and row.answer in _WITH_REASON:
            more.append(filled("because", reason=_one_line(row.reason).rstrip(". ")))
        answers = words["answers"]
        return {
            "organisation": words["service_provider"]
            if row.is_provider and not is_named
            else _one_line(row.organisation),
            "system": _one_line(row.system),
            "answer": answers.get(row.answer or "none", answers["none"]),
            "more": more,
        }


def _templates(language: str, words: dict[str, Any]) -> dict[str, str]:
    found = {f"{language}/{name}": words[name] for name in _LINES}
    found |= {f"{language}/remedies/{name}": words["remedies"][name] for name in REMEDIES}
    for kind, letter in words["letters"].items():
        found[f"{language}/{kind}/subject"] = letter["subject"]
        for part in ("before", "after"):
            for n, paragraph in enumerate(letter.get(part, ())):
                found[f"{language}/{kind}/{part}/{n}"] = paragraph
    return found


def _environment(templates: dict[str, str], *, autoescape: bool) -> Environment:
    # What is put into the plain text is text: there is no markup that it could be read as.
    return Environment(
        loader=DictLoader(templates),
        autoescape=autoescape,  # noqa: S701 - as said above
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _one_line(text: str) -> str:
    """Return a value without what could begin a line of its own."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _filled(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text.strip(),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / name).read_text("utf-8"))
