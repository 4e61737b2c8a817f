"""The filter file: Bloom filters of the suppression list, one for each kind and key.

The file is, in this order: `DSRSUPF1`; the length of the header, 4 bytes, big-endian; the header,
JSON in UTF-8; the bits of each filter, whole bytes, in the order of the header; and the SHA-256 of
all that. The header has `version` (1), `made_at`, and `filters`: `kind`, `key_id`, `entries`, `bits`
and `hashes` each.

Of a digest's 16 bytes the first 8 are `a`, the others `b`, both little-endian. It is in a filter of
m bits and k hashes where the bits (a + i * (b | 1)) mod m are set for all i below k; bit n is bit n
mod 8, the lowest first, of byte n div 8.

A filter never misses who is listed. One row in a million that is not looks as if it were.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress, repeat
from operator import mod
from typing import Any

from dsr_core.errors import RejectedInput
from dsr_core.suppressions import Suppression, SuppressionKind

__all__ = ["FALSE_POSITIVES", "Filter", "FilterFile"]

FALSE_POSITIVES = 1e-6
"""The share of rows that look listed and are not."""

_HASHES = 7
"""A third of what the smallest filter would have: three fifths larger, it ends six of seven strangers at once."""

_MAGIC = b"DSRSUPF1"
_LENGTH = struct.Struct(">I")
_PAIR = struct.Struct("<QQ")
_SUM_BYTES = 32
_SPREAD = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of one kind, as far as one key made it."""

    kind: SuppressionKind
    key_id: str
    entries: int
    hashes: int
    flags: bytes
    """One byte a bit, 0 or 1: eight times the file's size, and several times as fast."""

    @classmethod
    def of(cls, kind: SuppressionKind, key_id: str, digests: Sequence[bytes]) -> Filter:
        """Make the filter of these digests."""
        bits = -len(digests) * _HASHES / math.log(1 - FALSE_POSITIVES ** (1 / _HASHES))
        size = max(64, 8 * math.ceil(bits / 8))
        flags = bytearray(size)
        for digest in digests:
            a, b = _PAIR.unpack(digest)
            b |= 1
            for i in range(_HASHES):
                flags[(a + i * b) % size] = 1
        return cls(kind, key_id, len(digests), _HASHES, bytes(flags))

    def matches(self, digests: Sequence[bytes]) -> list[int]:
        """Return the places of the digests that are listed, or look so."""
        flags, size, hashes = self.flags, len(self.flags), self.hashes
        halves = array("Q", b"".join(digests))
        if sys.byteorder == "big":
            halves.byteswap()
        first, second = halves[::2], halves[1::2]
        # Without a line of ours for each: most rows end here, and few are looked at bit by bit.
        hits = map(flags.__getitem__, map(mod, first, repeat(size)))
        found = []
        for place in compress(range(len(digests)), hits):
            step = second[place] | 1
            at = first[place] + step
            if hashes > 1 and not flags[at % size]:
                continue  # as most do that get here
            for _ in repeat(None, hashes - 2):
                at += step
                if not flags[at % size]:
                    break
            else:
                found.append(place)
        return found

    def header(self) -> dict[str, Any]:
        """Return what the file's header says of it."""
        return {
            "kind": self.kind.value,
            "key_id": self.key_id,
            "entries": self.entries,
            "bits": len(self.flags),
            "hashes": self.hashes,
        }

    def packed(self) -> bytes:
        """Return its bits, eight a byte."""
        return bytes(
            sum(bit << n for n, bit in enumerate(self.flags[at : at + 8]))
            for at in range(0, len(self.flags), 8)
        )

    @classmethod
    def of_header(cls, fields: dict[str, Any], packed: bytes) -> Filter:
        """Rebuild it.

        Raises:
            ValueError: The fields are no filter's; so do KeyError and TypeError.
        """
        flags = b"".join(map(_SPREAD.__getitem__, packed))
        hashes, entries = int(fields["hashes"]), int(fields["entries"])
        if len(flags) != fields["bits"] or not flags or hashes < 1:
            raise ValueError("not a filter")
        return cls(SuppressionKind(fields["kind"]), str(fields["key_id"]), entries, hashes, flags)


@dataclass(frozen=True, slots=True)
class FilterFile:
    """All filters of the list as it stood at a time."""

    made_at: datetime
    filters: tuple[Filter, ...]

    @classmethod
    def of(cls, listed: Iterable[Suppression], *, at: datetime) -> FilterFile:
        """Make the filters of a list."""
        parts: dict[tuple[SuppressionKind, str], set[bytes]] = {}
        for one in listed:
            parts.setdefault((one.kind, one.key_id), set()).add(one.digest)
        return cls(
            at,
            tuple(Filter.of(kind, key, sorted(digests)) for (kind, key), digests in sorted(parts.items())),
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """Return the file."""
        content = {
            "version": 1,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
            "filters": [one.header() for one in self.filters],
        }
        header = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        body = b"".join(one.packed() for one in self.filters)
        whole = _MAGIC + _LENGTH.pack(len(header)) + header + body
        return whole + hashlib.sha256(whole).digest()

    @classmethod
    def from_bytes(cls, content: bytes) -> FilterFile:
        """Read a file.

        Raises:
            RejectedInput: It is none, of another version, cut off, or changed.
        """
        whole, checksum = content[:-_SUM_BYTES], content[-_SUM_BYTES:]
        if not whole.startswith(_MAGIC):
            raise RejectedInput("invalid_filter", "not a filter file of this version")
        if hashlib.sha256(whole).digest() != checksum:
            raise RejectedInput("invalid_filter", "the filter file is cut off, or was changed")
        try:
            return cls._of_content(whole[len(_MAGIC) :])
        except (KeyError, TypeError, ValueError, struct.error, RecursionError) as error:
            raise RejectedInput("invalid_filter", "the filter file cannot be read") from error

    @classmethod
    def _of_content(cls, content: bytes) -> FilterFile:
        [length] = _LENGTH.unpack(content[: _LENGTH.size])
        at = _LENGTH.size + length
        header = json.loads(content[_LENGTH.size : at])
        filters = []
        for fields in header["filters"]:
            end = at + int(fields["bits"]) // 8
            filters.append(Filter.of_header(fields, content[at:end]))
            at = end
        if at != len(content) or header["version"] != 1:
            raise ValueError("more than the header says, or another version")
        return cls(datetime.fromisoformat(header["made_at"]), tuple(filters))
