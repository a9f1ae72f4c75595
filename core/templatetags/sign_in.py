"""Buttons that lead to the forges where one can sign in."""

from typing import Any

from django import template

from core import sign_in

register = template.Library()


@register.inclusion_tag("core/forge_buttons.html", takes_context=True)
def forge_buttons(context: dict[str, Any], process: str, next_page: str = "") -> dict[str, Any]:
    """A button for each forge; nothing where none is configured. ``process`` is ``login`` or ``connect``."""
    return {
        "providers": list(sign_in.providers().values()),
        "process": process,
        "next": next_page or "",
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
    }
