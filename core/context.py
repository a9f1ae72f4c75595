"""What every page knows of the site: its name, the way through it, and the colours the visitor asked for."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from core.permissions import may_any

THEMES = {"system": "As the device", "light": "Light", "dark": "Dark"}
THEME_COOKIE = "theme"

# Label, the name of its page, the prefix under which its section lives.
_SECTIONS = (
    ("Search", "portal:search", "/search"),
    ("Trace", "tracer:trace", "/trace/"),
    ("Releases", "datasets:releases", "/releases/"),
    ("Models", "zoo:models", "/models/"),
    ("Runs", "runs:runs", "/runs/"),
    ("Transparency", "portal:transparency", "/transparency"),
)
# The desk of each role: the first whose permission somebody has is theirs.
_DESKS = (
    ("portal:desk", ("portal.view_desk", "portal.review_request"), "/desk"),
    ("datasets:desk", ("datasets_app.ingest_source", "datasets_app.build_release", "datasets_app.approve_release"), ""),
    ("core:audit", ("core.view_auditentry",), "/audit"),
)


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation."""

    label: str
    url: str
    active: bool


def navigation(path: str, user: Any = None) -> list[NavItem]:
    """The sections that this installation has, the one that holds ``path`` marked; for people with a role their desk."""
    sections = list(_SECTIONS)
    if user is not None and user.is_authenticated:
        theirs = [(name, prefix) for name, permissions, prefix in _DESKS if may_any(user, *permissions)]
        sections += [("Desk", name, prefix) for name, prefix in theirs[:1]]
    items = []
    for label, name, prefix in sections:
        try:
            url = reverse(name)
        except NoReverseMatch:  # the app that would own it is not installed
            continue
        items.append(NavItem(label, url, bool(prefix) and path.startswith(prefix)))
    return items


def theme_of(request: HttpRequest) -> str:
    """``light``, ``dark``, or ``system`` where the visitor chose nothing."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name and contact, its navigation, and the theme."""
    user = getattr(request, "user", None)
    return {
        "site_name": settings.FAIRSTACK_SITE_NAME,
        "contact": settings.FAIRSTACK_CONTACT,
        "navigation": navigation(request.path, user),
        "theme": theme_of(request),
        "themes": THEMES,
    }
