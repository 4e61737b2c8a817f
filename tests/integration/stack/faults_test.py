"""What is wrong before anything starts is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.stack import Stack, StackError, StackSettings


def test_file_in_the_way_of_the_data_folder(
    tmp_path: Path, new_settings: Callable[[Path], StackSettings]
) -> None:
    (tmp_path / "file").touch()
    stack = Stack(new_settings(tmp_path / "file" / "data"), attached=True)

    with pytest.raises(StackError, match=r"^cannot use the data folder .*DSR_DATA_DIR=[^\n]*$"):
        stack.up()


def test_folder_with_something_else_is_left_alone(
    tmp_path: Path, new_settings: Callable[[Path], StackSettings]
) -> None:
    (tmp_path / "letter.txt").write_text("dear diary")
    stack = Stack(new_settings(tmp_path), attached=True)

    with pytest.raises(StackError, match=r"holds something that no stack made"):
        stack.up()
    with pytest.raises(StackError, match=r"nothing removed"):
        stack.reset()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_stack_that_was_never_up_goes_down_and_resets(
    tmp_path: Path, new_settings: Callable[[Path], StackSettings]
) -> None:
    stack = Stack(new_settings(tmp_path / "data"), attached=False)

    stack.down()
    stack.reset()

    assert {part.state for part in stack.status()} == {"stopped"}
    assert not (tmp_path / "data").exists()
