"""Reading the removal feed: the list of what was taken out of which release, for those who downloaded one.

The feed (format ``fairstack-removals-1``) is a chain: each item holds the digest of the one before, and the last one is signed with the
key whose fingerprint the caller gives. Needs no Django, and asks nobody but the address that it is given.
"""

import hashlib
import json
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from datasets_app.pipeline.errors import PipelineError

FORMAT = "fairstack-removals-1"
SIGNED_AS = b"fairstack removals 1\n"
START = "0" * 64
"""The digest before the first item."""


class FeedRefused(PipelineError):
    """The feed is not whole, was changed, or was signed by somebody else."""


Read = Callable[[int], bytes]
"""Gives the page of the feed after an item's number."""


def pages(feed: str) -> Read:
    """The pages of a feed at an address, or in files: ``feed.json``, and ``feed-100.json`` for what comes after item 100.

    Raises:
        FeedRefused: (by what is given back) A page cannot be had.
    """

    def read(after: int) -> bytes:
        try:
            if feed.startswith(("https://", "http://")):
                with urllib.request.urlopen(f"{feed}?after={after}", timeout=60) as answer:  # noqa: S310 - http and https alone
                    data: bytes = answer.read()
                return data
            path = Path(feed)
            return (path.with_name(f"{path.stem}-{after}{path.suffix}") if after else path).read_bytes()
        except (OSError, HTTPException) as error:  # HTTPException: an answer that was cut off
            raise FeedRefused(f"The feed cannot be read: {error!r}.") from error

    return read


def read_feed(read: Read, fingerprint: str) -> list[dict[str, Any]]:
    """All items of the feed, checked against the signed head.

    Args:
        read: Gives a page.
        fingerprint: SHA-256 (hex) of the key that must have signed it.

    Raises:
        FeedRefused: Says what is wrong with it.
    """
    items: list[dict[str, Any]] = []
    first: Mapping[str, Any] | None = None
    after: int | None = 0
    while after is not None:
        try:
            page = json.loads(read(after))
            head = _signed_head(page, fingerprint)
            first = first or head
            if head != first:
                raise FeedRefused("The feed grew while it was read. Run the command again.")
            items += [dict(item) for item in page["items"]]
            following = page["next"]
        except (ValueError, KeyError, TypeError) as error:
            raise FeedRefused(f"This is no removal feed, or a part of it is missing: {error!r}.") from error
        if following is not None and following <= after:
            raise FeedRefused("The pages of the feed lead nowhere.")
        after = following
    assert first is not None
    digest = START
    for number, item in enumerate(items, 1):
        if item.get("sequence") != number or item.get("previous") != digest:
            raise FeedRefused(f"Item {number} of the feed does not follow upon the one before it.")
        digest = hashlib.sha256(rfc8785.dumps(item)).hexdigest()
    if (len(items), digest) != (first["sequence"], first["digest"]):
        raise FeedRefused("The feed does not end where its signed head says: items are missing or were changed.")
    return items


def _signed_head(page: Mapping[str, Any], fingerprint: str) -> Mapping[str, Any]:
    key, head = bytes.fromhex(page["public_key"]), page["head"]
    if hashlib.sha256(key).hexdigest() != fingerprint.replace(":", "").strip().lower():
        raise FeedRefused("The feed was signed with another key than the one whose fingerprint you gave.")
    try:
        signed = SIGNED_AS + rfc8785.dumps(head)
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(page["signature"]), signed)
    except InvalidSignature:
        raise FeedRefused("The signature of the feed is not good: it was changed on the way.") from None
    if head["format"] != FORMAT:
        raise FeedRefused(f"The feed has the format {head['format']!r}; this program reads {FORMAT!r}.")
    return head
