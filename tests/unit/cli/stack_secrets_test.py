"""The local stack has no door that its secrets do not close."""

from __future__ import annotations

from pathlib import Path

from dsr_cli.stack import Stack
from dsr_cli.stack.specs import FANOUT, service_specs
from dsr_runtime.payload_codec import payload_keys
from support.parts import stack_settings

VARIABLE = "DSR_TEMPORAL_PAYLOAD_KEY_FILE"


def test_temporal_keeps_nothing_that_it_can_read(tmp_path: Path) -> None:
    stack = Stack(stack_settings(tmp_path), attached=True)
    files = [
        Path(one.env[VARIABLE])
        for one in service_specs(stack) + service_specs(stack)
        if one.name == FANOUT
    ]
    assert len(set(files)) == 1
    assert len(payload_keys(files[0], variable=VARIABLE)) == 1
    assert files[0].stat().st_mode & 0o077 == 0
