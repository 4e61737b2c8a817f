"""What people and systems write goes into letters as text: never as a template, a tag or a line of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from dsr_intake.application.letters.contents import Kept, Row
from dsr_intake.application.letters.writing import LANGUAGES, Stationery, Written
from dsr_intake.model import LetterKind
from support.post import contents_of_everything

STATIONERY = Stationery()
MARK = "zqx"
"""Begins everything that is put in, so that it is found again."""

TEMPLATES = [
    "{{ 7191 * 7193 }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for one in range(99999999) %}x{% endfor %}",
    "{# away #}",
    "{{ reference }}",
    "{code} %(code)s ${code}",
]
TAGS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--", "</table>"]
LINES = [
    "\r\nBcc: other@example.com",
    "\n\nDear all,",
    "\x0b\x0cx",
    "\x85\u2028\u2029x",
    "\x00\x1b[2J",
]


def a_letter(kind: LetterKind, language: str, said: str) -> Written:
    """A letter in which every text that somebody sets is what they would attack with."""
    texts = f"{MARK}{said}"
    row = Row(
        organisation=texts,
        system=texts,
        is_provider=False,
        answer="partially_exempt",
        kept=(Kept(texts, (texts,), contents_of_everything().received_on),),
        reason=texts,
        took_over=(texts,),
    )
    contents = contents_of_everything(rows=(row,), reason=texts, pointer=texts)
    return STATIONERY.write(kind, language, replace(contents, jurisdiction="FR"))


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.comments: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, "")} | {(tag, name) for name, _ in attrs}

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_a_template_in_a_text_stays_a_text(kind: LetterKind, language: str) -> None:
    for said in TEMPLATES:
        written = a_letter(kind, language, said)
        flat = " ".join(written.text.split())
        assert flat.count(MARK) == flat.count(f"{MARK}{said}")
        page = " ".join(unescape(written.html).split())
        assert page.count(MARK) == page.count(f"{MARK}{said}")
        assert MARK in flat
        assert MARK in page


@pytest.mark.parametrize("kind", LetterKind)
def test_a_tag_in_a_text_is_no_tag(kind: LetterKind) -> None:
    plain = Elements(a_letter(kind, "en", "plain").html)
    for said in TAGS:
        page = Elements(a_letter(kind, "en", said).html)
        assert page.found == plain.found
        assert page.comments == plain.comments


@pytest.mark.parametrize("kind", LetterKind)
def test_a_line_end_in_a_text_begins_no_line_and_no_header(kind: LetterKind) -> None:
    for said in LINES:
        written = a_letter(kind, "en", said)
        assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", written.subject) is None
        for text in (written.text, written.html):
            assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text) is None
            assert not re.search(r"^(Bcc:|Dear all)", text, flags=re.MULTILINE)
