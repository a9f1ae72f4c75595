"""The search box of every page: the catalogue beside accounts and repositories. What is asked is neither logged nor kept."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from core.errors import InvalidInput
from datasets_app import prefixes
from datasets_app.pipeline import licence_full_texts
from datasets_app.pipeline.licences import is_permissive
from modelzoo.models import LicenceTerms
from portal import catalogue, documents, look_ups, recipes, spdx_licences
from portal.catalogue.question import FACETS, FIELDS, LONGEST, parse
from portal.catalogue.searching import Value
from portal.entries import KINDS

HEADINGS = {"kind": "Kind", "licence": "Licence", "language": "Language", "release": "Release"}


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """What is found for the words, with facets as links; accounts and repositories whose names begin so."""
    text = request.GET.get("q", "")
    chosen = {facet: request.GET[facet] for facet in FACETS if request.GET.get(facet)}
    context: dict[str, Any] = {"q": text[:LONGEST], "chosen": chosen, "fields": FIELDS, "kinds": KINDS}
    status = 200
    if text.strip() or chosen:
        look_ups.count(request)
        try:
            context |= _found(request, text, chosen)
        except InvalidInput as error:
            context["error"] = str(error)
            status = 400
    response = render(request, "portal/find.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _found(request: HttpRequest, text: str, chosen: dict[str, str]) -> dict[str, Any]:
    question = parse(text, chosen)
    number = request.GET.get("page", "1")
    answer = catalogue.find(question, int(number) if number.isdecimal() and len(number) < 6 else 1)
    return {
        "asked": True,
        "question": question,
        "answer": answer,
        "places": prefixes.beginning(question.name) if question.name and answer.page == 1 else None,
        "page_obj": Paginator(range(answer.count), catalogue.A_PAGE).get_page(answer.page),
        "facets": _facets(request.GET, answer.facets),
        "removed": [(_label(facet, value), _address(request.GET, facet, "")) for facet, value in question.chosen],
        "meant_address": _address(request.GET, "q", answer.meant) if answer.meant else "",
    }


def _facets(asked: QueryDict, facets: dict[str, list[Value]]) -> list[dict[str, Any]]:
    """Each facet that has a choice, its values with where each leads."""
    shown = []
    for facet, values in facets.items():
        rows = [
            (_label(facet, one.name), one, _address(asked, facet, "" if one.chosen else one.name)) for one in values
        ]
        if len(rows) > 1 or any(one.chosen for one in values):
            shown.append({"heading": HEADINGS[facet], "rows": rows})
    return shown


def _label(facet: str, value: str) -> str:
    return KINDS.get(value, value) if facet == "kind" else value


def _address(asked: QueryDict, name: str, value: str) -> str:
    """The address of this page with one part changed, from its first page."""
    query = asked.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value:
        query[name] = value
    return f"{reverse('portal:find')}?{query.urlencode()}"


@require_safe
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the documentation."""
    found = documents.by_slug(slug)
    if found is None:
        raise Http404("There is no such page.")
    return render(request, "portal/document.html", {"document": found})


@require_safe
def licence(request: HttpRequest, key: str) -> HttpResponse:
    """The newest text of a licence under which models are published here, or the text of an SPDX licence of code."""
    terms = LicenceTerms.objects.filter(key=key).order_by("-version").first()
    if terms is not None:
        return render(request, "portal/licence.html", {"terms": terms})
    if key not in licence_full_texts.known():
        raise Http404("There is no such licence.")
    context = {
        "spdx": key,
        "text": licence_full_texts.text_of(key),
        "permissive": is_permissive(key),
        "releases": spdx_licences.of_releases().get(key, {}),
    }
    return render(request, "portal/spdx_licence.html", context)


@require_safe
def recipe(request: HttpRequest, key: str) -> HttpResponse:
    """What a recipe chooses, and the releases that were made by it."""
    found = recipes.by_key(key)
    if found is None:
        raise Http404("There is no such recipe, or no published release was made by it.")
    return render(request, "portal/recipe.html", {"recipe": found})
