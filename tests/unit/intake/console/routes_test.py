"""The console is off unless it is asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from dsr_intake.http import console
from dsr_intake.http.context import Context
from dsr_intake.settings import Settings


def test_without_the_setting_there_is_no_console() -> None:
    assert Settings.model_fields["console"].default is False
    nothing = cast("Context", SimpleNamespace(console=None))
    assert console.router(nothing).routes == []
