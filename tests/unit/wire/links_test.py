"""Links on their way: sealed by a system, for intake alone, under one request."""

from __future__ import annotations

import os

import pytest

from dsr_contracts.v1 import links_pb2
from dsr_core.acknowledgements import LINKS_BYTES, check
from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier
from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import LINKS_LIMIT, Link, LinkProof
from dsr_core.resolving import Confidence
from dsr_wire.codec.links import links_from_bytes, links_to_bytes
from dsr_wire.link_keys import LinkKey, seal_links
from support.builders import a_request_id, an_acknowledgement

CRM = SystemId("crm")


def a_link(value: str = "A-1", kind: str = "account_id") -> Link:
    identifier = Identifier.of(kind, value)
    return Link(identifier, "email", Confidence.VERIFIED, LinkProof.SAME_LOGIN)


def sealed(key: LinkKey, request_id: RequestId, *links: Link, system_id: SystemId = CRM) -> bytes:
    return seal_links(
        links or (a_link(),), link_key=key.public, request_id=request_id, system_id=system_id
    )


def test_what_a_system_seals_intake_opens() -> None:
    request_id, own = a_request_id(), os.urandom(32)
    content = sealed(LinkKey(request_id, own), request_id)
    assert b"A-1" not in content
    assert LinkKey(request_id, own).open(content, system_id=CRM) == (a_link(),)


def test_sealed_links_open_in_their_own_place_only() -> None:
    request_id, own = a_request_id(), os.urandom(32)
    key = LinkKey(request_id, own)
    content = sealed(key, request_id)
    other = a_request_id(2)
    attempts = [
        (LinkKey(other, own), content, CRM),
        (LinkKey(request_id, os.urandom(32)), content, CRM),
        (key, content, SystemId("shop")),
        (key, content[:-1] + bytes([content[-1] ^ 1]), CRM),
        (key, sealed(key, other), CRM),
        (key, b"", CRM),
    ]
    for who, what, system_id in attempts:
        with pytest.raises(RejectedInput) as refused:
            who.open(what, system_id=system_id)
        assert refused.value.reason == "cannot_open"


def test_the_length_of_what_is_sealed_tells_little() -> None:
    lengths = {len(links_to_bytes((a_link("x" * size),))) for size in (1, 20, 200, 300)}
    assert lengths == {512}
    assert {len(links_to_bytes((a_link("x" * size),))) for size in range(1, 321)} == {512}
    many = tuple(a_link(str(one) + "x" * 300) for one in range(LINKS_LIMIT))
    assert len(links_to_bytes(many)) % 512 == 0


def test_as_many_links_as_an_answer_may_hold_fit_into_it() -> None:
    request_id = a_request_id()
    longest = tuple(a_link(f"{one}" + "🦊" * 318) for one in range(LINKS_LIMIT))
    content = sealed(LinkKey(request_id, os.urandom(32)), request_id, *longest)
    assert len(content) <= LINKS_BYTES


def test_ten_thousand_links_are_refused() -> None:
    one = links_pb2.Links.FromString(links_to_bytes((a_link(),))).links[0]
    with pytest.raises(RejectedInput, match="too_many_links"):
        links_from_bytes(links_pb2.Links(links=[one] * 10_000).SerializeToString())
    with pytest.raises(RejectedInput, match="too_many_links"):
        links_from_bytes(b"")


def test_links_that_are_too_long_are_refused_with_their_answer() -> None:
    check(an_acknowledgement(sealed_links=bytes(LINKS_BYTES)))
    with pytest.raises(RejectedInput, match="too_large"):
        check(an_acknowledgement(sealed_links=bytes(LINKS_BYTES + 1)))


def test_a_link_that_is_none_is_refused_without_its_value() -> None:
    broken = [
        links_pb2.Link(through="email", confidence=2, proof=1),
        links_pb2.Link(identifier={"kind": "email", "value": "secret"}, confidence=2, proof=1),
        links_pb2.Link(
            identifier={"kind": "email", "value": "secret@example.com"}, through="phone", proof=1
        ),
    ]
    for one in broken:
        with pytest.raises(RejectedInput) as refused:
            links_from_bytes(links_pb2.Links(links=[one]).SerializeToString())
        assert "secret" not in str(refused.value)


def test_a_name_is_the_same_for_one_value_of_one_request_and_tells_nothing() -> None:
    request_id, own = a_request_id(), os.urandom(32)
    mine, again = LinkKey(request_id, own), LinkKey(request_id, own)
    account = a_link().identifier
    assert mine.name(account) == again.name(account)
    assert len(mine.name(account)) == 16
    others = {
        LinkKey(request_id, os.urandom(32)).name(account),
        LinkKey(a_request_id(2), own).name(account),
        mine.name(a_link("A-2").identifier),
    }
    assert mine.name(account) not in others
    assert len(others) == 3
