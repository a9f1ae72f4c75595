"""Fetching one small page of a forge: bounded in time and size, without redirects, and never from a private network.

The name is resolved once and the connection goes to the address that was judged, so that a name whose address changes in between
leads nowhere else.
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT = 10.0  # seconds for everything together
LARGEST = 256 * 1024  # bytes of an answer


class WebRefused(Exception):
    """There is no answer that could be used.

    Attributes:
        status: The status of the answer; 0 where there was none.
    """

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


def fetch(address: str, *, timeout: float = TIMEOUT, largest: int = LARGEST) -> bytes:
    """The body of an answer with status 200.

    Raises:
        WebRefused: No such answer came in time and within its size.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise WebRefused("The address is not one of the web.")
    until = time.monotonic() + timeout
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        connection = _connect(parts.scheme, parts.hostname, port, until)
        ended = threading.Timer(_left(until), _hang_up, [connection.sock])
        ended.daemon = True
        ended.start()
        try:
            path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "fairstack-proofs"}
            connection.request("GET", path, headers=headers)
            with contextlib.closing(connection.getresponse()) as answer:
                if answer.status != 200:
                    raise WebRefused(f"The answer has the status {answer.status}.", answer.status)
                body = answer.read(largest + 1)
        finally:
            ended.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise WebRefused(f"No answer: {type(error).__name__}.") from error
    if time.monotonic() > until:  # hung up on: what there is may be a part
        raise WebRefused("The answer did not come in time.")
    if len(body) > largest:
        raise WebRefused("The answer is too large.")
    return body


def fetch_json(address: str) -> Any:
    """The same, as JSON.

    Raises:
        WebRefused: Likewise, or the answer is no JSON.
    """
    try:
        return json.loads(fetch(address))
    except (ValueError, RecursionError) as error:
        raise WebRefused("The answer is no JSON.") from error


def _connect(scheme: str, host: str, port: int, until: float) -> http.client.HTTPConnection:
    """A connection to the first address of the host, all of which have to be public ones."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    allowed = f"{host}:{port}" in settings.FAIRSTACK_PRIVATE_HOSTS
    if not allowed and not all(ip_address(address.partition("%")[0]).is_global for address in addresses):
        raise WebRefused("The address leads into a private network.")
    raw = socket.create_connection((addresses[0], port), timeout=_left(until))
    connection = http.client.HTTPConnection(host, port)
    connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if scheme == "https" else raw
    return connection


def _hang_up(sock: socket.socket) -> None:
    """Time is over: a server that sends a byte a second gets no longer than one that sends none."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
