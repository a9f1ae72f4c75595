"""How often something may be done, by account and by network, so that nobody crowds others out.

A limit belongs to an act and a kind of key: ``send.account`` is how many requests one account may send. Windows move: "10 per
hour" means within any sixty minutes. Counts lie in Redis where ``REDIS_URL`` is set, which several machines need; else in a file
that the processes of one machine share (``core.limit_store``). Where neither answers, people are let through, and the log says so.

No address is kept: a network is counted under a keyed hash whose random key is made anew each day and then destroyed.
"""

import hashlib
import hmac
import logging
import math
import secrets
import time
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import RedisStorage

from core.errors import TooMany
from core.limit_store import FileStorage
from core.models import User
from core.stores import folder

logger = logging.getLogger(__name__)

# Act and kind of key: how often. ``FAIRSTACK_LIMITS`` overrides single ones; an empty text lifts a limit.
LIMITS: Final = {
    "sign-in.account": "30/hour",
    "sign-in.network": "20/10 minutes; 100/hour",
    "sign-up.network": "10/hour; 30/day",
    "token.account": "20/hour",
    "api.token": "1200/minute",
    "bad-token.network": "30/minute",
    "look-up.network": "120/minute; 2000/hour",
    "look-up.account": "240/minute; 6000/hour",
    "trace.network": "60/minute; 1000/hour",
    "trace.account": "600/minute; 10000/hour",
    "list.network": "20/hour; 60/day",
    "list.account": "60/hour; 240/day",
    "send.account": "10/hour; 30/day",
    "send.network": "30/hour; 100/day",
    "check.account": "30/hour; 100/day",
    "object.network": "20/hour; 60/day",
    "check.network": "60/hour",
    "cosign.network": "120/hour",
    "author-mail.account": "5/hour; 15/day",
}
# What was done too often, for the person.
WORDS: Final = {
    "sign-in": "attempts to sign in",
    "sign-up": "new accounts",
    "token": "new tokens",
    "api": "calls of the API",
    "bad-token": "calls with a token that does not exist",
    "look-up": "look-ups",
    "trace": "texts traced",
    "list": "lists looked up",
    "send": "requests sent",
    "check": "checks of a proof",
    "cosign": "cosignatures",
    "object": "objections",
    "author-mail": "mails to an author",
}
WHOSE: Final = {"account": "this account", "network": "your network", "token": "this token"}
DAY = 86_400  # seconds
UNKNOWN = "unknown"


def hit(name: str, *keys: str) -> None:
    """Count one ``name`` for each of the keys: see :func:`account`, :func:`network` and :func:`typed`.

    Raises:
        TooMany: One of them has reached its limit. What is refused is not counted again under that key.
        LookupError: There is no such limit: a mistake in the code that calls.
    """
    for key in keys:
        kind = key.partition(":")[0]
        for item in _items(f"{name}.{kind}"):
            wait = _wait(item, name, key)
            if wait:
                what = WORDS.get(name, name)
                raise TooMany(f"That were too many {what} from {WHOSE[kind]}.", wait)


def account(user: User) -> str:
    """The key of an account."""
    return f"account:{user.pk}"


def caller(request: HttpRequest) -> str:
    """The key of who asks: the account of their token or of their session, else the network."""
    token = getattr(request, "api_token", None)
    user = token.user if token else getattr(request, "user", None)
    return account(user) if isinstance(user, User) else network(request)


def network(request: HttpRequest) -> str:
    """The key of the visitor's network: one IPv4 address, or the /64 of an IPv6 address, hashed under the key of the day."""
    return f"network:{_of_today(prefix_of(address_of(request)))}"


def typed(name: str) -> str:
    """The key of an account that somebody names without having shown that it is theirs, hashed like a network."""
    return f"account:{_of_today(name.strip().casefold())}"


def address_of(request: HttpRequest) -> str:
    """The visitor's address. ``X-Forwarded-For`` counts only as far as proxies of ours (``FAIRSTACK_PROXIES``) have written it.

    Read from its right end, the first address that is no proxy of ours is the visitor's: what stands further left is their own claim.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while forwarded and _is_ours(seen):
        seen = forwarded.pop()
    return seen


def prefix_of(address: str) -> str:
    """What of an address belongs to one visitor: all of IPv4, the first 64 bits of IPv6; ``unknown`` where it is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def check_settings() -> None:
    """Raise :class:`ImproperlyConfigured` where ``FAIRSTACK_LIMITS`` or ``FAIRSTACK_PROXIES`` cannot be."""
    if unknown := settings.FAIRSTACK_LIMITS.keys() - LIMITS.keys():
        raise ImproperlyConfigured(f"FAIRSTACK_LIMITS: {', '.join(sorted(unknown))} is no limit of this site.")
    for name, text in settings.FAIRSTACK_LIMITS.items():
        try:
            items = _parsed(text)
        except ValueError:
            raise ImproperlyConfigured(f"FAIRSTACK_LIMITS: {name} is {text!r}; write it like “10/hour”.") from None
        if any(item.get_expiry() > DAY for item in items):
            raise ImproperlyConfigured(f"FAIRSTACK_LIMITS: {name} looks back further than a day.")
    for text in settings.FAIRSTACK_PROXIES:
        try:
            ip_network(text)
        except ValueError as error:
            if text != "unix":
                raise ImproperlyConfigured(f"FAIRSTACK_PROXIES: {error}.") from None


def _wait(item: RateLimitItem, name: str, key: str) -> int:
    """Count a hit. Gives 0, or for how many seconds no further one is taken."""
    try:
        storage, window = _storage(), (item.key_for(name, key), item.amount, item.get_expiry())
        if storage.acquire_entry(*window):
            return 0
        oldest, _ = storage.get_moving_window(*window)
        return max(1, math.ceil(oldest + item.get_expiry() - time.time()))
    except StorageError as error:
        logger.warning("Limits are not counted: %s.", type(error.__cause__ or error).__name__)
        return 0


def _items(name: str) -> list[RateLimitItem]:
    if name not in LIMITS:
        raise LookupError(f"There is no limit {name!r}: add it to core.limits.LIMITS.")
    return _parsed(settings.FAIRSTACK_LIMITS.get(name, LIMITS[name]))


@lru_cache(maxsize=100)
def _parsed(text: str) -> list[RateLimitItem]:
    return parse_many(text) if text.strip() else []


def _storage() -> RedisStorage | FileStorage:
    if settings.REDIS_URL:
        return _redis(settings.REDIS_URL)
    return FileStorage(folder("db") / "limits.sqlite3")


@lru_cache(maxsize=4)
def _redis(url: str) -> RedisStorage:
    import_module("redis")  # as a whole: one that another thread is still importing, ``limits`` takes for one too old
    return RedisStorage(url, wrap_exceptions=True, key_prefix="fairstack-limits", socket_timeout=2)


def _of_today(value: str) -> str:
    """A hash of ``value`` that means nothing tomorrow."""
    day = datetime.now(UTC).date().isoformat()
    try:
        key = _day_key(day)
    except StorageError:
        return UNKNOWN
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


def _day_key(day: str) -> bytes:
    storage = _storage()
    name = f"fairstack-limits-key/{day}"
    try:
        if isinstance(storage, FileStorage):
            return storage.day_key(day)
        redis: Any = storage.get_connection()
        redis.set(name, secrets.token_bytes(32), ex=DAY, nx=True)
        found = redis.get(name)
    except storage.base_exceptions as error:
        raise StorageError(error) from error
    assert isinstance(found, bytes)
    return found


def _is_ours(address: str) -> bool:
    if not address:  # a socket of this machine
        return "unix" in settings.FAIRSTACK_PROXIES
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(text) for text in settings.FAIRSTACK_PROXIES if text != "unix")
