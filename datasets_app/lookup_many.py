"""Many names at once: a list of accounts, repositories or addresses, each looked up as ``lookup.search`` does, a batch at a time.

The answer to each is what the public may know. Nothing is kept: a batch is read, answered and forgotten, so that a list of any length
takes the memory of one batch.
"""

import csv
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Sum

from core.errors import InvalidInput
from datasets_app import (
    hidden_files,
    one_of,  # noqa: F401 - the look-up
)
from datasets_app.lookup import held_by_public
from datasets_app.models import FormerLogin, Owner, Release
from datasets_app.query import Query, parse

MOST_NAMES = 10_000
LARGEST = 2_000_000  # bytes of a list
BATCH = 500  # names
HEADINGS = {"account", "accounts", "owner", "login", "user", "username", "name", "repository", "repo", "url", "address"}
YES, NO, FORMERLY, ERROR = "held", "not held", "held under another name now", "error"


@dataclass(frozen=True)
class Asked:
    """A name of the list, and the number of its line."""

    line: int
    text: str


@dataclass(frozen=True)
class Answer:
    """What became of a name. One that is held on two forges has two answers.

    Attributes:
        line: Of the list, from 1.
        asked: As it was typed, cut where it was far too long.
        answer: ``held``, ``not held``, ``held under another name now`` or ``error``.
        forge, account: Where it is held; empty where it is not.
        repositories, files, copies, bytes: In the newest release that holds it; ``bytes`` are of source.
        releases: The published releases that hold it, the newest first.
        error: What was wrong with the line.
    """

    line: int
    asked: str
    answer: str
    forge: str = ""
    account: str = ""
    repositories: int = 0
    files: int = 0
    copies: int = 0
    bytes: int = 0
    releases: tuple[str, ...] = ()
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self) | {"releases": list(self.releases)}


def read_list(data: bytes) -> list[Asked]:
    """The names in a list: one a line, or the column of a CSV table that is headed ``account`` or the like, else its first.

    Raises:
        InvalidInput: It is empty, too large, no text, or has more than ``MOST_NAMES`` names.
    """
    if len(data) > LARGEST:
        raise InvalidInput(f"The list is larger than {LARGEST // 1_000_000} MB. Give it in parts.", "names")
    if b"\x00" in data:
        raise InvalidInput("The list is not a text. Save it as CSV or plain text in UTF-8.", "names")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("The list is not in UTF-8. Save it as CSV or plain text in UTF-8.", "names") from None
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    comma = max(",;\t", key=first.count)
    names: list[Asked] = []
    column: int | None = None
    try:
        reader = csv.reader(lines, delimiter=comma)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if column is None:
                column = _headed(cells)
                if column is not None:
                    continue
                column = 0
            name = cells[column].strip() if column < len(cells) else ""
            names.append(Asked(reader.line_num, name))
            if len(names) > MOST_NAMES:
                raise InvalidInput(f"The list has more than {MOST_NAMES:,} names. Give it in parts.", "names")
    except csv.Error as error:
        raise InvalidInput(f"Line {reader.line_num} of the list cannot be read: {error}.", "names") from None
    if not names:
        raise InvalidInput("The list has no names. Put one account a line.", "names")
    return names


def _headed(cells: list[str]) -> int | None:
    """Which column of a table's first line is headed as that of the names. In a list of one column, only ``account`` is a heading:
    there are accounts called ``user`` and ``name``."""
    known = HEADINGS if len(cells) > 1 else {"account", "accounts"}
    return next((at for at, cell in enumerate(cells) if cell.strip().casefold() in known), None)


def search_many(names: Iterable[Asked]) -> Iterator[Answer]:
    """The answers, in the order of the list. Five queries a batch."""
    for batch in _batched(names):
        yield from _answers(batch)


def _batched(names: Iterable[Asked]) -> Iterator[tuple[Asked, ...]]:
    rest = iter(names)
    while batch := tuple(itertools.islice(rest, BATCH)):
        yield batch


def _answers(batch: Iterable[Asked]) -> Iterator[Answer]:
    read: list[tuple[Asked, Query | str]] = []
    for asked in batch:
        try:
            read.append((asked, parse(asked.text)))
        except InvalidInput as error:
            read.append((asked, str(error)))
    queries = [query for _, query in read if isinstance(query, Query)]
    by_login, former = _owners({query.login for query in queries})
    owners = {owner.pk for rows in (*by_login.values(), *former.values()) for owner in rows}
    held = _held(owners, queries)
    releases = _releases(held)
    _narrow(held, owners, releases)
    for asked, query in read:
        shown = asked.text[:200]
        if isinstance(query, str):
            yield Answer(asked.line, shown, ERROR, error=query)
            continue
        found = [
            _answer(asked.line, shown, owner, parts, releases)
            for owner in by_login[query.login]
            if query.forge in ("", owner.forge) and (parts := held.get((owner.pk, query.repository)))
        ]
        if not found and any(
            query.forge in ("", owner.forge) and held.get((owner.pk, query.repository)) for owner in former[query.login]
        ):
            found = [Answer(asked.line, shown, FORMERLY)]
        yield from found or [Answer(asked.line, shown, NO)]


Parts = dict[int, dict[str, int]]  # figures by release


def _owners(logins: set[str]) -> tuple[dict[str, list[Owner]], dict[str, list[Owner]]]:
    now: dict[str, list[Owner]] = defaultdict(list)
    before: dict[str, list[Owner]] = defaultdict(list)
    for owner in Owner.objects.filter(login_folded__one_of=sorted(logins)).order_by("pk"):
        now[owner.login_folded].append(owner)
    rows = FormerLogin.objects.filter(login_folded__one_of=sorted(logins)).select_related("owner").order_by("pk")
    for row in rows:
        before[row.login_folded].append(row.owner)
    return now, before


def _held(owners: set[int], queries: list[Query]) -> dict[tuple[int, str], Parts]:
    """Figures by owner and repository (empty: the whole account), and by release."""
    sums = {"repositories": Count("pk"), "files": Sum("files"), "copies": Sum("copies"), "bytes": Sum("bytes")}
    held: dict[tuple[int, str], Parts] = defaultdict(dict)
    visible = held_by_public().filter(owner__in=owners).order_by()
    repositories = sorted({query.repository for query in queries} - {""})
    # A sum may not bear the name of the column that it is of.
    named = {f"all_{name}": one for name, one in sums.items()}
    for row in visible.values("owner", "release").annotate(**named):
        held[row["owner"], ""][row["release"]] = {name: row[f"all_{name}"] for name in sums}
    single = visible.filter(repository__name_folded__one_of=repositories)
    for row in single.values("owner", "release", "repository__name_folded").annotate(**named):
        key = (row["owner"], row["repository__name_folded"])
        held[key][row["release"]] = {name: row[f"all_{name}"] for name in sums}
    return held


def _releases(held: dict[tuple[int, str], Parts]) -> dict[int, Release]:
    wanted = {release for parts in held.values() for release in parts}
    releases = Release.objects.defer("recipe", "funnel", "languages", "licences")
    return hidden_files.with_state(releases).in_bulk(wanted)


def _narrow(held: dict[tuple[int, str], Parts], owners: set[int], releases: dict[int, Release]) -> None:
    """Take off the figures what is hidden file by file. One more query, where any is."""
    left = hidden_files.left(releases.values())
    if not left:
        return
    keys = sorted({key for _, key in left})
    rows = held_by_public().filter(owner__in=owners, release__in=list(releases), repository__key__one_of=keys)
    columns = ("owner", "release", "repository__name_folded", "repository__key", "files", "copies", "bytes")
    for owner, release, name, key, *before in rows.values_list(*columns):
        figures = left.get((release, key))
        if figures is None:
            continue
        emptied = not figures.files and not figures.copies
        for parts in (held.get((owner, "")), held.get((owner, name))):
            part = parts.get(release) if parts else None
            if parts is None or part is None:
                continue
            for at, column in enumerate(("files", "copies", "bytes")):
                part[column] -= before[at] - figures[at]
            part["repositories"] -= emptied
            if not part["repositories"]:
                del parts[release]


def _answer(line: int, asked: str, owner: Owner, parts: Parts, releases: dict[int, Release]) -> Answer:
    order = sorted(parts, key=lambda pk: (releases[pk].published_at or releases[pk].created_at, pk), reverse=True)
    names = tuple(f"{releases[pk].name} {releases[pk].version}" for pk in order)
    newest = parts[order[0]]
    figures = (newest["repositories"], newest["files"], newest["copies"], newest["bytes"])
    return Answer(line, asked, YES, owner.forge, owner.login, *figures, releases=names)
