"""The challenge: one random line, bound to a request, an account and a kind of proof, that only its owner can place or sign."""

import hashlib
import hmac
import re
import secrets

from core.keyed import keyed_hash

FILE_NAME = ".fairstack-challenge"
PREFIX = "fairstack-challenge="
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{22}}\.[0-9a-f]{{32}}")


def make(reference: str, owner_key: str, kind: str = "challenge_file") -> str:
    """A new challenge. The second half binds the random first half to the request, the account and the kind under the site's key."""
    nonce = secrets.token_urlsafe(16)
    return f"{PREFIX}{nonce}.{_bind(nonce, reference, owner_key, kind)}"


def belongs(challenge: str, reference: str, owner_key: str, kind: str = "challenge_file") -> bool:
    """Whether this challenge was made for this request, account and kind of proof."""
    if not _FORM.fullmatch(challenge):
        return False
    nonce, _, bound = challenge.removeprefix(PREFIX).partition(".")
    return hmac.compare_digest(bound, _bind(nonce, reference, owner_key, kind))


def judge(found: bytes, expected: str) -> str:
    """The outcome of comparing a file's content with the challenge: a key of ``portal.proofs.outcomes``."""
    text = found.decode("utf-8", "replace").lstrip("\ufeff").strip()
    line = text.splitlines()[0].strip() if text else ""
    if hmac.compare_digest(hashlib.sha256(line.encode()).digest(), hashlib.sha256(expected.encode()).digest()):
        return "passed"
    return "other_challenge" if _FORM.fullmatch(line) else "wrong_text"


def is_challenge(text: str) -> bool:
    """Whether a text has the form of a challenge, whosever."""
    return _FORM.fullmatch(text) is not None


def _bind(nonce: str, reference: str, owner_key: str, kind: str) -> str:
    return keyed_hash("proof-challenge", f"{nonce}\x00{reference}\x00{owner_key}\x00{kind}")[:32]
