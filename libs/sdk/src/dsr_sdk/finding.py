"""Finding: what a handler finds out about a person besides, on its way into the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.identity import IDENTIFIER_KINDS, Identifier, Identity
from dsr_core.linking import LINKS_LIMIT, Link, LinkProof
from dsr_core.resolving import Confidence
from dsr_wire.link_keys import seal_links

__all__ = ["found", "with_links"]

_LOG = logging.getLogger("dsr_sdk")


def found(
    links: list[Link],
    identity: Identity,
    link: tuple[str, str],
    *,
    through: str,
    confidence: Confidence,
    proof: LinkProof,
) -> bool:
    """Add a link to those found, and tell whether it was.

    Raises:
        ValueError: The kind is unknown, or the request names nobody by the kind it was found through.
    """
    kind, value = link
    if kind not in IDENTIFIER_KINDS:
        raise ValueError(f"{kind} is no kind of identifier")
    if through not in identity.kinds:
        raise ValueError(f"the request names nobody by {through}")
    try:
        one = Link(Identifier.of(kind, value), through, Confidence(confidence), LinkProof(proof))
    except RejectedInput:
        # A system's own rows may hold anything, and must not keep it from answering.
        _LOG.warning("a %s that was found is none, and is not told", kind)
        return False
    if one in links:
        return True
    if len(links) >= LINKS_LIMIT:
        _LOG.warning("more than %d links were found for one request", LINKS_LIMIT)
        return False
    links.append(one)
    return True


def with_links(
    acknowledgement: Acknowledgement, links: Sequence[Link], *, link_key: bytes
) -> Acknowledgement:
    """Return an answer with what was found besides, sealed; as it is where nothing may be told."""
    if not links:
        return acknowledgement
    if not link_key:
        _LOG.warning(
            "request %s: links are not told, since the registry does not say that this system resolves",
            acknowledgement.request_id,
        )
        return acknowledgement
    sealed = seal_links(
        tuple(links),
        link_key=link_key,
        request_id=acknowledgement.request_id,
        system_id=acknowledgement.system_id,
    )
    return replace(acknowledgement, sealed_links=sealed)
