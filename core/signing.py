"""The site's signing key (Ed25519): for checkpoints of the ledger, receipts and the removal feed.

``FAIRSTACK_SIGNING_KEY`` is its seed in hex. On a single machine a file of that name in ``FAIRSTACK_KEYS`` (mode 0600) holds it,
made on first use; a deployment must set the variable. When a new key takes over, the old public key goes into
``FAIRSTACK_FORMER_KEYS`` and stays published, so that what it signed can still be checked: docs/ledger.md tells the steps.
"""

import hashlib
import re
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@lru_cache(maxsize=4)
def _private(seed: str) -> Ed25519PrivateKey:
    if not re.fullmatch(r"[0-9a-f]{64}", seed):
        raise ImproperlyConfigured(
            "FAIRSTACK_SIGNING_KEY has to be 64 hex digits in lower case: make one with `openssl rand -hex 32`."
        )
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def sign(data: bytes) -> bytes:
    """The site's signature over ``data`` (64 bytes)."""
    return _private(settings.FAIRSTACK_SIGNING_KEY).sign(data)


def public_key() -> bytes:
    """The public key that goes with ``sign`` (32 raw bytes)."""
    return _private(settings.FAIRSTACK_SIGNING_KEY).public_key().public_bytes_raw()


def fingerprint() -> str:
    """SHA-256 of the raw public key, in hex: what people compare."""
    return hashlib.sha256(public_key()).hexdigest()


def former_keys() -> list[bytes]:
    """The public keys that signed before this one (32 raw bytes each), in the order of the setting.

    Raises:
        ImproperlyConfigured: The setting holds something else than public keys in hex.
    """
    for text in settings.FAIRSTACK_FORMER_KEYS:
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise ImproperlyConfigured(
                f"FAIRSTACK_FORMER_KEYS has {text!r}: a public key is 64 hex digits in lower case."
            )
    return [bytes.fromhex(text) for text in settings.FAIRSTACK_FORMER_KEYS]
