"""Am I in it? Accounts, repositories and web addresses, looked up in what the published releases hold.

What the public gets is the same for an account that was removed, is masked, or was never held. All queries are bounded: exact
hits and range scans of the index over folded names, so that they take milliseconds over millions of owners.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from datasets_app import hidden_files, near
from datasets_app.models import BlockEntry, ContentMask, FormerLogin, Holding, Mask, Owner, Release
from datasets_app.query import Query, parse
from datasets_app.services import blocklist
from datasets_app.services.masks import hidden_among_few

SUGGESTIONS = 6
LISTED = 100  # repositories of one release that are listed; the totals count them all


@dataclass
class RepositoryHeld:
    """What one release holds of one repository. ``bytes`` are of source."""

    repository_id: int
    name: str
    url: str
    files: int
    copies: int
    bytes: int
    licences: list[str]
    languages: list[str]


@dataclass
class ReleaseHeld:
    """What one release holds of an account, or of the repository asked for.

    Attributes:
        release: Name, version, state and dates are loaded; the large figures are not.
        repositories: Most files first, at most ``LISTED``.
        more: How many repositories are not listed.
        files: Files of the account in the release.
        copies: Further files of the account whose content is held under another origin.
        bytes: Of source, in ``files``.
        licences: SPDX expressions, commonest first.
        languages: Commonest first.
    """

    release: Release
    repositories: list[RepositoryHeld] = field(default_factory=list)
    more: int = 0
    files: int = 0
    copies: int = 0
    bytes: int = 0
    licences: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)


@dataclass
class Match:
    """An account that is held, and where."""

    owner: Owner
    releases: list[ReleaseHeld]

    @property
    def newest(self) -> ReleaseHeld:
        """What the newest release holds."""
        return self.releases[0]


@dataclass
class Suggestion:
    """A name that is held and was perhaps meant. ``text`` can be searched for."""

    text: str
    forge: str


@dataclass
class Lookup:
    """The answer.

    Attributes:
        query: What was understood.
        matches: Accounts of that name on each forge, the one with most files first. Empty: not held.
        suggestions: Near names; given where there is no match.
        formerly: Whether code is held of an account that bore this name before. Which account that is stays unsaid: who knows
            a name that somebody left behind shall not learn the new one here.
    """

    query: Query
    matches: list[Match] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    formerly: bool = False

    @property
    def held(self) -> bool:
        """Whether any published release holds it."""
        return bool(self.matches) or self.formerly

    @property
    def match(self) -> Match | None:
        """The first match."""
        return self.matches[0] if self.matches else None

    @property
    def owner(self) -> Owner | None:
        """The account of the first match."""
        return self.matches[0].owner if self.matches else None


def search(text: str) -> Lookup:
    """What the public may know of an account (``django``), a repository (``Django/django``) or a web address, in any case.

    Raises:
        InvalidInput: The text is empty or too long.
    """
    query = parse(text)
    # One query, whether there is such an account or not: a second one of which only hidden accounts were asked would tell them.
    holdings = held_by_public().filter(owner__in=_bearers(query))
    if query.repository:
        holdings = holdings.filter(repository__name_folded=query.repository)
    rows = list(holdings.values_list(*COLUMNS))
    owners = Owner.objects.in_bulk({row[0] for row in rows})
    releases = _releases(rows)
    rows = _shown(rows, releases)
    matches = _matches(owners, [row for row in rows if owners[row[0]].login_folded == query.login], releases)
    formerly = any(owners[row[0]].login_folded != query.login for row in rows)
    return Lookup(query, matches, [] if rows else suggestions(query), formerly)


def suggestions(query: Query) -> list[Suggestion]:
    """Names near to the one asked for that are held: those that begin with it, and those that differ by a slip or two."""
    found = near.candidates(query.login, query.forge)
    alike = [
        (-likeness, len(folded), written, forge, pk)
        for pk, written, folded, forge in found.values()
        if (likeness := near.likeness(query.login, folded)) >= near.NEAR
    ]
    alike.sort()
    alike = alike[: 3 * SUGGESTIONS]
    # Asked even where nothing is near (no owner has the number 0): whether it is asked would tell of hidden ones.
    held = holding_any([0, *(pk for *_, pk in alike)])
    return [Suggestion(written, forge) for _, _, written, forge, pk in alike if pk in held][:SUGGESTIONS]


def holding_any(owners: list[int]) -> set[int]:
    """Those of these owners of whom the public may know that anything is held."""
    narrows = Exists(ContentMask.objects.filter(lifted_at=None)) | Exists(
        BlockEntry.objects.filter(
            lifted_at=None, kind__in=blocklist.CONTENTS, position__gt=OuterRef("release__blocklist_position")
        )
    )
    rows = held_by_public().filter(owner__in=owners).annotate(narrows=narrows)
    held = list(rows.values_list("owner", "narrows").distinct())
    if not any(narrowed for _, narrowed in held):
        return {owner for owner, _ in held}
    every = list(held_by_public().filter(owner__in=owners).values_list(*COLUMNS))
    return {row[0] for row in _shown(every, _releases(every))}


def repositories_shown(repositories: list[int]) -> set[int]:
    """Those of these repositories of which the public may know that anything is held."""
    rows = list(held_by_public().filter(repository__in=repositories).values_list(*COLUMNS))
    return {row[2] for row in _shown(rows, _releases(rows))}


def _releases(rows: Iterable[tuple[Any, ...]]) -> dict[int, Release]:
    """The releases of rows of ``COLUMNS``, with what tells whether anything of theirs is hidden by what it holds."""
    releases = Release.objects.defer("recipe", "funnel", "languages", "licences")
    return hidden_files.with_state(releases).in_bulk({row[1] for row in rows})


def _shown(rows: list[tuple[Any, ...]], releases: dict[int, Release]) -> list[tuple[Any, ...]]:
    """Rows of ``COLUMNS`` as if the files that are hidden one by one were not there."""
    left = hidden_files.left(releases.values())
    if not left:
        return rows
    shown = []
    for row in rows:
        figures = left.get((row[1], row[3]))
        if figures is None:
            shown.append(row)
        elif figures.files or figures.copies:
            shown.append((*row[: -len(figures)], *figures))
    return shown


COLUMNS = (
    "owner",
    "release",
    "repository",
    "repository__key",
    "repository__name",
    "repository__url",
    "files",
    "copies",
    "bytes",
    "licences",
    "languages",
)


def held_by_public() -> Any:
    """Holdings that the public may know of; to be narrowed to few accounts or repositories."""
    shown = Holding.objects.filter(Q(files__gt=0) | Q(copies__gt=0), release__state="published")
    return shown.exclude(hidden_among_few())


def _bearers(query: Query) -> Any:
    """The accounts of this name, now or before they were renamed: their primary keys, for a subquery."""
    now = Owner.objects.order_by().filter(login_folded=query.login)
    before = FormerLogin.objects.order_by().filter(login_folded=query.login)
    if query.forge:
        now, before = now.filter(forge=query.forge), before.filter(owner__forge=query.forge)
    # A union: each half is one look into an index, which an OR over both tables would not be.
    return now.values("pk").union(before.values("owner"))


def _matches(owners: dict[int, Owner], rows: list[tuple[Any, ...]], releases: dict[int, Release]) -> list[Match]:
    """Rows of ``COLUMNS`` by owner and release."""
    held: dict[int, dict[int, list[tuple[Any, ...]]]] = {}
    for row in rows:
        held.setdefault(row[0], {}).setdefault(row[1], []).append(row)
    matches = []
    for owner_id, by_release in held.items():
        listed = [_release_held(releases[release_id], part) for release_id, part in by_release.items()]
        listed.sort(key=lambda one: (one.release.published_at or one.release.created_at, one.release.pk), reverse=True)
        matches.append(Match(owners[owner_id], listed))
    return sorted(matches, key=lambda match: -match.newest.files)


def _release_held(release: Release, rows: list[tuple[Any, ...]]) -> ReleaseHeld:
    rows = sorted(rows, key=lambda row: (-row[6], -row[7], row[4]))
    held = ReleaseHeld(release, more=max(0, len(rows) - LISTED))
    licences: dict[str, int] = {}
    languages: dict[str, int] = {}
    for _, _, pk, _, name, url, files, copies, size, by_licence, by_language in rows:
        held.files += files
        held.copies += copies
        held.bytes += size
        for counted, names in ((licences, by_licence), (languages, by_language)):
            for one in names:
                counted[one] = counted.get(one, 0) + max(files, 1)
        if len(held.repositories) < LISTED:
            held.repositories.append(RepositoryHeld(pk, name, url, files, copies, size, by_licence, by_language))
    held.licences = sorted(licences, key=lambda one: -licences[one])
    held.languages = sorted(languages, key=lambda one: -languages[one])
    return held


@dataclass
class Exposure:
    """Everything that is known of an account, for its verified owner and the staff alone.

    Attributes:
        owner: The account.
        held: What each release holds or held, newest first, whatever its state and whether hidden or not.
        blocked_since: When the whole account came on the block-list, or None.
        blocked_repositories: When each blocked repository did, by its primary key.
        masked: Whether the whole account is hidden now.
        masked_repositories: Primary keys of the repositories that are hidden now.
    """

    owner: Owner
    held: list[ReleaseHeld]
    blocked_since: datetime | None
    blocked_repositories: dict[int, datetime]
    masked: bool
    masked_repositories: set[int]

    @property
    def held_now(self) -> bool:
        """Whether a published release holds any of it."""
        return any(one.release.published for one in self.held)


def exposure(owner: Owner) -> Exposure:
    """All that releases hold or held of an account. The caller has made sure who asks."""
    rows = list(Holding.objects.filter(owner=owner).values_list(*COLUMNS))
    releases = Release.objects.defer("recipe", "funnel", "languages", "licences").in_bulk({row[1] for row in rows})
    matches = _matches({owner.pk: owner}, rows, releases)
    blocks = BlockEntry.objects.filter(lifted_at=None)
    masks = set(Mask.objects.filter(owner=owner, lifted_at=None).values_list("repository", flat=True))
    return Exposure(
        owner=owner,
        held=matches[0].releases if matches else [],
        blocked_since=blocks.filter(owner=owner).values_list("created_at", flat=True).first(),
        blocked_repositories=dict(blocks.filter(repository__owner=owner).values_list("repository", "created_at")),
        masked=None in masks,
        masked_repositories={pk for pk in masks if pk is not None},
    )
