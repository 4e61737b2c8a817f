"""What can start at the same time, and doing things at the same time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from dsr_cli.stack.process import ProcessSpec


def waves(specs: Iterable[ProcessSpec]) -> list[list[ProcessSpec]]:
    """Sort processes so that each waits only for those of earlier waves.

    Every name in `after` must be among them, and earlier; `Stack.add` sees to that.
    """
    wave_of: dict[str, int] = {}
    result: list[list[ProcessSpec]] = []
    for spec in specs:
        wave = max((wave_of[name] + 1 for name in spec.after), default=0)
        wave_of[spec.name] = wave
        if wave == len(result):
            result.append([])
        result[wave].append(spec)
    return result


def together(actions: Sequence[Callable[[], None]], *, cancelled: threading.Event) -> None:
    """Do everything at once, and return when all of it has ended.

    Args:
        actions: Each runs in a thread of its own.
        cancelled: Set as soon as one fails or the user interrupts, for the others to see.

    Raises:
        Exception: What the first action to fail has raised.
    """
    if not actions:
        return
    first: list[BaseException] = []

    def ended(future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            first.append(error)
            cancelled.set()

    with ThreadPoolExecutor(len(actions)) as pool:
        futures = [pool.submit(action) for action in actions]
        for future in futures:
            future.add_done_callback(ended)
        try:
            for future in futures:
                future.exception()
        except KeyboardInterrupt:
            cancelled.set()
            raise
    if first:
        raise first[0]
