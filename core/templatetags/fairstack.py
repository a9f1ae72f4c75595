"""The components of the design as template tags and filters: ``{% load fairstack %}``. /style/ shows each of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import audit_trail, badges, columns, curves, formats, funnel, icons
from core.highlight import highlight

register = template.Library()
register.simple_tag(icons.icon, name="icon")
register.filter("bytes", formats.size)
register.filter("share", formats.share)
register.filter("duration", formats.duration)


@register.filter
def number(value: int | float | None, places: int | None = None) -> str:
    """``12,345``; with an argument, that many decimal places."""
    return formats.number(value, places)


@register.filter
def when(moment: datetime | date | None) -> str | SafeString:
    """An absolute ``<time>`` with the relative beside it; a dash for None."""
    if moment is None:
        return formats.MISSING
    return format_html(
        '<span class="when"><time datetime="{}">{}</time> <span class="muted">({})</span></span>',
        moment.isoformat(),
        formats.absolute(moment),
        formats.relative(moment),
    )


@register.filter
def ago(moment: datetime | date | None) -> str | SafeString:
    """The relative alone, the absolute in its ``<time>``: for narrow columns."""
    if moment is None:
        return formats.MISSING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        formats.absolute(moment),
        formats.relative(moment),
    )


@register.filter
def span(start: datetime | None, end: datetime | None) -> str:
    """How long from ``start`` to ``end``: ``{{ job.started_at|span:job.finished_at }}``; until now where ``end`` is None."""
    if start is None:
        return formats.MISSING
    return formats.duration((end or datetime.now(tz=start.tzinfo)) - start)


@register.filter
def message_tone(level: str) -> str:
    """The tone of a message of ``django.contrib.messages``."""
    return {"error": "danger", "debug": "neutral"}.get(level, level or "info")


@register.filter
def message_icon(level: str) -> str:
    """The icon of such a message."""
    return {"success": "check", "warning": "warning", "error": "cross"}.get(level, "info")


@register.simple_tag
def badge(state: str, label: str = "", tone: str = "") -> SafeString:
    """A state in its tone, with an icon and its words: never told by colour alone."""
    tone = tone or badges.tone_of(str(state))
    if tone not in badges.ICONS:
        raise ValueError(f"There is no tone “{tone}”; there are {', '.join(badges.ICONS)}.")
    words = label or badges.words_of(str(state))
    return format_html('<span class="badge badge--{}">{}{}</span>', tone, icons.icon(badges.ICONS[tone]), words)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "") -> dict[str, Any]:
    """A form's field with label, hint and errors, tied together for screen readers. ``hint`` stands in for the help text."""
    if hint:
        bound.help_text = hint
    widget = bound.field.widget
    return {
        "field": bound,
        "id": bound.auto_id,
        "single_check": isinstance(widget, forms.CheckboxInput),
        "choices": widget.use_fieldset,
        "hidden": bound.is_hidden,
    }


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm, focus: bool = True) -> dict[str, Any]:
    """All errors of a form, on top, each a link to its field. Takes the focus. Nothing where there is none."""
    errors: list[tuple[str, str]] = []
    if form.is_bound:
        errors = [("", str(text)) for text in form.non_field_errors()]
        for bound in form:
            target = bound.id_for_label or f"{bound.auto_id}_0"
            errors += [("" if bound.is_hidden else target, f"{bound.label}: {text}") for text in bound.errors]
    return {"errors": errors, "focus": focus}


@register.inclusion_tag("components/progress_bar.html")
def progress_bar(done: float | None, total: float | None, label: str, unit: str = "", tone: str = "") -> dict[str, Any]:
    """Progress with its figures. ``unit="bytes"`` shows sizes; another unit is put behind the numbers. A total of 0 or None is
    one not yet known: the figure so far is shown."""
    write = formats.size if unit == "bytes" else formats.number
    so_far = done or 0
    known = bool(total)
    words = f"{write(so_far)} of {write(total)}" if known else write(so_far)
    if unit and unit != "bytes":
        words += f" {unit}"
    part = min(1.0, so_far / total) if total else 0.0
    return {
        "label": label,
        "figures": f"{words} ({formats.share(part)})" if known else f"{words} so far",
        "known": known,
        "done": min(so_far, total) if total else so_far,
        "total": total,
        "tone": tone or ("success" if part >= 1 else ""),
    }


@register.inclusion_tag("components/bars.html")
def bars(
    rows: Iterable[Any],
    caption: str = "",
    unit: str = "",
    label_heading: str = "Name",
    value_heading: str = "Number",
) -> dict[str, Any]:
    """Bars that are at once the table of their figures.

    ``rows``: dicts or objects with ``label``, ``value`` and optionally ``share`` (of one), ``url``, ``tone``; or tuples
    ``(label, value[, share])``. Without shares they are shares of the sum. Bars are drawn against the greatest value.
    """
    read = [_bar(row) for row in rows]
    total = sum(row["value"] for row in read) or 1
    greatest = max((row["value"] for row in read), default=0) or 1
    for row in read:
        part = row["share"] if row["share"] is not None else row["value"] / total
        row["share"] = formats.share(part)
        row["width"] = f"{max(100 * row['value'] / greatest, 0.6 if row['value'] else 0):.2f}"
        row["figure"] = formats.size(row["value"]) if unit == "bytes" else formats.number(row["value"])
    return {"rows": read, "caption": caption, "label_heading": label_heading, "value_heading": value_heading}


def _bar(row: Any) -> dict[str, Any]:
    names = ("label", "value", "share", "url", "tone")
    if isinstance(row, Mapping):
        found = {name: row.get(name) for name in names}
    elif isinstance(row, Sequence):
        found = dict(zip(names, [*row, None, None, None], strict=False))
    else:
        found = {name: getattr(row, name, None) for name in names}
    return {name: found.get(name) for name in names}


@register.inclusion_tag("core/object_trail.html", takes_context=True)
def object_trail(context: Context, kind: str, key: object) -> dict[str, Any]:
    """The newest entries of the audit trail about one object, folded. For pages of the staff alone: the page has asked that."""
    return {"lines": audit_trail.of_object(kind, key), "perms": context.get("perms")}


@register.inclusion_tag("components/columns.html")
def two_part_columns(rows: Sequence[tuple[str, int, int]], title: str) -> dict[str, Any]:
    """Columns of (label, how many, how many of them good). Put the table of the same figures beside it."""
    return {"picture": columns.draw(rows), "title": title}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page, parameter: str = "page") -> dict[str, Any]:
    """The way through the pages of a list; keeps the other parts of the address."""
    query = context["request"].GET.copy()
    query.pop(parameter, None)
    rest = query.urlencode()
    return {
        "page": page,
        "prefix": f"?{rest}&{parameter}=" if rest else f"?{parameter}=",
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "gap": page.paginator.ELLIPSIS,
    }


@register.inclusion_tag("components/copy_button.html")
def copy_button(text: str, label: str = "Copy") -> dict[str, str]:
    """A button that copies ``text``. Shown only where scripts run: show the text beside it too."""
    return {"text": text, "label": label}


@register.inclusion_tag("components/code.html")
def code(
    text: str, filename: str = "", language: str = "", prefix: str = "L", marked: range = range(0)
) -> dict[str, Any]:
    """A code view of ``text``; the lines with the numbers in ``marked`` are marked."""
    return {"html": highlight(text, language, filename, prefix=prefix, marked=marked), "filename": filename}


@register.inclusion_tag("components/curves.html")
def loss_curves(
    series: Mapping[str, curves.Points],
    url: str = "",
    live: bool = False,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    x_label: str = "step",
) -> dict[str, Any]:
    """Curves of ``{name: [[step, value], ...]}``: drawn by the server, and by uPlot where scripts run and ``url`` is given.

    ``url`` answers ``{"live": bool, "series": {...}}`` (such as ``core:job-metrics``) and is read again every two seconds while
    ``live``.
    """
    return {
        "picture": curves.draw(series, labels),
        "url": url,
        "live": live,
        "title": title,
        "labels": json.dumps(dict(labels or {})),
        "x_label": x_label,
    }


@register.inclusion_tag("components/funnel.html", name="funnel")
def draw_funnel(
    stages: Iterable[tuple[str, int]],
    kept: int,
    title: str = "",
    unit: str = "",
    entry: str = "in all",
    result: str = "come out",
    switch: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A funnel with the count that leaves at each stage named beside it, and the same figures as a table.

    ``stages`` are ``(label, how much leaves)`` in order, ``kept`` is what comes out; ``unit="bytes"`` writes sizes. ``entry`` and
    ``result`` say what enters and what comes out. ``switch`` are dicts of ``label``, ``url`` and ``current``: links to the same
    funnel drawn by another measure.
    """
    return {
        "picture": funnel.draw(stages, kept, unit),
        "title": title,
        "entry": entry,
        "result": result,
        "switch": switch,
    }


@register.filter
def is_number(value: object) -> bool:
    """Whether a fact is a number (a truth is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)
