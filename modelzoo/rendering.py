"""A model card as HTML. Raw HTML in it is shown as text; links lead to http(s) addresses or to files of the revision."""

from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from core.highlight import highlight

FRONT = "---\n"


class CardRenderer(RendererHTML):
    """Uses the components of the design: tables that scroll, code views, headings below the page's own."""

    def heading_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """One level lower: the page has its h1."""
        return f"<h{_level(tokens[at])}>"

    def heading_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """As opened."""
        return f"</h{_level(tokens[at])}>\n"

    def table_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """Inside a box that scrolls."""
        return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table class="table">\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """Both closed."""
        return "</table></div>\n"

    def td_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """Figures stand to the right; by class, since the site allows no ``style``."""
        return '<td class="number">' if "right" in str(tokens[at].attrGet("style")) else "<td>"

    def th_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """The same for the head."""
        return '<th scope="col" class="number">' if "right" in str(tokens[at].attrGet("style")) else '<th scope="col">'

    def fence(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """A code view."""
        token = tokens[at]
        source = highlight(token.content, token.info.strip(), prefix=f"card-{at}-L")
        return f'<pre class="code" tabindex="0" role="region" aria-label="Source">{source}</pre>\n'

    def link_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """Relative links are files of the revision; others get no credit for standing in a card."""
        target = str(tokens[at].attrGet("href") or "")
        if ":" not in target and not target.startswith(("/", "#")):
            tokens[at].attrSet("href", str(env["files"]) + target)
        else:
            tokens[at].attrSet("rel", "nofollow")
        return str(self.renderToken(tokens, at, options, env))

    def image(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        """Its words alone: pages load nothing from elsewhere."""
        return str(self.renderInlineAsText(tokens[at].children or [], options, env))


MARKDOWN: Any = MarkdownIt("commonmark", {"html": False}, renderer_cls=CardRenderer).enable("table")


def render_card(readme: str, files: str) -> SafeString:
    """The card's body, without front matter and without its title (the page has its own).

    Args:
        readme: README.md.
        files: The address before a file's path, ending in a slash.
    """
    body = readme.split(FRONT, 2)[2] if readme.startswith(FRONT) and readme.count(FRONT) > 1 else readme
    lines = body.strip().split("\n")
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    return mark_safe(MARKDOWN.render("\n".join(lines), {"files": files}))  # noqa: S308 - html is off above


def _level(token: Token) -> int:
    return min(6, max(2, int(token.tag[1:])))
