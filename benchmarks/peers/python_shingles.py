"""Word 5-grams as one cuts them in Python: a word is a run of ``[A-Za-z_0-9]``, case is kept."""

import re

_WORDS = re.compile(r"[A-Za-z_0-9]+")


def shingles(text: str) -> list[str]:
    """The runs of five words of a text, repeats included."""
    words = _WORDS.findall(text)
    return [" ".join(five) for five in zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)]
