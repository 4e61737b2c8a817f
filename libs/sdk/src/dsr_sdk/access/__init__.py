"""Handing over for access: what a handler yields becomes an export, encrypted and uploaded part by part.

`exporting` asks the handler, `writing` makes two streams of what it yields, `uploading` brings their
parts to the object store, and remembers in the journal what it brought (ADR 22).
"""
