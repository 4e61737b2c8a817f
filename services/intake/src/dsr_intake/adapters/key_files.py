"""Keys in files, or in the environment: for development and small installations; and the lookup keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

import structlog

from dsr_core.errors import RuleViolation
from dsr_intake.model import Ring, key_name
from dsr_runtime.process import StartFault

__all__ = ["FileKeys", "GivenKeys", "parse_keys", "read_keys"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_KEY_BYTES = 32
_HOW = "put a new key on the first line, and leave the others below it"


def read_keys(path: Path, *, variable: str) -> tuple[bytes, ...]:
    """Return the keys that a file holds, one a line.

    Raises:
        StartFault: The file cannot be read or holds something else. The text shows nothing of it.
    """
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise StartFault(f"{variable}: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        # Not raised from it: that error holds what it could not decode.
        raise StartFault(f"{variable}: the file does not hold base64") from None
    return parse_keys(text, variable=variable)


def parse_keys(text: str, *, variable: str) -> tuple[bytes, ...]:
    """Return the keys that a text holds, one a line.

    Raises:
        StartFault: It holds something else. The text of the fault shows nothing of it.
    """
    try:
        keys = tuple(base64.b64decode(line, validate=True) for line in text.split())
    except (binascii.Error, ValueError):
        raise StartFault(f"{variable}: it does not hold base64") from None
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise StartFault(f"{variable}: it must hold {_KEY_BYTES} random bytes in base64, each line")
    if len(set(keys)) != len(keys):
        raise StartFault(f"{variable}: it holds the same key twice")
    return keys


class GivenKeys:
    """Keys that are what they are for as long as the process lives."""

    def __init__(self, keys: Sequence[bytes], *, name: str) -> None:
        self._ring = Ring(current=key_name(keys[0]), keys={key_name(one): one for one in keys})
        self._name = name

    @property
    def name(self) -> str:
        """Where they were given."""
        return self._name

    async def load(self) -> Ring:
        """Return the keys."""
        return self._ring

    async def renew(self) -> str:
        """Refuse: whoever sets the environment makes the keys."""
        detail = f"the keys are in {self._name}: {_HOW}, and start intake again"
        raise RuleViolation("keys_from_outside", detail)

    async def destroy(self, kek_id: str) -> None:
        """Refuse: whoever sets the environment has the keys."""
        detail = f"the keys are in {self._name}: take {kek_id} out there, and start intake again"
        raise RuleViolation("keys_from_outside", detail)


class FileKeys:
    """Keys in a file, which is read anew now and then: a key that is put first wraps from then on.

    A file that cannot be read any more, or holds no keys, changes nothing, and is logged.
    """

    def __init__(self, path: Path, *, variable: str) -> None:
        """Read the file.

        Raises:
            StartFault: It cannot be read, or holds something else.
        """
        self._path = path
        self._variable = variable
        self._given = GivenKeys(read_keys(path, variable=variable), name=variable)

    @property
    def name(self) -> str:
        """The setting that names the file."""
        return self._variable

    async def load(self) -> Ring:
        """Return the keys that the file holds now, or those that it held before."""
        try:
            keys = read_keys(self._path, variable=self._variable)
        except StartFault as fault:
            log.warning("the key file is not read; the keys from before stay", reason=str(fault))
        else:
            self._given = GivenKeys(keys, name=self._variable)
        return await self._given.load()

    async def renew(self) -> str:
        """Refuse: whoever writes the file makes the keys."""
        detail = f"the keys are in the file of {self._variable}: {_HOW}"
        raise RuleViolation("keys_from_outside", detail)

    async def destroy(self, kek_id: str) -> None:
        """Refuse: whoever writes the file has the keys."""
        detail = f"the keys are in the file of {self._variable}: take {kek_id} out there"
        raise RuleViolation("keys_from_outside", detail)
