"""IP addresses in source code.

Found are public addresses alone: those that ``ipaddress`` calls global, and of IPv6 those of 2000::/3, the only space from
which networks were given addresses (RFC 4291; documentation's 2001:db8::/32 is not global). Private, loopback,
documentation and multicast addresses, well-known public DNS servers and what people write for *any address* (1.2.3.4)
name nobody and stay, and so do networks (185.12.7.0/24).

Four numbers with dots are more often a version or an object identifier than an address. They count as one of those if

* they are part of something longer, or follow a ``v``, a ``-`` or a product's name and a slash (``Chrome/96.0.4.110``);
* a decimal number stands next to them and nothing near by speaks of networks;
* a word such as *version*, *section* or *OID* stands right before them, or on their line and nothing near by speaks of networks;
* all four are at most 20 and nothing near by speaks of networks.

The original script looked at the 100 characters around an address but lost them near the start of a file; here the start
of a file is like any other place. A date has a year of four digits, which no address has.

Not found: IPv6 addresses with a zone, addresses written as one number or in hexadecimal.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from datasets_app.pipeline.pii.spans import IP_ADDRESS, Span

GATE_IPV4 = rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
GATE_IPV6 = rb"\b[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]"

PLAIN_IPV4 = re.compile(rb"(?<![\w.\x80-\xff-])\d{1,3}(?:\.\d{1,3}){3}(?![\w\x80-\xff]|\.\d|-\w)")
PLAIN_IPV6 = re.compile(rb"(?<![\w:.\x80-\xff])[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f:]|\.\d){1,41}(?![\w\x80-\xff])")

# Public resolvers, as published with the original's replacements.
DNS_SERVERS = frozenset(
    ipaddress.ip_address(address)
    for address in (
        *("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "76.76.19.19", "76.223.122.150", "9.9.9.9", "149.112.112.112"),
        *("208.67.222.222", "208.67.220.220", "8.26.56.26", "8.20.247.20", "94.140.14.14", "94.140.15.15"),
        *("2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001"),
        *("2620:fe::fe", "2620:fe::9", "2620:119:35::35", "2620:119:53::53"),
    )
)

CONTEXT = 100  # bytes on either side, as the original's characters
EXAMPLES = frozenset(map(ipaddress.ip_address, ("1.2.3.4", "4.3.2.1", "5.6.7.8", "11.22.33.44", "123.123.123.123")))
SMALL = 20  # numbers up to this are likelier a version's
_LONGEST_IPV4 = 15
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Object identifiers of exactly four numbers: X.500 attributes and extensions, the roots of ISO's and of the internet's.
_OBJECT_IDENTIFIER = re.compile(
    rb"(?:2\.5\.(?:[4-9]|1[0-9]|2[0-9])|1\.3\.6|1\.2\.(?:156|208|250|276|392|410|643|752|804|840)|2\.16\.)"
)
_NETWORK = re.compile(
    rb"(?<![a-z])(?:ip|ips|ip_?addr(?:ess)?(?:es)?|ipv4|inet|hosts?|hostname|addr|address|servers?|dns|gateway|proxy|ping|ssh|scp|telnet|curl"
    rb"|netmask|subnet|network|endpoint|remote|peers?|clients?|bind|listen|connect(?:ed|ion)?|url|nameserver|resolver|firewall"
    rb"|allow(?:ed|list)?|deny|denied|block(?:ed|list)?|ban(?:ned)?|route|node|cluster|x-forwarded-for|login|sshd)(?![a-z])|://|_(?:ip|host|addr)\b"
)
_VERSION = re.compile(
    rb"(?:version|release|revision|build|\brev|\bver|changelog|upgrade|\bsince|assembly|\boid|objectidentifier|section|chapter|\bv)"
    rb"|[=~><!]=|\^"
)
_VERSION_AT_ONCE = re.compile(
    rb"(?<![a-z])(?:version|release|section|chapter|clause|oid|build|tag|rev|ver)s?[\s:=\"'#]{0,4}\Z"
)
_DECIMAL_BEFORE = re.compile(rb"(?<![\d.])\d*\.\d+[ ,]\Z")  # the path of a drawing: 45.8 190.87.2.8
_DECIMAL_BEHIND = re.compile(rb"[ ,-]\d*\.\d+(?![\d.])")
_PREFIX = re.compile(rb"/(\d{1,3})(?!\d)")
_BEHIND_ADDRESS = re.compile(rb":\d{2,5}(?!\d)|/(?:3[0-2]|[12]\d|[89])(?!\d)")


def addresses(content: bytes, ends_ipv4: Iterable[int], ends_ipv6: Iterable[int]) -> Iterator[Span]:
    """The spans of public addresses.

    Args:
        content: UTF-8 text.
        ends_ipv4: Where :data:`GATE_IPV4` ends in it, ascending.
        ends_ipv6: Where :data:`GATE_IPV6` ends in it, ascending.
    """
    for start, end in candidates_ipv4(content, ends_ipv4):
        if _is_public(content, start, end) and not _is_version(content, start, end):
            yield Span(start, end, IP_ADDRESS)
    for start, end in candidates_ipv6(content, ends_ipv6):
        if re.search(rb"(?:[^:]|::):\Z", content[start:end]):  # "at 2a00::1: refused"
            end -= 1
        if _is_public(content, start, end):
            yield Span(start, end, IP_ADDRESS)


def candidates_ipv4(content: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Everything of an IPv4 address's form, each once, in order."""
    behind = 0
    for end in ends:
        if end <= behind:
            continue
        # The gate saw "d.d.d.d" with inner numbers whole: the address starts at most two digits before it.
        start = end - 1
        for _ in range(3):
            start = content.rindex(b".", 0, start)
        while start > 0 and content[start - 1] in b"0123456789":
            start -= 1
        whole = PLAIN_IPV4.match(content, start)
        if whole is not None:
            yield whole.start(), whole.end()
            behind = whole.end()


def candidates_ipv6(content: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Everything of the form of a global IPv6 address, each once, in order."""
    behind = 0
    for end in ends:
        start = end - 6
        if start < behind:
            continue
        whole = PLAIN_IPV6.match(content, start)
        if whole is not None:
            yield whole.start(), whole.end()
            behind = whole.end()


def _is_public(content: bytes, start: int, end: int) -> bool:
    try:
        address = ipaddress.ip_address(content[start:end].decode())
    except ValueError:  # 33.01.33.33, 300.1.1.1, 2023:10:01
        return False
    if address.version == 6 and (address not in _GLOBAL_UNICAST or not any(address.packed[2:])):
        return False
    prefix = _PREFIX.match(content, end)
    if prefix is not None and int(prefix[1]) < address.max_prefixlen:
        try:
            ipaddress.ip_network((address, int(prefix[1])))
        except ValueError:  # 93.184.216.34/24 is a host in its network
            pass
        else:
            return False
    return address.is_global and not address.is_multicast and address not in DNS_SERVERS | EXAMPLES


def _is_version(content: bytes, start: int, end: int) -> bool:
    before = content[max(0, start - CONTEXT) : start]
    line = re.split(rb"[\r\n]", before)[-1].lower()
    if re.search(rb"[a-z\d]/\Z", line) and b"://" not in line.rpartition(b" ")[2]:  # Chrome/96.0.4.110
        return True
    value = content[start:end]
    if _OBJECT_IDENTIFIER.match(value) or _VERSION_AT_ONCE.search(line):
        return True
    behind = re.split(rb"[\r\n]", content[end : end + CONTEXT])[0].lower()
    if _BEHIND_ADDRESS.match(behind):  # a port or a prefix length
        return False
    if _NETWORK.search(line) or _NETWORK.search(behind):
        return False
    if _VERSION.search(line[-40:]) or _DECIMAL_BEFORE.search(line) or _DECIMAL_BEHIND.match(behind):
        return True
    return all(int(number) <= SMALL for number in value.split(b"."))
