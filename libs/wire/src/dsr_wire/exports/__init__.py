"""Exports as they lie in the object store: parts under a key of their own, which the package's key opens.

An export has two streams: its data, which is its files one after another, and its index, one line of
JSON a file. Each is cut into parts of equal length. A part is encrypted by itself with AES-256-GCM
(NIST SP 800-38D) and is one object, so that an upload that broke goes on at the part where it broke.
The nonce is the stream and the number of the part: the key belongs to one export, and whoever writes a
part a second time with other content makes another export (ADR 22).
"""

from dsr_wire.exports.index import file_from_line, line_of
from dsr_wire.exports.parts import TAG_BYTES, ExportKey, Stream, part_path, part_sizes, prefix

__all__ = [
    "TAG_BYTES",
    "ExportKey",
    "Stream",
    "file_from_line",
    "line_of",
    "part_path",
    "part_sizes",
    "prefix",
]
