"""The summary of training content and the data card of a release; 410 where it was withdrawn."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from datasets_app import browsing
from datasets_app.cards import croissant, facts, summary
from datasets_app.views.pages import gone_if_withdrawn


def _facts(request: HttpRequest, name: str, version: str) -> facts.Facts:
    return facts.of(browsing.visible_release(name, version, request.user))


@require_safe
@gone_if_withdrawn
def training_content(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The summary as a page."""
    found = _facts(request, name, version)
    parts = [
        (f"{number}. {title}", [section for section in summary.sections(found) if section.number[0] == number])
        for number, title in summary.PARTS.items()
    ]
    context = {"release": found.release, "parts": parts, "predecessor": found.predecessor}
    return render(request, "datasets_app/cards/training_content.html", context)


@require_safe
@gone_if_withdrawn
def training_content_markdown(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The summary as a text to keep."""
    text = summary.as_markdown(_facts(request, name, version))
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="training-content-{name}-{version}.md"'
    return response


@require_safe
@gone_if_withdrawn
def training_content_json(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The summary for programs."""
    return JsonResponse(summary.as_json(_facts(request, name, version)))


@require_safe
@gone_if_withdrawn
def croissant_card(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The data card."""
    card = croissant.card(_facts(request, name, version))
    return JsonResponse(
        card, content_type="application/ld+json", json_dumps_params={"indent": 1, "ensure_ascii": False}
    )
