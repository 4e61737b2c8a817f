"""Checkpoints are signed notes of three lines."""

from __future__ import annotations

import pytest

from dsr_wire.log.checkpoints import (
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from dsr_wire.log.notes import InvalidNote, NoteSigner, sign_note

ORIGIN = "example.com/behind-the-sofa"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
TEXT = f"{ORIGIN}\n20852163\n{ROOT}\n"
# C2SP tlog-checkpoint's example.
EXAMPLE = (
    f"{TEXT}\n"
    f"\u2014 {ORIGIN} Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
    "zyWE+xeMcTOAYQ8=\n"
)


def test_c2sp_s_example_is_read_and_written_again() -> None:
    found = read_checkpoint(EXAMPLE)
    assert found.origin == ORIGIN
    assert found.size == 20852163
    assert found.root.hex().startswith("0ac5186a")
    assert found.text() == TEXT


def test_what_the_log_signed_is_opened() -> None:
    key = NoteSigner.generate(ORIGIN)
    checkpoint = Checkpoint(ORIGIN, 3, b"r" * 32)
    signed = sign_checkpoint(checkpoint, [key])
    found, note = open_checkpoint(signed, [key.public], origin=ORIGIN)
    assert found == checkpoint
    assert [one.id for one in note.signatures] == [key.public.id]


def test_while_a_key_is_rotated_either_key_is_enough() -> None:
    old, new = NoteSigner.generate(ORIGIN), NoteSigner.generate(ORIGIN)
    signed = sign_checkpoint(Checkpoint(ORIGIN, 3, b"r" * 32), [old, new])
    for key in (old, new):
        open_checkpoint(signed, [key.public], origin=ORIGIN)


def test_another_log_s_checkpoint_is_refused() -> None:
    key = NoteSigner.generate(ORIGIN)
    signed = sign_checkpoint(Checkpoint("another.example", 3, b"r" * 32), [key])
    with pytest.raises(InvalidNote, match="another log"):
        open_checkpoint(signed, [key.public], origin=ORIGIN)


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    log, witness = NoteSigner.generate(ORIGIN), NoteSigner.generate(ORIGIN)
    text = Checkpoint(ORIGIN, 3, b"r" * 32).text()
    signed = sign_note(text, [], [witness.cosign(text, stamp=1)])
    with pytest.raises(InvalidNote, match="the log did not sign"):
        open_checkpoint(signed, [log.public, witness.cosigning], origin=ORIGIN)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n3\n",
        f"{ORIGIN}\n3\n{ROOT}\nmore\n",
        f"\n3\n{ROOT}\n",
        f"{ORIGIN}\n03\n{ROOT}\n",
        f"{ORIGIN}\n-3\n{ROOT}\n",
        f"{ORIGIN}\n\u0663\n{ROOT}\n",
        f"{ORIGIN}\n3\nAAAA\n",
        f"{ORIGIN}\n3\n*\n",
        f"{ORIGIN}\n3\n{ROOT}",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidNote):
        Checkpoint.parse(text)
