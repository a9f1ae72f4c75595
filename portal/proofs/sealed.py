"""A mail address under lock, from the page that took it until the job has written to it: seconds, or an hour where mail fails.

The page must answer at once and alike, whoever's address it is, so the search and the mail are a job's. A job's row would keep
what it is given; under lock it keeps nothing that can be read without the site's key, and the job empties it.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

KEPT = 3600  # seconds after which it cannot be opened any more


def seal(text: str) -> str:
    """The text under lock."""
    return _lock().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str | None:
    """The text again; None where it is not one of ours, or too old."""
    try:
        return _lock().decrypt(sealed.encode(), ttl=KEPT).decode()
    except InvalidToken:
        return None


def _lock() -> Fernet:
    key = hashlib.sha256(b"proof-mail\x00" + settings.FAIRSTACK_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
