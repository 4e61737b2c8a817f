"""Protobuf to the domain and back, one module a message.

Reading is strict: what the domain needs and the message lacks is refused with the field's name.
"""
