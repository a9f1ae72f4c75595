"""Full-text search over the catalogue: published releases, models, licences, documents. Holds no text of the corpus.

The index is made from rows and files that are at hand, so it can be made anew at any time: where it is missing, damaged or of an
older shape, that is what happens. Each making is a folder of its own; the file ``current`` names the one in use.
"""

import fcntl
import logging
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.html import escape
from whoosh import index, query
from whoosh.analysis import StemmingAnalyzer
from whoosh.fields import ID, STORED, TEXT, Schema
from whoosh.highlight import ContextFragmenter, HtmlFormatter

from core import stores
from core.stores import Cleared, Store
from portal.entries import Entry, everything, still_there

log = logging.getLogger(__name__)
FOLDER = "indexes"
LONGEST = 200  # characters of a question that are read
WORDS = 12  # words of a question that are looked for
MOST = 100  # hits
_WORD = re.compile(r"[\w][\w.+#-]*")

_analyzer = StemmingAnalyzer(expression=r"\w+(?:[.+#]\w+)*", minsize=1)
SCHEMA = Schema(
    id=ID(unique=True, stored=True),
    kind=ID(stored=True),
    title=TEXT(analyzer=_analyzer, stored=True, field_boost=3.0),
    words=TEXT(analyzer=_analyzer, stored=True, field_boost=2.0),
    text=TEXT(analyzer=_analyzer, stored=True),
    spelling=TEXT(stored=False),
    url=STORED,
)


@dataclass(frozen=True)
class Hit:
    """One thing found. ``excerpt`` is HTML with the words found in ``<b>``; everything else in it is escaped."""

    kind: str
    title: str
    url: str
    excerpt: str


@dataclass(frozen=True)
class Answer:
    """What was found, best first; ``meant`` is a nearby spelling where a word is unknown."""

    hits: list[Hit] = field(default_factory=list)
    meant: str = ""


def register_store() -> None:
    """The index belongs to a store; a purge makes it anew from what there is then."""

    def purge(blob_ids: set[str], progress: stores.Progress) -> Cleared:
        progress("catalogue index", 0, 1)
        made = rebuild()
        progress("catalogue index", 1, 1)
        return Cleared("catalogue index", items=0, files=made)

    # The folder of all indexes is that of the data floor's own store.
    stores.register(Store("catalogue index", (), purge=purge))


def find(text: str) -> Answer:
    """Look for words. They are taken as words: no wildcards, no operators."""
    words = _WORD.findall(text[:LONGEST].casefold())[:WORDS]
    if not words:
        return Answer()
    try:
        return _find(_open(), words)
    except Exception:  # an index can be damaged in more ways than can be listed; whichever it is, it can be made anew
        if _sound():
            log.exception("The catalogue index is sound, and yet a question could not be answered.")
            return Answer()
        log.warning("The catalogue index could not be read; it is made anew.")
        rebuild()
        return _find(_open(), words)


def _sound() -> bool:
    """Whether every term and every stored entry can be read: a question that cannot be answered must not cause rebuilding."""
    try:
        with _open().searcher() as searcher:
            for _ in searcher.reader().all_terms():
                pass
            for _ in searcher.reader().all_stored_fields():
                pass
    except Exception:  # see find()
        return False
    return True


def rebuild() -> int:
    """Make the index anew and put it in the place of the old one. Gives how many entries it holds."""
    with _alone() as root:
        fresh = root / f"catalogue-{uuid.uuid4().hex}"
        fresh.mkdir()
        count = _write(index.create_in(fresh, SCHEMA), everything())
        _point(root, fresh)
        for other in root.glob("catalogue-*"):
            if other != fresh:
                shutil.rmtree(other, ignore_errors=True)
    return count


def put(entries: Iterable[Entry]) -> None:
    """Add entries, or replace those with the same id."""
    with _alone() as root:
        current = _current(root)
        if current is not None:
            try:
                _write(index.open_dir(current, schema=SCHEMA), entries)
                return
            except Exception:  # see find()
                log.warning("The catalogue index could not be written; it is made anew.")
    rebuild()


def _find(opened: Any, words: list[str]) -> Answer:
    with opened.searcher() as searcher:
        found = searcher.search(_query(words), limit=MOST, terms=True)
        found.fragmenter = ContextFragmenter(maxchars=220, surround=50)
        found.formatter = HtmlFormatter(tagname="b", classname="match", termclass="t")
        live = still_there([hit["id"] for hit in found])
        hits = [
            Hit(hit["kind"], hit["title"], hit["url"], hit.highlights("text", top=2) or _opening(hit["text"]))
            for hit in found
            if hit["id"] in live
        ]
        return Answer(hits, _meant(searcher, words))


def _query(words: list[str]) -> Any:
    """Every word, in any field. Words are terms: nothing that a visitor types becomes an operator."""
    each = []
    for word in words:
        terms = [
            query.Term(name, token.text, boost=boost)
            for name, boost in (("title", 3.0), ("words", 2.0), ("text", 1.0))
            for token in _analyzer(word, mode="query")
        ]
        if terms:
            each.append(query.Or(terms))
    return query.And(each) if each else query.NullQuery


def _meant(searcher: Any, words: list[str]) -> str:
    """The question with unknown words replaced by near ones that are known; empty where all are known or nothing is near."""
    reader = searcher.reader()
    corrected = []
    for word in words:
        if ("spelling", word) in reader or len(word) < 3:
            corrected.append(word)
            continue
        near = searcher.suggest("spelling", word[:40], limit=1, maxdist=2, prefix=1)
        if not near:
            return ""
        corrected.append(near[0])
    return " ".join(corrected) if corrected != words else ""


def _opening(text: str) -> str:
    return escape(text[:200] + ("…" if len(text) > 200 else ""))


def _write(opened: Any, entries: Iterable[Entry]) -> int:
    writer = opened.writer()
    count = 0
    try:
        for entry in entries:
            writer.update_document(
                id=entry.id,
                kind=entry.kind,
                title=entry.title,
                words=entry.words,
                text=entry.text,
                spelling=f"{entry.title} {entry.words} {entry.text}",
                url=entry.url,
            )
            count += 1
    except BaseException:
        writer.cancel()
        raise
    writer.commit()
    return count


def _open() -> Any:
    current = _current(stores.folder(FOLDER))
    if current is None:
        rebuild()
        current = _current(stores.folder(FOLDER))
    return index.open_dir(current, schema=SCHEMA)


def _current(root: Path) -> Path | None:
    try:
        name = (root / "current").read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    found = root / name
    return found if re.fullmatch(r"catalogue-[0-9a-f]{32}", name) and found.is_dir() else None


def _point(root: Path, fresh: Path) -> None:
    pointer = root / f".tmp-{uuid.uuid4().hex}"
    pointer.write_text(fresh.name, encoding="ascii")
    pointer.replace(root / "current")


@contextmanager
def _alone() -> Iterator[Path]:
    """One writer at a time, over all processes of this machine."""
    root = stores.folder(FOLDER)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root
