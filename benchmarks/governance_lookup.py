"""How long a person waits for the answer to "Am I in The Stack?" over a million accounts.

    .venv/bin/python benchmarks/governance_lookup.py --quick
    DATABASE_URL=postgres://… .venv/bin/python benchmarks/governance_lookup.py --owners 10000000

A part of ``governance.py``. Makes synthetic owners, three repositories an owner, and holdings in a throw-away database. Ten
million owners take about 3 GB of memory and 25 GB of disk at the server. ``lookup_p99_ms`` is the time at the database: all queries
of one ``lookup.search``, executed and fetched. ``lookup_whole_p99_ms`` has what Python does around them too,
``search_page_p95_ms`` is the whole page. Figures are of one process, and wall time: other work on the machine makes them worse. So
``load`` stands beside them, and ``lookup_server_cpu_ms``: the processor time of the server for the dearest kind of question, which
depends little on it.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.governance_database import insert, throw_away_database, without_indexes  # noqa: E402

SEED = 20230509
SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ren",
    "tor",
    "sy",
    "vel",
    "dan",
    "py",
    "net",
    "gra",
    "code",
    "ux",
    "zen",
    "ar",
    "bit",
    "jo",
    "el",
]


def logins(count: int, rng: random.Random) -> list[str]:
    """Distinct names of the kind that people choose, sorted by chance."""
    names: set[str] = set()
    while len(names) < count:
        parts = rng.choices(SYLLABLES, k=rng.choice((2, 2, 3, 3, 3, 4)))
        name = rng.choice(("", "", "-")).join(parts)
        if rng.random() < 0.7:
            name += str(rng.randrange(10_000))
        names.add(name[:39])
    found = sorted(names)
    rng.shuffle(found)
    return found


def fill(owners: int) -> list[str]:
    """Make the rows, and give the logins in the order of their primary keys (from 1)."""
    from django.core.management import call_command
    from django.db import connection

    from core.permissions import SYSTEM
    from datasets_app.models import Owner, Release
    from datasets_app.services import blocklist, masks

    call_command("migrate", verbosity=0)
    rng = random.Random(SEED)
    names = logins(owners, rng)
    forges = rng.choices(("github.com", "gitlab.com"), (95, 5), k=owners)
    writing = [name.title() if rng.random() < 0.2 else name for name in names]
    with without_indexes("datasets_app_owner", "datasets_app_repository", "datasets_app_holding"):
        insert(
            "datasets_app_owner",
            ("id", "key", "forge", "account_id", "login", "login_folded"),
            (
                (at, f"{forge}:{at}", forge, str(at), written, name)
                for at, (name, forge, written) in enumerate(zip(names, forges, writing, strict=True), 1)
            ),
        )
        counts = rng.choices((1, 2, 3, 6, 40), (51.5, 22, 12, 12.1, 2.4), k=owners)  # three in the mean
        belongs = [owner for owner, count in enumerate(counts, 1) for _ in range(count)]
        insert(
            "datasets_app_repository",
            ("id", "key", "owner_id", "name", "name_folded", "url", "licence", "permissive"),
            (
                (
                    at,
                    f"o{owner}/r{at}",
                    owner,
                    f"Project{at}",
                    f"project{at}",
                    f"https://github.com/o/r{at}",
                    "MIT",
                    True,
                )
                for at, owner in enumerate(belongs, 1)
            ),
        )
        releases = [
            Release.objects.create(
                name="stack", version=f"v1.{at}", state="published", published_at=f"2026-0{at + 1}-01T00:00Z"
            )
            for at in range(2)
        ]
        holdings = (
            (at, release.pk, repository, owner, 10, 1, 12_345, "MIT", '["MIT"]', '["Python", "C"]')
            for at, (release, repository, owner) in enumerate(
                (
                    (release, repository, owner)
                    for release in releases
                    for repository, owner in enumerate(belongs, 1)
                    if (repository * 2654435761 + release.pk) % 100 < 75
                ),
                1,
            )
        )
        insert(
            "datasets_app_holding",
            (
                "id",
                "release_id",
                "repository_id",
                "owner_id",
                "files",
                "copies",
                "bytes",
                "licence",
                "licences",
                "languages",
            ),
            holdings,
        )
    for owner in Owner.objects.filter(pk__in=range(1, 2001)):  # requests under way and granted
        (masks.mask if owner.pk % 2 else blocklist.add)(SYSTEM, owner, reference="bench")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{owners:,} owners, {len(belongs):,} repositories, 1,000 masks, 1,000 blocks")
    return names


def questions(names: list[str], count: int) -> dict[str, list[str]]:
    """What is asked, by kind. No question is asked twice."""
    from datasets_app.models import Repository

    rng = random.Random(SEED + 1)
    chosen = rng.sample(range(len(names)), 3 * count)
    hits = [names[at].upper() for at in chosen[:count]]
    misses = []
    for at in chosen[count : 2 * count]:
        name, place = names[at], rng.randrange(len(names[at]))
        misses.append(name[:place] + rng.choice("qxw") + name[place + 1 :])
    owners = [at + 1 for at in chosen[2 * count :]]
    repositories = Repository.objects.filter(owner__in=owners).values_list("owner__login", "name")[:count]
    return {
        "account that is there": hits,
        "misspelt account, with suggestions": misses,
        "owner/repository": [f"{login}/{name}" for login, name in repositories],
    }


def timed(act: Callable[[str], object], asked: list[str]) -> list[float]:
    """Milliseconds of each call."""
    act(asked[0])
    times = []
    for text in asked:
        start = time.perf_counter()
        act(text)
        times.append((time.perf_counter() - start) * 1000)
    return times


def server_cpu_ms(act: Callable[[str], object], asked: list[str]) -> float | None:
    """Milliseconds of the server's own processor time a call, which other work on the machine leaves as it is. None where the server is
    not on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")

    def spent() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    try:
        before = spent()
        for text in asked:
            act(text)
        return round((spent() - before) / len(asked), 3)
    except FileNotFoundError:
        return None


class DatabaseTime:
    """Adds up the time that queries take, fetching included."""

    def __init__(self) -> None:
        self.spent = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Time every cursor that is opened within the block."""
        from django.db import connection
        from django.db.backends.utils import CursorWrapper

        clock = self

        def timing(method: Callable[..., object]) -> Callable[..., object]:
            def timed_method(*arguments: object) -> object:
                start = time.perf_counter()
                try:
                    return method(*arguments)
                finally:
                    clock.spent += time.perf_counter() - start

            return timed_method

        class TimedCursor(CursorWrapper):
            def __init__(self, cursor: object, db: object) -> None:
                super().__init__(cursor, db)
                for name in ("fetchone", "fetchmany", "fetchall"):
                    setattr(self, name, timing(getattr(cursor, name)))

            def execute(self, sql: object, params: object = None) -> object:
                return timing(super().execute)(sql, params)

        connection.make_cursor = lambda cursor: TimedCursor(cursor, connection)
        try:
            yield
        finally:
            del connection.make_cursor

    def of(self, act: Callable[[str], object], asked: list[str]) -> list[float]:
        """Milliseconds at the database of each call."""
        act(asked[0])
        times = []
        with self.measured():
            for text in asked:
                self.spent = 0.0
                act(text)
                times.append(self.spent * 1000)
        return times


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def show(title: str, results: dict[str, list[float]]) -> list[float]:
    print(f"\n{title:<38}{'asked':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'worst':>9}")
    everything: list[float] = []
    for kind, times in results.items():
        everything += times
        print(
            f"{kind:<38}{len(times):>8}{statistics.median(times):>9.2f}{percentile(times, 0.95):>9.2f}"
            f"{percentile(times, 0.99):>9.2f}{max(times):>9.2f}"
        )
    return everything


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 questions of each kind, not 10,000")
    parser.add_argument("--owners", type=int, default=1_000_000)
    options = parser.parse_args()
    count = 1000 if options.quick else 10_000
    folder = Path(tempfile.mkdtemp(prefix="fairstack-governance-"))
    try:
        with throw_away_database(folder) as kind:
            figures = measure(kind, options.owners, count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print()
    print(json.dumps(figures))


def measure(kind: str, owners: int, count: int) -> dict[str, object]:
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from datasets_app import lookup
    from datasets_app.models import Repository

    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.ALLOWED_HOSTS = ["testserver"]
    start = time.perf_counter()
    names = fill(owners)
    print(f"made on {kind} in {time.perf_counter() - start:.0f} s")
    asked = questions(names, count)
    held = sum(lookup.search(text).held for text in asked["account that is there"][:200])
    near = sum(bool(lookup.search(text).suggestions) for text in asked["misspelt account, with suggestions"][:200])
    half = {name: (texts[: count // 2], texts[count // 2 :]) for name, texts in asked.items()}
    database = show(
        "look-up, at the database", {name: DatabaseTime().of(lookup.search, one) for name, (one, _) in half.items()}
    )
    cpu = {name: server_cpu_ms(lookup.search, texts) for name, (_, texts) in half.items()}
    if any(cpu.values()):
        print("\nprocessor time of the server, ms a look-up: " + ", ".join(f"{name} {ms}" for name, ms in cpu.items()))
    load = round(os.getloadavg()[0], 1)
    lookups = show("look-up, whole", {name: timed(lookup.search, other) for name, (_, other) in half.items()})
    client = Client()
    address = reverse("portal:search")

    def page(text: str) -> None:
        response = client.get(address, {"q": text})
        assert response.status_code == 200, response.status_code

    pages = show("whole page", {name: timed(page, texts[: count // 4]) for name, texts in asked.items()})
    print(
        f"\n{held / 2:.0f}% of the accounts that are there are held; {near / 2:.0f}% of misspelt ones get a suggestion"
    )
    return {
        "database": kind,
        "owners": owners,
        "repositories": Repository.objects.count(),
        "load": load,
        "lookup_server_cpu_ms": max((ms for ms in cpu.values() if ms is not None), default=None),
        "lookup_p50_ms": round(statistics.median(database), 2),
        "lookup_p99_ms": round(percentile(database, 0.99), 2),
        "lookup_whole_p99_ms": round(percentile(lookups, 0.99), 2),
        "search_page_p95_ms": round(percentile(pages, 0.95), 2),
    }


if __name__ == "__main__":
    main()
