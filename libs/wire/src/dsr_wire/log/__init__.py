"""The transparency log's pure parts: leaves, tree, tiles, proofs, signed notes, checkpoints, cosigning.

Hashing is RFC 6962; the rest is C2SP: signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature and
tlog-witness. Nothing here opens a connection or reads a clock.
"""
