"""Which licence the licence files of a package or a folder give: the text of one, and what several mean together.

One file: the text that it opens with, and what the words before it name besides; if it opens with none, the notice that it
holds ("Licensed under the Apache License, Version 2.0"). Further texts in the file are a choice if the words before the first
say so ("dual-licensed under ..."); else they are those of bundled parts, and say nothing of the project's own files.

Several files are a sum (``AND``), which can only hold code out, except

* where one of them says that they are a choice ("under the terms of either of the licenses found in ..."),
* where each is named for its licence (``LICENSE-MIT``, ``LICENSE-APACHE``), as projects under a choice do, and all are
  permissive, so that nothing depends on it,
* a file named for a part that the project carries (``LICENSE.eigen``), if it is recognised: it is not the project's own.

A file that is not recognised leaves the whole unknown: it may take back what the others grant.
"""

import re
from collections.abc import Iterable

from datasets_app.pipeline import licence_notices, licence_texts, licences
from datasets_app.pipeline.licences import Licence

POINTER = 150  # words; a text that is longer does more than point to other files
LONGEST_NOTICE = 400  # words

_NAME = re.compile(
    r"^(?:(?:un)?licen[cs]e|copying)(?:[-_. ](?P<suffix>.+?))??(?:\.(?:txt|md|rst|html?|asc|adoc))?$",
    re.I,
)
_CODE = re.compile(
    r"\.(?:pyi?|[cm]?[jt]sx?|c|cc|cpp|h|hpp|go|java|kt|rs|rb|php|cs|swift|json|ya?ml|toml|xml|css|scss|sh|pl|lua|sql|ipynb"
    r"|spdx|license)$",
    re.I,
)
_OF_OTHERS = re.compile(r"third|3rd|bundled|vendor", re.I)
# Suffixes that name a licence; any other names a part.
_LICENCE_SUFFIX = re.compile(
    r"^(?:mit|x11|expat|apache(?:[-_. ]?v?2(?:\.0)?)?|asl|bsd(?:[-_. ]?\d(?:[-_. ]?clause)?)?|psf|isc|zlib|unlicense|cc0"
    r"|0bsd|boost|bsl|[al]?gpl(?:[-_. ]?v?\d(?:\.\d)?)?|lesser|lib|library|mpl(?:[-_. ]?v?\d(?:\.\d)?)?|epl|eupl|artistic"
    r"|ofl|ncsa|llvm)(?:[-_. ]?license)?$",
    re.I,
)
_ID = re.compile(r"\b(?:[AL]?GPL|MPL|EPL|CDDL|BSD|Apache|CC)-[\w.]*\d[\w.-]*\b")


def is_licence_file(name: str) -> bool:
    """Whether a file of this name (without folders) is the licence file of the folder that it lies in."""
    return _NAME.match(name) is not None and not _OF_OTHERS.search(name) and not _CODE.search(name)


def _suffix(name: str) -> str:
    match = _NAME.match(name)
    return (match["suffix"] or "") if match else ""


def of_text(text: str) -> str | None:
    """The SPDX expression of one licence file; None where nothing, or not all of its first words, was understood."""
    words = licence_texts.words_of(text)
    found = licence_texts.find(words)
    if found is None:
        if len(words) > LONGEST_NOTICE or licence_texts.is_restricted(words):
            return None
        named = licence_notices.named(licence_notices.as_words(text))
        return licences.from_expression(named) if named else None
    before = _before(text, found.start)
    preamble = licence_notices.as_words(before)
    licences_here = {found.spdx, *licence_notices.all_named(preamble), *_ids(before)}
    if not licence_notices.offers_choice(preamble):
        return licences.combine(_without_companions(licences_here))
    at = found.end
    while (found := licence_texts.find(words[at:])) is not None:
        licences_here.add(found.spdx)
        at += found.end
    return licences.choice(_without_companions(licences_here))


def _before(text: str, start: int) -> str:
    """The lines of a text that stand before the line with its word number ``start``."""
    lines = []
    count = 0
    for line in text.splitlines():
        count += len(licence_texts.words_of(line))
        if count > start + 2:  # the licence may seem to begin with the last words before it
            break
        lines.append(line)
    return "\n".join(lines)


def of_files(files: Iterable[tuple[str, str]]) -> str | None:
    """The SPDX expression of licence files, each given as (name, text); None if there are none or one is not recognised."""
    texts = dict(files)
    found = {name: of_text(text) for name, text in texts.items()}
    pointer = next((name for name in found if found[name] is None and _points(texts[name], texts)), None)
    if pointer is not None:
        pointed = [name for name in found if name != pointer and name.lower() in texts[pointer].lower()]
        if licence_notices.offers_choice(licence_notices.as_words(texts[pointer])):
            offered = [expression for name in pointed if (expression := found[name])]
            found = {name: expression for name, expression in found.items() if name not in (*pointed, pointer)}
            if len(offered) < len(pointed):
                return None
            found[pointer] = licences.choice(offered)
        else:
            del found[pointer]
    if any(_suffix(name) == "" for name in found):
        found = {name: expression for name, expression in found.items() if expression is None or not _is_of_part(name)}
    expressions = [expression for expression in found.values() if expression is not None]
    if len(expressions) < len(found):
        return None
    named_for_licences = len(found) > 1 and all(_LICENCE_SUFFIX.match(_suffix(name)) for name in found)
    if named_for_licences and all(licences.is_permissive(expression) for expression in expressions):
        return licences.choice(expressions)
    return licences.combine(_without_companions(expressions))


def _points(text: str, texts: dict[str, str]) -> bool:
    """Whether a text only points to other files of these."""
    named = [name for name in texts if name.lower() in text.lower() and texts[name] is not text]
    return bool(named) and len(text.split()) <= POINTER


def _is_of_part(name: str) -> bool:
    suffix = _suffix(name)
    return bool(suffix) and not _LICENCE_SUFFIX.match(suffix)


def _ids(text: str) -> set[str]:
    """The SPDX ids that are spelled out in a text."""
    return {found for name in _ID.findall(text) if (found := licences.from_expression(name.rstrip(".-")))}


def _without_companions(expressions: Iterable[str]) -> list[str]:
    """Without the texts that others are given with: LGPL-3.0 adds to the text of GPL-3.0, a notice says "or later" of one."""
    kept = set(expressions)
    for expression in sorted(kept):
        family = re.match(r"([AL]?GPL-[\d.]+)-(only|or-later)$", expression)
        if family and family[2] == "or-later":
            kept.discard(f"{family[1]}-only")
        if family and family[1] == "LGPL-3.0":
            kept -= {"GPL-3.0-only", "GPL-3.0-or-later"}
    return sorted(kept)


def of_package(expression: str, classifiers: Iterable[str], text: str, files: Iterable[tuple[str, str]]) -> Licence:
    """The licence of a package from its metadata and licence files, by the first of these that says something.

    License-Expression (PEP 639) decides alone where it stands, even if it cannot be understood; then the classifiers;
    then the ``License`` field, as a name or as a whole text; then the licence files.

    Args:
        expression: The field License-Expression, or empty.
        classifiers: All classifiers.
        text: The field License, or empty.
        files: Licence files as (name, text); taken from the iterator only if nothing before them spoke.
    """
    if expression.strip():
        licence = licences.from_expression(expression.strip())
        evidence = "metadata: License-Expression" if licence else "metadata: License-Expression is not valid SPDX"
        return Licence(licence, evidence, licences.is_permissive(licence))
    if licence := licences.from_classifiers(classifiers):
        return Licence(licence, "metadata: classifiers", licences.is_permissive(licence))
    if licence := licences.from_name(text):
        return Licence(licence, "metadata: License", licences.is_permissive(licence))
    if len(text) > licences.LONGEST_NAME and (licence := of_text(text)):
        return Licence(licence, "metadata: text in License", licences.is_permissive(licence))
    texts = list(files)
    names = ", ".join(name for name, _ in texts)
    if licence := of_files(texts):
        return Licence(licence, f"text of {names}", licences.is_permissive(licence))
    return Licence(None, f"not recognised: {names}" if names else None, False)
