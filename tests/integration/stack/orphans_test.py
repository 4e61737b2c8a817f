"""An attached stack leaves nothing behind, however its process ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.supervisor import is_gone
from dsr_cli.waiting import wait_until

_PARENT = """
import json, sys, threading
from pathlib import Path
from dsr_cli.stack import Stack, StackSettings

place = json.loads(sys.argv[1])
stack = Stack(
    StackSettings(
        checkout=Path(place["checkout"]),
        port_base=place["port_base"],
        data_dir=Path(place["data_dir"]),
        cache_dir=Path(place["cache_dir"]),
    ),
    attached=True,
)
# From a thread that ends at once: what it starts must not end with it.
starter = threading.Thread(target=stack.up)
starter.start()
starter.join()
print(json.dumps({name: stack.pid(name) for name in stack.names}), flush=True)
threading.Event().wait()
"""


def test_kill_9_of_the_parent_ends_every_process(
    data_dir: Path, new_settings: Callable[[Path], StackSettings]
) -> None:
    settings = new_settings(data_dir)
    place = {
        "checkout": str(settings.checkout),
        "port_base": settings.port_base,
        "data_dir": str(settings.data_dir),
        "cache_dir": str(settings.cache_dir),
    }
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, json.dumps(place)], stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            assert parent.stdout is not None
            pids = json.loads(parent.stdout.readline())
            assert None not in pids.values()
            family = psutil.Process(parent.pid).children(recursive=True)
            assert set(pids.values()) <= {process.pid for process in family}
        finally:
            parent.kill()

    assert wait_until(lambda: all(map(is_gone, family)), timeout=10)

    # The next stack on the folder finds stale pid files, and starts all the same.
    with Stack(settings, attached=True) as stack:
        assert {part.state for part in stack.status()} == {"ready"}
