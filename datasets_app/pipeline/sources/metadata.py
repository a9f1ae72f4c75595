"""What the metadata of a package says of where it comes from and on what terms: installed, or in an archive."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path

from datasets_app.pipeline.licence_files import is_licence_file, of_package
from datasets_app.pipeline.licences import Licence, combine
from datasets_app.pipeline.sources.base import FileSkipped, RepositoryRecord
from datasets_app.pipeline.sources.forges import Place, place
from datasets_app.pipeline.sources.reading import read_below

FALLBACK_FORGE = "pypi.org"
METADATA_LIMIT = 4_000_000  # bytes; scipy's, with every licence of what it bundles, has 50,000
RECORD_LIMIT = 64_000_000  # bytes

# Labels of Project-URL, normalised as PEP 753 says, from the surest to the least sure. All others stand between the
# named ones and the documentation, which often lies in a repository of its own.
_SURE = [
    "source",
    "sourcecode",
    "repository",
    "code",
    "github",
    "gitlab",
    "codeberg",
    "homepage",
    "home",
    "homepagesource",
]
_UNSURE = ["documentation", "docs", "funding", "donate", "sponsor", "chat"]
_TOOLS_OWN = re.compile(r"(^|/)__pycache__/|\.py[co]$|(^|/)[^/]+\.(dist-info|egg-info)/|^[^/]+\.pth$")


@dataclass(frozen=True)
class Package:
    """A package as its ``*.dist-info`` folder describes it."""

    name: str
    place: Place | None
    licence: Licence
    files: tuple[str, ...]
    problems: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Description:
    """What a package's metadata says. ``place`` is None where it names no repository; ``problems`` are for people."""

    name: str
    place: Place | None
    licence: Licence
    problems: tuple[str, ...] = field(default=())

    @property
    def stands_at(self) -> Place:
        """Its repository, or its place on the index: no forge, but it can be found and opted out there all the same."""
        return self.place or Place(FALLBACK_FORGE, self.name, self.name)


def is_tools_own(path: str) -> bool:
    """Whether a compiler or an installer put the file there: it is no file of the repository."""
    return _TOOLS_OWN.search(path) is not None


def _fold(label: str) -> str:
    return re.sub(r"[\W_]+", "", label).lower()


def find_place(project_urls: list[str], home_page: str) -> Place | None:
    """The repository of a package, from its fields Project-URL (``label, address``) and Home-page."""
    ranked = []
    for at, entry in enumerate(project_urls):
        label, _, address = entry.rpartition(",")
        folded = _fold(label)
        order = _SURE.index(folded) if folded in _SURE else len(_SURE) + (folded in _UNSURE)
        ranked.append((order, at, address))
    ranked.append((_SURE.index("homepage"), len(project_urls), home_page))
    return next((found for _, _, address in sorted(ranked) if (found := place(address))), None)


def licence_files(root: Path, folder: str, listed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The package's own licence files as (name, text): those on the top floor of the folder or of its ``licenses/``.

    Deeper ones are those of bundled parts, as are those whose name says so.
    """
    for path in sorted(listed):
        parts = path.removeprefix(f"{folder}/").split("/")
        if not path.startswith(f"{folder}/") or len(parts) > 2 or (len(parts) == 2 and parts[0] != "licenses"):
            continue
        if is_licence_file(parts[-1]):
            try:
                yield parts[-1], read_below(root, path, METADATA_LIMIT).decode("utf-8", errors="replace")
            except FileSkipped:
                continue  # a licence that cannot be read says nothing; the package is then held out


def describe(name: str, text: str, files: Iterable[tuple[str, str]]) -> Description:
    """What metadata says, with what is malformed told in ``problems``.

    Args:
        name: Of the package, as the name of its folder or archive has it; the metadata's own is taken where it is valid.
        text: The whole METADATA or PKG-INFO; empty where there is none.
        files: The package's own licence files as (name, text); read only where the metadata names no licence.
    """
    problems = []
    fields = HeaderParser().parsestr(text)
    stated = str(fields.get("Name") or "").strip()
    if text and not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", stated, re.ASCII):
        problems.append(f"{name}: METADATA is malformed (no valid Name); its owner and licence are unknown")
        fields = HeaderParser().parsestr("")
    elif stated:
        name = stated
    licence = of_package(
        str(fields.get("License-Expression") or ""),
        [str(entry) for entry in fields.get_all("Classifier", [])],
        str(fields.get("License") or ""),
        files,
    )
    found = find_place([str(url) for url in fields.get_all("Project-URL", [])], str(fields.get("Home-page") or ""))
    return Description(name, found, licence, tuple(problems))


def no_repository(name: str) -> str:
    """The note on a package that names none."""
    return f"{name}: names no repository; it stands under {FALLBACK_FORGE}/{name}"


def record_of(place: Place, licences: Sequence[Licence]) -> RepositoryRecord:
    """The repository that packages of these licences come from; its licence demands all of theirs, and is unknown if one is."""
    known = [licence.expression for licence in licences if licence.expression]
    fallback = place.forge == FALLBACK_FORGE
    return RepositoryRecord(
        forge=place.forge,
        account_id=None,
        owner=place.owner,
        repository=place.repository,
        url=f"https://{FALLBACK_FORGE}/project/{place.repository}/" if fallback else place.url,
        licence=combine(known) if len(known) == len(licences) else None,
        licence_evidence="; ".join(sorted({licence.evidence for licence in licences if licence.evidence})) or None,
        permissive=all(licence.permissive for licence in licences),
    )


def read_package(root: Path, folder: str) -> Package:
    """Read one ``*.dist-info`` folder. What is missing or broken is told in ``problems``, never raised.

    Args:
        root: The folder of installed packages (site-packages), resolved.
        folder: The name of the dist-info folder below it.
    """
    problems = []
    name = folder.removesuffix(".dist-info").rpartition("-")[0] or folder.removesuffix(".dist-info")
    try:
        text = read_below(root, f"{folder}/METADATA", METADATA_LIMIT).decode("utf-8", errors="replace")
    except FileSkipped as skipped:
        text = ""
        problems.append(f"{name}: no METADATA ({skipped.reason}); its owner and licence are unknown")
    files: tuple[str, ...] = ()
    record_problems = []
    try:
        record = read_below(root, f"{folder}/RECORD", RECORD_LIMIT).decode("utf-8", errors="surrogateescape")
        files = tuple(row[0] for row in csv.reader(io.StringIO(record.replace("\0", ""))) if row and row[0])
    except FileSkipped as skipped:
        record_problems.append(f"no RECORD ({skipped.reason})")
    except csv.Error as error:
        record_problems.append(f"RECORD is malformed ({error})")
    found = describe(name, text, licence_files(root, folder, files))
    problems += [*found.problems, *(f"{found.name}: {problem}; its files are unknown" for problem in record_problems)]
    if found.place is None and not problems:
        problems.append(no_repository(found.name))
    return Package(found.name, found.place, found.licence, files, tuple(problems))
