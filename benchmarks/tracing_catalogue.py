"""How long a question to the catalogue takes: words, fields, phrases, misspelt words and facets over 20,000 entries.

    .venv/bin/python benchmarks/tracing_catalogue.py --quick

A part of ``tracing.py``. The entries are made up: models with cards whose words are as frequent as words are (Zipf), of forty releases,
with licences and languages. A question is understood, answered and marked as on the page; the look into the database that tells
what was withdrawn, and the page itself, are not in it. The index was just opened, so reading the common words for
the first time is. ``--quick`` takes 4,000 entries. Wall time of one process; ``load`` stands beside it.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SEED = 20230509
ENTRIES, QUICK = 20_000, 4_000
QUESTIONS = 500
BESIDE = 60  # of these that Whoosh answers by itself, for comparison
WORDS = 30_000  # different ones
LENGTH = 80  # words of a text
LANGUAGES = ("Python", "Java", "JavaScript", "Go", "Rust", "C", "C++", "Ruby", "PHP", "Kotlin", "Scala", "Haskell")
LICENCES = ("bigcode-openrail-m", "MIT", "Apache-2.0", "BSD-3-Clause", "ISC")


def vocabulary(rng: random.Random) -> list[str]:
    """Words by frequency: those of code models first, then made-up ones that read like words."""
    known = "model code data python trained release licence tokens file language java fill middle completion editor permissive"
    parts = (
        "ka",
        "lo",
        "mi",
        "ren",
        "tor",
        "sy",
        "vel",
        "dan",
        "net",
        "gra",
        "ux",
        "zen",
        "ar",
        "bit",
        "jo",
        "el",
        "pra",
        "st",
    )
    words = dict.fromkeys(known.split())
    while len(words) < WORDS:
        words["".join(rng.choices(parts, k=rng.randint(2, 4)))] = None
    return list(words)


def made_up(count: int, rng: random.Random, words: list[str]) -> list[Any]:
    """Entries for models."""
    from portal.entries import Entry

    weights = [1 / (rank + 1) for rank in range(len(words))]
    entries = []
    for number in range(count):
        text = rng.choices(words, weights, k=LENGTH)
        name = "-".join(rng.choices(words[:3000], k=2))
        entries.append(
            Entry(
                id=f"model:{number}", kind=rng.choice(("model", "model", "model", "run", "document")),
                title=f"org{number % 50}/{name}", words="model card", text=" ".join(text), url=f"/models/{number}",
                licences=(rng.choice(LICENCES),), languages=tuple(rng.sample(LANGUAGES, k=3)),
                releases=(f"the-stack-demo v1.{rng.randrange(40)}",), owner=f"org{number % 50}",
            )
        )  # fmt: skip
    return entries


def questions(rng: random.Random, entries: list[Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Kind of question, text, chosen facets: as many of each kind, in any order."""

    def words(least: int, most: int) -> list[str]:
        text = rng.choice(entries).text.split()
        start = rng.randrange(len(text) - most)
        return text[start : start + rng.randint(least, most)]

    def misspelt() -> str:
        word = max(words(4, 6), key=len)
        at = rng.randrange(1, len(word) - 1)
        return " ".join([word[:at] + word[at + 1] + word[at] + word[at + 2 :], *words(0, 1)])

    makers: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        "words": lambda: (" ".join(words(1, 3)), {}),
        "fielded": lambda: (f"kind:model language:{rng.choice(LANGUAGES).lower()} {' '.join(words(0, 2))}", {}),
        "misspelt": lambda: (misspelt(), {}),
        "phrase": lambda: (f'"{" ".join(words(2, 3))}"', {}),
        "faceted": lambda: (words(1, 1)[0], {"kind": "model", "licence": rng.choice(LICENCES).lower()}),
        "title": lambda: (f"title:{rng.choice(entries).title.split('-')[-1]} -{words(1, 1)[0]}", {}),
    }
    made = [(kind, *makers[kind]()) for kind in makers for _ in range(QUESTIONS // len(makers))]
    rng.shuffle(made)
    return made


def by_whoosh(files: dict[str, bytes], asked: list[tuple[str, str, dict[str, str]]]) -> list[float]:
    """What Whoosh's own search takes (ms) for questions of plain words and phrases: the ten best, and how many there are."""
    from whoosh import query
    from whoosh.filedb.filestore import RamStorage
    from whoosh.index import FileIndex

    from portal.catalogue.engine import SCHEMA
    from portal.catalogue.question import parse

    storage = RamStorage()
    storage.files = dict(files)
    times = []
    with FileIndex(storage, SCHEMA).searcher() as searcher:
        for _, text, _ in asked:
            parts = parse(text).parts
            start = time.perf_counter()
            wanted = [
                query.Phrase("body", [term for term, _ in part.terms])
                if part.phrase
                else query.Or([query.Term(name, term) for name in ("title", "body") for term, _ in part.terms])
                for part in parts
            ]
            found = searcher.search(query.And(wanted), limit=10)
            assert len(found) >= found.scored_length()
            times.append((time.perf_counter() - start) * 1000)
    return times


def share(times: list[float], at: float) -> float:
    """The time (ms) that a share of the questions stays within."""
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(at * len(ordered)))], 2)


def measure(quick: bool = False) -> dict[str, Any]:
    """The figures; ``catalogue_p95_ms`` is to be at most 60 for 20,000 entries."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from core.errors import InvalidInput
    from portal import catalogue
    from portal.catalogue import engine
    from portal.catalogue.question import parse

    rng = random.Random(SEED)
    entries = made_up(QUICK if quick else ENTRIES, rng, vocabulary(rng))
    start = time.perf_counter()
    files, count = engine.write({}, entries)
    built = time.perf_counter() - start
    start = time.perf_counter()
    opened = engine.Opened(files)
    opening = time.perf_counter() - start
    times: dict[str, list[float]] = {}
    found = 0
    asked = questions(rng, entries)
    for kind, text, chosen in asked:
        start = time.perf_counter()
        try:
            found += bool(catalogue.answer(opened, parse(text, chosen), 1, set).count)
        except InvalidInput:
            continue
        times.setdefault(kind, []).append((time.perf_counter() - start) * 1000)
    every = [one for kind in times.values() for one in kind]
    plain = [one for one in asked if one[0] in ("words", "phrase")][:BESIDE]
    whoosh = by_whoosh(files, plain)
    start = time.perf_counter()
    engine.write(files, entries[:1])
    changed = time.perf_counter() - start
    return {
        "catalogue_entries": count,
        "catalogue_questions": len(every),
        "catalogue_found": found,
        "catalogue_p50_ms": share(every, 0.5),
        "catalogue_p95_ms": share(every, 0.95),
        "catalogue_p99_ms": share(every, 0.99),
        **{f"catalogue_{kind}_p95_ms": share(rows, 0.95) for kind, rows in sorted(times.items())},
        "catalogue_whoosh_p50_ms": share(whoosh, 0.5),
        "catalogue_whoosh_p95_ms": share(whoosh, 0.95),
        "catalogue_build_s": round(built, 1),
        "catalogue_open_ms": round(opening * 1000),
        "catalogue_change_ms": round(changed * 1000),
        "catalogue_mb": round(sum(map(len, files.values())) / 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    figures = measure(parser.parse_args().quick)
    for name, figure in figures.items():
        print(f"{name:28} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
