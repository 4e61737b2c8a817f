"""What goes over the wire: topics, envelopes, sealing and signing, and protobuf to the domain and back.

No connection is opened here; that is `dsr_runtime`'s and `dsr_sdk`'s part.
"""
