"""Signature Version 4 against the example that AWS has published, computed to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime

from dsr_intake.adapters.aws_signing import Credentials, signed_headers

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def signed(url: str, headers: dict[str, str], *, session: str | None = None) -> dict[str, str]:
    return signed_headers(
        url,
        method="GET",
        headers=headers,
        body=b"",
        service="iam",
        region="us-east-1",
        credentials=Credentials(
            EXAMPLE.access_key_id, EXAMPLE.secret_access_key, session_token=session
        ),
        at=AT,
    )


def test_the_published_example_has_its_published_signature() -> None:
    """https://docs.aws.amazon.com/general/latest/gr/sigv4-create-canonical-request.html (ListUsers)."""
    made = signed(
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    assert made["x-amz-date"] == "20150830T123600Z"
    assert made["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    made = signed("https://iam.amazonaws.com/", {}, session="of the session")
    assert made["x-amz-security-token"] == "of the session"
    assert "host;x-amz-date;x-amz-security-token" in made["authorization"]


def test_credentials_show_nothing() -> None:
    assert "wJalr" not in repr(EXAMPLE) + str(EXAMPLE)
