"""Repositories of git on the disk, and clones of those that are not: where each lies, and whose it is."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.sources.forges import Place, place, place_of_clone
from datasets_app.pipeline.sources.git_objects import WANTED
from datasets_app.pipeline.sources.git_process import PROTOCOLS, Git, GitFailed, GitLimits

DEEPEST = 4  # folders below the one that is named: forge/owner/group/name.git
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SCP = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//)\S+")


@dataclass(frozen=True)
class Clone:
    """A repository on the disk: its git folder, and whose it is. ``place`` is None where nothing says so."""

    folder: Path
    shown: str
    place: Place | None


def find_clones(root: Path, home: Path, forge: str, limits: GitLimits) -> list[Clone]:
    """All clones below a folder, bare ones and working ones, ordered by their path.

    Whose a clone is says its ``origin``; where that names no forge, its path: ``owner/name.git``, below a folder named as a
    forge or, without one, on the forge given here.

    Args:
        root: An existing folder; it may be a clone itself.
        home: A folder without any configuration of git.
        forge: Host name of the forge of clones whose path alone tells the owner.
        limits: For each command.

    Raises:
        SourceError: The folder cannot be listed.
    """
    root = root.resolve()
    found = []
    for folder in _git_folders(root, 0):
        path = folder.parent if folder.name == ".git" else folder
        shown = path.relative_to(root).as_posix() if path != root else path.name
        found.append(Clone(folder, shown, _origin(folder, home, limits) or _by_path(shown, forge)))
    return found


def _git_folders(folder: Path, depth: int) -> Iterator[Path]:
    for candidate in (folder / ".git", folder):
        # A .git that is a file or a link leads elsewhere (a worktree, a submodule): its repository is taken where it lies.
        if all((candidate / name).exists() for name in ("HEAD", "objects", "refs")) and not candidate.is_symlink():
            yield candidate
            return
    if depth >= DEEPEST:
        return
    try:
        inside = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError as error:
        raise SourceError(
            f"The folder of clones {folder} cannot be listed: {error.strerror}. Name an existing folder of clones."
        ) from error
    for entry in inside:
        yield from _git_folders(entry, depth + 1)


def _origin(folder: Path, home: Path, limits: GitLimits) -> Place | None:
    config = folder / "config"
    try:
        said = Git(folder, home, (), limits).run(
            "config", "--no-includes", "--file", str(config), "--get", "remote.origin.url"
        )
    except GitFailed:
        return None
    return place_of_clone(said.decode("utf-8", errors="replace").strip())


def _by_path(shown: str, forge: str) -> Place | None:
    parts = shown.split("/")
    if "." in parts[0] and len(parts) > 2:
        return place_of_clone(f"https://{shown}")
    return place(f"https://{forge}/{shown}") or place_of_clone(f"https://{forge}/{shown}") if len(parts) > 1 else None


def check_address(address: str, protocols: tuple[str, ...]) -> Place:
    """Whose repository a clone address names.

    Raises:
        SourceError: It cannot be cloned here; the text says why.
    """
    split = urlsplit(f"ssh://{address.replace(':', '/', 1)}" if _SCP.fullmatch(address) else address)
    allowed = ", ".join(protocols) or "none"
    if split.scheme not in protocols or split.scheme not in PROTOCOLS:
        raise SourceError(f"An address of a clone begins with one of the protocols allowed here ({allowed}).")
    if split.password or (split.username and split.scheme != "ssh"):
        raise SourceError("An address of a clone carries no name and no password: it would be kept and shown.")
    if address.startswith("-") or not address.isprintable() or " " in address:
        raise SourceError(f"{address!r} is no address of a clone.")
    parts = [part for part in split.path.split("/") if part]
    found = place_of_clone(address)
    if found is None and split.scheme == "file" and len(parts) > 1:
        found = place_of_clone(f"https://localhost/{parts[-2]}/{parts[-1]}")
    if found is None:
        raise SourceError(
            f"{address!r} names no owner and no repository. Give an address such as https://forge/owner/name."
        )
    return found


@contextmanager
def cloned(
    address: str, scratch: Path, protocols: tuple[str, ...], limits: GitLimits, *, revision: str | None, history: bool
) -> Iterator[Path]:
    """A bare clone of an address, gone when the block ends.

    Args:
        address: Has passed :func:`check_address`.
        scratch: A folder to clone into.
        protocols: Those that are allowed.
        limits: See :class:`~datasets_app.pipeline.sources.git_process.GitLimits`.
        revision: The branch, tag or hash that is wanted; the default branch where None.
        history: Whether all commits are fetched, or the one alone.

    Raises:
        GitFailed: It cannot be cloned.
    """
    folder = scratch / "clone.git"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    git = Git(folder, scratch, protocols, limits)
    try:
        git.run("init", "--quiet", "--bare", "--template=", ".")
        wanted = "HEAD" if revision is None else revision
        if history:
            # Everything: a hash may lie on any branch.
            git.run(*_fetch(), "--", address, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            if revision is None:
                git.run(*_fetch(), "--", address, f"+HEAD:{WANTED}")
        else:
            _fetch_one(git, address, wanted)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch_one(git: Git, address: str, wanted: str) -> None:
    try:
        git.run(*_fetch(), "--depth=1", "--", address, f"+{wanted}:{WANTED}")
    except GitFailed:
        # Not every server gives a commit by its hash alone, and none by a shortened one.
        if not re.fullmatch(r"[0-9a-f]{4,64}", wanted):
            raise
        git.run(*_fetch(), "--", address, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def _fetch() -> tuple[str, ...]:
    return ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc")
