"""The suppression list as a system asks it: whole batches of rows, without a call for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dsr_core.errors import RejectedInput
from dsr_core.identity import IDENTIFIER_KINDS
from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_sdk.connection import KafkaConnection
from dsr_sdk.errors import ConfigurationError
from dsr_wire.suppression import FilterFile, SuppressionKey

__all__ = ["SuppressionList"]

_PORTION = 1_024
"""How many rows are hashed and then looked for together: so many hashes stay in the processor's cache."""


class SuppressionList:
    """Whom to leave alone, by keyed hashes of what names them. No address is in it.

    It is as old as what it was loaded from; load it again before each use that matters.

    Args:
        content: The filters.
        keys: The list's keys, as they are given to systems that check rows themselves.

    Raises:
        ConfigurationError: A key that made a part of the list is not among them.
    """

    def __init__(self, content: FilterFile, keys: Sequence[SuppressionKey]) -> None:
        self._filters = content.filters
        self._keys = {one.name: one for one in keys}
        self.made_at = content.made_at
        """As of when it is."""

        missing = sorted({one.key_id for one in self._filters} - self._keys.keys())
        if missing:
            raise ConfigurationError([f"the suppression list needs the key {missing[0]} as well"])

    @classmethod
    def from_file(cls, file: Path, *, key_file: Path) -> SuppressionList:
        """Load what `dsr suppression export` has written.

        Raises:
            ConfigurationError: One of the files is not there, or is not what it should be.
        """
        try:
            content = FilterFile.from_bytes(file.read_bytes())
        except OSError as error:
            raise ConfigurationError([f"{file} cannot be read ({error.strerror})"]) from error
        except RejectedInput as error:
            raise ConfigurationError([f"{file}: {error.detail}"]) from error
        return cls(content, _keys(key_file))

    @classmethod
    def of(cls, listed: Iterable[Suppression], keys: Sequence[SuppressionKey]) -> SuppressionList:
        """Make a list of entries; for tests."""
        return cls(FilterFile.of(listed, at=datetime.now(UTC)), keys)

    @classmethod
    async def from_kafka(cls, kafka: KafkaConnection, *, key_file: Path) -> SuppressionList:
        """Load what `dsr.suppressions.v1` has now; every organisation's login may read it.

        Raises:
            ConfigurationError: The key file is not what it should be.
            Unavailable: Kafka is away.
        """
        keys = _keys(key_file)
        from dsr_sdk.kafka_suppressions import listed  # noqa: PLC0415 - loading the client takes most of a start

        return cls.of((await listed(kafka)).values(), keys)

    def check(
        self, kind: SuppressionKind, identifier_kind: str, values: Iterable[str]
    ) -> list[bool]:
        """Tell of each row whether it is listed; in the order given.

        Nobody who is listed is missed. Of a million rows that are not, about one is told to be.

        Args:
            kind: What is about to be done.
            identifier_kind: What the values are: `email`, `phone`, …, as in the registry.
            values: As the rows have them; they are normalised here.

        Raises:
            ConfigurationError: There is no such kind of identifier.
        """
        if identifier_kind not in IDENTIFIER_KINDS:
            raise ConfigurationError([f"there is no kind of identifier {identifier_kind!r}"])
        rows = list(values)
        found = [False] * len(rows)
        for one in self._filters:
            if one.kind is kind:
                digests = self._keys[one.key_id].digests
                for start in range(0, len(rows), _PORTION):
                    portion = rows[start : start + _PORTION]
                    for place in one.matches(digests(identifier_kind, portion)):
                        found[start + place] = True
        return found


def _keys(file: Path) -> tuple[SuppressionKey, ...]:
    try:
        return SuppressionKey.read(file.read_text("ascii"))
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be read ({error.strerror})"]) from error
    except ValueError as error:
        # Not raised from it: the decoder's error holds what it could not decode.
        detail = "it does not hold keys" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ConfigurationError([f"{file}: {detail}"]) from None
