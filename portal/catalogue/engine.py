"""The index of the catalogue: written by Whoosh, held in memory, read term by term.

Whoosh analyses the texts and keeps the inverted index and the stored fields. What is read of it for a question is kept as arrays
as long as the index lives, since Whoosh reads about half a million postings a second and most questions share their common words
(docs/decisions/0018-catalogue.md).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh.analysis import RegexTokenizer
from whoosh.fields import ID, KEYWORD, STORED, TEXT, Schema
from whoosh.filedb.filestore import RamStorage
from whoosh.index import FileIndex

from portal.catalogue.question import FIELDS, analyzer
from portal.entries import Entry

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
SHAPE = 3  # of the schema and of what is stored; another one is made anew
KEPT = 4_000_000  # postings that are kept in memory, 8 bytes each
PLACE = 20  # bits of a word's place in an entry
_values = KEYWORD(commas=True)

SCHEMA = Schema(
    id=ID(unique=True, stored=True),
    title=TEXT(analyzer=analyzer),
    body=TEXT(analyzer=analyzer),  # the title, the key words and the text
    spelling=TEXT(analyzer=RegexTokenizer(r"\w+(?:[.+#]\w+)*"), phrase=False),
    kind=_values,
    licence=_values,
    language=_values,
    release=_values,
    owner=_values,
    entry=STORED,
)


def write(files: dict[str, bytes], entries: Iterable[Entry], gone: Iterable[str] = ()) -> tuple[dict[str, bytes], int]:
    """Add entries to an index, in the place of those with the same ids, and take others out.

    Args:
        files: Of the index as it was; empty for a new one. They are left as they are.
        entries: To be put in.
        gone: Ids to be taken out.

    Returns:
        The files of the new index, and how many entries were put in.
    """
    storage = RamStorage()
    storage.files = dict(files)
    fresh = not files
    opened = storage.create_index(SCHEMA) if fresh else FileIndex(storage, SCHEMA)
    writer = opened.writer(limitmb=256)
    count = 0
    try:
        for entry_id in gone:
            writer.delete_by_term("id", entry_id)
        for entry in entries:
            (writer.add_document if fresh else writer.update_document)(**_fields(entry))
            count += 1
    except BaseException:
        writer.cancel()
        raise
    writer.commit()
    return dict(storage.files), count


def _fields(entry: Entry) -> dict[str, Any]:
    body = f"{entry.title}\n{entry.words}\n{entry.text}"
    return {
        "id": entry.id,
        "title": entry.title,
        "body": body,
        "spelling": " ".join({token.text for token in SCHEMA["spelling"].analyzer(body.casefold())}),
        "kind": entry.kind,
        "licence": ",".join(entry.licences),
        "language": ",".join(entry.languages),
        "release": ",".join(entry.releases),
        "owner": entry.owner,
        "entry": asdict(entry),
    }


class Opened:
    """An index that can be asked, by any number of threads. An entry is known by its number, 0 to ``count`` - 1."""

    def __init__(self, files: dict[str, bytes]) -> None:
        storage = RamStorage()
        storage.files = files
        self._reading = threading.RLock()  # Whoosh's readers move within a file: one at a time
        self._reader = FileIndex(storage, SCHEMA).reader()
        self._searcher: Any = None
        self.count: int = self._reader.doc_count_all()
        self.live: Mask = np.array([not self._reader.is_deleted(number) for number in range(self.count)], dtype=bool)
        self._kept: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
        self._size = 0
        self._names: dict[str, list[tuple[str, str]]] = {}
        self.lengths = {field: self._lengths(field) for field in ("title", "body")}
        for field in FIELDS:
            if field != "title":
                for value, _ in self.values(field):
                    self.having(field, value)

    def _lengths(self, field: str) -> Floats:
        """How long each entry is, in words, by the average."""
        found = np.array([self._reader.doc_field_length(number, field, 0) for number in range(self.count)], np.float32)
        return found / max(float(found[self.live].mean()) if self.live.any() else 1.0, 1.0)

    def values(self, field: str) -> list[tuple[str, str]]:
        """The values of a facet in this index, each with its folded form."""
        with self._reading:
            if field not in self._names:
                terms = [term.decode("utf-8") for term in self._reader.lexicon(field)]
                self._names[field] = [(term, term.casefold()) for term in terms]
            return self._names[field]

    def having(self, field: str, term: str) -> Ids:
        """The numbers of the entries with a term in a field, ascending."""
        ids: Ids = self.postings(field, term)[0]
        return ids

    def postings(self, field: str, term: str) -> tuple[Ids, Floats]:
        """The same, with how often the term stands in each."""

        def read(matcher: Any) -> tuple[Ids, Floats]:
            ids, weights = [], []
            while matcher.is_active():
                ids.append(matcher.id())
                weights.append(matcher.weight())
                matcher.next()
            return np.array(ids, np.int32), np.array(weights, np.float32)

        found: tuple[Ids, Floats] = self._read("postings", field, term, read)
        return found

    def places(self, field: str, term: str) -> npt.NDArray[np.int64]:
        """Where a term stands: ``number << PLACE | place``, ascending."""

        def read(matcher: Any) -> npt.NDArray[np.int64]:
            found: list[int] = []
            while matcher.is_active():
                first = matcher.id() << PLACE
                found += [first | place for place in matcher.value_as("positions") if place >> PLACE == 0]
                matcher.next()
            return np.array(found, np.int64)

        places: npt.NDArray[np.int64] = self._read("places", field, term, read)
        return places

    def _read(self, what: str, field: str, term: str, read: Any) -> Any:
        key = (what, field, term)
        with self._reading:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            there = (field, term) in self._reader
            found = read(self._reader.postings(field, term) if there else _Nothing())
            self._kept[key] = found
            self._size += _size(found)
            while self._size > KEPT and len(self._kept) > 1:
                self._size -= _size(self._kept.popitem(last=False)[1])
            return found

    def entries(self, numbers: Sequence[int]) -> list[Entry]:
        """What is stored of these."""
        with self._reading:
            return [Entry(**self._reader.stored_fields(int(number))["entry"]) for number in numbers]

    def everything(self) -> dict[str, Entry]:
        """All that is in it, by id."""
        found = self.entries([int(number) for number in np.flatnonzero(self.live)])
        return {entry.id: entry for entry in found}

    def knows(self, word: str) -> bool:
        """Whether a folded word stands anywhere."""
        with self._reading:
            return ("spelling", word) in self._reader

    def near(self, word: str) -> str:
        """The known word that is nearest to an unknown one: it begins alike and differs by two letters at most; or empty."""
        with self._reading:
            if self._searcher is None:
                self._searcher = self._reader.corrector("spelling")
            found = self._searcher.suggest(word, limit=1, maxdist=1 if len(word) < 5 else 2, prefix=1)
        return str(found[0]) if found else ""

    def forget(self, ids: Iterable[str]) -> None:
        """Answer from now on as if these were not there."""
        live = self.live.copy()
        for entry_id in ids:
            live[self.having("id", entry_id)] = False
        self.live = live


class _Nothing:
    """The postings of a term that is nowhere."""

    def is_active(self) -> bool:
        return False


def _size(found: Any) -> int:
    return sum(len(part) for part in found) if isinstance(found, tuple) else len(found)
