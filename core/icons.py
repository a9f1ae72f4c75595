"""The icons, drawn for this site on a grid of 16: strokes of the text's own colour, so that they follow theme and tone."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_SHAPES = {
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/>',
    "copy": '<rect x="5.5" y="5.5" width="8.5" height="8.5" rx="1.5"/><path d="M3.5 10.5h-1A.5.5 0 0 1 2 10V2.5'
    'a.5.5 0 0 1 .5-.5H10a.5.5 0 0 1 .5.5v1"/>',
    "check": '<path d="m2.5 8.5 3.5 4 7.5-9"/>',
    "cross": '<path d="m3.5 3.5 9 9m0-9-9 9"/>',
    "warning": '<path d="M8 2 15 14H1z"/><path d="M8 6.5v3.5m0 1.7v.3"/>',
    "info": '<circle cx="8" cy="8" r="6.5"/><path d="M8 7.2v4.3M8 4.3v.4"/>',
    "dot": '<circle cx="8" cy="8" r="4"/>',
    "running": '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.8"/>',
    "user": '<circle cx="8" cy="5" r="3"/><path d="M2.5 14.5c.6-3.3 2.7-5 5.5-5s4.9 1.7 5.5 5"/>',
    "sun": '<circle cx="8" cy="8" r="3"/><path d="M8 1v2m0 10v2M1 8h2m10 0h2M3 3l1.5 1.500m7 7L13 13M3 13l1.5-1.500m7-7L13 3"/>',
    "moon": '<path d="M13.5 9.800A6 6 0 0 1 6.2 2.500a6 6 0 1 0 7.3 7.300z"/>',
    "system": '<rect x="1.5" y="2.5" width="13" height="8.5" rx="1"/><path d="M5 14h6m-3-3v3"/>',
    "arrow": '<path d="M2 8h11.500m-4.5-5 5 5-5 5"/>',
    "down": '<path d="m3.5 6 4.5 4.500L12.5 6"/>',
    "download": '<path d="M8 1.500v8.500m-4-3.5 4 4 4-4M2 14h12"/>',
    "file": '<path d="M3.5 1.500h6l3 3v10h-9z"/><path d="M9.5 1.500v3h3"/>',
    "folder": '<path d="M1.5 3h4.500l1.5 2h7v8.500h-13z"/>',
    "stack": '<rect x="2" y="2.5" width="9" height="3" rx=".8"/><rect x="5" y="6.5" width="9" height="3" rx=".8"/>'
    '<rect x="2" y="10.5" width="9" height="3" rx=".8"/>',
    "key": '<circle cx="5" cy="11" r="3"/><path d="m7.2 8.8 6.3-6.300M11 5l2.5 2.5"/>',
    "clock": '<circle cx="8" cy="8" r="6.5"/><path d="M8 4v4.300l3 1.7"/>',
    "shield": '<path d="M8 1.5 13.5 3.500v4.200c0 3.3-2.3 5.7-5.5 6.8-3.2-1.1-5.5-3.5-5.5-6.800V3.500z"/>',
    "bell": '<path d="M3.5 11.500V7a4.5 4.5 0 0 1 9 0v4.500l1 1h-11zM6.500 14.500h3"/>',
    "leave": '<path d="M9.5 2h-7v12h7M6 8h8.500m-3.5-3.500L14.5 8 11 11.5"/>',
    "external": '<path d="M6.5 3H3v10h10V9.500M9 2.500h4.500V7m0-4.500L7 9"/>',
}
NAMES = frozenset(_SHAPES)


def icon(name: str) -> SafeString:
    """An icon that says nothing to a screen reader: always put words beside it.

    Raises:
        KeyError: There is no icon of that name; ``NAMES`` lists them.
    """
    return format_html(
        '<svg class="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" '
        'stroke-linejoin="round" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(_SHAPES[name]),  # noqa: S308 - from the table above
    )
