"""Names near to one that is not held: what was perhaps meant.

Three ways lead to candidates, each a look into an index, however many accounts there are. Neighbours in the alphabet share the
beginning; neighbours in the alphabet of the names read from their end share the end; and slips that leave neither are asked for
one by one, letter by letter. Which of the candidates are near is then told by comparing.
"""

import difflib
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Reverse

from datasets_app import one_of  # noqa: F401 - the look-up
from datasets_app.models import Owner

CANDIDATES = 30  # owners that each way looks at
LETTERS = "abcdefghijklmnopqrstuvwxyz"  # what slips are made of; digits and dashes are rarely mistyped
SHARED = 8  # letters: so many in common with a neighbour are rare enough that the neighbour is found by them
PLACES = 3  # in the middle of a name, at which every letter is tried
EARLY = 6  # places from the beginning, likewise, where names cannot be looked for from their end
NEAR = 0.7  # least likeness of a name that is suggested, 0..1
_COLUMNS = ("pk", "login", "login_folded", "forge")

Candidate = tuple[int, str, str, str]  # primary key, login, folded login, forge


def candidates(login: str, forge: str = "") -> dict[int, Candidate]:
    """Owners whose names are perhaps near to a folded login, by primary key."""
    names = Owner.objects.order_by()
    if forge:
        names = names.filter(forge=forge)
    after = names.filter(login_folded__gt=login).order_by("login_folded").values_list(*_COLUMNS)
    before = names.filter(login_folded__lt=login).order_by("-login_folded").values_list(*_COLUMNS)
    parts: list[QuerySet[Any]] = [after[:CANDIDATES], before[: CANDIDATES // 2]]
    if connection.vendor == "postgresql":
        parts.append(names.filter(login_folded__one_of=few_slips(login)).values_list(*_COLUMNS)[:CANDIDATES])
        read = names.alias(end=Reverse("login_folded"))
        parts.append(read.filter(end__gt=login[::-1]).order_by("end").values_list(*_COLUMNS)[:CANDIDATES])
        parts.append(read.filter(end__lt=login[::-1]).order_by("-end").values_list(*_COLUMNS)[: CANDIDATES // 2])
        rows: Iterable[Any] = parts[0].union(*parts[1:], all=True)  # one way to the server and back
    else:
        parts.append(names.filter(login_folded__one_of=slips(login)).values_list(*_COLUMNS)[:CANDIDATES])
        rows = [row for part in parts for row in part]
    return {row[0]: row for row in rows}


def slips(name: str) -> list[str]:
    """Names that were perhaps meant: one letter too many or two swapped; in the first half, where the alphabet does not help, also
    one letter wrong or missing; and the beginning of what was typed. About 400."""
    early = range(min(len(name) // 2 + 1, EARLY))
    return sorted(_changed(name) | _wrong(name, early) | _missing(name, early))


def few_slips(name: str) -> list[str]:
    """The same, where names can also be looked for from their end: letters are tried only where a slip leaves too little on either
    side. At most about 200, and for names of sixteen letters and more about 45."""
    middle = len(name) // 2
    nearest = sorted(range(len(name) + 1), key=lambda at: (abs(at - middle), at))[:PLACES]
    wrong = [at for at in nearest if at < SHARED and len(name) - 1 - at < SHARED and at < len(name)]
    missing = [at for at in nearest if at < SHARED and len(name) - at < SHARED]
    return sorted(_changed(name) | _wrong(name, wrong) | _missing(name, missing))


def _changed(name: str) -> set[str]:
    shorter = {name[:at] + name[at + 1 :] for at in range(len(name))}
    swapped = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)}
    beginnings = {name[:length] for length in range(4, len(name))}
    return (shorter | swapped | beginnings) - {"", name}


def _wrong(name: str, places: Iterable[int]) -> set[str]:
    return {name[:at] + letter + name[at + 1 :] for at in places for letter in LETTERS} - {name}


def _missing(name: str, places: Iterable[int]) -> set[str]:
    return {name[:at] + letter + name[at:] for at in places for letter in LETTERS}


def likeness(asked: str, name: str) -> float:
    """How alike two names are, 0..1; 0 where they are less so than ``NEAR``."""
    if name.startswith(asked) and len(asked) >= 3:
        return 0.95
    if asked.startswith(name) and len(name) >= 4:
        return 0.8
    compared = difflib.SequenceMatcher(None, asked, name, autojunk=False)
    if compared.real_quick_ratio() < NEAR or compared.quick_ratio() < NEAR:
        return 0.0
    return compared.ratio()
