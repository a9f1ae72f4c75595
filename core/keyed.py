"""Keyed hashes: they let us recognise a value again without keeping it, and nobody else can try names against them."""

import hashlib
import hmac

from django.conf import settings


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA-256 of ``value`` under the site's key, in hex. Hashes for different purposes cannot be matched."""
    message = f"{purpose}\x00{value}".encode()
    return hmac.new(settings.FAIRSTACK_KEY.encode(), message, hashlib.sha256).hexdigest()
