"""Source text as a code view: numbered lines with addresses (``#L10``), coloured by Pygments' short class names."""

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight as pygments_highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

MOST_COLOURED = 400_000  # characters; longer text is shown plain, since some lexers take time out of proportion


def lexer_for(language: str = "", filename: str = "") -> Lexer:
    """The lexer for a language's name or a file's; plain text where neither is known."""
    options = {"stripnl": False, "ensurenl": False}
    if language:
        try:
            return get_lexer_by_name(language.lower().replace(" ", "-"), **options)
        except ClassNotFound:
            pass
    if filename:
        try:
            return get_lexer_for_filename(filename, **options)
        except ClassNotFound:
            pass
    return TextLexer(**options)


def highlight(
    text: str, language: str = "", filename: str = "", *, prefix: str = "L", first: int = 1, marked: range = range(0)
) -> SafeString:
    """``text`` as the inside of a ``.code`` element: one element a line.

    Args:
        text: The source. It is escaped; nothing in it becomes markup.
        language: A language's name as Pygments or linguist knows it; comes before ``filename``.
        filename: The file's name, from whose ending the language is told.
        prefix: What the lines' addresses begin with; give each view on a page its own.
        first: The number of the first line.
        marked: Numbers of lines that are marked.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.endswith("\n"):
        text = text[:-1]
    if len(text) <= MOST_COLOURED:
        html = pygments_highlight(text, lexer_for(language, filename), HtmlFormatter(nowrap=True))
    else:
        html = escape(text)
    lines = html.split("\n")
    if len(lines) > text.count("\n") + 1 and not lines[-1]:
        lines.pop()  # the formatter ends with a line break of its own
    numbered = (
        (
            " code__line--marked" if number in marked else "",
            *(prefix, number, prefix, number, number, number),
            mark_safe(line),  # noqa: S308 - escaped by Pygments or above
        )
        for number, line in enumerate(lines, first)
    )
    return format_html(
        "<code>{}</code>",
        format_html_join(
            "",
            '<span class="code__line{}" id="{}{}"><a class="code__number" href="#{}{}" data-line="{}" '
            'aria-label="Line {}"></a>{}\n</span>',
            numbered,
        ),
    )
