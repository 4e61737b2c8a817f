"""Golden bytes of every message: what was once written is read for ever, and read as the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from dsr_contracts.v1 import acknowledgements_pb2, notices_pb2, registry_pb2
from dsr_core.rights import Right
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.audit import audit_entries_from_wire
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.codec.closures import closures_from_wire
from dsr_wire.codec.lifecycle import cohort_answered_from_wire
from dsr_wire.codec.notices import notice_from_wire, system_notice_from_wire
from dsr_wire.codec.obligations import obligations_opened_from_wire
from dsr_wire.codec.registry import registry_version_from_wire, system_keys_from_wire
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.codec.suppressions import suppression_from_wire
from dsr_wire.keys import PrivateSealingKey, SystemKeyPair
from dsr_wire.merkle import leaf_hash
from dsr_wire.sealing import Opener
from dsr_wire.signing import is_signed_by
from support.messages import MESSAGES

HERE = Path(__file__).parent
FILES = sorted((HERE / "golden").glob("*.bin"))
GOLDEN_KEYS = SystemKeyPair(
    "crm",
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    PrivateSealingKey(bytes(range(32, 64))),
)
"""The private keys of the golden system; of no use anywhere else."""

READERS: dict[str, Callable[[Any], object]] = {
    "Acknowledgement": lambda one: acknowledgement_from_bytes(one.SerializeToString()),
    "AuditEntries": audit_entries_from_wire,
    "CheckpointSigned": checkpoint_from_wire,
    "Closures": closures_from_wire,
    "CohortAccepted": cohort_accepted_from_wire,
    "CohortAnswered": cohort_answered_from_wire,
    "Notice": notice_from_wire,
    "ObligationsOpened": obligations_opened_from_wire,
    "RegistryVersion": registry_version_from_wire,
    "Suppression": suppression_from_wire,
    "SystemKeys": system_keys_from_wire,
    "SystemNotice": system_notice_from_wire,
}


def name_of(path: Path) -> str:
    return path.name.rsplit(".", 2)[0]


def message_of(path: Path) -> Any:
    return MESSAGES[name_of(path)].FromString(path.read_bytes())


def the(name: str) -> Any:
    return message_of(HERE / "golden" / f"{name}.first.bin")


def ids(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_golden_bytes_decode_to_what_they_always_did(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    assert MessageToDict(message_of(path), preserving_proto_field_name=True) == expected


READ = [path for path in FILES if name_of(path) in READERS]


@pytest.mark.parametrize("path", READ, ids=ids(READ))
def test_golden_bytes_are_understood_by_the_domain(path: Path) -> None:
    assert READERS[name_of(path)](message_of(path))


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_message_has_golden_bytes(name: str) -> None:
    assert name in {name_of(path) for path in FILES}, f"add some: see {HERE.name}/add_golden.py"


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_field_and_every_choice_of_a_message_has_golden_bytes(name: str) -> None:
    shown: set[str] = set()
    for path in FILES:
        if name_of(path) == name:
            shown |= {field.name for field, _ in message_of(path).ListFields()}
    missing = {field.name for field in MESSAGES[name].DESCRIPTOR.fields} - shown
    assert not missing, "add golden bytes with these fields: see add_golden.py"


def test_every_file_is_one_of_a_pair() -> None:
    names = {path.stem for path in (HERE / "golden").iterdir()}
    files = {path.name for path in (HERE / "golden").iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("bin", "json")}


def test_the_golden_signature_holds_for_ever() -> None:
    batch: acknowledgements_pb2.SignedAcknowledgements = the("SignedAcknowledgements")
    registered: registry_pb2.SystemKeys = the("SystemKeys")
    key = system_keys_from_wire(registered).signing_key(batch.key_id)
    assert key is not None
    assert key.raw == GOLDEN_KEYS.public.signing.raw
    hashes = [leaf_hash(leaf) for leaf in batch.acknowledgements]
    assert is_signed_by(
        key.key, system_id=batch.system_id, leaf_hashes=hashes, signature=batch.signature
    )
    assert all(acknowledgement_from_bytes(leaf) for leaf in batch.acknowledgements)


def test_the_golden_sealed_identity_opens_for_ever() -> None:
    notice: notices_pb2.SystemNotice = the("SystemNotice")
    assert notice.key_id == GOLDEN_KEYS.public.sealing.id
    opener = Opener(
        notice.sealed_key, system_id="crm", right=Right.DELETION, key=GOLDEN_KEYS.sealing
    )
    sealed: notices_pb2.SealedIdentity = the("SealedIdentity")
    assert notice.identities[0] == sealed
    identity = opener.open(sealed.sealed, request_id=sealed.request_id)
    golden: notices_pb2.Identity = the("Identity")
    assert [(one.kind, one.value) for one in identity.identifiers] == [
        (one.kind, one.value) for one in golden.identifiers
    ]


def add_golden(content: str, label: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, on a copy of it that has a folder of its own."""
    script = home / "add_golden.py"
    script.write_text((HERE / "add_golden.py").read_text())
    (home / "golden").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, script, "CohortAnswered", label],
        input=content, text=True, capture_output=True, check=False, timeout=60,
        env={"PYTHONPATH": str(HERE.parent.parent)},
    )  # fmt: skip


def test_the_command_adds_golden_bytes_and_never_overwrites_any(tmp_path: Path) -> None:
    first = add_golden('{"cohort_id": "a"}', "first", tmp_path)
    assert first.returncode == 0, first.stderr
    again = add_golden('{"cohort_id": "b"}', "first", tmp_path)
    assert (again.returncode, "never change" in again.stderr) == (1, True)
    kept: Message = MESSAGES["CohortAnswered"].FromString(
        (tmp_path / "golden" / "CohortAnswered.first.bin").read_bytes()
    )
    assert MessageToDict(kept) == {"cohortId": "a"}
