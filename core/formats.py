"""Figures, sizes, spans of time and dates as people read them. Every number has its unit."""

from datetime import date, datetime, timedelta

from django.utils import timezone

MISSING = "\u2013"  # an en dash
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def size(value: int | float | None) -> str:
    """A number of bytes in decimal units, such as ``1.2 MB``; a dash for None."""
    if value is None:
        return MISSING
    amount, unit = float(value), 0
    while abs(amount) >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    if unit == 0:
        return f"{int(value)} {'byte' if value == 1 else 'bytes'}"
    return f"{amount:.0f} {_UNITS[unit]}" if abs(amount) >= 99.95 else f"{amount:.1f} {_UNITS[unit]}"


def number(value: int | float | None, places: int | None = None) -> str:
    """A number with separators: ``12,345``, ``3.142`` (four significant digits unless ``places`` says otherwise)."""
    if value is None:
        return MISSING
    if places is not None:
        return f"{value:,.{places}f}"
    if isinstance(value, float) and not value.is_integer():
        if abs(value) < 1000:
            return f"{value:.4g}"
        return f"{value:,.1f}"
    return f"{int(value):,}"


def share(value: float | None) -> str:
    """A share of one as a percentage: ``61%``, ``0.4%``, ``<0.1%``."""
    if value is None:
        return MISSING
    percent = value * 100
    if 0 < percent < 0.1:
        return "<0.1%"
    if percent and percent < 10:
        return f"{percent:.1f}%"
    return f"{percent:.0f}%" if percent >= 100 or percent < 99.5 else f"{percent:.1f}%"


def duration(value: timedelta | int | float | None) -> str:
    """A span of time given in seconds or as a timedelta: ``340 ms``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``, ``4 days``."""
    if value is None:
        return MISSING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86400 * 2:
        return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 // 60 else f"{whole // 3600} h"
    return f"{whole // 86400} days"


def relative(moment: datetime | date, now: datetime | None = None) -> str:
    """How far ``moment`` is from now: ``3 minutes ago``, ``in 6 days``, ``today``."""
    now = now or timezone.now()
    if not isinstance(moment, datetime):
        days = (moment - now.date()).days
        if abs(days) <= 1:
            return {0: "today", -1: "yesterday", 1: "tomorrow"}[days]
        seconds = days * 86400.0
    else:
        seconds = (moment - now).total_seconds()
    if abs(seconds) < 5 and isinstance(moment, datetime):
        return "just now"
    for length, unit in _SPANS:
        count = int(abs(seconds) // length)
        if count:
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "just now"


def absolute(moment: datetime | date) -> str:
    """``22 Nov 2026, 22:27 UTC``, or the date alone for a date."""
    if not isinstance(moment, datetime):
        return f"{moment.day} {moment:%b %Y}"
    utc = moment.astimezone(timezone.get_current_timezone())
    return f"{utc.day} {utc:%b %Y, %H:%M %Z}"
