"""Full-text search over the catalogue: what is published here, its cards, recipes, licences, documents and runs.

It holds no text of the corpus and no name of an account.

The index is made from rows and files that are at hand, so it can be made anew at any time: where it is missing, damaged or of an
older shape, that is what happens. Rooms: :mod:`question` understands what is typed, :mod:`engine` writes and reads the index,
:mod:`searching` answers, :mod:`marks` says what is shown of a hit, :mod:`shelf` keeps the file.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core import stores
from core.jobs import enqueue
from core.permissions import SYSTEM
from core.stores import Cleared, Store
from datasets_app.models import Release
from modelzoo.models import ZooModel
from portal import entries
from portal.catalogue import engine, marks, searching, shelf
from portal.catalogue.marks import Piece
from portal.catalogue.question import Question
from portal.catalogue.searching import Value
from portal.entries import Entry
from training_jobs.models import Run

log = logging.getLogger(__name__)
KIND = "portal.rebuild_catalogue"
A_PAGE = 10
FEW = 500  # rows that are indexed while somebody waits; more of them are a job
_Progress = Callable[[int], None]


@dataclass(frozen=True)
class Hit:
    """One thing found: its title and a stretch of its text, cut where words were looked for."""

    entry: Entry
    title: list[Piece]
    excerpt: list[Piece]


@dataclass(frozen=True)
class Answer:
    """What was found.

    Attributes:
        count: How many.
        hits: Those of the page, best first.
        page: Which page that is, from 1.
        facets: For each facet its commonest values.
        meant: The question with nearer spellings, or empty.
        ready: False while the index is being made and nothing can be said.
    """

    count: int = 0
    hits: list[Hit] = field(default_factory=list)
    page: int = 1
    facets: dict[str, list[Value]] = field(default_factory=dict)
    meant: str = ""
    ready: bool = True

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // A_PAGE))


def find(question: Question, page: int = 1) -> Answer:
    """Answer a question. What was withdrawn is not found, even where the index has not heard of it yet."""
    opened = _opened()
    if opened is None:
        return Answer(ready=False)
    return answer(opened, question, page, entries.still_there)


def answer(
    opened: engine.Opened, question: Question, page: int, still_there: Callable[[Iterable[str]], set[str]]
) -> Answer:
    """The same from an open index. ``still_there`` gives those of some ids that may be shown."""
    while True:
        found = searching.search(opened, question)
        last = max(1, -(-len(found.numbers) // A_PAGE))
        page = min(max(page, 1), last)
        shown = opened.entries(found.numbers[(page - 1) * A_PAGE : page * A_PAGE].tolist())
        gone = {entry.id for entry in shown} - still_there(entry.id for entry in shown)
        if not gone:
            break
        opened.forget(gone)
    terms = marks.terms_of(question)
    hits = [Hit(entry, marks.marked(entry.title, terms), marks.excerpt(entry.text, terms)) for entry in shown]
    return Answer(len(found.numbers), hits, page, found.facets, found.meant)


def rebuild(progress: _Progress = lambda done: None) -> int:
    """Make the index anew and put it in the place of the old one. Gives how many entries it holds."""
    with shelf.alone():
        return _make(progress)


def _make(progress: _Progress = lambda done: None) -> int:
    def told() -> Iterable[Entry]:
        for done, entry in enumerate(entries.everything(), 1):
            yield entry
            progress(done)

    files, count = engine.write({}, told())
    shelf.replace(files)
    return count


def change(put: Iterable[Entry] = (), gone: Iterable[str] = ()) -> None:
    """Put entries into the index, in the place of those with the same ids, and take others out.

    Where there is no index that can be used, nothing is done: the next question makes it anew.
    """
    with shelf.alone():
        files = shelf.read()
        if files is not None:
            shelf.replace(engine.write(files, put, gone)[0])


def keep() -> int:
    """Bring the index to what there is now, wherever a change did not reach it. Gives how many entries differed."""
    opened = shelf.current()
    if opened is None:
        return 0
    there = opened.everything()
    now = {entry.id: entry for entry in entries.everything()}
    put = [entry for entry in now.values() if there.get(entry.id) != entry]
    gone = there.keys() - now.keys()
    if put or gone:
        change(put, gone)
    return len(put) + len(gone)


def register_store() -> None:
    """The index belongs to a store; a purge makes it anew, since what was taken out of it is only marked as gone until then."""

    def purge(blob_ids: set[str], progress: stores.Progress) -> Cleared:
        if shelf.is_there():
            progress("catalogue index", 0, 1)
            rebuild()
            progress("catalogue index", 1, 1)
        return Cleared("catalogue index", files=int(shelf.is_there()))

    # The folder of all indexes is that of the data floor's own store.
    stores.register(Store("catalogue index", (), purge=purge))


def _opened() -> engine.Opened | None:
    """The index; made at once where it is missing and small, else asked for, and None meanwhile."""
    opened = shelf.current()
    if opened is not None:
        return opened
    if _rows() > FEW:
        enqueue(KIND, {}, actor=SYSTEM, dedupe_key=KIND)
        return None
    try:
        with shelf.alone():
            if shelf.current() is None:  # else somebody who asked at the same time has made it
                _make()
    except OSError:
        log.exception("The catalogue index could not be written.")
        return None
    return shelf.current()


def _rows() -> int:
    """About how many entries the index would have."""
    return Release.objects.count() + ZooModel.objects.count() + Run.objects.count()
