"""The challenge: one random line, bound to a request and the key of an account, that only a writer of the repository can place."""

import hashlib
import hmac
import re
import secrets

from core.keyed import keyed_hash

FILE_NAME = ".fairstack-challenge"
PREFIX = "fairstack-challenge="
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{22}}\.[0-9a-f]{{32}}")


def make(reference: str, owner_key: str) -> str:
    """A new challenge. The second half binds the random first half to the request and the account under the site's key."""
    nonce = secrets.token_urlsafe(16)
    return f"{PREFIX}{nonce}.{_bind(nonce, reference, owner_key)}"


def belongs(challenge: str, reference: str, owner_key: str) -> bool:
    """Whether this challenge was made for this request and account."""
    if not _FORM.fullmatch(challenge):
        return False
    nonce, _, bound = challenge.removeprefix(PREFIX).partition(".")
    return hmac.compare_digest(bound, _bind(nonce, reference, owner_key))


def judge(found: bytes, expected: str) -> str:
    """The outcome of comparing a file's content with the challenge: a key of ``portal.proofs.outcomes``."""
    text = found.decode("utf-8", "replace").lstrip("\ufeff").strip()
    line = text.splitlines()[0].strip() if text else ""
    if hmac.compare_digest(hashlib.sha256(line.encode()).digest(), hashlib.sha256(expected.encode()).digest()):
        return "passed"
    return "other_challenge" if _FORM.fullmatch(line) else "wrong_text"


def _bind(nonce: str, reference: str, owner_key: str) -> str:
    return keyed_hash("proof-challenge", f"{nonce}\x00{reference}\x00{owner_key}")[:32]
