"""What a record still says once it is protected: all but what tells of others, and what never leaves."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_core.exports import ProtectedField, Protection
from dsr_core.protecting import REDACTED, RecordProtector

THIRD, SECRET, NEVER = Protection.THIRD_PARTY, Protection.SECRET, Protection.NEVER_DISCLOSED


def protector(*fields: tuple[str, Protection], file: str = "orders") -> RecordProtector:
    return RecordProtector([ProtectedField(*one) for one in fields], file=file)


def protected(record: dict[str, Any], *fields: tuple[str, Protection]) -> dict[str, Any]:
    return protector(*fields).protect(record)


def test_what_nobody_protects_is_handed_over_as_it_is() -> None:
    record = {"id": 7, "lines": [{"text": "tea", "cents": 350}], "gift": False, "note": None}
    assert protected(record, ("orders.other", SECRET), ("carts.id", SECRET)) == record


def test_each_kind_of_protection_leaves_what_it_says() -> None:
    record = {"referee": "Ann Other", "pass": "hunter2", "permit": "DE-4711-0815", "id": 1}
    fields = (("orders.referee", THIRD), ("*.pass", SECRET), ("orders.permit", NEVER))
    one = protector(*fields)
    assert one.protect(record) == {
        "referee": REDACTED,
        "permit": "[not disclosed; ends in 0815]",
        "id": 1,
    }
    assert one.counts == {THIRD: 1, SECRET: 1, NEVER: 1}


def test_a_field_is_found_through_mappings_and_lists() -> None:
    record = {"people": [{"name": "A", "mail": {"to": "x@example.com"}}, {"name": "B"}]}
    assert protected(record, ("orders.people.name", THIRD), ("orders.people.mail.to", THIRD)) == {
        "people": [{"name": REDACTED, "mail": {"to": REDACTED}}, {"name": REDACTED}]
    }


def test_a_list_is_protected_value_by_value() -> None:
    one = protector(("orders.friends", THIRD))
    assert one.protect({"friends": ["Ann", "", "Bob"]}) == {"friends": [REDACTED, "", REDACTED]}
    assert one.counts == {THIRD: 2}


def test_what_is_said_of_one_file_counts_before_what_is_said_of_all() -> None:
    fields = (("*.agent", THIRD), ("orders.agent", NEVER))
    assert protected({"agent": "agent-0007"}, *fields) == {"agent": "[not disclosed; ends in 0007]"}


def test_a_file_is_named_with_or_without_its_extension() -> None:
    one = protector(("orders/2026.agent", THIRD), file="orders/2026.jsonl")
    assert one.protect({"agent": "Ann"}) == {"agent": REDACTED}


def test_there_is_nothing_to_protect_where_there_is_no_value() -> None:
    record = {"agent": None, "password": "", "passport_number": [], "ssn": {}}
    assert protected(record, ("orders.agent", THIRD)) == record


@pytest.mark.parametrize(
    "name",
    [
        "password", "passwordHash", "password_hash", "userPassword", "API-Key", "apiKey", "APIKEY",
        "client_secret", "refreshToken", "token_hash", "private key", "Passwort", "contraseña",
        "mot_de_passe", "securityAnswer", "card_pin", "cvv2", "credentials", "aws_secret_access_key",
    ],
)  # fmt: skip
def test_a_secret_never_leaves_even_where_the_registry_forgot_it(name: str) -> None:
    one = protector()
    assert one.protect({name: "value-of-it", "inner": [{name: "again"}]}) == {"inner": [{}]}
    assert one.counts == {SECRET: 2}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password_changed_at", "2026-01-31"), ("has_password", True), ("input_tokens", 512),
        ("secretary", "Ann"), ("pinned", "yes"), ("spin", 3), ("keyboard", "de"), ("token", False),
        ("company", "Example"), ("japan", "yes"), ("passport_country", "DE"), ("account_id", "a-1"),
        ("device_fingerprint", "f-1"), ("key_fingerprint", "SHA256:x"), ("tax_rate", 19),
        ("driving_since", 1999), ("medical_notes", "none"), ("face", "up"), ("voice_mail", "on"),
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_a_secret_is_handed_over(name: str, value: object) -> None:
    assert protected({name: value}) == {name: value}


@pytest.mark.parametrize(
    "name",
    [
        "ssn", "socialSecurityNumber", "passport_number", "passport", "driversLicenseNumber",
        "driver_licence_no", "national_id", "governmentId", "iban", "bank_account_number",
        "accountNumber", "card_number", "creditCardNumber", "health_insurance_number",
        "driving_licence", "drivingLicenseNumber", "tax_id", "taxpayerIdentificationNumber",
        "medical_identification_number", "medicalId", "biometric_data", "biometricTemplate",
        "fingerprint", "finger_print_scan", "voiceprint", "faceprint", "face_geometry", "iris_scan",
    ],
)  # fmt: skip
def test_a_government_or_account_number_is_told_with_its_last_four_alone(name: str) -> None:
    assert protected({name: "AB12-3456-7890"}) == {name: "[not disclosed; ends in 7890]"}
    assert protected({name: 1234567890}) == {name: "[not disclosed; ends in 7890]"}
    assert protected({name: "1234567"}) == {name: "[not disclosed]"}
    assert protected({name: {"value": "1"}}) == {name: "[not disclosed]"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("4111111111111111", "[not disclosed; ends in 1111]"),
        ("paid by 4111 1111 1111 1111 12/27", "paid by [not disclosed; ends in 1111] 12/27"),
        ("4111 1111 1111 1111 12", "[not disclosed; ends in 1111] 12"),
        ("on 2026 5555-5555-5555-4444", "on 2026 [not disclosed; ends in 4444]"),
        ("amex 378282246310005.", "amex [not disclosed; ends in 0005]."),
        ("to DE89 3704 0044 0532 0130 00 now", "to [not disclosed; ends in 3000] now"),
        ("GB29NWBK60161331926819", "[not disclosed; ends in 6819]"),
        ("his is 536-90-4399.", "his is [not disclosed; ends in 4399]."),
    ],
)
def test_a_number_of_a_card_or_account_is_masked_wherever_it_stands(text: str, left: str) -> None:
    one = protector()
    assert one.protect({"note": text, "all": [text]}) == {"note": left, "all": [left]}
    assert one.counts == {NEVER: 2}


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112", "1732680000000000", "call 0049 30 1234567", "DE89370400440532013001",
        "123e4567-e89b-42d3-a456-426614174000", "000-12-3456", "order 12-34-5678", "a4111111111111111",
    ],
)  # fmt: skip
def test_a_number_that_only_looks_like_one_stays(text: str) -> None:
    assert protected({"note": text}) == {"note": text}


def test_a_card_s_number_is_found_as_a_number_too() -> None:
    record = {"paid_with": 4111111111111111, "at": 1732680000000000}
    assert protected(record) == {**record, "paid_with": "[not disclosed; ends in 1111]"}


def test_what_is_protected_already_is_neither_changed_nor_counted_again() -> None:
    fields = (("orders.agent", THIRD), ("orders.permit", NEVER))
    record = {"agent": "Ann", "permit": ["4711-0815", "1"], "note": "4111111111111111", "pin": 1}
    once = protected(record, *fields)
    again = protector(*fields)
    assert (again.protect(once), again.counts) == (once, {})
