"""The traced text as a code view, with its passages as marks, each of which leads to its sources."""

from collections.abc import Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from datasets_app.tracer.service import Traced
from datasets_app.tracer.text import Passage, Piece, lines


def is_common(traced: Traced, passage: Passage) -> bool:
    """Whether all of its spans say little of where they come from."""
    return all(traced.spans[place].common for place in passage.spans)


def marked(traced: Traced, leads: Mapping[int, str]) -> SafeString:
    """The inside of a ``.code`` element: one element a line, as ``core.highlight`` gives it, with addresses ``#T10``.

    Args:
        traced: The answer.
        leads: By the number of each passage, the id of the element on the page that tells its sources.
    """
    common = {one.number for one in traced.passages if is_common(traced, one)}

    def piece(one: Piece) -> SafeString:
        if one.passage is None:
            return format_html("{}", one.text)
        number = one.passage.number
        kind = " span--common" if number in common else ""
        if one.first:
            opening = format_html(
                '<mark class="span{}" data-passage="{}" id="p{}"><a href="#{}" data-number="{}">',
                kind, number, number, leads[number], number,
            )  # fmt: skip
        else:  # one stop of the keyboard a passage
            opening = format_html(
                '<mark class="span{}" data-passage="{}"><a href="#{}" tabindex="-1">', kind, number, leads[number]
            )
        return format_html("{}{}</a></mark>", opening, one.text)

    numbered = (
        (number, number, number, number, format_html_join("", "{}", ((piece(one),) for one in line)))
        for number, line in enumerate(lines(traced.text, traced.passages), 1)
    )
    return format_html(
        "<code>{}</code>",
        format_html_join(
            "",
            '<span class="code__line" id="T{}"><a class="code__number" href="#T{}" data-line="{}" aria-label="Line {}" '
            'tabindex="-1"></a>{}\n</span>',
            numbered,
        ),
    )
