"""Reading a release for pages and API: who may see it, its files without what is hidden, one file, figures as pictures."""

from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import Q, Sum
from django.http import Http404

from core.permissions import Actor, may_any
from datasets_app import hidden_files, purging
from datasets_app.hidden_files import HiddenFiles
from datasets_app.models import Holding, Owner, Release, Repository
from datasets_app.pipeline.diff import public_changes
from datasets_app.pipeline.reasons import KEPT, PUBLIC_TEXTS, REASONS, public_funnel
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import ReleaseError
from datasets_app.services.masks import hidden_filter

PAGE = 50  # files a page
DEEPEST = 10_000  # files that can be paged through; filters lead to the others
CURATOR = ("datasets_app.ingest_source", "datasets_app.build_release", "datasets_app.approve_release")
READER = "datasets_app.view_release"  # auditors: they see the desk, and change nothing
NO_RELEASE = "There is no release of this name and version."
NO_FILE = "The release has no file at this address."


class Withdrawn(Exception):
    """A release that was published once and is gone."""

    def __init__(self, release: Release) -> None:
        super().__init__(str(release))
        self.release = release


def is_curator(user: Any) -> bool:
    """Whether a person may see what is not published yet."""
    return may_any(user, *CURATOR, READER)


def may_act(user: Any) -> bool:
    """Whether a person may do something at the desk of the curators."""
    return may_any(user, *CURATOR)


def visible_release(name: str, version: str, user: Actor | Any, large: bool = True) -> Release:
    """The release, if it is published, or built and ``user`` is a curator.

    Raises:
        Http404: There is none that this person may see.
        Withdrawn: It was published and is gone.
    """
    rows = Release.objects.select_related("parent", "reissue_of")
    if not large:
        rows = rows.defer("recipe", "funnel", "languages", "licences")
    release = rows.filter(name=name, version=version).first()
    if release is None:
        raise Http404(NO_RELEASE)
    if release.state == "withdrawn":
        raise Withdrawn(release)
    if release.state == "published" or (release.state == "built" and is_curator(user)):
        return release
    raise Http404(NO_RELEASE)


@dataclass
class FileFilter:
    """What a list of files is narrowed to, as it stands in the address."""

    language: str = ""
    owner: str = ""
    repository: str = ""

    def as_query(self) -> dict[str, str]:
        """The parts that are set."""
        return {key: value for key, value in vars(self).items() if value}


@dataclass
class FileList:
    """One page of files; rows as in ``release.LISTED``, with ``repository_id``. ``total`` counts all that match."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0


def list_files(release: Release, wanted: FileFilter, offset: int, limit: int = PAGE) -> FileList:
    """Files of a release in the order of its shards. What is masked or blocked is neither listed nor counted."""
    opened = open_release(release)
    keys: dict[str, str | None] = {"language": wanted.language or None}
    if wanted.owner or wanted.repository:
        held = _narrowed(release, wanted)
        if held is None:
            return FileList()
        keys |= held
    hidden = dict(
        Holding.objects.filter(hidden_filter(), release=release).values_list(
            "repository__key", "repository__owner__key"
        )
    )
    total = opened.count(**keys)
    limit = max(0, min(limit, DEEPEST - offset))
    contents = hidden_files.of_release(release, opened)
    if not hidden and not contents.files:
        return FileList(_with_ids(opened.files(**keys, offset=offset, limit=limit)), total)
    total -= _hidden_count(opened, keys, hidden, contents)
    rows: list[dict[str, Any]] = []
    seen = at = 0
    while len(rows) < limit:
        part = opened.files(**keys, offset=at, limit=1000)
        if not part:
            break
        at += len(part)
        shown = [
            row
            for row in part
            if row["repository_key"] not in hidden and (row["repository_key"], row["path"]) not in contents
        ]
        rows += shown[max(0, offset - seen) :][: limit - len(rows)]
        seen += len(shown)
    return FileList(_with_ids(rows), total)


def _hidden_count(
    opened: OpenRelease, keys: dict[str, str | None], hidden: dict[str, str], contents: HiddenFiles
) -> int:
    """How many of the files that ``keys`` select lie in hidden repositories, or are hidden themselves."""
    count = contents.count(**keys)
    for repository_key, owner_key in hidden.items():
        if keys.get("repository_key") not in (None, repository_key) or keys.get("owner_key") not in (None, owner_key):
            continue
        count += opened.count(language=keys["language"], owner_key=owner_key, repository_key=repository_key)
        count -= contents.count(language=keys["language"], repository_key=repository_key)
    return count


def _narrowed(release: Release, wanted: FileFilter) -> dict[str, str | None] | None:
    """Engine keys of the owner and repository asked for; None where the release shows nothing of them."""
    shown = Holding.objects.filter(release=release).exclude(hidden_filter())
    if wanted.owner:
        login = wanted.owner.strip().removeprefix("@").casefold()
        shown = shown.filter(Q(owner__login_folded=login) | Q(owner__key=wanted.owner))
    if wanted.repository:
        shown = shown.filter(
            Q(repository__name_folded=wanted.repository.strip().casefold()) | Q(repository__key=wanted.repository)
        )
    first = shown.order_by("-files", "pk").values_list("owner__key", "repository__key").first()
    if first is None:
        return None
    return {"owner_key": first[0], "repository_key": first[1] if wanted.repository else None}


def _with_ids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = dict(Repository.objects.filter(key__in={row["repository_key"] for row in rows}).values_list("key", "pk"))
    return [row | {"repository_id": ids[row["repository_key"]]} for row in rows if row["repository_key"] in ids]


def read_file(release: Release, repository_id: int, path: str) -> tuple[Repository, dict[str, Any]]:
    """The row of one file with its ``content``.

    Raises:
        Http404: There is none, or it is hidden: the same to everybody.
    """
    held = (
        Holding.objects.select_related("repository__owner")
        .filter(release=release, repository=repository_id)
        .exclude(hidden_filter())
        .first()
    )
    opened = open_release(release) if held else None
    row = opened.read_text(held.repository.key, path) if held and opened else None
    if held is None or row is None or opened is None:
        raise Http404(NO_FILE)
    if (held.repository.key, path) in hidden_files.of_release(release, opened):
        raise Http404(NO_FILE)
    return held.repository, row


def open_release(release: Release) -> OpenRelease:
    """The engine's reader of a release.

    Raises:
        Http404: Its bytes are gone.
    """
    try:
        return OpenRelease.open(purging.releases_folder(), release.name, release.version)
    except ReleaseError as error:
        raise Http404(NO_RELEASE) from error


def owners_shown(release: Release, limit: int = 12) -> list[dict[str, Any]]:
    """The accounts with most files in a release, hidden ones left out: ``login``, ``forge``, ``files``, ``bytes``."""
    sums = (
        Holding.objects.filter(release=release)
        .exclude(hidden_filter())
        .values("owner")
        .annotate(files=Sum("files"), bytes=Sum("bytes"))
        .order_by("-files", "owner")[:limit]
    )
    found = list(sums)
    owners = Owner.objects.in_bulk([row["owner"] for row in found])
    return [row | {"login": owners[row["owner"]].login, "forge": owners[row["owner"]].forge} for row in found]


def language_bars(release: Release, most: int = 15) -> list[dict[str, Any]]:
    """Languages by size for ``{% bars %}``, each leading to its files; the small ones together."""
    rows = [{"label": row["language"], "value": row["bytes"], "language": row["language"]} for row in release.languages]
    return _folded(sorted(rows, key=lambda row: -row["value"]), most, "{} other languages")


def licence_bars(release: Release, most: int = 12) -> list[dict[str, Any]]:
    """Licences for ``{% bars %}``; the rare ones together."""
    return _folded(
        [{"label": row["licence"], "value": row["files"]} for row in release.licences], most, "{} other licences"
    )


def _folded(rows: list[dict[str, Any]], most: int, text: str) -> list[dict[str, Any]]:
    if len(rows) <= most + 1:
        return rows
    rest = rows[most:]
    return [*rows[:most], {"label": text.format(len(rest)), "value": sum(row["value"] for row in rest)}]


def beside_parent(release: Release) -> list[dict[str, Any]]:
    """The public funnel of a release beside that of the one it goes on from: ``text``, ``before``, ``now``.

    Nothing for a re-issue, where any difference would be what owners took out.
    """
    if release.parent is None or release.reissue_of_id is not None:
        return []
    rows = public_changes(release.parent.funnel, release.funnel)
    return [{"text": PUBLIC_TEXTS[row["reason"]], "before": row["before"], "now": row["now"]} for row in rows]


@dataclass(frozen=True)
class Funnel:
    """What became of all files that a release looked at, for ``{% funnel %}``.

    Attributes:
        stages: (why files leave, how many or how many bytes), in the order in which the reasons are tried.
        kept: What is in the release.
        unit: ``files`` or ``bytes``: what the figures count.
        entry, result: What enters and what comes out, in words.
        switch: The way to the other measure.
    """

    stages: list[tuple[str, int]]
    kept: int
    unit: str
    entry: str
    result: str
    switch: list[dict[str, Any]]


def funnel(release: Release, measure: str = "", every_reason: bool = False) -> Funnel:
    """The funnel of a release by files, or by ``bytes``. The public sees buckets in which no opt-out can be told apart."""
    unit: Literal["files", "bytes"] = "bytes" if measure == "bytes" else "files"
    if every_reason:
        order = list(REASONS)
        rows = sorted(release.funnel, key=lambda row: order.index(row["reason"]))
        texts = {key: reason.text for key, reason in REASONS.items()}
    else:
        rows, texts = public_funnel(release.funnel), PUBLIC_TEXTS
    switch = [
        {"label": label, "url": f"?measure={name}#funnel", "current": unit == name}
        for name, label in (("files", "by files"), ("bytes", "by size"))
    ]
    return Funnel(
        stages=[(texts[row["reason"]], row[unit]) for row in rows if row["reason"] != KEPT],
        kept=sum(row[unit] for row in rows if row["reason"] == KEPT),
        unit=unit,
        entry="that were looked at" if unit == "bytes" else "files were looked at",
        result="in the release" if unit == "bytes" else "files in the release",
        switch=switch,
    )
