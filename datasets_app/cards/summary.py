"""The public summary of training content of a release, after Art. 53(1)(d) of the EU AI Act (Regulation (EU) 2024/1689).

It has the three parts of the Commission's template of July 2025: general information, list of data sources, data processing. The
template is for a model; this is the part of it that a release answers, for whoever trains on it. One structure gives page,
Markdown and JSON.
"""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from core import formats
from datasets_app.cards.facts import Facts

MOST_ROWS = 60  # of languages or licences; the rest together
NONE = "None."


@dataclass(frozen=True)
class Table:
    """Figures: headings, and rows of as many texts."""

    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Item:
    """One field of the template: its heading and its answer, with figures where there are any."""

    heading: str
    text: str
    table: Table | None = None


@dataclass(frozen=True)
class Section:
    """One section: number, title, answers."""

    number: str
    title: str
    items: list[Item] = field(default_factory=list)


def sections(facts: Facts) -> list[Section]:
    """The summary, in the order of the template."""
    return [
        Section("1.1", "The provider", _provider(facts)),
        Section("1.2", "The content and its versions", _versions(facts)),
        Section("1.3", "Modality, size and characteristics", _size(facts)),
        Section("2.1", "Publicly available data sets", _public_sets(facts)),
        Section("2.2", "Private data sets obtained from third parties", [Item("Data sets", NONE)]),
        Section("2.3", "Data crawled and scraped from online sources", _places(facts)),
        Section("2.4", "User data", [Item("From users of the provider's services", _NO_USERS)]),
        Section("2.5", "Synthetic data", [Item("Made by models", _NO_SYNTHETIC)]),
        Section("2.6", "Other sources", [Item("Sources", NONE)]),
        Section("3.1", "Respect of reservations of rights", _reservations(facts)),
        Section("3.2", "Removal of unwanted content", _removal(facts)),
        Section("3.3", "Further information", _further(facts)),
    ]


KIND_WORDS = {
    "EMAIL": "e-mail addresses",
    "IP_ADDRESS": "IP addresses",
    "KEY": "keys and tokens",
    "NAME": "names",
    "PASSWORD": "passwords",
    "USERNAME": "user names",
}
_NO_USERS = (
    "None. What people enter on this site (accounts, requests, pasted code) is not part of any release, and look-ups are "
    "not kept."
)
_NO_SYNTHETIC = (
    "None is made for the release. Repositories may hold code that their authors wrote with the help of a model; it is not "
    "told apart."
)


def _provider(facts: Facts) -> list[Item]:
    return [
        Item("Provider of the data set", settings.FAIRSTACK_SITE_NAME),
        Item("Contact", settings.FAIRSTACK_CONTACT),
        Item("Address of the release", settings.FAIRSTACK_SITE_URL + facts.release.get_absolute_url()),
    ]


def _versions(facts: Facts) -> list[Item]:
    release = facts.release
    items = [Item("Data set and version", str(release))]
    if release.reissue_of:
        text = f"{release.reissue_of}, issued again without what was taken out since. The earlier one is withdrawn."
        items.append(Item("Stands in the place of", text))
    elif release.parent:
        items.append(Item("Goes on from", str(release.parent)))
    published = f"{release.published_at:%d %B %Y}" if release.published_at else "not yet"
    return [
        *items,
        Item("Published", published),
        Item("Made", facts.manifest.created_at[:10]),
        Item("Models trained on it", "Each model of this site names the release that it was trained on, in its card."),
    ]


def _size(facts: Facts) -> list[Item]:
    manifest = facts.manifest
    return [
        Item("Modality", "Text: source code, with comments and documentation."),
        Item("Size", f"{manifest.rows:,} files, {formats.size(manifest.bytes)} of source text."),
        Item("Latest date of acquisition", f"{facts.last_read:%d %B %Y}" if facts.last_read else "not recorded"),
        Item(
            "Programming and markup languages",
            f"{len(manifest.languages):,} languages. Natural languages stand in comments and documentation, and are not counted.",
            _table("Language", [(row["language"], row["files"], row["bytes"]) for row in manifest.languages]),
        ),
        Item(
            "Licences",
            "Only files whose every licence is permissive. Each file keeps its own licence and the evidence for it.",
            _table("Licence (SPDX)", [(row["licence"], row["files"], row["bytes"]) for row in manifest.licences]),
        ),
    ]


def _public_sets(facts: Facts) -> list[Item]:
    text = "None." if not facts.kinds else "Read from: " + "; ".join(facts.kinds) + "."
    return [Item("How the code was obtained", text)]


def _places(facts: Facts) -> list[Item]:
    rows = [[place.name, f"{place.repositories:,}", f"{place.files:,}"] for place in facts.places]
    return [
        Item(
            "Places that the code comes from",
            "Forges and package indexes, by the host's name. Places with very few accounts are together, so that nobody is named.",
            Table(["Place", "Repositories", "Files"], rows) if rows else None,
        ),
        Item(
            "Crawling",
            "Repositories and packages are read as a whole, by git or as archives. No web pages are crawled.",
        ),
    ]


def _reservations(facts: Facts) -> list[Item]:
    return [
        Item(
            "Requests of rightholders and of people",
            "Every request to be left out that was accepted before the release was made is honoured: the block-list is applied "
            f"before duplicates are told, up to its position {facts.manifest.blocklist_position:,}. Releases that hold what is blocked "
            "later are issued again without it, or withdrawn.",
        ),
        Item(
            "Machine-readable reservations",
            "Read before anything of a repository is stored: .fairstack.toml, the TDM Reservation Protocol, ai.txt. In doubt they "
            "reserve.",
        ),
        Item("How to ask", f"{settings.FAIRSTACK_SITE_URL}/opt-out/"),
    ]


def _removal(facts: Facts) -> list[Item]:
    recipe = facts.recipe
    redacted = ", ".join(replaced(facts))
    benchmarks = ", ".join(sorted(recipe.benchmarks))
    return [
        Item(
            "Personal data and secrets", f"Replaced in the published text: {redacted}." if redacted else "Not replaced."
        ),
        Item(
            "Texts of benchmarks",
            f"Files that hold text of {benchmarks} are left out." if benchmarks else "Not looked for.",
        ),
        Item(
            "What became of the files that were looked at",
            "In public groups, none of which tells who asked to leave.",
            Table(["Outcome", "Files"], [[text, f"{files:,}"] for text, files in facts.funnel]),
        ),
    ]


def _further(facts: Facts) -> list[Item]:
    return [
        Item("Recipe", f"{recipe_name(facts)}, digest {facts.manifest.recipe_digest}"),
        Item("Digest of the content", facts.manifest.digest_logical),
        Item("Data card", settings.FAIRSTACK_SITE_URL + facts.release.get_absolute_url() + "croissant.json"),
        Item("This summary", "It is made anew from the release's manifest whenever it is asked for."),
    ]


def replaced(facts: Facts) -> list[str]:
    """Kinds of personal data that were replaced. Names and user names are found by a model alone, where the recipe has one."""
    by_model = set() if facts.recipe.pii_model else {"NAME", "USERNAME"}
    return [KIND_WORDS[kind] for kind in sorted(set(facts.recipe.redact) - by_model)]


def recipe_name(facts: Facts) -> str:
    """The recipe, for people."""
    return facts.recipe.name or "without a name"


def as_json(facts: Facts) -> dict[str, Any]:
    """The summary and its figures, for programs."""
    manifest = facts.manifest
    return {
        "release": {"name": facts.release.name, "version": facts.release.version},
        "predecessor": str(facts.predecessor) if facts.predecessor else None,
        "figures": {
            "files": manifest.rows,
            "bytes": manifest.bytes,
            "languages": manifest.languages,
            "licences": manifest.licences,
            "places": [asdict(place) for place in facts.places],
            "blocklist_position": manifest.blocklist_position,
        },
        "sections": [asdict(section) for section in sections(facts)],
    }


def as_markdown(facts: Facts) -> str:
    """The summary as Markdown. Every value is escaped: none of it can become markup."""
    lines = [f"# Training content of {_escaped(str(facts.release))}", ""]
    lines += ["Public summary after Art. 53(1)(d) of Regulation (EU) 2024/1689.", ""]
    part = ""
    for section in sections(facts):
        if section.number[0] != part:
            part = section.number[0]
            lines += [f"## {part}. {PARTS[part]}", ""]
        lines += [f"### {section.number} {section.title}", ""]
        for item in section.items:
            lines += [f"**{item.heading}:** {_escaped(item.text)}", ""]
            if item.table:
                lines += _markdown_table(item.table)
    return "\n".join(lines).rstrip() + "\n"


PARTS = {"1": "General information", "2": "List of data sources", "3": "Data processing"}


def _markdown_table(table: Table) -> list[str]:
    rows = [table.headings, ["---"] * len(table.headings), *([_escaped(cell) for cell in row] for row in table.rows)]
    return ["| " + " | ".join(row) + " |" for row in rows] + [""]


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", " ".join(text.split()))


def _table(heading: str, rows: list[tuple[str, int, int]]) -> Table:
    shown = [[name, f"{files:,}", formats.size(size)] for name, files, size in rows[:MOST_ROWS]]
    if rest := rows[MOST_ROWS:]:
        files, size = sum(row[1] for row in rest), sum(row[2] for row in rest)
        shown.append([f"{len(rest):,} others", f"{files:,}", formats.size(size)])
    return Table([heading, "Files", "Size"], shown)
