"""Which licence a notice names: the few sentences by which a file or a package says what it is under, without the text.

Notices are read as words alone (lower case, no punctuation, "licence" spelt "license"), so that comment signs, line breaks
and quotes make no difference. Only wordings that name one licence without doubt are known: "a BSD-style license that can be
found in the LICENSE file" names none.
"""

import re

from datasets_app.pipeline.licence_texts import words_of

LONGEST = 400  # words of a text in which a notice is looked for

_UNDER = (
    r"\b(?:licensed|released|distributed|available|provided|published|redistributed|shared|offered|governed|protected"
    r"|covered|used|use|is|are|falls|subject)\b(?: \w+){0,4}? (?:under|by|to)(?: the)?(?: terms(?: and conditions)? of)?"
    r"(?: either)?(?: the)?(?: open source)? "
)
_GNU = (
    r"gnu (?P<kind>lesser |library |affero )?(?:general )?public license(?: \w?gpl)?"
    r"(?: as published by the free software foundation)?(?: either)? (?:version |v ?)(?P<version>[123](?: [01])?)\b"
    r"(?P<later>(?: \w+){0,8}? (?:any|or) later\b| or (?:newer|above)\b)?"
)
_GNU_AFTER = r"version (?P<version_before>[23](?: [01])?) of the gnu (?P<kind_before>lesser |library |affero )?general public license"
# Wordings -> the licence they name. The first of a group of near ones that is found counts, the longer before the shorter.
_NAMED: tuple[tuple[str, str], ...] = (
    ("Apache-2.0 WITH LLVM-exception", r"apache license v(?:ersion)? ?2 0 with llvm exceptions?\b"),
    (
        "Apache-2.0",
        r"licensed under the apache license version 2 0\b(?! with llvm)"
        r"|" + _UNDER + r"apache(?: software)? (?:license )?(?:version |v)?2(?: 0)?\b(?! with llvm)"
        r"|\bapache org licenses license 2 0\b(?: txt| html)? unless required by applicable law",
    ),
    (
        "MPL-2.0",
        r"subject to the terms of the mozilla public license v ?2 0\b|"
        + _UNDER
        + r"mozilla public license (?:version |v ?)?2",
    ),
    ("MPL-1.1", r"subject to the mozilla public license version 1 1\b"),
    ("CNRI-Python", r"\bcnri s python 1 6 license\b"),
    ("EPL-2.0", r"terms of the eclipse public license (?:v ?|version )?2 0\b"),
    ("EPL-1.0", r"terms of the eclipse public license (?:v ?|version )1 0\b"),
    ("BSL-1.0", r"distributed under the boost software license version 1 0\b"),
    ("MIT", _UNDER + r"(?:mit(?: x11)?|expat) license\b(?! style)|\bmit licensed\b"),
    ("ISC", _UNDER + r"isc license\b"),
    (
        "BSD-3-Clause",
        _UNDER + r"(?:3 clause|three clause|new|modified|revised) bsd license\b|" + _UNDER + r"bsd 3 clause\b",
    ),
    ("BSD-2-Clause", _UNDER + r"(?:2 clause|two clause|simplified) bsd license\b|" + _UNDER + r"bsd 2 clause\b"),
    ("Zlib", _UNDER + r"zlib license\b"),
    (
        "CC0-1.0",
        r"creative commons cc0 1 0\b|"
        + _UNDER
        + r"cc0(?: 1 0)?\b|dedicated to the public domain under(?: \w+){0,3} cc0",
    ),
    (
        "Unlicense",
        r"\bthis is free and unencumbered software released into the public domain\b|" + _UNDER + r"unlicense\b",
    ),
)
# A word without which a pattern cannot match: looking for it is many times faster.
_WORDS = {
    "Apache-2.0 WITH LLVM-exception": "llvm",
    "Apache-2.0": "apache",
    "MPL-2.0": "mozilla",
    "MPL-1.1": "mozilla",
    "CNRI-Python": "cnri",
    "EPL-2.0": "eclipse",
    "EPL-1.0": "eclipse",
    "BSL-1.0": "boost",
    "MIT": "license",  # "mit" or "expat"
    "ISC": "isc",
    "BSD-3-Clause": "bsd",
    "BSD-2-Clause": "bsd",
    "Zlib": "zlib",
    "CC0-1.0": "cc0",
    "Unlicense": "un",
    "AFL-2.1": "academic",
}
_COMPILED = tuple((spdx, re.compile(pattern)) for spdx, pattern in _NAMED)
# Mere names, which count where the words say that they are a choice.
_OFFERED = tuple(
    (spdx, re.compile(pattern))
    for spdx, pattern in (
        ("Apache-2.0", r"\bapache(?: software)? (?:license )?(?:version |v)?2\b"),
        ("MIT", r"\bmit(?: x11)? license\b|\bmit or\b|\bor mit\b"),
        ("MPL-2.0", r"\bmozilla public license (?:version |v ?)?2\b"),
        ("BSD-3-Clause", r"\b(?:3 clause bsd|bsd 3 clause)\b"),
        ("BSD-2-Clause", r"\b(?:2 clause bsd|bsd 2 clause)\b"),
        ("AFL-2.1", r"\bacademic free license (?:version |v ?)?2 1\b"),
    )
)
_GNU_NAMED = re.compile(_GNU + "|" + _GNU_AFTER)
_CHOICE = re.compile(
    r"\b(?:either of"
    r"|(?<!in the documentation are )(?:dual|dually|multi|tri) licensed(?! both)|your choice|choose (?:either|between|one)"
    r"|at your (?:option|choice|choosing|discretion) (?!any later)|one of the following licenses"
    r"|either the (?!above copyright)|or at your option (?:the|under)\b)"
)
_CLOSED = re.compile(
    r"\b(?:proprietary and confidential|confidential and proprietary|trade secrets? of|no (?:license|right|permission) is granted"
    r"|unauthori[sz]ed (?:copying|use|distribution) of this (?:file|software|code))\b"
)
_GNU_KINDS = {"": "GPL", "lesser": "LGPL", "library": "LGPL", "affero": "AGPL"}
_GNU_VERSIONS = {"GPL": ("1.0", "2.0", "3.0"), "LGPL": ("2.0", "2.1", "3.0"), "AGPL": ("1.0", "3.0")}


def offers_choice(words: str) -> bool:
    """Whether these words say that whoever takes the code may choose between licences."""
    return _CHOICE.search(words) is not None


def is_closed(words: str) -> bool:
    """Whether these words reserve the code: confidential, proprietary, not to be copied."""
    return _CLOSED.search(words) is not None


def _gnu(words: str) -> list[str]:
    found = []
    for match in _GNU_NAMED.finditer(words):
        family = _GNU_KINDS[(match["kind"] or match["kind_before"] or "").strip()]
        version = (match["version"] or match["version_before"]).replace(" ", ".")
        version = version if "." in version else f"{version}.0"
        if version in _GNU_VERSIONS[family]:
            later = match["later"] or (match["version_before"] and " any later version" in words[match.end() :][:60])
            found.append(f"{family}-{version}-{'or-later' if later else 'only'}")
    return found


def all_named(words: str) -> tuple[str, ...]:
    """The SPDX ids that the notices in these words name, each once, in a stable order.

    Args:
        words: Words in lower case with single spaces, as :func:`as_words` gives them.
    """
    patterns = (*_COMPILED, *_OFFERED) if offers_choice(words) else _COMPILED
    found = {spdx for spdx, pattern in patterns if _WORDS[spdx] in words and pattern.search(words)}
    gnu = set(_gnu(words)) if "gnu" in words else set()
    # "GPL version 2" in passing beside "version 2 or any later" is the same notice.
    gnu -= {name for name in gnu if name.endswith("-only") and name.replace("-only", "-or-later") in gnu}
    return tuple(sorted(found | gnu, key=str.lower))


def as_words(text: str) -> str:
    """The words of a text as the patterns here expect them; of a long text the first :data:`LONGEST`."""
    return " ".join(words_of(text, names=True)[:LONGEST])


def named(words: str) -> str | None:
    """The SPDX expression that the notices in these words name; None if none, or if they reserve the code.

    Several are a choice (``OR``) where the words offer one, else a sum (``AND``).
    """
    licences = all_named(words)
    if not licences or is_closed(words):
        return None
    return (" OR " if offers_choice(words) else " AND ").join(licences)
