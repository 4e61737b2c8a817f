"""Signed notes, against the example of Go's `sumdb/note` and those of C2SP."""

from __future__ import annotations

import pytest

from dsr_wire.log.notes import (
    InvalidNote,
    NoteKey,
    NoteSigner,
    open_note,
    sign_note,
    signature_lines,
    split_note,
)

# The documentation of golang.org/x/mod/sumdb/note.
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWL"
    "ox33WWd1RvMc+QQ=\n"
)
BOTH = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}"


def test_the_reference_s_key_signs_the_reference_s_note() -> None:
    assert sign_note(TEXT, [NoteSigner.parse(SKEY)]) == f"{TEXT}\n{PETER_LINE}"


def test_keys_are_written_as_the_reference_writes_them() -> None:
    signer = NoteSigner.parse(SKEY)
    assert signer.text() == SKEY
    assert signer.public == NoteKey.parse(VKEY)
    assert signer.public.text() == VKEY


def test_a_private_key_is_not_shown() -> None:
    assert "AYEKFALV" not in repr(NoteSigner.parse(SKEY))


def test_a_new_key_checks_what_it_signs() -> None:
    signer = NoteSigner.generate("log.example.test/one")
    again = NoteSigner.parse(signer.text())
    note = open_note(sign_note("a\n", [again]), [NoteKey.parse(signer.public.text())])
    assert note.text == "a\n"


def test_a_known_signature_is_good_and_an_unknown_one_says_nothing() -> None:
    note = open_note(BOTH, [NoteKey.parse(VKEY)])
    assert note.text == TEXT
    assert [one.name for one in note.signatures] == ["PeterNeumann"]
    assert [one.line() for one in note.unknown] == [ENOCH_LINE]


def test_two_known_signatures_are_both_good() -> None:
    note = open_note(BOTH, [NoteKey.parse(VKEY), NoteKey.parse(ENOCH)])
    assert [one.line() for one in note.signatures] == [PETER_LINE, ENOCH_LINE]
    assert note.unknown == ()


def test_a_repeated_signature_counts_once() -> None:
    note = open_note(f"{TEXT}\n{PETER_LINE}{PETER_LINE}", [NoteKey.parse(VKEY)])
    assert len(note.signatures) == 1


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(InvalidNote, match="no known key"):
        open_note(BOTH, [])


def test_a_changed_text_is_refused() -> None:
    with pytest.raises(InvalidNote, match=r"PeterNeumann\+c74f20a3 is not good"):
        open_note(BOTH.replace("answer", "Answer"), [NoteKey.parse(VKEY)])


def test_a_bad_signature_of_a_known_key_refuses_the_whole_note() -> None:
    bad = ENOCH_LINE.replace("5n2tiOHp", "5n2tiOHq")
    keys = [NoteKey.parse(VKEY), NoteKey.parse(ENOCH)]
    with pytest.raises(InvalidNote, match="EnochRoot"):
        open_note(f"{TEXT}\n{PETER_LINE}{bad}", keys)


def test_a_text_may_have_empty_lines() -> None:
    signer = NoteSigner.parse(SKEY)
    text = "one\n\ntwo\n"
    assert open_note(sign_note(text, [signer]), [signer.public]).text == text


@pytest.mark.parametrize(
    "signed",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{PETER_LINE[:-1]}",
        f"\x01{TEXT}\n{PETER_LINE}",
        f"{TEXT}\n\u2014 Bad Name x08go/ZJkuBS9UG/\n",
        f"{TEXT}\n\u2014 Bad+Name x08go/ZJkuBS9UG/\n",
        f"{TEXT}\n\u2014 PeterNeumann \n",
        f"{TEXT}\n\u2014 PeterNeumann\n",
        f"{TEXT}\n\u2014 PeterNeumann x08gow==\n",
        f"{TEXT}\n\u2014 PeterNeumann \u00e9\n",
        f"{TEXT}\n-- PeterNeumann x08go/ZJkuBS9UG/\n",
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n",
        f"{TEXT}\n{PETER_LINE * 101}",
        # The last letter's unused bits: the same bytes, written another way.
        f"{TEXT}\n{PETER_LINE.replace('nAM=', 'nAN=')}",
    ],
)
def test_what_is_no_note_is_refused(signed: str) -> None:
    with pytest.raises(InvalidNote):
        open_note(signed, [NoteKey.parse(VKEY)])


def test_a_text_without_its_end_is_not_signed() -> None:
    with pytest.raises(InvalidNote):
        sign_note("abc", [])


def test_every_cut_and_every_changed_letter_of_a_public_key_is_refused() -> None:
    cuts = [VKEY[i:j] for i in range(len(VKEY)) for j in range(i + 1, len(VKEY) + 1)]
    changed = [VKEY[:i] + chr(ord(VKEY[i]) + 1) + VKEY[i + 1 :] for i in range(len(VKEY))]
    for one in (*(cut for cut in cuts if cut != VKEY), *changed):
        with pytest.raises(ValueError):  # noqa: PT011 - each fault has a text of its own
            NoteKey.parse(one)


def test_every_cut_and_every_changed_letter_of_a_private_key_is_refused() -> None:
    cuts = [SKEY[i:j] for i in range(len(SKEY)) for j in range(i + 1, len(SKEY) + 1)]
    changed = [SKEY[:i] + chr(ord(SKEY[i]) + 1) + SKEY[i + 1 :] for i in range(len(SKEY))]
    for one in (*(cut for cut in cuts if cut != SKEY), *changed):
        with pytest.raises(ValueError):  # noqa: PT011 - each fault has a text of its own
            NoteSigner.parse(one)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_of_another_length_or_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        NoteKey.parse(text)


def test_a_witness_cosigns_at_a_time_that_is_signed_too() -> None:
    log, witness = NoteSigner.generate("log.example.test"), NoteSigner.generate("w.example.test/1")
    text = "log.example.test\n0\nroot\n"
    cosignature = witness.cosign(text, stamp=1679315147)
    signed = sign_note(text, [log], [cosignature])
    note = open_note(signed, [log.public, NoteKey.parse(witness.cosigning.text())])
    assert note.signatures == (log.sign(text), cosignature)
    assert int.from_bytes(cosignature.raw[:8], "big") == 1679315147
    later = (1679315148).to_bytes(8, "big") + cosignature.raw[8:]
    assert not witness.cosigning.is_signer_of(text, later)


def test_a_witness_s_key_is_not_its_key_as_an_author() -> None:
    witness = NoteSigner.generate("w.example.test/1")
    assert witness.cosigning.id != witness.public.id
    assert not witness.cosigning.is_signer_of("a\n", witness.sign("a\n").raw)
    assert not witness.public.is_signer_of("a\n", witness.cosign("a\n", stamp=1).raw)


def test_c2sp_s_example_is_read() -> None:
    lines = signature_lines(
        "\u2014 witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTS"
        "vVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==\n"
    )
    assert [(one.name, f"{one.id:08x}", len(one.raw)) for one in lines] == [
        ("witness.example/w1", "08ca7ee8", 72)
    ]
    text, signatures = split_note(
        "Ognuno sta solo sul cuor della terra\n"
        "trafitto da un raggio di sole:\n"
        "\n"
        "ed \u00e8 subito sera.\n"
        "\n"
        "\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKON"
        "rMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    assert text.endswith("sera.\n")
    assert [one.name for one in signatures] == ["quasimodo.example/salvatore"]
