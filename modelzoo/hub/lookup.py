"""From the words of an address to rows: the model, the revision that a branch, tag or commit names, the entry."""

import re

from modelzoo.hub.errors import entry_not_found, repo_not_found, revision_not_found, withdrawn
from modelzoo.models import Revision, RevisionFile, ZooModel

SHA = re.compile(r"[0-9a-f]{40}")


def find_model(org: str, name: str) -> ZooModel:
    """The model ``org/name``.

    Raises:
        HubError: RepoNotFound.
    """
    model = ZooModel.objects.filter(org=org, name=name).first()
    if model is None:
        raise repo_not_found(f"{org}/{name}")
    return model


def find_revision(model: ZooModel, rev: str) -> Revision:
    """The revision that ``rev`` names whole.

    Raises:
        HubError: RevisionNotFound, or 410 where it was withdrawn.
    """
    for revision, rest in _candidates(model, rev):
        if not rest:
            return _live(revision)
    raise revision_not_found(rev)


def split(model: ZooModel, rest: str) -> tuple[Revision, str]:
    """Cut ``rev/path`` in two.

    The server hands ``dev%2Fexp/config.json`` over decoded, so a branch ``dev/exp`` cannot be told from a folder ``exp`` by the
    text. The longest name of a branch or tag comes first; a shorter one is taken where only it has such an entry.

    Raises:
        HubError: RevisionNotFound, or 410 where it was withdrawn.
    """
    candidates = _candidates(model, rest)
    if not candidates:
        raise revision_not_found(rest.split("/", 1)[0])
    if len(candidates) > 1:
        for revision, path in candidates:
            if path and _has_entry(revision, path):
                return _live(revision), path
    revision, path = candidates[0]
    return _live(revision), path


def find_file(revision: Revision, path: str) -> RevisionFile:
    """The file at ``path``.

    Raises:
        HubError: EntryNotFound.
    """
    found = None if "\0" in path else revision.files.filter(path=path).first()
    if found is None:
        raise entry_not_found(path, revision)
    return found


def _candidates(model: ZooModel, rest: str) -> list[tuple[Revision, str]]:
    """Every way to read ``rest`` as a known revision and a path, longest name of a revision first."""
    found: list[tuple[int, Revision, str]] = []
    for ref in model.refs.select_related("revision__model"):
        kind = "heads" if ref.kind == ref.Kind.BRANCH else "tags"
        for name in (ref.name, f"refs/{kind}/{ref.name}"):
            if rest == name or rest.startswith(name + "/"):
                found.append((len(name), ref.revision, rest[len(name) + 1 :]))
    first, _, path = rest.partition("/")
    if SHA.fullmatch(first) and (revision := model.revisions.select_related("model").filter(sha=first).first()):
        found.append((40, revision, path))
    return [(revision, path) for _, revision, path in sorted(found, key=lambda each: -each[0])]


def _has_entry(revision: Revision, path: str) -> bool:
    if "\0" in path:
        return False
    return revision.files.filter(path=path).exists() or revision.files.filter(path__startswith=path + "/").exists()


def _live(revision: Revision) -> Revision:
    if revision.withdrawn_at:
        raise withdrawn(revision)
    return revision
