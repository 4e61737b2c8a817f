"""A log is checked as an outsider does it: what is changed shows, with which part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from dsr_cli.commands.log import _kept_keys
from dsr_cli.errors import CommandError
from dsr_cli.tlog.checking import LogReport, check_log
from dsr_cli.tlog.site import LogSite
from dsr_cli.view.log_tree import tree_picture
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.log.checkpoints import Checkpoint, sign_checkpoint
from dsr_wire.log.notes import NoteSigner
from dsr_wire.log.tiles import bundle
from support.served_log import ServedLog
from support.transparency import a_signer

ORIGIN = "log.example.test/cli"


def a_log(count: int = 600, *, salt: str = "") -> ServedLog:
    log = ServedLog(a_signer(ORIGIN), salt=salt)
    log.append(count)
    return log


def checked(log: ServedLog, earlier: str | None = None) -> LogReport:
    site = LogSite("http://log.test/tlog/", log.client())
    return check_log(site, [log.signer.public], earlier)


def parts(report: LogReport, *, good: bool | None) -> set[str]:
    return {one.part for one in report.checks if one.is_good is good}


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_a_log_whose_leaves_make_its_root_is_good(count: int) -> None:
    report = checked(a_log(count))
    assert report.is_good
    assert parts(report, good=True) == {"signature", "leaves", "root"}
    assert report.kinds.total() == count


@pytest.mark.parametrize("first", [0, 1, 255, 256, 300, 600])
def test_a_log_that_only_grew_goes_on_from_every_checkpoint_that_was_kept(first: int) -> None:
    log = a_log(first)
    kept = log.note
    log.append(600 - first)
    report = checked(log, kept)
    assert report.is_good
    assert "consistency" in parts(report, good=True)


def test_a_log_that_was_rewritten_does_not_go_on_from_what_was_kept() -> None:
    kept = a_log(300).note
    report = checked(a_log(600, salt="other"), kept)
    assert parts(report, good=False) == {"consistency"}
    assert "rewritten" in report.checks[-1].text


def test_a_log_that_has_shrunk_is_told_of() -> None:
    report = checked(a_log(300), a_log(600).note)
    assert parts(report, good=False) == {"consistency"}
    assert "shrunk" in report.checks[-1].text


def _entry(log: ServedLog) -> None:
    changed = [*log.entries[:255], log.entries[255].replace(b"2026", b"2025")]
    log.answers["/tlog/tile/entries/000"] = bundle(changed)


def _order(log: ServedLog) -> None:
    changed = [log.entries[1], log.entries[0], *log.entries[2:256]]
    log.answers["/tlog/tile/entries/000"] = bundle(changed)


def _no_leaf(log: ServedLog) -> None:
    log.answers["/tlog/tile/entries/001"] = bundle([b"{}", *log.entries[257:512]])


def _missing_entry(log: ServedLog) -> None:
    log.answers["/tlog/tile/entries/002.p/88"] = bundle(log.entries[512:599])


def _signature(log: ServedLog) -> None:
    log.answers["/tlog/checkpoint"] = log.note.replace("\n600\n", "\n601\n").encode()


def _signer(log: ServedLog) -> None:
    other = NoteSigner.generate(ORIGIN)
    log.answers["/tlog/checkpoint"] = sign_checkpoint(log.checkpoint, [other]).encode()


def _another_log(log: ServedLog) -> None:
    other = Checkpoint("another.example", 600, log.checkpoint.root)
    log.answers["/tlog/checkpoint"] = sign_checkpoint(other, [log.signer]).encode()


def _root(log: ServedLog) -> None:
    other = Checkpoint(ORIGIN, 600, b"r" * 32)
    log.answers["/tlog/checkpoint"] = sign_checkpoint(other, [log.signer]).encode()


def _standing(log: ServedLog) -> None:
    log.answers["/readyz"] = b'{"faults": {"log": "shorter: 700 leaves were published"}}'


SPOILT: dict[str, tuple[Callable[[ServedLog], None], str]] = {
    "an entry": (_entry, "root"),
    "the order": (_order, "root"),
    "no leaf": (_no_leaf, "leaves"),
    "a missing entry": (_missing_entry, "tiles"),
    "the size": (_signature, "signature"),
    "another signer": (_signer, "signature"),
    "another log": (_another_log, "signature"),
    "the root": (_root, "root"),
    "a fork that the log says itself": (_standing, "standing"),
}


@pytest.mark.parametrize(("spoil", "part"), SPOILT.values(), ids=SPOILT.keys())
def test_what_is_wrong_is_told_by_the_part(spoil: Callable[[ServedLog], None], part: str) -> None:
    log = a_log()
    spoil(log)
    report = checked(log)
    assert not report.is_good
    assert parts(report, good=False) == {part}


def test_a_tile_that_is_wrong_proves_no_growth() -> None:
    log = a_log(300)
    kept = log.note
    log.append(300)
    log.answers["/tlog/tile/0/001"] = b"h" * 32 * 256
    assert parts(checked(log, kept), good=False) == {"consistency"}
    log.answers["/tlog/tile/0/001"] = b"h" * 31
    assert parts(checked(log, kept), good=False) == {"tiles"}


def test_without_a_key_the_signature_is_not_called_good() -> None:
    log = a_log(3)
    report = check_log(LogSite("http://log.test", log.client()), [])
    assert parts(report, good=None) == {"signature"}
    assert report.is_good


def test_cosignatures_are_counted_and_a_bad_one_refuses_the_checkpoint() -> None:
    log, witness = a_log(3), NoteSigner.generate("witness.example.test")
    site = LogSite("http://log.test", log.client())
    keys = [log.signer.public, witness.cosigning]
    assert "cosignature" in parts(check_log(site, keys), good=None)
    log.cosignatures.append(witness.cosign(log.checkpoint.text(), stamp=7))
    assert "cosignature" in parts(check_log(site, keys), good=True)
    log.cosignatures[0] = witness.cosign("another\n3\nroot\n", stamp=7)
    assert parts(check_log(site, keys), good=False) == {"signature"}


def test_an_address_where_nobody_answers_is_one_line() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    site = LogSite("http://log.test", httpx.Client(transport=httpx.MockTransport(nobody)))
    with pytest.raises(CommandError, match="no log answers at http://log"):
        check_log(site, [])


@pytest.mark.parametrize("size", [0, 1, 2, 300, 70_000, 2**40 - 1])
def test_the_picture_has_a_roof_for_each_complete_subtree_and_fits(size: int) -> None:
    lines = list(tree_picture(size))
    assert bool(lines) is (size > 0)
    if size in {1, 2, 300, 70_000}:
        assert max(map(len, lines)) <= 80
        assert sum(int(one.replace(",", "")) for one in lines[1].split()) == size


def test_published_keys_that_were_kept_check_the_log_and_its_witnesses(tmp_path: Path) -> None:
    log, witness = a_log(3), NoteSigner.generate("witness.example.test")
    log.cosignatures.append(witness.cosign(log.checkpoint.text(), stamp=7))
    kept = tmp_path / "keys.json"
    published = PublishedKeys.of([], log=[log.signer.public], witnesses=[witness.cosigning])
    kept.write_bytes(published.to_bytes())
    report = check_log(LogSite("http://log.test", log.client()), _kept_keys(kept))
    assert {"signature", "cosignature"} <= parts(report, good=True)
    kept.write_text("{}")
    with pytest.raises(CommandError, match="not published keys"):
        _kept_keys(kept)
