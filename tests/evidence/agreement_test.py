"""Two verifiers that share no code, over the same files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dsr_core.acknowledgements import Exemption
from dsr_core.rights import Disposition
from dsr_wire import merkle
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.certificate.verifying import verify
from dsr_wire.keys import Revocation
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.leaves import Kind, Leaf
from dsr_wire.log.notes import NoteKey
from dsr_wire.log.tiles import FULL, tiles_of
from support.builders import NOW, a_request_id, an_acknowledgement, days
from support.changing import changed_files
from support.evidence import ORIGIN, RECEIVED_AT, Office, a_certificate, a_full_certificate
from support.second_verifier import SOURCE, Second, build_log_reader

OFFICE = Office()
FULL_ONE = a_full_certificate(OFFICE)


def agree(second: Second, data: bytes, keys: PublishedKeys | None = None) -> bool:
    """Whether the file is good, on which both must agree."""
    published = keys or OFFICE.keys
    is_good = verify(data, published).is_good
    said = second(data, published.to_bytes())
    assert (said == "good") == is_good, said
    return is_good


@pytest.mark.timeout(300)
def test_the_second_verifier_agrees_on_good_files(second_verifier: Second) -> None:
    assert agree(second_verifier, FULL_ONE.to_bytes())
    bare = a_certificate(
        OFFICE,
        answers={"crm": [an_acknowledgement(request_id=a_request_id())]},
        is_witnessed=False,
    )
    assert agree(second_verifier, bare.to_bytes())


def test_the_second_verifier_reads_keys_with_any_letters(second_verifier: Second) -> None:
    """Base64 has the plus that stands between the parts of a witness's key."""
    office = next(one for one in iter(Office, None) if "+" in _encoded(one.witness.cosigning))
    assert verify(a_full_certificate(office).to_bytes(), office.keys).is_good
    said = second_verifier(a_full_certificate(office).to_bytes(), office.keys.to_bytes())
    assert said == "good"


def _encoded(key: NoteKey) -> str:
    return key.text().split("+", 2)[2]


def test_the_second_verifier_agrees_on_grounds_in_any_letters(second_verifier: Second) -> None:
    grounds = ['<&> \u2028\u2029 \\u2028 \b\f\x7f \u00e9\U0001f512 "quoted"', "HGB 257"]
    exemptions = tuple(
        Exemption(ground=one, review_at=NOW + days(9), categories=("user.name", "user"), records=0)
        for one in grounds
    )
    answer = an_acknowledgement(
        Disposition.EXEMPT, request_id=a_request_id(), exemptions=exemptions
    )
    assert agree(second_verifier, a_certificate(OFFICE, answers={"crm": [answer]}).to_bytes())


@pytest.mark.timeout(300)
def test_the_second_verifier_agrees_on_every_changed_value(second_verifier: Second) -> None:
    for path, how, changed in changed_files(FULL_ONE.to_bytes()):
        assert not agree(second_verifier, changed), (path, how)


@pytest.mark.timeout(300)
def test_the_second_verifier_agrees_on_changed_bytes(second_verifier: Second) -> None:
    data = FULL_ONE.to_bytes()
    for place in range(0, len(data), 23):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not agree(second_verifier, bytes(changed))
    for other in (data[:-1], data + b"\n", b"", b"\n", b"null\n", data.replace(b":", b": ", 1)):
        assert not agree(second_verifier, other)


def test_the_second_verifier_agrees_on_keys(second_verifier: Second) -> None:
    data = FULL_ONE.to_bytes()
    for revoked_at in (RECEIVED_AT - days(1), RECEIVED_AT, RECEIVED_AT + days(1)):
        crm = OFFICE.systems["crm"].public
        revoked = replace(crm, revoked=(Revocation(crm.signing.id, revoked_at, "it leaked"),))
        others = [one.public for name, one in OFFICE.systems.items() if name != "crm"]
        keys = PublishedKeys.of(
            [revoked, *others], log=OFFICE.keys.log, witnesses=OFFICE.keys.witnesses
        )
        assert agree(second_verifier, data, keys) == (revoked_at > RECEIVED_AT)
    assert not agree(second_verifier, data, replace(OFFICE.keys, witnesses=()))
    assert not agree(second_verifier, data, Office().keys)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a log that is a folder of files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def hashes(count: int, known: Leaf, at: int) -> list[bytes]:
    leaves = [Leaf(Kind.AUDIT, hashlib.sha256(b"%d" % n).hexdigest(), NOW) for n in range(count)]
    leaves[at] = known
    return [one.hash() for one in leaves]


def publish(folder: Path, leaves: list[bytes]) -> None:
    """Write a log as tlog-tiles has it."""
    for tile in tiles_of(len(leaves)):
        row = leaves
        for _ in range(tile.level):
            row = [merkle.root(row[n : n + FULL]) for n in range(0, len(row) - FULL + 1, FULL)]
        path = folder / "tile" / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(row[tile.index * FULL : tile.index * FULL + tile.width]))
    checkpoint = Checkpoint(ORIGIN, len(leaves), merkle.root(leaves))
    (folder / "checkpoint").write_text(sign_checkpoint(checkpoint, [OFFICE.log]))


def test_a_reader_on_public_packages_reads_the_logs_tiles(site: str, tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    read = build_log_reader(tmp_path / "programs")
    before = hashes(300, FULL_ONE.log.leaf, 40)
    checkpoint = Checkpoint(ORIGIN, len(before), merkle.root(before))
    kept, key = sign_checkpoint(checkpoint, [OFFICE.log]), OFFICE.log.public.text()
    publish(tmp_path, [*before, *hashes(700, FULL_ONE.log.leaf, 2)])
    assert read(site, key, kept) == "good"
    publish(tmp_path, [*before[:-1], *hashes(700, FULL_ONE.log.leaf, 2)])
    assert read(site, key, kept) == "refused: its first 300 leaves are others"
    publish(tmp_path, before[:200])
    assert read(site, key, kept) == "refused: it had 300 leaves, and has 200"


def test_the_second_verifier_refuses_what_the_statement_alone_shows(
    second_verifier: Second,
) -> None:
    """Whoever signs and logs it, as many systems stand there as had to answer, each once."""
    one = FULL_ONE.statement
    first, *others = one.obligations
    for obligations, expected in ((others, 3), ((first, first, *others), 4), ([first, *others], 4)):
        statement = replace(one, obligations=tuple(obligations), expected=expected)
        by_hash = {merkle.leaf_hash(each.answer): each for each in FULL_ONE.answers}
        answers = [by_hash[each.leaf_hash] for owed in obligations for each in owed.answers]
        lying = replace(
            FULL_ONE,
            statement=statement,
            answers=tuple(answers),
            log=OFFICE.logged(statement),
        )
        assert not agree(second_verifier, lying.to_bytes())
    early = replace(one, closed_at=one.closed_at - days(1))
    assert not agree(
        second_verifier,
        replace(FULL_ONE, statement=early, log=OFFICE.logged(early)).to_bytes(),
    )


def test_the_second_verifier_agrees_on_statements_of_the_form_of_before(
    second_verifier: Second,
) -> None:
    old = replace(FULL_ONE.statement, asked=None)
    one = replace(FULL_ONE, statement=old, log=OFFICE.logged(old))
    assert agree(second_verifier, one.to_bytes())


def test_the_second_verifier_is_small_enough_to_be_read() -> None:
    assert [one.name for one in (SOURCE / "verifier").glob("*.go")] == ["main.go"]
    assert len((SOURCE / "verifier" / "main.go").read_text().splitlines()) < 200
