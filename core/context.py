"""What every page knows of the site: its name, the way through it, and the colours the visitor asked for."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

THEMES = {"system": "As the device", "light": "Light", "dark": "Dark"}
THEME_COOKIE = "theme"

# Label, the name of its page, the prefix under which its section lives, whether it is for staff alone.
_SECTIONS = (
    ("Search", "portal:search", "/search", False),
    ("Releases", "datasets:releases", "/releases/", False),
    ("Models", "zoo:models", "/models/", False),
    ("Runs", "runs:runs", "/runs/", False),
    ("Transparency", "portal:transparency", "/transparency", False),
    ("Desk", "portal:desk", "/desk", True),
)


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation."""

    label: str
    url: str
    active: bool


def navigation(path: str, *, staff: bool) -> list[NavItem]:
    """The sections that this installation has, the one that holds ``path`` marked."""
    items = []
    for label, name, prefix, staff_only in _SECTIONS:
        if staff_only and not staff:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:  # the app that would own it is not installed
            continue
        items.append(NavItem(label, url, path.startswith(prefix)))
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
        "navigation": navigation(request.path, staff=bool(user and user.is_staff)),
        "theme": theme_of(request),
        "themes": THEMES,
    }
