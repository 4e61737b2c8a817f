"""What is written is read again, and bytes that nobody wrote are refused and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import example, given
from hypothesis import strategies as st

from dsr_contracts.v1 import (
    acknowledgements_pb2,
    closures_pb2,
    commands_pb2,
    copies_pb2,
    lifecycle_pb2,
    notices_pb2,
    obligations_pb2,
    phases_pb2,
    registry_pb2,
    requests_pb2,
)
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire
from dsr_wire.codec.closures import closures_from_wire, closures_to_wire
from dsr_wire.codec.copies import copy_settled_from_wire, copy_settled_to_wire
from dsr_wire.codec.lifecycle import (
    cohort_answered_from_wire,
    cohort_answered_to_wire,
    states_changed_to_wire,
)
from dsr_wire.codec.notices import (
    notice_from_wire,
    notice_to_wire,
    system_notice_from_wire,
    system_notice_to_wire,
)
from dsr_wire.codec.obligations import (
    obligations_opened_from_wire,
    obligations_opened_to_wire,
    phase_told_from_wire,
    phase_told_to_wire,
)
from dsr_wire.codec.phases import phase_confirmed_from_wire, phase_confirmed_to_wire
from dsr_wire.codec.registry import (
    registry_version_from_wire,
    registry_version_to_wire,
    system_keys_from_wire,
    system_keys_to_wire,
)
from dsr_wire.codec.requests import cohort_accepted_from_wire, cohort_accepted_to_wire
from dsr_wire.dead_letters import bury, exhume
from dsr_wire.envelope import Outgoing, decode, decode_one_of, encode, header
from dsr_wire.keys import Revocation, SealingKey, SigningKey, SystemKeyPair, SystemPublicKeys
from dsr_wire.merkle import leaf_hash
from dsr_wire.registry_book import RegistryBook
from dsr_wire.sealing import Opener, Sealer
from dsr_wire.signing import is_signed_by, sign
from support import strategies

PAIR = SystemKeyPair.generate("crm")
READERS: list[tuple[type[Message], Callable[[Any], object]]] = [
    (requests_pb2.CohortAccepted, cohort_accepted_from_wire),
    (obligations_pb2.ObligationsOpened, obligations_opened_from_wire),
    (obligations_pb2.PhaseTold, phase_told_from_wire),
    (phases_pb2.PhaseConfirmed, phase_confirmed_from_wire),
    (copies_pb2.CopySettled, copy_settled_from_wire),
    (notices_pb2.Notice, notice_from_wire),
    (notices_pb2.SystemNotice, system_notice_from_wire),
    (closures_pb2.Closures, closures_from_wire),
    (lifecycle_pb2.CohortAnswered, cohort_answered_from_wire),
    (registry_pb2.RegistryVersion, registry_version_from_wire),
    (registry_pb2.SystemKeys, system_keys_from_wire),
]
KINDS = [
    *(kind for kind, _ in READERS),
    acknowledgements_pb2.SignedAcknowledgements,
    commands_pb2.SubjectRequestCommand,
    lifecycle_pb2.RequestStatesChanged,
    obligations_pb2.ObligationsAmended,
]


def wired(message: Any) -> Any:
    """The message after a journey."""
    return type(message).FromString(message.SerializeToString())


@given(strategies.cohorts)
def test_cohorts(one: Any) -> None:
    assert cohort_accepted_from_wire(wired(cohort_accepted_to_wire(one))) == one


@given(strategies.opened)
def test_opened_obligations(one: Any) -> None:
    assert obligations_opened_from_wire(wired(obligations_opened_to_wire(one))) == one


@given(strategies.told_phases)
def test_told_phases(one: Any) -> None:
    assert phase_told_from_wire(wired(phase_told_to_wire(one))) == one


@given(strategies.confirmed_phases)
def test_confirmed_phases(one: Any) -> None:
    assert phase_confirmed_from_wire(wired(phase_confirmed_to_wire(one))) == one


@given(strategies.settled_copies)
def test_settled_copies(one: Any) -> None:
    assert copy_settled_from_wire(wired(copy_settled_to_wire(one))) == one


@given(strategies.notices)
def test_notices(one: Any) -> None:
    assert notice_from_wire(wired(notice_to_wire(one))) == one


@given(strategies.system_notices)
def test_system_notices(one: Any) -> None:
    assert system_notice_from_wire(wired(system_notice_to_wire(one))) == one


@given(strategies.acknowledgements())
def test_acknowledgements(one: Acknowledgement) -> None:
    assert acknowledgement_from_bytes(acknowledgement_to_wire(one).SerializeToString()) == one


@given(
    strategies.uuids.flatmap(lambda id_: st.lists(strategies.closures(id_), min_size=1, max_size=3))
)
def test_closures(some: list[Any]) -> None:
    message = wired(closures_to_wire(some[0].cohort_id, some))
    assert closures_from_wire(message) == tuple(some)


@given(strategies.uuids, strategies.times)
def test_cohorts_answered(cohort_id: str, at: Any) -> None:
    message = wired(cohort_answered_to_wire(CohortId(cohort_id), at))
    assert cohort_answered_from_wire(message) == cohort_id


@given(strategies.uuids, st.lists(strategies.state_changes, max_size=3))
def test_state_changes(cohort_id: str, changes: list[Any]) -> None:
    message = wired(states_changed_to_wire(CohortId(cohort_id), changes))
    read = [(one.request_id, one.state, one.outcome) for one in message.changes]
    assert read == [(one.request_id, one.state, one.outcome) for one in changes]


@given(strategies.published)
def test_registry_versions(one: Any) -> None:
    assert registry_version_from_wire(wired(registry_version_to_wire(one))) == one


@given(strategies.registries, st.randoms(use_true_random=False))
def test_a_registry_s_digest_does_not_depend_on_the_order_of_input(
    registry: Registry, random: Any
) -> None:
    organisations, systems = list(registry.organisations), list(registry.systems)
    random.shuffle(organisations)
    random.shuffle(systems)
    turned = Registry(tuple(organisations), tuple(systems))
    assert turned == registry
    assert turned.digest == registry.digest


@given(
    strategies.slugs,
    strategies.times,
    st.binary(min_size=32, max_size=32),
    st.lists(st.builds(Revocation, strategies.texts, strategies.times, strategies.texts)),
)
def test_system_keys(system_id: str, at: Any, seed: bytes, revoked: list[Revocation]) -> None:
    keys = SystemPublicKeys(
        system_id,
        PAIR.public.signing,
        PAIR.public.sealing,
        (SigningKey(seed),),
        tuple(revoked),
    )
    assert system_keys_from_wire(wired(system_keys_to_wire(keys, at))) == keys


@given(
    st.dictionaries(strategies.uuids, strategies.identities, max_size=4),
    strategies.slugs,
    strategies.rights,
)
def test_sealed_identities(identities: dict[str, Any], system_id: str, right: Right) -> None:
    sealer = Sealer(system_id=system_id, right=right, key=PAIR.public.sealing)
    sealed = {one: sealer.seal(who, request_id=one) for one, who in identities.items()}
    opener = Opener(sealer.sealed_key, system_id=system_id, right=right, key=PAIR.sealing)
    opened = {one: opener.open(content, request_id=one) for one, content in sealed.items()}
    assert opened == identities


headers = st.lists(
    st.tuples(
        st.sampled_from(("ce_type", "ce_id", "traceparent", "dsr_dead_letter_reason")),
        st.none()
        | st.binary(max_size=12)
        | st.sampled_from([kind.DESCRIPTOR.full_name.encode() for kind in KINDS]),
    ),
    max_size=4,
)


@given(strategies.cohorts, st.text(max_size=20), strategies.times)
def test_envelopes(one: Any, event_id: str, at: Any) -> None:
    message = cohort_accepted_to_wire(one)
    event_id = event_id.encode(errors="ignore").decode()
    record = encode(message, topic="t", key="k", event_id=event_id, source="intake", at=at)
    assert decode(record.value, record.headers, requests_pb2.CohortAccepted) == message
    assert header(record.headers, "ce_id") == event_id


@given(st.binary(max_size=40), st.binary(max_size=40), headers, st.integers(0, 2**40))
def test_dead_letters(key: bytes, value: bytes, some: list[Any], offset: int) -> None:
    original = [
        (name, data) for name, data in some if data is not None and not name.startswith("dsr_dead")
    ]
    letter = bury(
        topic="t", partition=0, offset=offset, key=key, value=value, headers=original,
        fault=RejectedInput("undecodable", "no"), refused_by="intake", at=strategies.EPOCH,
    )  # fmt: skip
    found = exhume("t", letter.key, letter.value, letter.headers)
    assert found == Outgoing("t", key, value, tuple(original))


def only_refused(read: Callable[[], object]) -> None:
    """Whatever is read, it is understood or it is refused."""
    try:
        read()
    except RejectedInput as error:
        assert error.reason.replace("_", "").isalpha()  # noqa: PT017 - what the error says is the point


@given(st.none() | st.binary(max_size=200), headers)
@example(b"", [])
@example(b"\x0b" * 500, [("ce_type", b"dsr.v1.Closures")])
def test_bytes_that_nobody_wrote_are_refused_by_the_envelope(
    value: bytes | None, some: list[Any]
) -> None:
    only_refused(lambda: decode_one_of(value, some, KINDS))
    only_refused(lambda: decode(value, some, closures_pb2.Closures))
    only_refused(lambda: RegistryBook().read(value, some))


@pytest.mark.parametrize(("kind", "read"), READERS, ids=[kind.__name__ for kind, _ in READERS])
@given(value=st.binary(max_size=120))
def test_bytes_that_nobody_wrote_are_refused_by_the_codec(
    kind: type[Message], read: Callable[[Any], object], value: bytes
) -> None:
    try:
        message = kind.FromString(value)
    except DecodeError:
        return
    only_refused(lambda: read(message))


@given(st.binary(max_size=200))
def test_bytes_that_nobody_wrote_are_no_answer(value: bytes) -> None:
    only_refused(lambda: acknowledgement_from_bytes(value))


WRITTEN: st.SearchStrategy[tuple[Message, Callable[[Any], object]]] = st.one_of(
    strategies.cohorts.map(lambda one: (cohort_accepted_to_wire(one), cohort_accepted_from_wire)),
    strategies.opened.map(
        lambda one: (obligations_opened_to_wire(one), obligations_opened_from_wire)
    ),
    strategies.notices.map(lambda one: (notice_to_wire(one), notice_from_wire)),
    strategies.published.map(
        lambda one: (registry_version_to_wire(one), registry_version_from_wire)
    ),
)


@given(st.data(), WRITTEN)
def test_a_message_with_changed_bytes_is_understood_or_refused(
    data: st.DataObject, written: tuple[Message, Callable[[Any], object]]
) -> None:
    message, read = written
    value = bytearray(message.SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = type(message).FromString(bytes(value))
    except DecodeError:
        return
    only_refused(lambda: read(changed))


@given(st.data(), strategies.acknowledgements())
def test_an_answer_with_changed_bytes_is_understood_or_refused(
    data: st.DataObject, one: Acknowledgement
) -> None:
    value = bytearray(acknowledgement_to_wire(one).SerializeToString())
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    only_refused(lambda: acknowledgement_from_bytes(bytes(value)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.data(), strategies.registries.filter(lambda one: bool(one.systems)))
def test_a_registry_with_a_changed_field_is_read_or_refused(
    data: st.DataObject, registry: Registry
) -> None:
    content = json.loads(registry.canonical())
    system = content["systems"][0]
    system[data.draw(st.sampled_from(sorted(system)))] = data.draw(json_values)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    canonical = text.encode(errors="surrogatepass")
    message = registry_pb2.RegistryVersion(canonical=canonical, digest="0" * 64)
    only_refused(lambda: registry_version_from_wire(message))


@given(st.binary(max_size=160))
def test_bytes_that_nobody_sealed_are_refused(value: bytes) -> None:
    with pytest.raises(RejectedInput):
        Opener(value, system_id="s", right=Right.ACCESS, key=PAIR.sealing)
    sealer = Sealer(system_id="s", right=Right.ACCESS, key=PAIR.public.sealing)
    opener = Opener(sealer.sealed_key, system_id="s", right=Right.ACCESS, key=PAIR.sealing)
    with pytest.raises(RejectedInput):
        opener.open(value, request_id="r")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_that_loads_can_be_sealed_to(raw: bytes) -> None:
    try:
        key = SealingKey(raw)
    except ValueError:
        return
    assert Sealer(system_id="s", right=Right.ACCESS, key=key).sealed_key


@given(st.lists(strategies.acknowledgements(), max_size=4), st.binary(max_size=70))
def test_no_other_bytes_are_a_signature(answers: list[Acknowledgement], signature: bytes) -> None:
    batch = sign(answers, PAIR)
    hashes = [leaf_hash(leaf) for leaf in batch.acknowledgements]
    key = PAIR.public.signing.key
    assert is_signed_by(key, system_id="crm", leaf_hashes=hashes, signature=batch.signature)
    assert not is_signed_by(key, system_id="crm", leaf_hashes=hashes, signature=signature)
