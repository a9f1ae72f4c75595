"""What a visitor asks of the catalogue: words, "phrases", -without, and field:value.

Nothing that is typed becomes an operator of the engine.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from whoosh.analysis import StemmingAnalyzer

from core.errors import InvalidInput
from portal.entries import KINDS

LONGEST = 400  # characters
MOST = 16  # words and fields together
FACETS = ("kind", "licence", "language", "release")  # fields of which the page shows the values
FIELDS = (*FACETS, "owner", "title")
_SYNONYMS = {"license": "licence", "lang": "language", "org": "owner", "type": "kind"}
_KIND_SYNONYMS = {
    "license": "licence",
    "doc": "document",
    "card": "data-card",
    "dataset": "release",
    "summary": "training-content",
}
_TOKEN = re.compile(
    r'(?P<minus>-(?=["\w]))?(?:(?P<field>[^\W\d_]+):(?!//))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))?'
)
_WORD = re.compile(r"\w[\w.+#-]*")

_SPELT = re.compile(r"\w+(?:[.+#]\w+)*")

analyzer = StemmingAnalyzer(expression=_SPELT, minsize=1)


@dataclass(frozen=True)
class Part:
    """Words that must stand in an entry, or may not.

    Attributes:
        terms: What the engine looks for, each with its place in the phrase.
        words: As typed, folded.
        phrase: Whether the terms must follow one another.
        title: Whether only the title counts.
        minus: Whether entries that have it are left out.
    """

    terms: tuple[tuple[str, int], ...]
    words: tuple[str, ...]
    phrase: bool = False
    title: bool = False
    minus: bool = False


@dataclass(frozen=True)
class Filter:
    """A value that a field must have, or may not."""

    field: str
    value: str
    minus: bool = False


@dataclass(frozen=True)
class Question:
    """What was understood.

    Attributes:
        text: As it was typed.
        parts: Words and phrases.
        filters: Of the text; see ``FIELDS``.
        chosen: Of the address: facet to value.
        unknown: Names before a colon that are no field; they were taken as words.
    """

    text: str
    parts: tuple[Part, ...] = ()
    filters: tuple[Filter, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of an account or repository that may be meant; empty where the question asks for something else."""
        if self.chosen:
            return ""
        owners = [one.value for one in self.filters if one.field == "owner" and not one.minus]
        if owners:
            return owners[0]
        plain = not self.filters and not any(part.phrase or part.title or part.minus for part in self.parts)
        text = self.text.strip()
        return text if plain and " " not in text and not self.unknown else ""


def parse(text: str, chosen: Mapping[str, str] | None = None) -> Question:
    """Understand a question.

    Args:
        text: What was typed.
        chosen: Values of facets, from the address.

    Raises:
        InvalidInput: It is too long, has nothing to look for, or a field without a value or a kind that there is not.
    """
    if len(text) > LONGEST:
        raise InvalidInput(f"This is too long: use at most {LONGEST} characters, such as two or three words.", "q")
    text = text.encode("utf-8", "replace").decode()  # lone surrogates can be written nowhere
    facets = tuple((field, _value(field, chosen[field])) for field in FACETS if chosen and chosen.get(field))
    parts: list[Part] = []
    filters: list[Filter] = []
    unknown: list[str] = []
    typed: list[str] = []
    for match in _TOKEN.finditer(folded(text)):
        minus, name = bool(match["minus"]), match["field"] or ""
        said = match["quoted"] if match["quoted"] is not None else match["bare"] or ""
        field = _SYNONYMS.get(name, name)
        if field and field not in FIELDS:
            unknown.append(name)
            said, field = f"{name} {said}", ""
        if field and not said.strip():
            raise InvalidInput(f"Say what after “{name}:”, such as {_example(field)}.", "q")
        if field and field != "title":
            filters.append(Filter(field, _value(field, said), minus))
            continue
        typed.append(said)
        parts += _parts(said, match["quoted"] is not None, field == "title", minus)
    if len(parts) + len(filters) > MOST:
        raise InvalidInput(f"Ask for at most {MOST} words and fields at once.", "q")
    if text.strip() and not parts and not filters:
        raise InvalidInput(_nothing(typed), "q")
    return Question(text.strip(), tuple(parts), tuple(filters), facets, tuple(dict.fromkeys(unknown)))


def _parts(said: str, phrase: bool, title: bool, minus: bool) -> list[Part]:
    """A phrase is one part; of other words each is its own, but that what is left out is left out together."""
    words = tuple(_WORD.findall(said))
    if not words:
        return []
    groups = [words] if phrase or minus else [(word,) for word in words]
    made = [Part(_terms(" ".join(group)), group, phrase and len(group) > 0, title, minus) for group in groups]
    return [part for part in made if part.terms]


@lru_cache(maxsize=20_000)
def _terms(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((token.text, token.pos) for token in analyzer(text, positions=True))


def spelt(words: Iterable[str]) -> list[str]:
    """The words as their spelling is looked up: those that are more than a letter or two and not too common."""
    return [one for word in words for one in _SPELT.findall(word) if len(one) > 2 and term_of(one)]


def term_of(word: str) -> str:
    """The term under which a single word is looked for; empty where it is too common."""
    terms = _terms(folded(word))
    return terms[0][0] if len(terms) == 1 else ""


def folded(text: str) -> str:
    """As texts are compared: compatible forms of letters and capitals are taken for the plain ones."""
    return unicodedata.normalize("NFKC", text).casefold()


def _value(field: str, said: str) -> str:
    """The value of a filter, folded.

    Raises:
        InvalidInput: There is no such kind.
    """
    value = " ".join(folded(said[:LONGEST].encode("utf-8", "replace").decode()).split())
    if field != "kind":
        return value
    value = value.replace(" ", "-").replace("_", "-")
    for one in (value, value.removesuffix("s")):
        if (kind := _KIND_SYNONYMS.get(one, one)) in KINDS:
            return kind
    raise InvalidInput(f"There is no kind “{said[:40]}”. There are: {', '.join(KINDS)}.", "q")


def _example(field: str) -> str:
    values = {"kind": "model", "licence": "mit", "language": "python", "release": "v1.0", "owner": "django"}
    return f"{field}:{values.get(field, 'coder')}"


def _nothing(typed: list[str]) -> str:
    words = [word for said in typed for word in _WORD.findall(said)]
    if words:
        return (
            f"Words such as “{words[0][:40]}” stand almost everywhere and are not looked for. Add one that tells more."
        )
    return "There is no word in it to look for. Type words, such as python models, or a field, such as kind:model."
