"""The mailbox, as the people who asked see it."""

from __future__ import annotations

from collections.abc import Collection

from rich.box import SIMPLE_HEAD
from rich.table import Table

from dsr_cli.stack import StackSettings
from dsr_cli.stack.mail import mailbox

__all__ = ["letters_table"]


def letters_table(settings: StackSettings, asked: Collection[str]) -> Table:
    """Return the letters about some requests, a row each person."""
    table = Table(
        title="\nLetters, in the mailbox of the local mail server",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("to", no_wrap=True)
    table.add_column("letters", justify="right")
    table.add_column("language")
    table.add_column("the last one's subject")
    last: dict[str, tuple[int, str, str]] = {}
    for one in mailbox(settings):
        if any(request_id in one["Message-ID"] for request_id in asked):
            count, _, _ = last.get(one["To"], (0, "", ""))
            last[one["To"]] = (count + 1, one["Content-Language"], one["Subject"])
    for to, (count, language, subject) in last.items():
        table.add_row(to, str(count), language, subject)
    return table
