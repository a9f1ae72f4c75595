"""The start page, and “Am I in The Stack?”. What is asked is neither logged nor kept."""

import hashlib

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from core.errors import InvalidInput
from datasets_app import lookup
from datasets_app.models import Holding, Release
from datasets_app.query import LONGEST
from modelzoo.models import Revision
from portal import look_ups
from portal.policies import places


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


def _models() -> int:
    return Revision.objects.filter(withdrawn_at=None, refs__isnull=False).values("model").distinct().count()


def _opt_out_query(found: lookup.Lookup) -> dict[str, str]:
    """What the opt-out form can begin with."""
    match = found.match
    if match is not None:
        return {"account": match.owner.login, "forge": match.owner.forge}
    forge = found.query.forge if found.query.forge in places() else ""
    return {"account": found.query.login[:100], "forge": forge}
