"""What is never disclosed, whoever forgot to say so: by a field's name, or by the value itself.

11 CCR 7024(d) lists what an answer never discloses, and has the consumer told that it is held:
government identification, account numbers, numbers of health insurance and medical identification,
passwords, security questions and answers, and biometric data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import compress

from dsr_core.exports import Protection

__all__ = [
    "by_name",
    "is_undisclosed",
    "may_be_account_number",
    "may_hold_account_numbers",
    "undisclosed",
    "without_account_numbers",
]

_SHORTEST_SHOWN = 8
"""Of what is shorter, the last four would be half of it."""

_MARK = re.compile(r"\[not disclosed(?:; ends in \w{4})?\]")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET = re.compile(
    r"(?:.*_)?(?:pass_?(?:word|wd|phrase|code)|passwort|kennwort|mot_de_passe|contrasena|senha|pwd"
    r"|secret|token|(?:api|private|secret|access|encryption|signing|session)_?key|credential|csrf"
    r"|recovery_code|security_(?:question|answer)|one_time_code)s?"
    r"(?:_(?:hash|hashed|digest|salt|value|encrypted|plain|text|bcrypt|argon|sha|md|[0-9]+))*"
)
_SECRET_NUMBER = re.compile(
    r"(?:.*_)?(?:cvv|cvc|csc|security_code|t?otp|pass_?code|one_time_code)(?:_[0-9]+)?"
    r"|(?:card_|account_)?pin(?:_code)?"
)
"""Secrets that may be numbers; of the others a number is a count, like that of tokens."""

_NUMBERED = (
    "social_(?:security|insurance)",
    "passport",
    "(?:drivers?_(?:s_)?|driving_)licen[cs]e",
    "(?:national|government)_(?:id|identification|identity|insurance)",
    "(?:identity|id)_card",
    "health_insurance",
    "medical_(?:record|identification|id)",
    "tax(?:payer)?_(?:id|identification|identity)",
)
_BIOMETRIC = (
    "biometrics?(?:_(?:data|template|hash|id|identifier|sample|scan))*"
    "|(?:palm|voice|face)_?prints?"
    "|(?:face|facial|voice|iris|retina|palm)_(?:templates?|scans?|geometry|embeddings?|biometrics?)"
)
_FINGERPRINT = "finger_?prints?(?:_(?:templates?|scans?|images?|data|hash))?"
"""With nothing before it: a device, a browser and a key have one too, which is no person's body."""

_NEVER = re.compile(
    rf"(?:.*_)?(?:(?:{'|'.join(_NUMBERED)})(?:_(?:number|no|num|nr|id))?|ssn|pan|iban"
    r"|(?:(?:credit|debit|payment)_)?card_(?:number|no)|(?:bank_)?account_(?:number|no)"
    rf"|{_BIOMETRIC})|{_FINGERPRINT}"
)

_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"[0-9]+")
_CARD = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12,15}|35[0-9]{14}|62[0-9]{14,17}"
)
"""How the numbers of the card networks begin, and how long they are (ISO/IEC 7812)."""

_CARDS_BEGIN = "23456"

_IBAN = re.compile(
    r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])"
)
_SSN = re.compile(
    r"(?<![0-9A-Za-z-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9A-Za-z-])"
)
_NUMBER_LIMIT = 10**12
"""No account number has fewer digits than that has."""

_LONG = 500
_SHORTEST = 11
"""No text that is shorter holds any of these."""

_MAY_BE = re.compile(r"[0-9][ -]?[0-9]")
"""No text without this holds any of these; most have none."""

_PLAIN = bytes(
    ord("0") if chr(one).isdigit() else ord("A") if chr(one).isupper() else one
    for one in range(128)
).ljust(256, b".")
"""Every digit as 0 and every capital as A, so that one search finds all numbers of a form."""

_SSN_PLAIN, _SSN_DIGITS = b"000-00-0000", b"0" * 9
_IBAN_PLAIN = re.compile(rb"AA00(?: ?[A0]{4}){2}")
_SHORTEST_CARD = 13
_CARD_DIGITS = b"0" * _SHORTEST_CARD

_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""The sum of the digits of the double of each."""


def undisclosed(value: object) -> str:
    """Tell that there is a value, with its last four characters where that leaves most of it unsaid."""
    shown = "".join(filter(str.isalnum, str(value))) if isinstance(value, str | int) else ""
    return (
        f"[not disclosed; ends in {shown[-4:]}]"
        if len(shown) >= _SHORTEST_SHOWN
        else "[not disclosed]"
    )


def is_undisclosed(value: object) -> bool:
    """Tell whether a value is what `undisclosed` makes."""
    return isinstance(value, str) and _MARK.fullmatch(value) is not None


def by_name(name: str, value: object) -> Protection | None:
    """Return how a value is protected for its field's name alone; none where that says nothing."""
    how, may_be_number = _of_name(name)
    if how is Protection.SECRET:
        is_count = isinstance(value, bool) or (isinstance(value, int | float) and not may_be_number)
        return None if is_count else how
    return None if isinstance(value, bool) else how


@lru_cache(maxsize=4096)
def _of_name(name: str) -> tuple[Protection | None, bool]:
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode()
    words = "_".join(_WORD.findall(plain)).lower()
    if _SECRET_NUMBER.fullmatch(words):
        return Protection.SECRET, True
    if _SECRET.fullmatch(words):
        return Protection.SECRET, False
    return (Protection.NEVER_DISCLOSED if _NEVER.fullmatch(words) else None), True


def may_hold_account_numbers(content: bytes) -> bool:
    """Tell whether JSON, or a text, may have what `without_account_numbers` finds; where not, it has none.

    It is faster by far. An escape may stand for a digit, so where there is one it may.
    """
    if b"\\" in content and b"\\u" in content:
        return True
    return any(_may_hold(content))


def _may_hold(content: bytes) -> tuple[bool, bool, bool]:
    """Tell whether a text may have a card's number, an account's (IBAN), and one of social security."""
    closed_up = content.translate(_PLAIN, b" -")
    has_digits, may_be_iban = _SSN_DIGITS in closed_up, b"AA00" in closed_up
    if not has_digits and not may_be_iban:
        return False, False, False
    plain = content.translate(_PLAIN)
    return (
        _CARD_DIGITS in closed_up,
        may_be_iban and _IBAN_PLAIN.search(plain) is not None,
        _SSN_PLAIN in plain,
    )


def may_be_account_number(number: float) -> bool:
    """Tell whether a whole number may be one by its length and first digit; times in milliseconds are not."""
    return number >= _NUMBER_LIMIT and number % 1 == 0 and str(number)[0] in _CARDS_BEGIN


def without_account_numbers(text: str) -> tuple[str, int]:
    """Return a text without numbers of cards, bank accounts and social security, and how many it had.

    A card's number is one by its network, length and check digit, an account's (IBAN) by its check
    digits. What only looks like one stays.
    """
    if len(text) < _SHORTEST or _MAY_BE.search(text) is None:
        return text, 0
    found = 0
    # In a long text it is faster by far to look first.
    may_hold = (
        _may_hold(text.encode(errors="replace")) if len(text) >= _LONG else (True, True, True)
    )
    forms = ((_RUN, _cards), (_IBAN, _accounts), (_SSN, _whole))
    for pattern, places in compress(forms, may_hold):
        if pattern.search(text):
            text, more = _replaced(text, pattern, places)
            found += more
    return text, found


def _replaced(
    text: str, pattern: re.Pattern[str], places: Callable[[str], Iterator[tuple[int, int]]]
) -> tuple[str, int]:
    found = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal found
        pieces, end = [], 0
        for start, stop in places(match[0]):
            pieces += [match[0][end:start], undisclosed(match[0][start:stop])]
            end = stop
            found += 1
        return "".join([*pieces, match[0][end:]])

    return pattern.sub(replaced, text), found


def _cards(run: str) -> Iterator[tuple[int, int]]:
    """Yield where the numbers of cards lie in a run of digits, each of whole groups."""
    groups = [match.span() for match in _DIGITS.finditer(run)]
    first = 0
    while first < len(groups):
        digits = ""
        can_begin = run[groups[first][0]] in _CARDS_BEGIN
        for last in range(first, len(groups) if can_begin else first):
            digits += run[slice(*groups[last])]
            if len(digits) < _SHORTEST_CARD:
                continue
            if _CARD.fullmatch(digits) and _luhn(digits):
                yield groups[first][0], groups[last][1]
                first = last
                break
            if len(digits) > 19:
                break
        first += 1


def _luhn(digits: str) -> bool:
    kept, doubled = digits.encode()[-1::-2], digits.encode()[-2::-2].translate(_DOUBLED)
    return (sum(kept) + sum(doubled) - len(digits) * ord("0")) % 10 == 0


def _accounts(text: str) -> Iterator[tuple[int, int]]:
    plain = text.replace(" ", "")
    number = "".join(str(int(one, 36)) for one in plain[4:] + plain[:4])
    if int(number) % 97 == 1:
        yield 0, len(text)


def _whole(text: str) -> Iterator[tuple[int, int]]:
    yield 0, len(text)
