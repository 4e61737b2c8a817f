"""What goes wrong with a local stack, told in one line."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from dsr_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator


class StackError(CommandError):
    """The stack cannot do what was asked; the message says why and what to do about it.

    The command line prints the message as it is, without a traceback.
    """


ADVICE_ON_ROOM = "free some space, or move the data: DSR_DATA_DIR=/elsewhere"
_ADVICE = {
    errno.ENOSPC: ADVICE_ON_ROOM,
    errno.EDQUOT: ADVICE_ON_ROOM,
    errno.EACCES: "make it writable, or move the data: DSR_DATA_DIR=/elsewhere",
    errno.EPERM: "make it writable, or move the data: DSR_DATA_DIR=/elsewhere",
    errno.EROFS: "make it writable, or move the data: DSR_DATA_DIR=/elsewhere",
    errno.ENOTDIR: "remove what is in the way, or move the data: DSR_DATA_DIR=/elsewhere",
}


@contextlib.contextmanager
def readable_os_errors(doing: str) -> Iterator[None]:
    """Turn an operating system's refusal into a `StackError` that names the path.

    Args:
        doing: What was being done, as in "cannot <doing>".

    Raises:
        StackError: The system refused; what it said, and what helps.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        advice = _ADVICE.get(error.errno or 0)
        message = f"cannot {doing}: {error.strerror or error}{where}"
        raise StackError(f"{message}; {advice}" if advice else message) from error
