"""The name of a revision: 40 hex digits computed from what it holds."""

import hashlib
from collections.abc import Iterable
from datetime import datetime


def revision_sha(files: Iterable[tuple[str, str, int]], *, parent: str, message: str, at: datetime) -> str:
    """The sha of a revision: equal for equal files, parent, message and date, as a git commit id is.

    Args:
        files: (path, SHA-256 in hex, size in bytes) of every file, in any order.
        parent: The sha of the revision before, or an empty string.
        message: What the revision is, in a line.
        at: When it was made, with its time zone.
    """
    lines = [f"parent {parent}", f"date {int(at.timestamp() * 1_000_000)}"]
    lines += [f"file {sha256} {size} {path}" for path, sha256, size in sorted(files)]
    body = ("\n".join(lines) + "\n\n" + message).encode()
    return hashlib.sha1(b"fairstack revision %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
