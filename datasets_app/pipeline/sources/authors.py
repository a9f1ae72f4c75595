"""Who wrote each file of a commit, from the history of the repository, in one pass over it.

An author is a keyed hash (HMAC-SHA-256) of an e-mail address folded to lower case; the address itself is kept nowhere. Authors
are the author of each commit that changed the file and those named by its ``Co-authored-by`` trailers. Addresses stand as the
commits write them (``.mailmap`` is a stranger's file), so that a person who proves an address is found by that very address.

Renames are followed as ``git log --follow`` does, from the newest commit back, merges left out: from the commit at which ``a``
became ``b``, what happened to ``a`` counts for ``b``. In doubt (histories that ran side by side, a path used again) a file
rather gets an author too many than one too few, because being the *only* author gives rights over a file.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator

from datasets_app.pipeline.sources.git_process import Git

PURPOSE = "author"
RENAME_LIMIT = 3000  # files of one commit that are compared for renames with changes; unchanged ones always are
_ADDRESS = re.compile(rb"<([^<>\s]+@[^<>\s]+)>")
_FORMAT = "%x01%H%x02%ae%x02%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x1f)"


def author_hash(key: bytes, address: str) -> str:
    """The keyed hash of an e-mail address, in hex: the same for any capitals and spaces around.

    Args:
        key: The site's secret; without it nobody can try addresses against the hashes.
        address: As a commit or a person writes it.
    """
    message = f"{PURPOSE}\0{address.strip().casefold()}".encode("utf-8", errors="surrogateescape")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


class _Names:
    """The names that a commit's files bore, going back, and who touched them."""

    def __init__(self, paths: Iterable[bytes]) -> None:
        self.files = list(paths)
        self.authors: list[set[int]] = [set() for _ in self.files]
        self._bearers = {path: {at} for at, path in enumerate(self.files)}  # which files bore a name, at this point
        self._strangers: dict[bytes, set[int]] = {}  # who touched a name that none of them bore up to here

    def touched(self, path: bytes, authors: Iterable[int], *, added: bool) -> None:
        """Take note that a commit changed or added a path."""
        bearers = self._bearers.get(path)
        if bearers is not None:
            for at in bearers:
                self.authors[at].update(authors)
        elif added:
            self._strangers.pop(path, None)  # that file began here and ended later: what came before was another
        else:
            self._strangers.setdefault(path, set()).update(authors)

    def renamed(self, old: bytes, new: bytes, authors: Iterable[int]) -> None:
        """Take note that a commit renamed a path: its files bore the old name before."""
        self.touched(new, authors, added=False)
        if bearers := self._bearers.get(new):
            # A branch that ran beside the rename may have been told of before it.
            for at in bearers:
                self.authors[at].update(self._strangers.get(old, ()))
            self._bearers.setdefault(old, set()).update(bearers)


def authors_of(git: Git, commit: str, paths: Iterable[bytes], key: bytes) -> dict[bytes, tuple[str, ...]]:
    """The authors of each path of a commit, as sorted keyed hashes; memory follows the number of paths.

    Args:
        git: A repository with its whole history.
        commit: Its hash.
        paths: As in :class:`~datasets_app.pipeline.sources.git_objects.Entry`.
        key: See :func:`author_hash`.

    Raises:
        GitFailed: The history cannot be read to its end.
    """
    names = _Names(paths)
    known: dict[bytes, int] = {}
    hashes: list[str] = []

    def numbered(address: bytes) -> int:
        address = address.strip()
        if address not in known:
            known[address] = len(hashes)
            hashes.append(author_hash(key, address.decode("utf-8", errors="surrogateescape")))
        return known[address]

    authors: list[int] = []
    records = _log(git, commit)
    for record in records:
        if record.startswith(b"\x01"):
            _, address, others = (record + b"\x02\x02").split(b"\x02")[:3]
            authors = [numbered(one) for one in (address, *_ADDRESS.findall(others)) if one.strip()]
            continue
        status = record.lstrip(b"\n")[:1]
        if status in (b"R", b"C"):
            old, new = next(records), next(records)
            if status == b"R":
                names.renamed(old, new, authors)
            else:
                names.touched(new, authors, added=True)
        elif status:
            path = next(records)
            if status != b"D":
                names.touched(path, authors, added=status == b"A")
    return {
        path: tuple(sorted({hashes[one] for one in found}))
        for path, found in zip(names.files, names.authors, strict=True)
    }


def _log(git: Git, commit: str) -> Iterator[bytes]:
    return git.records(
        *("-c", "log.showRoot=true", "-c", "log.showSignature=false", "-c", f"diff.orderFile={os.devnull}"),
        *("log", "-z", "--topo-order", "-M", f"-l{RENAME_LIMIT}", "--name-status", f"--format={_FORMAT}"),
        *("--no-show-signature", "--no-ext-diff", "--no-textconv", "--no-notes", "--no-color", "--no-relative"),
        *("--no-mailmap", "--encoding=UTF-8", "--ignore-submodules=none", commit, "--"),
    )
