"""A TXT record that only whoever rules a domain can set, asked of a real resolver.

A record alone says who rules the domain, not whose the account is. It counts where the account's own profile on the forge names
the domain as its website, or a reviewer confirms that the two belong together.
"""

import hmac
import re
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
from django.conf import settings
from dns.rdtypes.ANY.TXT import TXT

from core.errors import InvalidInput
from portal.proofs import challenge

LABEL = "_fairstack-challenge"
TIMEOUT = 8.0  # seconds for all name servers together
MOST_RECORDS = 50
# Letters that older and newer browsers take to two different domains (UTS #46, section 4): neither is guessed.
DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def domain_name(text: str) -> str:
    """A domain as it stands in the DNS, from a name or a web address.

    Raises:
        InvalidInput: It is no domain.
    """
    wrong = InvalidInput("This is not a domain. Enter one such as example.org.", "domain")
    text = text.strip().lower()
    if DEVIATIONS & set(text):
        raise InvalidInput(
            "This name leads to two different domains. Enter it as it stands in the DNS (xn--…).", "domain"
        )
    if not text:
        raise InvalidInput("Enter the domain, such as example.org.", "domain")
    try:
        host = urlsplit(text).hostname or "" if "://" in text else text
        ascii_name = host.rstrip(".").encode("idna").decode("ascii")
    except (UnicodeError, ValueError):
        raise wrong from None
    labels = ascii_name.split(".")
    if len(ascii_name) > 230 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise wrong
    if labels[-1].isdigit() or labels[0] == LABEL:
        raise wrong
    return ascii_name


def record_name(domain: str) -> str:
    """Where the record has to be."""
    return f"{LABEL}.{domain}"


def look(domain: str, expected: str, *, timeout: float = TIMEOUT) -> str:
    """The outcome of asking for the record: a key of ``portal.proofs.outcomes``; ``found`` where it is as it should be."""
    try:
        answer = _resolver(timeout).resolve(f"{record_name(domain)}.", "TXT", search=False, lifetime=timeout)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "dns_missing"
    except dns.exception.Timeout:
        return "dns_timeout"
    except dns.exception.DNSException:
        return "dns_failed"
    # The strings of one record are one text (RFC 7208, section 3.3, does the same).
    records = [b"".join(record.strings) for record in answer if isinstance(record, TXT)][:MOST_RECORDS]
    texts = [record.decode("utf-8", "replace").strip() for record in records]
    if any(hmac.compare_digest(text.encode(), expected.encode()) for text in texts):
        return "found"
    return "other_challenge" if any(challenge.is_challenge(text) for text in texts) else "dns_wrong"


def belongs(domain: str, website: str) -> bool:
    """Whether a profile's website names this very domain, with or without ``www.``: a parent of it would be too much."""
    website = website.strip()
    try:
        host = domain_name(website if "://" in website else website.partition("/")[0])
    except InvalidInput:
        return False
    return host.removeprefix("www.") == domain.removeprefix("www.")


def _resolver(timeout: float) -> dns.resolver.Resolver:
    """A resolver that asks the servers of the settings, or the system's."""
    servers = settings.FAIRSTACK_NAMESERVERS
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        named = [server.rpartition(":") if server.count(":") == 1 else (server, "", "53") for server in servers]
        resolver.nameservers = [host for host, _, _ in named]
        resolver.nameserver_ports = {host: int(port) for host, _, port in named}
    resolver.timeout = timeout / 2
    resolver.cache = None
    return resolver
