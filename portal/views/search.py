"""The start page, “Am I in The Stack?”, and the catalogue. What is asked is neither logged nor kept."""

import hashlib

from django.conf import settings
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from core.errors import InvalidInput
from datasets_app import lookup
from datasets_app.models import Holding, Release
from datasets_app.query import LONGEST
from modelzoo.models import LicenceTerms, Revision
from portal import catalogue, documents, look_ups
from portal.policies import places

A_PAGE = 10


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """One box, three sentences, and quiet facts where there are any."""
    release = (
        Release.objects.filter(state="published", name=settings.FAIRSTACK_DATASET_NAME)
        .defer("recipe", "funnel", "licences")
        .order_by("-published_at")
        .first()
    )
    facts = {"release": release, "models": _models()}
    if release is not None:
        facts["repositories"] = _repositories(release)
        facts["languages"] = len(release.languages)
    return render(request, "portal/start.html", facts)


def _repositories(release: Release) -> int:
    """How many repositories are in a release: counted once, since what is published never changes."""

    def count() -> int:
        return Holding.objects.filter(release=release).count()

    key = f"repositories:{release.pk}:{release.digest_logical}:{release.published_at}"
    counted = cache.get_or_set(hashlib.sha256(key.encode()).hexdigest(), count, timeout=86_400)
    return counted or 0


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What the published releases hold of an account or a repository."""
    text = request.GET.get("q", "")
    context: dict[str, object] = {"q": text[:LONGEST]}
    status = 200
    if text.strip():
        look_ups.count(request)
        try:
            found = lookup.search(text)
        except InvalidInput as error:
            context["error"] = str(error)
            status = 400
        else:
            context["found"] = found
            context["opt_out"] = _opt_out_query(found)
    response = render(request, "portal/search.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Releases, models, licences and documents by their words."""
    text = request.GET.get("q", "")
    answer = catalogue.find(text)
    page = Paginator(answer.hits, A_PAGE).get_page(request.GET.get("page"))
    context = {"q": text[: catalogue.LONGEST], "answer": answer, "page_obj": page, "asked": bool(text.strip())}
    response = render(request, "portal/find.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@require_safe
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the documentation."""
    found = documents.by_slug(slug)
    if found is None:
        raise Http404("There is no such page.")
    return render(request, "portal/document.html", {"document": found})


@require_safe
def licence(request: HttpRequest, key: str) -> HttpResponse:
    """The newest text of a licence under which models are published here."""
    terms = LicenceTerms.objects.filter(key=key).order_by("-version").first()
    if terms is None:
        raise Http404("There is no such licence.")
    return render(request, "portal/licence.html", {"terms": terms})


def _models() -> int:
    return Revision.objects.filter(withdrawn_at=None, refs__isnull=False).values("model").distinct().count()


def _opt_out_query(found: lookup.Lookup) -> dict[str, str]:
    """What the opt-out form can begin with."""
    match = found.match
    if match is not None:
        return {"account": match.owner.login, "forge": match.owner.forge}
    forge = found.query.forge if found.query.forge in places() else ""
    return {"account": found.query.login[:100], "forge": forge}
