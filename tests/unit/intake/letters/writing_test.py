from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsr_core.rights import Right
from dsr_intake.application.letters.contents import Appeal, Row
from dsr_intake.application.letters.writing import LANGUAGES, Stationery, language_of
from dsr_intake.model import LetterKind
from support.post import contents_of_everything

GOLDEN = Path(__file__).parent / "golden"
STATIONERY = Stationery()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_reads_as_it_was_approved_in_every_language(
    kind: LetterKind, language: str
) -> None:
    """A changed text is looked at and approved with DSR_APPROVE=1."""
    written = STATIONERY.write(kind, language, contents_of_everything())
    for form, text in (("txt", f"{written.subject}\n\n{written.text}"), ("html", written.html)):
        path = GOLDEN / f"{kind}.{language}.{form}"
        if os.environ.get("DSR_APPROVE"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.read_text("utf-8") == text


DENIALS = (LetterKind.REFUSED, LetterKind.NOT_VERIFIED, LetterKind.DONE)
APPEAL = Appeal(by="Va. Code § 59.1-577(C)", days=60)
LAWS: dict[str, dict[str, Any]] = {
    "uk_gdpr": {"jurisdiction": "GB-SCT"},
    "ccpa": {"jurisdiction": "US-CA"},
    "vcdpa": {"jurisdiction": "US-VA", "appeal": APPEAL},
    "lgpd": {"jurisdiction": "BR"},
    "quebec_law25": {"jurisdiction": "CA-QC", "complain_by": date(2026, 5, 1)},
    "korea_pipa": {"jurisdiction": "KR"},
    "default": {"jurisdiction": "JP"},
}


def denied(kind: LetterKind, regime: str, language: str = "en", **changes: Any) -> str:
    contents = contents_of_everything(regime=regime, rows=(), **(LAWS[regime] | changes))
    return STATIONERY.write(kind, language, contents).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("regime", LAWS)
def test_what_denies_reads_as_it_was_approved_under_every_law(regime: str, language: str) -> None:
    """Approved as above; of a regime all in one file."""
    text = "\n----\n".join(
        f"{kind}, {right}\n\n{denied(kind, regime, language, right=right)}"
        for kind in DENIALS
        for right in (Right.ACCESS, Right.DELETION)
    )
    path = GOLDEN / "denied" / f"{regime}.{language}.txt"
    if os.environ.get("DSR_APPROVE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("kind", [LetterKind.REFUSED, LetterKind.DONE])
def test_in_virginia_a_denial_says_how_to_appeal_and_names_the_authority_for_after_it(
    kind: LetterKind,
) -> None:
    text = flat(denied(kind, "vcdpa"))
    assert "You can appeal against this decision" in text
    assert "within 60 days (Va. Code § 59.1-577(C))" in text
    assert "If the appeal is denied, you can complain to Office of the Attorney General" in text


def test_who_lost_an_appeal_is_shown_to_the_authority_and_not_to_another_appeal() -> None:
    text = flat(denied(LetterKind.REFUSED, "vcdpa", appeal=None))
    assert "appeal against" not in text
    assert "You have the right to complain to Office of the Attorney General of Virginia" in text


@pytest.mark.parametrize("kind", DENIALS)
@pytest.mark.parametrize("regime", LAWS)
def test_a_court_is_named_only_where_the_law_gives_the_person_one(
    kind: LetterKind, regime: str
) -> None:
    gives = regime in {"uk_gdpr", "lgpd"}
    assert (", and to go to court" in flat(denied(kind, regime))) is gives


def test_in_quebec_a_refusal_says_until_when_the_commission_can_be_asked() -> None:
    text = flat(denied(LetterKind.REFUSED, "quebec_law25"))
    assert "until 1 May 2026 (CQLR c. P-39.1, ss. 42 and 43)" in text
    whole = flat(denied(LetterKind.DONE, "quebec_law25", partly=False))
    assert "1 May" not in whole  # what was followed was not refused


def test_without_a_law_no_right_is_claimed() -> None:
    text = flat(denied(LetterKind.REFUSED, "default", jurisdiction="US-CA"))
    assert "is for the law where you live" in text
    assert "California" not in text


@pytest.mark.parametrize("right", [Right.ACCESS, Right.PORTABILITY])
def test_who_asked_to_know_in_california_and_was_not_verified_is_shown_to_the_policy(
    right: Right,
) -> None:
    text = flat(denied(LetterKind.NOT_VERIFIED, "ccpa", right=right))
    assert "stands in our privacy policy (11 CCR § 7024(a) and (b))" in text
    assert "selling" not in text
    assert "7024" not in denied(LetterKind.REFUSED, "ccpa", right=right)


@pytest.mark.parametrize("kind", [LetterKind.NOT_VERIFIED, LetterKind.REFUSED])
def test_whose_deletion_is_denied_in_california_is_asked_whether_data_may_be_sold(
    kind: LetterKind,
) -> None:
    text = flat(denied(kind, "ccpa", right=Right.DELETION))
    assert "stop selling and sharing your personal information?" in text
    assert "(11 CCR § 7022(g))" in text
    assert "7024" not in text
    assert "7022" not in denied(kind, "lgpd", right=Right.DELETION)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_no_letter_needs_more_than_its_request(kind: LetterKind, language: str) -> None:
    bare = contents_of_everything(
        rows=(),
        reason="",
        pointer="",
        proving=None,
        prove_by=None,
        fetch_by=None,
        jurisdiction="ZZ",
        regime="-",
    )
    written = STATIONERY.write(kind, language, bare)
    assert written.subject
    for text in (written.text, written.html):
        assert "{{" not in text
        assert "None" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_an_access_nothing_is_said_to_be_erased(language: str) -> None:
    row = Row(organisation="A", system="B", is_provider=False, answer="partially_exempt")
    erased, handed_over = (
        STATIONERY.write(
            LetterKind.DONE, language, contents_of_everything(right=right, rows=(row,))
        ).text
        for right in (Right.DELETION, Right.ACCESS)
    )
    words = {"de": "gelöscht", "en": "erased", "es": "suprimido", "fr": "effacées"}
    word = words.get(language, "eliminados")
    assert word in erased
    assert word not in handed_over


def test_every_language_says_the_same_things() -> None:
    shapes = [
        {
            kind: [len(letter.get(part, ())) for part in ("before", "after")]
            for kind, letter in STATIONERY._words[language]["letters"].items()
        }
        for language in LANGUAGES
    ]
    assert all(shape == shapes[0] for shape in shapes)
    for part in ("rights", "answers", "remedies"):
        assert len({tuple(STATIONERY._words[one][part]) for one in LANGUAGES}) == 1


def a_row(**changes: Any) -> Row:
    fields: dict[str, Any] = {"organisation": "Mail Ltd", "system": "Mail", "answer": "too_late"}
    return Row(is_provider=True, **(fields | changes))


def test_html_escapes_what_a_system_calls_itself() -> None:
    row = a_row(system="<script>alert(1)</script>", reason="<img src=x>{{ reference }}")
    written = STATIONERY.write(LetterKind.DONE, "en", contents_of_everything(rows=(row,)))
    assert "<script>" not in written.html
    assert "<img" not in written.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written.html
    assert "{{ reference }}" in written.text  # a text that was put in is never read as a template


def test_what_a_system_wrote_begins_no_line_of_its_own() -> None:
    row = a_row(system="Mail\r\n\r\nWrite to:\x00 evil\u2028now", reason="because\nof\x1b[31m it")
    written = STATIONERY.write(LetterKind.DONE, "en", contents_of_everything(rows=(row,)))
    assert '<td valign="top">Mail Write to: evil now</td>' in written.html
    assert "because of [31m it" in written.text
    assert not any(line.startswith("Write to") for line in written.text.splitlines())


@pytest.mark.parametrize(("regime", "is_named"), [("gdpr", True), ("uk_gdpr", True), ("ccpa", False)])  # fmt: skip
def test_recipients_are_named_where_the_law_wants_it(regime: str, *, is_named: bool) -> None:
    contents = contents_of_everything(regime=regime)
    written = STATIONERY.write(LetterKind.DONE, "en", contents)
    assert ("Mail Delivery Ltd" in written.text) is is_named
    assert ("a service provider of ours" in written.text) is not is_named
    assert "Cloud Europe GmbH" in written.text


@pytest.mark.parametrize(
    ("jurisdiction", "name"),
    [("DE-BY", "Datenschutzaufsicht"), ("US-CA", "California Privacy"), ("GB", "Information Com")],
)
def test_a_refusal_says_where_to_complain(jurisdiction: str, name: str) -> None:
    contents = contents_of_everything(jurisdiction=jurisdiction)
    assert name in STATIONERY.write(LetterKind.REFUSED, "en", contents).text


@pytest.mark.parametrize(
    ("tag", "language"),
    [(None, "en"), ("de", "de"), ("pt-BR", "pt"), ("FR-ca", "fr"), ("ja", "en"), ("eng", "en")],
)
def test_the_language_that_serves_best_is_chosen(tag: str | None, language: str) -> None:
    assert language_of(tag) == language


def test_every_jurisdiction_of_a_european_regime_has_its_authority() -> None:
    import yaml  # noqa: PLC0415 - for this test alone

    rules = Path(__file__).parents[4] / "rules"
    for regime in ("gdpr", "uk_gdpr", "ccpa", "vcdpa", "lgpd", "quebec_law25", "korea_pipa"):
        for code in yaml.safe_load((rules / f"{regime}.yaml").read_text())["jurisdictions"]:
            assert code in STATIONERY._law["authorities"], code
            assert STATIONERY._law["complaint"][regime]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_took_over_and_who_has_left_the_group_is_said(language: str) -> None:
    row = a_row(took_over=("Old mail", "Older mail"), left_on=date(2031, 6, 30))
    written = STATIONERY.write(LetterKind.DONE, language, contents_of_everything(rows=(row,)))
    for text in (written.text, written.html):
        said = " ".join(text.split())
        assert "Old mail, Older mail" in said
        assert "2031" in said
