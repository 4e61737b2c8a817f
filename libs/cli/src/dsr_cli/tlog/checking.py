"""Checking a log: who signed, that its leaves make its root, that it only grew. One line a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsr_cli.tlog.site import LogSite
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint, read_checkpoint
from dsr_wire.log.growth import Edge, grow
from dsr_wire.log.leaves import Leaf
from dsr_wire.log.notes import COSIGNATURE, InvalidNote, NoteKey
from dsr_wire.log.proofs import ProofFailed, check_consistency, consistency
from dsr_wire.log.tiles import InvalidTile
from dsr_wire.merkle import leaf_hash

__all__ = ["Check", "LogReport", "check_log"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in words."""

    part: str
    """signature, cosignature, root, leaves, consistency or standing."""

    is_good: bool | None
    """None where it could not be checked."""

    text: str


@dataclass(slots=True)
class LogReport:
    """What was checked of a log."""

    checks: list[Check] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    note: str = ""
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return not any(one.is_good is False for one in self.checks)

    def say(self, part: str, *, is_good: bool | None, text: str) -> None:
        """Add a line."""
        self.checks.append(Check(part, is_good, text))


def check_log(site: LogSite, keys: Sequence[NoteKey], earlier: str | None = None) -> LogReport:
    """Check a log.

    Args:
        site: Where it is served.
        keys: The log's own and its witnesses', from a source that the caller trusts.
        earlier: A checkpoint that was kept: that the log goes on from it is shown by a proof. Without
            one, every leaf is fetched, and the root is made from them.
    """
    report = LogReport(note=site.checkpoint())
    checkpoint = _opened(report, "the newest checkpoint", report.note, keys)
    if checkpoint is None:
        return report
    report.checkpoint = checkpoint
    try:
        if earlier is None:
            _check_leaves(report, site, checkpoint)
        else:
            _check_growth(report, site, earlier, checkpoint, keys)
    except InvalidTile as error:
        report.say("tiles", is_good=False, text=f"what is served is not the log: {error}")
    standing = site.fault()
    if standing is not None:
        report.say("standing", is_good=False, text=f"the log stands still: {standing}")
    return report


def _opened(report: LogReport, what: str, note: str, keys: Sequence[NoteKey]) -> Checkpoint | None:
    try:
        checkpoint = read_checkpoint(note)
        own = [one for one in keys if one.kind != COSIGNATURE]
        if not own:
            text = f"who signed {what} could not be checked: no key of the log is known here"
            report.say("signature", is_good=None, text=text)
            return checkpoint
        checkpoint, opened = open_checkpoint(note, keys, origin=own[0].name)
    except InvalidNote as error:
        report.say("signature", is_good=False, text=f"{what} is not the log's: {error}")
        return None
    text = f"{checkpoint.origin} signed {what}, of {checkpoint.size:,} leaves"
    report.say("signature", is_good=True, text=text)
    witnesses = {(one.name, one.id) for one in keys if one.kind == COSIGNATURE}
    cosigned = [one.name for one in opened.signatures if (one.name, one.id) in witnesses]
    if witnesses:
        text = f"{len(cosigned)} of {len(witnesses)} witnesses have cosigned {what}"
        report.say("cosignature", is_good=True if cosigned else None, text=text)
    return checkpoint


def _check_leaves(report: LogReport, site: LogSite, checkpoint: Checkpoint) -> None:
    edge = Edge(0)
    for tile, found in site.bundles(checkpoint.size):
        try:
            report.kinds.update(Leaf.read(one).kind.value for one in found)
        except ValueError as error:
            text = f"bundle {tile.path} holds what is no leaf: {error}"
            report.say("leaves", is_good=False, text=text)
            return
        edge = grow(edge, [leaf_hash(one) for one in found]).edge
    counted = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.kinds.items()))
    report.say("leaves", is_good=True, text=f"all {edge.size:,} leaves read: {counted or 'none'}")
    is_root = edge.root() == checkpoint.root
    text = "make the root" if is_root else "do not make the root"
    report.say("root", is_good=is_root, text=f"the leaves {text} that was signed")


def _check_growth(
    report: LogReport,
    site: LogSite,
    earlier: str,
    newest: Checkpoint,
    keys: Sequence[NoteKey],
) -> None:
    first = _opened(report, "the checkpoint that was kept", earlier, keys)
    if first is None:
        return
    if first.origin != newest.origin:
        text = "the checkpoint that was kept is another log's"
        report.say("consistency", is_good=False, text=text)
        return
    if first.size > newest.size:
        text = f"the log has shrunk: {first.size:,} leaves were signed once, now {newest.size:,}"
        report.say("consistency", is_good=False, text=text)
        return
    try:
        check_consistency(
            first=first.size,
            second=newest.size,
            first_root=first.root,
            second_root=newest.root,
            hashes=site.range_hashes(newest.size, consistency(first.size, newest.size)),
        )
    except ProofFailed as error:
        text = f"the log has been rewritten since {first.size:,} leaves: {error}"
        report.say("consistency", is_good=False, text=text)
        return
    text = f"the {first.size:,} leaves of then are the first of the {newest.size:,} of now"
    report.say("consistency", is_good=True, text=text)
