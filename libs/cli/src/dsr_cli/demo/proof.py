"""The last screen: what was held before and after, who answered what, how long it took, where to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dsr_cli.demo.holdings import Holding
from dsr_cli.stack import StackSettings
from dsr_cli.view.board import Board, cell
from dsr_core.closing import Outcome
from dsr_core.rights import Disposition

__all__ = ["answers_table", "holdings_table", "places", "verdict"]

_MAY_KEEP = {Disposition.PARTIALLY_EXEMPT, Disposition.EXEMPT}
_HELD = {Disposition.ERASED, Disposition.ABSENT, *_MAY_KEEP}
_UNTOUCHED = {None, Disposition.STOPPED}
"""What a system says that was never asked, or that was told to stop before it had done anything."""

_NOT_FOLLOWED = {Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REFERRED, Outcome.NOT_VERIFIED}


def holdings_table(
    before: Mapping[str, Holding], after: Mapping[str, Holding], board: Board
) -> Table:
    """Return rows per system before and after, with what the systems answered."""
    table = Table(
        title="\nRows of the people who asked, and all rows, in each system's own database",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("system", no_wrap=True)
    for heading in ("theirs\nbefore", "theirs\nafter", "all\nbefore", "all\nafter"):
        table.add_column(heading, justify="right")
    table.add_column("answers")
    for system_id, held in before.items():
        left = after[system_id]
        answers = Counter(row.answers.get(system_id) for row in board.rows.values())
        said = Text("  ").join(
            Text.assemble(cell(one), f" {count} {(one or 'none').replace('_', ' ')}")
            for one, count in sorted(answers.items(), key=lambda pair: str(pair[0]))
        )
        table.add_row(
            system_id,
            str(held.theirs),
            Text(str(left.theirs), style="yellow" if left.theirs else "green"),
            str(held.total),
            str(left.total),
            said,
        )
    table.add_section()
    table.add_row(
        "all",
        str(sum(one.theirs for one in before.values())),
        str(sum(one.theirs for one in after.values())),
        str(sum(one.total for one in before.values())),
        str(sum(one.total for one in after.values())),
    )
    return table


def answers_table(board: Board) -> Text:
    """Return how long the requests took."""
    seconds = sorted(row.seconds for row in board.rows.values() if row.seconds is not None)
    if not seconds:
        return Text("no request was closed", style="red")
    middle = seconds[len(seconds) // 2]
    return Text(
        f"{len(seconds)} of {len(board.rows)} requests closed and answered; "
        f"fastest {seconds[0]:.1f} s, median {middle:.1f} s, slowest {seconds[-1]:.1f} s"
    )


def verdict(
    before: Mapping[str, Holding],
    after: Mapping[str, Holding],
    board: Board,
    asked: Mapping[str, str],
) -> list[str]:
    """Return what contradicts the answers; empty where all that was said is true.

    Args:
        before: What each system held before.
        after: What each holds now.
        board: The answers.
        asked: The person of each request, by the request's id.
    """
    faults = []
    for system_id, held in before.items():
        for request_id, person in asked.items():
            answer = board.rows[request_id].answers.get(system_id)
            said = (answer or "nothing").replace("_", " ")
            rows, left = held.by_person[person], after[system_id].by_person[person]
            if board.rows[request_id].outcome in _NOT_FOLLOWED and answer in _UNTOUCHED:
                if left != rows:
                    faults.append(f"{system_id} answered {said} and erased rows of {person}")
                continue
            if answer == Disposition.TOO_LATE:  # whatever had been done is the earlier answer's
                continue
            if left and answer not in _MAY_KEEP:
                faults.append(f"{system_id} answered {said} and still holds rows of {person}")
            if rows and answer not in _HELD:
                faults.append(f"{system_id} answered {said} and held rows of {person}")
            if not rows and answer in _HELD:
                faults.append(f"{system_id} answered {said} and held no row of {person}")
        gone = held.theirs - after[system_id].theirs
        if held.total - after[system_id].total != gone:
            faults.append(f"{system_id} lost rows of people who did not ask")
    faults += [
        f"{row.label} is {row.state}" for row in board.rows.values() if row.state != "answered"
    ]
    return faults


def places(settings: StackSettings, *, stays: bool) -> RenderableType:
    """Return where the API's documentation and Temporal's UI are."""
    lines = [
        Text(f"API documentation  {settings.intake_url}/docs"),
        Text(f"Temporal's UI      {settings.temporal_ui_url}"),
        Text(f"Logs               {settings.logs_dir}"),
    ]
    if not stays:
        hint = "This stack stops now; `make up` starts the same one to stay, and these open then."
        lines.append(Text(hint, style="dim"))
    return Group(*lines)
