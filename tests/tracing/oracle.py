"""What tracing must say, found the slow way: with Python's ``in``."""

import re
from collections.abc import Sequence

from datasets_app.tracing.question import Form

Told = dict[tuple[int, int], list[int]]
"""The spans of one form, from where to where in the text that was asked, and the numbers of the files that hold each."""


def collapsed(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text with each run of white space as one space, and from where to where in it each character of that stands for."""
    pieces = list(re.finditer(r"\s+|\S", text))
    return "".join(" " if piece[0].isspace() else piece[0] for piece in pieces), [piece.span() for piece in pieces]


def repeats(text: str) -> bool:
    """Whether each byte is the one two before it."""
    data = text.encode()
    return data[2:] == data[:-2]


def tell(query: str, texts: Sequence[str], form: Form, least: int) -> Told:
    """All spans of a form, and the files that hold each whole."""
    places = [(at, at + 1) for at in range(len(query))]
    if form == "collapsed":
        query, places = collapsed(query)
        texts = [collapsed(text)[0] for text in texts]
    ends = [0] * len(query)
    for text in texts:
        end = 0
        for start in range(len(query)):
            end = max(end, start)
            while end < len(query) and query[start : end + 1] in text:
                end += 1
            ends[start] = max(ends[start], end)
    told: Told = {}
    for start, end in enumerate(ends):
        longest = not start or ends[start - 1] < end
        if longest and end - start >= least and not repeats(query[start:end]):
            files = [number for number, text in enumerate(texts) if query[start:end] in text]
            told[places[start][0], places[end - 1][1]] = files
    return told
