"""What is due to whoever's code stands in a text: its sources by licence, and a NOTICE file to ship with it.

Spans that are too common to tell of a source are left out, and the file says so. The text that was traced does not stand in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from datasets_app.pipeline import licence_full_texts, licences
from datasets_app.tracer.service import Source, Traced

HEAD = 8192  # characters of a file in which its lines of copyright are looked for
MOST_LINES = 12  # of copyright that are taken from one file
MOST_FILES = 100  # that are read
UNKNOWN = "no licence recognised"
RULE = "=" * 78
_COPYRIGHT = re.compile(
    r"^[^\w(©]*((?:SPDX-FileCopyrightText:|(?:portions )?copyright\b(?!\s+(?:notice|holder|owner|law|licen[cs]e|statement|and)\b)"
    r"|\(c\)\s|©).*?)[\s*#/;\-]*$",
    re.I,
)
_PLACEHOLDER = re.compile(r"^.*copyright.*<.*>.*$\n*", re.I | re.M)


@dataclass
class File:
    """A file that may be where parts of the text come from.

    Attributes:
        sources: One a span, in the order of the text.
        passages: Numbers of the passages that stand in it.
        common: Whether only spans stand in it that are too common to tell of a source.
    """

    sources: list[Source] = field(default_factory=list)
    passages: list[int] = field(default_factory=list)
    common: bool = True

    @property
    def first(self) -> Source:
        """Of its first span."""
        return self.sources[0]

    @property
    def lines(self) -> list[Source]:
        """Of the sources those whose lines lie within no other's, by line."""
        kept: list[Source] = []
        for one in sorted(self.sources, key=lambda one: (one.first_line, -one.last_line)):
            if not kept or one.last_line > kept[-1].last_line:
                kept.append(one)
        return kept


@dataclass
class Group:
    """The files under one licence, those that hold most passages first."""

    licence: str
    files: list[File] = field(default_factory=list)

    @property
    def due(self) -> list[File]:
        """Those whose notices are due."""
        return [file for file in self.files if not file.common]


def by_licence(traced: Traced) -> list[Group]:
    """The files that hold spans of a text, by licence; the licence of most passages first."""
    files: dict[tuple[int, int, str], File] = {}
    for passage in traced.passages:
        for place in passage.spans:
            span = traced.spans[place]
            for source in span.sources:
                file = files.setdefault(source.file, File())
                file.sources.append(source)
                file.common &= span.common
                if passage.number not in file.passages:
                    file.passages.append(passage.number)
    groups: dict[str, Group] = {}
    for file in sorted(files.values(), key=lambda one: (one.common, -len(one.passages), one.passages)):
        name = file.first.licence or UNKNOWN
        groups.setdefault(name, Group(name)).files.append(file)
    return sorted(groups.values(), key=lambda one: (not one.due, -len(one.due), one.licence.lower()))


def copyright_lines(text: str) -> list[str]:
    """The lines of copyright that stand at the head of a file, without the signs of comments."""
    found: dict[str, None] = {}
    for line in text[:HEAD].splitlines():
        if match := _COPYRIGHT.match(line):
            found.setdefault(match[1].strip())
    return list(found)[:MOST_LINES]


def write(traced: Traced, read: Callable[[Source], str | None]) -> str:
    """The NOTICE file.

    Args:
        traced: The answer to the text that is to be shipped.
        read: Gives the published text of a source; None where it is not shown any more, which leaves it out.
    """
    parts = [_opening(traced)]
    ids: dict[str, None] = {}
    left = MOST_FILES
    for group in by_licence(traced):
        due = group.due[: max(0, left)]
        left -= len(due)
        files = [(file, text) for file in due if (text := read(file.first)) is not None]
        if files:
            parts.append(f"{RULE}\n{group.licence}\n{RULE}\n\n" + "\n".join(_entry(file, text) for file, text in files))
            ids |= dict.fromkeys(licences.ids(group.licence))
    if left <= 0:
        parts.append(f"More than {MOST_FILES} files hold parts of the text. The further ones are not listed.\n")
    for spdx in ids:
        text = licence_full_texts.text_of(spdx)
        words = (
            _PLACEHOLDER.sub("", text) if text else f"The text of this licence is at https://spdx.org/licenses/{spdx}\n"
        )
        parts.append(f"{RULE}\nThe text of {spdx}\n{RULE}\n\n{words}")
    return "\n".join(parts)


def _opening(traced: Traced) -> str:
    where = ", ".join(str(release) for release in traced.releases) or "no release"
    common = sum(span.common for span in traced.spans)
    lines = [
        "NOTICE",
        "",
        f"Parts of this software stand word for word in the files below, as found on {timezone.now():%Y-%m-%d} in",
        f"{where} at {settings.FAIRSTACK_SITE_URL}.",
        "Where a part stands in several files, all of them are named: which of them it comes from cannot be told from the text.",
    ]
    if common == 1:
        lines.append("One stretch that very many files share is left out.")
    elif common:
        lines.append(f"{common} stretches that very many files share are left out.")
    lines += ["This list was made by a program and is no legal advice.", ""]
    return "\n".join(lines)


def _entry(file: File, text: str) -> str:
    first = file.first
    where = ", ".join(
        f"{one.first_line}-{one.last_line}" if one.first_line != one.last_line else str(one.first_line)
        for one in file.lines
    )
    lines = [f"{first.owner}/{first.repository}: {first.path}, lines {where} (as published in {first.release})"]
    if first.url:
        lines.append(f"    {first.url}")
    held = copyright_lines(text)
    lines += [f"    {line}" for line in held]
    if not held:
        lines.append("    The published file has no line of copyright: see the repository.")
    return "\n".join(lines) + "\n"
